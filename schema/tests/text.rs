//! Dialects, encodings, headers and containers: one small file for each rule.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop"
)]

mod common;

use std::io::Write;

use common::{read, read_with};
use sluice_schema::ReadOptions;

#[test]
fn dialects() {
    assert_eq!(read("a;b\n1,5;x\n2,5;y\n").labels(), ["a", "b"]);
    assert_eq!(read("a\tb\n1\t\"x\ty\"\n").shown(), ["1|x\ty"]);
    assert_eq!(read("a,b\n'x,1',2\n'y,2',3\n'z,3',4\n").shown(), ["x,1|2", "y,2|3", "z,3|4"]);
    assert_eq!(read("a,b\nit's,2\nthat's,3\n").shown(), ["it's|2", "that's|3"]);
    assert_eq!(
        read("a,b\nfilm\\, the,2\nother,3\nthird,4\n").shown(),
        ["film, the|2", "other|3", "third|4"]
    );
    assert_eq!(
        read("a,b\n\"say \\\"hi, you\\\"\",2\nother,3\n").shown(),
        ["say \"hi, you\"|2", "other|3"]
    );
    assert_eq!(read("a,b\nC:\\new,2\nC:\\old,3\n").shown(), ["C:\\new|2", "C:\\old|3"]);
    let options = ReadOptions { delimiter: Some('~'), ..ReadOptions::default() };
    assert_eq!(read_with(b"a~b\n1~2\n", &options).unwrap().shown(), ["1|2"]);
}

#[test]
fn comments() {
    let table = read("# made today\nid,name\n1,a\n# half, way\n2,b\n");
    assert_eq!(table.labels(), ["id", "name"]);
    assert_eq!(table.codes()[0], "PREAMBLE");
    let table = read("# made today\nid,name\n1,a\n# half way\n2,b\n");
    assert_eq!(table.shown(), ["1|a", "2|b"]);
    assert_eq!(table.codes(), ["PREAMBLE", "COMMENT"]);
    assert!(table.plan.notices[1].message.contains("# half way"));
    assert_eq!(read("#,name\n1,a\n2,b\n").labels(), ["#", "name"]);
}

#[test]
fn headers() {
    let table = read("Sales report\nexported on 2024-01-01\n\nid,name,price\n1,a,2.50\n2,b,3.50\n");
    assert_eq!(table.labels(), ["id", "name", "price"]);
    assert_eq!(table.types(), ["INT", "STRING", "DECIMAL"]);
    assert_eq!(table.plan.header.row, Some(4));
    assert_eq!(table.codes(), ["PREAMBLE", "PREAMBLE"]);
    assert_eq!(read("1,Alice\n2,Bob\n3,Carol\n").names(), ["column1", "column2"]);
    assert_eq!(read("x,2024-01-01\ny,2024-01-02\n").names(), ["column1", "column2"]);
    assert_eq!(read("country,1990,1991\nUS,5,6\nDE,7,8\n").labels(), ["country", "1990", "1991"]);
    assert_eq!(
        read("weight,height,name\nkg,m,full\n80,1.8,a\n90,1.9,b\n").labels(),
        ["weight kg", "height m", "name full"]
    );
    let table = read("id,name\n1,a\nid,name\n2,b\n");
    assert_eq!(
        (table.shown(), table.codes()),
        (vec!["1|a".to_owned(), "2|b".to_owned()], vec!["REPEATED_HEADER".to_owned()])
    );
    let options = ReadOptions { header_row: Some(0), ..ReadOptions::default() };
    assert_eq!(read_with(b"id,name\n1,a\n", &options).unwrap().shown(), ["id|name", "1|a"]);
    let options = ReadOptions { skip_rows: Some(1), ..ReadOptions::default() };
    assert_eq!(read_with(b"a,b\nid,name\n1,a\n", &options).unwrap().labels(), ["id", "name"]);
}

fn encode(text: &str, label: &str) -> Vec<u8> {
    if label == "utf-16le" {
        return text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    }
    if label == "utf-16be" {
        return text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    }
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap();
    encoding.encode(text).0.into_owned()
}

#[test]
fn encodings() {
    let check = |text: &str, label: &str| {
        let table = read_with(&encode(text, label), &ReadOptions::default()).unwrap();
        let expect = read(text);
        assert_eq!(table.shown(), expect.shown(), "{label}: {}", table.plan.encoding);
        assert_eq!(table.labels(), expect.labels());
    };
    let german = "Straße;Größe\nMüllerstraße;5\nÄußere Gasse;6\nSchöne Aussicht;7\n";
    check(german, "windows-1252");
    check(german, "utf-16le");
    check(german, "utf-16be");
    check("名前,住所\n田中さん,東京都千代田区\n鈴木さん,大阪府大阪市\n", "shift_jis");
    check("姓名,地址\n张三,北京市海淀区中关村大街\n李四,上海市浦东新区世纪大道\n", "gb18030");
    check("이름,주소\n김철수,서울특별시 강남구\n이영희,부산광역시 해운대구\n", "euc-kr");
    check("Имя,Город\nИван Петров,Москва\nМария Иванова,Санкт-Петербург\n", "windows-1251");
    let mut marked = vec![0xFF, 0xFE];
    marked.extend(encode("a,b\n1,ü\n", "utf-16le"));
    assert_eq!(read_with(&marked, &ReadOptions::default()).unwrap().shown(), ["1|ü"]);
    let options =
        ReadOptions { encoding: Some("windows-1252".to_owned()), ..ReadOptions::default() };
    assert_eq!(read_with(b"a,b\n1,\xFC\n", &options).unwrap().shown(), ["1|ü"]);
}

#[test]
fn undecodable_bytes_are_told() {
    let mut bytes = "a,b\n1,äöüß äöüß\n2,äöü".as_bytes().to_vec();
    bytes.extend_from_slice(b"\xFF,\n");
    let table = read_with(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(table.rows[1][1].as_deref(), Some("äöü\u{FFFD}"));
    let notice =
        table.plan.notices.iter().find(|notice| notice.code.name() == "UNDECODABLE_BYTE").unwrap();
    assert_eq!(notice.count, 1);
    assert!(notice.message.contains("byte 32"), "{}", notice.message);
}

#[test]
fn late_bytes_change_the_encoding() {
    let mut bytes = b"id,name\n".to_vec();
    for row in 0..150_000 {
        bytes.extend_from_slice(format!("{row},plain name\n").as_bytes());
    }
    bytes.extend_from_slice(b"150000,M\xFCller\n");
    let table = read_with(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(table.plan.encoding, "windows-1252");
    assert_eq!(table.rows[150_000][1].as_deref(), Some("Müller"));
}

#[test]
fn containers() {
    let csv = b"a,b\n1,x\n2,y\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(csv).unwrap();
    let gzip = gzip.finish().unwrap();
    assert_eq!(read_with(&gzip, &ReadOptions::default()).unwrap().shown(), ["1|x", "2|y"]);
    let zstd = zstd::stream::encode_all(&csv[..], 3).unwrap();
    assert_eq!(read_with(&zstd, &ReadOptions::default()).unwrap().shown(), ["1|x", "2|y"]);
    let error = read_with(&gzip[..gzip.len() - 9], &ReadOptions::default()).err().unwrap();
    assert_eq!(error.code(), "FILE_REJECTED", "{error}");
}

#[test]
fn footers() {
    let table = read("id,name,price\n1,a,2.50\n2,b,3.50\n3,c,1.00\nTotal,,7.00\n");
    assert_eq!(table.types(), ["INT", "STRING", "DECIMAL"]);
    assert_eq!(table.shown(), ["1|a|2.50", "2|b|3.50", "3|c|1.00"]);
    assert_eq!(table.codes(), ["FOOTER"]);
    assert_eq!(table.plan.notices[0].row, Some(5));
    assert!(table.plan.notices[0].message.contains("Total,,7.00"));
    // A note that costs no column its type is a row.
    assert_eq!(
        read("name,price\na,2.50\nb,3.50\nmade in May,\n").shown(),
        ["a|2.50", "b|3.50", "made in May|∅"]
    );
    // A last row with a bad cell is no footer.
    assert_eq!(
        read("id,name,price\n1,a,2.50\n2,b,3.50\n3,c,unknown\n").types(),
        ["INT", "STRING", "STRING"]
    );
    let options = ReadOptions { skip_footer: Some(2), ..ReadOptions::default() };
    let table = read_with(b"id,name\n1,a\n2,b\nend,\nbye,\n", &options).unwrap();
    assert_eq!(table.shown(), ["1|a", "2|b"]);
}

#[test]
fn zip_members_are_sheets() {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in [
        ("orders.csv", "id,v\n1,x\n"),
        ("more/lines.json", "[{\"a\":5}]"),
        ("logo.png", "\u{89}PNG"),
    ] {
        out.start_file(name, options).unwrap();
        let bytes: Vec<u8> =
            content.chars().map(|char| u8::try_from(u32::from(char)).unwrap()).collect();
        out.write_all(&bytes).unwrap();
    }
    let file = common::TempFile::new(&out.finish().unwrap().into_inner());
    let tables = common::read_sheets(&file, "all.zip", &ReadOptions::default()).unwrap();
    let names: Vec<_> = tables.iter().map(|table| table.plan.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["orders.csv", "more/lines.json"]);
    assert_eq!(
        (tables[0].shown(), tables[1].shown()),
        (vec!["1|x".to_owned()], vec!["5".to_owned()])
    );
    assert!(tables[0].codes().contains(&"SKIPPED_MEMBER".to_owned()));
}

#[test]
fn bombs_are_refused() {
    let zeros = vec![b'a'; 4 * 1024 * 1024];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&zeros).unwrap();
    let error = read_with(&gzip.finish().unwrap(), &ReadOptions::default()).err().unwrap();
    assert_eq!(error.code(), "PAYLOAD_TOO_LARGE", "{error}");
}

#[test]
fn endless_things_are_refused_early() {
    let error = |content: Vec<u8>| read_with(&content, &ReadOptions::default()).err().unwrap();
    let mut open = b"a,b\n1,\"".to_vec();
    open.extend(std::iter::repeat_n(b'x', 40 * 1024 * 1024));
    assert!(error(open).to_string().starts_with("row 2: a quote opens here"));
    let mut long = b"a,b\n1,2\n".to_vec();
    long.extend(std::iter::repeat_n(b'x', 40 * 1024 * 1024));
    assert_eq!(error(long).code(), "PAYLOAD_TOO_LARGE");
    let mut cell = b"a,b\n1,".to_vec();
    cell.extend(std::iter::repeat_n(b'x', 11 * 1024 * 1024));
    cell.push(b'\n');
    assert!(error(cell).to_string().contains("bytes of a cell"));
    let mut nul = b"a,b\n".to_vec();
    nul.extend(b"1,2\n".repeat(500_000));
    nul.extend_from_slice(b"1,\0\n");
    let nul = error(nul);
    assert!(nul.to_string().starts_with("row 500002: a NUL byte"), "{nul}");
    let wide = "x,".repeat(100_000);
    assert_eq!(error(format!("{wide}\n{wide}\n").into_bytes()).code(), "PAYLOAD_TOO_LARGE");
}

#[test]
fn utf_16_without_a_mark_is_told_by_its_line_ends() {
    for words in ["Москва", "北京市", "Ελλάδα", "abc"] {
        let text = format!("id,name\n1,{words}\n2,{words}\n");
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            let table = read_with(&bytes, &ReadOptions::default()).unwrap();
            assert_eq!(table.shown(), [format!("1|{words}"), format!("2|{words}")]);
        }
    }
}

#[test]
fn latin_9_is_told_from_windows_1252_by_its_euros() {
    let table = read_with(b"id,name\n1,c\xBDur\n2,10 \xA4\n", &ReadOptions::default()).unwrap();
    assert_eq!(table.shown(), ["1|cœur", "2|10 €"]);
    let table =
        read_with(b"id,name\n1,1\xBD caf\xE9\n2,10 \x80\n", &ReadOptions::default()).unwrap();
    assert_eq!(table.shown(), ["1|1½ café", "2|10 €"]);
}

#[test]
fn an_undecodable_byte_is_told_with_its_cell() {
    let mut bytes = "a,b\n1,äöüß äöüß\n2,äöü".as_bytes().to_vec();
    bytes.extend_from_slice(b"\xFF,\n");
    let table = read_with(&bytes, &ReadOptions::default()).unwrap();
    let told: Vec<_> = table
        .plan
        .notices
        .iter()
        .filter(|notice| notice.code.name() == "UNDECODABLE_BYTE")
        .map(|notice| (notice.row, notice.column.as_deref(), notice.count))
        .collect();
    assert_eq!(told, [(None, None, 1), (Some(3), Some("b"), 1)]);
}

#[test]
fn what_is_no_table_is_told_by_name() {
    for (bytes, word) in [
        (&b"\n <!DocType HTML><html></html>"[..], "web page"),
        (b"\xEF\xBB\xBF<TABLE><tr><td>1</td></tr></TABLE>", "web page"),
        (b"<rows><row a=\"1\"/></rows>", "XML"),
        (b"\xFF\xFE<\0?\0x\0m\0l\0 \0", "XML"),
        (b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>", "Excel 2003"),
        (b"II*\0\x08\0\0\0", "TIFF"),
        (b"BM6\x01\0\0\0\0\0\0", "bitmap"),
        (b"RIFF\x10\0\0\0WEBP", "image"),
        (b"PARE\0\0", "encrypted Parquet"),
        (b"\xFF\xFE\0\0a\0\0\0", "UTF-32"),
    ] {
        let error = read_with(bytes, &ReadOptions::default()).err().unwrap();
        assert_eq!(error.code(), "UNSUPPORTED_FILE", "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    // Headers in such brackets are a table.
    let table = read_with(b"<DATE>,<OPEN>\n20240105,1.5\n", &ReadOptions::default()).unwrap();
    assert_eq!(table.labels(), ["<DATE>", "<OPEN>"]);
}

#[test]
fn a_changed_member_of_an_archive_is_told() {
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    out.start_file("a.csv", options).unwrap();
    out.write_all(b"id,name\n1,anna\n2,bert\n").unwrap();
    let mut bytes = out.finish().unwrap().into_inner();
    assert_eq!(read_with(&bytes, &ReadOptions::default()).unwrap().rows.len(), 2);
    let at = bytes.windows(4).position(|window| window == b"anna").unwrap();
    bytes[at] = b'h';
    let error = read_with(&bytes, &ReadOptions::default()).err().unwrap();
    assert_eq!(error.code(), "FILE_REJECTED");
    assert!(error.to_string().contains("checksum"), "{error}");
}

#[test]
fn what_is_packed_twice_is_told() {
    let pack = |name: &str, content: &[u8]| {
        let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        out.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        out.write_all(content).unwrap();
        out.finish().unwrap().into_inner()
    };
    for (inner, word) in [
        (pack("a.csv", b"id\n1\n"), "archive inside an archive"),
        (pack("xl/workbook.xml", b"<workbook/>"), "workbook"),
    ] {
        let error = read_with(&pack("inner", &inner), &ReadOptions::default()).err().unwrap();
        assert_eq!(error.code(), "UNSUPPORTED_FILE");
        assert!(error.to_string().contains(word), "{error}");
    }
}
