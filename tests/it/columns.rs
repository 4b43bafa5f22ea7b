//! Questions over all rows, answered from columns, from rows and by PostgreSQL: always the same
//! bytes, whatever was changed before, and whatever becomes of the files.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::server::Options;
use crate::harness::{Client, Folder, Server, StoreKind, eventually};

const LIMIT: Duration = Duration::from_secs(60);
/// Small tables have columns, too.
const SMALL: (&str, &str) = ("SLUICE_COLUMNAR_MIN_ROWS", "0");

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

const STATUSES: [&str; 4] = ["paid", "open", "Überfällig", "lost"];

/// Rows of every type, some values missing.
fn sales(n_rows: usize, dice: &mut Dice) -> String {
    let mut csv = String::from("id,status,note,amount,n,ratio,day,moment,at,flag,code\n");
    for id in 1..=n_rows {
        let mut cell = |text: String| if dice.roll(9) == 0 { String::new() } else { text };
        let seed = id as u64 * 2_654_435_761;
        let cells = [
            cell(STATUSES[(seed >> 7) as usize % 4].to_owned()),
            cell(format!(
                "Note {} über {}",
                seed % 977,
                ["Anvil", "bolt", "ÉCROU", "K\u{212a}"][seed as usize % 4]
            )),
            cell(format!("{}.{:02}", (seed % 20_000) as i64 - 10_000, seed % 100)),
            cell(format!("{}", (seed % 600) as i64 - 300)),
            cell(format!("{}.{}5e{}", 1 + seed % 9, seed % 10, seed % 5)),
            cell(format!("20{:02}-{:02}-{:02}", 10 + seed % 15, 1 + seed % 12, 1 + seed % 28)),
            cell(format!("2024-{:02}-11T{:02}:30:{:02}.25Z", 1 + seed % 12, seed % 24, seed % 60)),
            cell(format!("{:02}:00:{:02}", seed % 24, seed % 60)),
            cell(seed.is_multiple_of(2).to_string()),
            cell(format!("6ba7b810-9dad-11d1-80b4-{:012x}", seed % 50)),
        ];
        let _ = writeln!(csv, "{id},{}", cells.join(","));
    }
    csv
}

/// What is asked again and again: questions that columns answer.
const QUESTIONS: [&str; 19] = [
    "{ a: salesGroupBy(by: [{column: STATUS}]) { keys { status } aggregate { count sum { amount n ratio } avg { amount n ratio } min { amount day note moment at ratio } max { note day } stddev { amount n } varPop { ratio } } } }",
    "{ a: salesGroupBy(by: [{column: DAY, truncate: MONTH}, {column: STATUS}], orderBy: [{aggregate: {sum: {amount: DESC}}}], limit: 7, offset: 2, having: {count: {predicate: {_gt: 1}}}) { keys { day status } aggregate { count(columns: [NOTE]) sum { amount } } } }",
    "{ a: salesGroupBy(by: [{column: MOMENT, truncate: HOUR}], orderBy: [{keys: {moment: DESC_NULLS_LAST}}], limit: 30) { keys { moment } aggregate { count } } }",
    "{ a: salesGroupBy(by: [{column: N, bin: \"50\"}, {column: FLAG}], having: {_or: [{avg: {amount: {_gte: \"12.345\"}}}, {sum: {n: {_in: [\"-50\", \"12\"]}}}, {max: {day: {_isNull: true}}}]}) { keys { n flag } aggregate { avg { amount } sum { n } } } }",
    "{ a: salesGroupBy(by: [{column: RATIO, bin: \"1000\"}], where: {note: {_icontains: \"ANVIL\"}}) { keys { ratio } aggregate { count(columns: [STATUS, DAY], distinct: true) } } }",
    "{ a: salesGroupBy(by: [{column: AMOUNT, bin: \"250\"}], where: {_not: {flag: {_eq: true}}}, limit: 100) { keys { amount } aggregate { count max { amount } } } }",
    "{ a: salesGroupBy(by: [{column: NOTE}], orderBy: [{aggregate: {count: DESC}}], limit: 20) { keys { note } aggregate { count count2: count(columns: [STATUS], distinct: true) } } }",
    "{ a: salesGroupBy(by: [{column: AT}, {column: CODE}], limit: 11, offset: 40) { keys { at code } aggregate { min { id } } } }",
    "{ a: salesAggregate(where: {note: {_icontains: \"kk\"}}) { aggregate { count } } b: sales(where: {note: {_icontains: \"kk\"}}, limit: 25) { id note status amount ratio day moment at flag code n } }",
    "{ a: salesAggregate(where: {_or: [{status: {_in: [\"paid\", \"lost\"]}}, {amount: {_lt: \"-9000.005\"}}], day: {_gte: \"2015-02-01\", _lt: \"2021-01-01\"}}) { aggregate { count sum { amount ratio } avg { ratio n } max { moment at } count3: count(columns: [N], distinct: true) } } }",
    "{ a: salesAggregate(where: {note: {_like: \"Note _2%\"}}) { aggregate { count } } b: salesAggregate(where: {note: {_nilike: \"%écrou\"}}) { aggregate { count } } c: salesAggregate(where: {note: {_regex: \"[0-9]7 \"}}) { aggregate { count } } d: salesAggregate(where: {note: {_similar: \"Note (1|2)%\"}}) { aggregate { count } } }",
    "{ a: salesAggregate(where: {note: {_startsWith: \"Note 1\"}, status: {_iendsWith: \"FÄLLIG\"}}) { aggregate { count stddevSamp { n } } } }",
    "{ a: sales(where: {status: {_isNull: true}}, limit: 10, offset: 5) { id status note } }",
    "{ a: sales(where: {ratio: {_gt: 100.5}, flag: {_neq: false}}, limit: 40) { id ratio flag moment } }",
    "{ a: salesAggregate(where: {code: {_in: [\"6ba7b810-9dad-11d1-80b4-000000000007\"]}, at: {_lte: \"12:00:00\"}, moment: {_gt: \"2024-03-11T10:30:00.25Z\"}}) { aggregate { count min { at } } } }",
    "{ a: salesAggregate { aggregate { count sum { n } max { id } } } }",
    "{ a: salesAggregate(where: {n: {_nin: [1, 2, 3]}, id: {_gt: 10}}) { aggregate { count avg { n } } } }",
    "{ a: salesConnection(first: 6, where: {note: {_contains: \"bolt\"}}) { totalCount nodes { id note amount moment } pageInfo { hasNextPage hasPreviousPage } } }",
    "{ a: salesConnection(where: {flag: {_eq: true}, n: {_gte: 299}}) { pageInfo { hasNextPage } edges { node { id n } } totalCount } b: salesConnection(where: {n: {_lt: 0}}) { totalCount } }",
];

fn explain(client: &Client, query: &str) -> Value {
    let ask = "query($q: String!) { explain(query: $q) { fields { path databasePlan } } }";
    client.data_with(ask, &json!({ "q": query }))["explain"]["fields"][0].clone()
}

fn path(client: &Client, query: &str) -> String {
    explain(client, query)["path"].as_str().unwrap().to_owned()
}

/// Waits until a question is answered from columns.
fn columns_are_there(client: &Client) {
    eventually("new columns", LIMIT, || (path(client, QUESTIONS[0]) == "COLUMNAR").then_some(()));
}

fn agree(clients: &[Client], when: &str) {
    for question in QUESTIONS {
        let answers: Vec<String> =
            clients.iter().map(|client| client.graphql(question, &json!({})).text).collect();
        assert!(answers[0].starts_with("{\"data\""), "{question}: {}", answers[0]);
        for answer in &answers[1..] {
            assert_eq!(answer, &answers[0], "{when}: {question}");
        }
    }
    // All rows, in the order of the file, whatever came late.
    let files: Vec<Vec<u8>> =
        clients.iter().map(|client| client.bytes("/export/sales.csv")).collect();
    assert!(files.iter().all(|file| file == &files[0]), "{when}: the export");
}

/// The files of columns of a server.
fn files(server: &Server) -> Vec<PathBuf> {
    let entries = fs::read_dir(server.data_dir().join("datasets")).unwrap().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|it| it == "col")).collect()
}

#[test]
fn answers_are_the_same_whatever_was_changed() {
    let servers = [
        Server::start_set(StoreKind::Sqlite, SMALL.0, SMALL.1),
        Server::start_set(StoreKind::Sqlite, "SLUICE_COLUMNAR", "off"),
        Server::start(StoreKind::Postgres),
    ];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let mut dice = Dice(88_172_645_463_325_252);
    let csv = sales(1_500, &mut dice);
    for client in &clients {
        client.load("sales", &csv);
    }
    agree(&clients, "after the load");
    for question in QUESTIONS {
        let steps = explain(&clients[0], question);
        assert_eq!(steps["path"], "COLUMNAR", "{question}: {steps}");
        assert_eq!(path(&clients[1], question), "ROW_STORE");
        assert_eq!(path(&clients[2], question), "ROW_STORE");
    }
    assert!(explain(&clients[1], QUESTIONS[0]).to_string().contains("HASH TABLE"));
    for round in 0..12 {
        let id = 1 + dice.roll(1_500);
        let change = match round % 4 {
            0 => format!(
                "mutation {{ updateSales(where: {{id: {{_lt: {}}}}}, _set: {{status: \"new\", amount: \"-0.01\", day: null}}, _inc: {{n: 3}}) {{ affectedRows }} }}",
                id % 40
            ),
            1 => format!(
                "mutation {{ deleteSales(where: {{n: {{_eq: {}}}}}) {{ affectedRows }} }}",
                (dice.roll(600) as i64) - 300
            ),
            2 => format!(
                "mutation {{ insertSales(objects: [{{id: {0}, note: \"late ANVIL\", ratio: -0.25}}, {{id: {1}, status: \"paid\", moment: \"2025-01-01T00:00:00Z\", flag: true}}]) {{ affectedRows }} }}",
                10_000 + round,
                20_000 + round
            ),
            _ => format!(
                "mutation {{ updateSales(where: {{id: {{_gte: {id}, _lt: {}}}}}, _set: {{note: \"changed\", at: \"23:59:59.5\"}}) {{ affectedRows }} }}",
                id + 30
            ),
        };
        for client in &clients {
            let answer = client.graphql(&change, &json!({}));
            assert!(answer.text.starts_with("{\"data\""), "{}", answer.text);
        }
        agree(&clients, &change);
    }
    let explained = explain(&clients[0], QUESTIONS[0]).to_string();
    assert!(explained.contains("CHANGED ROWS"), "{explained}");
    // A file that comes on top, and an earlier version that comes back.
    for client in &clients {
        let added = "id,status,amount\n1,appended,1.25\n30001,appended,2.50\n";
        let answer = client.upload_with("sales", "mode=UPSERT&key=id&onDrift=WIDEN&wait=60", added);
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    agree(&clients, "after an upsert");
    columns_are_there(&clients[0]);
    agree(&clients, "after an upsert, from columns");
}

#[test]
fn large_tables_and_many_changes() {
    let servers = [
        Server::start(StoreKind::Sqlite),
        Server::start_set(StoreKind::Sqlite, "SLUICE_COLUMNAR", "off"),
    ];
    let clients: Vec<Client> = servers.iter().map(Server::client).collect();
    let mut dice = Dice(3);
    let csv = sales(140_000, &mut dice);
    for client in &clients {
        client.load("sales", &csv);
    }
    assert_eq!(path(&clients[0], QUESTIONS[0]), "COLUMNAR");
    agree(&clients, "after the load");
    // More than are kept beside columns: they are built anew, and nobody waits for it.
    for client in &clients {
        client.data("mutation { updateSales(where: {id: {_lt: 3000}}, _set: {status: \"moved\"}) { affectedRows } }");
    }
    agree(&clients, "while columns are built");
    columns_are_there(&clients[0]);
    agree(&clients, "from new columns");
    let explained = explain(&clients[0], QUESTIONS[0]).to_string();
    assert!(!explained.contains("CHANGED ROWS"), "{explained}");
}

#[test]
fn damaged_foreign_and_lost_files_are_built_anew() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    let mut dice = Dice(7);
    client.load("sales", sales(2_000, &mut dice));
    let expected: Vec<String> =
        QUESTIONS.iter().map(|question| client.graphql(question, &json!({})).text).collect();
    let file = files(&server).pop().unwrap();
    let whole = fs::read(&file).unwrap();
    let variants: [(&str, Option<Vec<u8>>); 5] = [
        ("lost", None),
        ("cut", Some(whole[..whole.len() / 2].to_vec())),
        ("empty", Some(Vec::new())),
        ("foreign", Some(b"no columns at all".repeat(400))),
        (
            "flipped",
            Some(
                whole
                    .iter()
                    .enumerate()
                    .map(|(at, byte)| if at % 97 == 5 { byte ^ 4 } else { *byte })
                    .collect(),
            ),
        ),
    ];
    let place = server.data_dir().to_owned();
    for (what, bytes) in variants {
        // Files that are open are not changed under the server: a new one opens them anew.
        let copy = Folder::new();
        copy_folder(&place, &copy.path().join("data"));
        let column_file = copy.path().join("data/datasets").join(file.file_name().unwrap());
        match bytes {
            Some(bytes) => fs::write(&column_file, bytes).unwrap(),
            None => fs::remove_file(&column_file).unwrap(),
        }
        let options = Options { data_dir: Some(copy.path().join("data")), ..Default::default() };
        let other = Server::start_with(options, None);
        let client = other.client();
        for (question, expected) in QUESTIONS.iter().zip(&expected) {
            assert_eq!(&client.graphql(question, &json!({})).text, expected, "{what}");
        }
        columns_are_there(&client);
        for (question, expected) in QUESTIONS.iter().zip(&expected) {
            assert_eq!(&client.graphql(question, &json!({})).text, expected, "{what}, built anew");
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn policies_hold_for_columns() {
    let server = Server::start_set(StoreKind::Sqlite, SMALL.0, SMALL.1);
    let admin = server.client();
    let mut dice = Dice(5);
    admin.load("sales", sales(1_000, &mut dice));
    admin.data("mutation { setPolicy(dataset: \"sales\", role: \"r\", filter: {status: {_eq: \"paid\"}}, masks: [{column: \"note\", mask: HASH}]) { role } }");
    let made = admin.data("mutation { createKey(name: \"x\", role: \"r\") { key } }");
    let seen = admin.with_key(made["createKey"]["key"].as_str().unwrap());
    let paid = "{ salesAggregate(where: {status: {_eq: \"paid\"}}) { aggregate { count sum { amount } } } }";
    let all = "{ salesAggregate { aggregate { count sum { amount } } } }";
    assert_eq!(seen.data(all), admin.data(paid));
    let grouped =
        "{ salesGroupBy(by: [{column: STATUS}]) { keys { status } aggregate { count } } }";
    assert_eq!(seen.data(grouped)["salesGroupBy"].as_array().unwrap().len(), 1);
    // What is masked is never taken from columns, in which it is not.
    let notes = "{ salesGroupBy(by: [{column: NOTE}], limit: 3) { keys { note } } }";
    let note = seen.data(notes)["salesGroupBy"][0]["keys"]["note"].as_str().unwrap().to_owned();
    assert_eq!(note.len(), 32, "{note}");
}

#[test]
fn small_tables_and_rows_that_an_index_finds_are_left_to_the_row_store() {
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    let mut dice = Dice(9);
    client.load("sales", sales(900, &mut dice));
    assert_eq!(path(&client, QUESTIONS[0]), "ROW_STORE");
    assert!(files(&server).is_empty());
    client.load("sales", sales(3_000, &mut dice));
    assert_eq!(path(&client, QUESTIONS[0]), "COLUMNAR");
    let keyed = "{ salesAggregate(where: {id: {_eq: 77}}) { aggregate { count } } }";
    assert_eq!(path(&client, keyed), "ROW_STORE");
    assert_eq!(path(&client, "{ sales(orderBy: [{n: ASC}]) { id } }"), "ROW_STORE");
    // A dataset that goes takes its columns along.
    client.data("mutation { dropDataset(dataset: \"sales\") { name } }");
    eventually("columns to go", LIMIT, || files(&server).is_empty().then_some(()));
}
