//! Says how rows that are there and rows that came become the rows of a new table.
//!
//! It exists so that an addition is published like any load: a table of its own, seen entirely or
//! not at all. The old table is only read. Values that move to a wider type keep their meaning, and
//! both stores write them the same.

use sluice_schema::{ColumnType, Control};

use super::{Store, StoreError};
use crate::catalog::model::StorageId;

/// Where a column of the new table comes from.
#[derive(Clone, Debug)]
pub struct MergeColumn {
    /// `c1`, `c2`, …
    pub name: String,
    /// The type in the new table.
    pub column_type: ColumnType,
    /// The column of the old table and its type; none gives nulls.
    pub old: Option<(String, ColumnType)>,
    /// The column of the table that came, which has the new type; none gives nulls to new rows and
    /// leaves others as they are.
    pub new: Option<String>,
}

/// A table to be made of others.
#[derive(Clone, Debug)]
pub struct MergeSpec<'a> {
    /// The rows that are there.
    pub old: &'a StorageId,
    /// The rows that came; none to take the old ones alone.
    pub new: Option<&'a StorageId>,
    /// The columns of the result.
    pub columns: Vec<MergeColumn>,
    /// Index into `columns` of the key, which gets a unique index if its values allow it.
    pub key: Option<usize>,
    /// Index into `columns`: rows that agree there become one. The values that came are there and
    /// unique.
    pub upsert_by: Option<usize>,
    /// The number of the first row that comes, where rows that are there were changed in place: they
    /// keep their numbers, and no number is given twice. None where those are 1, 2, 3, ….
    pub next_row: Option<i64>,
}

/// What a merge made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedTable {
    /// Rows of the new table.
    pub n_rows: i64,
    /// Bytes that it takes.
    pub size_bytes: i64,
    /// Whether the key is unique and never null, and has its index.
    pub has_key: bool,
    /// Rows that are new.
    pub n_inserted: i64,
    /// Rows that were there and changed.
    pub n_updated: i64,
    /// Rows that came as they were there.
    pub n_unchanged: i64,
    /// Missing values of each column.
    pub n_nulls: Vec<i64>,
    /// The number of the last row that was there before.
    pub(super) last_row: i64,
}

impl Store {
    /// Makes a new table of others; blocks the calling thread (never an async one).
    ///
    /// The table is complete and synced when this returns; on an error nothing is left of it.
    ///
    /// # Errors
    /// When the disk is full, the database is away, or on cancellation.
    pub fn merge(
        &self,
        storage: &StorageId,
        spec: &MergeSpec<'_>,
        control: &dyn Control,
    ) -> Result<MergedTable, StoreError> {
        match self {
            Store::Sqlite(store) => store.merge(storage, spec, control),
            Store::Postgres(store) => store.merge(storage, spec, control),
        }
    }

    /// The rows (from 1 on) of the first two equal values of a column; blocks the calling thread.
    ///
    /// # Errors
    /// When the database is away.
    pub fn first_repeat(
        &self,
        storage: &StorageId,
        physical: &str,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        match self {
            Store::Sqlite(store) => store.first_repeat(storage, physical),
            Store::Postgres(store) => store.first_repeat(storage, physical),
        }
    }
}

/// A double as PostgreSQL writes it as text: the shortest digits that read back the same, with an
/// exponent below 1e-4 and from 1e15 on.
pub(super) fn float_text(value: f64) -> String {
    let mut buffer = ryu::Buffer::new();
    let shortest = buffer.format(value);
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    // The power of ten of the first digit.
    let mut power = exponent.parse::<i64>().unwrap_or_default()
        + i64::try_from(whole.len()).unwrap_or_default()
        - 1;
    while digits.len() > 1 && digits.starts_with('0') {
        digits.remove(0);
        power -= 1;
    }
    let digits = match digits.trim_end_matches('0') {
        "" => return format!("{sign}0"),
        digits => digits,
    };
    if !(-4..15).contains(&power) {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let mark = if power < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}e{mark}{:02}", power.abs());
    }
    let n_whole = usize::try_from(power + 1).unwrap_or_default();
    if power < 0 {
        let zeros = "0".repeat(usize::try_from(-power - 1).unwrap_or_default());
        format!("{sign}0.{zeros}{digits}")
    } else if digits.len() <= n_whole {
        format!("{sign}{digits}{}", "0".repeat(n_whole - digits.len()))
    } else {
        let (whole, fraction) = digits.split_at(n_whole);
        format!("{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_written_as_postgresql_writes_them() {
        for (value, expect) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1500.0, "1500"),
            (0.25, "0.25"),
            (-1.5e-4, "-0.00015"),
            (1.5e-5, "1.5e-05"),
            (1e14, "100000000000000"),
            (1e15, "1e+15"),
            (1.25e20, "1.25e+20"),
            (5e-324, "5e-324"),
            (1.7976931348623157e308, "1.7976931348623157e+308"),
            (123_456.789, "123456.789"),
        ] {
            assert_eq!(float_text(value), expect);
        }
    }
}
