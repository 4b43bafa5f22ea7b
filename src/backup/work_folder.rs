//! A folder inside the data folder for files that are half done; it goes away with its owner.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::BackupError;

const SUFFIX: &str = ".partial";
/// What is older was left by a crash.
const MAX_AGE: Duration = Duration::from_secs(24 * 3_600);

/// The folder.
pub(super) struct WorkFolder(PathBuf);

impl WorkFolder {
    /// Makes one, after removing those that a crash left.
    pub(super) fn make(inside: &Path, purpose: &str) -> Result<WorkFolder, BackupError> {
        let unwritable = || format!("the folder {} cannot be written", inside.display());
        let make =
            |path: &Path| std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        make(inside).map_err(BackupError::io(unwritable()))?;
        for entry in std::fs::read_dir(inside).map_err(BackupError::io(unwritable()))?.flatten() {
            let name = entry.file_name();
            let is_ours = name
                .to_str()
                .is_some_and(|name| name.starts_with(purpose) && name.ends_with(SUFFIX));
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
            if is_ours && age.is_some_and(|age| age > MAX_AGE) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let path = inside.join(format!("{purpose}-{}{SUFFIX}", uuid::Uuid::new_v4().simple()));
        make(&path).map_err(BackupError::io(unwritable()))?;
        Ok(WorkFolder(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
