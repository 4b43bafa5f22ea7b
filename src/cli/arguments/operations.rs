//! The commands of those who operate a server: checks, migrations, backups, secrets, figures.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::StoreFlags;

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// Looks as for a server for strangers, whatever the setting env says
    #[arg(long)]
    pub(in crate::cli) deploy: bool,
    /// Prints JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Migrate {
    #[command(subcommand)]
    pub(in crate::cli) command: MigrateCommand,
    /// Prints JSON
    #[arg(long, global = true)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum MigrateCommand {
    /// Tells what the catalog has seen, and what a start would do
    Status,
    /// Does what a start would do
    Up,
    /// Undoes migrations, so that an older release can start; the server must be stopped
    Down {
        /// The last migration that stays: the last one that the older release lists
        #[arg(long, value_name = "MIGRATION")]
        to: String,
        /// Does it: what later migrations added is lost
        #[arg(long)]
        yes: bool,
    },
    /// Lists the migrations that this release knows, oldest first; opens nothing
    List,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Backup {
    /// Where to: a folder, or s3://bucket/prefix [default: the setting backup.to]
    #[arg(long, value_name = "DIR|URL")]
    pub(in crate::cli) to: Option<String>,
    /// Removes archives there that are older, like 30d; the newest one stays [default: the setting
    /// backup.keep]
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) keep: Option<String>,
    /// Leaves the uploaded files out; nothing can be read anew then
    #[arg(long)]
    pub(in crate::cli) no_sources: bool,
    /// Puts the secrets in, sealed by age for --recipient or --passphrase-file
    #[arg(long)]
    pub(in crate::cli) include_secrets: bool,
    /// Whom the secrets are sealed for: a public key of age (repeat for more)
    #[arg(long, value_name = "age1…", requires = "include_secrets")]
    pub(in crate::cli) recipient: Vec<String>,
    /// A file whose first line is a passphrase to seal the secrets with
    #[arg(long, value_name = "FILE", requires = "include_secrets", conflicts_with = "recipient")]
    pub(in crate::cli) passphrase_file: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Restore {
    /// The archive: a file or s3://…; the newest one of a folder or of s3://…/
    #[arg(value_name = "ARCHIVE")]
    pub(in crate::cli) archive: String,
    /// Checks the archive and the target, tells what would be done, and does nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// The private key of age that opens the secrets, as age-keygen writes it
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) identity: Option<PathBuf>,
    /// A file whose first line is the passphrase that opens the secrets
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    pub(in crate::cli) passphrase_file: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// The archive: a file or s3://…; the newest one of a folder or of s3://…/
    #[arg(value_name = "ARCHIVE")]
    pub(in crate::cli) archive: String,
    /// Prints JSON, with every member
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Drill {
    /// The archive; the newest one of the setting backup.to if left out
    #[arg(value_name = "ARCHIVE")]
    pub(in crate::cli) archive: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Secrets {
    #[command(subcommand)]
    pub(in crate::cli) command: SecretsCommand,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SecretsCommand {
    /// Makes a new secret key; what was signed with the last ones is still taken
    Rotate {
        /// Makes a new salt of API keys, too: every key ends, and a new admin key is printed
        #[arg(long)]
        api_key_salt: bool,
        /// Ends every key without being asked again
        #[arg(long, requires = "api_key_salt")]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Audit {
    /// The workspace [default: the server's first]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) workspace: Option<String>,
    /// Only what happened since, like 24h or 7d
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub(in crate::cli) since: String,
    /// Only what this one did: the prefix of a key, or the subject of a token
    #[arg(long, value_name = "ACTOR")]
    pub(in crate::cli) actor: Option<String>,
    /// Only this action, like revokeKey or signIn
    #[arg(long, value_name = "ACTION")]
    pub(in crate::cli) action: Option<String>,
    /// Lines, the newest ones
    #[arg(long, value_name = "LINES", default_value_t = 1000)]
    pub(in crate::cli) limit: u64,
    /// Prints JSON, one line each
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Stats {
    /// What nobody asked for in this time is unused, like 30d
    #[arg(long, value_name = "TIME", default_value = "30d")]
    pub(in crate::cli) unused: String,
    /// Asks this running server for its slow requests, too
    #[arg(long = "to", value_name = "URL")]
    pub(in crate::cli) url: Option<String>,
    /// An admin key of that server
    #[arg(long, value_name = "KEY", env = "SLUICE_KEY", hide_env_values = true)]
    pub(in crate::cli) key: Option<String>,
    /// Prints JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(super) store: StoreFlags,
}
