//! Turns the cells of one column, block by block, into all that is needed to decide its type.
//! It exists because every row is judged: summaries of blocks are made in parallel and merged in file order, exactly.
//! It never decides; the same cells give the same summary however they were cut into blocks.

use crate::form::{Cell, DecimalCell, Form, form_of, is_null_word, survives_double};
use crate::naming::cut;
use crate::plan::BooleanPair;
use crate::sketch::{Categories, Distinct, hash};
use crate::written::{WrittenDates, WrittenNumbers};

const MAX_SAMPLES: usize = 5;
/// Rows of a block that may become samples.
const SAMPLE_ROWS: u64 = 64;
const MAX_NULL_WORDS: usize = 16;
/// After so many cells of text in a block, a column is text whatever the rest may be.
const MAX_TEXTS: u64 = 8;
/// The scale at which decimals of different scales are compared.
pub(crate) const COMMON_SCALE: u8 = 18;

/// What a cell in quotes may be, by its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Texts {
    /// Quotes mean nothing (delimited text).
    #[default]
    Anything,
    /// Strings of JSON, which has no other way to write dates.
    Dates,
    /// Text cells of spreadsheets, which have real dates.
    Text,
    /// Text columns of sources whose types are taken as they are.
    Plain,
}

/// What the caller said about reading cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct CellRules {
    /// Null spellings in place of the built-in ones.
    pub(crate) null_spellings: Option<Vec<String>>,
    /// What quoted cells may be.
    pub(crate) texts: Texts,
    /// Whether characters may have been replaced on the way here.
    pub(crate) seeks_replaced: bool,
}

/// The smallest and the largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Range<T>(pub(crate) Option<(T, T)>);

impl<T: Copy + Ord> Range<T> {
    pub(crate) fn add(&mut self, value: T) {
        self.0 = Some(match self.0 {
            None => (value, value),
            Some((min, max)) => (min.min(value), max.max(value)),
        });
    }

    pub(crate) fn merge(&mut self, other: Self) {
        if let Some((min, max)) = other.0 {
            self.add(min);
            self.add(max);
        }
    }
}

/// Whether whole numbers grow from row to row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Unseen,
    Rising {
        first: i64,
        last: i64,
    },
    Broken,
}

/// Doubles keep any number of so many digits.
const DOUBLE_DIGITS: usize = 15;

/// How the fractions of plain decimals are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fractions {
    /// The fewest digits; 0 before the first decimal.
    pub(crate) min_scale: u8,
    /// Whether some end with a zero that says nothing (`1.10`).
    pub(crate) padded: bool,
    /// Whether some begin with a zero (`1.05`), or a number is negative.
    pub(crate) measured: bool,
    /// Whether some have the 16 or 17 digits that programs need for doubles and people do not write.
    pub(crate) printed: bool,
}

impl Fractions {
    fn add(&mut self, text: &str, scale: u8) {
        let fraction = text.rsplit('.').next().unwrap_or_default();
        let is_more = fraction.len() > 1;
        self.merge(Self {
            min_scale: scale,
            padded: is_more && fraction.ends_with('0'),
            measured: is_more && fraction.starts_with('0') || text.starts_with('-'),
            printed: text.len() > DOUBLE_DIGITS && n_significant(text) > DOUBLE_DIGITS,
        });
    }

    fn merge(&mut self, other: Self) {
        self.min_scale = match (self.min_scale, other.min_scale) {
            (0, scale) | (scale, 0) => scale,
            (mine, theirs) => mine.min(theirs),
        };
        self.padded |= other.padded;
        self.measured |= other.measured;
        self.printed |= other.printed;
    }
}

/// Digits of a plain decimal from the first that is no zero on.
fn n_significant(text: &str) -> usize {
    text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count()
}

/// The first cell of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FirstSeen {
    /// Position among the data records, 0-based.
    pub(crate) row: u64,
    pub(crate) text: Box<str>,
}

/// How often something was seen, and where first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) first_row: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, row: u64) {
        if self.count == 0 {
            self.first_row = row;
        }
        self.count += 1;
    }

    pub(crate) fn merge(&mut self, other: Self, rows_before: u64) {
        if self.count == 0 {
            self.first_row = other.first_row + rows_before;
        }
        self.count += other.count;
    }
}

/// Everything known about the cells of a column so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnSummary {
    pub(crate) counts: [u64; Form::COUNT],
    pub(crate) first: [Option<FirstSeen>; Form::COUNT],
    pub(crate) ints: Range<i64>,
    /// At [`COMMON_SCALE`].
    pub(crate) decimals: Range<i128>,
    pub(crate) max_scale: u8,
    pub(crate) max_whole_digits: u8,
    pub(crate) fractions: Fractions,
    pub(crate) negative_zeros: Tally,
    /// Numbers that a double would change.
    pub(crate) not_double: Tally,
    /// Whether some whole number has more than 64 bits.
    pub(crate) wide_whole: bool,
    pub(crate) floats: Option<(f64, f64)>,
    /// One bit for each word of each pair.
    pub(crate) boolean_words: u8,
    pub(crate) days: Range<i32>,
    /// Of times, local date-times and instants; only one of them can decide the type.
    pub(crate) micros: Range<i64>,
    pub(crate) offsets: Tally,
    pub(crate) padded: Tally,
    /// Cells with U+FFFD, where they are sought.
    pub(crate) replaced: Tally,
    pub(crate) null_words: Vec<(Box<str>, u64)>,
    /// Whether some plain decimal cannot be a whole number in groups of three (as `1.234` can).
    pub(crate) no_point_groups: bool,
    pub(crate) numbers: Option<Box<WrittenNumbers>>,
    pub(crate) dates: Option<Box<WrittenDates>>,
    pub(crate) order: Order,
    pub(crate) longest_bytes: usize,
    pub(crate) samples: Vec<String>,
    pub(crate) distinct: Distinct,
    pub(crate) categories: Categories,
}

/// The bit of a boolean word in [`ColumnSummary::boolean_words`].
pub(crate) fn boolean_bit(pair: BooleanPair, value: bool) -> u8 {
    let place = match pair {
        BooleanPair::TrueFalse => 0,
        BooleanPair::YesNo => 2,
        BooleanPair::YN => 4,
        BooleanPair::TF => 6,
    };
    1 << (place + u8::from(value))
}

impl ColumnSummary {
    /// Starts a block; `many_values` tells that earlier rows have too many values for categories.
    pub(crate) fn new(many_values: bool) -> Self {
        let categories = if many_values { Categories::overflowed() } else { Categories::default() };
        Self { categories, ..Self::default() }
    }

    pub(crate) fn count(&self, form: Form) -> u64 {
        self.counts.get(form as usize).copied().unwrap_or_default()
    }

    pub(crate) fn first_of(&self, form: Form) -> Option<&FirstSeen> {
        self.first.get(form as usize)?.as_ref()
    }

    /// Takes in one cell; `row` is its position in the block.
    pub(crate) fn add(&mut self, text: &str, quoted: bool, row: u64, rules: &CellRules) {
        if text.is_empty() {
            self.see(if quoted { Form::QuotedEmpty } else { Form::Empty }, text, row);
            self.order = Order::Broken;
            return;
        }
        self.longest_bytes = self.longest_bytes.max(text.len());
        if rules.seeks_replaced && text.contains('\u{FFFD}') {
            self.replaced.add(row);
        }
        let trimmed = trim(text);
        let cell = match rules.null_spellings.as_deref() {
            None if trimmed.is_empty() => Cell::Blank,
            None => form_of(trimmed),
            Some(spellings) => form_with_spellings(trimmed, spellings),
        };
        let cell = if quoted { rules.texts.limit(cell) } else { cell };
        let form = match cell.form() {
            Form::Text if rules.texts == Texts::Anything && self.count(Form::Text) < MAX_TEXTS => {
                self.form_as_written(trimmed, row)
            }
            form => form,
        };
        if trimmed.len() != text.len() && form.is_typed() {
            self.padded.add(row);
        }
        self.take_value(cell, trimmed, row);
        self.see(form, text, row);
        if form != Form::NullWord && form != Form::Blank {
            let hash = hash(text.as_bytes());
            self.distinct.add(hash);
            self.categories.add(hash, text, 1);
        }
    }

    /// Looks for numbers and dates written for people, which costs more than everything else.
    fn form_as_written(&mut self, text: &str, row: u64) -> Form {
        if text.len() > 48 || !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return Form::Text;
        }
        if self.numbers.get_or_insert_default().add(text, row) {
            return Form::WrittenNumber;
        }
        if self.dates.get_or_insert_default().add(text) {
            return Form::WrittenDate;
        }
        Form::Text
    }

    fn see(&mut self, form: Form, text: &str, row: u64) {
        if let Some(count) = self.counts.get_mut(form as usize) {
            if *count == 0
                && let Some(first) = self.first.get_mut(form as usize)
            {
                *first = Some(FirstSeen { row, text: cut(text, 100).into() });
            }
            *count += 1;
        }
        if row < SAMPLE_ROWS && self.samples.len() < MAX_SAMPLES && !text.is_empty() {
            let text = cut(text, 100);
            if !self.samples.iter().any(|sample| sample == text) {
                self.samples.push(text.to_owned());
            }
        }
    }

    fn take_value(&mut self, cell: Cell, text: &str, row: u64) {
        if let Cell::Int(value) = cell {
            return self.take_int(value, text, row);
        }
        self.order = Order::Broken;
        match cell {
            Cell::Decimal(decimal) => self.take_decimal(decimal, text, row),
            Cell::Scientific(exact) => self.take_float(text, exact, row),
            // Programs also write doubles like that: `0.00012345678901234567`.
            Cell::Wide => {
                match text.split_once('.') {
                    Some((_, fraction)) => {
                        let scale = u8::try_from(fraction.len()).unwrap_or(u8::MAX);
                        self.fractions.add(text, scale);
                    }
                    None => self.wide_whole = true,
                }
                self.take_float(text, survives_double(text), row);
            }
            Cell::Boolean(pair, value) => self.boolean_words |= boolean_bit(pair, value),
            Cell::Date(days) => self.days.add(days),
            Cell::Time(micros) | Cell::LocalDateTime(micros) => self.micros.add(micros),
            Cell::DateTime(micros) => {
                self.micros.add(micros);
                if !text.ends_with(['Z', 'z']) {
                    self.offsets.add(row);
                }
            }
            Cell::NullWord => self.take_null_word(text, 1),
            _ => {}
        }
    }

    fn take_int(&mut self, value: i64, text: &str, row: u64) {
        const LARGEST_EXACT: u64 = 1 << 53;
        self.ints.add(value);
        if value.unsigned_abs() > LARGEST_EXACT && !survives_double(text) {
            self.not_double.add(row);
        }
        self.order = match self.order {
            Order::Unseen => Order::Rising { first: value, last: value },
            Order::Rising { first, last } if value > last => Order::Rising { first, last: value },
            _ => Order::Broken,
        };
    }

    fn take_decimal(&mut self, decimal: DecimalCell, text: &str, row: u64) {
        self.max_scale = self.max_scale.max(decimal.scale);
        self.max_whole_digits = self.max_whole_digits.max(decimal.whole_digits);
        self.fractions.add(text, decimal.scale);
        let unit = 10_i128.pow(u32::from(COMMON_SCALE.saturating_sub(decimal.scale)));
        self.decimals.add(i128::from(decimal.unscaled) * unit);
        self.no_point_groups |= decimal.scale != 3 || !(1..=3).contains(&decimal.whole_digits);
        if decimal.negative_zero {
            self.negative_zeros.add(row);
        }
        let n_digits = usize::from(decimal.whole_digits + decimal.scale);
        if n_digits > DOUBLE_DIGITS && !survives_double(text) {
            self.not_double.add(row);
        }
    }

    fn take_float(&mut self, text: &str, exact: bool, row: u64) {
        if !exact {
            self.not_double.add(row);
        }
        if let Ok(value) = text.parse::<f64>() {
            let (min, max) = self.floats.unwrap_or((value, value));
            self.floats = Some((min.min(value), max.max(value)));
        }
    }

    fn take_null_word(&mut self, word: &str, count: u64) {
        if let Some(seen) = self.null_words.iter_mut().find(|seen| *seen.0 == *word) {
            seen.1 += count;
        } else if self.null_words.len() < MAX_NULL_WORDS {
            self.null_words.push((word.into(), count));
        }
    }

    /// Takes in the summary of the rows that follow.
    pub(crate) fn merge(&mut self, later: Self, rows_before: u64) {
        for (mine, theirs) in self.counts.iter_mut().zip(later.counts) {
            *mine += theirs;
        }
        for (mine, theirs) in self.first.iter_mut().zip(later.first) {
            if let (None, Some(seen)) = (&mine, theirs) {
                *mine = Some(FirstSeen { row: seen.row + rows_before, ..seen });
            }
        }
        self.ints.merge(later.ints);
        self.decimals.merge(later.decimals);
        self.max_scale = self.max_scale.max(later.max_scale);
        self.max_whole_digits = self.max_whole_digits.max(later.max_whole_digits);
        self.fractions.merge(later.fractions);
        self.negative_zeros.merge(later.negative_zeros, rows_before);
        self.not_double.merge(later.not_double, rows_before);
        self.wide_whole |= later.wide_whole;
        self.floats = match (self.floats, later.floats) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        self.boolean_words |= later.boolean_words;
        self.days.merge(later.days);
        self.micros.merge(later.micros);
        self.offsets.merge(later.offsets, rows_before);
        self.padded.merge(later.padded, rows_before);
        self.replaced.merge(later.replaced, rows_before);
        self.no_point_groups |= later.no_point_groups;
        if let Some(numbers) = later.numbers {
            self.numbers.get_or_insert_default().merge(*numbers, rows_before);
        }
        if let Some(dates) = later.dates {
            self.dates.get_or_insert_default().merge(&dates);
        }
        for (word, count) in later.null_words {
            self.take_null_word(&word, count);
        }
        self.order = match (self.order, later.order) {
            (Order::Unseen, order) | (order, Order::Unseen) => order,
            (Order::Rising { first, last: end }, Order::Rising { first: begin, last })
                if begin > end =>
            {
                Order::Rising { first, last }
            }
            _ => Order::Broken,
        };
        self.longest_bytes = self.longest_bytes.max(later.longest_bytes);
        for sample in later.samples {
            if self.samples.len() < MAX_SAMPLES && !self.samples.contains(&sample) {
                self.samples.push(sample);
            }
        }
        self.distinct.merge(later.distinct);
        self.categories.merge(later.categories);
    }
}

/// Takes off blanks; most cells have none, which the first and the last byte tell.
pub(crate) fn trim(text: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_graphic());
    let bytes = text.as_bytes();
    if is_plain(bytes.first()) && is_plain(bytes.last()) { text } else { text.trim() }
}

fn form_with_spellings(text: &str, spellings: &[String]) -> Cell {
    if spellings.iter().any(|spelling| spelling == text) {
        return Cell::NullWord;
    }
    if text.is_empty() {
        return Cell::Blank;
    }
    match form_of(text) {
        Cell::NullWord if is_null_word(text) => Cell::Text,
        cell => cell,
    }
}

impl Texts {
    /// What was written as text is no number and no boolean, however it looks.
    pub(crate) fn limit(self, cell: Cell) -> Cell {
        match (self, cell) {
            (Self::Anything, cell) => cell,
            (Self::Plain, Cell::Empty) => Cell::Empty,
            (Self::Plain, _) => Cell::Text,
            (_, Cell::Empty | Cell::Blank | Cell::NullWord | Cell::Uuid | Cell::Json) => cell,
            (
                Self::Dates,
                Cell::Date(_) | Cell::Time(_) | Cell::LocalDateTime(_) | Cell::DateTime(_),
            ) => cell,
            _ => Cell::Text,
        }
    }
}
