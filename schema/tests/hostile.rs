//! Hostile workbooks, made here: each is refused soon and within bounded memory.
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop"
)]

mod common;

use std::io::Write;
use std::time::{Duration, Instant};

use common::{TempFile, read_sheets};
use sluice_schema::{ReadOptions, SchemaError};
use zip::write::SimpleFileOptions;

const SHEET_HEAD: &str =
    r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">"#;

/// A workbook of one sheet with these parts.
fn workbook(sheet: &str, strings: &str) -> TempFile {
    workbook_with(sheet, strings, "", 0, "")
}

/// The same with `piece` `times` times between two halves of the strings.
fn workbook_with(sheet: &str, strings: &str, piece: &str, times: usize, end: &str) -> TempFile {
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    packed(
        &[
            (
                "_rels/.rels",
                format!(
                    r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
                ),
            ),
            (
                "xl/workbook.xml",
                format!(
                    r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{relations}"><sheets><sheet name="one" sheetId="1" r:id="rId1"/></sheets></workbook>"#
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!(
                    r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
                ),
            ),
            ("xl/worksheets/sheet1.xml", sheet.to_owned()),
            ("xl/sharedStrings.xml", strings.to_owned()),
        ],
        piece,
        times,
        end,
    )
}

/// Packs parts; the last one goes on with `piece`, `times` times, and `end`.
fn packed(parts: &[(&str, String)], piece: &str, times: usize, end: &str) -> TempFile {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    for _ in 0..times {
        archive.write_all(piece.as_bytes()).unwrap();
    }
    archive.write_all(end.as_bytes()).unwrap();
    TempFile::new(&archive.finish().unwrap().into_inner())
}

/// The largest size this process has had, in MiB.
#[cfg(target_os = "linux")]
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[cfg(not(target_os = "linux"))]
fn peak_mib() -> u64 {
    0
}

fn refused(file: &TempFile) -> SchemaError {
    let started = Instant::now();
    let result = read_sheets(file, "t.xlsx", &ReadOptions::default());
    assert!(started.elapsed() < Duration::from_secs(20), "it took {:?}", started.elapsed());
    let peak = peak_mib();
    assert!(peak < 320, "{peak} MiB");
    match result {
        Ok(tables) => panic!("read {:?}", tables[0].shown()),
        Err(error) => error,
    }
}

fn rows(cells: &str) -> String {
    format!("{SHEET_HEAD}<sheetData>{cells}</sheetData></worksheet>")
}

#[test]
fn a_claim_of_many_strings_is_refused() {
    let strings = r#"<sst uniqueCount="99999999999999"><si><t>a</t></si></sst>"#;
    let file = workbook(&rows(r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#), strings);
    assert_eq!(refused(&file).code(), "PAYLOAD_TOO_LARGE");
    let strings = "<sst uniqueCount = '99999999999999'></sst>";
    assert_eq!(refused(&workbook(&rows(""), strings)).code(), "PAYLOAD_TOO_LARGE");
}

#[test]
fn many_strings_are_refused() {
    let code = |piece: &str, times| {
        refused(&workbook_with(&rows(""), "<sst>", piece, times, "</sst>")).code()
    };
    assert_eq!(code(&"<si/>".repeat(1_000), 5_000), "PAYLOAD_TOO_LARGE");
    assert_eq!(
        code(&format!("<si><t>{}</t></si>", "a".repeat(32_000)), 5_000),
        "PAYLOAD_TOO_LARGE"
    );
}

#[test]
fn far_corners_are_refused_or_cost_nothing() {
    let cells = r#"<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>"#;
    let sheet = format!(
        r#"{SHEET_HEAD}<dimension ref="A1:XFD1048576"/><sheetData>{cells}</sheetData></worksheet>"#
    );
    assert_eq!(refused(&workbook(&sheet, "<sst/>")).code(), "PAYLOAD_TOO_LARGE");
    // A dimension alone says nothing.
    let cells =
        r#"<row r="1"><c r="A1" t="str"><v>n</v></c></row><row r="2"><c r="A2"><v>2</v></c></row>"#;
    let sheet = format!(
        r#"{SHEET_HEAD}<dimension ref="A1:XFD1048576"/><sheetData>{cells}</sheetData></worksheet>"#
    );
    let file = workbook(&sheet, "<sst></sst>");
    let table = read_sheets(&file, "t.xlsx", &ReadOptions::default()).unwrap().remove(0);
    assert_eq!(table.shown(), ["2"]);
}

#[test]
fn entities_are_never_expanded() {
    let mut declared = String::new();
    for level in 1..30 {
        declared.push_str(&format!(
            "<!ENTITY e{level} \"{}\">",
            format!("&e{};", level - 1).repeat(10)
        ));
    }
    let strings =
        format!("<!DOCTYPE sst [<!ENTITY e0 \"lol\">{declared}]><sst><si><t>&e29;</t></si></sst>");
    let file = workbook(
        &rows(
            r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2"><c r="A2" t="s"><v>0</v></c></row>"#,
        ),
        &strings,
    );
    if let Ok(tables) = read_sheets(&file, "t.xlsx", &ReadOptions::default()) {
        assert!(tables[0].plan.columns[0].label.len() < 100);
    }
    assert!(peak_mib() < 320);
}

#[test]
fn one_string_in_many_cells_has_a_limit() {
    let strings = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(30_000));
    let cell = r#"<row><c t="s"><v>0</v></c></row>"#;
    let file = workbook(&rows(&cell.repeat(100_000)), &strings);
    let limits =
        sluice_schema::Limits { max_unpacked_bytes: 64 * 1024 * 1024, ..Default::default() };
    let result =
        sluice_schema::understand(&file.0, "t.xlsx", &ReadOptions::default(), &limits, &());
    let error = result.unwrap_err();
    assert_eq!(error.code(), "PAYLOAD_TOO_LARGE", "{error}");
}

#[test]
fn repeated_cells_of_opendocument_are_counted() {
    let cell = r#"<table:table-cell table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>"#;
    let row = format!("<table:table-row>{cell}</table:table-row>");
    let content = |rows: &str, times| {
        let head = r#"<office:document-content xmlns:office="o" xmlns:table="t"><office:body><office:spreadsheet><table:table table:name="one">"#;
        let end = "</table:table></office:spreadsheet></office:body></office:document-content>";
        packed(&[("content.xml", head.to_owned())], rows, times, end)
    };
    assert_eq!(refused(&content(&row, 100_000)).code(), "PAYLOAD_TOO_LARGE");
    let tall = r#"<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="1000" office:value-type="float" office:value="1"/></table:table-row>"#;
    assert_eq!(refused(&content(tall, 1)).code(), "PAYLOAD_TOO_LARGE");
}

/// A compound file with one directory entry, as far as it matters for telling what it is.
fn compound(stream: &str) -> TempFile {
    let mut bytes = vec![0_u8; 3 * 512];
    bytes[..8].copy_from_slice(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    // Version 3, little endian, sectors of 512 and 64 bytes, one table sector, the directory in the second sector.
    for (at, value) in [(26, 3_u16), (28, 0xFFFE), (30, 9), (32, 6)] {
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    for (at, value) in [(44, 1_u32), (48, 1), (56, 4_096), (60, u32::MAX - 1), (68, u32::MAX - 1)] {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes[80..512].fill(0xFF);
    bytes[512..1024].fill(0xFF);
    bytes[512..516].copy_from_slice(&(u32::MAX - 2).to_le_bytes());
    bytes[516..520].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
    for (place, name) in ["Root Entry", stream].into_iter().enumerate() {
        let entry = 1024 + 128 * place;
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes[entry..entry + name.len()].copy_from_slice(&name);
        bytes[entry + 64] = name.len() as u8 + 2;
        bytes[entry + 66] = if place == 0 { 5 } else { 2 };
        bytes[entry + 68..entry + 80].fill(0xFF);
        bytes[entry + 116..entry + 120].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
    }
    TempFile::new(&bytes)
}

#[test]
fn a_password_is_told() {
    let error = refused(&compound("EncryptedPackage"));
    assert_eq!(error.code(), "UNSUPPORTED_FILE");
    assert!(error.to_string().contains("password"), "{error}");
    let error = refused(&compound("WordDocument"));
    assert_eq!(error.code(), "UNSUPPORTED_FILE");
    assert!(error.to_string().contains("Word"), "{error}");
    assert_eq!(refused(&compound("Nothing")).code(), "FILE_REJECTED");
}

/// A sheet that is unpacked while it is parsed, for its size.
fn large_sheet(n_rows: usize, n_blanks: usize) -> String {
    let mut cells = String::from(
        r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>"#,
    );
    for row in 2..=n_rows {
        let value = row.wrapping_mul(2_654_435_761) % 1_000_003;
        cells.push_str(&format!(
            r#"<row r="{row}"><c r="A{row}"><v>{row}</v></c><c r="B{row}"><v>{value}</v></c></row>"#
        ));
    }
    cells.push_str(&" ".repeat(n_blanks));
    rows(&cells)
}

#[test]
fn a_large_sheet_that_grows_too_much_is_refused_while_it_is_read() {
    // The archive as a whole keeps to the ratio, for it holds something that does not shrink.
    let mut state = 1_u64;
    let noise: Vec<u8> = (0..2_000_000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    let file = workbook(&large_sheet(100, 60_000_000), "<sst></sst>");
    let mut archive = zip::ZipWriter::new_append(
        std::fs::OpenOptions::new().read(true).write(true).open(&file.0).unwrap(),
    )
    .unwrap();
    archive.start_file("xl/media/noise.bin", SimpleFileOptions::default()).unwrap();
    archive.write_all(&noise).unwrap();
    archive.finish().unwrap();
    let error = refused(&file);
    assert_eq!(error.code(), "PAYLOAD_TOO_LARGE");
    assert!(error.to_string().contains("a part of a workbook"), "{error}");
}

#[test]
fn a_large_sheet_that_is_damaged_is_refused_although_it_can_be_parsed() {
    let file = workbook(&large_sheet(40_000, 0), "<sst></sst>");
    let table = read_sheets(&file, "t.xlsx", &ReadOptions::default()).unwrap().remove(0);
    assert_eq!(table.plan.n_rows, 39_999);
    let mut bytes = std::fs::read(&file.0).unwrap();
    let name = b"xl/worksheets/sheet1.xml";
    let listed = memchr::memmem::rfind(&bytes, name).unwrap() - 46;
    // Another checksum in the list of members.
    bytes[listed + 16] ^= 1;
    std::fs::write(&file.0, bytes).unwrap();
    let error = refused(&file);
    assert_eq!(error.code(), "FILE_REJECTED");
    assert!(error.to_string().contains("the workbook is damaged ("), "{error}");
}
