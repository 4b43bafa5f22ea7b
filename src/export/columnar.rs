//! Gathers rows into batches of typed columns, and writes those as Parquet or as an Arrow file.
//!
//! It exists for programs that read columns: every value keeps its type, and decimals every digit.
//! A batch is bounded by rows, cells and bytes, a row group of Parquet by what it holds in memory;
//! while one batch is gathered another is encoded by a thread beside, and no more than a few of them
//! and one group are held, whatever the rows are.
//!
//! An Arrow file rather than a stream: `.arrow` is its ending, pandas, polars and R open it by
//! default, and its end tells a whole file from one that was cut off.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use arrow_array::builder::{
    BooleanBuilder, Date32Builder, Decimal128Builder, FixedSizeBinaryBuilder, Float64Builder,
    Int32Builder, Int64Builder, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::writer::FileWriter;
use arrow_schema::extension::{Json, Uuid};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::Column;
use crate::error::{Error, Result};
use crate::store::StoreError;
use crate::store::json::{BadCell, CellKind, Cells};
use crate::store::stream::RowWriter;
use crate::store::value::Value;

/// Rows of a batch.
const BATCH_ROWS: usize = 16 << 10;
/// Cells of a batch, which bound its rows where there are many columns.
const BATCH_CELLS: usize = 256 << 10;
/// Bytes of text that end a batch.
const BATCH_TEXT_BYTES: usize = 2 << 20;
/// Memory that a row group may take before it is written.
const GROUP_BYTES: usize = 8 << 20;
/// What is added to it for each column: the end of the file, which is held until then, names every
/// column of every group.
const GROUP_BYTES_PER_COLUMN: usize = 16 << 10;
/// Rows of a row group, as other writers of Parquet have them.
const GROUP_ROWS: usize = 1 << 20;
/// Most columns of text whose repeated values are written once; each takes some 100 KiB at least.
const MAX_DICTIONARIES: usize = 64;
/// Digits of a decimal that 64 bits hold, and readers find in any column; more than a column has.
const DECIMAL_DIGITS: u8 = 18;
/// The first number that has more.
const DECIMAL_LIMIT: u128 = 1_000_000_000_000_000_000;

/// Takes batches and gives bytes.
enum File {
    Parquet(ArrowWriter<Vec<u8>>),
    Arrow(FileWriter<Vec<u8>>),
}

impl File {
    /// Takes a batch and gives what is finished of the file.
    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        match self {
            File::Parquet(file) => {
                file.write(batch).map_err(of_parquet)?;
                let limit = GROUP_BYTES + GROUP_BYTES_PER_COLUMN * batch.num_columns();
                if file.memory_size() >= limit {
                    let n_bytes = file.in_progress_size();
                    file.inner_mut().reserve(n_bytes);
                    file.flush().map_err(of_parquet)?;
                }
                // Whatever is of a finished group.
                file.sync().map_err(|error| Error::from(StoreError::from(error)))?;
                Ok(std::mem::take(file.inner_mut()))
            }
            File::Arrow(file) => {
                file.write(batch).map_err(of_arrow)?;
                Ok(std::mem::take(file.get_mut()))
            }
        }
    }

    /// The end of the file.
    fn finish(&mut self) -> Result<Vec<u8>> {
        match self {
            File::Parquet(file) => {
                file.finish().map_err(of_parquet)?;
                Ok(std::mem::take(file.inner_mut()))
            }
            File::Arrow(file) => {
                file.finish().map_err(of_arrow)?;
                Ok(std::mem::take(file.get_mut()))
            }
        }
    }

    /// Takes batches until there are no more, then ends the file.
    fn write_all(
        mut self,
        batches: &Receiver<RecordBatch>,
        blocks: &Sender<Vec<u8>>,
    ) -> Result<()> {
        for batch in batches {
            // Nobody takes blocks of an export that was given up.
            let _ = blocks.send(self.write(&batch)?);
        }
        let _ = blocks.send(self.finish()?);
        Ok(())
    }
}

/// A file that a thread of its own writes, so that encoding and reading share two processors.
struct Encoder {
    batches: Option<SyncSender<RecordBatch>>,
    blocks: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Encoder {
    fn start(file: File) -> Result<Encoder> {
        // One batch waits at most.
        let (batches, batches_in) = sync_channel(1);
        let (blocks_out, blocks) = channel();
        let thread = std::thread::Builder::new().name("sluice-export".to_owned());
        let thread = thread.spawn(move || file.write_all(&batches_in, &blocks_out));
        let thread = thread.map_err(|error| Error::from(StoreError::from(error)))?;
        Ok(Encoder { batches: Some(batches), blocks, thread: Some(thread) })
    }

    /// Hands a batch on, and takes what is finished.
    fn write(&mut self, batch: RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        let is_taken = self.batches.as_ref().is_some_and(|batches| batches.send(batch).is_ok());
        self.blocks.try_iter().for_each(|block| give(block, out));
        // It takes no more only when it failed.
        if is_taken { Ok(()) } else { self.join() }
    }

    /// Waits for the end of the file.
    fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        self.batches = None;
        self.blocks.iter().for_each(|block| give(block, out));
        self.join()
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            _ => Err(Error::internal("the thread of an export is gone")),
        }
    }
}

/// Writes rows by columns.
pub(super) struct ColumnarWriter {
    columns: Vec<(Column, Values)>,
    schema: SchemaRef,
    encoder: Encoder,
    /// Rows of a whole batch.
    batch_rows: usize,
    n_rows: usize,
    n_text_bytes: usize,
}

impl ColumnarWriter {
    /// Writes Parquet, compressed by Snappy, which every reader knows.
    pub(super) fn parquet(columns: Vec<Column>) -> Result<ColumnarWriter> {
        let schema = schema_of(&columns)?;
        let n_texts = columns.iter().filter(|column| is_text(column)).count();
        let mut properties = WriterProperties::builder()
            .set_created_by(concat!("sluice ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            // Indexes of pages would be held until the end.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_dictionary_enabled(false);
        for column in &columns {
            let path = || ColumnPath::from(column.name.as_str());
            if is_text(column) {
                let has_dictionary = n_texts <= MAX_DICTIONARIES;
                properties = properties.set_column_dictionary_enabled(path(), has_dictionary);
            } else if is_whole(column) {
                properties = properties.set_column_encoding(path(), Encoding::DELTA_BINARY_PACKED);
            }
        }
        let properties = properties.build();
        let file = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), Some(properties));
        ColumnarWriter::new(columns, schema, File::Parquet(file.map_err(of_parquet)?))
    }

    /// Writes an Arrow file.
    pub(super) fn arrow(columns: Vec<Column>) -> Result<ColumnarWriter> {
        let schema = schema_of(&columns)?;
        let file = FileWriter::try_new(Vec::new(), &schema).map_err(of_arrow)?;
        ColumnarWriter::new(columns, schema, File::Arrow(file))
    }

    fn new(columns: Vec<Column>, schema: SchemaRef, file: File) -> Result<ColumnarWriter> {
        let batch_rows = (BATCH_CELLS / columns.len().max(1)).clamp(1, BATCH_ROWS);
        let columns = columns.into_iter().map(|column| {
            let values = Values::of(column.kind);
            (column, values)
        });
        let columns = columns.collect();
        let encoder = Encoder::start(file)?;
        Ok(ColumnarWriter { columns, schema, encoder, batch_rows, n_rows: 0, n_text_bytes: 0 })
    }

    /// What is left, and the end of the file.
    pub(super) fn end(mut self, out: &mut Vec<u8>) -> Result<()> {
        self.end_batch(out)?;
        self.encoder.finish(out)
    }

    fn end_batch(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.n_rows == 0 {
            return Ok(());
        }
        (self.n_rows, self.n_text_bytes) = (0, 0);
        let arrays = self.columns.iter_mut().map(|(column, values)| values.take(column.kind));
        let arrays = arrays.collect::<std::result::Result<Vec<_>, _>>().map_err(of_arrow)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays).map_err(of_arrow)?;
        self.encoder.write(batch, out)
    }
}

/// Hands on what was written, mostly without a copy.
fn give(mut block: Vec<u8>, out: &mut Vec<u8>) {
    match out.is_empty() {
        true => *out = block,
        false => out.append(&mut block),
    }
}

impl RowWriter for ColumnarWriter {
    fn write<R: Cells>(&mut self, row: &R, out: &mut Vec<u8>) -> Result<()> {
        for (column, values) in &mut self.columns {
            let added = row.value(column.index, column.kind).and_then(|value| {
                if let Value::Text(text) = value {
                    self.n_text_bytes += text.len();
                }
                values.add(value, column.kind).ok_or(BadCell(column.index))
            });
            added.map_err(|error| Error::from(StoreError::Cell(error)))?;
        }
        self.n_rows += 1;
        if self.n_rows >= self.batch_rows || self.n_text_bytes >= BATCH_TEXT_BYTES {
            self.end_batch(out)?;
        }
        Ok(())
    }
}

/// The values of a column in a batch.
enum Values {
    Boolean(BooleanBuilder),
    Int(Int32Builder),
    BigInt(Int64Builder),
    Decimal(Decimal128Builder),
    Float(Float64Builder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
    Text(StringBuilder),
}

impl Values {
    fn of(kind: CellKind) -> Values {
        match kind {
            CellKind::Boolean => Values::Boolean(BooleanBuilder::new()),
            CellKind::Int => Values::Int(Int32Builder::new()),
            CellKind::BigInt => Values::BigInt(Int64Builder::new()),
            CellKind::Decimal { .. } => Values::Decimal(Decimal128Builder::new()),
            CellKind::Float => Values::Float(Float64Builder::new()),
            CellKind::Date => Values::Date(Date32Builder::new()),
            CellKind::LocalTime => Values::Time(Time64MicrosecondBuilder::new()),
            CellKind::LocalDateTime | CellKind::DateTime => {
                Values::Timestamp(TimestampMicrosecondBuilder::new())
            }
            CellKind::Uuid => Values::Uuid(FixedSizeBinaryBuilder::new(16)),
            CellKind::Json | CellKind::Text => Values::Text(StringBuilder::new()),
        }
    }

    /// Adds a value; none where it is not of the column's kind or would lose a digit.
    fn add(&mut self, value: Value<'_>, kind: CellKind) -> Option<()> {
        let is_null = value == Value::Null;
        match self {
            Values::Boolean(values) => match value {
                Value::Boolean(value) => values.append_value(value),
                Value::Null => values.append_null(),
                _ => return None,
            },
            Values::Int(values) => match value.integer() {
                Some(number) => values.append_value(i32::try_from(number).ok()?),
                None if is_null => values.append_null(),
                None => return None,
            },
            Values::BigInt(values) => match value.integer() {
                Some(number) => values.append_value(i64::try_from(number).ok()?),
                None if is_null => values.append_null(),
                None => return None,
            },
            Values::Decimal(values) => match value.integer() {
                Some(digits) if digits.unsigned_abs() < DECIMAL_LIMIT => {
                    values.append_value(digits);
                }
                None if is_null => values.append_null(),
                _ => return None,
            },
            Values::Float(values) => match value {
                Value::Float(value) => values.append_value(value),
                Value::Null => values.append_null(),
                _ => return None,
            },
            Values::Date(values) => match value.days() {
                Some(days) => values.append_value(days),
                None if is_null => values.append_null(),
                None => return None,
            },
            Values::Time(values) => match value.micros(kind) {
                Some(micros) => values.append_value(micros),
                None if is_null => values.append_null(),
                None => return None,
            },
            Values::Timestamp(values) => match value.micros(kind) {
                Some(micros) => values.append_value(micros),
                None if is_null => values.append_null(),
                None => return None,
            },
            Values::Uuid(values) => match value.uuid() {
                Some(bytes) => values.append_value(bytes).ok()?,
                None if is_null => values.append_null(),
                None => return None,
            },
            Values::Text(values) => match value {
                Value::Text(text) => values.append_value(std::str::from_utf8(text).ok()?),
                Value::Null => values.append_null(),
                _ => return None,
            },
        }
        Some(())
    }

    /// The finished column; the next begins.
    fn take(&mut self, kind: CellKind) -> std::result::Result<ArrayRef, ArrowError> {
        Ok(match self {
            Values::Boolean(values) => Arc::new(values.finish()),
            Values::Int(values) => Arc::new(values.finish()),
            Values::BigInt(values) => Arc::new(values.finish()),
            Values::Decimal(values) => {
                let (digits, scale) = match type_of(kind) {
                    DataType::Decimal128(digits, scale) => (digits, scale),
                    _ => (DECIMAL_DIGITS, 0),
                };
                Arc::new(values.finish().with_precision_and_scale(digits, scale)?)
            }
            Values::Float(values) => Arc::new(values.finish()),
            Values::Date(values) => Arc::new(values.finish()),
            Values::Time(values) => Arc::new(values.finish()),
            Values::Timestamp(values) => {
                let array = values.finish();
                match kind {
                    CellKind::DateTime => Arc::new(array.with_timezone(UTC)),
                    _ => Arc::new(array),
                }
            }
            Values::Uuid(values) => Arc::new(values.finish()),
            Values::Text(values) => Arc::new(values.finish()),
        })
    }
}

/// The zone of moments.
const UTC: &str = "UTC";

fn type_of(kind: CellKind) -> DataType {
    match kind {
        CellKind::Boolean => DataType::Boolean,
        CellKind::Int => DataType::Int32,
        CellKind::BigInt => DataType::Int64,
        CellKind::Decimal { scale } => {
            DataType::Decimal128(DECIMAL_DIGITS.max(scale), i8::try_from(scale).unwrap_or(i8::MAX))
        }
        CellKind::Float => DataType::Float64,
        CellKind::Date => DataType::Date32,
        CellKind::LocalTime => DataType::Time64(TimeUnit::Microsecond),
        CellKind::LocalDateTime => DataType::Timestamp(TimeUnit::Microsecond, None),
        CellKind::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
        CellKind::Uuid => DataType::FixedSizeBinary(16),
        CellKind::Json | CellKind::Text => DataType::Utf8,
    }
}

fn is_text(column: &Column) -> bool {
    matches!(column.kind, CellKind::Text | CellKind::Json)
}

/// Whether Parquet keeps the values as whole numbers, of which differences are short.
fn is_whole(column: &Column) -> bool {
    let no = [CellKind::Boolean, CellKind::Float, CellKind::Uuid];
    !is_text(column) && !no.contains(&column.kind)
}

fn schema_of(columns: &[Column]) -> Result<SchemaRef> {
    let field = |column: &Column| {
        let mut field = Field::new(&column.name, type_of(column.kind), true);
        match column.kind {
            CellKind::Json => field.try_with_extension_type(Json::default())?,
            CellKind::Uuid => field.try_with_extension_type(Uuid)?,
            _ => {}
        }
        Ok(field)
    };
    let fields = columns.iter().map(field).collect::<std::result::Result<Vec<_>, _>>();
    Ok(Arc::new(Schema::new(fields.map_err(of_arrow)?)))
}

fn of_arrow(error: ArrowError) -> Error {
    Error::internal(error)
}

fn of_parquet(error: ParquetError) -> Error {
    Error::internal(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_added_that_would_lose_a_digit_or_is_of_another_kind() {
        let takes = |kind: CellKind, value: Value<'_>| Values::of(kind).add(value, kind).is_some();
        let price = CellKind::Decimal { scale: 2 };
        let limit = 10_i128.pow(18);
        for (kind, value, is_taken) in [
            (CellKind::Int, Value::Whole(i64::from(i32::MIN)), true),
            (CellKind::Int, Value::Whole(1 << 31), false),
            (CellKind::BigInt, Value::Wide(i128::from(i64::MAX)), true),
            (CellKind::BigInt, Value::Wide(1 << 63), false),
            (price, Value::Wide(limit - 1), true),
            (price, Value::Wide(1 - limit), true),
            (price, Value::Wide(limit), false),
            (price, Value::Float(1.5), false),
            (CellKind::Boolean, Value::Whole(1), false),
            (CellKind::Float, Value::Whole(1), false),
            (CellKind::Date, Value::Text(b"2024-02-30"), false),
            (CellKind::DateTime, Value::Text(b"2024-02-29T10:00:00.5"), true),
            (CellKind::LocalTime, Value::Text(b"24:00:00"), false),
            (CellKind::Uuid, Value::Text(b"6ba7b810"), false),
            (CellKind::Text, Value::Text(&[0xff]), false),
            (CellKind::Json, Value::Null, true),
        ] {
            assert_eq!(takes(kind, value), is_taken, "{kind:?} {value:?}");
        }
    }
}
