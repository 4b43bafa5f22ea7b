//! Turns text into a file, understands and reads it, and gives back cells as text: the harness of all tests.
//! It exists so that a test is one call.
//! It never looks inside the crate.
#![allow(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "tests may stop and talk"
)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use sluice_schema::{
    ColumnType, Limits, Notice, ReadOptions, ReadReport, RowEncoder, SchemaError, SheetPlan, Value,
    decimal, read_rows, temporal, understand,
};

/// A file that goes away with the value.
pub struct TempFile(pub PathBuf);

impl TempFile {
    pub fn new(content: &[u8]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            std::env::temp_dir().join(format!("sluice-schema-{}-{number}", std::process::id()));
        std::fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes each value as text, null as `None`.
pub struct Cells {
    types: Vec<ColumnType>,
    pub rows: Vec<Vec<Option<String>>>,
    row: Vec<Option<String>>,
}

impl Cells {
    pub fn of(types: &[ColumnType]) -> Self {
        Self { types: types.to_vec(), rows: Vec::new(), row: Vec::new() }
    }
}

impl RowEncoder for Cells {
    fn value(&mut self, column: usize, value: Value<'_>) {
        assert_eq!(column, self.row.len());
        self.row.push(show(self.types[column], value));
    }

    fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
    }
}

pub fn show(column_type: ColumnType, value: Value<'_>) -> Option<String> {
    let mut out = Vec::new();
    match value {
        Value::Null => return None,
        Value::Boolean(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Int(v) => out.extend_from_slice(v.to_string().as_bytes()),
        Value::Decimal(v) => {
            let ColumnType::Decimal { scale, .. } = column_type else {
                panic!("a decimal in {column_type:?}")
            };
            decimal::write_decimal(&mut out, v, scale);
        }
        Value::Float(v) => out.extend_from_slice(format!("{v:?}").as_bytes()),
        Value::Date(v) => temporal::write_date(&mut out, v),
        Value::Time(v) => temporal::write_time(&mut out, v),
        Value::Timestamp(v) => {
            temporal::write_timestamp(&mut out, v);
            if column_type == ColumnType::DateTime {
                out.push(b'Z');
            }
        }
        Value::Uuid(v) => out.extend(v.iter().flat_map(|byte| format!("{byte:02x}").into_bytes())),
        Value::Text(v) => out.extend_from_slice(v.as_bytes()),
    }
    Some(String::from_utf8(out).unwrap())
}

/// A file, understood and read.
pub struct Table {
    pub plan: SheetPlan,
    pub rows: Vec<Vec<Option<String>>>,
    pub report: ReadReport,
}

impl Table {
    pub fn types(&self) -> Vec<&'static str> {
        self.plan.columns.iter().map(|column| column.column_type.name()).collect()
    }

    pub fn names(&self) -> Vec<&str> {
        self.plan.columns.iter().map(|column| column.name.as_str()).collect()
    }

    pub fn labels(&self) -> Vec<&str> {
        self.plan.columns.iter().map(|column| column.label.as_str()).collect()
    }

    pub fn codes(&self) -> Vec<String> {
        self.plan.notices.iter().map(|notice: &Notice| notice.code.name()).collect()
    }

    pub fn column(&self, place: usize) -> Vec<Option<&str>> {
        self.rows.iter().map(|row| row[place].as_deref()).collect()
    }

    /// Rows as `a|b|∅`.
    pub fn shown(&self) -> Vec<String> {
        let show = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "∅".to_owned());
        self.rows.iter().map(|row| row.iter().map(show).collect::<Vec<_>>().join("|")).collect()
    }
}

pub fn read_sheets(
    file: &TempFile,
    name: &str,
    options: &ReadOptions,
) -> Result<Vec<Table>, SchemaError> {
    let limits = Limits::default();
    let plans = understand(&file.0, name, options, &limits, &())?;
    plans.into_iter().map(|plan| read_plan(file, plan, &limits)).collect()
}

pub fn read_plan(file: &TempFile, plan: SheetPlan, limits: &Limits) -> Result<Table, SchemaError> {
    let json = serde_json::to_string(&plan).unwrap();
    let plan: SheetPlan = serde_json::from_str(&json).unwrap();
    let types: Vec<ColumnType> = plan.columns.iter().map(|column| column.column_type).collect();
    let mut rows = Vec::new();
    let make = || Cells::of(&types);
    let report = read_rows(&file.0, &plan, limits, &(), 2, make, |cells, n_rows| {
        assert_eq!(cells.rows.len() as u64, n_rows);
        rows.extend(cells.rows);
        Ok::<(), std::convert::Infallible>(())
    })
    .map_err(|error| match error {
        sluice_schema::ReadError::Schema(error) => error,
        sluice_schema::ReadError::Sink(never) => match never {},
    })?;
    assert_eq!(report.n_rows + report.n_rejects, plan.n_rows);
    Ok(Table { plan, rows, report })
}

pub fn read_with(content: &[u8], options: &ReadOptions) -> Result<Table, SchemaError> {
    let file = TempFile::new(content);
    read_sheets(&file, "test.csv", options).map(|mut tables| tables.remove(0))
}

pub fn read(content: &str) -> Table {
    read_with(content.as_bytes(), &ReadOptions::default()).unwrap()
}
