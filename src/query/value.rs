//! Turns GraphQL values into bound values: exactly, or with a sentence that says what is wrong.
//!
//! Every value of every run passes here, written or in a variable, so this is where types, ranges
//! and nulls are enforced. Decimals never pass through a double.

use std::sync::Arc;

use serde_json::Value as Json;
use sluice_schema::{ColumnType, decimal, temporal};

use super::Dialect;
use super::input::{Origin, Variables};
use super::regex::Pattern;
use super::search::SearchForm;
use super::wide;
use crate::catalog::snapshot::Snapshot;
use crate::error::{Code, Error, Result};
use crate::store::contain;
use crate::store::cursor::CursorSeal;
use crate::store::node;
use crate::store::run::Bind;
use crate::store::search::Wanted;
use sluice_columnar::fold::fold;

/// Longest pattern of `_like` and its kin, characters: SQLite's matcher backtracks.
const MAX_PATTERN_CHARS: usize = 1_000;
/// Longest text to be searched for, characters.
const MAX_SEARCH_CHARS: usize = 1_000;
/// Words of one search.
const MAX_SEARCH_WORDS: usize = 32;
/// Digits of an unscaled decimal.
const DECIMAL_DIGITS: u32 = 18;
/// A whole number that no decimal column holds.
const NO_DECIMAL: i64 = i64::MIN;

/// Which whole number stands for a decimal that lies between two of the column's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// None: the value equals no cell.
    Exact,
    /// The next one below.
    Floor,
    /// The next one above.
    Ceil,
}

/// What a bound value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// A value of a column's type.
    Scalar(ColumnType, Side),
    /// Values of a column's type.
    List(ColumnType),
    /// Text as it is.
    Text,
    /// Text with its case folded.
    FoldedText,
    /// The first text after all texts with this prefix, in code point order.
    AfterPrefix {
        /// Whether the prefix's case is folded first.
        is_folded: bool,
    },
    /// A pattern of `_like`.
    Pattern {
        /// Whether its case is folded first.
        is_folded: bool,
    },
    /// A regular expression.
    Regex {
        /// Whether case is ignored.
        is_insensitive: bool,
    },
    /// A pattern of `SIMILAR TO`.
    Similar,
    /// Keys of JSON objects.
    Keys,
    /// A sum or an average of whole numbers or decimals, which may pass 64 bits.
    Wide {
        /// Digits after the point.
        scale: u8,
        /// What stands for a number between two of them.
        side: Side,
    },
    /// Several of them.
    WideList {
        /// Digits after the point.
        scale: u8,
    },
    /// The width of bins of a column's numbers.
    BinWidth(ColumnType),
    /// Words that are searched.
    Search {
        /// How they are bound.
        form: SearchForm,
        /// Whether the last one is taken as it is.
        is_whole: bool,
    },
    /// Rows wanted, from 0 to the limit.
    Limit(i64),
    /// Rows skipped.
    Offset,
    /// The rows of a page, up to the limit, and one more.
    PageAndOne(i64),
    /// A sort value of a cursor.
    Cursor {
        /// Whose cursors.
        seal: Arc<CursorSeal>,
        /// Which value.
        index: usize,
        /// Its type.
        column_type: ColumnType,
    },
    /// The key of a node id.
    NodeKey(ColumnType),
}

/// A value that a run must supply.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Where it comes from.
    pub origin: Origin,
    /// What it must be.
    pub kind: SlotKind,
    /// Where it stands in the request, for messages: `where.total._gt`.
    pub place: Box<str>,
}

/// Gives slots the values of one run.
pub(super) struct Binder<'b> {
    pub(super) variables: &'b Variables,
    pub(super) snapshot: &'b Snapshot,
    pub(super) dialect: Dialect,
    pub(super) max_in_values: usize,
    /// The cursor opened last: each of its values has a slot, some have several.
    opened: Option<(Arc<CursorSeal>, &'b str, Vec<Json>)>,
}

impl<'b> Binder<'b> {
    /// For these variables and these versions.
    pub(super) fn new(
        variables: &'b Variables,
        snapshot: &'b Snapshot,
        dialect: Dialect,
        max_in_values: usize,
    ) -> Binder<'b> {
        Binder { variables, snapshot, dialect, max_in_values, opened: None }
    }

    /// The value of a slot.
    ///
    /// # Errors
    /// BAD_USER_INPUT when the value is missing, null or not of the kind.
    pub(super) fn bind(&mut self, slot: &'b Slot) -> Result<Bind> {
        let (dialect, max_in_values) = (self.dialect, self.max_in_values);
        let value = match &slot.origin {
            Origin::Constant(value) => value,
            Origin::Variable(path) => path.find(self.variables).unwrap_or(&Json::Null),
            Origin::RowCount(id) => {
                let dataset = self.snapshot.dataset_by_id(*id);
                let dataset = dataset.ok_or_else(|| Error::not_found("The dataset is gone."))?;
                return Ok(Bind::Int(dataset.row_count));
            }
        };
        let place = &*slot.place;
        if value.is_null() {
            return Err(Error::bad_input(format!(
                "{place} is null; give a value or leave it out."
            )));
        }
        match &slot.kind {
            SlotKind::Scalar(column_type, side) => {
                scalar(value, *column_type, *side, dialect, place)
            }
            SlotKind::List(column_type) => list(value, *column_type, dialect, max_in_values, place),
            SlotKind::Text => Ok(Bind::Text(text(value, place)?.to_owned())),
            SlotKind::FoldedText => Ok(Bind::Text(fold(text(value, place)?))),
            SlotKind::AfterPrefix { is_folded } => {
                let prefix = text(value, place)?;
                Ok(Bind::Text(if *is_folded {
                    after_prefix(&fold(prefix))
                } else {
                    after_prefix(prefix)
                }))
            }
            SlotKind::Pattern { is_folded } => pattern(value, *is_folded, place),
            SlotKind::Regex { is_insensitive } => {
                let pattern = short_pattern(value, place)?;
                engine_pattern(Pattern::new(pattern, *is_insensitive), value, dialect, place)
            }
            SlotKind::Similar => {
                let pattern = short_pattern(value, place)?;
                engine_pattern(Pattern::similar(pattern), value, dialect, place)
            }
            SlotKind::Keys => keys(value, dialect, max_in_values, place),
            SlotKind::Wide { scale, side } => {
                wide::number(value, *scale, *side, dialect, place).map(Bind::Text)
            }
            SlotKind::WideList { scale } => {
                wide::numbers(value, *scale, dialect, max_in_values, place)
            }
            SlotKind::BinWidth(column_type) => wide::bin_width(value, *column_type, dialect, place),
            SlotKind::Search { form, is_whole } => search(value, *form, *is_whole, place),
            SlotKind::Limit(max) => bounded(value, *max, place),
            SlotKind::Offset => bounded(value, i64::MAX, place),
            SlotKind::PageAndOne(max) => match bounded(value, *max, place)? {
                Bind::Int(n) => Ok(Bind::Int(n.saturating_add(1))),
                other => Ok(other),
            },
            SlotKind::Cursor { seal, index, column_type } => {
                let values = self.open(seal, text(value, place)?, place)?;
                match (values.get(*index).unwrap_or(&Json::Null), column_type) {
                    (Json::String(number), ColumnType::Float) => {
                        let number = number.parse().ok().filter(|n: &f64| n.is_finite());
                        number.map(Bind::Float).ok_or_else(|| wrong(place, value, "a cursor"))
                    }
                    (value, _) => scalar(value, *column_type, Side::Exact, dialect, place),
                }
            }
            SlotKind::NodeKey(column_type) => {
                let key = value.as_str().and_then(node::read_key).unwrap_or(Json::Null);
                scalar(&key, *column_type, Side::Exact, dialect, place)
            }
        }
    }
}

impl<'b> Binder<'b> {
    fn open(&mut self, seal: &Arc<CursorSeal>, cursor: &'b str, place: &str) -> Result<&[Json]> {
        let is_open = self
            .opened
            .as_ref()
            .is_some_and(|(known, text, _)| Arc::ptr_eq(known, seal) && *text == cursor);
        if !is_open {
            let values = open_cursor(seal, cursor, place)?;
            self.opened = Some((Arc::clone(seal), cursor, values));
        }
        Ok(self.opened.as_ref().map_or(&[], |(_, _, values)| values))
    }
}

/// The sort values of a cursor.
///
/// # Errors
/// BAD_USER_INPUT when it does not belong here, with the reason.
pub(super) fn open_cursor(seal: &CursorSeal, cursor: &str, place: &str) -> Result<Vec<Json>> {
    seal.open(cursor).map_err(|why| Error::bad_input(format!("{place} {why}.")))
}

pub(super) fn wrong(place: &str, value: &Json, expected: &str) -> Error {
    let mut shown = value.to_string();
    if let Some((cut, _)) = shown.char_indices().nth(60) {
        shown.truncate(cut);
        shown.push('…');
    }
    Error::bad_input(format!("{place}: {shown} is not {expected}."))
}

fn text<'v>(value: &'v Json, place: &str) -> Result<&'v str> {
    let text = value.as_str().ok_or_else(|| wrong(place, value, "a String"))?;
    if text.contains('\0') {
        return Err(Error::bad_input(format!("{place} holds a NUL character, which no text has.")));
    }
    Ok(text)
}

fn bounded(value: &Json, max: i64, place: &str) -> Result<Bind> {
    match value.as_i64() {
        Some(n) if n < 0 => {
            Err(Error::bad_input(format!("{place} is {n}; it cannot be negative.")))
        }
        Some(n) if n > max => Err(Error::bad_input(format!(
            "{place} is {n}; the limit is {max}. Page through the rows, or ask an admin for more (the setting max_limit, or the policy's maxRows)."
        ))),
        Some(n) => Ok(Bind::Int(n)),
        None => Err(wrong(place, value, "an Int")),
    }
}

fn short_pattern<'v>(value: &'v Json, place: &str) -> Result<&'v str> {
    let pattern = text(value, place)?;
    if pattern.chars().count() > MAX_PATTERN_CHARS {
        return Err(Error::bad_input(format!(
            "{place} is longer than {MAX_PATTERN_CHARS} characters, the limit for patterns."
        )));
    }
    Ok(pattern)
}

fn pattern(value: &Json, is_folded: bool, place: &str) -> Result<Bind> {
    let pattern = short_pattern(value, place)?;
    let n_trailing = pattern.bytes().rev().take_while(|&byte| byte == b'\\').count();
    if n_trailing % 2 == 1 {
        return Err(Error::bad_input(format!(
            "{place} ends in a lone backslash; write \\\\ for the character itself."
        )));
    }
    Ok(Bind::Text(if is_folded { fold(pattern) } else { pattern.to_owned() }))
}

/// The pattern for the engine of the store.
fn engine_pattern(
    pattern: Result<Pattern, String>,
    value: &Json,
    dialect: Dialect,
    place: &str,
) -> Result<Bind> {
    match (pattern, dialect) {
        (Ok(pattern), Dialect::Sqlite) => Ok(Bind::Text(pattern.rust)),
        (Ok(pattern), Dialect::Postgres) => Ok(Bind::Text(pattern.postgres)),
        (Err(why), _) => {
            let expected = format!("a regular expression that runs in linear time ({why})");
            Err(wrong(place, value, &expected))
        }
    }
}

/// The items of a list; a single value is a list of itself.
///
/// # Errors
/// QUERY_TOO_COMPLEX for too many, BAD_USER_INPUT for null.
pub(super) fn items<'v>(value: &'v Json, max_values: usize, place: &str) -> Result<&'v [Json]> {
    let values = match value {
        Json::Array(values) => values.as_slice(),
        other => std::slice::from_ref(other),
    };
    if values.len() > max_values {
        return Err(Error::new(
            Code::QueryTooComplex,
            format!("{place} has {} values; the limit is {max_values}.", values.len()),
        ));
    }
    if values.iter().any(Json::is_null) {
        return Err(Error::bad_input(format!(
            "{place} holds null. To look for missing values use _isNull."
        )));
    }
    Ok(values)
}

fn keys(value: &Json, dialect: Dialect, max_values: usize, place: &str) -> Result<Bind> {
    let keys = items(value, max_values, place)?;
    let keys = keys.iter().map(|key| Ok(text(key, place)?.to_owned()));
    let keys: Vec<String> = keys.collect::<Result<_>>()?;
    Ok(match dialect {
        Dialect::Postgres => Bind::TextList(keys),
        Dialect::Sqlite => Bind::Text(Json::from(keys).to_string()),
    })
}

fn search(value: &Json, form: SearchForm, is_whole: bool, place: &str) -> Result<Bind> {
    let typed = text(value, place)?;
    if typed.chars().count() > MAX_SEARCH_CHARS {
        return Err(Error::bad_input(format!(
            "{place} is longer than {MAX_SEARCH_CHARS} characters, the limit."
        )));
    }
    let wanted = Wanted::parse(typed);
    if wanted.n_words() > MAX_SEARCH_WORDS {
        return Err(Error::bad_input(format!(
            "{place} has {} words; the limit is {MAX_SEARCH_WORDS}.",
            wanted.n_words()
        )));
    }
    let wanted = if is_whole { wanted.whole() } else { wanted };
    Ok(Bind::Text(match form {
        SearchForm::Fts5 => wanted.fts5(),
        SearchForm::Tsquery => wanted.tsquery(),
        SearchForm::Plain => wanted.plain(),
    }))
}

/// The first text, in code point order, after all texts that begin with `prefix`.
fn after_prefix(prefix: &str) -> String {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        let next = match last {
            '\u{D7FF}' => Some('\u{E000}'),
            other => char::from_u32(u32::from(other) + 1),
        };
        if let Some(next) = next {
            characters.push(next);
            return characters.into_iter().collect();
        }
    }
    // Every text begins with the empty prefix; no text of ours begins with this.
    "\u{10FFFF}".repeat(16)
}

fn list(
    value: &Json,
    column_type: ColumnType,
    dialect: Dialect,
    max_values: usize,
    place: &str,
) -> Result<Bind> {
    let values = items(value, max_values, place)?;
    let mut texts = Vec::with_capacity(values.len());
    let mut json = String::from("[");
    for value in values {
        let bind = scalar(value, column_type, Side::Exact, dialect, place)?;
        match dialect {
            Dialect::Postgres => texts.push(match bind {
                Bind::Boolean(truth) => truth.to_string(),
                Bind::Int(n) => n.to_string(),
                Bind::Float(n) => n.to_string(),
                Bind::Text(text) => text,
                Bind::Null | Bind::TextList(_) => continue,
            }),
            Dialect::Sqlite => {
                if json.len() > 1 {
                    json.push(',');
                }
                match bind {
                    Bind::Int(n) => json.push_str(&n.to_string()),
                    // As text: SQLite's own reading of doubles is off by a bit at times.
                    Bind::Float(n) => json.push_str(&format!("\"{n:?}\"")),
                    Bind::Text(text) => json.push_str(&Json::String(text).to_string()),
                    Bind::Boolean(_) | Bind::Null | Bind::TextList(_) => {}
                }
            }
        }
    }
    json.push(']');
    Ok(match dialect {
        Dialect::Postgres => Bind::TextList(texts),
        Dialect::Sqlite => Bind::Text(json),
    })
}

/// A value to be written into a column of this type: as [`scalar`], and exactly.
///
/// # Errors
/// BAD_USER_INPUT for what the column cannot keep as it is.
pub fn stored(
    value: &Json,
    column_type: ColumnType,
    dialect: Dialect,
    place: &str,
) -> Result<Bind> {
    let ColumnType::Decimal { precision, scale } = column_type else {
        return scalar(value, column_type, Side::Exact, dialect, place);
    };
    let what = "a Decimal; write it as a string, such as \"12.50\"";
    let (unscaled, own_scale) = decimal_value(value).ok_or_else(|| wrong(place, value, what))?;
    let bound = 10_i128.checked_pow(u32::from(precision));
    let fitting = decimal::rescale(unscaled, own_scale, scale)
        .filter(|unscaled| bound.is_none_or(|bound| unscaled.abs() < bound));
    let Some(fitting) = fitting.and_then(|unscaled| i64::try_from(unscaled).ok()) else {
        let before = precision.saturating_sub(scale);
        let what = format!(
            "a Decimal of at most {before} digits before and {scale} after the point, which the column keeps"
        );
        return Err(wrong(place, value, &what));
    };
    Ok(match dialect {
        Dialect::Sqlite => Bind::Int(fitting),
        Dialect::Postgres => {
            let mut out = Vec::with_capacity(24);
            decimal::write_decimal(&mut out, fitting, scale);
            Bind::Text(String::from_utf8(out).map_err(Error::internal)?)
        }
    })
}

/// A value of a column's type, in the form in which the store keeps it.
fn scalar(
    value: &Json,
    column_type: ColumnType,
    side: Side,
    dialect: Dialect,
    place: &str,
) -> Result<Bind> {
    let expected = |what: &str| wrong(place, value, what);
    let as_text = |what: &'static str| value.as_str().ok_or_else(|| wrong(place, value, what));
    let formatted = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::with_capacity(32);
        write(&mut out);
        String::from_utf8(out).map(Bind::Text).map_err(Error::internal)
    };
    match column_type {
        ColumnType::Boolean => {
            let truth = value.as_bool().ok_or_else(|| expected("a Boolean"))?;
            Ok(match dialect {
                Dialect::Sqlite => Bind::Int(i64::from(truth)),
                Dialect::Postgres => Bind::Boolean(truth),
            })
        }
        ColumnType::Int => {
            let n = value.as_i64().filter(|n| i32::try_from(*n).is_ok());
            n.map(Bind::Int).ok_or_else(|| expected("an Int (a whole number of 32 bits)"))
        }
        ColumnType::BigInt => {
            let n = match value {
                Json::String(text) => text.parse().ok(),
                other => other.as_i64(),
            };
            n.map(Bind::Int).ok_or_else(|| expected("a BigInt (a whole number of 64 bits)"))
        }
        ColumnType::Decimal { scale, .. } => {
            let what = "a Decimal; write it as a string, such as \"12.50\"";
            let (unscaled, own_scale) =
                decimal_value(value).ok_or_else(|| wrong(place, value, what))?;
            match dialect {
                Dialect::Sqlite => Ok(Bind::Int(to_side(unscaled, own_scale, scale, side))),
                Dialect::Postgres => {
                    formatted(&|out| decimal::write_decimal_i128(out, unscaled, own_scale))
                }
            }
        }
        ColumnType::Float => {
            let n = value.as_f64().filter(|n| n.is_finite());
            n.map(Bind::Float).ok_or_else(|| expected("a Float"))
        }
        ColumnType::Date => {
            let what = "a Date; write it as \"2024-01-31\"";
            let days = temporal::parse_iso_date(as_text(what)?).ok_or_else(|| expected(what))?;
            formatted(&|out| temporal::write_date(out, days))
        }
        ColumnType::LocalTime => {
            let what = "a LocalTime; write it as \"10:30:00\"";
            let micros = temporal::parse_iso_time(as_text(what)?).ok_or_else(|| expected(what))?;
            formatted(&|out| temporal::write_time(out, micros))
        }
        ColumnType::LocalDateTime => {
            let what = "a LocalDateTime; write it as \"2024-01-31T10:30:00\"";
            let micros = temporal::parse_iso_local_date_time(as_text(what)?)
                .ok_or_else(|| expected(what))?;
            formatted(&|out| temporal::write_timestamp(out, micros))
        }
        ColumnType::DateTime => {
            let what = "a DateTime; write it as \"2024-01-31T10:30:00Z\"";
            let micros =
                temporal::parse_iso_date_time(as_text(what)?).ok_or_else(|| expected(what))?;
            formatted(&|out| {
                temporal::write_timestamp(out, micros);
                if dialect == Dialect::Postgres {
                    out.push(b'Z');
                }
            })
        }
        ColumnType::Uuid => {
            let what = "a UUID, such as \"0190b3a8-7d2e-7c44-9c1d-2f5e8a7b6c3d\"";
            let uuid = uuid::Uuid::try_parse(as_text(what)?).map_err(|_| expected(what))?;
            Ok(Bind::Text(uuid.hyphenated().to_string()))
        }
        ColumnType::Json => {
            let json = value.to_string();
            match contain::Value::parse(&json) {
                Some(_) => Ok(Bind::Text(json)),
                None => Err(expected("a JSON value that can be compared")),
            }
        }
        ColumnType::String => Ok(Bind::Text(text(value, place)?.to_owned())),
    }
}

/// Digits and scale of a decimal in a string or a number.
///
/// A number that a double may have rounded (more than 15 digits) is not taken.
pub fn decimal_value(value: &Json) -> Option<(i128, u8)> {
    const DOUBLE_DIGITS: usize = 15;
    match value {
        Json::String(text) => decimal::parse_decimal(text),
        Json::Number(number) => {
            if let Some(whole) = number.as_i64() {
                return Some((i128::from(whole), 0));
            }
            let text = format!("{}", number.as_f64()?);
            let n_digits = text.bytes().filter(u8::is_ascii_digit).count();
            if n_digits > DOUBLE_DIGITS { None } else { decimal::parse_decimal(&text) }
        }
        _ => None,
    }
}

/// The whole number that stands for a decimal at a column's scale.
fn to_side(unscaled: i128, own_scale: u8, scale: u8, side: Side) -> i64 {
    let bound = 10i128.pow(DECIMAL_DIGITS);
    let clamp = |n: i128| i64::try_from(n.clamp(-bound, bound)).unwrap_or(NO_DECIMAL);
    if own_scale <= scale {
        let factor = 10i128.checked_pow(u32::from(scale - own_scale));
        return match factor.and_then(|factor| unscaled.checked_mul(factor)) {
            Some(n) => clamp(n),
            None => clamp(unscaled.signum() * bound),
        };
    }
    let divisor = match 10i128.checked_pow(u32::from(own_scale - scale)) {
        Some(divisor) => divisor,
        None => return if side == Side::Exact { NO_DECIMAL } else { 0 },
    };
    let is_exact = unscaled % divisor == 0;
    let floor = unscaled.div_euclid(divisor);
    match side {
        _ if is_exact => clamp(floor),
        Side::Exact => NO_DECIMAL,
        Side::Floor => clamp(floor),
        Side::Ceil => clamp(floor + 1),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bind(value: &Json, column_type: ColumnType, dialect: Dialect) -> Option<Bind> {
        scalar(value, column_type, Side::Exact, dialect, "where.x._eq").ok()
    }

    #[test]
    fn values_are_taken_exactly_or_not_at_all() {
        let sqlite = |value: Json, column_type| bind(&value, column_type, Dialect::Sqlite);
        let cents = ColumnType::Decimal { precision: 10, scale: 2 };
        assert_eq!(sqlite(json!(5), ColumnType::Int), Some(Bind::Int(5)));
        assert_eq!(sqlite(json!(5_000_000_000_i64), ColumnType::Int), None);
        assert_eq!(sqlite(json!(5.0), ColumnType::Int), None);
        assert_eq!(sqlite(json!("5"), ColumnType::Int), None);
        assert_eq!(sqlite(json!("5000000000"), ColumnType::BigInt), Some(Bind::Int(5_000_000_000)));
        assert_eq!(sqlite(json!("12.5"), cents), Some(Bind::Int(1_250)));
        assert_eq!(sqlite(json!(12.5), cents), Some(Bind::Int(1_250)));
        assert_eq!(sqlite(json!("12.505"), cents), Some(Bind::Int(NO_DECIMAL)));
        assert_eq!(sqlite(json!("twelve"), cents), None);
        assert_eq!(sqlite(json!(true), ColumnType::Boolean), Some(Bind::Int(1)));
        assert_eq!(sqlite(json!("2024-02-30"), ColumnType::Date), None);
        assert_eq!(
            sqlite(json!("2024-01-31T10:00:00+02:00"), ColumnType::DateTime),
            Some(Bind::Text("2024-01-31T08:00:00".to_owned()))
        );
        assert_eq!(sqlite(json!("a\0b"), ColumnType::String), None);
    }

    proptest::proptest! {
        #[test]
        fn doubles_come_back_from_cursors_to_the_bit(bits in proptest::prelude::any::<u64>()) {
            let number = f64::from_bits(bits);
            proptest::prop_assume!(number.is_finite());
            use crate::store::cursor::{CursorKey, CursorKeys};
            let keys = CursorKeys::new(vec![CursorKey::new([7; 32])]);
            let seal = CursorSeal::new(&keys, b"w", b"d", "ratio", "FLOAT", 1);
            let (mut value, mut cursor) = (Vec::new(), Vec::new());
            crate::store::json::write_float(number, &mut value);
            seal.write(&[b"\"", value.as_slice(), b"\""].concat(), &mut cursor);
            let kind = SlotKind::Cursor {
                seal: Arc::new(seal),
                index: 0,
                column_type: ColumnType::Float,
            };
            let origin = Origin::Constant(Json::String(String::from_utf8(cursor).unwrap()));
            let slot = Slot { origin, kind, place: "after".into() };
            let workspace = crate::catalog::model::WorkspaceId(uuid::Uuid::nil());
            let (variables, snapshot) = (Variables::new(), Snapshot::new(workspace, 1, 1, []));
            let bound = Binder::new(&variables, &snapshot, Dialect::Sqlite, 1).bind(&slot);
            let bound = match bound {
                Ok(Bind::Float(n)) => Some(n.to_bits()),
                _ => None,
            };
            proptest::prop_assert_eq!(bound, Some(bits));
        }
    }

    #[test]
    fn decimals_between_two_cells_keep_their_side() {
        assert_eq!(to_side(12_505, 3, 2, Side::Floor), 1_250);
        assert_eq!(to_side(12_505, 3, 2, Side::Ceil), 1_251);
        assert_eq!(to_side(-12_505, 3, 2, Side::Floor), -1_251);
        assert_eq!(to_side(-12_505, 3, 2, Side::Ceil), -1_250);
        assert_eq!(to_side(12_500, 3, 2, Side::Exact), 1_250);
        assert_eq!(to_side(i128::MAX / 2, 0, 18, Side::Exact), 10i64.pow(18));
    }

    #[test]
    fn prefixes_end_before_the_next_text() {
        assert_eq!(after_prefix("ab"), "ac");
        assert_eq!(after_prefix("a\u{D7FF}"), "a\u{E000}");
        assert_eq!(after_prefix("a\u{10FFFF}"), "b");
        assert!(after_prefix("").as_str() > "\u{10FFFF}");
    }
}
