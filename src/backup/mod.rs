//! Turns a store into one archive, beside a running server, and an archive into a store.
//!
//! An archive holds the catalog, the rows of all datasets, the uploaded files and the settings
//! without their secrets, each with its SHA-256. It is a picture of one moment: what was
//! acknowledged before is in it, and a commit is in it whole or not at all. Nothing here knows
//! requests; the command line and the schedule call it.

mod age_box;
pub mod archive;
mod error;
mod facts;
mod make;
pub mod place;
mod postgres;
mod restore;
mod schedule;
mod snapshot;
mod work_folder;

use serde::{Deserialize, Serialize};

pub use self::age_box::{Opener, Sealer};
pub use self::archive::{Contents, Summary};
pub use self::error::BackupError;
pub use self::make::{Made, Options, make};
pub use self::place::Place;
pub use self::postgres::dump_program;
pub use self::restore::{Drill, Restored, drill, restore, verify};
pub use self::schedule::Scheduler;

/// The fact that tells of the last archive that was made.
pub const LAST_BACKUP: &str = "backup_last";
/// The fact that tells of the last time that none could be made.
pub const LAST_FAILURE: &str = "backup_failure";

/// What the catalog remembers of the last archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastBackup {
    /// When it was complete, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Where it is.
    pub archive: String,
    /// Its size.
    pub size_bytes: u64,
}

/// What the catalog remembers of the last failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastFailure {
    /// When it was, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Why, one sentence.
    pub message: String,
}
