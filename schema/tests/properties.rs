//! Any table, written in any dialect that we claim, comes back: text byte for byte, values equal.
#![allow(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests may stop and talk"
)]

mod common;

use common::{Table, read_with, show};
use encoding_rs::Encoding;
use proptest::prelude::*;
use sluice_schema::{ColumnType, Notation, ReadOptions, parse_value};

#[derive(Clone, Debug)]
struct Dialect {
    delimiter: char,
    quote: char,
    escape: Option<char>,
    encoding: &'static str,
    line_end: &'static str,
    always_quoted: bool,
    final_line_end: bool,
    mark: bool,
    /// What stands before each opening quote, and after each closing one.
    padding: (&'static str, &'static str),
}

fn dialects() -> impl Strategy<Value = Dialect> {
    let line_ends = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let delimiters = prop_oneof![
        4 => prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        1 => prop_oneof![Just(':'), Just('~'), Just('\u{1}'), Just('§'), Just('，'), Just('€')],
    ];
    let quotes = prop_oneof![3 => Just('"'), 1 => Just('\'')];
    let escapes = prop_oneof![3 => Just(None), 1 => Just(Some('\\'))];
    let shape = (any::<bool>(), any::<bool>(), any::<bool>());
    (delimiters, quotes, escapes, encodings(), line_ends, shape)
        .prop_map(|(delimiter, quote, escape, encoding, line_end, shape)| Dialect {
            delimiter,
            quote,
            escape,
            encoding,
            line_end,
            always_quoted: shape.0,
            final_line_end: shape.1,
            mark: shape.2 && encoding.starts_with("utf"),
            padding: ("", ""),
        })
        .prop_filter("the encoding has the delimiter", |dialect| {
            writable(&dialect.delimiter.to_string(), dialect.encoding)
                == dialect.delimiter.to_string()
        })
}

fn encodings() -> impl Strategy<Value = &'static str> {
    let others = [
        "utf-16le",
        "utf-16be",
        "windows-1250",
        "windows-1251",
        "windows-1252",
        "windows-1253",
        "windows-1254",
        "windows-1255",
        "windows-1256",
        "windows-1257",
        "iso-8859-2",
        "iso-8859-15",
        "koi8-r",
        "shift_jis",
        "euc-jp",
        "gb18030",
        "big5",
        "euc-kr",
    ];
    prop_oneof![Just("utf-8"), proptest::sample::select(others.to_vec())]
}

/// The text with a question mark for each character that the encoding does not give back.
fn writable(text: &str, label: &str) -> String {
    let encoding = Encoding::for_label(label.as_bytes()).unwrap();
    let comes_back = |char: &char| {
        let text = char.to_string();
        let (bytes, _, failed) = encoding.encode(&text);
        !failed && encoding.decode_without_bom_handling(&bytes).0 == text
    };
    let is_whole = label.starts_with("utf");
    text.chars().map(|char| if is_whole || comes_back(&char) { char } else { '?' }).collect()
}

fn encode(text: &str, label: &str) -> Vec<u8> {
    match label {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => Encoding::for_label(label.as_bytes()).unwrap().encode(text).0.into_owned(),
    }
}

/// Cells of one kind, so that columns get types; sometimes anything.
fn column_cells(n_rows: usize) -> impl Strategy<Value = Vec<String>> {
    let kind = prop_oneof![
        Just("-?[0-9]{1,3}"),
        Just("-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,6})?"),
        Just("(0|[1-9][0-9]{0,2}),[0-9]{3}"),
        Just("[0-9]\\.[0-9]{1,17}e[+-][0-9]{1,3}"),
        Just("20[0-9]{2}-[01][0-9]-[0-3][0-9]"),
        Just("[0-3]?[0-9]/[01]?[0-9]/20[0-9]{2}"),
        Just(
            "20[0-9]{2}-0[1-9]-[012][0-9][T ][0-2][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,7})?)?(Z|\\+0[0-9]:00)?"
        ),
        Just("(true|false|TRUE|yes|no|y|n|T|F)"),
        Just("(NA|NULL|-|[0-9]|)"),
        Just("[$€]?[0-9]{1,3}(,[0-9]{3})?(\\.[0-9]{2})?%?"),
        Just("[a-zA-Z ]{0,12}"),
        Just("[ \"',;\\\\\t|\r\n#a0-9]{0,12}"),
        Just("(\\PC|[\r\n\"]){0,20}"),
    ];
    kind.prop_flat_map(move |pattern| {
        let odd = proptest::string::string_regex("\\PC{0,6}").unwrap();
        let cell = proptest::string::string_regex(pattern).unwrap();
        let cells = prop_oneof![30 => cell, 1 => odd];
        proptest::collection::vec(cells, n_rows)
    })
}

fn tables() -> impl Strategy<Value = Vec<Vec<String>>> {
    (1_usize..6, 1_usize..12).prop_flat_map(|(n_columns, n_rows)| {
        proptest::collection::vec(column_cells(n_rows), n_columns)
    })
}

fn write(columns: &[Vec<String>], dialect: &Dialect) -> Vec<u8> {
    let n_rows = columns[0].len();
    let mut lines = vec![(0..columns.len()).map(|place| format!("col{place}")).collect::<Vec<_>>()];
    lines.extend((0..n_rows).map(|row| columns.iter().map(|cells| cells[row].clone()).collect()));
    let mark = dialect.quote;
    let quote = |cell: &String| {
        let escape = dialect.escape.unwrap_or(mark);
        let needs = cell.contains([mark, escape, '\n', '\r', dialect.delimiter]);
        // An empty cell is null, quoted or not written at all would say something else.
        if !cell.is_empty() && (needs || dialect.always_quoted) {
            let twice = format!("{escape}{escape}");
            let inside = cell.replace(escape, &twice);
            let inside = match dialect.escape {
                Some(escape) => inside.replace(mark, &format!("{escape}{mark}")),
                None => inside,
            };
            let (before, after) = dialect.padding;
            format!("{before}{mark}{inside}{mark}{after}")
        } else {
            cell.clone()
        }
    };
    let lines: Vec<String> = lines
        .iter()
        .map(|line| line.iter().map(quote).collect::<Vec<_>>().join(&dialect.delimiter.to_string()))
        .collect();
    let mut text = lines.join(dialect.line_end);
    if dialect.final_line_end
        || text.ends_with(dialect.line_end)
        || columns[0][n_rows - 1].is_empty()
    {
        text.push_str(dialect.line_end);
    }
    let mark = if dialect.mark { "\u{feff}" } else { "" };
    encode(&format!("{mark}{text}"), dialect.encoding)
}

fn check(table: &Table, columns: &[Vec<String>]) -> Result<(), TestCaseError> {
    prop_assert_eq!(table.plan.columns.len(), columns.len());
    prop_assert_eq!(table.rows.len(), columns[0].len());
    for (place, cells) in columns.iter().enumerate() {
        let plan = &table.plan.columns[place];
        for (row, cell) in cells.iter().enumerate() {
            let ours = table.rows[row][place].as_deref();
            if plan.column_type == ColumnType::String {
                prop_assert_eq!(ours, Some(cell.as_str()).filter(|cell| !cell.is_empty()));
                continue;
            }
            let Some(ours) = ours else {
                let is_null = cell.trim().is_empty()
                    || plan.notation.nulls.iter().any(|word| word == cell.trim());
                prop_assert!(is_null, "{cell:?} became null");
                continue;
            };
            let again = parse_value(plan.column_type, &plan.notation, cell)
                .map(|value| show(plan.column_type, value));
            prop_assert_eq!(again, Ok(Some(ours.to_owned())));
            if plan.notation == Notation::default() {
                independent(plan.column_type, cell, ours)?;
            }
        }
    }
    Ok(())
}

/// Judges a value without our own parsers.
fn independent(column_type: ColumnType, cell: &str, ours: &str) -> Result<(), TestCaseError> {
    match column_type {
        ColumnType::Int | ColumnType::BigInt | ColumnType::Date => prop_assert_eq!(cell, ours),
        ColumnType::Decimal { .. } => {
            // A negative zero loses its sign, and a notice says so.
            let is_negative_zero = !cell.contains(|char| matches!(char, '1'..='9'));
            let cell = if is_negative_zero { cell.trim_start_matches('-') } else { cell };
            let padded = if cell.contains('.') { cell.to_owned() } else { format!("{cell}.") };
            let zeros = ours.len().saturating_sub(padded.len());
            prop_assert_eq!(padded + &"0".repeat(zeros), ours);
        }
        ColumnType::Float => {
            prop_assert_eq!(cell.parse::<f64>().unwrap(), ours.parse::<f64>().unwrap())
        }
        ColumnType::LocalDateTime => prop_assert_eq!(&cell.replace(' ', "T")[..16], &ours[..16]),
        _ => {}
    }
    Ok(())
}

fn comes_back(columns: &[Vec<String>], dialect: &Dialect) -> Result<(), TestCaseError> {
    let columns: Vec<Vec<String>> = columns
        .iter()
        .map(|cells| cells.iter().map(|cell| writable(cell, dialect.encoding)).collect())
        .collect();
    let options = ReadOptions {
        delimiter: Some(dialect.delimiter),
        encoding: Some(dialect.encoding.to_owned()),
        quote: Some(dialect.quote),
        escape: Some(dialect.escape.unwrap_or('\0')),
        comment: Some('\0'),
        header_row: Some(1),
        header_rows: Some(1),
        skip_footer: Some(0),
        ..ReadOptions::default()
    };
    let bytes = write(&columns, dialect);
    let table = read_with(&bytes, &options).map_err(|error| {
        TestCaseError::fail(format!("{error}: {:?}", String::from_utf8_lossy(&bytes)))
    })?;
    check(&table, &columns)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_table_comes_back(columns in tables(), dialect in dialects()) {
        comes_back(&columns, &dialect)?;
    }

    #[test]
    fn any_table_with_blanks_around_quotes_comes_back(
        columns in tables(),
        dialect in dialects(),
        padding in prop_oneof![Just((" ", "")), Just(("", "  ")), Just((" ", " ")), Just(("  ", ""))],
    ) {
        let mut columns = columns;
        // Quotes that hold more delimiters than the header tell that they are quotes.
        let marks = dialect.delimiter.to_string().repeat(8);
        columns.insert(0, (0..columns[0].len()).map(|row| format!("r{row}{marks}")).collect());
        columns.insert(0, columns[0].clone());
        let dialect = Dialect { padding, always_quoted: true, ..dialect };
        comes_back(&columns, &dialect)?;
    }

    #[test]
    fn any_bytes_give_a_table_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Err(error) = read_with(&bytes, &ReadOptions::default()) {
            prop_assert!(error.code() != "INTERNAL", "{error}");
        }
    }

    #[test]
    fn any_text_gives_a_table_or_an_error(text in "[a-c0-9,;\t\"'\\\\#\r\n .\\[{}:/-]{0,200}") {
        if let Err(error) = read_with(text.as_bytes(), &ReadOptions::default()) {
            prop_assert!(error.code() != "INTERNAL", "{error}");
        }
    }
}
