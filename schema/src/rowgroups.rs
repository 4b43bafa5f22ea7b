//! Turns a Parquet file into rows, one row group after the other and some rows at a time.
//! It exists because Parquet is how data teams hand tables on, with types that need no guess.
//! It never holds a row group: each column gives a batch of values, and its pages are unpacked one by one.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

use parquet::basic::{Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use parquet::schema::types::{Type, TypePtr};

use crate::decode::{Faults, PLAIN_UTF8};
use crate::delimited::{TableError, Wishes, understand_delimited};
use crate::error::SchemaError;
use crate::nested::write_json;
use crate::options::Limits;
use crate::physical::{Meaning, Misfits, Stored, meaning_of};
use crate::plan::{ColumnPlan, Container, Notation, Notice, NoticeCode, SheetPlan};
use crate::source::{Inner, TextPlace};
use crate::stream::{RowSink, Stop, stream_rows};
use crate::summary::Tally;

/// Cells that are held at a time, in all columns.
const BATCH_CELLS: usize = 64 * 1024;

/// What is known about the columns of a file.
#[derive(Debug, Default)]
pub(crate) struct ParquetFacts(Vec<(Meaning, Physical, Misfits)>);

/// Understands a Parquet file.
pub(crate) fn understand_parquet(
    path: &Path,
    wishes: Wishes<'_>,
) -> Result<Vec<SheetPlan>, SchemaError> {
    let facts: Arc<Mutex<ParquetFacts>> = Arc::default();
    let place = TextPlace {
        path,
        container: &Container::Plain,
        encoding: PLAIN_UTF8,
        limits: wishes.limits,
        faults: Some(&Arc::default()),
        inner: Inner::Parquet { facts: &facts },
    };
    let mut plan = understand_delimited(place, wishes).map_err(TableError::into_schema)?;
    "the names of the columns in the file".clone_into(&mut plan.header.reason);
    if let Ok(facts) = facts.lock() {
        for column in &mut plan.columns {
            if let Some((meaning, physical, misfits)) = facts.0.get(column.index_in_file) {
                settle(column, *meaning, *physical, misfits, &mut plan.notices);
            }
        }
    }
    Ok(vec![plan])
}

/// Gives a column the type of the file, and tells what did not fit it.
fn settle(
    column: &mut ColumnPlan,
    meaning: Meaning,
    physical: Physical,
    misfits: &Misfits,
    notices: &mut Vec<Notice>,
) {
    let label = column.label.clone();
    if !column.declared
        && let Some(column_type) = meaning.column_type(physical, misfits)
    {
        column.column_type = column_type;
        column.notation = Notation::default();
        column.evidence.reason = format!("the type that the file gives ({physical}, {meaning:?})");
        notices.retain(|notice| {
            notice.column.as_deref() != Some(&label)
                || !matches!(
                    notice.code,
                    NoticeCode::WideNumbers | NoticeCode::Ambiguous | NoticeCode::MixedTypes
                )
        });
    }
    let mut tell = |code, message: &str, tally: Tally| {
        if tally.count > 0 {
            notices.push(
                Notice::new(code, message)
                    .in_column(label.as_str())
                    .at(tally.first_row, tally.count),
            );
        }
    };
    tell(NoticeCode::Notation, "NaN and infinities were read as null", misfits.not_finite);
    let finer = "times are finer than a microsecond; the column stays text";
    tell(NoticeCode::MixedTypes, finer, misfits.finer);
    let far = "dates or times lie beyond the calendar; the column stays text";
    tell(NoticeCode::MixedTypes, far, misfits.far);
    let broken = "values are not the JSON or UTF-8 that the file says; the column stays text";
    tell(NoticeCode::MixedTypes, broken, misfits.broken);
    if meaning == Meaning::Binary {
        let message = "binary values were written as hexadecimal digits";
        notices.push(Notice::new(NoticeCode::Notation, message).in_column(label.as_str()));
    }
}

/// Opens the rows of a file as text of the inner dialect, the names of the columns first.
pub(crate) fn open_parquet(
    path: &Path,
    limits: &Limits,
    facts: &Arc<Mutex<ParquetFacts>>,
    faults: Option<&Arc<Faults>>,
) -> Result<impl Read + Send + use<>, SchemaError> {
    let path = path.to_owned();
    let n_packed = std::fs::metadata(&path)?.len();
    let facts = Arc::clone(facts);
    let limits = limits.clone();
    let bounds = limits.clone();
    stream_rows(faults.cloned(), &bounds, move |sink| {
        let reader = SerializedFileReader::new(File::open(path).map_err(SchemaError::from)?)
            .map_err(damaged)?;
        check_claims(&reader, n_packed, &limits)?;
        let columns = columns_of(&reader, limits.max_columns)?;
        for column in &columns {
            sink.text(column.field.name());
        }
        sink.end_row()?;
        let mut misfits = vec![Misfits::default(); columns.len()];
        let mut n_rows = 0;
        for index in 0..reader.num_row_groups() {
            let group = reader.get_row_group(index).map_err(damaged)?;
            push_group(group.as_ref(), &columns, sink, &mut misfits, &mut n_rows)?;
        }
        if let Ok(mut facts) = facts.lock() {
            let known = columns.iter().zip(misfits);
            facts.0 =
                known.map(|(column, misfits)| (column.meaning, column.physical, misfits)).collect();
        }
        Ok(())
    })
}

/// Refuses a file whose columns would grow beyond all bounds: each page is unpacked to memory.
fn check_claims(
    reader: &SerializedFileReader<File>,
    n_packed: u64,
    limits: &Limits,
) -> Result<(), SchemaError> {
    const ALWAYS_ALLOWED: u64 = 64 * 1024 * 1024;
    let chunks = reader.metadata().row_groups().iter().flat_map(|group| group.columns());
    let found = chunks
        .map(|chunk| u64::try_from(chunk.uncompressed_size()).unwrap_or_default())
        .fold(0, u64::saturating_add);
    let by_ratio = n_packed.saturating_mul(limits.max_unpack_ratio).max(ALWAYS_ALLOWED);
    let limit = by_ratio.min(limits.max_unpacked_bytes);
    if found > limit {
        let name = "unpacked bytes of a Parquet file";
        return Err(SchemaError::Limit { name, limit, found, row: None });
    }
    Ok(())
}

/// A member of the outermost schema.
struct Column {
    field: TypePtr,
    meaning: Meaning,
    physical: Physical,
    /// The position of its first leaf.
    leaf: usize,
    is_optional: bool,
}

fn columns_of(
    reader: &SerializedFileReader<File>,
    max_columns: usize,
) -> Result<Vec<Column>, SchemaError> {
    let schema = reader.metadata().file_metadata().schema_descr();
    let fields = schema.root_schema().get_fields();
    if fields.len() > max_columns {
        let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        return Err(SchemaError::Limit {
            name: "columns",
            limit: number(max_columns),
            found: number(fields.len()),
            row: None,
        });
    }
    let mut columns = Vec::with_capacity(fields.len());
    let mut leaf = 0;
    for (place, field) in fields.iter().enumerate() {
        let n_leaves = (leaf..schema.num_columns())
            .take_while(|leaf| schema.get_column_root_idx(*leaf) == place)
            .count();
        let is_repeated = field.get_basic_info().has_repetition()
            && field.get_basic_info().repetition() == Repetition::REPEATED;
        let is_flat = field.is_primitive() && !is_repeated && n_leaves == 1;
        let (meaning, physical) = match is_flat {
            true => (meaning_of(&schema.column(leaf)), field.get_physical_type()),
            false => (Meaning::Nested, Physical::BYTE_ARRAY),
        };
        let is_optional = is_flat && schema.column(leaf).max_def_level() > 0;
        columns.push(Column { field: Arc::clone(field), meaning, physical, leaf, is_optional });
        leaf += n_leaves;
    }
    Ok(columns)
}

enum Source<'g> {
    Flat(Box<ColumnReader>),
    Nested(Box<RowIter<'g>>),
}

fn push_group(
    group: &dyn RowGroupReader,
    columns: &[Column],
    sink: &mut RowSink,
    misfits: &mut [Misfits],
    n_rows: &mut u64,
) -> Result<(), Stop> {
    let schema = group.metadata().schema_descr_ptr();
    let root = schema.root_schema();
    let mut sources = Vec::with_capacity(columns.len());
    for column in columns {
        sources.push(match column.meaning {
            Meaning::Nested => {
                let only = Type::group_type_builder(root.name())
                    .with_fields(vec![Arc::clone(&column.field)])
                    .build()
                    .map_err(damaged)?;
                Source::Nested(Box::new(
                    RowIter::from_row_group(Some(only), group).map_err(damaged)?,
                ))
            }
            _ => Source::Flat(Box::new(group.get_column_reader(column.leaf).map_err(damaged)?)),
        });
    }
    let batch = (BATCH_CELLS / columns.len().max(1)).clamp(16, 1_024);
    let mut n_left = usize::try_from(group.metadata().num_rows()).unwrap_or_default();
    while n_left > 0 {
        let n = n_left.min(batch);
        n_left -= n;
        let mut cells = Vec::with_capacity(columns.len());
        for (source, column) in sources.iter_mut().zip(columns) {
            let values = match source {
                Source::Flat(reader) => read_batch(reader, n, column.is_optional)?,
                Source::Nested(rows) => read_nested(rows, n, &column.field)?,
            };
            cells.push(values.into_iter());
        }
        for _ in 0..n {
            // The header is the first row, and rows are counted from 1.
            let row = *n_rows + 2;
            for ((values, column), misfits) in cells.iter_mut().zip(columns).zip(misfits.iter_mut())
            {
                let stored = values.next().unwrap_or(Stored::Null);
                column.meaning.put(&stored, sink, misfits, row);
            }
            sink.end_row()?;
            *n_rows += 1;
        }
    }
    Ok(())
}

fn read_batch(
    reader: &mut ColumnReader,
    n: usize,
    is_optional: bool,
) -> Result<Vec<Stored>, SchemaError> {
    use ColumnReader as R;
    match reader {
        R::BoolColumnReader(reader) => read_typed(reader, n, is_optional, Stored::Boolean),
        R::Int32ColumnReader(reader) => {
            read_typed(reader, n, is_optional, |value| Stored::Int(i64::from(value)))
        }
        R::Int64ColumnReader(reader) => read_typed(reader, n, is_optional, Stored::Int),
        R::Int96ColumnReader(reader) => read_typed(reader, n, is_optional, Stored::Ticks96),
        R::FloatColumnReader(reader) => {
            read_typed(reader, n, is_optional, |value| Stored::Double(f64::from(value)))
        }
        R::DoubleColumnReader(reader) => read_typed(reader, n, is_optional, Stored::Double),
        R::ByteArrayColumnReader(reader) => read_typed(reader, n, is_optional, Stored::Bytes),
        R::FixedLenByteArrayColumnReader(reader) => {
            read_typed(reader, n, is_optional, |value| Stored::Bytes(value.into()))
        }
    }
}

fn read_typed<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    n: usize,
    is_optional: bool,
    lift: impl Fn(T::T) -> Stored,
) -> Result<Vec<Stored>, SchemaError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut n_read = 0;
    while n_read < n {
        let levels = is_optional.then_some(&mut levels);
        let (n_records, ..) =
            reader.read_records(n - n_read, levels, None, &mut values).map_err(damaged)?;
        if n_records == 0 {
            return Err(damaged(ParquetError::General("a column ends before its rows".to_owned())));
        }
        n_read += n_records;
    }
    let mut values = values.into_iter();
    if !is_optional {
        return Ok(values.map(lift).collect());
    }
    let mut next = || values.next().map_or(Stored::Null, &lift);
    Ok(levels.iter().map(|level| if *level > 0 { next() } else { Stored::Null }).collect())
}

fn read_nested(
    rows: &mut RowIter<'_>,
    n: usize,
    field_type: &Type,
) -> Result<Vec<Stored>, SchemaError> {
    let mut values = Vec::with_capacity(n);
    for row in rows.take(n) {
        let row = row.map_err(damaged)?;
        let stored = match row.get_column_iter().next() {
            None | Some((_, Field::Null)) => Stored::Null,
            Some((_, field)) => {
                let mut text = String::new();
                write_json(&mut text, field, Some(field_type));
                Stored::Json(text)
            }
        };
        values.push(stored);
    }
    Ok(values)
}

#[expect(clippy::needless_pass_by_value, reason = "as the last part of a chain of results")]
fn damaged(error: ParquetError) -> SchemaError {
    if let ParquetError::NYI(what) = &error {
        return SchemaError::Unsupported {
            what: format!("a Parquet file with a feature that is not read ({what})"),
            remedy: "write it again without that, or as CSV".to_owned(),
        };
    }
    SchemaError::Rejected {
        row: None,
        found: format!("the Parquet file is damaged ({error})"),
        remedy: "write the file again and send that".to_owned(),
    }
}
