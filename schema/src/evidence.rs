//! Turns the summary of a column and the verdict on it into what people can check: evidence and notices.
//! It exists so that every decision can be questioned: counts, the first cell against it, extremes, samples.
//! It never decides a type.

use crate::decide::{Context, Verdict};
use crate::decimal::write_decimal_i128;
use crate::form::Form;
use crate::plan::{CandidateCount, CategoryCount, CounterExample, Evidence, Notice, NoticeCode};
use crate::summary::{COMMON_SCALE, ColumnSummary, Range, Tally};
use crate::temporal::{write_date, write_time, write_timestamp};
use crate::types::ColumnType;
use crate::ways::DateChoice;

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
            || (leading == Form::Scientific
                && matches!(form, Form::Int | Form::Decimal | Form::Wide))
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

pub(crate) fn mixed_reason(summary: &ColumnSummary, context: &Context<'_>) -> String {
    let Some(example) = counter_example(summary, context) else {
        return "the cells are text".to_owned();
    };
    format!("row {}: {:?} is not {}", example.row, example.text, example.against)
}

/// Tells of columns that are typed but for a minority of cells: their owner wants to know.
pub(crate) fn mixed_notice(summary: &ColumnSummary, context: &Context<'_>) -> Option<Notice> {
    let example = counter_example(summary, context)?;
    let leading = leading_form(summary)?;
    let n_leading = summary.count(leading);
    let n_against: u64 = Form::ALL
        .into_iter()
        .filter(|form| (form.is_typed() || *form == Form::Text) && *form != leading)
        .map(|form| summary.count(form))
        .sum();
    if n_against >= n_leading {
        return None;
    }
    let message = format!(
        "{n_leading} cells are {}, but {:?} in row {} is not ({n_against} such cells); the column stays text; \
         declare its type or name the null spelling to change that",
        leading.name(),
        example.text,
        example.row
    );
    Some(
        Notice::new(NoticeCode::MixedTypes, message)
            .in_column(context.label)
            .at(example.row, n_against),
    )
}

pub(crate) fn null_words_notice(summary: &ColumnSummary, context: &Context<'_>) -> Notice {
    let words: Vec<String> =
        summary.null_words.iter().map(|(word, count)| format!("{word:?} {count} times")).collect();
    let row = summary.first_of(Form::NullWord).map_or(0, |first| first.row);
    Notice::new(NoticeCode::NullWords, format!("read as null: {}", words.join(", ")))
        .in_column(context.label)
        .at(context.first_row + row, summary.count(Form::NullWord))
}

pub(crate) fn typed_notices(
    summary: &ColumnSummary,
    context: &Context<'_>,
    column_type: ColumnType,
) -> Vec<Notice> {
    let mut notices = Vec::new();
    let mut tell = |code, message: &str, tally: Tally| {
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
        let tally = Tally { count: summary.count(Form::Blank), first_row: first.row };
        tell(NoticeCode::NullWords, "cells of only blanks were read as null", tally);
    }
    notices
}

pub(crate) fn evidence(
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
        exact_doubles: verdict.number.is_none() && summary.not_double.count == 0,
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
                range.merge(Range(Some((i128::from(min) * common, i128::from(max) * common))));
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
            let mut range = verdict.date.as_ref().map_or(summary.micros, |date| date.range);
            if verdict.midnight {
                range.add(0);
            }
            both(range.0.map(|(min, max)| (text(min), text(max))))
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
