//! Brings rows back to what they were at a version, by the log, as a change that is logged itself.

use super::{Logged, NO_TABLE, Session, quoted};
use crate::store::StoreError;
use crate::store::run::Bind;
use sluice_schema::ColumnType;

use super::{Among, Inner};

/// What a revert did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reverted {
    /// Rows that came back.
    pub inserted: i64,
    /// Rows that have other values now.
    pub updated: i64,
    /// Rows that went.
    pub deleted: i64,
}

impl Session {
    /// Makes the rows of a table those that it had at a version, whose next new row had the number
    /// `next_row`; what they are until now is logged under the version `new_version`.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn revert(
        &mut self,
        n: usize,
        new_version: i64,
        version: i64,
        next_row: i64,
    ) -> Result<Reverted, StoreError> {
        let (table, log, names) = (self.table_name(n)?, self.log_name(n)?, self.column_names(n)?);
        let differs = self.differs(n)?;
        // What a row was is what it was before the first version that touched it since.
        let first =
            format!("SELECT _row, MIN(version) FROM {log} WHERE version > {version} GROUP BY _row");
        let images = format!("(b._row, b.version) IN ({first})");
        let updated = self.integers(
            &format!(
                "SELECT t._row FROM {log} b JOIN {table} t ON t._row = b._row \
                 WHERE {images} AND b.op <> 'I' AND b._row < {next_row} AND ({differs})"
            ),
            &[],
        )?;
        let deleted = self.integers(
            &format!(
                "SELECT _row FROM {table} WHERE _row >= {next_row} UNION \
                 SELECT t._row FROM {log} b JOIN {table} t ON t._row = b._row \
                 WHERE {images} AND b.op = 'I'"
            ),
            &[],
        )?;
        let restored = self.integers(
            &format!(
                "SELECT b._row FROM {log} b WHERE {images} AND b.op <> 'I' AND b._row < {next_row} \
                 AND NOT EXISTS (SELECT 1 FROM {table} t WHERE t._row = b._row)"
            ),
            &[],
        )?;
        self.log(n, new_version, Logged::Updated, &updated)?;
        self.log(n, new_version, Logged::Deleted, &deleted)?;
        self.log_restored(n, new_version, &restored)?;
        // All go first, so that no key stands in the way of another row's.
        let gone: Vec<i64> = updated.iter().chain(&deleted).copied().collect();
        self.delete(n, &gone)?;
        let back: Vec<i64> = updated.iter().chain(&restored).copied().collect();
        if !back.is_empty() {
            let Among(among, bind) = self.among(1, &back);
            let insert = format!(
                "INSERT INTO {table}(_row{names}) SELECT _row{names} FROM {log} \
                 WHERE (_row, version) IN ({first}) AND op <> 'I' AND {among}"
            );
            self.execute(&insert, &[bind])?;
            self.add_words_of(n, &back)?;
        }
        let count = |rows: &[i64]| i64::try_from(rows.len()).unwrap_or(i64::MAX);
        Ok(Reverted {
            inserted: count(&restored),
            updated: count(&updated),
            deleted: count(&deleted),
        })
    }

    /// Logs that rows come back that were deleted.
    ///
    /// # Errors
    /// When the database refuses or is away.
    pub fn log_restored(&mut self, n: usize, version: i64, rows: &[i64]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let log = self.log_name(n)?;
        let numbers = rows.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let (rows, list) = match self.inner {
            Inner::Sqlite(_) => ("value FROM json_each(?2)", format!("[{numbers}]")),
            Inner::Postgres(_) => ("unnest($2::text::bigint[])", format!("{{{numbers}}}")),
        };
        let sql = format!(
            "INSERT INTO {log}(version, op, _row) SELECT {version}, '{op}', {rows}{end} ON CONFLICT DO NOTHING",
            version = self.cast(1, "bigint"),
            op = Logged::Restored.letter(),
            // SQLite takes ON for a join's otherwise.
            end = if matches!(self.inner, Inner::Sqlite(_)) { " WHERE 1" } else { "" },
        );
        self.execute(&sql, &[Bind::Int(version), Bind::Text(list)]).map(drop)
    }

    /// That a row `t` and its image `b` have different values.
    fn differs(&self, n: usize) -> Result<String, StoreError> {
        let table = self.tables.get(n).ok_or(NO_TABLE)?;
        let parts: Vec<String> = table
            .columns
            .iter()
            .map(|column| {
                let name = quoted(&column.name);
                match (&self.inner, column.column_type) {
                    (Inner::Sqlite(_), _) => format!("t.{name} IS NOT b.{name}"),
                    (Inner::Postgres(_), ColumnType::Json) => {
                        format!("t.{name}::text IS DISTINCT FROM b.{name}::text")
                    }
                    (Inner::Postgres(_), _) => format!("t.{name} IS DISTINCT FROM b.{name}"),
                }
            })
            .collect();
        Ok(if parts.is_empty() { "1 = 0".to_owned() } else { parts.join(" OR ") })
    }
}
