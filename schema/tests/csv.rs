//! Ordinary and ragged CSV: what becomes of each, from the outside.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests may stop"
)]

mod common;

use common::{read, read_with};
use sluice_schema::{ColumnOverride, DeclaredType, ReadOptions};

fn check(content: &str, types: &[&str], rows: &[&str]) {
    let table = read(content);
    assert_eq!(table.types(), types, "{content:?} {:?}", table.plan);
    assert_eq!(table.shown(), rows, "{content:?}");
}

#[test]
fn one_type_each() {
    check("a\n1\n-2\n", &["INT"], &["1", "-2"]);
    check("a\n1\n2147483648\n", &["BIGINT"], &["1", "2147483648"]);
    check("a\n19.90\n1.5\n3\n", &["DECIMAL"], &["19.90", "1.50", "3.00"]);
    check("a\n1.5e-7\n2.5E+10\n3\n", &["FLOAT"], &["1.5e-7", "25000000000.0", "3.0"]);
    check(
        "a\n1.5e-7\n-0.000002483625718556999\n12345678901234567000\n",
        &["FLOAT"],
        &["1.5e-7", "-2.483625718556999e-6", "1.2345678901234567e19"],
    );
    // As programs print doubles: no decimal of 18 digits holds both.
    check(
        "a\n12.666666666666666\n0.06666666666666667\n3.0\n-7\n",
        &["FLOAT"],
        &["12.666666666666666", "0.06666666666666667", "3.0", "-7.0"],
    );
    check("a\n0.0012345678901234567\n0.5\n", &["FLOAT"], &["0.0012345678901234567", "0.5"]);
    check(
        "a\n12.6666666666666\n0.066666666666667\n",
        &["DECIMAL"],
        &["12.666666666666600", "0.066666666666667"],
    );
    check("a,b\nYes,1\nno,2\n", &["BOOLEAN", "INT"], &["true|1", "false|2"]);
    check("a\n2024-01-31\n1999-12-01\n", &["DATE"], &["2024-01-31", "1999-12-01"]);
    check("a\n10:00\n23:59:59.25\n", &["LOCAL_TIME"], &["10:00:00", "23:59:59.25"]);
    check("a\n2024-01-31 10:00\n", &["LOCAL_DATE_TIME"], &["2024-01-31T10:00:00"]);
    check("a\n2024-01-31T10:00:00+02:00\n", &["DATE_TIME"], &["2024-01-31T08:00:00Z"]);
    check(
        "a\n6F9619FF-8b86-d011-b42d-00c04fc964ff\n",
        &["UUID"],
        &["6f9619ff8b86d011b42d00c04fc964ff"],
    );
    check("a;b\n\"{\"\"x\"\":1}\";1\n[];2\n", &["JSON", "INT"], &["{\"x\":1}|1", "[]|2"]);
}

#[test]
fn what_is_not_canonical_stays_text() {
    for cells in [
        "007\n8",
        "1\n+5",
        "-0\n1",
        "1\nx",
        "9223372036854775808\n1",
        "1.\n2.5",
        "F\nF",
        "NO\nNO",
        "y\nno",
        "2024-01-01\n2024-01-01T00:00:00",
        "2024-02-30\n2024-01-01",
        "1e5\n2e5",
        "1.1234567890123456789\n1",
        "2024-01-01T00:00:00\n2024-01-01T00:00:00Z",
        "24:00\n10:00",
        "1\ntrue",
        "123456789012345678.5\n1",
        "1234567890123.5\n0.0000125",
        "12.666666666666666\n0.0666666666666666667",
        "12.666666666666666\n0.066666666666666670",
        "12.666666666666666\n0.06666666666666667\n10000000000000000000",
    ] {
        let expect: Vec<&str> = cells.lines().collect();
        check(&format!("a\n{cells}\n"), &["STRING"], &expect);
    }
}

#[test]
fn nulls() {
    check("a,b\n1,x\nNA,NA\n,\n-,-\n", &["INT", "STRING"], &["1|x", "∅|NA", "∅|∅", "∅|-"]);
    check("a,b\n1,\"\"\n\"\",x\n", &["INT", "STRING"], &["1|", "∅|x"]);
    check("a,b\n,\n,\n", &["STRING", "STRING"], &["∅|∅", "∅|∅"]);
    check("a\nNA\nNULL\n", &["STRING"], &["NA", "NULL"]);
    let options =
        ReadOptions { null_spellings: Some(vec!["?".to_owned()]), ..ReadOptions::default() };
    let table = read_with(b"a,b\n1,?\n?,NA\n", &options).unwrap();
    assert_eq!(table.shown(), ["1|∅", "∅|NA"]);
}

#[test]
fn shapes() {
    check("a,b\n", &["STRING", "STRING"], &[]);
    check("a,b", &["STRING", "STRING"], &[]);
    check("a,b\n1\n2,3,4\n", &["INT", "INT", "INT"], &["1|∅|∅", "2|3|4"]);
    check("a,b\n1,2,\n3,4,\n", &["INT", "INT"], &["1|2", "3|4"]);
    check("a,b,\n1,2,\n3,4,\n", &["INT", "INT"], &["1|2", "3|4"]);
    check("a,b\n\n1,2\n\n3,4\n\n", &["INT", "INT"], &["1|2", "3|4"]);
    check("a\n1\n\n2\n", &["INT"], &["1", "∅", "2"]);
    check("a,b\n1,2\n,\n", &["INT", "INT"], &["1|2", "∅|∅"]);
    check("1,2\n3,4\n", &["INT", "INT"], &["1|2", "3|4"]);
    check("\u{feff}a,b\r\n1,x\r\n2,\"y\r\nz\"", &["INT", "STRING"], &["1|x", "2|y\r\nz"]);
    check("a,b\r1,2\r3,4\r", &["INT", "INT"], &["1|2", "3|4"]);
    check("id, cid\n1, 1\n2, 2\n", &["INT", "INT"], &["1|1", "2|2"]);
    let table = read("a,b\n\n1\n");
    assert_eq!(table.codes(), ["SHORT_ROWS", "BLANK_LINES"]);
    assert_eq!(table.plan.notices[0].row, Some(3));
    assert_eq!(table.plan.notices[1].row, Some(2));
}

#[test]
fn headers() {
    let table = read("a,,a,Größe\n1,2,3,4\n");
    assert_eq!(table.names(), ["a", "column2", "a2", "grosse"]);
    assert_eq!(table.labels(), ["a", "", "a", "Größe"]);
    assert_eq!(table.codes(), ["BLANK_HEADER", "DUPLICATE_HEADER", "NAME_CHANGED"]);
    assert_eq!(read("1,2\n3,4\n").names(), ["column1", "column2"]);
}

#[test]
fn bad_files() {
    let code = |content: &[u8]| {
        let error = read_with(content, &ReadOptions::default()).err().unwrap();
        (error.code(), error.to_string())
    };
    assert_eq!(code(b"").0, "FILE_REJECTED");
    assert_eq!(code(b"\n\n").0, "FILE_REJECTED");
    assert_eq!(code(b"a,b\n1,2\n3,\"x\n5,6\n"), ("FILE_REJECTED", "row 3: a quote opens here and is never closed; close the quote, double it if it belongs to the text, or say that the file has no quotes".to_owned()));
    assert_eq!(code(b"%PDF-1.4 ...").0, "UNSUPPORTED_FILE");
    assert_eq!(code(b"\x89PNG\r\n\x1a\n").0, "UNSUPPORTED_FILE");
    assert_eq!(code(b"\x7fELF\x02\x01\x01\x00\x00\x00").0, "UNSUPPORTED_FILE");
    assert_eq!(code(format!("{}\n1\n", "a,".repeat(2_000)).as_bytes()).0, "PAYLOAD_TOO_LARGE");
}

#[test]
fn evidence_says_why() {
    let table = read("id,n\n1,5\n2,6\n3,x\n");
    let evidence = &table.plan.columns[1].evidence;
    let example = evidence.counter_example.as_ref().unwrap();
    assert_eq!((example.row, example.text.as_str(), example.against.as_str()), (4, "x", "INT"));
    assert_eq!(evidence.reason, "row 4: \"x\" is not INT");
    assert_eq!(table.codes(), ["MIXED_TYPES"]);
    let id = &table.plan.columns[0];
    assert!(id.increasing);
    assert_eq!(id.unique, Some(true));
    assert_eq!((id.evidence.min.as_deref(), id.evidence.max.as_deref()), (Some("1"), Some("3")));
}

#[test]
fn declared_types_reject_rows() {
    let column = |label: &str, column_type| ColumnOverride {
        label: label.to_owned(),
        column_type: Some(column_type),
        name: None,
        required: false,
        skip: false,
    };
    let options = ReadOptions {
        columns: vec![
            column("n", DeclaredType::Int),
            ColumnOverride { required: true, ..column("s", DeclaredType::String) },
        ],
        ..ReadOptions::default()
    };
    let table = read_with(b"n,s\n1,a\nx,b\n3,\n", &options).unwrap();
    assert_eq!(table.shown(), ["1|a"]);
    assert_eq!(table.report.n_rejects, 2);
    assert_eq!(table.report.rejects[0].row, 3);
    assert_eq!(table.report.rejects[0].cells, ["x", "b"]);
}

#[test]
fn many_blocks_keep_their_order() {
    let mut content = String::from("id,text,n\n");
    for row in 0..200_000 {
        content.push_str(&format!(
            "{row},\"line {row}\nof \"\"text\"\", {}\",{}.5\n",
            row % 7,
            row % 100
        ));
    }
    let table = read(&content);
    assert_eq!(table.types(), ["INT", "STRING", "DECIMAL"]);
    assert!(table.plan.columns[0].increasing);
    for (row, cells) in table.rows.iter().enumerate() {
        assert_eq!(cells[0].as_deref(), Some(row.to_string().as_str()));
        assert_eq!(cells[1], Some(format!("line {row}\nof \"text\", {}", row % 7)));
    }
    let broken = content + "1,\"open\n";
    let error = read_with(broken.as_bytes(), &ReadOptions::default()).err().unwrap();
    assert!(error.to_string().starts_with("row 200002: a quote opens here"), "{error}");
}

#[test]
fn options_are_checked() {
    let column = |label: &str, name: &str| ColumnOverride {
        label: label.to_owned(),
        column_type: None,
        name: Some(name.to_owned()),
        required: false,
        skip: false,
    };
    let code = |options: ReadOptions| {
        read_with(b"a,b,a\n1,2,3\n", &options).err().map(|error| error.code())
    };
    let with = |columns| ReadOptions { columns, ..ReadOptions::default() };
    assert_eq!(code(with(vec![column("a", "first_one")])), Some("BAD_USER_INPUT"));
    assert_eq!(code(with(vec![column("a", "x"), column("b", "X")])), Some("BAD_USER_INPUT"));
    assert_eq!(code(with(vec![column("nobody", "x")])), Some("BAD_USER_INPUT"));
    assert_eq!(
        code(ReadOptions { delimiter: Some('\n'), ..ReadOptions::default() }),
        Some("BAD_USER_INPUT")
    );
    assert_eq!(
        code(ReadOptions { quote: Some('¦'), ..ReadOptions::default() }),
        Some("BAD_USER_INPUT")
    );
    assert_eq!(
        code(ReadOptions { encoding: Some("martian".to_owned()), ..ReadOptions::default() }),
        Some("BAD_USER_INPUT")
    );
    let table = read_with(b"a,b,a\n1,2,3\n", &with(vec![column("a", "first")])).unwrap();
    assert_eq!(table.names(), ["first", "b", "a"]);
    let options: ReadOptions = serde_json::from_str(
        r#"{"delimiter": ";", "columns": [{"label": "a", "type": "BIGINT"}]}"#,
    )
    .unwrap();
    assert_eq!(read_with(b"a;b\n1;2\n", &options).unwrap().types(), ["BIGINT", "INT"]);
}

#[test]
fn blanks_may_stand_around_quoted_cells() {
    let padded = |content: &str, labels: &[&str], rows: &[&str]| {
        let table = read(content);
        assert_eq!(table.labels(), labels, "{content:?}");
        assert_eq!(table.shown(), rows, "{content:?}");
        let reason = &table.plan.dialect.reason;
        assert!(reason.contains("blanks between quotes and delimiters"), "{content:?} {reason}");
    };
    let three = ["id", "name", "city"].as_slice();
    let (first, rest) = ("id, name, city\n", ["id", " name", " city"]);
    padded(
        &format!("{first}1, \"Smith, John\", \"Paris\"\n2, \"O\"\"Hara\", \"New York, NY\"\n"),
        &rest,
        &["1|Smith, John|Paris", "2|O\"Hara|New York, NY"],
    );
    padded("\"id\" , \"name\" , \"city\"\n1,\"a, b\" ,c\n", three, &["1|a, b|c"]);
    padded("id,name,city\r\n1,   \"a, b\"  , \"c\"  \r\n", three, &["1|a, b|c"]);
    padded("id,name,city\n1, \" a,\nb \", c \n2, \"\",d\n", three, &["1| a,\nb | c ", "2||d"]);
    padded("id;name\n1; \"a;b\"\n2; \"c\"", &["id", "name"], &["1|a;b", "2|c"]);
    padded("id|name\n1| 'a|b'\n2| 'c'\n", &["id", "name"], &["1|a|b", "2|c"]);
    padded("id,name\n1, \"a\\\"b, c\"\n2, \"d\"\n", &["id", "name"], &["1|a\"b, c", "2|d"]);
    // Rows are as even either way; a whole column says it.
    padded("\"id\", \"x, y\"\n\"1\", \"a, b\"\n", &["id", "x, y"], &["1|a, b"]);
    padded("\"id\" ,\"n\"\n\"1\" ,\"x\"\n\"2\" ,\"y\"\n", &["id", "n"], &["1|x", "2|y"]);
}

#[test]
fn blanks_before_quotes_that_are_text_stay() {
    let kept = |content: &str, rows: &[&str]| {
        let table = read(content);
        assert_eq!(table.shown(), rows, "{content:?}");
        assert!(!table.plan.dialect.padded_quotes, "{content:?} {:?}", table.plan.dialect);
    };
    kept("id,text\n1, the \"quoted\" word\n2,x\n", &["1| the \"quoted\" word", "2|x"]);
    kept("id,text\n1, \"Yes\" he said\n2, \"No\" she\n", &["1| \"Yes\" he said", "2| \"No\" she"]);
    kept("id,text\n1, \"open\n2, x\n", &["1| \"open", "2| x"]);
    // Where quotes hold no delimiter, nothing tells that they are not text.
    kept("id,text\n1, \"a\"\n2, \"b\"\n", &["1| \"a\"", "2| \"b\""]);
    kept("id,text\n1, \"Yes\"\n2, he left\n", &["1| \"Yes\"", "2| he left"]);
    // One quote that is text speaks against all others.
    kept("id,name,x\n1, \"a, b\", 2\n2, \"c\" d, 3\n", &["1| \"a| b\"|2", "2| \"c\" d| 3|∅"]);
    kept(
        "id\ttext\n1\tHe said, \"yes\"\n2\tShe said, \"no\"\n",
        &["1|He said, \"yes\"", "2|She said, \"no\""],
    );
    kept("id,text\n1,\"a\" b\n2,\"c\"\n", &["1|a b", "2|c"]);
    kept("id,text\n1, 'tis\n2, 'twas\n", &["1| 'tis", "2| 'twas"]);
    kept("id,text\n1, a \n2, b\n", &["1| a ", "2| b"]);
}

#[test]
fn padded_quotes_hold_line_ends_across_blocks() {
    let mut content = String::from("id, text, n\n");
    let mut expect: Vec<String> = Vec::new();
    for row in 0..100_000 {
        // What is text after the head stays text.
        let (written, text) = match row % 1_500 {
            1_496 => (" \"open".to_owned(), " \"open".to_owned()),
            1_498 => (" \"a\" \"b".to_owned(), " \"a\" \"b".to_owned()),
            _ => (
                format!("  \"line {row}\nof \"\"text\"\", \"  "),
                format!("line {row}\nof \"text\", "),
            ),
        };
        content.push_str(&format!("{row},{written},  {}\n", row % 7));
        expect.push(text);
    }
    let table = read(&content);
    assert_eq!(table.types(), ["INT", "STRING", "INT"]);
    assert_eq!(table.rows.len(), expect.len());
    for (row, (cells, text)) in table.rows.iter().zip(&expect).enumerate() {
        assert_eq!(cells[0].as_deref(), Some(row.to_string().as_str()));
        assert_eq!(cells[1].as_ref(), Some(text), "row {row}");
    }
}

#[test]
fn any_single_character_may_be_the_delimiter() {
    let rows = ["id", "name", "amount"];
    for mark in
        [':', ' ', '/', '!', '&', '*', '@', '=', '\\', '\u{1e}', '§', '¦', '¬', 'þ', '،', '，']
    {
        let mark = mark.to_string();
        let content = [rows, ["1", "Anna", "2.5"], ["2", "Bert", "3.5"], ["3", "Cleo", "4.5"]]
            .map(|row| row.join(&mark))
            .join("\n");
        if mark != " " {
            check(
                &content,
                &["INT", "STRING", "DECIMAL"],
                &["1|Anna|2.5", "2|Bert|3.5", "3|Cleo|4.5"],
            );
        }
        let options = ReadOptions { delimiter: mark.chars().next(), ..ReadOptions::default() };
        let table = read_with(content.as_bytes(), &options).unwrap();
        assert_eq!(table.labels(), rows, "{mark:?}");
        let quoted = format!("a{mark}b\n\"x{mark}\ny\"{mark}\"\"\"z\"\n");
        assert_eq!(
            read_with(quoted.as_bytes(), &options).unwrap().shown(),
            [format!("x{mark}\ny|\"z")]
        );
    }
    // A blank divides where more than one column of values says so.
    let content = "id name amount\n1 Anna 2.5\n2 Bert 3.5\n";
    check(content, &["INT", "STRING", "DECIMAL"], &["1|Anna|2.5", "2|Bert|3.5"]);
}

#[test]
fn one_column_is_not_divided() {
    for cells in [
        ["start", "2024-01-01 10:30:00", "2024-01-02 11:45:00"],
        ["start", "10:30", "11:45"],
        ["full name", "John Smith", "Jane Doe"],
        ["net weight", "10 kg", "12 kg"],
        ["url", "https://a.example/x", "https://b.example/y"],
        ["mail", "a@x.example", "b@y.example"],
        ["text", "Hello, world", "Ok"],
        ["amount", "1,5", "2,25"],
    ] {
        let table = read(&(cells.join("\n") + "\n"));
        assert_eq!(table.labels(), [cells[0]]);
        assert_eq!(table.rows.len(), 2, "{cells:?}");
    }
}

#[test]
fn comments_may_hold_delimiters_and_stand_anywhere() {
    let told = |content: &str, expect: &[&str]| {
        let table = read(content);
        assert_eq!(table.shown(), expect, "{content:?}");
        let notices: Vec<_> =
            table.plan.notices.iter().map(|notice| notice.message.clone()).collect();
        assert!(notices.iter().any(|message| message.contains("note, 1")), "{notices:?}");
    };
    told("# a note, 1\n# more\nid,x,y\n1,2.5,3\n2,3.5,4\n", &["1|2.5|3", "2|3.5|4"]);
    told("# a note, 1, or\n# more\nid;x;y\n1;2;3\n2;3;4\n", &["1|2|3", "2|3|4"]);
    told("id;name\n1;a\n# a note, 1\n2;b\n", &["1|a", "2|b"]);
    check(
        "color,name\n#ff0000,red\n#00ff00,green\n",
        &["STRING", "STRING"],
        &["#ff0000|red", "#00ff00|green"],
    );
}

#[test]
fn facts_may_stand_between_title_and_header() {
    let table =
        read("Sales report,,\nExported on,2024-01-05,\n,,\nid,name,amount\n1,a,2.5\n2,b,3.5\n");
    assert_eq!(table.labels(), ["id", "name", "amount"]);
    assert_eq!(table.shown(), ["1|a|2.5", "2|b|3.5"]);
    assert_eq!(table.codes().iter().filter(|code| *code == "PREAMBLE").count(), 3);
}

#[test]
fn years_below_merged_words_belong_to_the_header() {
    let table = read("Region,,Sales,\nname,code,2023,2024\nNorth,1,10,20\nSouth,2,30,40\n");
    assert_eq!(table.labels(), ["Region name", "Region code", "Sales 2023", "Sales 2024"]);
    assert_eq!(table.shown(), ["North|1|10|20", "South|2|30|40"]);
    // Here they are data.
    let table = read("Region,,Years,\nNorth,1,2001,2002\nSouth,2,2003,2004\n");
    assert_eq!(table.rows.len(), 2);
}
