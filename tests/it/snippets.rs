//! Snippets do what they say: each is pasted as it is and run by its own tool.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluice::snippets::{self, Address, Kind, Place, RowColumn, RowSource};

use crate::harness::server::ADMIN_KEY;
use crate::harness::{Client, Server, both_stores};

/// A row per case that tools get wrong, every type once, and headers that end strings.
const ROWS: &str = "\
ID,In Stock,Added,Seen At,Made,Opens,Weight,Big,Price,Ref,Data,if,\"it's \"\"${x}\"\" */\"
1,true,2024-01-05,2024-01-05T10:00:00Z,2023-12-01T08:00:00,08:30:00,1.5e3,9007199254740993,19.99,6ba7b810-9dad-11d1-80b4-00c04fd430c8,\"{\"\"a\"\": 1}\",NA,=1+1
2,false,2024-01-06,2024-01-05T23:30:00.25Z,2023-12-02T08:00:00,09:00:00,2.5e-1,-9223372036854775808,0.05,6ba7b811-9dad-11d1-80b4-00c04fd430c8,\"[1]\",007,\"a, \"\"b\"\"\nc\"
3,,,,,,,,,,,null,Écrou
-2147483648,true,2023-02-28,2023-02-28T00:00:00Z,2023-02-28T00:00:00,23:59:59,1.0e0,0,-100.00,6ba7b812-9dad-11d1-80b4-00c04fd430c8,\"{}\",+1,'quoted'
";
/// Quotes, a command, a template, the ends of comments, and what turns the direction of writing.
const LABEL: &str = "Bob's \"items\" `$(id)` ${x} */ \\ #{y} \u{202e}é";

struct Story {
    client: Client,
    /// The dataset's name.
    name: String,
    /// Its rows as REST answers them, the newest first.
    rows: Vec<Value>,
    snippets: Vec<Value>,
}

impl Story {
    fn of(server: &Server) -> Story {
        let client = server.client();
        let label: String = form_urlencoded::byte_serialize(LABEL.as_bytes()).collect();
        let loaded = client.load(&label.replace('+', "%20"), ROWS);
        let name = loaded["dataset"]["name"].as_str().unwrap().to_owned();
        let rows = client.get(&format!("/api/v1/{name}?sort=-added")).json();
        let told = client.get(&format!("/snippets/{name}")).json();
        assert_eq!(told["dataset"], name);
        let snippets = told["snippets"].as_array().unwrap().clone();
        let rows = rows["data"].as_array().unwrap().clone();
        assert_eq!(rows.len(), 4);
        Story { client, name, rows, snippets }
    }

    /// The same rows by a saved query.
    fn saved(&self) -> Story {
        let columns: Vec<&str> =
            self.rows[0].as_object().unwrap().keys().map(String::as_str).collect();
        let document =
            format!("{{ {}(orderBy: {{added: DESC}}) {{ {} }} }}", self.name, columns.join(" "));
        let save = "mutation($d: String!) { saveQuery(name: \"rows\", document: $d) { name } }";
        self.client.data_with(save, &json!({ "d": document }));
        let told = self.client.get("/q/rows/snippets").json();
        Story {
            client: self.client.clone(),
            name: self.name.clone(),
            rows: self.rows.clone(),
            snippets: told["snippets"].as_array().unwrap().clone(),
        }
    }

    fn code(&self, kind: Kind) -> &str {
        let it = self.snippets.iter().find(|it| it["kind"] == kind.name()).unwrap();
        it["code"].as_str().unwrap()
    }

    /// What a tool tells after it ran a snippet, and this behind it.
    fn run(&self, kind: Kind, program: &str, arguments: &[&str], behind: &str) -> String {
        let code = format!("{}{behind}", self.code(kind));
        run(program, arguments, &code)
    }

    /// Rows are these, missing texts and empty ones being the same.
    #[track_caller]
    fn compare(&self, found: &[Value], said: impl Fn(&str, &Value) -> Value) {
        assert_eq!(found.len(), self.rows.len());
        for (found, expect) in found.iter().zip(&self.rows) {
            for (column, value) in expect.as_object().unwrap() {
                let said = said(column, &found[column]);
                // 1500 and 1500.0 are the same number.
                let is_same = said == *value || (said.is_f64() && said.as_f64() == value.as_f64());
                assert!(is_same, "{column} is {value}, not {said}: {found}");
            }
        }
    }
}

fn node_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    assert!(
        folder.join("node_modules").is_dir(),
        "tests/node has no node_modules: run scripts/test, or npm ci in tests/node"
    );
    folder
}

/// What a program tells of what it is given.
#[track_caller]
fn run(program: &str, arguments: &[&str], given: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(node_folder())
        .env("SLUICE_KEY", ADMIN_KEY)
        .env("PYTHONPATH", std::env::var("SLUICE_TEST_PYTHON").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; scripts/test installs it"));
    child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {complaint}\n{told}\n{given}");
    told
}

/// What stands behind a line of its own.
fn after_mark(told: &str) -> &str {
    told.split("\n=====\n").nth(1).unwrap_or_else(|| panic!("{told}"))
}

#[test]
fn each_tool_reads_the_rows() {
    both_stores(|server| {
        let story = Story::of(server);
        shells(&story);
        javascript(&story);
        python(&story);
        r(&story);
        power_query(&story, &format!("http://{}", server.address));
        sheets(&story);
        // A saved query of the same rows, by a key that can do just this where that is enough.
        let saved = story.saved();
        javascript(&saved);
        let told = saved.run(Kind::Curl, "sh", &[], "");
        assert!(told.starts_with(&format!("{{\"{}\":[", saved.name)), "{told}");
        let text = saved.run(Kind::Python, "python3", &["-"], "\nprint('=====', len(rows))");
        assert!(text.ends_with("===== 4\n"), "{text}");
    });
}

fn shells(story: &Story) {
    let told = story.run(Kind::Curl, "sh", &[], "");
    let mut answers = serde_json::Deserializer::from_str(&told).into_iter::<Value>();
    let graphql = answers.next().unwrap().unwrap();
    assert_eq!(graphql["data"][&story.name], Value::from(story.rows.clone()));
    let rest = answers.next().unwrap().unwrap();
    assert_eq!(rest["data"], Value::from(story.rows.clone()));
    let csv = told[answers.byte_offset()..].trim();
    let path = format!("/export/{}.csv?sort=-added&guard=false", story.name);
    assert_eq!(csv, story.client.get(&path).text.trim());
}

fn javascript(story: &Story) {
    for kind in [Kind::Fetch, Kind::Apollo, Kind::Urql] {
        let told = story.run(
            kind,
            "node",
            &["--input-type=module"],
            "\nconsole.log('\\n=====\\n' + JSON.stringify(rows));",
        );
        let found: Vec<Value> = serde_json::from_str(after_mark(&told)).unwrap();
        story.compare(&found, |column, found| match column {
            "weight" => Value::from(found.as_f64()),
            _ => found.clone(),
        });
    }
}

fn python(story: &Story) {
    // Each value as JSON of REST has it, if its type is what it should be.
    let behind = r#"
import json
print()
print("=====")
assert str(rows.dtypes["seenAt"]).endswith("UTC]"), rows.dtypes
def told(value):
    if pandas.isna(value): return None
    if isinstance(value, pandas.Timestamp): return value.isoformat()
    if isinstance(value, Decimal): return str(value)
    return value.item() if hasattr(value, "item") else value
print(json.dumps([{name: told(row[name]) for name in rows.columns} for _, row in rows.iterrows()]))
"#;
    let told = story.run(Kind::Python, "python3", &["-"], behind);
    let found: Vec<Value> = serde_json::from_str(after_mark(&told)).unwrap();
    story.compare(&found, |column, found| match (column, found) {
        ("big", Value::Number(number)) => Value::from(number.to_string()),
        ("added", Value::String(text)) => Value::from(text.replace("T00:00:00", "")),
        ("seenAt", Value::String(text)) => {
            let text = text.replace("+00:00", "Z");
            Value::from(text.replace(".250000", ".25"))
        }
        ("data", Value::String(text)) => serde_json::from_str(text).unwrap(),
        _ => found.clone(),
    });
}

fn r(story: &Story) {
    let behind = r#"
cat("\n=====\n")
stopifnot(inherits(rows$seenAt, "POSIXct"), is.logical(rows$inStock), is.numeric(rows$price))
told <- function(column) {
  if (inherits(column, "POSIXct")) return(format(column, "%Y-%m-%dT%H:%M:%OS2"))
  if (is.numeric(column)) return(format(column, digits = 15, trim = TRUE, scientific = FALSE))
  as.character(column)
}
for (n in seq_len(nrow(rows))) for (name in names(rows)) {
  value <- rows[[name]][n]
  cat(name, if (is.na(value)) "" else told(value), sep = "\x1f")
  cat(if (name == tail(names(rows), 1)) "\x1d" else "\x1e")
}
"#;
    let told = story.run(Kind::R, "Rscript", &["-"], behind);
    let rows = after_mark(&told).split_terminator('\u{1d}');
    let found: Vec<Value> = rows
        .map(|row| {
            let cells = row.split('\u{1e}').map(|cell| {
                let (name, value) = cell.split_once('\u{1f}').unwrap();
                (name.to_owned(), Value::from(value))
            });
            Value::Object(cells.collect())
        })
        .collect();
    story.compare(&found, |column, found| {
        let text = found.as_str().unwrap();
        match column {
            _ if text.is_empty() => Value::Null,
            "id" | "inStock" | "data" => serde_json::from_str(&text.to_lowercase()).unwrap(),
            "weight" => Value::from(text.parse::<f64>().unwrap()),
            "price" => Value::from(format!("{:.2}", text.parse::<f64>().unwrap())),
            "made" => Value::from(text.trim_end_matches(".00")),
            "seenAt" => Value::from(format!("{}Z", text.trim_end_matches(".00"))),
            _ => found.clone(),
        }
    });
}

/// The tokens of queries in M, which are parsed.
fn tokens_of(codes: &[String]) -> Vec<Vec<Value>> {
    let told = run("node", &["snippets/power-query.mjs"], &json!(codes).to_string());
    serde_json::from_str(&told).unwrap()
}

fn power_query(story: &Story, base: &str) {
    let tokens = tokens_of(&[story.code(Kind::PowerQuery).to_owned()]).remove(0);
    let words: Vec<&str> = tokens.iter().map(|token| token["data"].as_str().unwrap()).collect();
    // Each column once with its type.
    let code = words.join(" ");
    let columns = story.rows[0].as_object().unwrap().len();
    assert_eq!(code.matches("} ,").count() + 1, columns + 1, "{code}");
    assert!(code.contains("{ \"seenAt\" , type datetimezone }"), "{code}");
    // What it asks for is there.
    let text = |name: &str| {
        let n = words.iter().position(|word| *word == name).unwrap();
        words[n + 2].trim_matches('"').to_owned()
    };
    assert!(words.contains(&format!("\"{base}\"").as_str()));
    let path = format!(
        "/{}?sort={}&limit={}&guard={}",
        text("RelativePath"),
        text("#\"sort\""),
        text("#\"limit\""),
        text("#\"guard\"")
    );
    let asked = story.client.get(&path);
    assert_eq!(asked.status, 200, "{}", asked.text);
    assert!(asked.text.starts_with("id,inStock,"), "{}", asked.text);
}

fn sheets(story: &Story) {
    let told = story.run(Kind::GoogleSheets, "node", &["snippets/sheets.mjs"], "");
    let sheets: Value = serde_json::from_str(&told).unwrap();
    let lines = sheets[&story.name].as_array().unwrap();
    let found: Vec<Value> = lines[1..]
        .iter()
        .map(|line| {
            let names = lines[0].as_array().unwrap().iter();
            let cells = names.zip(line.as_array().unwrap());
            let cells = cells.map(|(name, cell)| (name.as_str().unwrap().to_owned(), cell.clone()));
            Value::Object(cells.collect())
        })
        .collect();
    story.compare(&found, |column, found| {
        let text = || found["text"].as_str().unwrap().to_owned();
        match column {
            _ if found == "" => Value::Null,
            "id" | "inStock" | "added" => found.clone(),
            "weight" => Value::from(found.as_f64().unwrap()),
            "price" => Value::from(format!("{:.2}", found.as_f64().unwrap())),
            "made" => Value::from(found.as_str().unwrap().replace(' ', "T")),
            // A moment, which JSON tells in milliseconds.
            "seenAt" => {
                let told = found.as_str().unwrap().replace(".000Z", "Z");
                Value::from(told.replace(".250Z", ".25Z"))
            }
            "data" => serde_json::from_str(&text()).unwrap(),
            _ => Value::from(text()),
        }
    });
}

#[test]
fn they_show_what_the_key_may_see_and_no_key() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", "id,name,secret\n1,a,x\n");
        admin.load("hidden", "id\n1\n");
        admin.data("mutation { setPolicy(dataset: \"items\", role: \"sales\", filter: {}, columns: [\"id\", \"name\"]) { role } }");
        let made =
            admin.data("mutation { createKey(name: \"s\", scope: READ, role: \"sales\") { key } }");
        let key = made["createKey"]["key"].as_str().unwrap();
        let sales = admin.with_key(key);
        let seen = sales.get("/snippets/items");
        assert!(admin.get("/snippets/items").text.contains("secret"));
        assert!(!seen.text.contains("secret"), "{}", seen.text);
        assert!(!seen.text.contains(key) && !admin.get("/snippets/items").text.contains(ADMIN_KEY));
        let kinds: Vec<Value> = seen.json()["snippets"].as_array().unwrap().clone();
        let kinds: Vec<&str> = kinds.iter().map(|it| it["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, Kind::all().map(Kind::name).collect::<Vec<_>>());

        // One of them, as text.
        let one = sales.get("/snippets/items/python");
        assert_eq!(one.header("content-type"), "text/plain; charset=utf-8");
        assert!(one.text.contains(&format!("http://{}/export/items.csv", server.address)));
        let tag = one.header("etag").to_owned();
        let headers = [("if-none-match", tag.as_str())];
        assert_eq!(sales.request("GET", "/snippets/items/python", &headers, "").status, 304);
        let head = sales.request("HEAD", "/snippets/items", &[], "");
        assert!(head.status == 200 && head.text.is_empty());
        let options = sales.request("OPTIONS", "/snippets/items", &[], "");
        assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, OPTIONS"));

        for path in ["/snippets/hidden", "/snippets/nothing", "/snippets/items/fortran"] {
            let answer = sales.get(path);
            assert_eq!(answer.status, 404, "{path}: {}", answer.text);
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
        assert_eq!(server.anonymous().get("/snippets/items").status, 401);
        // A name that the server does not answer for never gets into code.
        let foreign = sales.request("GET", "/snippets/items", &[("host", "evil.example")], "");
        assert_eq!(foreign.status, 421);
    });
}

#[test]
fn what_all_may_read_is_read_without_a_key() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", "id,name\n1,Anvil\n");
        admin.data("mutation { setPublicRead(datasets: [\"items\"]) { name } }");
        let visitor = server.anonymous();
        let code = |kind: Kind| {
            let answer = visitor.get(&format!("/snippets/items/{}", kind.name()));
            assert_eq!(answer.status, 200, "{}", answer.text);
            let is_about_keys = answer.text.to_lowercase().contains("key");
            assert!(!is_about_keys, "{}", answer.text);
            answer.text
        };
        for (kind, program, arguments) in [
            (Kind::Curl, "sh", &[] as &[&str]),
            (Kind::Fetch, "node", &["--input-type=module"]),
            (Kind::Apollo, "node", &["--input-type=module"]),
            (Kind::Urql, "node", &["--input-type=module"]),
            (Kind::Python, "python3", &["-"]),
            (Kind::R, "Rscript", &["-"]),
            (Kind::GoogleSheets, "node", &["snippets/sheets.mjs"]),
        ] {
            let told = run(program, arguments, &code(kind));
            assert!(told.contains("Anvil"), "{told}");
        }
        assert_eq!(tokens_of(&[code(Kind::PowerQuery)]).len(), 1);
    });
}

/// Names that try to be code.
const HOSTILE: [&str; 12] = [
    "plain",
    "'; touch pwned; '",
    "\"; throw 1; \"",
    "\"\"\"\nimport os\n\"\"\"",
    "`; throw 1; `",
    "${process.exit(1)}",
    "$(touch pwned)",
    "*/ throw 1 /*",
    "line\nthrow 1\n\r\u{2028}throw 2\u{85}x",
    "\\",
    "\") & #(0022) & (\"",
    "-*- coding: utf-7 -*- \0 \u{202e}",
];

/// A source whose every text is this.
fn source_of(text: &str) -> RowSource {
    let address = |path: &str| Address {
        path: format!("/{path}/{text}"),
        parameters: vec![("limit".to_owned(), text.to_owned())],
    };
    let column = |column_type| RowColumn { name: format!("{text}{column_type:?}"), column_type };
    let types = [
        sluice_schema::ColumnType::String,
        sluice_schema::ColumnType::Decimal { precision: 3, scale: 1 },
        sluice_schema::ColumnType::DateTime,
    ];
    RowSource {
        name: text.to_owned(),
        document: format!("{{ rows(name: {text}) }}"),
        variables: [("text".to_owned(), json!(text))].into_iter().collect(),
        field: text.to_owned(),
        columns: types.map(column).to_vec(),
        json: address("q"),
        csv: address("q.csv"),
        is_saved: false,
    }
}

#[test]
fn no_name_becomes_code() {
    let sources = HOSTILE.map(source_of);
    let place = Place { base: "http://localhost".to_owned(), has_key: true };
    let codes = |kind: Kind| {
        let codes = sources.iter().map(|it| snippets::one(kind, it, &place));
        codes.collect::<Vec<String>>()
    };
    let same = |shapes: Vec<Value>, codes: &[String]| {
        assert_eq!(shapes.len(), codes.len());
        for (shape, code) in shapes.iter().zip(codes) {
            assert_eq!(*shape, shapes[0], "{code}");
        }
    };
    for kind in [Kind::Fetch, Kind::Apollo, Kind::Urql, Kind::GoogleSheets] {
        let codes = codes(kind);
        let given = json!(codes).to_string();
        let shapes = run("node", &["snippets/shapes.mjs"], &given);
        same(serde_json::from_str(&shapes).unwrap(), &codes);
    }
    let codes_of_python = codes(Kind::Python);
    // As bytes, since a file may tell its own encoding.
    let script = "import ast, json, sys\nshapes = [[type(node).__name__ for node in ast.walk(ast.parse(code.encode()))] for code in json.load(sys.stdin)]\nprint(json.dumps(shapes))";
    let shapes = run("python3", &["-c", script], &json!(codes_of_python).to_string());
    same(serde_json::from_str(&shapes).unwrap(), &codes_of_python);
    let codes_of_r = codes(Kind::R);
    let script = r#"
text <- paste(readLines(file("stdin"), encoding = "UTF-8"), collapse = "\n")
for (code in strsplit(text, "\x1d", fixed = TRUE)[[1]]) {
  parts <- getParseData(parse(text = code, keep.source = TRUE, encoding = "UTF-8"))
  cat(parts$token[parts$terminal & parts$token != "COMMENT"], "\n")
}"#;
    let shapes = run("Rscript", &["-e", script], &codes_of_r.join("\u{1d}"));
    same(shapes.lines().map(Value::from).collect(), &codes_of_r);
    let codes_of_m = codes(Kind::PowerQuery);
    let kinds = tokens_of(&codes_of_m).into_iter().map(|tokens| {
        tokens.iter().map(|token| token["kind"].clone()).collect::<Vec<Value>>().into()
    });
    same(kinds.collect(), &codes_of_m);
    // A shell passes on what it was given, and does nothing else.
    let stand_in = "curl() { for it in \"$@\"; do printf '%s\\037' \"$it\"; done; }\n";
    for (source, code) in sources.iter().zip(codes(Kind::Curl)) {
        let told = run("sh", &[], &format!("{stand_in}{code}"));
        let arguments: Vec<&str> = told.split('\u{1f}').collect();
        assert_eq!(arguments.len(), 23, "{code}\n{told}");
        let body: Value = serde_json::from_str(arguments[9]).unwrap();
        assert_eq!(body["query"], source.document);
        assert_eq!(body["variables"]["text"], source.name);
    }
    assert!(!node_folder().join("pwned").try_exists().unwrap());
}
