//! The file that everything is measured with.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

pub const N_CUSTOMERS: u64 = 50_000;

/// The customers that the orders name.
pub fn write_customers(path: &Path) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(out, "id,name,city").unwrap();
    for id in 0..N_CUSTOMERS {
        writeln!(out, "{id},customer number {id},city {}", id % 977).unwrap();
    }
    out.flush().unwrap();
}

/// Ids, amounts, days, words: what an export of orders looks like, the same each time.
pub fn write_csv(path: &Path, n_rows: u64) {
    const WORDS: [&str; 12] = [
        "please", "deliver", "after", "noon", "ring", "twice", "gift", "wrap", "fragile", "back",
        "door", "thanks",
    ];
    const STATUSES: [&str; 5] = ["open", "paid", "shipped", "returned", "cancelled"];
    const CATEGORIES: [&str; 20] = [
        "books", "garden", "kitchen", "toys", "music", "sports", "shoes", "tools", "lamps",
        "paper", "paint", "tea", "coffee", "cheese", "wine", "bikes", "tents", "films", "games",
        "clocks",
    ];
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    writeln!(out, "id,customer,account,amount,ratio,ordered,created,paid,status,category,note,uid")
        .unwrap();
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    };
    let pick = |words: &[&'static str], n: u64| {
        let index = usize::try_from(n).unwrap_or_default() % words.len();
        words[index]
    };
    for id in 1..=n_rows {
        let (customer, account) = (random(N_CUSTOMERS), 10_000_000_000 + random(90_000_000_000));
        let (units, cents) = (random(10_000), random(100));
        let (ratio, power) = (1 + random(99_999), random(9));
        let (year, month, day) = (2015 + random(10), 1 + random(12), 1 + random(28));
        let (hour, minute, second) = (random(24), random(60), random(60));
        let (paid, status) = (random(2) == 1, pick(&STATUSES, random(5)));
        let category = pick(&CATEGORIES, random(20));
        let note = [pick(&WORDS, random(12)), pick(&WORDS, random(12)), pick(&WORDS, random(12))];
        // Each another one, as remarks are.
        let note = format!("{} {id}", note.join(" "));
        let (high, low) = (random(u64::MAX), random(u64::MAX));
        let uid = uuid::Uuid::from_u64_pair(high, low).hyphenated();
        writeln!(
            out,
            "{id},{customer},{account},{units}.{cents:02},{ratio}e-{power},\
             {year}-{month:02}-{day:02},\
             {year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z,\
             {paid},{status},{category},{note},{uid}"
        )
        .unwrap();
    }
    out.flush().unwrap();
}

/// A workbook with ids, amounts, days and words.
pub fn write_xlsx(path: &Path, n_rows: u32, n_columns: u16) {
    use rust_xlsxwriter::{Format, Workbook};
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let day = Format::new().set_num_format("yyyy-mm-dd");
    for column in 0..n_columns {
        sheet.write_string(0, column, format!("column {column}")).unwrap();
    }
    for row in 1..=n_rows {
        for column in 0..n_columns {
            let number = f64::from(row) * f64::from(column + 1);
            match column % 4 {
                0 => sheet.write_number(row, column, number),
                1 => sheet.write_number(row, column, number / 100.0),
                2 => sheet.write_number_with_format(
                    row,
                    column,
                    f64::from(40_000 + row % 5_000),
                    &day,
                ),
                _ => sheet.write_string(row, column, format!("word {}", row % 1_000)),
            }
            .unwrap();
        }
    }
    book.save(path).unwrap();
}
