//! Turns the first bytes of a file into what it is: a table in some form, or something that is told by its name.
//! It exists because names lie, and who sends a picture by mistake wants to hear that it is one.
//! It never reads more than a head.

use memchr::memmem;

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Empty,
    Gzip,
    Zstd,
    Zip,
    /// The container of .xls, and of workbooks with a password.
    Compound,
    Parquet,
    Other {
        what: &'static str,
        remedy: &'static str,
    },
}

const EXPORT: &str = "export the table as CSV or Excel and send that";
const PACK: &str = "send it as zip or gzip, or the files themselves";
const UNPACK: &str = "send it as gzip or zstd, or the file itself";
const DOWNLOAD: &str = "download the data itself (the link may have asked for a login), or open the page in a \
                        spreadsheet program and save it as .xlsx";

/// First bytes, what they tell, and what to do.
const OTHERS: &[(&[u8], &str, &str)] = &[
    (b"%PDF", "a PDF document", EXPORT),
    (b"\x89PNG", "a PNG image", EXPORT),
    (b"\xFF\xD8\xFF", "a JPEG image", EXPORT),
    (b"GIF8", "a GIF image", EXPORT),
    (b"II*\0", "a TIFF image", EXPORT),
    (b"MM\0*", "a TIFF image", EXPORT),
    (b"RIFF", "an image, a sound or a video", EXPORT),
    (b"ID3\x03", "a sound", EXPORT),
    (b"OggS\0", "a sound or a video", EXPORT),
    (b"\x7FELF", "an executable", EXPORT),
    (b"MZ\x90", "an executable", EXPORT),
    (b"\xCA\xFE\xBA\xBE", "an executable", EXPORT),
    (b"SQLite format 3\0", "an SQLite database", "export its tables as CSV, one file each"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive", PACK),
    (b"Rar!\x1A\x07", "a RAR archive", PACK),
    (b"BZh", "a bzip2 file", UNPACK),
    (b"\xFD7zXZ\0", "an xz file", UNPACK),
    (b"ARROW1\0", "an Arrow file", "write it as Parquet or CSV"),
    (b"Obj\x01", "an Avro file", "write it as Parquet or CSV"),
    (b"\x89HDF", "an HDF5 file", "write it as Parquet or CSV"),
    (b"PARE", "an encrypted Parquet file", "write it without encryption"),
    (b"{\\rtf", "a rich text document", EXPORT),
    (b"\xFF\xFE\0\0", "a text in UTF-32", "save it as UTF-8"),
    (b"\0\0\xFE\xFF", "a text in UTF-32", "save it as UTF-8"),
];

/// Tells what a file is.
pub(crate) fn kind_of(head: &[u8]) -> Kind {
    if head.is_empty() {
        return Kind::Empty;
    }
    if head.starts_with(b"\x1F\x8B") {
        return Kind::Gzip;
    }
    if head.starts_with(b"\x28\xB5\x2F\xFD") {
        return Kind::Zstd;
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Kind::Zip;
    }
    if head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        return Kind::Compound;
    }
    if head.starts_with(b"PAR1") {
        return Kind::Parquet;
    }
    let at = |place: usize, bytes: &[u8]| head.get(place..place + bytes.len()) == Some(bytes);
    let found = OTHERS.iter().find(|(magic, ..)| head.starts_with(magic));
    let other = match found {
        Some((_, what, remedy)) => Some((*what, *remedy)),
        None if head.starts_with(b"BM") && at(6, &[0; 4]) => Some(("a bitmap image", EXPORT)),
        None if at(4, b"ftyp") => Some(("a video", EXPORT)),
        None if at(257, b"ustar") => Some(("a tar archive", PACK)),
        None => markup(head),
    };
    other.map_or(Kind::Text, |(what, remedy)| Kind::Other { what, remedy })
}

/// Tells which kind of markup a text is, if it is one.
fn markup(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    if start.first() != Some(&b'<') {
        return None;
    }
    let lower = start.get(..start.len().min(4_096)).unwrap_or_default().to_ascii_lowercase();
    let begins = |words: &[&[u8]]| words.iter().any(|word| lower.starts_with(word));
    if memmem::find(&lower, b"urn:schemas-microsoft-com:office:spreadsheet").is_some() {
        let remedy = "open it in a spreadsheet program, save it as .xlsx and send that";
        return Some(("a spreadsheet in the XML of Excel 2003", remedy));
    }
    if begins(&[b"<!doctype", b"<html", b"<head", b"<body", b"<table", b"<script"]) {
        return Some(("a web page (HTML)", DOWNLOAD));
    }
    // A header may stand in such brackets (`<DATE>,<OPEN>`), but nothing closes them.
    let closes = memmem::find(&lower, b"</").is_some() || memmem::find(&lower, b"/>").is_some();
    (closes || begins(&[b"<?xml", b"<!--"])).then_some(("an XML or HTML document", EXPORT))
}

/// Tells what a packed file is that cannot be read where it stands.
pub(crate) fn inner_kind(head: &[u8]) -> Option<(&'static str, &'static str)> {
    let is_workbook = |head: &[u8]| {
        memmem::find(head, b"[Content_Types].xml").is_some() || memmem::find(head, b"xl/").is_some()
    };
    match kind_of(head) {
        Kind::Compound => Some(("a packed workbook", "send the workbook itself")),
        Kind::Zip if is_workbook(head) => Some(("a packed workbook", "send the workbook itself")),
        Kind::Parquet => Some(("a packed Parquet file", "send the Parquet file itself")),
        Kind::Zip | Kind::Gzip | Kind::Zstd => {
            Some(("an archive inside an archive", "unpack the outer one and send what is inside"))
        }
        Kind::Other { what, remedy } => Some((what, remedy)),
        Kind::Text | Kind::Empty => None,
    }
}
