//! Parquet files, written here: each type as it is, nulls exact, nothing cut off.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop"
)]

mod common;

use std::sync::Arc;

use common::{Table, TempFile, read_sheets};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray,
    FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use sluice_schema::{NoticeCode, ReadOptions};

type WriteColumn<'w> = Box<dyn Fn(&mut SerializedColumnWriter<'_>) + 'w>;

/// Writes the values of a column; `levels` tells which rows have one.
fn put<T: DataType>(values: Vec<T::T>, levels: Option<Vec<i16>>) -> WriteColumn<'static> {
    Box::new(move |writer| {
        writer.typed::<T>().write_batch(&values, levels.as_deref(), None).unwrap();
    })
}

fn put_nested<T: DataType>(
    values: Vec<T::T>,
    levels: Vec<i16>,
    repeats: Vec<i16>,
) -> WriteColumn<'static> {
    Box::new(move |writer| {
        writer.typed::<T>().write_batch(&values, Some(&levels), Some(&repeats)).unwrap();
    })
}

fn write(schema: &str, n_groups: usize, columns: &[WriteColumn<'_>]) -> TempFile {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    for _ in 0..n_groups {
        let mut group = file.next_row_group().unwrap();
        for write in columns {
            let mut column = group.next_column().unwrap().unwrap();
            write(&mut column);
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    file.close().unwrap();
    TempFile::new(&bytes)
}

fn read(file: &TempFile) -> Table {
    read_sheets(file, "t.parquet", &ReadOptions::default()).unwrap().remove(0)
}

fn texts(values: &[&str]) -> Vec<ByteArray> {
    values.iter().map(|value| ByteArray::from(*value)).collect()
}

#[test]
fn types_are_taken_as_they_are() {
    let schema = "message t {
        required int32 small; required int64 large; optional int32 price (DECIMAL(9,2));
        required int32 day (DATE); required int64 at (TIMESTAMP(MICROS,true));
        required int64 local (TIMESTAMP(MILLIS,false)); optional boolean ok; required binary word (STRING);
        required double ratio; required int32 clock (TIME(MILLIS,false)); required float half;
        required int32 counted (INTEGER(32,false)); required fixed_len_byte_array(16) id (UUID);
    }";
    let columns = [
        put::<Int32Type>(vec![1, -2], None),
        put::<Int64Type>(vec![1, 2], None),
        put::<Int32Type>(vec![-5], Some(vec![0, 1])),
        put::<Int32Type>(vec![0, 19_782], None),
        put::<Int64Type>(vec![0, 1_700_000_000_123_456], None),
        put::<Int64Type>(vec![0, 1_700_000_000_123], None),
        put::<BoolType>(vec![true], Some(vec![1, 0])),
        put::<ByteArrayType>(texts(&["2024-01-01", ""]), None),
        put::<DoubleType>(vec![0.1, 1e300], None),
        put::<Int32Type>(vec![0, 86_399_999], None),
        put::<FloatType>(vec![0.5, -2.0], None),
        put::<Int32Type>(vec![-1, 7], None),
        put::<FixedLenByteArrayType>(
            vec![FixedLenByteArray::from(vec![0x11; 16]), FixedLenByteArray::from(vec![0xAB; 16])],
            None,
        ),
    ];
    let table = read(&write(schema, 2, &columns));
    assert_eq!(
        table.types(),
        [
            "INT",
            "BIGINT",
            "DECIMAL",
            "DATE",
            "DATE_TIME",
            "LOCAL_DATE_TIME",
            "BOOLEAN",
            "STRING",
            "FLOAT",
            "LOCAL_TIME",
            "FLOAT",
            "BIGINT",
            "UUID"
        ]
    );
    let first = "1|1|∅|1970-01-01|1970-01-01T00:00:00Z|1970-01-01T00:00:00|true|2024-01-01|0.1|00:00:00|0.5|4294967295|11111111111111111111111111111111";
    let second = "-2|2|-0.05|2024-02-29|2023-11-14T22:13:20.123456Z|2023-11-14T22:13:20.123|∅||1e300|23:59:59.999|-2.0|7|abababababababababababababababab";
    assert_eq!(table.shown(), [first, second, first, second]);
    assert_eq!(table.plan.columns[2].n_nulls, 2);
    assert_eq!(table.plan.notices, []);
}

#[test]
fn what_does_not_fit_is_told() {
    let schema = "message t {
        required int64 fine (TIMESTAMP(NANOS,true)); required int96 old; required double odd;
        required fixed_len_byte_array(16) wide (DECIMAL(38,2)); required binary raw; optional int32 none;
        required int64 big (INTEGER(64,false)); required binary doc (JSON);
    }";
    let int96 = |nanos: u32, day: u32| {
        let mut value = Int96::new();
        value.set_data(nanos, 0, day);
        value
    };
    let wide = |value: i128| FixedLenByteArray::from(value.to_be_bytes().to_vec());
    let columns = [
        put::<Int64Type>(vec![1_000, 1_000_000_000_000_000_001], None),
        put::<Int96Type>(vec![int96(0, 2_440_588), int96(1_000, 2_440_589)], None),
        put::<DoubleType>(vec![f64::NAN, 1.0], None),
        put::<FixedLenByteArrayType>(vec![wide(-12_345), wide(10_i128.pow(30))], None),
        put::<ByteArrayType>(vec![ByteArray::from(vec![0, 255]), ByteArray::from(vec![])], None),
        put::<Int32Type>(vec![], Some(vec![0, 0])),
        put::<Int64Type>(vec![-1, 5], None),
        put::<ByteArrayType>(texts(&["{\"a\": 1}", "5"]), None),
    ];
    let table = read(&write(schema, 1, &columns));
    assert_eq!(
        table.types(),
        ["STRING", "LOCAL_DATE_TIME", "FLOAT", "STRING", "STRING", "INT", "STRING", "JSON"]
    );
    assert_eq!(
        table.shown(),
        [
            "1970-01-01T00:00:00.000001Z|1970-01-01T00:00:00|∅|-123.45|00ff|∅|18446744073709551615|{\"a\": 1}",
            "2001-09-09T01:46:40.000000001Z|1970-01-02T00:00:00.000001|1.0|10000000000000000000000000000.00||∅|5|5",
        ]
    );
    let told = |label: &str, code| {
        table
            .plan
            .notices
            .iter()
            .any(|notice| notice.column.as_deref() == Some(label) && notice.code == code)
    };
    assert!(told("fine", NoticeCode::MixedTypes));
    assert!(told("odd", NoticeCode::Notation));
    assert!(told("wide", NoticeCode::WideNumbers));
    assert!(told("raw", NoticeCode::Notation));
    assert!(told("big", NoticeCode::WideNumbers));
}

#[test]
fn nested_values_are_json() {
    let schema = "message t {
        required int32 id;
        optional group tags (LIST) { repeated group list { optional binary element (STRING); } }
        optional group place { required binary city (STRING); optional int32 zip; }
    }";
    let columns = [
        put::<Int32Type>(vec![1, 2], None),
        put_nested::<ByteArrayType>(texts(&["a\"b"]), vec![3, 2, 0], vec![0, 1, 0]),
        put::<ByteArrayType>(texts(&["Rome"]), Some(vec![0, 1])),
        put::<Int32Type>(vec![7], Some(vec![0, 2])),
    ];
    let table = read(&write(schema, 1, &columns));
    assert_eq!(table.types(), ["INT", "JSON", "JSON"]);
    assert_eq!(table.shown(), ["1|[\"a\\\"b\", null]|∅", "2|∅|{\"city\": \"Rome\", \"zip\": 7}"]);
}

#[test]
fn many_rows_and_damage() {
    let numbers: Vec<i64> = (0..20_000).collect();
    let file = write("message t { required int64 n; }", 3, &[put::<Int64Type>(numbers, None)]);
    let table = read(&file);
    assert_eq!(table.plan.n_rows, 60_000);
    assert_eq!(table.rows[59_999][0].as_deref(), Some("19999"));
    let mut bytes = std::fs::read(&file.0).unwrap();
    let error = |bytes: &[u8]| {
        let file = TempFile::new(bytes);
        read_sheets(&file, "t.parquet", &ReadOptions::default()).err().unwrap().code()
    };
    assert_eq!(error(&bytes[..bytes.len() / 2]), "FILE_REJECTED");
    let length = bytes.len();
    bytes[length / 3..length / 2].fill(0x55);
    assert_eq!(error(&bytes), "FILE_REJECTED");
}

#[test]
fn what_grows_beyond_all_bounds_is_refused() {
    let cell = |n: usize| ByteArray::from("x".repeat(n).as_str());
    let large = |n: usize| {
        let file = write(
            "message m { required binary a (STRING); }",
            1,
            &[put::<ByteArrayType>(vec![cell(n)], None)],
        );
        read_sheets(&file, "t.parquet", &ReadOptions::default())
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(large(10 * 1024 * 1024), None);
    let error = large(10 * 1024 * 1024 + 1).unwrap();
    assert!(error.contains("bytes of a cell"), "{error}");
    let error = large(80 * 1024 * 1024).unwrap();
    assert!(error.contains("unpacked bytes of a Parquet file"), "{error}");
}

#[test]
fn a_zone_is_not_invented_inside_nested_values() {
    for (kind, expect) in [
        ("TIMESTAMP(MICROS,false)", "[\"2024-01-05T10:30:00.5\"]"),
        ("TIMESTAMP(MICROS,true)", "[\"2024-01-05T10:30:00.5Z\"]"),
        ("TIMESTAMP(NANOS,false)", "[\"1970-01-20T17:27:30.6005\"]"),
    ] {
        let schema = format!(
            "message m {{ optional group l (LIST) {{ repeated group list {{ optional int64 element ({kind}); }} }} }}"
        );
        let column = put_nested::<Int64Type>(vec![1_704_450_600_500_000], vec![3], vec![0]);
        let file = write(&schema, 1, &[column]);
        let tables = read_sheets(&file, "t.parquet", &ReadOptions::default()).unwrap();
        assert_eq!(tables[0].shown(), [expect], "{kind}");
    }
}
