//! Turns an uploaded body into a source: a file that is whole, synced and named after its content.
//!
//! It exists so that bytes are hashed and counted once, as they arrive, and limits act at once. A
//! body that ends early leaves nothing, and nothing here looks into the bytes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

use crate::catalog::disk_error;
use crate::catalog::model::Source;
use crate::error::{Code, Error, Result};

/// Bytes hashed and written in one go, off the async threads.
const BATCH_BYTES: usize = 256 * 1024;

/// The folders of a node's own disk.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    spool: PathBuf,
    sources: PathBuf,
    exports: PathBuf,
}

/// A received file that nobody has accepted yet; removed when dropped.
#[derive(Debug)]
pub struct Spooled {
    path: PathBuf,
    sha256: String,
    size_bytes: i64,
}

impl Spooled {
    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Where the bytes are, as long as this value lives.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes.
    pub fn size_bytes(&self) -> i64 {
        self.size_bytes
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "a spool file could not be removed");
        }
    }
}

impl Folders {
    /// Makes the folders where they are missing and empties the spool: what is in it was never
    /// acknowledged.
    pub(super) fn open(data_dir: &Path) -> io::Result<Folders> {
        let folder = |name: &str| data_dir.join(name);
        let (spool, sources, exports) = (folder("spool"), folder("sources"), folder("exports"));
        let folders = Folders { spool, sources, exports };
        for folder in [&folders.spool, &folders.sources, &folders.exports] {
            fs::create_dir_all(folder)?;
        }
        for entry in fs::read_dir(&folders.spool)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(folders)
    }

    /// Where the files of exports are.
    pub(super) fn exports(&self) -> &Path {
        &self.exports
    }

    /// Where files are that the next start removes.
    pub(super) fn spool(&self) -> &Path {
        &self.spool
    }

    /// Where the bytes of a source are.
    pub(super) fn source_path(&self, sha256: &str) -> PathBuf {
        self.sources.join(sha256.get(..2).unwrap_or_default()).join(sha256)
    }

    /// Streams a body into the spool while it is hashed and counted.
    ///
    /// # Errors
    /// PAYLOAD_TOO_LARGE as soon as there is a byte too many, BAD_USER_INPUT when the body breaks
    /// off, STORAGE_UNAVAILABLE when the disk is full.
    pub(super) async fn receive<S, E>(&self, max_bytes: u64, mut body: S) -> Result<Spooled>
    where
        S: Stream<Item = std::result::Result<Bytes, E>> + Unpin + Send,
        E: std::error::Error + Send + Sync + 'static,
    {
        let mut spooled = self.new_place();
        let file = File::create_new(&spooled.path).map_err(disk_error)?;
        let mut writing = Writing::Idle(Writer { file, hasher: Sha256::new() });
        let mut batch = Vec::with_capacity(BATCH_BYTES);
        let mut n_bytes: u64 = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|error| {
                Error::bad_input(
                    "The upload broke off before its end. Nothing was changed; send the file again.",
                )
                .caused_by(error)
            })?;
            n_bytes = n_bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if n_bytes > max_bytes {
                return Err(too_large(max_bytes));
            }
            batch.extend_from_slice(&chunk);
            if batch.len() >= BATCH_BYTES {
                let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_BYTES));
                writing = writing.write(full).await?;
            }
        }
        let writer = writing.write(batch).await?.idle().await?;
        spooled.sha256 = off_thread(move || writer.finish()).await?;
        spooled.size_bytes = i64::try_from(n_bytes).unwrap_or(i64::MAX);
        Ok(spooled)
    }

    /// Takes in a file of this machine, which stays as it is: one of our spool by a second name,
    /// any other as a copy, because its owner may change it.
    ///
    /// # Errors
    /// NOT_FOUND when it cannot be opened, PAYLOAD_TOO_LARGE, STORAGE_UNAVAILABLE.
    pub(super) async fn take_file(&self, max_bytes: u64, path: &Path) -> Result<Spooled> {
        let is_ours = path.parent() == Some(self.spool.as_path());
        let mut spooled = self.new_place();
        let (from, to) = (path.to_owned(), spooled.path.clone());
        let work = move || -> Result<Spooled> {
            let mut file = File::open(&from).map_err(|error| unreadable(&from, error))?;
            let mut copy = if is_ours {
                fs::hard_link(&from, &to).map_err(disk_error)?;
                None
            } else {
                Some(File::create_new(&to).map_err(disk_error)?)
            };
            let mut hasher = Sha256::new();
            let mut n_bytes: u64 = 0;
            let mut batch = vec![0; BATCH_BYTES];
            loop {
                let n_read = file.read(&mut batch).map_err(|error| unreadable(&from, error))?;
                let Some(read) = batch.get(..n_read).filter(|read| !read.is_empty()) else { break };
                n_bytes += u64::try_from(n_read).unwrap_or(u64::MAX);
                if n_bytes > max_bytes {
                    return Err(too_large(max_bytes));
                }
                hasher.update(read);
                if let Some(copy) = &mut copy {
                    copy.write_all(read).map_err(disk_error)?;
                }
            }
            copy.as_ref().unwrap_or(&file).sync_all().map_err(disk_error)?;
            spooled.sha256 = hex(hasher);
            spooled.size_bytes = i64::try_from(n_bytes).unwrap_or(i64::MAX);
            Ok(spooled)
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }

    fn new_place(&self) -> Spooled {
        let name = uuid::Uuid::now_v7().simple().to_string();
        Spooled { path: self.spool.join(name), sha256: String::new(), size_bytes: 0 }
    }

    /// Gives a spooled file its lasting name; the same content is kept once.
    pub(super) async fn keep(&self, spooled: Spooled, file_name: &str) -> Result<Source> {
        let source = Source {
            sha256: spooled.sha256.clone(),
            file_name: label_of(file_name),
            size_bytes: spooled.size_bytes,
        };
        let target = self.source_path(&source.sha256);
        let sources = self.sources.clone();
        off_thread(move || {
            let folder = target.parent().unwrap_or(&sources);
            if !folder.try_exists()? {
                fs::create_dir_all(folder)?;
                File::open(&sources)?.sync_all()?;
            }
            // A file of that name is whole: it was synced before it was named.
            if !target.try_exists()? {
                fs::rename(&spooled.path, &target)?;
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        })
        .await?;
        Ok(source)
    }

    /// Removes the sources that no workspace keeps; gives how many.
    pub(super) fn sweep(&self, is_kept: impl Fn(&str) -> bool) -> io::Result<usize> {
        let mut n_removed = 0;
        for folder in fs::read_dir(&self.sources)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in fs::read_dir(folder.path())? {
                let entry = entry?;
                if !entry.file_name().to_str().is_some_and(&is_kept) {
                    fs::remove_file(entry.path())?;
                    n_removed += 1;
                }
            }
        }
        Ok(n_removed)
    }
}

/// The file being written and the hash of what was.
struct Writer {
    file: File,
    hasher: Sha256,
}

impl Writer {
    fn write(mut self, batch: &[u8]) -> io::Result<Writer> {
        self.hasher.update(batch);
        self.file.write_all(batch)?;
        Ok(self)
    }

    fn finish(self) -> io::Result<String> {
        self.file.sync_all()?;
        Ok(hex(self.hasher))
    }
}

fn hex(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One batch is written while the next one arrives.
enum Writing {
    Idle(Writer),
    Busy(JoinHandle<io::Result<Writer>>),
}

impl Writing {
    async fn idle(self) -> Result<Writer> {
        match self {
            Writing::Idle(writer) => Ok(writer),
            Writing::Busy(work) => joined(work).await,
        }
    }

    async fn write(self, batch: Vec<u8>) -> Result<Writing> {
        let writer = self.idle().await?;
        Ok(Writing::Busy(tokio::task::spawn_blocking(move || writer.write(&batch))))
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    joined(tokio::task::spawn_blocking(work)).await
}

async fn joined<T>(work: JoinHandle<io::Result<T>>) -> Result<T> {
    match work.await {
        Ok(done) => done.map_err(disk_error),
        Err(panic) => Err(Error::internal(panic)),
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::not_found(format!("The file {} cannot be read: {error}.", path.display()))
        .caused_by(error)
}

fn too_large(max_bytes: u64) -> Error {
    Error::new(
        Code::PayloadTooLarge,
        format!(
            "The file has more than {max_bytes} bytes, the largest upload allowed. Send a smaller file, or raise the limit (max_upload_bytes)."
        ),
    )
}

/// A file name as a label: its last component, as [`tidy`] text.
pub(super) fn label_of(file_name: &str) -> String {
    tidy(file_name.rsplit(['/', '\\']).next().unwrap_or_default())
}

/// A text as a label: without control characters, of bearable length, never empty.
pub(super) fn tidy(text: &str) -> String {
    const MAX_CHARS: usize = 255;
    let text: String = text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect();
    match text.trim() {
        "" => "upload".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures_util::stream;

    use super::*;

    type Chunk = std::result::Result<Bytes, io::Error>;

    fn body(chunks: Vec<Chunk>) -> impl Stream<Item = Chunk> + Unpin + Send {
        stream::iter(chunks)
    }

    fn spool_is_empty(folders: &Folders) -> bool {
        fs::read_dir(&folders.spool).unwrap().next().is_none()
    }

    #[tokio::test]
    async fn a_body_is_hashed_counted_and_kept_once() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::open(folder.path()).unwrap();
        for _ in 0..2 {
            let chunks = (0..200).map(|_| Ok(Bytes::from(vec![b'x'; 4_000]))).collect();
            let spooled = folders.receive(1 << 20, body(chunks)).await.unwrap();
            let expect = Sha256::digest(vec![b'x'; 800_000]);
            let expect: String = expect.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((spooled.sha256(), spooled.size_bytes()), (expect.as_str(), 800_000));
            let source = folders.keep(spooled, "../../etc/a\u{7}b.csv").await.unwrap();
            assert_eq!(source.file_name, "ab.csv");
            let path = folders.source_path(&source.sha256);
            assert_eq!(fs::metadata(path).unwrap().len(), 800_000);
            assert!(spool_is_empty(&folders));
        }
        assert_eq!(folders.sweep(|_| true).unwrap(), 0);
        assert_eq!(folders.sweep(|_| false).unwrap(), 1);
    }

    #[tokio::test]
    async fn a_byte_too_many_or_a_broken_body_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::open(folder.path()).unwrap();
        let exact = body(vec![Ok(Bytes::from_static(b"1234567890"))]);
        drop(folders.receive(10, exact).await.unwrap());
        let long = body(vec![Ok(Bytes::from_static(b"1234567890")), Ok(Bytes::from_static(b"1"))]);
        let error = folders.receive(10, long).await.unwrap_err();
        assert_eq!(error.code, Code::PayloadTooLarge);
        let cut = body(vec![
            Ok(Bytes::from(vec![0; BATCH_BYTES * 2])),
            Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        ]);
        let error = folders.receive(1 << 30, cut).await.unwrap_err();
        assert_eq!(error.code, Code::BadUserInput);
        assert!(spool_is_empty(&folders));
    }

    #[tokio::test]
    async fn a_file_is_copied_unless_it_is_ours() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::open(folder.path()).unwrap();
        let (ours, theirs) = (folders.spool.join("ours"), folder.path().join("theirs"));
        for (path, n_names) in [(&ours, 2), (&theirs, 1)] {
            fs::write(path, "a,b\n").unwrap();
            let spooled = folders.take_file(4, path).await.unwrap();
            let expect = hex(Sha256::new_with_prefix("a,b\n"));
            assert_eq!((spooled.sha256(), spooled.size_bytes()), (expect.as_str(), 4));
            assert_eq!(fs::metadata(path).unwrap().nlink(), n_names);
            assert_eq!(fs::read(&spooled.path).unwrap(), b"a,b\n");
            drop(spooled);
            let error = folders.take_file(3, path).await.unwrap_err();
            assert_eq!(error.code, Code::PayloadTooLarge);
            assert!(path.try_exists().unwrap());
        }
        let error = folders.take_file(3, &folder.path().join("none")).await.unwrap_err();
        assert_eq!(error.code, Code::NotFound);
    }

    #[tokio::test]
    async fn the_start_empties_the_spool() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("spool")).unwrap();
        fs::write(folder.path().join("spool/left"), "x").unwrap();
        assert!(spool_is_empty(&Folders::open(folder.path()).unwrap()));
    }
}
