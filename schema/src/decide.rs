//! Turns the summary of a column into its type, its notation and the evidence for both.
//! It exists so that the rules of DESIGN section 7 stand in one place, in the order in which they are tried.
//! It never looks at cells: what is not in the summary cannot decide.

use crate::columns::ColumnSource;
use crate::decimal::{MAX_PRECISION, write_decimal_i128};
use crate::form::Form;
use crate::options::{DateOrder, DeclaredType};
use crate::plan::{
    BooleanPair, CandidateCount, CategoryCount, CounterExample, Evidence, Notation, Notice,
    NoticeCode,
};
use crate::summary::{COMMON_SCALE, ColumnSummary, Order, boolean_bit};
use crate::temporal::{write_date, write_time, write_timestamp};
use crate::types::ColumnType;
use crate::ways::{Choice, DateChoice, NumberChoice, choose_date, choose_number};

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

struct Verdict {
    column_type: ColumnType,
    reason: String,
    boolean: Option<BooleanPair>,
    number: Option<NumberChoice>,
    date: Option<DateChoice>,
    /// Whether a date alone means its midnight.
    midnight: bool,
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
        number: verdict
            .number
            .as_ref()
            .map(|choice| choice.notation.clone()),
        temporal: verdict.date.as_ref().map(|choice| choice.notation.clone()),
        midnight: verdict.midnight,
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
    fn column_type_is_int(&self) -> bool {
        matches!(self.column_type, ColumnType::Int | ColumnType::BigInt)
    }
}

fn infer(summary: &ColumnSummary, context: &Context<'_>, notices: &mut Vec<Notice>) -> Verdict {
    let text = |reason: String| Verdict {
        column_type: ColumnType::String,
        reason,
        boolean: None,
        number: None,
        date: None,
<<<<<<< HEAD
    };
    let typed: Vec<Form> =
        Form::ALL.into_iter().filter(|form| form.is_typed() && summary.count(*form) > 0).collect();
=======
        midnight: false,
    };
    let typed: Vec<Form> = Form::ALL
        .into_iter()
        .filter(|form| form.is_typed() && summary.count(*form) > 0)
        .collect();
>>>>>>> refs/heads/main
    if typed.is_empty() {
        let reason = if summary.count(Form::Text) == 0 {
            "no cell has a typed value"
        } else {
            "the cells are text"
        };
        return text(reason.to_owned());
    }
    if summary.count(Form::Text) > 0 {
        mixed_notice(summary, context, notices);
        return text(mixed_reason(summary, context));
    }
    let n_values: u64 = typed.iter().map(|form| summary.count(*form)).sum();
    let all = |what: &str| format!("all {n_values} values are {what}");
    let verdict = |column_type, what: &str| Verdict {
        column_type,
        reason: all(what),
        boolean: None,
        number: None,
        date: None,
<<<<<<< HEAD
=======
        midnight: false,
>>>>>>> refs/heads/main
    };
    let (min, max) = summary.ints.0.unwrap_or((0, 0));
    match typed.as_slice() {
        [Form::Int] if i32::try_from(min).is_ok() && i32::try_from(max).is_ok() => {
            verdict(ColumnType::Int, "whole numbers of at most 32 bits")
        }
        [Form::Int] => verdict(ColumnType::BigInt, "whole numbers of at most 64 bits"),
        [Form::Decimal] | [Form::Int, Form::Decimal] => {
<<<<<<< HEAD
            let whole_digits = summary.max_whole_digits.max(n_digits(min)).max(n_digits(max));
=======
            if context.source.doubles
                && summary
                    .max_whole_digits
                    .max(n_digits(min))
                    .max(n_digits(max))
                    + summary.max_scale
                    > MAX_PRECISION
            {
                return verdict(ColumnType::Float, "doubles with more than 18 digits in all");
            }
            let whole_digits = summary
                .max_whole_digits
                .max(n_digits(min))
                .max(n_digits(max));
>>>>>>> refs/heads/main
            if whole_digits + summary.max_scale <= MAX_PRECISION {
                let column_type =
                    ColumnType::Decimal { precision: MAX_PRECISION, scale: summary.max_scale };
                let what =
                    format!("decimals with at most {} digits after the point", summary.max_scale);
                verdict(column_type, &what)
            } else {
                let reason = format!(
                    "the numbers need {whole_digits} digits before and {} after the point, more than 18 in all",
                    summary.max_scale
                );
                notices.push(
                    Notice::new(
                        NoticeCode::WideNumbers,
                        format!("{reason}; the column stays text"),
                    )
                    .in_column(context.label),
                );
                text(reason)
            }
        }
        forms
            if forms.contains(&Form::WrittenNumber)
                && forms.iter().all(|form| {
                    matches!(form, Form::Int | Form::Decimal | Form::WrittenNumber)
                }) =>
        {
            match choose_number(summary, context) {
                Choice::Made(choice) => {
                    notices.push(choice.notice(context, summary));
                    let reason = format!("all {n_values} values are {}", choice.what);
                    Verdict {
                        column_type: choice.column_type,
                        reason,
                        boolean: None,
                        number: Some(choice),
                        date: None,
<<<<<<< HEAD
=======
                        midnight: false,
>>>>>>> refs/heads/main
                    }
                }
                Choice::Open { code, reason } => {
                    notices.push(
                        Notice::new(code, format!("{reason}; the column stays text"))
                            .in_column(context.label),
                    );
                    text(reason)
                }
            }
        }
        [Form::WrittenDate] | [Form::Time, Form::WrittenDate] => {
            match choose_date(summary, context) {
                Choice::Made(choice) => {
                    notices.push(choice.notice(context, summary));
                    let reason = format!("all {n_values} values are {}", choice.what);
                    Verdict {
                        column_type: choice.column_type,
                        reason,
                        boolean: None,
                        number: None,
                        date: Some(choice),
<<<<<<< HEAD
=======
                        midnight: false,
>>>>>>> refs/heads/main
                    }
                }
                Choice::Open { code, reason } => {
                    notices.push(
                        Notice::new(code, format!("{reason}; the column stays text"))
                            .in_column(context.label),
                    );
                    text(reason)
                }
            }
        }
        forms
            if forms.contains(&Form::Scientific)
                && forms
                    .iter()
                    .all(|form| matches!(form, Form::Int | Form::Decimal | Form::Scientific)) =>
        {
            if summary.not_double.count == 0 {
                verdict(
                    ColumnType::Float,
                    "numbers that a double holds without loss, some in scientific notation",
                )
            } else {
                let reason =
                    format!("{} numbers would change as doubles", summary.not_double.count);
                notices.push(
                    Notice::new(
                        NoticeCode::WideNumbers,
                        format!("{reason}; the column stays text"),
                    )
                    .in_column(context.label)
                    .at(context.first_row + summary.not_double.first_row, summary.not_double.count),
                );
                text(reason)
            }
        }
        [Form::Boolean] => match boolean_pair(summary.boolean_words) {
            Some((pair, words)) => Verdict {
                column_type: ColumnType::Boolean,
                reason: format!("all {n_values} values are {words}"),
                boolean: Some(pair),
                number: None,
                date: None,
                midnight: false,
            },
            None => {
                text("the words may be booleans, but not both words of one pair occur".to_owned())
            }
        },
        forms
            if context.source.doubles
                && forms.iter().all(|form| {
                    matches!(
                        form,
                        Form::Int | Form::Decimal | Form::Scientific | Form::Wide
                    )
                }) =>
        {
            verdict(ColumnType::Float, "doubles")
        }
        [Form::Date, Form::LocalDateTime] if context.source.doubles => Verdict {
            midnight: true,
            ..verdict(ColumnType::LocalDateTime, "dates, some with a time")
        },
        [Form::Date] => verdict(ColumnType::Date, "dates (ISO 8601)"),
        [Form::Time] => verdict(ColumnType::LocalTime, "times of day"),
        [Form::LocalDateTime] => {
            verdict(ColumnType::LocalDateTime, "dates with a time and without a zone (ISO 8601)")
        }
        [Form::DateTime] => {
            verdict(ColumnType::DateTime, "dates with a time and a zone (ISO 8601)")
        }
        [Form::Uuid] => verdict(ColumnType::Uuid, "UUIDs"),
        [Form::Json] => verdict(ColumnType::Json, "JSON objects or arrays"),
        [Form::Wide] | [Form::Int, Form::Wide] | [.., Form::Wide] => {
            let first = summary.first_of(Form::Wide);
            let shown = first.map_or("", |first| &first.text);
            let reason = format!(
                "{} numbers have more than 18 digits, e.g. {shown}",
                summary.count(Form::Wide)
            );
            notices.push(
                Notice::new(NoticeCode::WideNumbers, format!("{reason}; the column stays text"))
                    .in_column(context.label)
                    .at(
                        context.first_row + first.map_or(0, |first| first.row),
                        summary.count(Form::Wide),
                    ),
            );
            text(reason)
        }
        _ => {
            mixed_notice(summary, context, notices);
            text(mixed_reason(summary, context))
        }
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
    let column_type = match declared {
        DeclaredType::Boolean => ColumnType::Boolean,
        DeclaredType::Int => ColumnType::Int,
        DeclaredType::BigInt => ColumnType::BigInt,
        DeclaredType::Decimal => ColumnType::Decimal {
            precision: MAX_PRECISION,
            scale: summary.max_scale.min(MAX_PRECISION),
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
        number: choose_number(summary, context)
            .into_choice()
            .filter(|_| summary.count(Form::WrittenNumber) > 0),
        date: choose_date(summary, context)
            .into_choice()
            .filter(|_| summary.count(Form::WrittenDate) > 0),
<<<<<<< HEAD
=======
        midnight: false,
>>>>>>> refs/heads/main
    }
}

/// The most frequent typed form, which the others speak against.
fn leading_form(summary: &ColumnSummary) -> Option<Form> {
    Form::ALL
        .into_iter()
        .filter(|form| form.is_typed() && summary.count(*form) > 0)
        .max_by_key(|form| summary.count(*form))
}

fn counter_example(summary: &ColumnSummary, context: &Context<'_>) -> Option<CounterExample> {
    let leading = leading_form(summary)?;
    let fits = |form: Form| {
        form == leading
            || (leading == Form::Decimal && form == Form::Int)
            || (leading == Form::Scientific && matches!(form, Form::Int | Form::Decimal))
    };
    let against = Form::ALL
        .into_iter()
        .filter(|form| (form.is_typed() || *form == Form::Text) && !fits(*form))
        .filter_map(|form| summary.first_of(form))
        .min_by_key(|first| first.row)?;
    Some(CounterExample {
        row: context.first_row + against.row,
        text: against.text.to_string(),
        against: leading.name().to_owned(),
    })
}

fn mixed_reason(summary: &ColumnSummary, context: &Context<'_>) -> String {
    let Some(example) = counter_example(summary, context) else {
        return "the cells are text".to_owned();
    };
    format!("row {}: {:?} is not {}", example.row, example.text, example.against)
}

/// Tells of columns that are typed but for a minority of cells: their owner wants to know.
fn mixed_notice(summary: &ColumnSummary, context: &Context<'_>, notices: &mut Vec<Notice>) {
    let Some(example) = counter_example(summary, context) else {
        return;
    };
    let Some(leading) = leading_form(summary) else {
        return;
    };
    let n_leading = summary.count(leading);
    let n_against: u64 = Form::ALL
        .into_iter()
        .filter(|form| (form.is_typed() || *form == Form::Text) && *form != leading)
        .map(|form| summary.count(form))
        .sum();
    if n_against >= n_leading {
        return;
    }
    let message = format!(
        "{n_leading} cells are {}, but {:?} in row {} is not ({n_against} such cells); the column stays text; \
         declare its type or name the null spelling to change that",
        leading.name(),
        example.text,
        example.row
    );
    notices.push(
        Notice::new(NoticeCode::MixedTypes, message)
            .in_column(context.label)
            .at(example.row, n_against),
    );
}

fn null_words_notice(summary: &ColumnSummary, context: &Context<'_>) -> Notice {
    let words: Vec<String> =
        summary.null_words.iter().map(|(word, count)| format!("{word:?} {count} times")).collect();
    let row = summary.first_of(Form::NullWord).map_or(0, |first| first.row);
    Notice::new(NoticeCode::NullWords, format!("read as null: {}", words.join(", ")))
        .in_column(context.label)
        .at(context.first_row + row, summary.count(Form::NullWord))
}

fn typed_notices(
    summary: &ColumnSummary,
    context: &Context<'_>,
    column_type: ColumnType,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut tell = |code, message: &str, tally: crate::summary::Tally| {
        if tally.count > 0 {
            notices.push(
                Notice::new(code, message)
                    .in_column(context.label)
                    .at(context.first_row + tally.first_row, tally.count),
            );
        }
    };
    tell(NoticeCode::Padded, "blanks around values were ignored", summary.padded);
    if matches!(column_type, ColumnType::Decimal { .. }) {
        tell(NoticeCode::NegativeZero, "a negative zero was read as zero", summary.negative_zeros);
    }
    if column_type == ColumnType::DateTime {
        tell(
            NoticeCode::ZoneApplied,
            "offsets were applied: the values are in UTC",
            summary.offsets,
        );
    }
    if let Some(first) = summary.first_of(Form::Blank) {
        let tally =
            crate::summary::Tally { count: summary.count(Form::Blank), first_row: first.row };
        tell(NoticeCode::NullWords, "cells of only blanks were read as null", tally);
    }
    notices
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

fn evidence(
    summary: &ColumnSummary,
    verdict: &Verdict,
    n_nulls: u64,
    n_values: u64,
    context: &Context<'_>,
    increasing: bool,
) -> Evidence {
    let mut candidates: Vec<CandidateCount> = Form::ALL
        .into_iter()
        .filter(|form| summary.count(*form) > 0)
        .map(|form| CandidateCount {
            candidate: form.name().to_owned(),
            count: summary.count(form),
        })
        .collect();
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.count));
    let n_distinct = match summary.categories.n_distinct() {
        Some(n_distinct) => u64::try_from(n_distinct).unwrap_or(u64::MAX),
        None if increasing => n_values,
        None => summary.distinct.estimate().min(n_values),
    };
    let few = n_distinct > 0 && n_values >= 2 * n_distinct && !summary.categories.is_overflowed();
    let categories = (verdict.column_type == ColumnType::String && few).then(|| {
        let counts = summary.categories.counts();
        counts.into_iter().map(|(value, count)| CategoryCount { value, count }).collect()
    });
    let (min, max) = extremes(summary, verdict);
    Evidence {
        candidates,
        counter_example: counter_example(summary, context),
        n_nulls,
        n_distinct,
        min,
        max,
        longest_bytes: u64::try_from(summary.longest_bytes).unwrap_or(u64::MAX),
        samples: summary.samples.clone(),
        categories,
        reason: verdict.reason.clone(),
    }
}

fn extremes(summary: &ColumnSummary, verdict: &Verdict) -> (Option<String>, Option<String>) {
    let column_type = verdict.column_type;
    let both = |range: Option<(String, String)>| {
        range.map_or((None, None), |(min, max)| (Some(min), Some(max)))
    };
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap_or_default()
    };
    match column_type {
        ColumnType::Int | ColumnType::BigInt => both(
            verdict
                .number
                .as_ref()
                .map_or(summary.ints, |number| number.ints)
                .0
                .map(|(min, max)| (min.to_string(), max.to_string())),
        ),
        ColumnType::Decimal { scale, .. } => {
            let unit = 10_i128.pow(u32::from(COMMON_SCALE.saturating_sub(scale)));
            let mut range = summary.decimals;
            if let Some(number) = &verdict.number {
                range = number.decimals;
            }
            if let Some((min, max)) = summary.ints.0 {
                let common = 10_i128.pow(u32::from(COMMON_SCALE));
                range.merge(crate::summary::Range(Some((
                    i128::from(min) * common,
                    i128::from(max) * common,
                ))));
            }
            let text = |value: i128| written(&|out| write_decimal_i128(out, value / unit, scale));
            both(range.0.map(|(min, max)| (text(min), text(max))))
        }
        ColumnType::Float => {
            let ints = summary.ints.0.map(|(min, max)| (min as f64, max as f64));
            let decimals =
                summary.decimals.0.map(|(min, max)| (min as f64 / 1e18, max as f64 / 1e18));
            let range = [summary.floats, ints, decimals]
                .into_iter()
                .flatten()
                .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            both(range.map(|(min, max)| (min.to_string(), max.to_string())))
        }
        ColumnType::Date => {
            let text = |days: i32| written(&|out| write_date(out, days));
            both(
                verdict
                    .date
                    .as_ref()
                    .map_or(summary.days, DateChoice::days)
                    .0
                    .map(|(min, max)| (text(min), text(max))),
            )
        }
        ColumnType::LocalTime => {
            let text = |micros: i64| written(&|out| write_time(out, micros));
            both(
                verdict
                    .date
                    .as_ref()
                    .map_or(summary.micros, |date| date.range)
                    .0
                    .map(|(min, max)| (text(min), text(max))),
            )
        }
        ColumnType::LocalDateTime | ColumnType::DateTime => {
            let zone = if column_type == ColumnType::DateTime { "Z" } else { "" };
            let text = |micros: i64| written(&|out| write_timestamp(out, micros)) + zone;
            both(
                verdict
                    .date
                    .as_ref()
                    .map_or(summary.micros, |date| date.range)
                    .0
                    .map(|(min, max)| (text(min), text(max))),
            )
        }
        _ => (None, None),
    }
}
