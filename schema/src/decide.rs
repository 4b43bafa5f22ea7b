//! Turns the summary of a column into its type, its notation and the evidence for both.
//! It exists so that the rules of DESIGN section 7 stand in one place, in the order in which they are tried.
//! It never looks at cells: what is not in the summary cannot decide.

use crate::columns::ColumnSource;
use crate::decimal::MAX_PRECISION;
use crate::evidence::{evidence, mixed_notice, mixed_reason, null_words_notice, typed_notices};
use crate::form::Form;
use crate::options::{DateOrder, DeclaredType};
use crate::plan::{BooleanPair, Evidence, Notation, Notice, NoticeCode};
use crate::summary::{COMMON_SCALE, ColumnSummary, Order, boolean_bit};
use crate::types::ColumnType;
use crate::ways::{Choice, DateChoice, NumberChoice, Told, choose_date, choose_number};

/// What was decided about a column.
#[derive(Clone, Debug)]
pub(crate) struct Decision {
    pub(crate) column_type: ColumnType,
    pub(crate) notation: Notation,
    pub(crate) evidence: Evidence,
    pub(crate) n_nulls: u64,
    pub(crate) unique: Option<bool>,
    pub(crate) increasing: bool,
    /// Rows are positions among the data records, 0-based.
    pub(crate) notices: Vec<Notice>,
}

/// Where a column stands.
pub(crate) struct Context<'a> {
    pub(crate) label: &'a str,
    pub(crate) n_rows: u64,
    /// The row number of the first data record.
    pub(crate) first_row: u64,
    pub(crate) declared: Option<DeclaredType>,
    /// Whether the caller gave null spellings, which then hold in text columns too.
    pub(crate) explicit_nulls: bool,
    /// Given by the caller.
    pub(crate) date_order: Option<DateOrder>,
    /// Given by the caller.
    pub(crate) decimal_mark: Option<char>,
    pub(crate) source: ColumnSource,
}

/// What a column turned out to be.
pub(crate) struct Verdict {
    pub(crate) column_type: ColumnType,
    pub(crate) reason: String,
    pub(crate) boolean: Option<BooleanPair>,
    pub(crate) number: Option<NumberChoice>,
    pub(crate) date: Option<DateChoice>,
    /// Whether a date alone means its midnight.
    pub(crate) midnight: bool,
}

/// Decides the type of a column.
pub(crate) fn decide(summary: &ColumnSummary, context: &Context<'_>) -> Decision {
    let mut notices = Vec::new();
    let inferred = infer(summary, context, &mut notices);
    let verdict = match context.declared {
        None => inferred,
        Some(declared) => declare(declared, summary, &inferred, context),
    };
    let is_text = verdict.column_type == ColumnType::String;
    let n_cells: u64 = summary.counts.iter().sum();
    let n_missing = context.n_rows.saturating_sub(n_cells) + summary.count(Form::Empty);
    let n_words = summary.count(Form::NullWord);
    let n_nulls = match is_text {
        true if context.explicit_nulls => n_missing + n_words,
        true => n_missing,
        false => {
            n_missing + summary.count(Form::QuotedEmpty) + summary.count(Form::Blank) + n_words
        }
    };
    let reads_words = (!is_text || context.explicit_nulls) && n_words > 0;
    if reads_words {
        notices.push(null_words_notice(summary, context));
    }
    if !is_text {
        notices.extend(typed_notices(summary, context, verdict.column_type));
    }
    let notation = Notation {
        nulls: if reads_words {
            summary.null_words.iter().map(|(word, _)| word.to_string()).collect()
        } else {
            Vec::new()
        },
        trim: !is_text && summary.padded.count > 0,
        boolean: verdict.boolean,
        number: verdict.number.as_ref().map(|choice| choice.notation.clone()),
        temporal: verdict.date.as_ref().map(|choice| choice.notation.clone()),
        midnight: verdict.midnight,
        shown_as: None,
    };
    let n_values = context.n_rows.saturating_sub(n_nulls);
    let increasing = verdict.column_type_is_int()
        && summary.count(Form::Int) == context.n_rows
        && matches!(summary.order, Order::Rising { .. });
    Decision {
        column_type: verdict.column_type,
        notation,
        evidence: evidence(summary, &verdict, n_nulls, n_values, context, increasing),
        n_nulls,
        unique: uniqueness(summary, increasing, n_values),
        increasing,
        notices,
    }
}

impl Verdict {
    fn of(column_type: ColumnType, reason: impl Into<String>) -> Self {
        Self {
            column_type,
            reason: reason.into(),
            boolean: None,
            number: None,
            date: None,
            midnight: false,
        }
    }

    fn text(reason: impl Into<String>) -> Self {
        Self::of(ColumnType::String, reason)
    }

    fn column_type_is_int(&self) -> bool {
        matches!(self.column_type, ColumnType::Int | ColumnType::BigInt)
    }
}
/// The typed forms of a column's cells, in the order of [`Form`].
fn typed_forms(summary: &ColumnSummary) -> Vec<Form> {
    Form::ALL.into_iter().filter(|form| form.is_typed() && summary.count(*form) > 0).collect()
}

fn infer(summary: &ColumnSummary, context: &Context<'_>, notices: &mut Vec<Notice>) -> Verdict {
    let typed = typed_forms(summary);
    if typed.is_empty() {
        let has_text = summary.count(Form::Text) > 0;
        return Verdict::text(if has_text {
            "the cells are text"
        } else {
            "no cell has a typed value"
        });
    }
    let n_values: u64 = typed.iter().map(|form| summary.count(*form)).sum();
    let all = |column_type, what: &str| {
        Verdict::of(column_type, format!("all {n_values} values are {what}"))
    };
    let only = |forms: &[Form]| typed.iter().all(|form| forms.contains(form));
    let is_text = summary.count(Form::Text) > 0;
    match typed.as_slice() {
        _ if is_text => mixed(summary, context, notices),
        [Form::Int] => match summary.ints.0 {
            Some((min, max)) if i32::try_from(min).is_ok() && i32::try_from(max).is_ok() => {
                all(ColumnType::Int, "whole numbers of at most 32 bits")
            }
            _ => all(ColumnType::BigInt, "whole numbers of at most 64 bits"),
        },
        _ if only(&[Form::Int, Form::Decimal]) => decimals(summary, context, n_values, notices),
        _ if context.source.doubles
            && only(&[Form::Int, Form::Decimal, Form::Scientific, Form::Wide]) =>
        {
            all(ColumnType::Float, "doubles")
        }
        _ if only(&[Form::Int, Form::Decimal, Form::Wide]) => {
            wide(summary, context, n_values, notices)
        }
        _ if only(&[Form::Int, Form::Decimal, Form::Scientific, Form::Wide]) => {
            floats(summary, context, n_values, notices)
        }
        _ if only(&[Form::Int, Form::Decimal, Form::WrittenNumber]) => {
            written(choose_number(summary, context), context, n_values, notices, |choice| Verdict {
                number: Some(choice),
                ..Verdict::text("")
            })
        }
        _ if only(&[Form::Time, Form::WrittenDate]) && typed != [Form::Time] => {
            written(choose_date(summary, context), context, n_values, notices, |choice| Verdict {
                date: Some(choice),
                ..Verdict::text("")
            })
        }
        [Form::Boolean] => match boolean_pair(summary.boolean_words) {
            Some((pair, words)) => {
                Verdict { boolean: Some(pair), ..all(ColumnType::Boolean, words) }
            }
            None => {
                Verdict::text("the words may be booleans, but not both words of one pair occur")
            }
        },
        // In spreadsheets midnight is the number 0.
        [Form::Int, Form::Time] if context.source.doubles && summary.ints.0 == Some((0, 0)) => {
            Verdict { midnight: true, ..all(ColumnType::LocalTime, "times of day") }
        }
        [Form::Date, Form::LocalDateTime] if context.source.doubles => {
            Verdict { midnight: true, ..all(ColumnType::LocalDateTime, "dates, some with a time") }
        }
        [Form::Date] => all(ColumnType::Date, "dates (ISO 8601)"),
        [Form::Time] => all(ColumnType::LocalTime, "times of day"),
        [Form::LocalDateTime] => {
            all(ColumnType::LocalDateTime, "dates with a time and without a zone (ISO 8601)")
        }
        [Form::DateTime] => all(ColumnType::DateTime, "dates with a time and a zone (ISO 8601)"),
        [Form::Uuid] => all(ColumnType::Uuid, "UUIDs"),
        [Form::Json] => all(ColumnType::Json, "JSON objects or arrays"),
        _ => mixed(summary, context, notices),
    }
}

fn mixed(summary: &ColumnSummary, context: &Context<'_>, notices: &mut Vec<Notice>) -> Verdict {
    notices.extend(mixed_notice(summary, context));
    Verdict::text(mixed_reason(summary, context))
}

/// Leaves a column text and says why.
fn stays_text(
    code: NoticeCode,
    reason: String,
    context: &Context<'_>,
    notices: &mut Vec<Notice>,
) -> Verdict {
    notices.push(
        Notice::new(code, format!("{reason}; the column stays text")).in_column(context.label),
    );
    Verdict::text(reason)
}

fn decimals(
    summary: &ColumnSummary,
    context: &Context<'_>,
    n_values: u64,
    notices: &mut Vec<Notice>,
) -> Verdict {
    if !context.source.typed && may_be_versions(summary) {
        let reason = "the numbers are close together and written neither at one scale nor as short as they can be: they may be versions; declare DECIMAL to make them numbers";
        return stays_text(NoticeCode::Ambiguous, reason.to_owned(), context, notices);
    }
    let (min, max) = summary.ints.0.unwrap_or((0, 0));
    let whole_digits = summary.max_whole_digits.max(n_digits(min)).max(n_digits(max));
    let scale = summary.max_scale;
    if whole_digits + scale <= MAX_PRECISION {
        let column_type = ColumnType::Decimal { precision: MAX_PRECISION, scale };
        let reason = format!(
            "all {n_values} values are decimals with at most {scale} digits after the point"
        );
        return Verdict::of(column_type, reason);
    }
    if context.source.doubles {
        return Verdict::of(
            ColumnType::Float,
            format!("all {n_values} values are doubles, wider than 18 digits in all"),
        );
    }
    let reason = format!(
        "the numbers need {whole_digits} digits before and {scale} after the point, more than 18 in all"
    );
    wider_than_decimals(summary, reason, context, n_values, notices)
}

/// Programs print all numbers at one scale, or each as short as it can be. `1.9, 1.10` is neither: as versions or
/// sections they are not 1.9 and 1.1. What is measured or paid differs by more, or begins fractions with zeros.
fn may_be_versions(summary: &ColumnSummary) -> bool {
    const WIDEST: i128 = 4;
    let fractions = summary.fractions;
    let unit = 10_i128.pow(u32::from(COMMON_SCALE));
    let (min, max) = summary.decimals.0.unwrap_or((0, 0));
    let (least, most) = summary.ints.0.map_or((min, max), |(least, most)| {
        (min.min(i128::from(least) * unit), max.max(i128::from(most) * unit))
    });
    fractions.min_scale < summary.max_scale
        && fractions.padded
        && !fractions.measured
        && summary.max_scale <= 3
        && most / unit - least / unit <= WIDEST
}

/// Programs print a double as short as they can, which is up to 17 digits: `0.06666666666666667`. No person writes so
/// many, and of other numbers with so many digits most would change as doubles.
fn are_printed_doubles(summary: &ColumnSummary) -> bool {
    let fractions = summary.fractions;
    fractions.printed && !fractions.padded && !summary.wide_whole && summary.not_double.count == 0
}

/// Plain numbers that no decimal holds: doubles if programs printed them, else text for this reason.
fn wider_than_decimals(
    summary: &ColumnSummary,
    reason: String,
    context: &Context<'_>,
    n_values: u64,
    notices: &mut Vec<Notice>,
) -> Verdict {
    if are_printed_doubles(summary) {
        let what = "doubles as programs print them, wider than 18 digits in all";
        return Verdict::of(ColumnType::Float, format!("all {n_values} values are {what}"));
    }
    stays_text(NoticeCode::WideNumbers, reason, context, notices)
}

fn floats(
    summary: &ColumnSummary,
    context: &Context<'_>,
    n_values: u64,
    notices: &mut Vec<Notice>,
) -> Verdict {
    let lost = summary.not_double;
    if lost.count > 0 {
        let row = context.first_row + lost.first_row;
        let reason =
            format!("{} numbers would change as doubles, the first in row {row}", lost.count);
        return stays_text(NoticeCode::WideNumbers, reason, context, notices);
    }
    let what = "numbers that a double holds without loss, some in scientific notation";
    Verdict::of(ColumnType::Float, format!("all {n_values} values are {what}"))
}

fn wide(
    summary: &ColumnSummary,
    context: &Context<'_>,
    n_values: u64,
    notices: &mut Vec<Notice>,
) -> Verdict {
    let first = summary.first_of(Form::Wide);
    let row = context.first_row + first.map_or(0, |first| first.row);
    let shown = first.map_or("", |first| &first.text);
    let count = summary.count(Form::Wide);
    let reason = format!(
        "{count} numbers have more digits than a column of numbers holds, the first in row {row}: {shown}"
    );
    wider_than_decimals(summary, reason, context, n_values, notices)
}

/// Takes over a choice among ways of writing, or leaves the column text.
fn written<T: Told>(
    choice: Choice<T>,
    context: &Context<'_>,
    n_values: u64,
    notices: &mut Vec<Notice>,
    keep: impl FnOnce(T) -> Verdict,
) -> Verdict {
    match choice {
        Choice::Made(choice) => {
            let (column_type, what) = (choice.column_type(), choice.what().to_owned());
            notices.push(choice.notice(context));
            let reason = format!("all {n_values} values are {what}");
            Verdict { column_type, reason, ..keep(choice) }
        }
        Choice::Open { code, reason } => stays_text(code, reason, context, notices),
    }
}

/// Both words must occur: a column of only `F` or `NO` is more likely a code.
fn boolean_pair(words: u8) -> Option<(BooleanPair, &'static str)> {
    let bits = |pair| boolean_bit(pair, true) | boolean_bit(pair, false);
    let pairs = [
        (BooleanPair::YesNo, "yes or no"),
        (BooleanPair::YN, "y or n"),
        (BooleanPair::TF, "t or f"),
    ];
    if words != 0 && words & !bits(BooleanPair::TrueFalse) == 0 {
        return Some((BooleanPair::TrueFalse, "true or false"));
    }
    pairs.into_iter().find(|(pair, _)| words == bits(*pair))
}

fn n_digits(value: i64) -> u8 {
    value.unsigned_abs().checked_ilog10().map_or(0, |log| u8::try_from(log + 1).unwrap_or(u8::MAX))
}

fn declare(
    declared: DeclaredType,
    summary: &ColumnSummary,
    inferred: &Verdict,
    context: &Context<'_>,
) -> Verdict {
    let number = choose_number(summary, context)
        .into_choice()
        .filter(|_| summary.count(Form::WrittenNumber) > 0);
    let column_type = match declared {
        DeclaredType::Boolean => ColumnType::Boolean,
        DeclaredType::Int => ColumnType::Int,
        DeclaredType::BigInt => ColumnType::BigInt,
        DeclaredType::Decimal => ColumnType::Decimal {
            precision: MAX_PRECISION,
            // Of plain numbers, or as those are read that are written in another way.
            scale: match number.as_ref().map(Told::column_type) {
                Some(ColumnType::Decimal { scale, .. }) => scale.max(summary.max_scale),
                _ => summary.max_scale,
            }
            .min(MAX_PRECISION),
        },
        DeclaredType::Float => ColumnType::Float,
        DeclaredType::Date => ColumnType::Date,
        DeclaredType::LocalTime => ColumnType::LocalTime,
        DeclaredType::LocalDateTime => ColumnType::LocalDateTime,
        DeclaredType::DateTime => ColumnType::DateTime,
        DeclaredType::Uuid => ColumnType::Uuid,
        DeclaredType::Json => ColumnType::Json,
        DeclaredType::String => ColumnType::String,
    };
    let reason = format!(
        "declared by the caller; inferred was {}: {}",
        inferred.column_type.name(),
        inferred.reason
    );
    Verdict {
        column_type,
        reason,
        boolean: inferred.boolean,
        number,
        date: choose_date(summary, context)
            .into_choice()
            .filter(|_| summary.count(Form::WrittenDate) > 0),
        midnight: false,
    }
}

fn uniqueness(summary: &ColumnSummary, increasing: bool, n_values: u64) -> Option<bool> {
    if increasing {
        return Some(true);
    }
    // Few values in many rows: some value occurs twice.
    let n_distinct = u64::try_from(summary.categories.n_distinct()?).ok()?;
    let n_empty_texts = summary.count(Form::QuotedEmpty);
    Some(n_empty_texts == 0 && n_distinct == n_values)
}
