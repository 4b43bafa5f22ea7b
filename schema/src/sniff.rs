//! Turns the head of a delimited text into its dialect.
//! It exists because nobody says which delimiter a file has; consistency of the rows and the look of the cells do.
//! It never looks beyond the head, and what the caller decided is never questioned.

use std::collections::BTreeMap;

use crate::form::{Form, form_of};
use crate::options::ReadOptions;
use crate::plan::Dialect;
use crate::scan::{CellSpan, Marks, Record, Scanner, cell_text};
use crate::summary::trim;

const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
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
    /// Records with more than one cell, of all.
    n_split: usize,
    n_records: usize,
}

/// Finds the dialect of a text by its head; `complete` tells that the head is the whole text.
pub(crate) fn sniff(head: &str, complete: bool, options: &ReadOptions) -> Dialect {
    let base = Dialect {
        quote: match options.quote {
            Some('\0') => None,
            Some(quote) => Some(quote),
            None => Some('"'),
        },
        escape: options.escape,
        comment: options.comment,
        ..Dialect::default()
    };
    if let Some(delimiter) = options.delimiter {
        return Dialect { delimiter, reason: "the delimiter was given".to_owned(), ..base };
    }
    let mut best: Option<(Score, char)> = None;
    for delimiter in DELIMITERS {
        let candidate = Dialect { delimiter, ..base.clone() };
        let score = score(head, complete, &candidate);
        let splits = score.n_split * 2 >= score.n_records || (score.usual_cells > 1);
        if splits
            && score.n_split > 0
            && best.as_ref().is_none_or(|(other, _)| score.total > other.total)
        {
            best = Some((score, delimiter));
        }
    }
    let Some((score, delimiter)) = best else {
        // A comma is kept when there is none to misread: it is what people expect to see.
        let delimiter = if head.contains(',') { NO_DELIMITER } else { ',' };
        return Dialect {
            delimiter,
            reason: "no delimiter divides the rows evenly: one column".to_owned(),
            ..base
        };
    };
    let reason = format!(
        "{:?} divides {} of the first {} rows, usually into {} cells",
        delimiter, score.n_split, score.n_records, score.usual_cells
    );
    Dialect { delimiter, reason, ..base }
}

fn score(head: &str, complete: bool, dialect: &Dialect) -> Score {
    let marks = Marks::of(dialect);
    let mut scanner = Scanner::new(head.as_bytes(), marks);
    let mut cells: Vec<CellSpan> = Vec::new();
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    let (mut n_cells, mut n_known, mut n_records, mut n_split) =
        (0_usize, 0_usize, 0_usize, 0_usize);
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
        n_split += usize::from(cells.len() > 1);
        *widths.entry(cells.len()).or_default() += 1;
        for cell in &cells {
            n_cells += 1;
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
    let usual_cells = widths.iter().max_by_key(|(_, count)| **count).map_or(0, |(width, _)| *width);
    let known = n_known as f64 / n_cells.max(1) as f64;
    Score { total: pattern * (0.1 + known), usual_cells, n_split, n_records }
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
