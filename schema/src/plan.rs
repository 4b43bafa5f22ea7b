//! Turns what was understood about a file into data: sheets, columns, how each was decided, and what was noticed.
//! It exists so that a plan can be shown, stored, corrected and used to read the rows later.
//! It never holds rows.

use serde::{Deserialize, Serialize};

use crate::options::DateOrder;
use crate::spool::KeptRows;
use crate::types::ColumnType;

/// One table found in a source, with all that is needed to read its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SheetPlan {
    /// The name of the sheet or archive member; `None` when the source is one table.
    pub name: Option<String>,
    /// How the bytes become a table.
    pub format: Format,
    /// Columns in file order; positions in this list are what [`crate::RowEncoder::value`] is given.
    pub columns: Vec<ColumnPlan>,
    /// Data rows.
    pub n_rows: u64,
    /// Decisions worth telling.
    pub notices: Vec<Notice>,
    /// How delimited text is cut into cells (of no meaning for other formats).
    pub dialect: Dialect,
    /// The text encoding by its WHATWG name.
    pub encoding: String,
    /// Where the header and the rows are.
    pub header: HeaderPlan,
    /// The parsed rows of a workbook's sheet, kept on disk as long as this plan or a clone of it is.
    #[serde(skip)]
    pub(crate) kept_rows: KeptRows,
}

/// The kind of source that a sheet stands in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Format {
    /// Delimited text.
    Delimited {
        /// What the text is packed in.
        container: Container,
    },
    /// A sheet of an Excel or OpenDocument workbook.
    Workbook {
        /// The kind of workbook.
        workbook: WorkbookKind,
        /// The sheet's name in the workbook.
        sheet: String,
    },
    /// Parquet.
    Parquet,
    /// JSON: one array of objects, or one object per line.
    Json {
        /// What the text is packed in.
        container: Container,
        /// Whether each line is a document of its own.
        lines: bool,
        /// The member of the outer object that holds the rows.
        member: Option<String>,
        /// Whether members of objects inside rows are columns of their own.
        #[serde(default)]
        flatten: bool,
        /// The members of the rows, in the order in which they first occur.
        keys: Vec<String>,
    },
}

/// The kinds of workbooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WorkbookKind {
    /// Excel since 2007 (`.xlsx`, `.xlsm`).
    Xlsx,
    /// Excel, binary (`.xlsb`).
    Xlsb,
    /// Excel before 2007.
    Xls,
    /// OpenDocument.
    Ods,
}

/// What a text is packed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "packed")]
pub enum Container {
    /// Nothing.
    #[default]
    Plain,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
    /// A zip archive.
    Zip {
        /// The member's position in the archive.
        index: usize,
    },
}

/// How delimited text is cut into records and cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dialect {
    /// Between cells, an ASCII character.
    pub delimiter: char,
    /// Around cells; `None` when nothing is quoted.
    pub quote: Option<char>,
    /// Takes the special meaning of the next character inside quotes; a doubled quote always works.
    pub escape: Option<char>,
    /// Begins a comment line.
    pub comment: Option<char>,
    /// Whether blanks between a quote and the delimiter or line end beside it are left out.
    #[serde(default)]
    pub padded_quotes: bool,
    /// One sentence on how this was decided.
    pub reason: String,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: ',',
            quote: Some('"'),
            escape: None,
            comment: None,
            padded_quotes: false,
            reason: String::new(),
        }
    }
}

/// Where the header and the rows of a table stand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderPlan {
    /// The row of the last header line, 1-based; `None` when the table has no header.
    pub row: Option<u64>,
    /// How many stacked rows make up the header.
    pub n_rows: u64,
    /// The header's cells as written, to recognise repetitions.
    pub cells: Vec<String>,
    /// The row number of the first record after the header.
    pub first_data_row: u64,
    /// The byte (of the decoded text) where the first record after the header begins.
    pub data_start: u64,
    /// The byte (of the decoded text) where the rows end and a footer begins.
    pub data_end: Option<u64>,
    /// Whether an empty line is a row: in a table of one column, and in spreadsheets.
    pub blank_is_row: bool,
    /// Whether later records that repeat the header are left out.
    pub skip_repeats: bool,
    /// One sentence on how this was decided.
    pub reason: String,
}

/// One column of a sheet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnPlan {
    /// The position in the file, 0-based.
    pub index_in_file: usize,
    /// The header as written; empty when there is none.
    pub label: String,
    /// The GraphQL field name, unique in the sheet ignoring case.
    pub name: String,
    /// The type of every cell.
    pub column_type: ColumnType,
    /// Whether the type was declared by the caller and cells may therefore be rejected.
    pub declared: bool,
    /// Whether a null is a reject.
    pub required: bool,
    /// How text is read as that type.
    pub notation: Notation,
    /// How the type was inferred.
    pub evidence: Evidence,
    /// Rows without a value.
    pub n_nulls: u64,
    /// Whether no value occurs twice: exact where it is known, else `None`.
    pub unique: Option<bool>,
    /// Whether whole numbers grow strictly from row to row, without nulls.
    pub increasing: bool,
}

/// How the text of a column is read as its type; the default is the canonical form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Notation {
    /// Spellings that mean null besides the empty cell.
    pub nulls: Vec<String>,
    /// Whether blanks around values are ignored.
    pub trim: bool,
    /// The two words of a boolean column.
    pub boolean: Option<BooleanPair>,
    /// How numbers are written, unless plainly (`-1234.50`).
    pub number: Option<NumberNotation>,
    /// How dates and times are written, unless in ISO 8601.
    pub temporal: Option<TemporalNotation>,
    /// Whether a date without a time is its midnight, and the number 0 midnight of any day, as in spreadsheets.
    pub midnight: bool,
    /// How the spreadsheet shows all numbers of the column; of no meaning for reading them.
    pub shown_as: Option<ShownAs>,
}

/// How a spreadsheet shows numbers that it stores plainly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ShownAs {
    /// As percentages: 0.125 is shown as 12.5 %, and stays 0.125.
    Percent,
    /// As money, with this sign or code.
    Currency(String),
}

/// The two words of a boolean column, in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum BooleanPair {
    /// `true`, `false`.
    TrueFalse,
    /// `yes`, `no`.
    YesNo,
    /// `y`, `n`.
    YN,
    /// `t`, `f`.
    TF,
}

/// How the numbers of a column are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NumberNotation {
    /// Between whole and fraction, `.` or `,`.
    pub decimal_mark: char,
    /// Between groups of three digits.
    pub group_mark: Option<char>,
    /// The currency sign or code that was taken off, before or after the digits.
    pub currency: Option<String>,
    /// Whether a percent sign was taken off; the value is the number as written, not a hundredth of it.
    pub percent: bool,
    /// Whether `(1.50)` is -1.50.
    pub accounting: bool,
    /// Whether `1.50-` is -1.50.
    pub trailing_minus: bool,
}

/// How the dates and times of a column are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemporalNotation {
    /// The order of day, month and year.
    pub order: DateOrder,
    /// Whether months are named (`5 Jan 2024`).
    pub named_month: bool,
}

/// Why a column has its type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Evidence {
    /// How many cells have the form of each candidate, largest first.
    pub candidates: Vec<CandidateCount>,
    /// The first cell that speaks against the most frequent candidate.
    pub counter_example: Option<CounterExample>,
    /// Rows without a value.
    pub n_nulls: u64,
    /// Values that differ, estimated within a few percent above 128.
    pub n_distinct: u64,
    /// The smallest value, of numbers and times.
    pub min: Option<String>,
    /// The largest value, of numbers and times.
    pub max: Option<String>,
    /// The longest cell, in bytes.
    pub longest_bytes: u64,
    /// Up to five values as written, from the first rows.
    pub samples: Vec<String>,
    /// All values with their counts, most frequent first, when a text column has few.
    pub categories: Option<Vec<CategoryCount>>,
    /// Whether a double keeps all of its plain numbers, and those in scientific notation.
    #[serde(default)]
    pub exact_doubles: bool,
    /// One sentence.
    pub reason: String,
}

/// How many cells have the form of a candidate type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateCount {
    /// The form: a type's wire name, or `NULL_WORD`, `EMPTY`, `BLANK`, `TEXT`.
    pub candidate: String,
    /// Cells.
    pub count: u64,
}

/// A cell that decided against a type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CounterExample {
    /// The row as a spreadsheet shows it, 1-based.
    pub row: u64,
    /// The text, cut to 100 characters.
    pub text: String,
    /// The candidate that it contradicts.
    pub against: String,
}

/// A value of a category column and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryCount {
    /// The value.
    pub value: String,
    /// Rows.
    pub count: u64,
}

/// A decision or normalisation worth telling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What kind of thing it is.
    pub code: NoticeCode,
    /// A sentence: what was found and what was done.
    pub message: String,
    /// The sheet, when the source has several.
    pub sheet: Option<String>,
    /// The row as a spreadsheet shows it, 1-based; the first one when `count` > 1.
    pub row: Option<u64>,
    /// The column's label, or its field name when it has none.
    pub column: Option<String>,
    /// How many rows or cells it concerns.
    pub count: u64,
}

impl Notice {
    /// Makes a notice about the whole sheet.
    pub fn new(code: NoticeCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), sheet: None, row: None, column: None, count: 1 }
    }

    /// Says at which row, the first of `count`.
    #[must_use]
    pub fn at(mut self, row: u64, count: u64) -> Self {
        self.row = Some(row);
        self.count = count;
        self
    }

    /// Says in which column.
    #[must_use]
    pub fn in_column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }
}

/// The kinds of notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum NoticeCode {
    /// A byte order mark was taken off.
    ByteOrderMark,
    /// The text was not UTF-8 and was decoded.
    Encoding,
    /// A byte could not be decoded.
    UndecodableByte,
    /// There is no header.
    NoHeader,
    /// Two header rows were joined.
    StackedHeader,
    /// A header is blank.
    BlankHeader,
    /// A header occurs twice.
    DuplicateHeader,
    /// A field name differs from the header in more than case and separators.
    NameChanged,
    /// Rows have fewer cells than the header.
    ShortRows,
    /// Rows have more cells than the header.
    LongRows,
    /// Empty lines were left out.
    BlankLines,
    /// Empty rows were left out.
    BlankRows,
    /// A column without a header and without values was left out.
    BlankColumn,
    /// Lines before the header were left out.
    Preamble,
    /// Rows after the table were left out.
    Footer,
    /// A comment line was left out.
    Comment,
    /// A repetition of the header was left out.
    RepeatedHeader,
    /// Text stands after a closing quote.
    MalformedQuote,
    /// Words were read as null.
    NullWords,
    /// Blanks around values were ignored.
    Padded,
    /// Numbers are wider than 18 digits, so the column stays text.
    WideNumbers,
    /// The column looks typed but is ambiguous, so it stays text.
    Ambiguous,
    /// The column is typed but for some cells, so it stays text.
    MixedTypes,
    /// Signs, separators or units were taken off.
    Notation,
    /// Offsets from UTC were applied.
    ZoneApplied,
    /// A negative zero was read as zero.
    NegativeZero,
    /// A sheet is hidden and was left out.
    HiddenSheet,
    /// A sheet is empty and was left out.
    EmptySheet,
    /// A member of an archive is no table and was left out.
    SkippedMember,
    /// A cell holds a spreadsheet error and was read as null.
    ErrorCell,
    /// A merged cell was read as its first cell.
    MergedCells,
    /// A column was left out because the caller said so.
    SkippedColumn,
    /// The rows were made of those that were there, not of the file.
    MadeOfRows,
}

impl NoticeCode {
    /// Returns the code on the wire.
    pub fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

/// A row that was refused because of one of its cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reject {
    /// The row as a spreadsheet shows it, 1-based.
    pub row: u64,
    /// The column's label.
    pub column: String,
    /// The cell as written, cut to 1,000 bytes.
    pub value: String,
    /// Why, and what to do.
    pub reason: String,
    /// All cells of the row as written, so that it can be corrected and admitted.
    pub cells: Vec<String>,
}

/// What reading all rows came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Rows given to encoders.
    pub n_rows: u64,
    /// What was noticed only while reading.
    pub notices: Vec<Notice>,
    /// Refused rows, at most `Limits::max_rejects`.
    pub rejects: Vec<Reject>,
    /// Refused rows in all.
    pub n_rejects: u64,
}
