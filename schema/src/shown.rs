//! Turns the number formats of spreadsheet cells into how their columns are shown: as percentages or as money.
//! It exists because 0.125 shown as 12.5 % is the number 0.125, and who reads it must be able to know.
//! It never changes a value.

use std::collections::HashMap;

use crate::plan::{ColumnPlan, Notice, NoticeCode, ShownAs};
use crate::summary::Tally;
use crate::types::ColumnType;

/// How the numbers of one column are shown.
#[derive(Debug, Default)]
struct ShownColumn {
    formats: Vec<(ShownAs, Tally)>,
}

/// How the numbers of a sheet are shown, by column.
#[derive(Debug, Default)]
pub(crate) struct ShownColumns(HashMap<usize, ShownColumn>);

impl ShownColumns {
    /// Takes in a number with such a format; `row` is 1-based.
    pub(crate) fn add(&mut self, column: usize, shown: &ShownAs, row: u64) {
        let formats = &mut self.0.entry(column).or_default().formats;
        if let Some((_, tally)) = formats.iter_mut().find(|(known, _)| known == shown) {
            tally.add(row);
            return;
        }
        let mut tally = Tally::default();
        tally.add(row);
        // A sheet has as many formats as it likes; a column of more than these is told by its first ones.
        if formats.len() < 8 {
            formats.push((shown.clone(), tally));
        }
    }

    /// Notes on columns how all their numbers are shown, and tells it.
    pub(crate) fn note(&self, columns: &mut [ColumnPlan], n_rows: u64) -> Vec<Notice> {
        let mut notices = Vec::new();
        for column in columns {
            let Some(shown) = self.0.get(&column.index_in_file) else {
                continue;
            };
            let n_values = n_rows.saturating_sub(column.n_nulls);
            let is_number = matches!(
                column.column_type,
                ColumnType::Int
                    | ColumnType::BigInt
                    | ColumnType::Decimal { .. }
                    | ColumnType::Float
            );
            if let [(only, tally)] = shown.formats.as_slice()
                && is_number
                && tally.count >= n_values
            {
                column.notation.shown_as = Some(only.clone());
            }
            let whole = column.notation.shown_as.is_some();
            let label = if column.label.is_empty() { &column.name } else { &column.label };
            for (format, tally) in &shown.formats {
                let what = match (format, whole) {
                    (ShownAs::Percent, true) => "the spreadsheet shows the values as percentages",
                    (ShownAs::Percent, false) => "the spreadsheet shows some values as percentages",
                    (ShownAs::Currency(_), true) => "the spreadsheet shows the values as money",
                    (ShownAs::Currency(_), false) => "the spreadsheet shows some values as money",
                };
                let kept = match format {
                    ShownAs::Percent => {
                        "; they were kept as stored, 0.125 where 12.5 % is shown".to_owned()
                    }
                    ShownAs::Currency(sign) => {
                        format!(" ({sign}); they were kept as stored, without the sign")
                    }
                };
                notices.push(
                    Notice::new(NoticeCode::Notation, format!("{what}{kept}"))
                        .in_column(label.as_str())
                        .at(tally.first_row, tally.count),
                );
            }
        }
        notices
    }
}

/// Tells how a number format shows numbers, if as percentages or as money.
pub(crate) fn shown_by(format: &str) -> Option<ShownAs> {
    // Sections for negative numbers, zero and text follow the one that counts.
    let mut money = None;
    let mut percent = false;
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        match char {
            ';' => break,
            '%' => percent = true,
            // What follows is shown as it stands, or is as wide as it would be.
            '\\' => match chars.next() {
                Some(sign) if is_sign(sign) => money = Some(sign.to_string()),
                _ => {}
            },
            '_' | '*' => {
                chars.next();
            }
            '"' => {
                let words: String = chars.by_ref().take_while(|char| *char != '"').collect();
                let words = words.trim();
                if is_currency(words) {
                    money = Some(words.to_owned());
                }
            }
            '[' => {
                let inside: String = chars.by_ref().take_while(|char| *char != ']').collect();
                // `[$€-407]` is a sign and a locale; `[$-409]` only a locale.
                if let Some(sign) = inside.strip_prefix('$') {
                    let sign = sign.split('-').next().unwrap_or_default().trim();
                    if !sign.is_empty() {
                        money = Some(sign.to_owned());
                    }
                }
            }
            sign if is_sign(sign) => money = Some(sign.to_string()),
            _ => {}
        }
    }
    match money {
        Some(sign) => Some(ShownAs::Currency(sign)),
        None => percent.then_some(ShownAs::Percent),
    }
}

fn is_sign(char: char) -> bool {
    matches!(char, '$' | '\u{20A0}'..='\u{20CF}' | '£' | '¥' | '¢' | '฿')
}

fn is_currency(words: &str) -> bool {
    words.chars().any(is_sign) && words.chars().count() <= 4 || crate::notation::is_currency(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        let check = |format: &str, expect: Option<ShownAs>| {
            assert_eq!(shown_by(format), expect, "{format}");
        };
        let money = |sign: &str| Some(ShownAs::Currency(sign.to_owned()));
        check("General", None);
        check("#,##0.00", None);
        check("0%", Some(ShownAs::Percent));
        check("0.00%;[Red]-0.00%", Some(ShownAs::Percent));
        check("0;0%", None);
        check("\"100%\"", None);
        check("$#,##0.00", money("$"));
        check("[$€-407] #,##0.00", money("€"));
        check("[$-409]d-mmm", None);
        check("[$CHF] #,##0.00", money("CHF"));
        check("_(\"$\"* #,##0.00_);_(\"$\"* (#,##0.00)", money("$"));
        check("#,##0.00\\ €", money("€"));
        check("#,##0 \"kr\"", money("kr"));
        check("0 \"pieces\"", None);
    }
}
