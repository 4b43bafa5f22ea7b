//! Prints how fast a generated file of 12 mixed columns is understood and read.
//!
//! Usage: `cargo run --release -p sluice-schema --example throughput [ROWS]`
#![allow(
    clippy::cast_possible_truncation,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests may stop and talk"
)]

use std::io::Write;
use std::time::Instant;

use sluice_schema::{Limits, ReadOptions, RowEncoder, Value, read_rows, understand};

struct Sum(u64);

impl RowEncoder for Sum {
    fn value(&mut self, column: usize, value: Value<'_>) {
        let add = match value {
            Value::Null => 1,
            Value::Boolean(v) => u64::from(v),
            Value::Int(v) | Value::Decimal(v) | Value::Time(v) | Value::Timestamp(v) => {
                v.cast_unsigned()
            }
            Value::Float(v) => v.to_bits(),
            Value::Date(v) => u64::from(v.cast_unsigned()),
            Value::Uuid(v) => u64::from(v[0]),
            Value::Text(text) => text.len() as u64,
        };
        self.0 = self.0.wrapping_add(add ^ column as u64);
    }

    fn end_row(&mut self) {}
}

fn generate(path: &std::path::Path, n_rows: u64) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    writeln!(out, "id,order_date,customer,email,status,quantity,unit_price,discount,paid,created_at,country,note").unwrap();
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    for row in 1..=n_rows {
        let customer = next(50_000);
        writeln!(
            out,
            "{row},20{:02}-{:02}-{:02},Customer {customer},user{customer}@example.com,{},{},{}.{:02},0.{:02},{},2024-{:02}-{:02}T{:02}:{:02}:{:02}Z,{},{}",
            next(25), 1 + next(12), 1 + next(28),
            ["new", "paid", "shipped", "returned", "cancelled"][next(5) as usize],
            1 + next(99), next(900), next(100), next(50),
            ["true", "false"][next(2) as usize],
            1 + next(12), 1 + next(28), next(24), next(60), next(60),
            ["DE", "FR", "US", "GB", "JP", "BR"][next(6) as usize],
            match next(10) { 0 => "\"said \"\"hello\"\", left\"".to_owned(), 1..=3 => String::new(), _ => format!("note {}", next(1_000_000)) },
        )
        .unwrap();
    }
}

/// Seconds of processor time so far, of all threads.
fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let ticks: Vec<f64> =
        after.split_whitespace().map(|word| word.parse().unwrap_or(0.0)).collect();
    (ticks[11] + ticks[12]) / 100.0
}

fn main() {
    let n_rows: u64 = std::env::args().nth(1).map_or(1_000_000, |rows| rows.parse().unwrap());
    let path = std::env::temp_dir().join(format!("sluice-throughput-{n_rows}.csv"));
    if std::fs::metadata(&path).is_err() {
        generate(&path, n_rows);
    }
    let limits = Limits::default();
    let megabytes = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
    let show = |what: &str, started: Instant, cpu_before: f64| {
        let (wall, cpu) = (started.elapsed().as_secs_f64(), cpu_s() - cpu_before);
        println!(
            "{what:24} {:6.0} MB/s on the clock, {:6.0} MB/s per core ({cpu:.2} CPU s)",
            megabytes / wall,
            megabytes / cpu
        );
    };
    for round in 0..3 {
        let (started, cpu) = (Instant::now(), cpu_s());
        let sheets =
            understand(&path, "orders.csv", &ReadOptions::default(), &limits, &()).unwrap();
        show("understand", started, cpu);
        for n_workers in [1, 2] {
            let (started, cpu) = (Instant::now(), cpu_s());
            let mut sum = 0_u64;
            let report = read_rows(
                &path,
                &sheets[0],
                &limits,
                &(),
                n_workers,
                || Sum(0),
                |rows, _| {
                    sum = sum.wrapping_add(rows.0);
                    Ok::<(), ()>(())
                },
            )
            .unwrap();
            assert_eq!(report.n_rows, n_rows);
            show(&format!("read_rows, {n_workers} workers"), started, cpu);
        }
        if round == 0 {
            for column in &sheets[0].columns {
                println!(
                    "  {:12} {:?} distinct {}",
                    column.name, column.column_type, column.evidence.n_distinct
                );
            }
        }
    }
}
