//! What a file may cost: each limit has a setting, and an error that names it just above and not just
//! below.

use std::io::Write;

use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind, both_stores};

/// Sends two files under a setting: the first is just within it, the second just beyond.
fn check(client: &Client, within: &[u8], beyond: &[u8], words: &str) {
    client.load("within", within);
    let answer = client.upload("beyond", beyond);
    assert_eq!(answer.status, 413, "{words}: {}", answer.text);
    let error = answer.json()["job"]["error"].clone();
    assert_eq!(error["code"], "PAYLOAD_TOO_LARGE", "{words}: {}", answer.text);
    let message = error["message"].as_str().unwrap().to_lowercase();
    assert!(message.contains(words), "{error}");
}

fn under(settings: &[(&str, &str)], story: impl Fn(&Client)) {
    let (options, database) = Options::of(StoreKind::Sqlite);
    let options =
        settings.iter().fold(options, |options, (name, value)| options.variable(name, value));
    story(&Server::start_with(options, database).client());
}

/// An archive of stored members, written by hand: it needs no packing.
fn zip(members: usize, content: &str) -> Vec<u8> {
    let sum = crc32(content.as_bytes());
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    let (mut files, mut directory) = (Vec::new(), Vec::new());
    for index in 0..members {
        let name = format!("{index}.csv");
        let n_name = u16::try_from(name.len()).unwrap().to_le_bytes();
        let offset = u32::try_from(files.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(sum.to_le_bytes());
        common.extend(size);
        common.extend(size);
        common.extend(n_name);
        common.extend([0, 0]);
        files.extend(b"PK\x03\x04");
        files.extend(&common);
        files.extend(name.as_bytes());
        files.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset);
        directory.extend(name.as_bytes());
    }
    let (n_files, n_directory) = (files.len(), directory.len());
    files.extend(directory);
    files.extend(b"PK\x05\x06\0\0\0\0");
    let members = u16::try_from(members).unwrap().to_le_bytes();
    files.extend(members);
    files.extend(members);
    files.extend(u32::try_from(n_directory).unwrap().to_le_bytes());
    files.extend(u32::try_from(n_files).unwrap().to_le_bytes());
    files.extend([0, 0]);
    files
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
        }
    }
    !sum
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

#[test]
fn parts_of_a_table_have_limits() {
    let settings = [
        ("SLUICE_FILE_MAX_COLUMNS", "3"),
        ("SLUICE_FILE_MAX_CELL", "2KiB"),
        ("SLUICE_FILE_MAX_RECORD", "4KiB"),
        ("SLUICE_FILE_MAX_HEADER", "1KiB"),
    ];
    under(&settings, |client| {
        check(client, b"a,b,c\n1,2,3\n", b"a,b,c,d\n1,2,3,4\n", "columns");
        let cell = |n: usize| format!("a,b\n1,{}\n", "x".repeat(n)).into_bytes();
        check(client, &cell(2_048), &cell(2_049), "bytes of a cell");
        let row = |n: usize| {
            let cell = "x".repeat(n);
            format!("a,b,c\n{cell},{cell},{cell}\n").into_bytes()
        };
        check(client, &row(1_364), &row(1_365), "bytes of a record");
        let header = |n: usize| format!("a,{}\n1,2\n", "x".repeat(n)).into_bytes();
        check(client, &header(1_021), &header(1_022), "header bytes");
    });
}

#[test]
fn packed_files_have_limits() {
    let settings = [("SLUICE_FILE_MAX_MEMBERS", "4"), ("SLUICE_FILE_MAX_SHEETS", "3")];
    under(&settings, |client| {
        check(client, &zip(3, "a\n1\n"), &zip(4, "a\n1\n"), "sheets");
        let answer = client.upload("beyond", zip(5, "a\n1\n"));
        assert!(answer.text.contains("embers of an archive"), "{}", answer.text);
    });
    let content = |n: usize| format!("a\n{}", "1\n".repeat(n)).into_bytes();
    under(&[("SLUICE_FILE_MAX_UNPACKED", "64KiB")], |client| {
        check(client, &gzip(&content(32_767)), &gzip(&content(32_768)), "unpacked bytes");
    });
    // A mebibyte is always allowed.
    under(&[("SLUICE_FILE_MAX_UNPACK_RATIO", "2")], |client| {
        let beyond = gzip(&content(524_288));
        assert!(beyond.len() < 262_144);
        check(client, &gzip(&content(524_287)), &beyond, "ratio");
    });
}

#[test]
fn many_columns_are_kept_or_refused() {
    both_stores(|server| {
        let client = server.client();
        let table = |n: usize, cell: &str| {
            let labels: Vec<String> = (0..n).map(|index| format!("h{index}")).collect();
            format!("{}\n{}\n", labels.join(","), vec![cell; n].join(","))
        };
        // What a table of the store takes beside the row number.
        let n_most = match server.database_url() {
            None => 2_000,
            Some(_) => 1_599,
        };
        client.load("wide", table(n_most, "1"));
        for n_columns in [n_most + 1, 2_001] {
            let answer = client.upload("wider", table(n_columns, "1"));
            let error = answer.json()["job"]["error"].clone();
            let code = error["code"].as_str().unwrap();
            assert!(["PAYLOAD_TOO_LARGE", "FILE_REJECTED"].contains(&code), "{error}");
            assert!(error["message"].as_str().unwrap().contains("columns"), "{error}");
        }
    });
}
