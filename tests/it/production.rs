//! Production: what keeps it from starting, what it tells less, and where secrets are not told.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use crate::harness::fixtures::ITEMS;
use crate::harness::server::Options;
use crate::harness::{Folder, Server, StoreKind, run_sluice};

const SECRET: &str = "b7f3c1d9e05a4826f1c7d3b92e6a8045";
const SALT: &str = "03c9a71e5d8b4f62a0e7c5b31f9d8426";

/// Settings that production starts with.
const SAFE: [(&str, &str); 4] = [
    ("SLUICE_ENV", "production"),
    ("SECRET_KEY", SECRET),
    ("API_KEY_SALT", SALT),
    ("ALLOWED_HOSTS", "localhost,127.0.0.1"),
];

fn production_with(kind: StoreKind, more: &[(&str, &str)]) -> Server {
    let (options, database) = Options::of(kind);
    let options = SAFE.iter().chain(more).fold(options, |o, (n, v)| o.variable(n, v));
    Server::start_with(options, database)
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_of_tls_is_its_owners_alone() {
    let folder = Folder::new();
    mode(&folder.file("key.pem", "no key\n"), 0o644);
    let mut variables = SAFE.to_vec();
    variables
        .extend([("SLUICE_TLS_CERTIFICATE", "certificate.pem"), ("SLUICE_TLS_KEY", "key.pem")]);
    let text = refusal(&folder, &[], &variables);
    assert!(text.contains("chmod 600 key.pem"), "{text}");
    mode(&folder.path().join("key.pem"), 0o600);
    let text = refusal(&folder, &[], &variables);
    assert!(text.contains("certificate.pem cannot be read"), "{text}");
}

/// What it says when it does not start.
fn refusal(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
    all.extend(arguments);
    let output = run_sluice(folder, &all, variables);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(output.stdout.is_empty());
    text
}

#[test]
fn it_refuses_to_start_and_says_everything_at_once() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    mode(&data, 0o755);
    mode(&folder.file(".env", "DEBUG=true\n"), 0o644);
    let text = refusal(&folder, &["--production", "--data-dir", "data"], &[]);
    let expected = [
        "SECRET_KEY is missing",
        "API_KEY_SALT is missing",
        "ALLOWED_HOSTS is empty",
        "DEBUG is on",
        "chmod 700 data",
        "chmod 600 .env",
    ];
    for part in expected {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(text.lines().count(), 1 + expected.len(), "{text}");
    assert!(std::fs::read_dir(&data).unwrap().next().is_none(), "nothing was made");
}

#[test]
fn each_danger_alone_is_enough() {
    let check = |change: (&str, &str), expect: &str| {
        let folder = Folder::new();
        let mut variables = SAFE.to_vec();
        variables.retain(|(name, _)| *name != change.0);
        variables.push(change);
        let text = refusal(&folder, &[], &variables);
        assert!(text.contains(expect), "{change:?}: {text}");
        assert_eq!(text.lines().count(), 2, "{change:?}: {text}");
        assert!(change.1.len() < 16 || !text.contains(change.1), "it is told: {text}");
    };
    check(("SECRET_KEY", ""), "SECRET_KEY is missing");
    check(("API_KEY_SALT", ""), "API_KEY_SALT is missing");
    check(("SECRET_KEY", "0123456789abcdef"), "SECRET_KEY has 16 characters");
    check(("SECRET_KEY", "change-me-change-me-change-me-change-me"), "words of an example");
    check(("SECRET_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), "repeats a few");
    check(("API_KEY_SALT", "please-change-this-secret-before-production"), "API_KEY_SALT is made");
    check(("API_KEY_SALT", SECRET), "are the same");
    check(("SLUICE_ADMIN_KEY", "admin-admin-admin-admin-admin-admin"), "SLUICE_ADMIN_KEY");
    check(("ALLOWED_HOSTS", ""), "ALLOWED_HOSTS is empty");
    check(("ALLOWED_HOSTS", "*"), "ALLOWED_HOSTS is *");
    check(("DEBUG", "1"), "DEBUG is on");
}

#[test]
fn what_is_open_to_others_is_refused() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let arguments = ["--data-dir", "data"];
    for open in [0o755, 0o701, 0o707] {
        mode(&data, open);
        assert!(refusal(&folder, &arguments, &SAFE).contains("chmod 700"), "{open:o}");
    }
    mode(&data, 0o700);
    let dotenv = folder.file(".env", "SLUICE_MAX_LIMIT=500\n");
    mode(&dotenv, 0o604);
    assert!(refusal(&folder, &arguments, &SAFE).contains("chmod 600"));
    mode(&dotenv, 0o600);
    let file = folder.file("sluice.toml", format!("secret_key = \"{SECRET}\"\n"));
    mode(&file, 0o644);
    let without_key: Vec<_> = SAFE.into_iter().filter(|(name, _)| *name != "SECRET_KEY").collect();
    assert!(refusal(&folder, &arguments, &without_key).contains("chmod 600 sluice.toml"));
    // Nothing of it matters to people at their own machine.
    let (options, _) = Options::of(StoreKind::Sqlite);
    mode(&data, 0o755);
    Server::start_with(Options { data_dir: Some(data), ..options }, None);
}

#[test]
fn a_data_folder_is_made_for_its_owner_alone() {
    for server in [Server::start(StoreKind::Sqlite), production_with(StoreKind::Sqlite, &[])] {
        let found = std::fs::metadata(server.data_dir()).unwrap().permissions().mode();
        assert_eq!(found & 0o777, 0o700);
    }
}

#[test]
fn it_tells_less_and_only_admins_the_schema() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = production_with(kind, &[]);
        let client = server.client();
        client.load("items", ITEMS);
        let (code, message) = client.error("{ items { nam } }");
        assert_eq!(code, "BAD_USER_INPUT");
        assert!(!message.to_lowercase().contains("did you mean"), "{message}");
        let (_, message) = client.error("{ item { id } }");
        assert!(!message.to_lowercase().contains("did you mean"), "{message}");
        let schema = "{ __schema { queryType { name } } }";
        assert_eq!(client.data(schema)["__schema"]["queryType"]["name"], "Query");
        let reader = server.client_of_with("read", &[("API_KEY_SALT", SALT)]);
        assert_eq!(reader.error(schema).0, "FORBIDDEN");
        assert_eq!(reader.get("/schema.graphql").code(), "FORBIDDEN");
        assert_eq!(reader.data("{ items(limit: 1) { id } }")["items"][0]["id"], 1);
        assert_eq!(server.anonymous().get("/").status, 404, "no playground");
        let answer = client.get("/healthz");
        assert!(answer.header("strict-transport-security").starts_with("max-age="));
        for line in server.log().lines() {
            let line: serde_json::Value =
                serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(line.get("level").is_some(), "{line}");
        }
    }
    let told = Server::start(StoreKind::Sqlite);
    told.client().load("items", ITEMS);
    assert!(told.client().error("{ items { nam } }").1.contains("Did you mean"));
}

#[test]
fn what_is_off_by_default_can_be_on() {
    let more = [("SLUICE_PLAYGROUND", "on"), ("SLUICE_INTROSPECTION", "on")];
    let server = production_with(StoreKind::Sqlite, &more);
    assert_eq!(server.anonymous().get("/").status, 200);
    let reader = server.client_of_with("read", &[("API_KEY_SALT", SALT)]);
    reader.data("{ __schema { queryType { name } } }");
    let off = Server::start_set(StoreKind::Sqlite, "SLUICE_PLAYGROUND", "off");
    assert_eq!(off.anonymous().get("/").status, 404);
}

#[test]
fn secrets_come_from_files_and_are_never_told() {
    let folder = Folder::new();
    let admin = "5d0c2f9b8a7e4136c0d5f1e2b3a49788";
    let previous = "9e1d7c5b3a2f4086e1d9c7b5a3f20864";
    let files = [
        ("SECRET_KEY_FILE", SECRET),
        ("SLUICE_API_KEY_SALT_FILE", SALT),
        ("SECRET_KEY_PREVIOUS_FILE", previous),
        ("SLUICE_ADMIN_KEY_FILE", admin),
    ];
    let paths: Vec<(&str, String)> = files
        .iter()
        .map(|(name, secret)| {
            (*name, folder.file(name, format!("{secret}\n")).display().to_string())
        })
        .collect();
    let mut variables: Vec<(&str, &str)> = paths.iter().map(|(n, p)| (*n, p.as_str())).collect();
    variables.extend([
        ("SLUICE_ENV", "production"),
        ("ALLOWED_HOSTS", "127.0.0.1"),
        ("SLUICE_LOG", "trace"),
    ]);
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = variables.iter().fold(options, |o, (n, v)| o.variable(n, v));
    let server = Server::start_with(Options { without_admin_key: true, ..options }, None);
    let client = server.anonymous().with_key(admin);
    client.load("items", ITEMS);
    client.data("{ itemsConnection(first: 1) { edges { cursor } } }");
    server.anonymous().with_key("wrong").graphql("{ items { id } }", &json!({}));
    let output = run_sluice(&folder, &["config"], &variables);
    let config = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(config.contains("environment (SECRET_KEY_FILE)"), "{config}");
    let log = server.log();
    for secret in [SECRET, SALT, admin, previous] {
        for (place, text) in
            [("log", &log), ("config", &config), ("greeting", &server.greeting.join("\n"))]
        {
            assert!(!text.contains(secret), "{secret} is in the {place}");
        }
    }
    // Both forms at once are one too many; a file that is not there is told.
    let both = [("SECRET_KEY", SECRET), ("SECRET_KEY_FILE", "x")];
    let text = String::from_utf8(run_sluice(&folder, &["config"], &both).stderr).unwrap();
    assert!(text.contains("SECRET_KEY and SECRET_KEY_FILE are both set"), "{text}");
    let gone = [("SECRET_KEY_FILE", "nowhere")];
    let text = String::from_utf8(run_sluice(&folder, &["config"], &gone).stderr).unwrap();
    assert!(text.contains("nowhere cannot be read"), "{text}");
}

#[test]
fn the_names_of_checklists_work_as_they_stand() {
    let folder = Folder::new();
    let both = [
        ("SECRET_KEY", SECRET, "secret_key", "(hidden)"),
        ("API_KEY_SALT", SALT, "api_key_salt", "(hidden)"),
        ("DEBUG", "true", "debug", "on"),
        ("ALLOWED_HOSTS", "api.example.com", "allowed_hosts", "api.example.com"),
        ("CORS_ALLOWED_ORIGINS", "https://app.example", "allowed_origins", "https://app.example"),
        ("MAX_UPLOAD_SIZE", "2MiB", "max_upload_size", "2MiB"),
        ("DATABASE_URL", "postgres://a:pw@h/d", "database_url", "postgres://a:***@h/d"),
    ];
    for (bare, value, setting, shown) in both {
        let prefixed = format!("SLUICE_{}", setting.to_ascii_uppercase());
        for name in [bare, &prefixed] {
            let output = run_sluice(&folder, &["config"], &[(name, value)]);
            let text = String::from_utf8(output.stdout).unwrap();
            let line = text.lines().find(|line| line.split_whitespace().next() == Some(setting));
            let line = line.unwrap_or_else(|| panic!("{setting}: {text}"));
            assert!(
                line.contains(shown) && line.contains(&format!("environment ({name})")),
                "{line}"
            );
        }
    }
}
