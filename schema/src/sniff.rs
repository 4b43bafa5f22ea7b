//! Turns the head of a delimited text into its dialect.
//! It exists because nobody says which delimiter a file has; consistency of the rows and the look of the cells do.
//! It never looks beyond the head, and what the caller decided is never questioned.

use std::collections::BTreeMap;

use crate::form::{Form, form_of};
use crate::notation::take_apart;
use crate::options::ReadOptions;
use crate::plan::Dialect;
use crate::scan::{CellSpan, Marks, Record, Scanner, cell_text};
use crate::summary::trim;

const DELIMITERS: [char; 8] = [',', ';', '\t', '|', '^', '~', '\u{1}', '\u{1f}'];
/// The delimiter of a text that has none: a control character that texts do not hold.
pub(crate) const NO_DELIMITER: char = '\u{1f}';
/// Records that are judged.
const MAX_RECORDS: usize = 1_000;

/// How well a dialect explains the head.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    total: f64,
    /// Cells of the most frequent kind of record.
    usual_cells: usize,
    /// Records of that kind.
    n_usual: usize,
    /// Cells of the first record.
    first_cells: usize,
    /// Records with more than one cell, of all.
    n_split: usize,
    n_records: usize,
    /// Evenness of the rows alone.
    pattern: f64,
    n_quoted: usize,
    n_malformed: usize,
}

/// Finds the dialect of a text by its head; `complete` tells that the head is the whole text.
pub(crate) fn sniff(head: &str, complete: bool, options: &ReadOptions) -> Dialect {
    let base = Dialect {
        quote: match options.quote {
            Some('\0') => None,
            Some(quote) => Some(quote),
            None => Some('"'),
        },
        escape: options.escape.filter(|escape| *escape != '\0'),
        comment: options.comment.filter(|comment| *comment != '\0'),
        ..Dialect::default()
    };
    let mut dialect = with_padding(head, complete, find_delimiter(head, complete, options, &base));
    if options.quote.is_none() && prefers_single_quotes(head, complete, &dialect) {
        let single = Dialect { quote: Some('\''), ..base };
        dialect = with_padding(head, complete, find_delimiter(head, complete, options, &single));
        dialect.reason.push_str("; cells stand in single quotes");
    }
    if options.escape.is_none() && needs_escapes(head, complete, &dialect) {
        dialect = with_escapes(head, complete, &dialect);
        dialect.reason.push_str(
            "; a backslash takes the meaning of the next mark: rows then have the same width",
        );
    }
    if dialect.padded_quotes {
        dialect
            .reason
            .push_str("; blanks between quotes and delimiters are left out: all such quotes close");
    }
    if options.comment.is_none() && has_comments(head, complete, &dialect) {
        dialect.comment = Some('#');
        dialect
            .reason
            .push_str("; lines that begin with # are comments: they are not as wide as the rows");
    }
    dialect
}

/// Whether cells stand in single quotes: some do, all of those are well-formed, and none stands in double quotes.
fn prefers_single_quotes(head: &str, complete: bool, dialect: &Dialect) -> bool {
    if !head.contains('\'') {
        return false;
    }
    let double = score(head, complete, dialect);
    let single = Dialect { quote: Some('\''), padded_quotes: false, ..dialect.clone() };
    let single = with_padding(head, complete, single);
    let is_padded = single.padded_quotes;
    let single = score(head, complete, &single);
    // One quoted cell may be an apostrophe at both ends of a word.
    double.n_quoted == 0
        && single.n_quoted >= 2
        && single.n_malformed == 0
        && (is_padded || single.total >= double.total)
}

/// Whether backslashes before marks are escapes: the rows agree better when they are.
fn needs_escapes(head: &str, complete: bool, dialect: &Dialect) -> bool {
    let quote = dialect.quote.unwrap_or('"');
    if !head.contains(&format!("\\{quote}")) && !head.contains(&format!("\\{}", dialect.delimiter))
    {
        return false;
    }
    let plain = score(head, complete, dialect);
    let escaped = with_escapes(head, complete, dialect);
    let finds_padding = escaped.padded_quotes && !dialect.padded_quotes;
    let escaped = score(head, complete, &escaped);
    finds_padding
        || escaped.pattern > plain.pattern
        || (escaped.n_malformed < plain.n_malformed && escaped.pattern >= plain.pattern)
}

fn with_escapes(head: &str, complete: bool, dialect: &Dialect) -> Dialect {
    let escaped = Dialect { escape: Some('\\'), padded_quotes: false, ..dialect.clone() };
    with_padding(head, complete, escaped)
}

fn with_padding(head: &str, complete: bool, dialect: Dialect) -> Dialect {
    let padded_quotes = has_padded_quotes(head, complete, &dialect);
    Dialect { padded_quotes, ..dialect }
}

/// Whether blanks stand between quotes and delimiters: every quote after blanks closes at the end of its cell, and
/// the rows are more even then; or they are as even, a whole column stands in such quotes, and these hold
/// delimiters or have blanks behind them. Where quotes change nothing about cells, they may be text.
fn has_padded_quotes(head: &str, complete: bool, dialect: &Dialect) -> bool {
    let Some(quote) = dialect.quote else {
        return false;
    };
    let may_be = head.contains(&format!(" {quote}")) || head.contains(&format!("{quote} "));
    if !may_be || [dialect.delimiter, quote].contains(&' ') {
        return false;
    }
    let candidate = Dialect { padded_quotes: true, ..dialect.clone() };
    let Some(is_whole_column) = padded_columns(head, complete, &candidate) else {
        return false;
    };
    let plain = score(head, complete, dialect);
    let padded = score(head, complete, &candidate);
    // Shares of rows as wide as most, brought to one denominator.
    let is_more_even = padded.n_usual * plain.n_records > plain.n_usual * padded.n_records;
    let is_as_even = padded.n_usual * plain.n_records == plain.n_usual * padded.n_records;
    let explains_more =
        padded.usual_cells < plain.usual_cells || padded.n_malformed < plain.n_malformed;
    padded.n_malformed <= plain.n_malformed
        && (is_more_even || is_as_even && is_whole_column && explains_more)
}

/// Returns whether a whole column stands in padded quotes; `None` when no cell does, or a quote after blanks is text.
fn padded_columns(head: &str, complete: bool, dialect: &Dialect) -> Option<bool> {
    #[derive(Clone, Copy, Default)]
    struct Column {
        n_padded: usize,
        has_unquoted: bool,
    }
    let text = head.as_bytes();
    let marks = Marks::of(dialect);
    let mut scanner = Scanner::new(text, marks);
    let mut cells: Vec<CellSpan> = Vec::new();
    let mut columns: Vec<Column> = Vec::new();
    let mut n_records = 0_usize;
    while n_records < MAX_RECORDS
        && let Some(record) = scanner.next_record(&mut cells)
    {
        if scanner.position() >= text.len() && !complete && n_records > 0 {
            break;
        }
        if record != Record::Cells {
            continue;
        }
        n_records += 1;
        if columns.len() < cells.len() {
            columns.resize(cells.len(), Column::default());
        }
        for (place, (column, cell)) in columns.iter_mut().zip(&cells).enumerate() {
            if cell.quoted && !cell.malformed {
                let before = cell.start.checked_sub(2).and_then(|at| text.get(at));
                let after = marks.pass_blanks(text, cell.end + 1);
                let is_padded = place > 0 && before == Some(&b' ')
                    || after > cell.end + 1 && marks.delimiter_at(text, after) > 0;
                column.n_padded += usize::from(is_padded);
                continue;
            }
            let first = text.get(marks.pass_blanks(text, cell.start)).copied();
            if !cell.malformed && cell.start < cell.end && first == marks.quote {
                return None;
            }
            let is_blank = trim(head.get(cell.start..cell.end).unwrap_or_default()).is_empty();
            // A header may stand without quotes.
            column.has_unquoted |= n_records > 1 && !is_blank;
        }
    }
    let is_padded = columns.iter().any(|column| column.n_padded > 0);
    is_padded.then(|| columns.iter().any(|column| column.n_padded >= 2 && !column.has_unquoted))
}

/// Whether rows that begin with `#` are comments: none is as wide as the table, and the first row is one or
/// all of them are one cell.
fn has_comments(head: &str, complete: bool, dialect: &Dialect) -> bool {
    let width = score(head, complete, dialect).usual_cells;
    if width < 2 || !head.contains('#') {
        return false;
    }
    let mut scanner = Scanner::new(head.as_bytes(), Marks::of(dialect));
    let mut cells: Vec<CellSpan> = Vec::new();
    let (mut n_lines, mut is_first, mut is_single) = (0, false, true);
    for place in 0..10 * MAX_RECORDS {
        let start = scanner.position();
        if scanner.next_record(&mut cells).is_none() {
            break;
        }
        if head.as_bytes().get(start) == Some(&b'#') {
            if cells.len() == width {
                return false;
            }
            n_lines += 1;
            is_first |= place == 0;
            is_single &= cells.len() == 1;
        }
    }
    n_lines > 0 && (is_first || is_single)
}

fn find_delimiter(head: &str, complete: bool, options: &ReadOptions, base: &Dialect) -> Dialect {
    if let Some(delimiter) = options.delimiter {
        return Dialect { delimiter, reason: "the delimiter was given".to_owned(), ..base.clone() };
    }
    let mut best: Option<(Score, char)> = None;
    for delimiter in DELIMITERS {
        let candidate = Dialect { delimiter, ..base.clone() };
        let score = score(head, complete, &candidate);
        let splits = score.n_split * 2 >= score.n_records || (score.usual_cells > 1);
        // Sentences below one word: some hold a comma, by chance.
        let is_prose = score.first_cells == 1
            && (score.usual_cells < 2 || score.n_usual * 2 < score.n_records);
        let is_decimal = delimiter == ',' && are_decimals(head, complete, &score);
        if splits
            && !is_prose
            && !is_decimal
            && score.n_split > 0
            && best.as_ref().is_none_or(|(other, _)| score.total > other.total)
        {
            best = Some((score, delimiter));
        }
    }
    if best.is_none()
        && let Some((delimiter, width)) = rare_delimiter(head, complete, base)
    {
        return Dialect {
            delimiter,
            reason: format!(
                "{delimiter:?} divides every row into {width} cells, values below words"
            ),
            ..base.clone()
        };
    }
    let Some((score, delimiter)) = best else {
        // A comma is kept when there is none to misread: it is what people expect to see.
        let delimiter = if head.contains(',') { NO_DELIMITER } else { ',' };
        return Dialect {
            delimiter,
            reason: "no delimiter divides the rows evenly: one column".to_owned(),
            ..base.clone()
        };
    };
    let reason = format!(
        "{:?} divides {} of the first {} rows, usually into {} cells",
        delimiter, score.n_split, score.n_records, score.usual_cells
    );
    Dialect { delimiter, reason, ..base.clone() }
}

/// Whether a comma is the decimal mark of the only column: every line below the first is one number.
fn are_decimals(head: &str, complete: bool, score: &Score) -> bool {
    let mut lines = head.lines().filter(|line| !line.trim().is_empty());
    let first_is_word = lines.next().is_some_and(|first| !first.contains(','));
    if score.usual_cells != 2 || !first_is_word {
        return false;
    }
    let n_whole = if complete { usize::MAX } else { head.lines().count().saturating_sub(2) };
    let is_number = |line: &str| {
        take_apart(line.trim()).is_some_and(|number| {
            number.digits(',', None).or_else(|| number.digits(',', Some('.'))).is_some()
        })
    };
    lines.take(n_whole.min(MAX_RECORDS)).all(is_number)
}

/// Looks for a delimiter that few files have: it must divide every row alike, with words above values.
fn rare_delimiter(head: &str, complete: bool, base: &Dialect) -> Option<(char, usize)> {
    let first = head.lines().find(|line| !line.trim().is_empty())?;
    let mut tried: Vec<char> = Vec::new();
    let mut best: Option<(usize, usize, char)> = None;
    for mark in first.chars() {
        let is_candidate = !mark.is_alphanumeric() || matches!(mark, 'þ' | 'Þ' | 'ÿ');
        let is_reserved =
            matches!(mark, '.' | '-' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'');
        if !is_candidate || is_reserved || tried.contains(&mark) {
            continue;
        }
        tried.push(mark);
        let candidate = Dialect { delimiter: mark, ..base.clone() };
        if let Some((n_typed, width)) = words_above_values(head, complete, &candidate)
            && best.is_none_or(|(most, widest, _)| (n_typed, width) > (most, widest))
        {
            best = Some((n_typed, width, mark));
        }
    }
    best.map(|(_, width, mark)| (mark, width))
}

/// Returns how many columns hold values only, and how many there are, when all rows are divided alike.
fn words_above_values(head: &str, complete: bool, dialect: &Dialect) -> Option<(usize, usize)> {
    let marks = Marks::of(dialect);
    let mut scanner = Scanner::new(head.as_bytes(), marks);
    let mut cells: Vec<CellSpan> = Vec::new();
    let mut typed: Vec<bool> = Vec::new();
    let (mut n_records, mut is_one_value) = (0_usize, true);
    while n_records < MAX_RECORDS {
        let start = scanner.position();
        let Some(record) = scanner.next_record(&mut cells) else { break };
        if scanner.position() >= head.len() && !complete && n_records > 0 {
            break;
        }
        if record != Record::Cells {
            continue;
        }
        n_records += 1;
        let texts = || cells.iter().map(|cell| cell_text(head, *cell, marks));
        let is_value = |text: &str| form_of(trim(text)).form().is_typed();
        if n_records == 1 {
            if texts().any(|text| trim(&text).is_empty() || is_value(&text)) {
                return None;
            }
            typed = vec![true; cells.len()];
            continue;
        }
        if cells.len() != typed.len() {
            return None;
        }
        for (typed, text) in typed.iter_mut().zip(texts()) {
            *typed &= is_value(&text);
        }
        // A date with a time is one value, not two columns divided by a blank.
        is_one_value &= is_value(head.get(start..scanner.position()).unwrap_or_default());
    }
    let n_typed = typed.iter().filter(|typed| **typed).count();
    let enough = if dialect.delimiter == ' ' { n_typed >= 2 || typed.len() >= 4 } else { true };
    let holds = n_records >= 3 && typed.len() >= 2 && n_typed >= 1 && enough && !is_one_value;
    holds.then_some((n_typed, typed.len()))
}

fn score(head: &str, complete: bool, dialect: &Dialect) -> Score {
    let marks = Marks::of(dialect);
    let mut scanner = Scanner::new(head.as_bytes(), marks);
    let mut cells: Vec<CellSpan> = Vec::new();
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut n_cells, mut n_known, mut n_records, mut n_split) =
        (0_usize, 0_usize, 0_usize, 0_usize);
    let (mut n_quoted, mut n_malformed, mut first_cells) = (0_usize, 0_usize, 0_usize);
    while let Some(record) = scanner.next_record(&mut cells) {
        let is_last = scanner.position() >= head.len();
        // The head may end in the middle of its last record.
        if (is_last && !complete && n_records > 0) || n_records >= MAX_RECORDS {
            break;
        }
        if record != Record::Cells {
            continue;
        }
        n_records += 1;
        if n_records == 1 {
            first_cells = cells.len();
        }
        n_split += usize::from(cells.len() > 1);
        *widths.entry(cells.len()).or_default() += 1;
        for cell in &cells {
            n_cells += 1;
            n_quoted += usize::from(cell.quoted && !cell.malformed);
            n_malformed += usize::from(cell.malformed);
            n_known += usize::from(
                cell.quoted && !cell.malformed || is_known(&cell_text(head, *cell, marks)),
            );
        }
    }
    if n_records == 0 {
        return Score::default();
    }
    let pattern: f64 = widths
        .iter()
        .map(|(width, count)| {
            let share = *count as f64 / n_records as f64;
            share * share * (*width as f64 - 1.0) / *width as f64
        })
        .sum();
    let usual = widths.iter().max_by_key(|(_, count)| **count);
    let (usual_cells, n_usual) = usual.map_or((0, 0), |(width, count)| (*width, *count));
    let known = n_known as f64 / n_cells.max(1) as f64;
    Score {
        total: pattern * (0.1 + known),
        usual_cells,
        n_usual,
        first_cells,
        n_split,
        n_records,
        pattern,
        n_quoted,
        n_malformed,
    }
}

/// Whether a cell looks like one value: a typed form, or words without a delimiter left inside.
fn is_known(text: &str) -> bool {
    let text = trim(text);
    if form_of(text).form() != Form::Text {
        return true;
    }
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'.' | b'-' | b'%' | b' '));
    is_number || !text.contains(['"', ';', '\t', '|', ','])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, expect: char) {
        assert_eq!(sniff(head, true, &ReadOptions::default()).delimiter, expect, "{head:?}");
    }

    #[test]
    fn delimiters() {
        check("a,b\n1,2\n", ',');
        check("a;b\n1,5;2,5\n3,1;4,2\n", ';');
        check("a\tb, c\n1\t2\n", '\t');
        check("a|b\n1|2\n", '|');
        check("a\n1\n2\n", ',');
        check("name,note\nx,\"a;b;c\"\ny,\"d;e;f\"\n", ',');
        check("name;note\nx;a, b\ny;c\nz;d, e, f\n", ';');
        check("one line\nthen, another\nand a third\n", NO_DELIMITER);
    }
}
