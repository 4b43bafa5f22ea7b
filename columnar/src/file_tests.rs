//! Files and chunks in memory give back what they were given, or say that they are damaged.

use proptest::prelude::*;

use crate::block::Block;
use crate::chunk::{MAX_ROWS, Source, Values};
use crate::chunker::{BOUNDS, Bounds};
use crate::file::{ColumnFile, OpenError};
use crate::memory::MemoryChunks;
use crate::probe::{Cell, Row, Table};
use crate::write::FileWriter;
use crate::{Failure, Kind, Value};

/// Rows of a random table, at most; few where an interpreter runs the tests.
const N_ROWS: usize = if cfg!(miri) { 30 } else { 200 };

fn cell(kind: Kind) -> BoxedStrategy<Cell> {
    let whole =
        prop_oneof![0..4_i64, -300..300_i64, any::<i32>().prop_map(i64::from), any::<i64>()];
    let whole = prop_oneof![4 => whole, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
    let float = prop_oneof![any::<f64>(), Just(-0.0), Just(0.0), Just(1.5), Just(f64::MAX)];
    let float = float.prop_filter("a number", |number| number.is_finite());
    let text = prop_oneof!["[ab]{0,1}", ".{0,40}", Just("ä".repeat(900)), Just(String::new())];
    let value = match kind {
        Kind::Whole => whole.prop_map(Cell::Whole).boxed(),
        Kind::Float => float.prop_map(Cell::Float).boxed(),
        Kind::Text => text.prop_map(|text| Cell::Text(text.into_bytes())).boxed(),
    };
    prop_oneof![1 => Just(Cell::Null), 5 => value].boxed()
}

fn table() -> impl Strategy<Value = Table> {
    let kind = prop_oneof![Just(Kind::Whole), Just(Kind::Float), Just(Kind::Text)];
    let kinds = prop::collection::vec(kind, 0..5);
    kinds.prop_flat_map(|kinds| {
        let cells: Vec<_> = kinds.iter().map(|kind| cell(*kind)).collect();
        let row = (prop::option::weighted(0.2, 1..1_000_i64), cells);
        prop::collection::vec(row, 0..N_ROWS).prop_map(move |rows| {
            let mut last = 0;
            let rows = rows.into_iter().map(|(gap, cells)| {
                let number = gap.map(|gap| last + gap);
                last = number.unwrap_or(last + 1);
                Row { number, cells }
            });
            Table { kinds: kinds.clone(), rows: rows.collect() }
        })
    })
}

fn open(bytes: &[u8]) -> ColumnFile {
    ColumnFile::from_bytes(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 3 } else { 128 }))]

    #[test]
    fn what_was_written_is_read(table in table(), chunk_rows in 1..100_usize) {
        let bytes = table.file(chunk_rows);
        let file = open(&bytes);
        table.check(&file, false);
        prop_assert_eq!(file.n_rows(), table.rows.len() as u64);
        prop_assert_eq!(file.kinds(), &table.kinds);
        prop_assert_eq!((file.identity(), file.version()), ([7; 16], -3));
        prop_assert_eq!(file.size_bytes(), bytes.len() as u64);

        let memory = MemoryChunks::new(&table.kinds, &table.blocks(50)).unwrap();
        table.check(&memory, false);
    }

    #[test]
    fn rows_are_found_by_number(table in table(), chunk_rows in 1..100_usize) {
        let bytes = table.file(chunk_rows);
        let file = open(&bytes);
        let mut last = 0;
        for (place, row) in table.rows.iter().enumerate() {
            let before = last + 1;
            last = row.number.unwrap_or(before);
            let found = file.find(last).unwrap().unwrap();
            let rows_before: usize = (0..found.0).map(|chunk| file.n_rows_of(chunk)).sum();
            prop_assert_eq!(rows_before + found.1, place);
            if before < last {
                prop_assert_eq!(file.find(before).unwrap(), None);
            }
        }
        prop_assert_eq!(file.find(last + 1).unwrap(), None);
        prop_assert_eq!(file.find(i64::MIN).unwrap(), None);
        prop_assert_eq!(file.find(i64::MAX).unwrap(), None);
    }

    #[test]
    fn damage_is_told(table in table(), at in any::<prop::sample::Index>(), mask in 1..=255_u8) {
        let written = table.file(20);
        let mut damaged = written.clone();
        damaged[at.index(written.len())] ^= mask;
        if let Ok(file) = ColumnFile::from_bytes(&damaged) {
            table.check(&file, true);
        }
        let cut = &written[..at.index(written.len())];
        prop_assert!(ColumnFile::from_bytes(cut).is_err());
    }
}

#[test]
fn chunks_end_at_the_most_rows() {
    let row = |number: usize| Row {
        number: None,
        cells: vec![
            Cell::Whole(i64::try_from(number).unwrap()),
            Cell::Text(format!("{}", number % 300).into_bytes()),
            Cell::Text(format!("{number}").into_bytes()),
        ],
    };
    let n_rows = if cfg!(miri) { 200 } else { 2 * MAX_ROWS + 1 };
    let chunk_rows = if cfg!(miri) { 99 } else { MAX_ROWS };
    let kinds = vec![Kind::Whole, Kind::Text, Kind::Text];
    let table = Table { kinds, rows: (0..n_rows).map(row).collect() };
    let bytes = table.file(chunk_rows);
    let file = open(&bytes);
    assert_eq!(file.n_chunks(), 3);
    assert_eq!(file.n_rows_of(2), n_rows - 2 * chunk_rows);
    table.check(&file, false);
    if !cfg!(miri) {
        let chunk = file.chunk(1, &[1, 2]).unwrap();
        assert!(matches!(chunk.columns[0].values, Values::Coded { .. }));
        assert!(matches!(chunk.columns[1].values, Values::Text(_)));
    }
}

#[test]
fn a_dictionary_gives_up_half_way() {
    let text = |number: usize| if number < 100 { number % 5 } else { number };
    let row = |number: usize| Row {
        number: None,
        cells: vec![Cell::Text(format!("text {}", text(number)).into_bytes())],
    };
    let table = Table { kinds: vec![Kind::Text], rows: (0..300).map(row).collect() };
    let file = table.file(60);
    let file = open(&file);
    table.check(&file, false);
    let is_coded = |number: usize| {
        let chunk = file.chunk(number, &[0]).unwrap();
        match &chunk.columns[0].values {
            Values::Coded { dictionary, .. } => {
                assert_eq!(dictionary.len(), 5, "what was added in vain is taken back");
                true
            }
            _ => false,
        }
    };
    assert_eq!((0..5).map(is_coded).collect::<Vec<_>>(), [true, false, false, false, false]);
}

#[test]
fn nothing_is_a_table_too() {
    for kinds in [vec![], vec![Kind::Text, Kind::Whole]] {
        let table = Table { kinds: kinds.clone(), rows: Vec::new() };
        let file = table.file(10);
        let file = open(&file);
        assert_eq!((file.n_chunks(), file.n_rows()), (0, 0));
        assert_eq!(file.find(1).unwrap(), None);
    }
    let rows = (0..30).map(|_| Row { number: None, cells: Vec::new() });
    let table = Table { kinds: Vec::new(), rows: rows.collect() };
    let file = table.file(20);
    let file = open(&file);
    assert_eq!((file.n_chunks(), file.n_rows()), (2, 30));
    assert_eq!(file.chunk(1, &[]).unwrap().rows.get(9), 30);
}

#[test]
fn columns_that_are_not_there_are_mistakes() {
    let table = Table { kinds: vec![Kind::Text], rows: Vec::new() };
    let cells = vec![Cell::Null];
    let table = Table { rows: vec![Row { number: Some(-5), cells }], ..table };
    let file = table.file(20);
    let file = open(&file);
    assert!(matches!(file.chunk(0, &[2]), Err(Failure::Mistaken)));
    assert!(matches!(file.chunk(1, &[0]), Err(Failure::Mistaken)));
    let chunk = file.chunk(0, &[0, 0]).unwrap();
    assert_eq!((chunk.columns[1].value(0), chunk.rows.get(0)), (Value::Null, -5));
}

#[test]
fn foreign_files_are_told_apart() {
    let table = Table { kinds: vec![Kind::Whole], rows: Vec::new() };
    let file = table.file(20);
    for bytes in [b"".as_slice(), b"id,name\n1,a\n", &[0; 4096], &file[..20]] {
        assert!(matches!(ColumnFile::from_bytes(bytes), Err(OpenError::Foreign)));
    }
    for (at, expected) in [(8, "foreign"), (16, "foreign"), (file.len() - 1, "damaged")] {
        let mut other = file.clone();
        other[at] ^= 1;
        let is_foreign = matches!(ColumnFile::from_bytes(&other), Err(OpenError::Foreign));
        assert_eq!(is_foreign, expected == "foreign");
    }
}

#[test]
fn thousands_of_columns_make_small_chunks() {
    const N_COLUMNS: usize = if cfg!(miri) { 20 } else { 2_000 };
    const N_BYTES: usize = 64 * N_COLUMNS * 8;
    let row = |row: i64| Row { number: None, cells: vec![Cell::Whole(row); N_COLUMNS] };
    let kinds = vec![Kind::Whole; N_COLUMNS];
    let table = Table { kinds: kinds.clone(), rows: (0..150).map(row).collect() };
    let bounds = Bounds { n_bytes: N_BYTES, ..BOUNDS };
    let mut writer = FileWriter::with_bounds(Vec::new(), &kinds, bounds).unwrap();
    table.blocks(100).iter().for_each(|block| writer.push(block).unwrap());
    let file = open(&writer.finish([0; 16], 1).unwrap().file);
    table.check(&file, false);
    // Half of what is pushed at once, 100 rows and then 50, fits a chunk.
    let n_rows: Vec<_> = (0..file.n_chunks()).map(|chunk| file.n_rows_of(chunk)).collect();
    assert_eq!(n_rows, [50, 50, 50]);
}

#[test]
fn blocks_that_do_not_fit_are_refused() {
    let block = |kind, cells: &[Cell], numbers: &[Option<i64>]| {
        let row = |number: &Option<i64>| Row { number: *number, cells: cells.to_vec() };
        let table = Table { kinds: vec![kind], rows: numbers.iter().map(row).collect() };
        table.blocks(10).remove(0)
    };
    let accepts = |blocks: &[Block]| {
        let memory = MemoryChunks::new(&[Kind::Whole], blocks);
        let mut writer = FileWriter::create(Vec::new(), &[Kind::Whole]).unwrap();
        let written = blocks.iter().try_for_each(|block| writer.push(block));
        assert_eq!(memory.is_ok(), written.is_ok());
        memory.is_ok()
    };
    let whole = |numbers: &[Option<i64>]| block(Kind::Whole, &[Cell::Whole(1)], numbers);
    assert!(accepts(&[whole(&[Some(3), None]), whole(&[None, Some(9)]), whole(&[Some(10)])]));
    assert!(!accepts(&[whole(&[Some(3), Some(3)])]), "a number twice");
    assert!(!accepts(&[whole(&[Some(3), None]), whole(&[Some(4)])]), "numbers that fall");
    assert!(!accepts(&[whole(&[Some(i64::MAX), None])]), "beyond all numbers");
    assert!(!accepts(&[block(Kind::Text, &[Cell::Null], &[None])]), "another kind");
}

#[test]
fn cells_of_another_kind_are_missing() {
    let mut block = Block::new(&[Kind::Whole, Kind::Float, Kind::Text]);
    for value in [Value::Float(1.0), Value::Float(f64::NAN), Value::Whole(3), Value::Null] {
        block.push(value);
    }
    block.end_row(None);
    block.push(Value::Whole(5));
    block.end_row(None);
    let chunks = MemoryChunks::new(&[Kind::Whole, Kind::Float, Kind::Text], &[block]).unwrap();
    let chunk = chunks.chunk(0, &[0, 1, 2]).unwrap();
    let values = |row| chunk.columns.iter().map(|column| column.value(row)).collect::<Vec<_>>();
    assert_eq!(values(0), [Value::Null, Value::Null, Value::Null]);
    assert_eq!(values(1), [Value::Whole(5), Value::Null, Value::Null]);
}

#[test]
#[cfg(not(miri))]
fn files_are_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("columns");
    assert!(matches!(ColumnFile::open(&path), Err(OpenError::Io(_))));
    for bytes in [b"".as_slice(), b"SLUICOL\n"] {
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(ColumnFile::open(&path), Err(OpenError::Foreign)));
    }
    let row = |row| Row { number: None, cells: vec![Cell::Whole(row), Cell::Float(0.5)] };
    let table = Table { kinds: vec![Kind::Whole, Kind::Float], rows: (0..100).map(row).collect() };
    std::fs::write(&path, table.file(30)).unwrap();
    let file = ColumnFile::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    table.check(&file, false);
}
