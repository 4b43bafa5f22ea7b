//! Rows leave as files: the same rows, columns and values as a query answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::access;
use crate::harness::fixtures::{ITEMS, generation};
use crate::harness::server::{ADMIN_KEY, Options};
use crate::harness::{Client, Server, StoreKind, both_stores, eventually};

const SOON: Duration = Duration::from_secs(15);

#[track_caller]
fn file(client: &Client, path: &str) -> String {
    let answer = client.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    answer.text
}

#[test]
fn values_are_those_of_a_query() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let names = "id name price inStock added seenAt made weight code big ref";
        let rows = client.data(&format!("{{ items {{ {names} }} }}"))["items"].clone();
        let answer = client.get("/export/items.json");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.header("content-disposition"), "attachment; filename=\"items.json\"");
        assert_eq!(answer.json(), rows);
        let lines = file(&client, "/export/items.ndjson");
        let lines: Vec<Value> =
            lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(Value::from(lines), rows);

        let answer = client.get("/export/items.csv");
        assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
        let expect = [
            "id,name,price,inStock,added,seenAt,made,weight,code,big,ref",
            "1,Anvil,19.99,true,2024-01-05,2024-01-05T10:00:00Z,2023-12-01T08:00:00,1500.0,007,9007199254740993,6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "2,Bolt,0.05,true,2024-01-06,2024-01-05T21:30:00Z,2023-12-02T08:00:00,0.25,011,-9223372036854775808,6ba7b811-9dad-11d1-80b4-00c04fd430c8",
            "3,\"Clamp, big\",100.00,false,2024-02-29,2024-02-29T00:00:00Z,2023-12-03T08:00:00,40.0,100,9223372036854775807,6ba7b812-9dad-11d1-80b4-00c04fd430c8",
            "4,dowel 50%,,false,,2024-03-01T12:00:00Z,,1.0,x_1,0,",
            "5,\"Écrou \"\"M6\"\"\",-3.50,,2023-12-31,,2023-12-05T08:00:00,,,42,6ba7b814-9dad-11d1-80b4-00c04fd430c8",
            "6,bolt,0.05,true,2024-01-06,2024-01-06T00:00:00Z,2023-12-06T08:00:00,0.25,011,,6ba7b815-9dad-11d1-80b4-00c04fd430c8",
            "",
        ];
        assert_eq!(answer.text, expect.join("\r\n"));
        let tabs = file(&client, "/export/items.tsv?fields=id,name&limit=1");
        assert_eq!(tabs, "id\tname\r\n1\tAnvil\r\n");
    });
}

#[test]
fn rows_and_columns_are_asked_for_as_in_rest() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let check = |query: &str, expect: &str| {
            assert_eq!(file(&client, &format!("/export/items.csv?{query}")), expect, "{query}");
        };
        check("fields=name,id&filter[id][lte]=2&sort=-id", "name,id\r\nBolt,2\r\nAnvil,1\r\n");
        check("fields=id&filter=%7B%22id%22:%7B%22_in%22:[1,5]%7D%7D", "id\r\n1\r\n5\r\n");
        check("fields=id&offset=4", "id\r\n5\r\n6\r\n");
        check("fields=id&limit=1&offset=1", "id\r\n2\r\n");
        check("fields=id&limit=0", "id\r\n");
        check("fields=id&search=clamp", "id\r\n3\r\n");
        check("fields=price&limit=1&decimal=comma", "price\r\n19,99\r\n");
        check("fields=id,name&limit=1&delimiter=%7C&header=false", "1|Anvil\r\n");
        check("fields=inStock&limit=1&header=labels", "In Stock\r\ntrue\r\n");
        check("fields=id&limit=1&bom=true", "\u{feff}id\r\n1\r\n");
        for (path, status, code) in [
            ("items.csv?fields=nope", 400, "BAD_USER_INPUT"),
            ("items.csv?filter[id][nope]=1", 400, "BAD_USER_INPUT"),
            ("items.csv?nope=1", 400, "BAD_USER_INPUT"),
            ("items.csv?total=true", 400, "BAD_USER_INPUT"),
            ("items.csv?page[after]=", 400, "BAD_USER_INPUT"),
            ("items.csv?delimiter=ab", 400, "BAD_USER_INPUT"),
            ("items.csv?guard=perhaps", 400, "BAD_USER_INPUT"),
            ("items.json?delimiter=;", 400, "BAD_USER_INPUT"),
            ("nope.csv", 404, "NOT_FOUND"),
            ("items.pdf", 404, "NOT_FOUND"),
            ("items", 404, "NOT_FOUND"),
        ] {
            let answer = client.get(&format!("/export/{path}"));
            assert_eq!((answer.status, answer.code().as_str()), (status, code), "{path}");
        }
    });
}

#[test]
fn formulas_are_made_harmless_unless_told_otherwise() {
    both_stores(|server| {
        let client = server.client();
        client.load("notes", "note,n\n=1+1,-5\n\"@x, y\",3\n-dash,7\nplain,8\n");
        let guarded = "note\r\n'=1+1\r\n\"'@x, y\"\r\n'-dash\r\nplain\r\n";
        assert_eq!(file(&client, "/export/notes.csv?fields=note"), guarded);
        let bare = "note\r\n=1+1\r\n\"@x, y\"\r\n-dash\r\nplain\r\n";
        assert_eq!(file(&client, "/export/notes.csv?fields=note&guard=off"), bare);
        assert_eq!(file(&client, "/export/notes.csv?fields=n&limit=1"), "n\r\n-5\r\n");
    });
}

#[test]
fn a_client_that_has_the_file_is_told_so() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let path = "/export/items.csv?fields=id,name";
        let first = client.get(path);
        let etag = first.header("etag").to_owned();
        assert!(etag.len() > 20, "{etag}");
        let again = |path: &str| client.request("GET", path, &[("if-none-match", &etag)], "");
        assert_eq!((again(path).status, again(path).text.as_str()), (304, ""));
        assert_eq!(again("/export/items.csv?fields=id").status, 200);
        assert_eq!(again("/export/items.tsv?fields=id,name").status, 200);
        assert_eq!(again("/export/items.csv?fields=id,name&bom=true").status, 200);
        let head = client.request("HEAD", path, &[], "");
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        for name in ["etag", "content-type", "content-disposition"] {
            assert_eq!(head.header(name), first.header(name), "{name}");
        }
        client.data(
            "mutation { updateItemsByPk(pkColumns: {id: 1}, _set: {name: \"Anchor\"}) { id } }",
        );
        let changed = again(path);
        assert_eq!(changed.status, 200);
        assert!(changed.text.contains("1,Anchor\r\n"), "{}", changed.text);
        assert_ne!(changed.header("etag"), etag);
    });
}

#[test]
fn all_rows_come_and_are_compressed_for_those_who_ask() {
    both_stores(|server| {
        let client = server.client();
        let n_rows = 30_000;
        let text = generation(7, n_rows);
        client.load("many", &text);
        let plain = file(&client, "/export/many.csv");
        assert_eq!(plain, text.replace('\n', "\r\n"));
        let sorted = file(&client, "/export/many.ndjson?sort=-id&fields=id");
        assert_eq!(sorted.lines().count(), n_rows);
        assert!(sorted.starts_with("{\"id\":30000}\n{\"id\":29999}\n"));
        for coding in ["gzip", "br", "zstd"] {
            let (head, body) = packed(server, "/export/many.csv", coding);
            assert!(head.contains(&format!("content-encoding: {coding}")), "{head}");
            assert!(head.contains("transfer-encoding: chunked"), "{head}");
            assert!(body.len() < plain.len() / 2, "{coding}: {} of {}", body.len(), plain.len());
            // What was packed is what was asked for.
            let unpacked = match coding {
                "gzip" => {
                    let mut bytes = Vec::new();
                    flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut bytes).unwrap();
                    bytes
                }
                "zstd" => zstd::decode_all(body.as_slice()).unwrap(),
                _ => continue,
            };
            assert!(unpacked == plain.as_bytes(), "{coding}");
            let (head, _) = packed(server, "/export/many.arrow", coding);
            assert!(head.contains(&format!("content-encoding: {coding}")), "{head}");
            // These are packed by themselves.
            for file in ["many.xlsx?limit=1000", "many.parquet"] {
                let (head, _) = packed(server, &format!("/export/{file}"), coding);
                assert!(!head.contains("content-encoding"), "{file}: {head}");
            }
        }
    });
}

/// The head, in small letters, and the body of an answer to a client that unpacks this.
fn packed(server: &Server, path: &str, coding: &str) -> (String, Vec<u8>) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\naccept-encoding: {coding}\r\nconnection: close\r\n\r\n"
    );
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let is_chunked = head.contains("transfer-encoding: chunked");
    let mut rest = &answer[end + 4..];
    if !is_chunked {
        return (head, rest.to_vec());
    }
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = std::str::from_utf8(&rest[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return (head, body);
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 2 + size + 2..];
    }
}

#[test]
fn policies_masks_and_bounds_hold() {
    both_stores(|server| {
        let admin = server.client();
        access::load(&admin);
        access::set_policy(
            &admin,
            r#"dataset: "customers", role: "part", filter: {region: {_eq: "$claims.region"}},
               columns: ["id", "name", "email", "region", "credit"],
               masks: [{column: "name", mask: PARTIAL}, {column: "email", mask: HIDE}, {column: "credit", mask: NULL}]"#,
        );
        access::set_policy(&admin, r#"dataset: "orders", role: "part", maxRows: 2"#);
        let part = access::key(&admin, r#"role: "part", claims: {region: "north"}"#);
        let seen = file(&part, "/export/customers.csv");
        assert_eq!(seen, "id,name,region,credit\r\n1,A***e,north,\r\n3,C***s,north,\r\n");
        let rows = part.data("{ customers { id name region credit } }")["customers"].clone();
        assert_eq!(part.get("/export/customers.json").json(), rows);
        for hidden in ["ssn", "email"] {
            for asked in [
                format!("fields={hidden}"),
                format!("filter[{hidden}]=x"),
                format!("sort={hidden}"),
            ] {
                let answer = part.get(&format!("/export/customers.csv?{asked}"));
                assert_eq!(answer.status, 400, "{asked}: {}", answer.text);
            }
        }
        assert_eq!(part.get("/export/payroll.csv").status, 404);
        // The policy bounds how many rows leave at once, as it bounds a list.
        assert_eq!(file(&part, "/export/orders.csv?fields=id"), "id\r\n10\r\n11\r\n");
        assert_eq!(part.get("/export/orders.csv?limit=3").status, 400);
        assert_eq!(file(&admin, "/export/orders.csv?fields=id").lines().count(), 7);
        // A tag is of what this key sees.
        let tag = admin.get("/export/orders.csv").header("etag").to_owned();
        let answer = part.request("GET", "/export/orders.csv", &[("if-none-match", &tag)], "");
        assert_eq!(answer.status, 200);
    });
}

#[test]
fn places_are_few_and_free_again_when_a_client_leaves() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options.variable("SLUICE_EXPORT_CONCURRENCY", "1");
        let server = Server::start_with(options, database);
        let client = server.client();
        client.load("many", generation(1, 200_000));
        let request = format!(
            "GET /export/many.json HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut some = [0; 1_024];
        assert!(stream.read(&mut some).unwrap() > 0);
        // It is not read on: its place is taken, and it holds little.
        let refused = client.get("/export/many.csv?limit=1");
        assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMITED"));
        assert_eq!(refused.header("retry-after"), "1");
        // Queries do not mind, and neither does a version that replaces what is read.
        assert_eq!(client.data("{ many(limit: 1) { id } }"), json!({ "many": [{ "id": 1 }] }));
        drop(stream);
        eventually("a place", SOON, || {
            let answer = client.get("/export/many.csv?limit=1&fields=id");
            (answer.status == 200).then_some(())
        });
    }
}

#[test]
fn a_file_is_of_one_version_though_it_is_replaced_meanwhile() {
    both_stores(|server| {
        let client = server.client();
        client.load("many", generation(1, 200_000));
        let request = format!(
            "GET /export/many.ndjson?fields=generation HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = vec![0; 1_024];
        let n = stream.read(&mut answer).unwrap();
        answer.truncate(n);
        let replaced = client.upload_with("many", "mode=replace&wait=60", generation(2, 10));
        assert_eq!(replaced.status, 200, "{}", replaced.text);
        stream.read_to_end(&mut answer).unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert_eq!(text.matches("{\"generation\":1}").count(), 200_000);
        assert!(!text.contains("{\"generation\":2}"));
        assert!(text.ends_with("0\r\n\r\n"), "it ends as a whole answer");
        assert_eq!(
            file(&client, "/export/many.csv?fields=generation&limit=1"),
            "generation\r\n2\r\n"
        );
    });
}

#[test]
fn one_that_takes_too_long_is_cut_off_and_never_looks_whole() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let (options, database) = Options::of(kind);
        let options = options
            .variable("SLUICE_EXPORT_TIMEOUT", "1s")
            .variable("SLUICE_EXPORT_CONCURRENCY", "1");
        let server = Server::start_with(options, database);
        server.client().load("many", generation(1, 400_000));
        let request = format!(
            "GET /export/many.json HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ADMIN_KEY}\r\nconnection: close\r\n\r\n"
        );
        let mut stream = TcpStream::connect(&server.address).unwrap();
        // A fast machine would take all of it into the socket's buffer, which grows to some 30 MB.
        rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 64 << 10).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        // It has the one place before anybody else asks.
        stream.peek(&mut [0; 1]).unwrap();
        // Nobody reads, and yet its place is free after a second.
        eventually("its end", SOON, || {
            let answer = server.client().get("/export/many.csv?limit=1&fields=id");
            (answer.status == 200).then_some(())
        });
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        assert!(!answer.ends_with(b"0\r\n\r\n"), "it looks whole");
    }
}

#[test]
fn what_leaves_is_written_down() {
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        file(&client, "/export/items.csv");
        assert_eq!(client.get("/export/nope.csv").status, 404);
        let lines = eventually("two lines", SOON, || {
            let data = client.data(
                "{ auditLog(where: {action: {_eq: \"export\"}}, orderBy: [{at: ASC}]) { target outcome } }",
            );
            let lines = data["auditLog"].clone();
            (lines.as_array().unwrap().len() == 2).then_some(lines)
        });
        assert_eq!(
            lines,
            json!([
                { "target": "items", "outcome": "OK" },
                { "target": "nope", "outcome": "NOT_FOUND" },
            ])
        );
    });
}

/// The first sheet of a workbook: its cells as a reader sees them.
fn sheet(client: &Client, path: &str) -> Vec<Vec<calamine::Data>> {
    use calamine::Reader as _;
    let bytes = client.bytes(path);
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range_at(0).unwrap().unwrap();
    range.rows().map(<[_]>::to_vec).collect()
}

#[test]
fn a_workbook_keeps_types() {
    use calamine::Data;
    both_stores(|server| {
        let client = server.client();
        client.load("items", ITEMS);
        let fields = "id,name,price,inStock,added,big,code";
        let rows = sheet(&client, &format!("/export/items.xlsx?fields={fields}"));
        assert_eq!(rows.len(), 7);
        let names: Vec<String> = rows[0].iter().map(ToString::to_string).collect();
        assert_eq!(names.join(","), fields);
        let first = &rows[1];
        assert_eq!(first[0], Data::Float(1.0));
        assert_eq!(first[1], Data::String("Anvil".to_owned()));
        assert_eq!(first[2], Data::Float(19.99));
        assert_eq!(first[3], Data::Bool(true));
        assert!(
            matches!(&first[4], Data::DateTime(day) if day.as_f64().to_string() == "45296"),
            "{first:?}"
        );
        // A spreadsheet would make another number of it.
        assert_eq!(first[5], Data::String("9007199254740993".to_owned()));
        assert_eq!(first[6], Data::String("007".to_owned()));
        assert_eq!(rows[4][2], Data::Empty);
        assert_eq!(rows[4][5], Data::Float(0.0));
        let none = client.request("HEAD", "/export/items.xlsx", &[], "");
        assert_eq!(
            none.header("content-type"),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        );
    });
}

#[test]
fn a_text_that_no_cell_holds_is_refused_before_anything_is_sent() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    client.load("long", format!("id,text\n1,short\n2,{}\n", "x".repeat(40_000)));
    let refused = client.get("/export/long.xlsx");
    assert_eq!((refused.status, refused.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    assert_eq!(client.get("/export/long.csv").status, 200);
}

#[test]
fn more_rows_than_a_sheet_holds_are_refused_before_anything_is_sent() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    let n_rows = 1_048_577;
    let mut text = String::with_capacity(8 * n_rows + 3);
    text.push_str("id\n");
    (1..=n_rows).for_each(|id| text.push_str(&format!("{id}\n")));
    client.load("many", text);
    // With a filter that is known only once they are read.
    for asked in ["", "?filter[id][gt]=1"] {
        let refused = client.get(&format!("/export/many.xlsx{asked}"));
        assert_eq!((refused.status, refused.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert!(refused.error().1.contains("1048575"), "{}", refused.text);
    }
    // What a refused workbook needed is free again.
    assert_eq!(client.get("/export/many.csv?limit=1").text, "id\r\n1\r\n");
}

#[test]
fn where_documents_are_trusted_nobody_asks_by_other_doors() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", ITEMS);
        let reader = server.client_of("read");
        assert_eq!(reader.get("/export/items.csv").status, 200);
        admin.data("mutation { setDocumentMode(mode: TRUSTED) { mode } }");
        assert_eq!(reader.get("/export/items.csv").code(), "DOCUMENT_NOT_TRUSTED");
        assert_eq!(reader.get("/api/v1/items").json()["code"], "DOCUMENT_NOT_TRUSTED");
        for path in ["/export/items.csv", "/api/v1/items"] {
            assert_eq!(admin.get(path).status, 200, "{path}");
        }
    });
}

#[test]
fn a_large_export_weighs_much_and_is_not_refused_for_ever() {
    let options = crate::harness::server::Options::default()
        .variable("SLUICE_RATE_LIMIT", "on")
        .variable("SLUICE_RATE_READS", "1/s burst 20")
        .variable("SLUICE_RATE_CELLS_PER_READ", "1000");
    let server = Server::start_with(options, None);
    let client = server.client();
    client.load("many", generation(9, 20_000));
    // More than a key's whole share in cells.
    assert_eq!(client.get("/export/many.csv").status, 200);
    let answers: Vec<u16> = (0..3).map(|_| client.get("/export/many.csv").status).collect();
    assert!(answers.contains(&429), "{answers:?}");
}
