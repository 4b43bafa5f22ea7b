//! Turns the check of a workbook's largest part into one that runs just ahead of the parser, on a thread of its own.
//! It exists because unpacking a large sheet once more, only to be sure of it, takes time in which it could be parsed.
//! It never lets the parser see packed bytes that were not unpacked and counted before (but for what buffers hold).

use std::fs::File;
use std::io::{Error, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// How far the check is.
#[derive(Default)]
struct Progress {
    /// Whether the part's bytes are what is read now.
    is_begun: bool,
    /// Bytes of the file before this place are checked.
    checked_to: u64,
    /// Whether the part has merged cells; none when it was refused.
    outcome: Option<Option<bool>>,
    /// Nobody wants to know any more.
    is_unwanted: bool,
}

/// A part that is checked while it is read.
pub(crate) struct Ahead {
    /// Where its packed bytes are in the file.
    bytes: Range<u64>,
    progress: Mutex<Progress>,
    moved: Condvar,
}

impl Ahead {
    pub(crate) fn new(bytes: Range<u64>) -> Self {
        let progress = Progress { checked_to: bytes.start, ..Progress::default() };
        Self { bytes, progress: Mutex::new(progress), moved: Condvar::new() }
    }

    /// Waits until the check has ended, and tells whether the part has merged cells.
    pub(crate) fn has_merged_cells(&self) -> bool {
        let ended = |progress: &Progress| progress.outcome.is_some();
        self.wait_for(ended).outcome.flatten().unwrap_or_default()
    }

    /// Ends the check, which is told as an error of reading.
    pub(crate) fn give_up(&self) {
        self.lock().is_unwanted = true;
    }

    /// Tells how the check ended.
    pub(crate) fn end(&self, has_merged_cells: Option<bool>) {
        self.lock().outcome = Some(has_merged_cells);
        self.moved.notify_all();
    }

    /// Says that from now on the bytes of the part are read, in order.
    pub(crate) fn begin(&self) {
        self.lock().is_begun = true;
    }

    /// Says that all before a place is checked.
    fn advance(&self, checked_to: u64) -> std::io::Result<()> {
        let mut progress = self.lock();
        if progress.is_unwanted {
            return Err(Error::other("the check of a workbook was given up"));
        }
        // The end of the file, where its members are listed, is looked for in any of its bytes.
        if progress.is_begun && checked_to > progress.checked_to {
            progress.checked_to = checked_to;
            self.moved.notify_all();
        }
        Ok(())
    }

    /// Returns how many of `n` bytes at a place may be read now, once there is one.
    fn allowed(&self, at: u64, n: u64) -> std::io::Result<u64> {
        if at < self.bytes.start {
            return Ok(n.min(self.bytes.start - at));
        }
        if at >= self.bytes.end {
            return Ok(n);
        }
        let is_known = |progress: &Progress| progress.checked_to > at || progress.outcome.is_some();
        let progress = self.wait_for(is_known);
        match progress.outcome {
            Some(Some(_)) => Ok(n),
            Some(None) => Err(Error::other("the part is refused")),
            None => Ok(n.min(progress.checked_to - at)),
        }
    }

    fn wait_for(&self, is_known: impl Fn(&Progress) -> bool) -> MutexGuard<'_, Progress> {
        let waited = self.moved.wait_while(self.lock(), |progress| !is_known(progress));
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file as the check reads it: asking for more bytes says that those before are unpacked.
pub(crate) struct CheckedFile<'a> {
    pub(crate) file: File,
    pub(crate) ahead: &'a Ahead,
}

impl Read for CheckedFile<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.ahead.advance(self.file.stream_position()?)?;
        self.file.read(out)
    }
}

impl Seek for CheckedFile<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

/// The file as the parser reads it: never beyond what is checked.
pub(crate) struct FollowingFile {
    file: File,
    at: u64,
    ahead: Option<Arc<Ahead>>,
}

impl FollowingFile {
    /// Follows a check, if there is one.
    pub(crate) fn new(file: File, ahead: Option<Arc<Ahead>>) -> Self {
        Self { file, at: 0, ahead }
    }
}

impl Read for FollowingFile {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n_wanted = match &self.ahead {
            Some(ahead) => {
                let n = u64::try_from(out.len()).unwrap_or(u64::MAX);
                usize::try_from(ahead.allowed(self.at, n)?).unwrap_or(out.len())
            }
            None => out.len(),
        };
        let n_read = self.file.read(out.get_mut(..n_wanted).unwrap_or_default())?;
        self.at += u64::try_from(n_read).unwrap_or_default();
        Ok(n_read)
    }
}

impl Seek for FollowingFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.at = self.file.seek(to)?;
        Ok(self.at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use std::io::Write;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn nothing_is_read_before_it_is_checked() {
        let ahead = Arc::new(Ahead::new(4..8));
        let mut following = FollowingFile::new(file(b"0123456789"), Some(Arc::clone(&ahead)));
        let mut out = [0; 10];
        assert_eq!(following.read(&mut out).unwrap(), 4);
        // What stands behind the part is free.
        following.seek(SeekFrom::Start(8)).unwrap();
        assert_eq!(following.read(&mut out).unwrap(), 2);
        following.seek(SeekFrom::Start(4)).unwrap();
        std::thread::scope(|scope| {
            let reading = scope.spawn(|| following.read(&mut out).unwrap());
            let mut checked = CheckedFile { file: file(b"0123456789"), ahead: &ahead };
            checked.seek(SeekFrom::Start(6)).unwrap();
            assert_eq!(checked.read(&mut [0; 3]).unwrap(), 3);
            checked.seek(SeekFrom::Start(4)).unwrap();
            ahead.begin();
            // The first question says nothing, the second that what the first one gave is checked.
            assert_eq!(checked.read(&mut [0; 3]).unwrap(), 3);
            assert!(!reading.is_finished());
            assert_eq!(checked.read(&mut [0; 1]).unwrap(), 1);
            assert_eq!(reading.join().unwrap(), 3);
        });
        ahead.end(Some(true));
        assert!(ahead.has_merged_cells());
        assert_eq!(following.read(&mut out).unwrap(), 3);
    }

    #[test]
    fn what_is_refused_cannot_be_read_and_what_nobody_wants_is_not_checked() {
        let ahead = Arc::new(Ahead::new(0..4));
        let mut following = FollowingFile::new(file(b"0123"), Some(Arc::clone(&ahead)));
        ahead.give_up();
        let mut checked = CheckedFile { file: file(b"0123"), ahead: &ahead };
        assert!(checked.read(&mut [0; 4]).is_err());
        ahead.end(None);
        assert!(following.read(&mut [0; 4]).is_err());
        assert!(!ahead.has_merged_cells());
    }
}
