//! The rules of the house, read off the source: who may import whom, how long a file may be.

use std::path::{Path, PathBuf};

/// A text that only files below these places may hold.
struct Rule {
    text: &'static str,
    places: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        text: "axum::",
        places: &["src/http/", "src/auth/"],
        why: "only http speaks HTTP (auth reads its header map)",
    },
    Rule { text: "hyper", places: &["src/http/"], why: "only http serves" },
    Rule { text: "tower::", places: &["src/http/"], why: "only http serves" },
    Rule { text: "tower_http", places: &["src/http/"], why: "only http serves" },
    Rule { text: "tower_governor", places: &["src/auth/"], why: "rate limits are auth's" },
    Rule { text: "governor::", places: &["src/auth/"], why: "rate limits are auth's" },
    Rule { text: "multer::", places: &["src/http/"], why: "forms end in http" },
    Rule {
        text: "async_graphql",
        places: &["src/graphql/", "src/query/"],
        why: "types are made in graphql, documents are read in graphql and query",
    },
    Rule {
        text: "sea_orm",
        places: &["src/store/", "src/catalog/", "src/query/", "migration/"],
        why: "the database is behind store and catalog",
    },
    Rule {
        text: "sea_query",
        places: &["src/store/", "src/catalog/", "src/query/", "migration/"],
        why: "SQL is made in query and store",
    },
    Rule {
        text: "rusqlite",
        places: &["src/store/", "src/backup/"],
        why: "only store knows SQLite, and what copies its files",
    },
    Rule {
        text: "sqlx",
        places: &["src/store/", "src/catalog/", "src/backup/"],
        why: "only store and catalog know PostgreSQL's driver, and what copies their tables",
    },
    Rule { text: "object_store", places: &["src/backup/"], why: "buckets hold backups" },
    Rule {
        text: "ureq",
        places: &["src/webhooks/", "src/auth/", "src/cli/", "src/telemetry/"],
        why: "others are called by webhooks, for keys of tokens, by the command line, and by telemetry",
    },
    Rule { text: "rust_xlsxwriter", places: &["src/export/"], why: "workbooks are export's" },
    Rule { text: "arrow_", places: &["src/export/"], why: "columns are made where files are" },
    Rule {
        text: "parquet::",
        places: &["src/export/", "schema/"],
        why: "schema reads it and export writes it",
    },
    Rule { text: "jsonwebtoken", places: &["src/auth/"], why: "tokens are auth's" },
    Rule { text: "calamine", places: &["schema/"], why: "file formats are schema's" },
    Rule { text: "csv::", places: &["schema/"], why: "file formats are schema's" },
    Rule {
        text: "crate::http",
        places: &["src/http/", "src/cli/"],
        why: "nobody imports http but the command line",
    },
    Rule { text: "crate::cli", places: &["src/cli/"], why: "nobody imports the command line" },
    Rule { text: "clap::", places: &["src/cli/"], why: "arguments are the command line's" },
    Rule {
        text: "println!",
        places: &["playground/build.rs"],
        why: "commands write to a locked standard output; rooms log",
    },
    Rule { text: "dbg!(", places: &[], why: "left over" },
];

/// What the pure crate must not know.
const SCHEMA_FORBIDDEN: [&str; 6] = ["tokio", "async fn", "rusqlite", "sqlx", "sea_", "graphql"];

/// A little more than the 500 that ask for a split.
const MAX_LINES: usize = 600;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files of the product: path from the root, text without comments and tests.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = ["src", "schema", "columnar", "migration", "playground/src"]
        .map(|name| root().join(name))
        .to_vec();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().into_string().unwrap();
            if path.is_dir() {
                if !["node_modules", "target", "fuzz", "tests", "benches", "examples"]
                    .contains(&name.as_str())
                {
                    open.push(path);
                }
            } else if Path::new(&name).extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 20, "the sources were found");
    found
}

/// The lines that the compiler reads, outside of tests.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    before_tests.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.ends_with("/testing.rs") || path.contains("/tests/")
}

#[test]
fn rooms_import_only_what_they_may() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if is_test_file(&path) {
            continue;
        }
        for (index, line) in code_lines(&text) {
            for rule in RULES {
                let is_word = |at: usize| {
                    at == 0 || !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                };
                let is_there = line.match_indices(rule.text).any(|(at, _)| is_word(at));
                if is_there && !rule.places.iter().any(|place| path.starts_with(place)) {
                    wrong.push(format!("{path}:{}: {} ({})", index + 1, rule.text, rule.why));
                }
            }
            if path.starts_with("schema/") {
                for text in SCHEMA_FORBIDDEN.iter().filter(|text| line.contains(**text)) {
                    wrong.push(format!("{path}:{}: {text} (schema is pure)", index + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_open_with_what_they_are() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let n_lines = code_lines(&text).count();
        if n_lines > MAX_LINES && !is_test_file(&path) {
            wrong.push(format!("{path}: {n_lines} lines; split it"));
        }
        if !text.starts_with("//!") && !is_test_file(&path) {
            wrong.push(format!("{path}: it does not say what it is"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn snapshots_belong_to_tests() {
    for folder in ["tests/it/snapshots", "src", "schema"] {
        let folder = root().join(folder);
        let left = crate::harness::folder::files_below(&folder);
        let pending: Vec<&String> =
            left.iter().filter(|path| path.ends_with(".snap.new")).collect();
        assert!(pending.is_empty(), "snapshots wait for review: {pending:?}");
    }
}

#[test]
fn the_readme_says_what_the_program_does() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for text in [
        "cargo run --release -- serve examples/orders.csv",
        "scripts/test",
        "DATABASE_URL",
        "/upload/orders",
    ] {
        assert!(readme.contains(text), "README.md lacks {text:?}");
    }
    // Every setting that people set is in its table.
    let folder = crate::harness::Folder::new();
    let output = crate::harness::run_sluice(&folder, &["config"], &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let name = line.split_whitespace().next().unwrap_or_default();
        assert!(readme.contains(&format!("`{name}`")), "README.md lacks the setting {name}");
    }
}
