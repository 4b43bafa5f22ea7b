//! Turns what the cells of a column allow together into the one way in which they are meant, or says why there is none.
//! It exists because `1,234` and `03/04/2024` are only typed when the column, or its owner, proves what they mean.
//! It never prefers a reading for being likelier in some country.

use crate::calendar::{Moment, ORDERS};
use crate::decide::Context;
use crate::decimal::MAX_PRECISION;
use crate::form::Form;
use crate::notation::{ALL_WAYS, POINT_GROUPS, POINT_WAYS, WAYS};
use crate::options::DateOrder;
use crate::plan::{Notice, NoticeCode, NumberNotation, TemporalNotation};
use crate::summary::{COMMON_SCALE, ColumnSummary, Range, Tally};
use crate::types::ColumnType;
use crate::written::WrittenNumbers;

/// A decision, or why there is none.
pub(crate) enum Choice<T> {
    Made(T),
    Open { code: NoticeCode, reason: String },
}

impl<T> Choice<T> {
    pub(crate) fn into_choice(self) -> Option<T> {
        match self {
            Self::Made(choice) => Some(choice),
            Self::Open { .. } => None,
        }
    }

    fn open(code: NoticeCode, reason: impl Into<String>) -> Self {
        Self::Open { code, reason: reason.into() }
    }
}

/// How the numbers of a column are meant.
pub(crate) struct NumberChoice {
    pub(crate) column_type: ColumnType,
    pub(crate) notation: NumberNotation,
    pub(crate) what: String,
    tally: Tally,
    pub(crate) ints: Range<i64>,
    /// At the common scale.
    pub(crate) decimals: Range<i128>,
}

/// What every choice can say about itself.
pub(crate) trait Told {
    fn column_type(&self) -> ColumnType;
    fn what(&self) -> &str;
    /// Where the first cell stands that was read this way, and how many there are.
    fn tally(&self) -> Tally;

    fn notice(&self, context: &Context<'_>) -> Notice {
        let Tally { count, first_row } = self.tally();
        Notice::new(NoticeCode::Notation, format!("read as {}", self.what()))
            .in_column(context.label)
            .at(context.first_row + first_row, count)
    }
}

impl Told for NumberChoice {
    fn column_type(&self) -> ColumnType {
        self.column_type
    }

    fn what(&self) -> &str {
        &self.what
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}

fn tally_of(summary: &ColumnSummary, form: Form) -> Tally {
    let first_row = summary.first_of(form).map_or(0, |first| first.row);
    Tally { count: summary.count(form), first_row }
}

/// Finds the way in which the numbers of a column are written.
pub(crate) fn choose_number(
    summary: &ColumnSummary,
    context: &Context<'_>,
) -> Choice<NumberChoice> {
    let Some(numbers) = summary.numbers.as_deref() else {
        return Choice::open(NoticeCode::Ambiguous, "there are no written numbers");
    };
    let n_numbers = summary.count(Form::Int) + summary.count(Form::Decimal) + numbers.count;
    if numbers.mixed_currency || (numbers.n_currency > 0 && numbers.n_currency < n_numbers) {
        return Choice::open(
            NoticeCode::MixedTypes,
            "some numbers have a currency and others none or another",
        );
    }
    if numbers.n_percent > 0 && numbers.n_percent < n_numbers {
        return Choice::open(
            NoticeCode::MixedTypes,
            "some numbers have a percent sign and others have none",
        );
    }
    let way = match way_of(summary, numbers, context) {
        Choice::Made(way) => way,
        Choice::Open { code, reason } => return Choice::Open { code, reason },
    };
    let Some((decimal_mark, group_mark)) = WAYS.get(way).copied() else {
        return Choice::open(NoticeCode::Ambiguous, "no way fits all numbers");
    };
    let ranges = number_range(summary, numbers, way);
    let (min, max) = ranges.0.unwrap_or((0, 0));
    let scale = scale_of(summary, numbers, way);
    let whole = min.unsigned_abs().max(max.unsigned_abs()) / 10_u128.pow(u32::from(COMMON_SCALE));
    let whole_digits =
        whole.checked_ilog10().map_or(0, |log| u8::try_from(log + 1).unwrap_or(u8::MAX));
    if whole_digits.saturating_add(scale) > MAX_PRECISION {
        return Choice::open(
            NoticeCode::WideNumbers,
            format!(
                "the numbers need {whole_digits} digits before and {scale} after the mark, more than 18 in all"
            ),
        );
    }
    let unit = 10_i128.pow(u32::from(COMMON_SCALE));
    let as_int = |value: i128| i64::try_from(value / unit).ok();
    let ints = Range(as_int(min).zip(as_int(max)));
    if context.declared.is_none()
        && scale == 0
        && let Some(reason) = other_meaning(numbers, n_numbers, group_mark, (min, max))
    {
        return Choice::open(NoticeCode::Ambiguous, reason);
    }
    let column_type = match scale {
        0 if ints
            .0
            .is_some_and(|(min, max)| i32::try_from(min).is_ok() && i32::try_from(max).is_ok()) =>
        {
            ColumnType::Int
        }
        0 => ColumnType::BigInt,
        scale => ColumnType::Decimal { precision: MAX_PRECISION, scale },
    };
    let notation = NumberNotation {
        decimal_mark,
        group_mark,
        currency: numbers.currency.as_deref().map(str::to_owned),
        percent: numbers.n_percent > 0,
        accounting: numbers.accounting.count > 0,
        trailing_minus: numbers.trailing_minus.count > 0,
    };
    let what = describe(&notation, scale);
    Choice::Made(NumberChoice {
        column_type,
        notation,
        what,
        tally: tally_of(summary, Form::WrittenNumber),
        ints,
        decimals: ranges,
    })
}

/// Says what whole numbers may be besides numbers, when all of them look alike.
fn other_meaning(
    numbers: &WrittenNumbers,
    n_numbers: u64,
    group_mark: Option<char>,
    (min, max): (i128, i128),
) -> Option<&'static str> {
    let is_one_length = min.checked_ilog10() == max.checked_ilog10();
    // People write money with commas between thousands, and telephone numbers with points or blanks.
    if is_one_length && matches!(group_mark, Some(' ' | '.')) {
        return Some(
            "digits in groups, all of one length, may be telephone or card numbers; set the type to make them numbers",
        );
    }
    let is_bare = group_mark.is_none() && numbers.n_currency == 0 && numbers.n_percent == 0;
    if is_bare && numbers.accounting.count == n_numbers {
        return Some(
            "whole numbers, all in parentheses, may be references; set the type to make them negative numbers",
        );
    }
    (is_bare && numbers.trailing_minus.count == n_numbers).then_some(
        "whole numbers, all with a minus behind, may be open ranges; set the type to make them negative numbers",
    )
}

fn describe(notation: &NumberNotation, scale: u8) -> String {
    let mut what = "numbers".to_owned();
    if let Some(group) = notation.group_mark {
        what.push_str(&format!(" with {group:?} between thousands"));
    }
    if scale > 0 {
        what.push_str(&format!(" with {:?} as the decimal mark", notation.decimal_mark));
    }
    if let Some(currency) = &notation.currency {
        what.push_str(&format!(" in {currency} (taken off)"));
    }
    if notation.percent {
        what.push_str(" in percent (the sign was taken off)");
    }
    if notation.accounting {
        what.push_str(", parentheses mean negative");
    }
    if notation.trailing_minus {
        what.push_str(", a minus may follow");
    }
    what
}

fn way_of(
    summary: &ColumnSummary,
    numbers: &WrittenNumbers,
    context: &Context<'_>,
) -> Choice<usize> {
    let mut ways = numbers.ways;
    if summary.count(Form::Decimal) > 0 {
        ways &= if summary.no_point_groups { POINT_WAYS } else { POINT_WAYS | POINT_GROUPS };
    }
    ways &= match context.decimal_mark {
        Some('.') => POINT_WAYS,
        Some(_) => ALL_WAYS & !POINT_WAYS,
        None => ALL_WAYS,
    };
    let first = |mask: u8| {
        (ways & mask != 0).then(|| usize::try_from((ways & mask).trailing_zeros()).unwrap_or(0))
    };
    let (point, comma) = (first(POINT_WAYS), first(!POINT_WAYS));
    match (point, comma) {
        (None, None) => {
            Choice::open(NoticeCode::MixedTypes, "no way of writing numbers fits all of them")
        }
        (Some(way), None) | (None, Some(way)) => Choice::Made(way),
        (Some(point), Some(comma)) => {
            let (point_scale, comma_scale) =
                (scale_of(summary, numbers, point), scale_of(summary, numbers, comma));
            // Without a mark in any cell, or with points only, the ordinary way holds.
            if point_scale == comma_scale || comma_scale == 0 || context.source.comma_delimited {
                return Choice::Made(point);
            }
            Choice::open(
                NoticeCode::Ambiguous,
                "the comma may stand between thousands or be the decimal mark: no cell proves which; set decimalMark",
            )
        }
    }
}

fn scale_of(summary: &ColumnSummary, numbers: &WrittenNumbers, way: usize) -> u8 {
    let own = numbers.max_scale.get(way).copied().unwrap_or(0);
    let is_point = WAYS.get(way).is_some_and(|(mark, _)| *mark == '.');
    if is_point { own.max(summary.max_scale) } else { own }
}

fn number_range(summary: &ColumnSummary, numbers: &WrittenNumbers, way: usize) -> Range<i128> {
    let unit = 10_i128.pow(u32::from(COMMON_SCALE));
    let mut range = numbers.ranges.get(way).copied().unwrap_or_default();
    if let Some((min, max)) = summary.ints.0 {
        range.merge(Range(Some((i128::from(min) * unit, i128::from(max) * unit))));
    }
    if let Some((min, max)) = summary.decimals.0 {
        // Points between thousands: what looked like three decimals is whole.
        let factor = if WAYS.get(way).is_some_and(|(mark, _)| *mark == '.') { 1 } else { 1_000 };
        range.merge(Range(Some((min * factor, max * factor))));
    }
    range
}

/// How the dates of a column are meant.
pub(crate) struct DateChoice {
    pub(crate) column_type: ColumnType,
    pub(crate) notation: TemporalNotation,
    pub(crate) what: String,
    tally: Tally,
    /// Days of dates, microseconds of everything else.
    pub(crate) range: Range<i64>,
}

impl Told for DateChoice {
    fn column_type(&self) -> ColumnType {
        self.column_type
    }

    fn what(&self) -> &str {
        &self.what
    }

    fn tally(&self) -> Tally {
        self.tally
    }
}

impl DateChoice {
    pub(crate) fn days(&self) -> Range<i32> {
        let days = |value| i32::try_from(value).ok();
        Range(self.range.0.and_then(|(min, max)| days(min).zip(days(max))))
    }
}

/// Finds the order in which the dates of a column are written.
pub(crate) fn choose_date(summary: &ColumnSummary, context: &Context<'_>) -> Choice<DateChoice> {
    let Some(dates) = summary.dates.as_deref() else {
        return Choice::open(NoticeCode::Ambiguous, "there are no written dates");
    };
    let Some(moment) = dates.moment.filter(|_| !dates.mixed) else {
        return Choice::open(NoticeCode::MixedTypes, "dates are written in several ways");
    };
    if summary.count(Form::Time) > 0 && moment != Moment::Time {
        return Choice::open(NoticeCode::MixedTypes, "some cells are dates and others are times");
    }
    let mut orders: Vec<usize> =
        (0..ORDERS.len()).filter(|order| dates.orders & (1 << order) != 0).collect();
    if let Some(wanted) = context.date_order {
        orders.retain(|order| ORDERS.get(*order) == Some(&wanted));
    }
    let is_open = orders.len() > 1 && !dates.named_month && moment != Moment::Time;
    if is_open {
        return Choice::open(
            NoticeCode::Ambiguous,
            "the day or the month may come first: no value above 12 proves which; set dateOrder to DMY or MDY",
        );
    }
    let Some(place) = orders.first().copied() else {
        return Choice::open(
            NoticeCode::MixedTypes,
            "no order of day, month and year fits all dates",
        );
    };
    let order = ORDERS.get(place).copied().unwrap_or(DateOrder::Ymd);
    let (column_type, kind) = match moment {
        Moment::Date => (ColumnType::Date, "dates"),
        Moment::Time => (ColumnType::LocalTime, "times of day"),
        Moment::LocalDateTime => {
            (ColumnType::LocalDateTime, "dates with a time and without a zone")
        }
        Moment::DateTime => (ColumnType::DateTime, "dates with a time and a zone, now in UTC"),
    };
    let what = match (moment, dates.named_month, order) {
        (Moment::Time, ..) => kind.to_owned(),
        (_, true, _) => format!("{kind} with named months"),
        (_, _, DateOrder::Dmy) => format!("{kind}, the day first"),
        (_, _, DateOrder::Mdy) => format!("{kind}, the month first"),
        (_, _, DateOrder::Ymd) => format!("{kind}, the year first"),
    };
    let mut range = dates.ranges.get(place).copied().unwrap_or_default();
    if moment == Moment::Time {
        range.merge(summary.micros);
    }
    let notation = TemporalNotation { order, named_month: dates.named_month };
    Choice::Made(DateChoice {
        column_type,
        notation,
        what,
        tally: tally_of(summary, Form::WrittenDate),
        range,
    })
}
