//! Where archives are kept: a folder, or a bucket that speaks S3.
//!
//! An archive appears under its name when it is complete, or not at all. Names hold the time, so
//! that what is old is known without asking anybody.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::BackupError;

const PREFIX: &str = "sluice-";
const SUFFIX: &str = ".tar.zst";
const TIME: &str = "%Y%m%dT%H%M%SZ";
const SCHEME: &str = "s3://";

/// A place of archives.
#[derive(Clone, Debug)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket, and what comes before the names in it.
    Bucket {
        /// Speaks to it.
        store: Arc<dyn ObjectStore>,
        /// What comes before the names.
        prefix: Key,
        /// As it was written.
        shown: String,
    },
}

/// An archive in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// When it was begun, as its name tells, microseconds since 1970 UTC.
    pub at_us: i64,
}

/// The name of an archive that is begun at this time.
pub(super) fn name_at(time: jiff::Timestamp) -> String {
    format!("{PREFIX}{}{SUFFIX}", time.strftime(TIME))
}

/// When the archive of this name was begun; nothing for other names.
fn time_of(name: &str) -> Option<i64> {
    let time = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let time = jiff::civil::DateTime::strptime(TIME, time).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}

impl Place {
    /// The place of an address: a folder, or `s3://bucket/prefix` with the key and the endpoint in
    /// the variables that the tools of AWS read (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …).
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(address: &str) -> Result<Place, BackupError> {
        let bad = || BackupError::BadPlace(address.to_owned());
        let Some(rest) = address.strip_prefix(SCHEME) else {
            if address.is_empty() || address.contains("://") {
                return Err(bad());
            }
            return Ok(Place::Folder(PathBuf::from(address)));
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(bad());
        }
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        if builder.get_config_value(&AmazonS3ConfigKey::Region).is_none() {
            builder = builder.with_region("us-east-1");
        }
        let store = builder
            .build()
            .map_err(|source| BackupError::Away { place: address.to_owned(), source })?;
        let prefix = Key::parse(prefix.trim_matches('/')).map_err(|_| bad())?;
        Ok(Place::Bucket { store: Arc::new(store), prefix, shown: address.to_owned() })
    }

    /// The place and the name of an archive's address; the newest one of a place when the address
    /// is that of a folder or ends with a slash.
    ///
    /// # Errors
    /// When there is none.
    pub async fn of_archive(address: &str) -> Result<(Place, String), BackupError> {
        let is_place = match address.strip_prefix(SCHEME) {
            Some(rest) => rest.ends_with('/') || !rest.ends_with(SUFFIX),
            None => Path::new(address).is_dir(),
        };
        if is_place {
            return Self::newest(address).await;
        }
        let (place, name) = match address.rsplit_once('/') {
            Some(("", name)) => ("/", name),
            Some((place, name)) => (place, name),
            None => (".", address),
        };
        Ok((Place::parse(place)?, name.to_owned()))
    }

    /// A place and the name of its newest archive.
    ///
    /// # Errors
    /// When there is none.
    pub async fn newest(address: &str) -> Result<(Place, String), BackupError> {
        let place = Place::parse(address)?;
        let newest = place.list().await?.pop();
        let found = newest.ok_or_else(|| BackupError::NoArchive(address.to_owned()))?;
        Ok((place, found.name))
    }

    /// The address of an archive, for people and for `sluice restore`.
    pub fn address_of(&self, name: &str) -> String {
        match self {
            Place::Folder(folder) => folder.join(name).display().to_string(),
            Place::Bucket { shown, .. } => format!("{}/{name}", shown.trim_end_matches('/')),
        }
    }

    /// Its archives, the newest last; other files are left out.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn list(&self) -> Result<Vec<Found>, BackupError> {
        let names: Vec<String> = match self {
            Place::Folder(folder) => {
                let doing = format!("the folder {} cannot be read", folder.display());
                let entries = std::fs::read_dir(folder).map_err(BackupError::io(doing))?;
                entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
            }
            Place::Bucket { store, prefix, .. } => {
                let listed = store.list(Some(prefix));
                let found: Vec<_> = listed.try_collect().await.map_err(|e| self.away(e))?;
                let is_direct = |key: &Key| key.parts_count() == prefix.parts_count() + 1;
                let found = found.into_iter().filter(|it| is_direct(&it.location));
                found.filter_map(|it| it.location.filename().map(str::to_owned)).collect()
            }
        };
        let mut found: Vec<Found> = names
            .into_iter()
            .filter_map(|name| Some(Found { at_us: time_of(&name)?, name }))
            .collect();
        found.sort_by(|one, other| (one.at_us, &one.name).cmp(&(other.at_us, &other.name)));
        Ok(found)
    }

    /// Removes archives that were begun longer ago than this; the newest one stays. Gives their
    /// names.
    ///
    /// # Errors
    /// When the place cannot be read or written.
    pub async fn forget_older(&self, than: Duration) -> Result<Vec<String>, BackupError> {
        let mut found = self.list().await?;
        found.pop();
        let than_us = i64::try_from(than.as_micros()).unwrap_or(i64::MAX);
        let limit_us = crate::catalog::now_us().saturating_sub(than_us);
        let mut removed = Vec::new();
        for old in found.into_iter().filter(|it| it.at_us < limit_us) {
            match self {
                Place::Folder(folder) => std::fs::remove_file(folder.join(&old.name))
                    .map_err(BackupError::io(format!("{} cannot be removed", old.name)))?,
                Place::Bucket { store, prefix, .. } => {
                    let key = prefix.clone().join(old.name.as_str());
                    store.delete(&key).await.map_err(|e| self.away(e))?;
                }
            }
            removed.push(old.name);
        }
        Ok(removed)
    }

    /// Begins an archive; it is there once [`Draft::keep`] has been called. Blocks its thread.
    ///
    /// # Errors
    /// When the place cannot be written.
    pub(super) fn create(
        &self,
        name: &str,
        runtime: &Handle,
        stop: Arc<AtomicBool>,
    ) -> Result<Draft, BackupError> {
        match self {
            Place::Folder(folder) => {
                use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
                let doing = || format!("the folder {} cannot be written", folder.display());
                std::fs::DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(folder)
                    .map_err(BackupError::io(doing()))?;
                let draft = folder.join(format!("{name}.partial"));
                let file = File::options()
                    .create(true)
                    .truncate(true)
                    .write(true)
                    .mode(0o600)
                    .open(&draft)
                    .map_err(BackupError::io(doing()))?;
                let kept = folder.join(name);
                let inner = Inner::File { file, draft, kept, is_kept: false };
                Ok(Draft { n_bytes: 0, stop, inner })
            }
            Place::Bucket { store, prefix, .. } => {
                let key = prefix.clone().join(name);
                let writer = BufWriter::new(Arc::clone(store), key);
                let (place, runtime) = (self.clone(), runtime.clone());
                Ok(Draft {
                    n_bytes: 0,
                    stop,
                    inner: Inner::Object { writer: Some(Box::new(writer)), place, runtime },
                })
            }
        }
    }

    /// The bytes of an archive. Blocks its thread while it is read.
    ///
    /// # Errors
    /// When it is not there.
    pub(super) async fn open(&self, name: &str) -> Result<Box<dyn Read + Send>, BackupError> {
        match self {
            Place::Folder(folder) => {
                let path = folder.join(name);
                let doing = format!("{} cannot be read", path.display());
                let file = File::open(&path).map_err(BackupError::io(doing))?;
                Ok(Box::new(io::BufReader::with_capacity(1 << 20, file)))
            }
            Place::Bucket { store, prefix, .. } => {
                let key = prefix.clone().join(name);
                let found = store.get(&key).await.map_err(|e| self.away(e))?;
                let bytes = StreamReader::new(found.into_stream().map_err(io::Error::other));
                Ok(Box::new(SyncIoBridge::new(bytes)))
            }
        }
    }

    fn away(&self, source: object_store::Error) -> BackupError {
        BackupError::Away { place: self.address_of("").trim_end_matches('/').to_owned(), source }
    }
}

/// An archive that is being written; nothing of it stays unless it is kept.
pub(super) struct Draft {
    n_bytes: u64,
    stop: Arc<AtomicBool>,
    inner: Inner,
}

enum Inner {
    File { file: File, draft: PathBuf, kept: PathBuf, is_kept: bool },
    Object { writer: Option<Box<BufWriter>>, place: Place, runtime: Handle },
}

impl Draft {
    /// Makes it last under its name; gives its size.
    pub(super) fn keep(mut self) -> Result<u64, BackupError> {
        match &mut self.inner {
            Inner::File { file, draft, kept, is_kept } => {
                let doing = format!("{} cannot be written", kept.display());
                file.sync_all()
                    .and_then(|()| std::fs::rename(&*draft, &*kept))
                    .and_then(|()| match kept.parent() {
                        Some(folder) => File::open(folder)?.sync_all(),
                        None => Ok(()),
                    })
                    .map_err(BackupError::io(doing))?;
                *is_kept = true;
            }
            Inner::Object { writer, place, runtime } => {
                if let Some(mut writer) = writer.take() {
                    runtime.block_on(writer.shutdown()).map_err(|e| {
                        let place = place.address_of("");
                        BackupError::io(format!("{place} does not take the archive"))(e)
                    })?;
                }
            }
        }
        Ok(self.n_bytes)
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was given up"));
        }
        let n = match &mut self.inner {
            Inner::File { file, .. } => file.write(bytes)?,
            Inner::Object { writer: Some(writer), runtime, .. } => {
                runtime.block_on(writer.write(bytes))?
            }
            Inner::Object { writer: None, .. } => 0,
        };
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        match &mut self.inner {
            Inner::File { draft, is_kept, .. } => {
                if !*is_kept {
                    let _ = std::fs::remove_file(draft);
                }
            }
            Inner::Object { writer, runtime, .. } => {
                if let Some(mut writer) = writer.take() {
                    // Parts that were sent are paid for until they are given up.
                    let _ = runtime.block_on(writer.abort());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn names_hold_the_time() {
        let time: jiff::Timestamp = "2026-11-26T07:04:21Z".parse().unwrap();
        let name = name_at(time);
        assert_eq!(name, "sluice-20261126T070421Z.tar.zst");
        assert_eq!(time_of(&name), Some(time.as_microsecond()));
        for other in ["sluice-x.tar.zst", "sluice-20261126T070421Z.tar.zst.partial", "notes.txt"] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }

    #[test]
    fn addresses_are_folders_or_buckets() {
        assert!(matches!(Place::parse("/srv/backups"), Ok(Place::Folder(_))));
        let bucket = Place::parse("s3://box/a/b/").unwrap();
        assert_eq!(bucket.address_of("x"), "s3://box/a/b/x");
        for bad in ["", "s3://", "s3:///x", "ftp://host/x"] {
            assert!(matches!(Place::parse(bad), Err(BackupError::BadPlace(_))), "{bad}");
        }
    }

    #[tokio::test]
    async fn old_archives_go_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::parse(folder.path().to_str().unwrap()).unwrap();
        let now = jiff::Timestamp::now();
        let day = jiff::SignedDuration::from_hours(24);
        let names: Vec<String> = [40, 31, 29].map(|n| name_at(now - day * n)).to_vec();
        for name in names.iter().map(String::as_str).chain(["notes.txt"]) {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let month = Duration::from_secs(30 * 24 * 3_600);
        assert_eq!(place.forget_older(month).await.unwrap(), names[..2]);
        assert_eq!(place.forget_older(Duration::ZERO).await.unwrap(), Vec::<String>::new());
        assert_eq!(place.list().await.unwrap().len(), 1);
        assert!(folder.path().join("notes.txt").is_file());
    }
}
