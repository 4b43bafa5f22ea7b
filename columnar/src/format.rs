//! How columns lie in a file, written down once for who writes it and who reads it.
//!
//! ```text
//! head        64 bytes: magic, byte order, format
//! blocks      of chunk 0: row numbers, column 0, column 1, …; of chunk 1: …
//! blocks      of dictionaries: column by column
//! directory   for each column: kind, number of texts of the dictionary, its entry
//!             for each chunk: number of rows, entry of the row numbers, entries of the columns
//! trailer     96 bytes: see `Trailer`
//! ```
//!
//! Blocks, the directory and the trailer begin at multiples of 64 bytes; what is between them is
//! zero. The directory and all that is not text are words of 64 bits or arrays of numbers, as the
//! machine that wrote them has them in memory; another byte order makes a foreign file.
//!
//! A block holds a column of a chunk in up to three parts, one right after the other:
//!
//! | part | there | bytes |
//! |---|---|---|
//! | nulls: a bit for each row, the lowest first, set where the value is missing | where some are missing | 8 for every 64 rows begun |
//! | numbers: offsets from the smallest value, doubles, places in the dictionary, or ends of texts | but where all are zero or count up | 0, 1, 2, 4 or 8 for each row |
//! | texts, one right after the other | of texts | `n_bytes` |
//!
//! An entry says where a block is and what it holds. It has six words:
//!
//! | word | holds |
//! |---|---|
//! | 0 | form (byte 0), width (byte 1), whether it is ASCII or has a negative zero (byte 2), number of missing values (upper half) |
//! | 1 | place in the file |
//! | 2 | `n_bytes`: bytes of texts |
//! | 3 | smallest value that is not missing (whole numbers and doubles) |
//! | 4 | largest |
//! | 5 | CRC-32 of the block |

use crate::Kind;
use crate::chunk::MAX_ROWS;

/// What a file begins and its trailer ends with.
pub(crate) const MAGIC: u64 = u64::from_ne_bytes(*b"SLUICOL\n");

/// Reads otherwise in another byte order.
pub(crate) const BYTE_ORDER: u64 = 0x0102_0304_0506_0708;

/// Grows when files are written in another way; files of another format are made anew.
pub(crate) const FORMAT: u64 = 1;

/// Where blocks begin.
pub(crate) const ALIGNMENT: u64 = 64;

/// Words of an entry.
pub(crate) const ENTRY_WORDS: usize = 6;

/// Words of the directory for a column.
pub(crate) const COLUMN_WORDS: usize = 2 + ENTRY_WORDS;

/// Words of the trailer.
pub(crate) const TRAILER_WORDS: usize = 12;

/// Bytes of the head.
pub(crate) const HEAD_BYTES: u64 = 64;

/// Bytes of the trailer.
pub(crate) const TRAILER_BYTES: u64 = TRAILER_WORDS as u64 * 8;

/// How many bytes a number takes, or how it is known without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Zero,
    Steps,
    One,
    Two,
    Four,
    Eight,
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Whole(Width),
    Float,
    Coded(Width),
    Text,
}

/// Where a block is and what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) form: Form,
    /// Of texts: all is ASCII. Of doubles: one is a negative zero.
    pub(crate) flag: bool,
    pub(crate) n_nulls: u32,
    pub(crate) place: u64,
    pub(crate) n_bytes: u64,
    /// The smallest and the largest, as bits.
    pub(crate) min: u64,
    pub(crate) max: u64,
    pub(crate) crc: u32,
}

/// The parts of a block, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) nulls: usize,
    pub(crate) numbers: usize,
    pub(crate) texts: usize,
}

/// The end of a file: its words in order, then the CRC-32 of these and [`MAGIC`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trailer {
    pub(crate) identity: [u8; 16],
    pub(crate) version: i64,
    pub(crate) n_rows: u64,
    pub(crate) n_columns: u64,
    pub(crate) n_chunks: u64,
    pub(crate) directory_place: u64,
    pub(crate) directory_bytes: u64,
    pub(crate) directory_crc: u32,
}

/// What the directory says.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) kinds: Vec<Kind>,
    /// For each column, the number of texts of its dictionary and where it is.
    pub(crate) dictionaries: Vec<(usize, Entry)>,
    /// Rows of each chunk.
    pub(crate) chunks: Vec<usize>,
    /// For each chunk, the entry of its row numbers and those of its columns.
    pub(crate) entries: Vec<Entry>,
}

impl Width {
    fn n_bytes(self) -> usize {
        match self {
            Width::Zero | Width::Steps => 0,
            Width::One => 1,
            Width::Two => 2,
            Width::Four => 4,
            Width::Eight => 8,
        }
    }
}

/// Widths by their number.
const WIDTHS: [Width; 6] =
    [Width::Zero, Width::Steps, Width::One, Width::Two, Width::Four, Width::Eight];

impl Form {
    fn to_bytes(self) -> [u8; 2] {
        let number = |width| (0..).zip(WIDTHS).find(|(_, one)| *one == width);
        let number = |width| number(width).map_or(0, |(number, _)| number);
        match self {
            Form::Whole(width) => [0, number(width)],
            Form::Float => [1, 0],
            Form::Coded(width) => [2, number(width)],
            Form::Text => [3, 0],
        }
    }

    fn from_bytes(form: u8, width: u8) -> Option<Form> {
        let width = *WIDTHS.get(usize::from(width))?;
        match form {
            0 => Some(Form::Whole(width)),
            1 => Some(Form::Float),
            2 if !matches!(width, Width::Steps | Width::Eight) => Some(Form::Coded(width)),
            3 => Some(Form::Text),
            _ => None,
        }
    }

    fn is_of(self, kind: Kind) -> bool {
        match self {
            Form::Whole(_) => kind == Kind::Whole,
            Form::Float => kind == Kind::Float,
            Form::Coded(_) | Form::Text => kind == Kind::Text,
        }
    }
}

impl Entry {
    pub(crate) fn to_words(self) -> [u64; ENTRY_WORDS] {
        let [form, width] = self.form.to_bytes();
        let word = u64::from(form)
            | u64::from(width) << 8
            | u64::from(self.flag) << 16
            | u64::from(self.n_nulls) << 32;
        [word, self.place, self.n_bytes, self.min, self.max, u64::from(self.crc)]
    }

    pub(crate) fn from_words(words: &[u64]) -> Option<Entry> {
        let &[word, place, n_bytes, min, max, crc] = words else { return None };
        let [form, width, flag, 0, n_nulls @ ..] = word.to_le_bytes() else { return None };
        Some(Entry {
            form: Form::from_bytes(form, width)?,
            flag: flag == 1,
            n_nulls: u32::from_le_bytes(n_nulls),
            place,
            n_bytes,
            min,
            max,
            crc: u32::try_from(crc).ok()?,
        })
    }

    /// The parts of the block, if it has this many rows (or texts).
    pub(crate) fn parts(&self, n_rows: usize) -> Option<Parts> {
        let each = match self.form {
            Form::Whole(width) | Form::Coded(width) => width.n_bytes(),
            Form::Float => 8,
            Form::Text => 4,
        };
        Some(Parts {
            nulls: if self.n_nulls == 0 { 0 } else { n_rows.div_ceil(64) * 8 },
            numbers: n_rows.checked_mul(each)?,
            texts: usize::try_from(self.n_bytes).ok()?,
        })
    }

    /// Whether this can be a block of so many rows that ends before `end`.
    fn is_sound(&self, n_rows: usize, end: u64) -> bool {
        let Some(parts) = self.parts(n_rows) else { return false };
        let length = (parts.nulls as u64).checked_add(parts.numbers as u64);
        let block_end = length
            .and_then(|length| length.checked_add(self.n_bytes))
            .and_then(|length| length.checked_add(self.place));
        let has_texts = self.form == Form::Text;
        self.n_nulls as usize <= n_rows
            && self.place.is_multiple_of(ALIGNMENT)
            && self.place >= HEAD_BYTES
            && block_end.is_some_and(|block_end| block_end <= end)
            && (has_texts && self.n_bytes <= u64::from(u32::MAX) || self.n_bytes == 0)
    }

    /// Whether these can be the numbers of so many rows that follow `last`.
    fn is_rows(&self, n_rows: usize, last: Option<i64>) -> bool {
        let (first, max) = (self.min.cast_signed(), self.max.cast_signed());
        let n_steps = n_rows as u64 - 1;
        let is_wide_enough = match self.form {
            Form::Whole(Width::Zero) => n_rows == 1 && first == max,
            Form::Whole(Width::Steps) => first.checked_add_unsigned(n_steps) == Some(max),
            Form::Whole(_) => first.checked_add_unsigned(n_steps).is_some_and(|end| end <= max),
            _ => false,
        };
        is_wide_enough && self.n_nulls == 0 && last.is_none_or(|last| last < first)
    }
}

impl Trailer {
    pub(crate) fn to_words(self) -> [u64; TRAILER_WORDS] {
        let half = u64::from_ne_bytes;
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.identity;
        let mut words = [
            half([a, b, c, d, e, f, g, h]),
            half(rest),
            self.version.cast_unsigned(),
            self.n_rows,
            self.n_columns,
            self.n_chunks,
            self.directory_place,
            self.directory_bytes,
            u64::from(self.directory_crc),
            FORMAT,
            0,
            MAGIC,
        ];
        let crc = Trailer::crc(&words);
        if let Some(word) = words.get_mut(TRAILER_WORDS - 2) {
            *word = u64::from(crc);
        }
        words
    }

    pub(crate) fn from_words(words: &[u64]) -> Option<Trailer> {
        let &[
            a,
            b,
            version,
            n_rows,
            n_columns,
            n_chunks,
            place,
            n_bytes,
            directory_crc,
            format,
            crc,
            magic,
        ] = words
        else {
            return None;
        };
        if magic != MAGIC || format != FORMAT || crc != u64::from(Trailer::crc(words)) {
            return None;
        }
        let mut identity = [0; 16];
        let bytes = a.to_ne_bytes().into_iter().chain(b.to_ne_bytes());
        identity.iter_mut().zip(bytes).for_each(|(byte, read)| *byte = read);
        Some(Trailer {
            identity,
            version: version.cast_signed(),
            n_rows,
            n_columns,
            n_chunks,
            directory_place: place,
            directory_bytes: n_bytes,
            directory_crc: u32::try_from(directory_crc).ok()?,
        })
    }

    /// Of all words but the last two.
    pub(crate) fn crc(words: &[u64]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        for word in words.iter().take(TRAILER_WORDS - 2) {
            hasher.update(&word.to_ne_bytes());
        }
        hasher.finalize()
    }
}

pub(crate) fn kind_to_word(kind: Kind) -> u64 {
    match kind {
        Kind::Whole => 0,
        Kind::Float => 1,
        Kind::Text => 2,
    }
}

fn kind_from_word(word: u64) -> Option<Kind> {
    [Kind::Whole, Kind::Float, Kind::Text].into_iter().find(|kind| kind_to_word(*kind) == word)
}

impl Directory {
    /// Reads a directory, of which all is doubted: its words must be as many as the trailer's
    /// numbers make, its blocks must be of the columns' kinds and end before it, its chunks must
    /// have rows that follow one another, and as many as the trailer says.
    pub(crate) fn from_words(words: &[u64], trailer: &Trailer) -> Option<Directory> {
        let n_columns = usize::try_from(trailer.n_columns).ok()?;
        let n_chunks = usize::try_from(trailer.n_chunks).ok()?;
        let chunk_words = n_columns.checked_add(1)?.checked_mul(ENTRY_WORDS)?.checked_add(1)?;
        let columns_words = n_columns.checked_mul(COLUMN_WORDS)?;
        let expected = n_chunks.checked_mul(chunk_words)?.checked_add(columns_words)?;
        if words.len() != expected {
            return None;
        }
        let end = trailer.directory_place;
        let (columns, chunks) = words.split_at_checked(columns_words)?;

        let mut directory = Directory {
            kinds: Vec::with_capacity(n_columns),
            dictionaries: Vec::with_capacity(n_columns),
            chunks: Vec::with_capacity(n_chunks),
            entries: Vec::with_capacity(n_chunks * (n_columns + 1)),
        };
        for column in columns.chunks_exact(COLUMN_WORDS) {
            let [kind, n_texts, entry @ ..] = column else { return None };
            let (entry, n_texts) = (Entry::from_words(entry)?, usize::try_from(*n_texts).ok()?);
            if entry.form != Form::Text || entry.n_nulls != 0 || !entry.is_sound(n_texts, end) {
                return None;
            }
            directory.kinds.push(kind_from_word(*kind)?);
            directory.dictionaries.push((n_texts, entry));
        }

        let (mut n_rows_all, mut last) = (0_u64, None);
        for chunk in chunks.chunks_exact(chunk_words) {
            let (n_rows, entries) = chunk.split_first()?;
            let n_rows = usize::try_from(*n_rows).ok()?;
            if n_rows == 0 || n_rows > MAX_ROWS {
                return None;
            }
            for (place, entry) in entries.chunks_exact(ENTRY_WORDS).enumerate() {
                let entry = Entry::from_words(entry)?;
                let fits = match place.checked_sub(1) {
                    None => entry.is_rows(n_rows, last),
                    Some(column) => entry.form.is_of(*directory.kinds.get(column)?),
                };
                if !fits || !entry.is_sound(n_rows, end) {
                    return None;
                }
                if place == 0 {
                    last = Some(entry.max.cast_signed());
                }
                directory.entries.push(entry);
            }
            directory.chunks.push(n_rows);
            n_rows_all += n_rows as u64;
        }
        (n_rows_all == trailer.n_rows).then_some(directory)
    }
}
