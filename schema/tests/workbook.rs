//! Workbooks: what cells become, and what is told about them.
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop"
)]

mod common;

use common::{Table, TempFile, read_plan, read_sheets};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook, Worksheet};
use sluice_schema::{Limits, NoticeCode, ReadOptions, ShownAs, understand};

fn save(mut workbook: Workbook) -> TempFile {
    TempFile::new(&workbook.save_to_buffer().unwrap())
}

/// One sheet, read.
fn one_sheet(fill: impl FnOnce(&mut Worksheet)) -> Table {
    let mut workbook = Workbook::new();
    fill(workbook.add_worksheet());
    let file = save(workbook);
    read_sheets(&file, "t.xlsx", &ReadOptions::default()).unwrap().remove(0)
}

fn format(code: &str) -> Format {
    Format::new().set_num_format(code)
}

#[test]
fn percentages_and_money_are_told_and_values_are_kept() {
    let table = one_sheet(|sheet| {
        for (column, label) in ["share", "price", "mixed", "plain"].iter().enumerate() {
            sheet.write_string(0, column as u16, *label).unwrap();
        }
        for (row, share) in [0.125, 0.5, 1.0].into_iter().enumerate() {
            let row = row as u32 + 1;
            sheet.write_number_with_format(row, 0, share, &format("0.0%")).unwrap();
            sheet
                .write_number_with_format(row, 1, share * 10.0, &format("#,##0.00 [$€-407]"))
                .unwrap();
            sheet.write_number(row, 2, 0.25).unwrap();
            sheet.write_number(row, 3, f64::from(row)).unwrap();
        }
        sheet.write_number_with_format(2, 2, 0.75, &format("0%")).unwrap();
    });
    assert_eq!(table.types(), ["DECIMAL", "DECIMAL", "DECIMAL", "INT"]);
    assert_eq!(table.column(0), [Some("0.125"), Some("0.500"), Some("1.000")]);
    assert_eq!(table.column(1), [Some("1.25"), Some("5.00"), Some("10.00")]);
    let shown: Vec<_> =
        table.plan.columns.iter().map(|column| column.notation.shown_as.clone()).collect();
    assert_eq!(
        shown,
        [Some(ShownAs::Percent), Some(ShownAs::Currency("€".to_owned())), None, None]
    );
    let told: Vec<_> = table
        .plan
        .notices
        .iter()
        .map(|notice| (notice.column.as_deref(), notice.row, notice.count))
        .collect();
    assert_eq!(
        told,
        [(Some("share"), Some(2), 3), (Some("price"), Some(2), 3), (Some("mixed"), Some(3), 1)]
    );
}

#[test]
fn merged_cells_errors_and_hidden_sheets_are_told() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet().set_name("seen").unwrap();
    sheet.merge_range(0, 0, 0, 1, "name", &Format::new()).unwrap();
    sheet.write_string(0, 2, "n").unwrap();
    sheet.merge_range(1, 0, 2, 0, "a", &Format::new()).unwrap();
    sheet.write_string(1, 1, "x").unwrap();
    sheet.write_string(2, 1, "y").unwrap();
    sheet.write_number(1, 2, 1).unwrap();
    sheet.write_formula(2, 2, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    workbook.add_worksheet().set_name("veiled").unwrap().set_hidden(true);
    let file = save(workbook);
    let tables = read_sheets(&file, "t.xlsx", &ReadOptions::default()).unwrap();
    assert_eq!(tables.len(), 1);
    let table = &tables[0];
    assert_eq!(table.shown()[0], "a|x|1");
    let find = |code| {
        table
            .plan
            .notices
            .iter()
            .find(|notice| notice.code == code)
            .unwrap_or_else(|| panic!("{code:?}: {:?}", table.plan.notices))
    };
    let merged = find(NoticeCode::MergedCells);
    assert!(merged.message.contains("A1:B1"), "{}", merged.message);
    assert_eq!((merged.row, merged.count, merged.sheet.as_deref()), (Some(1), 2, Some("seen")));
    let hidden = find(NoticeCode::HiddenSheet);
    assert_eq!(hidden.sheet.as_deref(), Some("veiled"));
    let options = ReadOptions { sheets: Some(vec!["veiled".to_owned()]), ..ReadOptions::default() };
    assert!(understand(&file.0, "t.xlsx", &options, &Limits::default(), &()).is_err());
}

#[test]
fn error_cells_are_null_and_told() {
    let table = one_sheet(|sheet| {
        sheet.write_string(0, 0, "k").unwrap();
        sheet.write_string(0, 1, "v").unwrap();
        for row in 1..=3 {
            sheet.write_string(row, 0, format!("key {row}")).unwrap();
        }
        sheet.write_number(1, 1, 5).unwrap();
        sheet.write_formula(2, 1, Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
        sheet.write_number(3, 1, 7).unwrap();
    });
    assert_eq!(table.types(), ["STRING", "INT"]);
    assert_eq!(table.column(1), [Some("5"), None, Some("7")]);
    let notice =
        table.plan.notices.iter().find(|notice| notice.code == NoticeCode::ErrorCell).unwrap();
    assert!(
        notice.message.contains("#DIV/0!") && notice.message.contains("B3"),
        "{}",
        notice.message
    );
}

#[test]
fn dates_text_and_durations_are_what_the_cell_says() {
    let table = one_sheet(|sheet| {
        for (column, label) in ["day", "moment", "lasting", "zip"].iter().enumerate() {
            sheet.write_string(0, column as u16, *label).unwrap();
        }
        for row in 1..=2_u32 {
            let day = ExcelDateTime::from_ymd(2024, 2, row as u8).unwrap();
            sheet.write_datetime_with_format(row, 0, &day, &format("dd.mm.yyyy")).unwrap();
            let moment = day.and_hms(13, 5, 9).unwrap();
            sheet
                .write_datetime_with_format(row, 1, &moment, &format("yyyy-mm-dd hh:mm:ss"))
                .unwrap();
            sheet.write_number_with_format(row, 2, 1.5, &format("[h]:mm:ss")).unwrap();
            sheet.write_string(row, 3, "0123").unwrap();
        }
    });
    assert_eq!(table.types(), ["DATE", "LOCAL_DATE_TIME", "STRING", "STRING"]);
    assert_eq!(table.shown()[0], "2024-02-01|2024-02-01T13:05:09|36:00:00|0123");
}

#[test]
fn rows_are_kept_from_one_pass_to_the_next() {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_string(0, 0, "n").unwrap();
    sheet.write_string(0, 1, "word").unwrap();
    for row in 1..=5_000_u32 {
        sheet.write_number(row, 0, row).unwrap();
        sheet.write_string(row, 1, format!("w{}", row % 7)).unwrap();
    }
    let file = save(workbook);
    let limits = Limits::default();
    let plan =
        understand(&file.0, "t.xlsx", &ReadOptions::default(), &limits, &()).unwrap().remove(0);
    // Through JSON the kept rows are lost, and the workbook is parsed again.
    let parsed_again = read_plan(&file, plan.clone(), &limits).unwrap();
    std::fs::write(&file.0, b"gone").unwrap();
    let mut n_rows = 0;
    let mut texts = Vec::new();
    let types = plan.columns.iter().map(|column| column.column_type).collect::<Vec<_>>();
    sluice_schema::read_rows(
        &file.0,
        &plan,
        &limits,
        &(),
        2,
        || common::Cells::of(&types),
        |cells, n| {
            n_rows += n;
            texts.extend(cells.rows);
            Ok::<(), std::convert::Infallible>(())
        },
    )
    .unwrap();
    assert_eq!(n_rows, 5_000);
    assert_eq!(texts, parsed_again.rows);
    assert!(read_plan(&file, plan, &limits).is_err());
}

#[test]
fn blank_rows_inside_the_table_are_rows() {
    let table = one_sheet(|sheet| {
        for (row, cell) in [(0, "name"), (1, "a"), (4, "b")] {
            sheet.write_string(row, 0, cell).unwrap();
        }
        sheet.write_string(0, 1, "n").unwrap();
        sheet.write_number(1, 1, 1).unwrap();
        sheet.write_number(4, 1, 2).unwrap();
        sheet.write_string(6, 1, "Total: 3").unwrap();
    });
    assert_eq!(table.types(), ["STRING", "INT"]);
    // The one before the footer is outside.
    assert_eq!(table.shown(), ["a|1", "∅|∅", "∅|∅", "b|2"]);
}

#[test]
fn midnight_is_a_time_of_day() {
    let table = one_sheet(|sheet| {
        sheet.write_string(0, 0, "at").unwrap();
        for (row, time) in [0.0, 0.5, 0.75].into_iter().enumerate() {
            sheet.write_number_with_format(row as u32 + 1, 0, time, &format("hh:mm")).unwrap();
        }
    });
    assert_eq!(table.types(), ["LOCAL_TIME"]);
    assert_eq!(table.shown(), ["00:00:00", "12:00:00", "18:00:00"]);
    assert_eq!(table.plan.columns[0].evidence.min.as_deref(), Some("00:00:00"));
}

#[test]
fn merged_cells_of_a_large_sheet_are_told_too() {
    let table = one_sheet(|sheet| {
        sheet.write_string(0, 0, "n").unwrap();
        sheet.write_string(0, 1, "half").unwrap();
        for row in 1..30_000 {
            sheet.write_number(row, 0, row).unwrap();
            sheet.write_number(row, 1, f64::from(row) / 2.0).unwrap();
        }
        sheet.merge_range(30_000, 0, 30_000, 1, "", &Format::new()).unwrap();
        sheet.write_number(30_000, 0, 30_000).unwrap();
    });
    assert_eq!(table.types(), ["INT", "DECIMAL"]);
    assert_eq!(table.column(1)[29_997], Some("14999.0"));
    let merged = |notice: &&sluice_schema::Notice| notice.code == NoticeCode::MergedCells;
    let notice = table.plan.notices.iter().find(merged).unwrap();
    assert_eq!((notice.row, notice.count), (Some(30_001), 1));
}
