//! Turns the cells of a column that are written for people into what all of them allow together.
//! It exists so that numbers with separators and dates without ISO order are typed only where the column proves how.
//! It never decides: it keeps the ways that are left, and what each would give.

use crate::calendar::{Dated, Moment, read_dated};
use crate::notation::{ALL_WAYS, WAYS, take_apart};
use crate::summary::{COMMON_SCALE, Range, Tally};

/// What the written numbers of a column allow.
#[derive(Clone, Debug)]
pub(crate) struct WrittenNumbers {
    /// Bits of [`WAYS`] that all cells fit.
    pub(crate) ways: u8,
    pub(crate) count: u64,
    pub(crate) max_scale: [u8; 8],
    pub(crate) max_whole_digits: [u8; 8],
    /// At the common scale.
    pub(crate) ranges: [Range<i128>; 8],
    pub(crate) currency: Option<Box<str>>,
    pub(crate) n_currency: u64,
    pub(crate) mixed_currency: bool,
    pub(crate) n_percent: u64,
    pub(crate) accounting: Tally,
    pub(crate) trailing_minus: Tally,
}

impl Default for WrittenNumbers {
    fn default() -> Self {
        Self {
            ways: ALL_WAYS,
            count: 0,
            max_scale: [0; 8],
            max_whole_digits: [0; 8],
            ranges: Default::default(),
            currency: None,
            n_currency: 0,
            mixed_currency: false,
            n_percent: 0,
            accounting: Tally::default(),
            trailing_minus: Tally::default(),
        }
    }
}

impl WrittenNumbers {
    /// Takes in a cell; `false` when it is no written number.
    pub(crate) fn add(&mut self, text: &str, row: u64) -> bool {
        // What is plain but not canonical (`-0`, `007.5`) was refused before and stays so.
        let is_plain =
            text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
        if is_plain
            && text.bytes().filter(|byte| *byte == b'.').count() <= 1
            && !text.ends_with('-')
        {
            return false;
        }
        if is_ip_address(text) {
            return false;
        }
        let Some(written) = take_apart(text) else {
            return false;
        };
        let digits =
            WAYS.map(|(decimal_mark, group_mark)| written.digits(decimal_mark, group_mark));
        if digits.iter().all(Option::is_none) {
            return false;
        }
        self.count += 1;
        for (way, digits) in digits.into_iter().enumerate() {
            let Some(digits) = digits else {
                self.ways &= !(1 << way);
                continue;
            };
            if let (Some(scale), Some(whole), Some(range)) = (
                self.max_scale.get_mut(way),
                self.max_whole_digits.get_mut(way),
                self.ranges.get_mut(way),
            ) {
                *scale = digits.scale.max(*scale);
                *whole = digits.whole_digits.max(*whole);
                let unit = 10_i128.pow(u32::from(COMMON_SCALE.saturating_sub(digits.scale)));
                range.add(i128::from(digits.unscaled) * unit);
            }
        }
        if let Some(currency) = written.currency {
            self.n_currency += 1;
            self.take_currency(currency);
        }
        self.n_percent += u64::from(written.percent);
        if written.accounting {
            self.accounting.add(row);
        }
        if written.trailing_minus {
            self.trailing_minus.add(row);
        }
        true
    }

    fn take_currency(&mut self, currency: &str) {
        match self.currency.as_deref() {
            None => self.currency = Some(currency.into()),
            Some(known) => self.mixed_currency |= known != currency,
        }
    }

    pub(crate) fn merge(&mut self, later: Self, rows_before: u64) {
        self.ways &= later.ways;
        self.count += later.count;
        for (mine, theirs) in self.max_scale.iter_mut().zip(later.max_scale) {
            *mine = theirs.max(*mine);
        }
        for (mine, theirs) in self.max_whole_digits.iter_mut().zip(later.max_whole_digits) {
            *mine = theirs.max(*mine);
        }
        for (mine, theirs) in self.ranges.iter_mut().zip(later.ranges) {
            mine.merge(theirs);
        }
        self.mixed_currency |= later.mixed_currency;
        if let Some(currency) = later.currency {
            self.take_currency(&currency);
        }
        self.n_currency += later.n_currency;
        self.n_percent += later.n_percent;
        self.accounting.merge(later.accounting, rows_before);
        self.trailing_minus.merge(later.trailing_minus, rows_before);
    }
}

/// Whether a text is four numbers below 256 with points between, as in `192.168.100.101`.
fn is_ip_address(text: &str) -> bool {
    let mut parts = text.split('.');
    let n_octets = parts.by_ref().take(4).filter(|part| part.parse::<u8>().is_ok()).count();
    n_octets == 4 && parts.next().is_none()
}

/// What the written dates of a column allow.
#[derive(Clone, Debug)]
pub(crate) struct WrittenDates {
    /// Bits of the orders that all cells fit.
    pub(crate) orders: u8,
    pub(crate) count: u64,
    /// The one kind that all cells are of.
    pub(crate) moment: Option<Moment>,
    pub(crate) mixed: bool,
    pub(crate) named_month: bool,
    separator: Option<char>,
    /// Days of dates, microseconds of everything else.
    pub(crate) ranges: [Range<i64>; 3],
}

impl Default for WrittenDates {
    fn default() -> Self {
        Self {
            orders: 0b111,
            count: 0,
            moment: None,
            mixed: false,
            named_month: false,
            separator: None,
            ranges: Default::default(),
        }
    }
}

impl WrittenDates {
    /// Takes in a cell; `false` when it is no written date or time.
    pub(crate) fn add(&mut self, text: &str) -> bool {
        let Some(dated) = read_dated(text) else {
            return false;
        };
        let Dated { moment, values, named_month, separator } = dated;
        self.count += 1;
        self.named_month |= named_month;
        self.take_kind(moment, separator);
        for (order, value) in values.into_iter().enumerate() {
            match (value, self.ranges.get_mut(order)) {
                (Some(value), Some(range)) => range.add(value),
                _ => self.orders &= !(1 << order),
            }
        }
        true
    }

    fn take_kind(&mut self, moment: Moment, separator: char) {
        self.mixed |= self.moment.is_some_and(|known| known != moment);
        self.moment = Some(moment);
        self.mixed |= self.separator.is_some_and(|known| known != separator);
        self.separator = Some(separator);
    }

    pub(crate) fn merge(&mut self, later: &Self) {
        self.orders &= later.orders;
        self.count += later.count;
        self.mixed |= later.mixed;
        self.named_month |= later.named_month;
        if let (Some(moment), Some(separator)) = (later.moment, later.separator) {
            self.take_kind(moment, separator);
        }
        for (mine, theirs) in self.ranges.iter_mut().zip(later.ranges) {
            mine.merge(theirs);
        }
    }
}
