//! Times what a load adds for its file of columns: 1,000,000 rows × 12 are collected, written and
//! read again, beside the same bytes copied as a reference of the machine.
//!
//! `cargo run --release -p sluice-columnar --example measure -- <folder>`

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "it talks to people and ends at the first trouble"
)]

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use sluice_columnar::block::Block;
use sluice_columnar::chunk::{Source, Values};
use sluice_columnar::file::ColumnFile;
use sluice_columnar::write::FileWriter;
use sluice_columnar::{Kind, Value};

const N_ROWS: u64 = 1_000_000;
const BLOCK_ROWS: u64 = 4096;
const N_RUNS: usize = 5;

const KINDS: [Kind; 12] = [
    Kind::Whole,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Whole,
    Kind::Whole,
    Kind::Whole,
    Kind::Whole,
    Kind::Whole,
    Kind::Float,
];

/// Numbers that look random.
fn scatter(seed: u64) -> u64 {
    let mut number = seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    number ^= number >> 32;
    number = number.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    number ^ number >> 29
}

const NAMES: [&str; 16] = [
    "Anna", "Bruno", "Chloé", "Dmitri", "Elena", "Farid", "Greta", "Hugo", "Inès", "Jonas",
    "Katya", "Liam", "Mina", "Noor", "Otto", "Paula",
];
const CITIES: [&str; 8] =
    ["Berlin", "Lyon", "Porto", "Kraków", "Athens", "Oslo", "Dublin", "San Sebastián"];

/// The cells of a row as texts, and the length of the row in a CSV file.
struct Row {
    texts: [String; 5],
    numbers: [i64; 6],
    float: f64,
}

fn row(place: u64) -> Row {
    let dice = |column: u64| scatter(place * 16 + column);
    let pick = |names: &[&'static str], dice: u64| names[dice as usize % names.len()];
    let name = format!("{} {}{}", pick(&NAMES, dice(1)), pick(&CITIES, dice(2)), dice(2) % 9000);
    let mail = format!("{}{}@example.org", pick(&NAMES, dice(3)).to_lowercase(), dice(3) % 900_000);
    let mut note = String::new();
    while note.len() < 20 + dice(4) as usize % 40 {
        let _ = write!(note, "{} ", pick(&NAMES, scatter(dice(4) + note.len() as u64)));
    }
    let texts =
        [pick(&CITIES, dice(5)).to_owned(), format!("category {}", dice(6) % 20), name, mail, note];
    let whole = |column, bound: u64| (dice(column) % bound) as i64;
    let numbers = [
        place as i64 + 1,
        whole(7, 100),
        whole(8, 50_000),
        whole(9, 4_000_000_000),
        whole(10, 1_000_000),
        18_000 + whole(11, 2_000),
    ];
    Row { texts, numbers, float: whole(12, 1_000_000) as f64 / 7.0 }
}

/// CPU time of this thread, user and system.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

fn time<T>(name: &str, mut run: impl FnMut() -> T) -> T {
    let mut best: Option<(Duration, Duration, T)> = None;
    for _ in 0..N_RUNS {
        let (wall, before) = (Instant::now(), cpu());
        let made = run();
        let (wall, cpu) = (wall.elapsed(), cpu() - before);
        if best.as_ref().is_none_or(|best| cpu < best.0) {
            best = Some((cpu, wall, made));
        }
    }
    let (cpu, wall, made) = best.expect("it ran");
    println!(
        "{name:<44} {:>8.1} ms CPU {:>8.1} ms",
        cpu.as_secs_f64() * 1e3,
        wall.as_secs_f64() * 1e3
    );
    made
}

fn main() -> io::Result<()> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let path = folder.join("measure.columns");
    let (mut rows, mut csv_bytes) = (Vec::new(), 0);
    for place in 0..N_ROWS {
        let row = row(place);
        csv_bytes += row.texts.iter().map(|text| text.len() + 1).sum::<usize>();
        csv_bytes += row.numbers.iter().map(|n| n.to_string().len() + 1).sum::<usize>();
        csv_bytes += format!("{}", row.float).len() + 1;
        rows.push(row);
    }

    let mut n_bytes = 0;
    let blocks: Vec<Block> = time("collect in blocks of 4,096 rows", || {
        let blocks = rows.chunks(BLOCK_ROWS as usize).map(|rows| {
            let mut block = Block::new(&KINDS);
            fill(&mut block, rows);
            block
        });
        blocks.collect()
    });
    let mut again = Block::new(&KINDS);
    time("collect again and again in one block", || {
        for rows in rows.chunks(BLOCK_ROWS as usize) {
            again.clear();
            fill(&mut again, rows);
            n_bytes = black_box(again.n_bytes());
        }
    });
    let total: usize = blocks.iter().map(Block::n_bytes).sum();
    let copied = vec![1_u8; total];
    time("reference: that many bytes copied", || black_box(copied.clone()).len());
    time("reference: that many bytes copied to a file", || {
        File::create(&path).and_then(|mut file| io::Write::write_all(&mut file, &copied))
    })?;

    time("write to nothing", || write(io::sink(), &blocks))?;
    let size_bytes = time("write to a file", || write(File::create(&path)?, &blocks))?;
    println!(
        "{} MB collected, {} MB of CSV, {} MB in the file",
        total / 1_000_000,
        csv_bytes / 1_000_000,
        size_bytes / 1_000_000
    );

    let open = || ColumnFile::open(&path).expect("it was written");
    time("open", open);
    let columns: Vec<usize> = (0..KINDS.len()).collect();
    time("open, check all blocks", || read(&open(), &columns));
    time("open, check three columns", || read(&open(), &[2, 8, 9]));
    let file = open();
    read(&file, &columns);
    time("all chunks again", || read(&file, &columns));
    for column in columns {
        let forms: Vec<&str> =
            (0..file.n_chunks()).map(|chunk| form(&file, chunk, column)).collect();
        println!(
            "column {column}: {} chunks, {} … {}",
            forms.len(),
            forms[0],
            forms[forms.len() - 1]
        );
    }
    std::fs::remove_file(&path)
}

fn fill(block: &mut Block, rows: &[Row]) {
    for row in rows {
        let [id, numbers @ ..] = &row.numbers;
        block.push(Value::Whole(*id));
        row.texts.iter().for_each(|text| block.push(Value::Text(text.as_bytes())));
        numbers.iter().for_each(|number| block.push(Value::Whole(*number)));
        block.push(Value::Float(row.float));
        block.end_row(None);
    }
}

fn write<W: io::Write>(file: W, blocks: &[Block]) -> io::Result<u64> {
    let mut writer = FileWriter::create(file, &KINDS)?;
    blocks.iter().try_for_each(|block| writer.push(block))?;
    Ok(writer.finish([0; 16], 1)?.size_bytes)
}

fn read(file: &ColumnFile, columns: &[usize]) {
    for chunk in 0..file.n_chunks() {
        black_box(file.chunk(chunk, columns)).expect("it was written");
    }
}

fn form(file: &ColumnFile, chunk: usize, column: usize) -> &'static str {
    match file.chunk(chunk, &[column]).expect("it was written").columns[0].values {
        Values::Whole(_) => "whole",
        Values::Float(_) => "float",
        Values::Coded { .. } => "coded",
        Values::Text(_) => "text",
    }
}
