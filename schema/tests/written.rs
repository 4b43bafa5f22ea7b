//! Numbers and dates written for people: one column for each rule.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop"
)]

mod common;

use common::{read, read_with};
use sluice_schema::{ColumnOverride, DateOrder, DeclaredType, ReadOptions};

/// One column `v` beside a column of row numbers, divided by semicolons.
fn column(cells: &[&str]) -> String {
    let rows: Vec<String> = cells
        .iter()
        .enumerate()
        .map(|(row, cell)| format!("{};{cell}\n", 100 - row * row))
        .collect();
    format!("id;v\n{}", rows.concat())
}

fn check(cells: &[&str], expect_type: &str, expect: &[&str]) {
    let table = read(&column(cells));
    assert_eq!(table.types()[1], expect_type, "{cells:?}: {:?}", table.plan.columns[1].evidence);
    let found: Vec<&str> = table.column(1).into_iter().map(|cell| cell.unwrap_or("∅")).collect();
    assert_eq!(found, expect, "{cells:?}");
    if expect_type == "STRING" {
        assert_eq!(found, cells);
    }
}

#[test]
fn numbers() {
    check(&["1,234.50", "999.00", "1,000,000.25"], "DECIMAL", &["1234.50", "999.00", "1000000.25"]);
    check(&["1.234,50", "999,00"], "DECIMAL", &["1234.50", "999.00"]);
    check(&["1,5", "2,25", "3"], "DECIMAL", &["1.50", "2.25", "3.00"]);
    check(&["1,234,567", "12"], "INT", &["1234567", "12"]);
    check(&["1.234.567", "1.234"], "INT", &["1234567", "1234"]);
    check(&["1 234,5", "12,0"], "DECIMAL", &["1234.5", "12.0"]);
    check(&["1'234.50", "7.00"], "DECIMAL", &["1234.50", "7.00"]);
    check(&["(1,234.50)", "20.00"], "DECIMAL", &["-1234.50", "20.00"]);
    check(&["5.00-", "6.00"], "DECIMAL", &["-5.00", "6.00"]);
    check(&["$5.00", "-$6.50", "$1,000.00"], "DECIMAL", &["5.00", "-6.50", "1000.00"]);
    check(&["5,00 €", "1.000,00 €"], "DECIMAL", &["5.00", "1000.00"]);
    check(&["12%", "5.5%"], "DECIMAL", &["12.0", "5.5"]);
    check(&["NA", "$5", ""], "INT", &["∅", "5", "∅"]);
}

#[test]
fn numbers_that_prove_nothing_stay_text() {
    check(&["1,234", "5,678"], "STRING", &["1,234", "5,678"]);
    check(&["1,5", "1.5"], "STRING", &["1,5", "1.5"]);
    check(&["$5", "6"], "STRING", &["$5", "6"]);
    check(&["$5", "€6"], "STRING", &["$5", "€6"]);
    check(&["5%", "6"], "STRING", &["5%", "6"]);
    check(&["5 kg", "6 kg"], "STRING", &["5 kg", "6 kg"]);
    check(&["555 123 456", "555 987 654"], "STRING", &["555 123 456", "555 987 654"]);
    check(&["+49 30 123", "+49 30 456"], "STRING", &["+49 30 123", "+49 30 456"]);
    check(&["-0", "1"], "STRING", &["-0", "1"]);
    check(&["10.0.0.1", "10.0.0.2"], "STRING", &["10.0.0.1", "10.0.0.2"]);
    // Who divides cells by commas does not write decimal commas.
    assert_eq!(read("id,v\n9,\"1,234\"\n4,\"5,678\"\n").shown(), ["9|1234", "4|5678"]);
    let options = ReadOptions { decimal_mark: Some(','), ..ReadOptions::default() };
    assert_eq!(
        read_with(column(&["1,234", "5,678"]).as_bytes(), &options).unwrap().shown(),
        ["100|1.234", "99|5.678"]
    );
}

#[test]
fn dates() {
    check(&["31/12/2024", "01/02/2024"], "DATE", &["2024-12-31", "2024-02-01"]);
    check(&["12/31/2024", "01/02/2024"], "DATE", &["2024-12-31", "2024-01-02"]);
    check(&["31.12.2024", "1.2.2024"], "DATE", &["2024-12-31", "2024-02-01"]);
    check(&["2024/01/02", "2024/01/03"], "DATE", &["2024-01-02", "2024-01-03"]);
    check(&["5 Jan 2024", "12 February 2024"], "DATE", &["2024-01-05", "2024-02-12"]);
    check(&["Jan 5, 2024", "Feb 12, 2024"], "DATE", &["2024-01-05", "2024-02-12"]);
    check(
        &["31/12/2024 10:00", "01/02/2024 9:30"],
        "LOCAL_DATE_TIME",
        &["2024-12-31T10:00:00", "2024-02-01T09:30:00"],
    );
    check(
        &["12/31/2024 1:00 PM", "1/2/2024 12:00 AM"],
        "LOCAL_DATE_TIME",
        &["2024-12-31T13:00:00", "2024-01-02T00:00:00"],
    );
    check(&["31/12/2024 10:00 +01:00"], "DATE_TIME", &["2024-12-31T09:00:00Z"]);
    check(&["1:30 PM", "9:00 AM"], "LOCAL_TIME", &["13:30:00", "09:00:00"]);
}

#[test]
fn dates_that_prove_nothing_stay_text() {
    check(&["01/02/2024", "03/04/2024"], "STRING", &["01/02/2024", "03/04/2024"]);
    check(&["31/12/2024", "12/31/2024"], "STRING", &["31/12/2024", "12/31/2024"]);
    check(&["31/12/24", "01/02/24"], "STRING", &["31/12/24", "01/02/24"]);
    check(&["2024-01-01", "31/12/2024"], "STRING", &["2024-01-01", "31/12/2024"]);
    check(&["31/12/2024", "31-12-2024"], "STRING", &["31/12/2024", "31-12-2024"]);
    check(&["3:45", "4:10"], "STRING", &["3:45", "4:10"]);
    check(&["Jan-09", "Feb-09"], "STRING", &["Jan-09", "Feb-09"]);
    let table = read(&column(&["01/02/2024", "03/04/2024"]));
    assert_eq!(table.codes(), ["AMBIGUOUS"]);
    let options = ReadOptions { date_order: Some(DateOrder::Mdy), ..ReadOptions::default() };
    assert_eq!(
        read_with(column(&["01/02/2024"]).as_bytes(), &options).unwrap().shown(),
        ["100|2024-01-02"]
    );
}

#[test]
fn a_declared_date_rejects_the_odd_cell() {
    let wanted = ColumnOverride {
        label: "v".to_owned(),
        column_type: Some(DeclaredType::Date),
        name: None,
        required: false,
        skip: false,
    };
    let options = ReadOptions { columns: vec![wanted], ..ReadOptions::default() };
    let table =
        read_with(column(&["31/12/2024", "31/02/2024", "soon"]).as_bytes(), &options).unwrap();
    assert_eq!(table.shown(), ["100|2024-12-31"]);
    assert_eq!(table.report.n_rejects, 2);
}

#[test]
fn a_declared_decimal_keeps_the_digits_behind_a_comma() {
    let wanted = ColumnOverride {
        label: "v".to_owned(),
        column_type: Some(DeclaredType::Decimal),
        name: None,
        required: false,
        skip: false,
    };
    let options = ReadOptions { columns: vec![wanted], ..ReadOptions::default() };
    let cells = ["\"12,50\"", "7", "n.v.", "\"1.003,255\""];
    let table = read_with(column(&cells).as_bytes(), &options).unwrap();
    assert_eq!(table.column(1), [Some("12.500"), Some("7.000"), Some("1003.255")]);
    assert_eq!(table.report.n_rejects, 1);
}

#[test]
fn extremes_of_written_values() {
    let evidence = |cells: &[&str]| read(&column(cells)).plan.columns.remove(1).evidence;
    let numbers = evidence(&["$1,234.50", "$-5.00"]);
    assert_eq!((numbers.min.as_deref(), numbers.max.as_deref()), (Some("-5.00"), Some("1234.50")));
    let dates = evidence(&["31/12/2024", "01/02/2024"]);
    assert_eq!(
        (dates.min.as_deref(), dates.max.as_deref()),
        (Some("2024-02-01"), Some("2024-12-31"))
    );
}

#[test]
fn codes_with_an_e_stay_text_unless_declared() {
    check(&["1e5", "2E10"], "STRING", &["1e5", "2E10"]);
    check(&["1.0e5", "2E+10"], "FLOAT", &["100000.0", "20000000000.0"]);
    check(&["1.0e5", "2E10"], "STRING", &["1.0e5", "2E10"]);
    let wanted = ColumnOverride {
        label: "v".to_owned(),
        column_type: Some(DeclaredType::Float),
        name: None,
        required: false,
        skip: false,
    };
    let options = ReadOptions { columns: vec![wanted], ..ReadOptions::default() };
    let table = read_with(column(&["1e5", "2E10", "1e999", "e5"]).as_bytes(), &options).unwrap();
    assert_eq!(table.column(1), [Some("100000.0"), Some("20000000000.0")]);
    assert_eq!(table.report.n_rejects, 2);
}

#[test]
fn what_only_looks_like_a_number_stays_text() {
    // Addresses, telephone numbers, references, open ranges.
    check(
        &["192.168.100.101", "192.168.100.102"],
        "STRING",
        &["192.168.100.101", "192.168.100.102"],
    );
    check(&["555.123.456", "666.123.456"], "STRING", &["555.123.456", "666.123.456"]);
    check(&["(1)", "(2)"], "STRING", &["(1)", "(2)"]);
    check(&["2019-", "2020-"], "STRING", &["2019-", "2020-"]);
    // Versions: 1.10 is not 1.1.
    check(&["1.8", "1.9", "1.10"], "STRING", &["1.8", "1.9", "1.10"]);
    check(&["3", "3.1", "3.10"], "STRING", &["3", "3.1", "3.10"]);
    // Money, written by hand or by a program, is a number.
    check(&["19.90", "1.5", "3"], "DECIMAL", &["19.90", "1.50", "3.00"]);
    check(&["1.50", "1.25", "1.00"], "DECIMAL", &["1.50", "1.25", "1.00"]);
    check(&["1.5", "1.05", "1.10"], "DECIMAL", &["1.50", "1.05", "1.10"]);
}

#[test]
fn a_declared_type_settles_what_looks_like_something_else() {
    for (cells, declared, expect) in [
        (["030 123", "040 456"], DeclaredType::String, ["030 123", "040 456"]),
        (["123 456", "456 789"], DeclaredType::Int, ["123456", "456789"]),
        (["(1)", "(2)"], DeclaredType::Int, ["-1", "-2"]),
        (["1.9", "1.10"], DeclaredType::Decimal, ["1.90", "1.10"]),
    ] {
        let wanted = ColumnOverride {
            label: "v".to_owned(),
            column_type: Some(declared),
            name: None,
            required: false,
            skip: false,
        };
        let options = ReadOptions { columns: vec![wanted], ..ReadOptions::default() };
        let table = read_with(column(&cells).as_bytes(), &options).unwrap();
        assert_eq!(table.column(1), expect.map(Some), "{cells:?}");
    }
}

#[test]
fn months_in_seven_languages() {
    for cells in [
        ["5. März 2024", "31. Dezember 2024"],
        ["5 mars 2024", "31 déc. 2024"],
        ["5 de marzo de 2024", "31 de diciembre de 2024"],
        ["5 marzo 2024", "31 dicembre 2024"],
        ["5 de março de 2024", "31 de dezembro de 2024"],
        ["5 maart 2024", "31 december 2024"],
        ["March 5, 2024", "Dec 31, 2024"],
    ] {
        check(&cells, "DATE", &["2024-03-05", "2024-12-31"]);
    }
}
