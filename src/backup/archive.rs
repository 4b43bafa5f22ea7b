//! The format of an archive: a tar file in zstd, each member with its SHA-256.
//!
//! The first member tells what the archive is of, the last one lists all others, so that both are
//! written in one pass and an archive that was cut off is known by its missing end. Members have
//! few possible names; a reader takes no others, whatever an archive says.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::BackupError;
use crate::catalog::hex;

/// The version of the format; a reader takes this one and older ones.
const FORMAT: u32 = 1;
const HEADER: &str = "header.json";
const MANIFEST: &str = "manifest.json";
/// The settings without secrets, for people.
pub(super) const SETTINGS: &str = "settings.json";
/// The secrets, sealed by age.
pub(super) const SECRETS: &str = "secrets.age";
/// The embedded store's catalog.
pub(super) const CATALOG: &str = "catalog.db";
/// What names the data folder among the nodes of a catalog.
pub(super) const NODE: &str = "node";
/// Facts of a catalog on PostgreSQL.
pub(super) const FACTS: &str = "facts.json";
/// The folder of dataset files.
pub(super) const DATASETS: &str = "datasets/";
/// The folder of uploaded files.
pub(super) const SOURCES: &str = "sources/";
/// The folder of the parts of a dump.
pub(super) const DUMP: &str = "dump/";
/// Most bytes of the members that are read into memory.
const MAX_TEXT_BYTES: u64 = 256 << 20;
const ZSTD_LEVEL: i32 = 3;

/// What an archive is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The version of the format.
    pub format: u32,
    /// The release that made it.
    pub sluice: String,
    /// Whose rows it holds.
    pub store: StoreKind,
    /// When it was begun, RFC 3339.
    pub created_at: String,
    /// The migrations that its catalog has seen, oldest first.
    pub migrations: Vec<String>,
    /// Tells whether a salt of API keys is the one that its keys were made with.
    pub salt_tag: Option<String>,
}

/// The kinds of stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// The embedded store.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl StoreKind {
    /// For people.
    pub fn shown(self) -> &'static str {
        match self {
            StoreKind::Sqlite => "the embedded store",
            StoreKind::Postgres => "PostgreSQL",
        }
    }
}

/// What an archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    /// Its members, in their order.
    pub files: Vec<Member>,
    /// The tables of datasets, old versions included.
    pub tables: Vec<Table>,
}

/// A member of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Its name.
    pub path: String,
    /// Its size before compression.
    pub size_bytes: u64,
    /// Of its bytes, hexadecimal digits.
    pub sha256: String,
}

/// A table of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    /// The workspace's name.
    pub workspace: String,
    /// The dataset's name.
    pub dataset: String,
    /// Names the table in the store.
    pub storage: String,
    /// Whether it is the dataset's present version.
    pub is_present: bool,
    /// Its rows.
    pub n_rows: i64,
    /// Of its rows, whatever their order; where the table is no member of its own.
    pub checksum: Option<String>,
}

impl Contents {
    /// Rows of the present versions.
    pub fn n_rows(&self) -> i64 {
        self.tables.iter().filter(|table| table.is_present).map(|table| table.n_rows).sum()
    }

    /// Datasets.
    pub fn n_datasets(&self) -> usize {
        self.tables.iter().filter(|table| table.is_present).count()
    }

    /// Bytes before compression.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size_bytes).sum()
    }

    /// Whether it has a member of this name.
    pub fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }
}

impl Summary {
    /// Of an archive that is begun now.
    pub(super) fn new(
        store: StoreKind,
        migrations: Vec<String>,
        salt_tag: Option<String>,
    ) -> Summary {
        let sluice = env!("CARGO_PKG_VERSION").to_owned();
        let created_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Summary { format: FORMAT, sluice, store, created_at, migrations, salt_tag }
    }
}

/// An archive that is being written.
pub(super) struct Writer<W: Write> {
    tar: tar::Builder<zstd::Encoder<'static, W>>,
    files: Vec<Member>,
}

impl<W: Write> Writer<W> {
    /// Begins one.
    pub(super) fn begin(out: W, summary: &Summary) -> io::Result<Writer<W>> {
        let mut encoder = zstd::Encoder::new(out, ZSTD_LEVEL)?;
        encoder.include_checksum(true)?;
        let mut writer = Writer { tar: tar::Builder::new(encoder), files: Vec::new() };
        writer.add_bytes(HEADER, &serde_json::to_vec_pretty(summary)?)?;
        Ok(writer)
    }

    /// Adds a member.
    pub(super) fn add_bytes(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.add(path, bytes.len() as u64, bytes)
    }

    /// Adds a file of the machine as it is now.
    pub(super) fn add_file(&mut self, path: &str, file: &Path) -> io::Result<()> {
        let mut file = std::fs::File::open(file)?;
        let n_bytes = file.metadata()?.len();
        self.add(path, n_bytes, &mut file)
    }

    fn add(&mut self, path: &str, n_bytes: u64, content: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(n_bytes);
        header.set_mode(0o600);
        header.set_entry_type(tar::EntryType::Regular);
        // A file that grows meanwhile is cut where it was; one that shrinks is an error.
        let mut content = Hashing::new(content.take(n_bytes));
        self.tar.append_data(&mut header, path, &mut content)?;
        if content.n_bytes != n_bytes {
            return Err(io::Error::other(format!("{path} shrank while it was read")));
        }
        let sha256 = hex(&content.hasher.finalize());
        self.files.push(Member { path: path.to_owned(), size_bytes: n_bytes, sha256 });
        Ok(())
    }

    /// Ends it with the list of its members; gives what was written to, and that list.
    pub(super) fn finish(mut self, tables: Vec<Table>) -> io::Result<(W, Contents)> {
        let contents = Contents { files: std::mem::take(&mut self.files), tables };
        self.add_bytes(MANIFEST, &serde_json::to_vec_pretty(&contents)?)?;
        let out = self.tar.into_inner()?.finish()?;
        Ok((out, contents))
    }
}

/// Takes the members of an archive that is being read.
pub(super) trait Sink {
    /// A member; what of it is not read is skipped. Its hash is not known to be right before the
    /// end.
    fn member(&mut self, path: &str, content: &mut dyn Read) -> Result<(), BackupError>;
}

/// Reads an archive from its start to its end; every hash was right if this gives no error.
pub(super) fn read(
    input: impl Read,
    sink: &mut dyn Sink,
) -> Result<(Summary, Contents), BackupError> {
    let decoder = zstd::Decoder::new(input).map_err(|_| cut_off())?;
    let mut tar = tar::Archive::new(decoder);
    let mut summary: Option<Summary> = None;
    let mut contents: Option<Contents> = None;
    let mut found: Vec<Member> = Vec::new();
    for entry in tar.entries().map_err(|_| cut_off())? {
        let mut entry = entry.map_err(|_| cut_off())?;
        let path = entry.path().map_err(|_| cut_off())?.to_string_lossy().into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular || contents.is_some() {
            return Err(BackupError::Damaged(format!("it has a member {path:?} that none has")));
        }
        if path == MANIFEST {
            contents = Some(parse(&read_text(&mut entry)?)?);
            continue;
        }
        let mut content = Hashing::new(&mut entry);
        match (&summary, path.as_str()) {
            (None, HEADER) => {
                let read: Summary = parse(&read_text(&mut content)?)?;
                if read.format > FORMAT {
                    let sluice = &read.sluice;
                    return Err(BackupError::TooNew(format!(
                        "the archive was made by Sluice {sluice} in a newer format"
                    )));
                }
                summary = Some(read);
            }
            (Some(_), path) if is_known(path) => sink.member(path, &mut content)?,
            _ => {
                return Err(BackupError::Damaged(format!(
                    "it has a member {path:?} that none has"
                )));
            }
        }
        io::copy(&mut content, &mut io::sink()).map_err(|_| cut_off())?;
        found.push(Member {
            path,
            size_bytes: content.n_bytes,
            sha256: hex(&content.hasher.finalize()),
        });
    }
    let (Some(summary), Some(contents)) = (summary, contents) else { return Err(cut_off()) };
    for (is, should) in found.iter().zip(&contents.files) {
        if is != should {
            return Err(BackupError::Damaged(format!("{} is not what was written", should.path)));
        }
    }
    if found.len() != contents.files.len() {
        return Err(cut_off());
    }
    Ok((summary, contents))
}

/// Whether an archive may have a member of this name.
fn is_known(path: &str) -> bool {
    let is_hex = |text: &str, n: usize| {
        text.len() == n && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    match path {
        SETTINGS | SECRETS | CATALOG | NODE | FACTS => true,
        _ => {
            let dataset = path.strip_prefix(DATASETS).and_then(|name| name.strip_suffix(".db"));
            let source = path.strip_prefix(SOURCES).and_then(|name| name.split_once('/'));
            let part = path.strip_prefix(DUMP);
            dataset.is_some_and(|id| is_hex(id, 32))
                || source.is_some_and(|(start, hash)| is_hex(hash, 64) && hash.starts_with(start))
                || part.is_some_and(|n| n.len() == 8 && n.bytes().all(|b| b.is_ascii_digit()))
        }
    }
}

fn read_text(content: &mut dyn Read) -> Result<Vec<u8>, BackupError> {
    let mut text = Vec::new();
    content.take(MAX_TEXT_BYTES).read_to_end(&mut text).map_err(|_| cut_off())?;
    Ok(text)
}

fn parse<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, BackupError> {
    serde_json::from_slice(text)
        .map_err(|e| BackupError::Damaged(format!("its list of members cannot be read ({e})")))
}

fn cut_off() -> BackupError {
    BackupError::Damaged("it cannot be unpacked to its end".to_owned())
}

/// Counts and hashes what is read through it.
struct Hashing<R> {
    inner: R,
    hasher: Sha256,
    n_bytes: u64,
}

impl<R> Hashing<R> {
    fn new(inner: R) -> Hashing<R> {
        Hashing { inner, hasher: Sha256::new(), n_bytes: 0 }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..n).unwrap_or_default());
        self.n_bytes += n as u64;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Kept(Vec<(String, Vec<u8>)>);

    impl Sink for Kept {
        fn member(&mut self, path: &str, content: &mut dyn Read) -> Result<(), BackupError> {
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes).map_err(|_| cut_off())?;
            self.0.push((path.to_owned(), bytes));
            Ok(())
        }
    }

    fn archive_of(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let summary = Summary::new(StoreKind::Sqlite, vec!["m0001".to_owned()], None);
        let mut writer = Writer::begin(Vec::new(), &summary).unwrap();
        for (path, bytes) in members {
            writer.add_bytes(path, bytes).unwrap();
        }
        writer.finish(Vec::new()).unwrap().0
    }

    #[test]
    fn what_is_written_is_read() {
        let source = format!("sources/ab/ab{}", "0".repeat(62));
        let members = [(CATALOG, vec![7; 100_000]), (&source, Vec::new()), (NODE, b"n".to_vec())];
        let bytes = archive_of(&members);
        let mut kept = Kept::default();
        let (summary, contents) = read(bytes.as_slice(), &mut kept).unwrap();
        assert_eq!(summary.store, StoreKind::Sqlite);
        assert_eq!(contents.files.len(), 4, "{contents:?}");
        let expected: Vec<_> =
            members.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.clone())).collect();
        assert_eq!(kept.0, expected);
    }

    #[test]
    fn other_members_are_refused() {
        for path in [
            "../../etc/passwd",
            "/etc/passwd",
            "datasets/../catalog.db",
            "datasets/x.db",
            "sources/ab/../../x",
            "secrets/api_key_salt",
            "dump/0000001",
        ] {
            assert!(!is_known(path), "{path}");
        }
        assert!(is_known("dump/00000001") && is_known(&format!("datasets/{}.db", "0a".repeat(16))));
        let other = archive_of(&[("lock", b"x".to_vec())]);
        let refused = read(other.as_slice(), &mut Kept::default());
        assert!(matches!(refused, Err(BackupError::Damaged(_))), "{refused:?}");
    }

    proptest! {
        #[test]
        fn damage_is_never_taken(at: proptest::sample::Index, flip in 1..=255_u8, is_cut: bool) {
            let noise: Vec<u8> = (0..5_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
            let good = archive_of(&[(CATALOG, noise), (NODE, b"node".to_vec())]);
            let mut bytes = good.clone();
            let position = at.index(bytes.len());
            if is_cut {
                bytes.truncate(position);
            } else {
                bytes[position] ^= flip;
            }
            let mut kept = Kept::default();
            if let Ok((_, contents)) = read(bytes.as_slice(), &mut kept) {
                // A few bits of a frame's header mean nothing; then all is as it was.
                let mut whole = Kept::default();
                let (_, expected) = read(good.as_slice(), &mut whole).unwrap();
                prop_assert_eq!(contents, expected);
                prop_assert_eq!(kept.0, whole.0);
            }
        }
    }
}
