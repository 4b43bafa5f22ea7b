//! Stub with the shapes that others build upon; the real crate replaces it.
#![allow(missing_docs, reason = "stub")]
use serde::{Deserialize, Serialize};
use std::path::Path;
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ColumnType {
    Boolean,
    Int,
    BigInt,
    Decimal { precision: u8, scale: u8 },
    Float,
    Date,
    LocalTime,
    LocalDateTime,
    DateTime,
    Uuid,
    Json,
    String,
}
impl ColumnType {
    pub fn name(&self) -> &'static str {
        unimplemented!()
    }
}
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Boolean(bool),
    Int(i64),
    Decimal(i64),
    Float(f64),
    Date(i32),
    Time(i64),
    Timestamp(i64),
    Uuid([u8; 16]),
    Text(&'a str),
}
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Evidence {
    pub reason: String,
}
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Notation {}
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Notice {
    pub code: String,
    pub message: String,
    pub sheet: Option<String>,
    pub row: Option<u64>,
    pub column: Option<String>,
    pub count: u64,
}
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reject {
    pub row: u64,
    pub column: String,
    pub value: String,
    pub reason: String,
}
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReadOptions {}
#[derive(Clone, Debug, Default)]
pub struct Limits {}
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ColumnPlan {
    pub index_in_file: usize,
    pub label: String,
    pub name: String,
    pub column_type: ColumnType,
    pub notation: Notation,
    pub evidence: Evidence,
    pub n_nulls: u64,
    pub unique: Option<bool>,
    pub increasing: bool,
}
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SheetPlan {
    pub name: Option<String>,
    pub columns: Vec<ColumnPlan>,
    pub n_rows: u64,
    pub notices: Vec<Notice>,
}
pub trait Control: Sync {
    fn bytes_done(&self, _n: u64) {}
    fn rows_done(&self, _n: u64) {}
    fn is_cancelled(&self) -> bool {
        false
    }
}
pub trait RowEncoder: Send {
    fn value(&mut self, column: usize, value: Value<'_>);
    fn end_row(&mut self);
}
#[derive(Clone, Debug, Default)]
pub struct ReadReport {
    pub n_rows: u64,
    pub notices: Vec<Notice>,
    pub rejects: Vec<Reject>,
    pub n_rejects: u64,
}
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("{0}")]
    Rejected(String),
    #[error("cancelled")]
    Cancelled,
    #[error("io")]
    Io(#[from] std::io::Error),
}
impl SchemaError {
    pub fn code(&self) -> &'static str {
        unimplemented!()
    }
}
#[derive(Debug)]
pub enum ReadError<X> {
    Schema(SchemaError),
    Sink(X),
}
pub fn understand(
    _path: &Path,
    _file_name: &str,
    _options: &ReadOptions,
    _limits: &Limits,
    _control: &dyn Control,
) -> Result<Vec<SheetPlan>, SchemaError> {
    unimplemented!()
}
pub fn read_rows<E: RowEncoder, X>(
    _path: &Path,
    _sheet: &SheetPlan,
    _limits: &Limits,
    _control: &dyn Control,
    _n_workers: usize,
    _make: impl Fn() -> E + Sync,
    _sink: impl FnMut(E, u64) -> Result<(), X>,
) -> Result<ReadReport, ReadError<X>> {
    unimplemented!()
}
pub mod decimal;
pub mod temporal;
