//! Writes the log to a file that is set aside when it is old or large; some of those are kept.
//!
//! The file is `sluice.log`, the one before `sluice.log.1`, and so on. A line is written whole, by
//! one thread at a time, so none is lost or torn when the file is exchanged. What cannot be written
//! goes to standard error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::config::LogRotation;

/// The log is for its owner and the group that may read logs.
const MODE: u32 = 0o640;

/// The file that is written to, for all threads.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    rotation: LogRotation,
    n_kept: usize,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    size_bytes: u64,
    /// The hour or day that its lines are of.
    period: u64,
}

impl LogFile {
    /// Goes on with the file, or begins it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn open(path: &Path, rotation: LogRotation, n_kept: usize) -> io::Result<LogFile> {
        // A file without lines is of now.
        let written = fs::metadata(path).ok().filter(|it| it.len() > 0);
        let written = written.and_then(|it| it.modified().ok()).unwrap_or_else(SystemTime::now);
        let file = append(path)?;
        let size_bytes = file.metadata()?.len();
        let open = Open { file, size_bytes, period: period(rotation, written) };
        Ok(LogFile { path: path.to_owned(), rotation, n_kept, open: Mutex::new(open) })
    }

    /// Writes one line, or several, whole.
    pub fn write(&self, line: &[u8]) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let n_bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        let now = period(self.rotation, SystemTime::now());
        let is_full = match self.rotation {
            LogRotation::Size(most) => {
                open.size_bytes > 0 && open.size_bytes.saturating_add(n_bytes) > most
            }
            _ => open.period != now,
        };
        if is_full {
            if let Err(error) = self.rotate(&mut open) {
                complain(&format!("{} cannot be set aside: {error}", self.path.display()));
            }
            // Also where it failed, so that not each line tries again.
            open.period = now;
            open.size_bytes = 0;
        }
        open.size_bytes = open.size_bytes.saturating_add(n_bytes);
        if let Err(error) = open.file.write_all(line) {
            complain(&format!("{} cannot be written: {error}", self.path.display()));
            let _ = io::stderr().write_all(line);
        }
    }

    /// Opens the file of this name again, which is another one if somebody has moved it.
    pub fn reopen(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        match append(&self.path).and_then(|file| Ok((file.metadata()?.len(), file))) {
            Ok((size_bytes, file)) => {
                open.file = file;
                open.size_bytes = size_bytes;
            }
            Err(error) => complain(&format!("{} cannot be opened: {error}", self.path.display())),
        }
    }

    fn rotate(&self, open: &mut Open) -> io::Result<()> {
        if self.n_kept == 0 {
            fs::remove_file(&self.path)?;
        }
        for n in (1..=self.n_kept).rev() {
            let from = if n == 1 { self.path.clone() } else { self.numbered(n - 1) };
            match fs::rename(&from, self.numbered(n)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        open.file = append(&self.path)?;
        Ok(())
    }

    fn numbered(&self, n: usize) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{n}"));
        PathBuf::from(name)
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(MODE).open(path)
}

/// The hour or day of a time, by UTC.
fn period(rotation: LogRotation, time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    match rotation {
        LogRotation::Daily => since / 86_400,
        LogRotation::Hourly => since / 3_600,
        LogRotation::Never | LogRotation::Size(_) => 0,
    }
}

fn complain(sentence: &str) {
    let _ = writeln!(io::stderr(), "sluice: {sentence}");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// All lines of the file and those set aside, oldest first.
    fn lines(path: &Path) -> Vec<String> {
        let numbered = |n: usize| PathBuf::from(format!("{}.{n}", path.display()));
        let aside = (1..).map(numbered).take_while(|path| path.is_file());
        let mut files: Vec<PathBuf> = aside.collect();
        files.insert(0, path.to_owned());
        let texts = files.iter().rev().map(|path| fs::read_to_string(path).unwrap());
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn no_line_is_lost_or_torn_while_files_change() {
        const N_THREADS: usize = 8;
        const N_LINES: usize = 2_000;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sluice.log");
        let log = LogFile::open(&path, LogRotation::Size(4_096), 10_000).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..N_THREADS {
                let log = &log;
                scope.spawn(move || {
                    for n in 0..N_LINES {
                        log.write(format!("{thread} {n} {}\n", "x".repeat(n % 90)).as_bytes());
                        if n % 500 == 0 {
                            log.reopen();
                        }
                    }
                });
            }
        });
        let found = lines(&path);
        assert_eq!(found.len(), N_THREADS * N_LINES);
        let mut next = [0; N_THREADS];
        for line in found {
            let mut words = line.split(' ');
            let mut number = || words.next().unwrap().parse::<usize>().unwrap();
            let (thread, n) = (number(), number());
            assert_eq!(n, next[thread], "in order");
            assert_eq!(words.next().unwrap().len(), n % 90, "whole");
            next[thread] += 1;
        }
        assert!(fs::read_dir(folder.path()).unwrap().count() > 100);
    }

    #[test]
    fn only_so_many_files_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sluice.log");
        for n_kept in [3, 0] {
            let log = LogFile::open(&path, LogRotation::Size(10), n_kept).unwrap();
            (0..20).for_each(|n| log.write(format!("line {n:04}\n").as_bytes()));
            let found = lines(&path);
            let n_lines = found.len();
            assert_eq!(found.last().unwrap(), "line 0019");
            // What was set aside with the larger number before stays.
            assert_eq!(n_lines, 4, "{found:?}");
        }
    }

    #[test]
    fn a_file_of_another_day_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sluice.log");
        fs::write(&path, "yesterday\n").unwrap();
        let day = Duration::from_secs(86_400);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(SystemTime::now() - day)
            .unwrap();
        LogFile::open(&path, LogRotation::Never, 3).unwrap().write(b"never\n");
        assert_eq!(lines(&path), ["yesterday", "never"]);
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(SystemTime::now() - day)
            .unwrap();
        let log = LogFile::open(&path, LogRotation::Daily, 3).unwrap();
        log.write(b"today\n");
        log.write(b"still\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "today\nstill\n");
        assert_eq!(lines(&path).len(), 4);
    }

    #[test]
    fn who_moves_the_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sluice.log");
        let log = LogFile::open(&path, LogRotation::Never, 0).unwrap();
        log.write(b"one\n");
        let moved = folder.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        log.write(b"two\n");
        log.reopen();
        log.write(b"three\n");
        assert_eq!(fs::read_to_string(moved).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(path).unwrap(), "three\n");
    }
}
