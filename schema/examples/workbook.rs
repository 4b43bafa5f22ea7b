//! Prints what a workbook of 100,000 rows and 20 columns costs, as a multiple of what calamine alone needs for it.
//!
//! Usage: `cargo run --release -p sluice-schema --example workbook [ROWS]`
#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement may stop and talk"
)]

use std::io::BufReader;
use std::path::Path;
use std::time::Instant;

use calamine::{Reader, Xlsx, open_workbook_from_rs};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use sluice_schema::{Limits, ReadOptions, RowEncoder, Value, read_rows, understand};

const N_COLUMNS: u16 = 20;

struct Count(u64);

impl RowEncoder for Count {
    fn value(&mut self, _: usize, value: Value<'_>) {
        self.0 += u64::from(value != Value::Null);
    }

    fn end_row(&mut self) {}
}

fn generate(path: &Path, n_rows: u32) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Format::new().set_num_format("yyyy-mm-dd");
    for column in 0..N_COLUMNS {
        sheet.write_string(0, column, format!("column {column}")).unwrap();
    }
    for row in 1..=n_rows {
        for column in 0..N_COLUMNS {
            match column % 5 {
                0 => sheet.write_number(row, column, f64::from(row * 7 + u32::from(column))),
                1 => sheet.write_string(row, column, format!("customer {}", row % 5_000)),
                2 => sheet.write_number(row, column, f64::from(row % 10_007) / 100.0),
                3 => sheet.write_datetime_with_format(
                    row,
                    column,
                    ExcelDateTime::from_ymd(2020 + (row % 5) as u16, 1 + (row % 12) as u8, 7)
                        .unwrap(),
                    &date,
                ),
                _ => sheet.write_boolean(row, column, row % 3 == 0),
            }
            .unwrap();
        }
    }
    workbook.save(path).unwrap();
}

fn main() {
    let n_rows: u32 = std::env::args().nth(1).map_or(100_000, |rows| rows.parse().unwrap());
    let path = std::env::temp_dir().join(format!("sluice-workbook-{n_rows}.xlsx"));
    if std::fs::metadata(&path).is_err() {
        generate(&path, n_rows);
    }
    let limits = Limits::default();
    for _ in 0..3 {
        let started = Instant::now();
        let file = BufReader::new(std::fs::File::open(&path).unwrap());
        let mut workbook: Xlsx<_> = open_workbook_from_rs(file).unwrap();
        let name = workbook.sheet_names().first().unwrap().clone();
        let mut cells = workbook.worksheet_cells_reader(&name).unwrap();
        let mut n_cells = 0_u64;
        while cells.next_cell().unwrap().is_some() {
            n_cells += 1;
        }
        let alone = started.elapsed().as_secs_f64();
        drop(cells);
        let started = Instant::now();
        let file = BufReader::new(std::fs::File::open(&path).unwrap());
        let mut workbook: Xlsx<_> = open_workbook_from_rs(file).unwrap();
        let n_ranged = workbook.worksheet_range(&name).unwrap().used_cells().count();
        let as_range = started.elapsed().as_secs_f64();

        let started = Instant::now();
        let plans = understand(&path, "t.xlsx", &ReadOptions::default(), &limits, &()).unwrap();
        let understood = started.elapsed().as_secs_f64();
        let plan = plans.first().unwrap();
        let mut n_values = 0;
        read_rows(
            &path,
            plan,
            &limits,
            &(),
            2,
            || Count(0),
            |count, _| {
                n_values += count.0;
                Ok::<(), std::convert::Infallible>(())
            },
        )
        .unwrap();
        let all = started.elapsed().as_secs_f64();
        println!(
            "calamine alone {alone:.2} s cell by cell ({n_cells} cells), {as_range:.2} s as a range ({n_ranged}); understood {understood:.2} s, understood and read {all:.2} s \
             ({n_values} values): ratio {:.2} and {:.2}",
            all / alone,
            all / as_range
        );
    }
}
