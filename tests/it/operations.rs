//! The commands of those who operate a server: checks, migrations, rotation, figures.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::place::{Place, refused, said};
use crate::harness::postgres::execute;
use crate::harness::{Client, Server, StoreKind};

const BOTH: [StoreKind; 2] = [StoreKind::Sqlite, StoreKind::Postgres];
const ROWS: &str = "id,name\n1,Ann\n2,Bob\n3,Cid\n";

/// Changes the catalog behind everybody's back; `{s}` is where its tables are.
fn execute_in(place: &Place, sql: &str) {
    match &place.database {
        Some(database) => execute(&database.url(), &sql.replace("{s}", "sluice.")),
        None => {
            let file = place.data_dir().join("catalog.db");
            let done = Command::new("sqlite3").arg(file).arg(sql.replace("{s}", "")).output();
            let done = done.expect("sqlite3");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
    }
}

/// The findings of a check, and its exit code.
fn check(place: &Place, arguments: &[&str], variables: &[(&str, &str)]) -> (Vec<Value>, i32) {
    let arguments = [&["check", "--json"], arguments].concat();
    let output = place.run_with(&arguments, variables);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (told["findings"].as_array().unwrap().clone(), output.status.code().unwrap())
}

/// Severity of the finding about this, if there is one; each has a reason and a remedy.
fn severity<'f>(found: &'f [Value], about: &str) -> Option<&'f str> {
    for finding in found {
        for part in ["found", "reason", "remedy"] {
            assert!(!finding[part].as_str().unwrap().is_empty(), "{finding}");
        }
    }
    found.iter().find(|it| it["about"] == about).map(|it| it["severity"].as_str().unwrap())
}

#[test]
fn a_check_finds_what_an_auditor_would() {
    for kind in BOTH {
        eprintln!("story on {kind:?}");
        let place = Place::new(kind);
        // Before the first start there is nothing to be afraid of.
        let (found, code) = check(&place, &[], &[]);
        assert_eq!(code, 0, "{found:?}");
        let server = place.start();
        server.client().load("rows", ROWS);
        let (found, code) = check(&place, &[], &[]);
        assert_eq!(code, 0, "{found:?}");
        // For strangers all of that is wrong.
        let (found, code) =
            check(&place, &["--deploy"], &[("SLUICE_TRUSTED_PROXIES", "0.0.0.0/0")]);
        assert_eq!(code, 1);
        for about in ["SECRET_KEY", "API_KEY_SALT", "ALLOWED_HOSTS", "env", "trusted_proxies"] {
            assert_eq!(severity(&found, about), Some("error"), "{about} in {found:?}");
        }
        assert_eq!(severity(&found, "backup"), Some("warning"), "{found:?}");
        // And with all that is asked for, nothing is.
        let good = [
            ("SLUICE_ENV", "production"),
            ("SECRET_KEY", "4f1c9d0e7a3b58266d0f9be1c2a47583"),
            ("API_KEY_SALT", "0b6e1d7f3a8c9254e1f0d3b7a6c58249"),
            ("ALLOWED_HOSTS", "api.example.com"),
            ("SLUICE_TRUSTED_PROXIES", "127.0.0.1"),
        ];
        let (found, _) = check(&place, &[], &good);
        let errors: Vec<_> = found.iter().filter(|it| it["severity"] == "error").collect();
        let is_expected = |it: &&Value| it["about"] == "disk";
        assert!(errors.iter().all(is_expected), "{errors:?}");
        // Weak settings are told.
        let weak = [
            ("SLUICE_RATE_LIMIT", "off"),
            ("SLUICE_STATEMENT_TIMEOUT", "10m"),
            ("SLUICE_WEBHOOK_ALLOW_PRIVATE", "on"),
            ("CORS_ALLOWED_ORIGINS", "http://app.example.com"),
            ("SLUICE_MAX_LIMITS", "1"),
        ];
        let (found, _) = check(&place, &["--deploy"], &[&good[..], &weak].concat());
        for about in [
            "rate_limit",
            "statement_timeout",
            "webhook.allow_private",
            "allowed_origins",
            "settings",
        ] {
            assert_eq!(severity(&found, about), Some("warning"), "{about} in {found:?}");
        }
        drop(server);
        // A backup, an old one, and one that failed.
        let kept = place.folder.path().join("kept").display().to_string();
        said(&place.run(&["backup", "--to", &kept]));
        let (found, _) = check(&place, &["--deploy"], &good);
        assert_eq!(severity(&found, "backup"), None, "{found:?}");
        let (found, _) =
            check(&place, &["--deploy"], &[&good[..], &[("SLUICE_BACKUP_TO", &kept)]].concat());
        assert_eq!(severity(&found, "backup.to"), Some("warning"), "the same disk: {found:?}");
        execute_in(
            &place,
            "UPDATE {s}meta SET value = '{\"atUs\":1000000,\"archive\":\"x\",\"sizeBytes\":1}' WHERE name = 'backup_last'",
        );
        let (found, _) = check(&place, &["--deploy"], &good);
        assert_eq!(severity(&found, "backup"), Some("warning"), "{found:?}");
        // Every admin key is gone.
        execute_in(&place, "DELETE FROM {s}keys");
        let (found, _) = check(&place, &[], &[]);
        assert_eq!(severity(&found, "keys"), Some("warning"), "{found:?}");
        // A newer release was here.
        execute_in(
            &place,
            "INSERT INTO {s}seaql_migrations(version, applied_at) VALUES ('m9999_later', 1)",
        );
        let (found, code) = check(&place, &[], &[]);
        assert_eq!((severity(&found, "migrations"), code), (Some("error"), 1), "{found:?}");
    }
}

#[test]
fn a_check_sees_that_a_database_is_away_or_open() {
    let place = Place::new(StoreKind::Sqlite);
    let away = [("DATABASE_URL", "postgres://sluice:short@127.0.0.1:1/sluice")];
    let (found, code) = check(&place, &["--deploy"], &away);
    assert_eq!((severity(&found, "database"), code), (Some("error"), 1), "{found:?}");
    assert_eq!(severity(&found, "DATABASE_URL"), Some("warning"), "a short password: {found:?}");
    assert!(!format!("{found:?}").contains("short@"), "the password is not shown");
    // Settings that cannot be read are no findings.
    assert_eq!(place.run_with(&["check"], &[("SLUICE_MAX_LIMIT", "many")]).status.code(), Some(2));

    let place = Place::new(StoreKind::Postgres);
    drop(place.start());
    let (found, _) = check(&place, &[], &[]);
    assert!(found.iter().any(|it| it["found"] == "the role is a superuser"), "{found:?}");

    let place = Place::new(StoreKind::Sqlite);
    drop(place.start());
    let secret = place.folder.path().join("data/secrets/api_key_salt");
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(secret, open).unwrap();
    let (found, code) = check(&place, &[], &[]);
    assert_eq!((severity(&found, "secrets"), code), (Some("error"), 1), "{found:?}");
    // A server that was killed leaves all of it in the log beside.
    execute_in(&place, "PRAGMA wal_checkpoint(TRUNCATE)");
    let catalog = place.folder.path().join("data/catalog.db");
    let mut bytes = std::fs::read(&catalog).unwrap();
    bytes[4096..20_000].fill(0x5a);
    std::fs::write(&catalog, bytes).unwrap();
    let (found, code) = check(&place, &[], &[]);
    assert_eq!((severity(&found, "database"), code), (Some("error"), 1), "{found:?}");
}

#[test]
fn migrations_go_back_and_forward_and_newer_ones_are_told() {
    for kind in BOTH {
        eprintln!("story on {kind:?}");
        let place = Place::new(kind);
        let known: Vec<String> =
            said(&place.run(&["migrate", "list"])).lines().map(str::to_owned).collect();
        let before = said(&place.run(&["migrate", "status"]));
        assert!(before.lines().all(|line| line.starts_with("pending")), "{before}");
        let server = place.start();
        server.client().load("rows", ROWS);
        if kind == StoreKind::Sqlite {
            let (code, text) = refused(&place.run(&["migrate", "up"]));
            assert!(code == 5 && text.contains("Another Sluice"), "{code}: {text}");
        }
        drop(server);
        let status = said(&place.run(&["migrate", "status"]));
        assert_eq!(status.lines().count(), known.len());
        assert!(status.lines().all(|line| line.starts_with("applied")), "{status}");

        let stays = &known[known.len() - 3];
        let (code, text) = refused(&place.run(&["migrate", "down", "--to", stays]));
        assert!(code == 2 && text.contains("--yes"), "{code}: {text}");
        let (code, text) = refused(&place.run(&["migrate", "down", "--to", "m7777", "--yes"]));
        assert!(code == 5 && text.contains("m7777"), "{code}: {text}");
        let undone = said(&place.run(&["migrate", "down", "--to", stays, "--yes"]));
        let undone: Vec<&str> = undone.lines().collect();
        let last: Vec<&str> = known.iter().rev().take(2).map(String::as_str).collect();
        assert_eq!(undone, last);
        let status = said(&place.run(&["migrate", "status"]));
        assert_eq!(status.lines().filter(|line| line.starts_with("pending")).count(), 2);
        let redone = said(&place.run(&["migrate", "up"]));
        assert_eq!(redone.lines().count(), 2);
        // The rows were never touched.
        let server = place.start();
        assert_eq!(server.client().data("{ rows { name } }")["rows"][2]["name"], "Cid");
        drop(server);

        execute_in(
            &place,
            "INSERT INTO {s}seaql_migrations(version, applied_at) VALUES ('m9999_later', 1)",
        );
        let status = said(&place.run(&["migrate", "status"]));
        assert!(status.contains("unknown  m9999_later"), "{status}");
        let complaint = Server::try_start(place.options(), None).err().expect("it does not start");
        assert!(
            complaint.contains("A newer release of Sluice has used these data (m9999_later)"),
            "{complaint}"
        );
        let (code, text) = refused(&place.run(&["migrate", "down", "--to", stays, "--yes"]));
        assert!(code == 5 && text.contains("newer release"), "{code}: {text}");
    }
}

#[test]
fn all_keys_and_secrets_are_changed_by_a_command() {
    for kind in BOTH {
        eprintln!("story on {kind:?}");
        let place = Place::new(kind);
        let server = place.start();
        server.client().load("rows", ROWS);
        let old = server.client();
        let reader = said(&place.run(&["keys", "create", "--scope", "read", "--name", "reports"]));
        let reader = Client::new(&server.address, Some(reader.trim()));
        said(&place.run(&["workspaces", "create", "second"]));

        let (code, text) = refused(&place.run(&["keys", "rotate-all"]));
        assert!(code == 2 && text.contains("--yes"), "{code}: {text}");
        assert_eq!(reader.data("{ rows { id } }")["rows"].as_array().unwrap().len(), 3);
        let made = said(&place.run(&["keys", "rotate-all", "--yes"]));
        let line = made.lines().find(|line| line.contains("reports")).expect("its line");
        let new = Client::new(&server.address, line.split_whitespace().nth(1));
        crate::harness::eventually(
            "the end of the old key",
            std::time::Duration::from_secs(10),
            || (reader.get("/schema.graphql").status == 401).then_some(()),
        );
        assert_eq!(new.data("{ rows { id } }")["rows"].as_array().unwrap().len(), 3);
        assert_eq!(
            new.error("mutation { dropDataset(dataset: \"rows\") { name } }").0,
            "FORBIDDEN"
        );
        // Those of other workspaces, too.
        assert!(made.lines().any(|line| line.contains("  second  ")), "{made}");

        // Cursors hold across a new secret key, keys do not survive a new salt.
        const PAGE: &str = "query($after: String) { rowsConnection(first: 1, after: $after) { edges { cursor node { id } } } }";
        let page = |client: &Client, after: Value| {
            client.data_with(PAGE, &json!({ "after": after }))["rowsConnection"]["edges"][0].clone()
        };
        let cursor = page(&new, Value::Null)["cursor"].clone();
        said(&place.run(&["secrets", "rotate"]));
        said(&place.run(&["secrets", "rotate"]));
        drop(server);
        let server = place.start();
        let new = Client::new(&server.address, new.key());
        assert_eq!(page(&new, cursor)["node"]["id"], 2);
        let (code, text) = refused(&place.run(&["secrets", "rotate", "--api-key-salt"]));
        assert!(code == 2 && text.contains("--yes"), "{code}: {text}");
        let admin = said(&place.run(&["secrets", "rotate", "--api-key-salt", "--yes"]));
        drop(server);
        let server = place.start();
        assert_eq!(Client::new(&server.address, new.key()).get("/schema.graphql").status, 401);
        let admin = Client::new(&server.address, Some(admin.trim()));
        assert_eq!(admin.data("{ me { scope } }")["me"]["scope"], "ADMIN");
        assert_ne!(old.key(), admin.key());

        let told = said(&place.run(&["audit", "--json"]));
        let lines: Vec<Value> =
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for action in ["rotateKey", "rotateSecretKey", "rotateApiKeySalt"] {
            assert!(lines.iter().any(|line| line["action"] == action), "{action} in {told}");
        }
        let filtered = said(&place.run(&["audit", "--action", "rotateKey", "--since", "1h"]));
        assert!(!filtered.is_empty() && filtered.lines().all(|line| line.contains("rotateKey")));
        assert_eq!(refused(&place.run(&["audit", "--since", "yesterday"])).0, 2);
        // A secret that is a setting is for its owner to change.
        let given = [("SECRET_KEY", "4f1c9d0e7a3b58266d0f9be1c2a47583")];
        let output = place.run_with(&["secrets", "rotate"], &given);
        assert_eq!(output.status.code(), Some(5));
    }
}

#[test]
fn figures_tell_growth_and_what_nobody_uses() {
    for kind in BOTH {
        eprintln!("story on {kind:?}");
        let place = Place::new(kind);
        let mut server = place.start();
        let client = server.client();
        for name in ["read", "idle"] {
            client.load(name, ROWS);
        }
        for _ in 0..3 {
            client.data("{ read { id } }");
        }
        client.data("{ server { version } }");
        server.terminate();
        assert_eq!(server.wait(std::time::Duration::from_secs(60)), Some(0));
        // Ten days ago there was one row; both were made long ago.
        let today = jiff::Timestamp::now().as_second() / 86_400;
        execute_in(
            &place,
            &format!(
                "INSERT INTO {{s}}dataset_days(dataset_id, day, n_reads, row_count, size_bytes) \
             SELECT id, {}, 0, 1, 10 FROM {{s}}datasets; \
             UPDATE {{s}}datasets SET created_at_us = 1000000",
                today - 10
            ),
        );
        said(&place.run(&["keys", "create", "--name", "forgotten"]));
        execute_in(&place, "UPDATE {s}keys SET created_at_us = 1000000 WHERE name = 'forgotten'");
        let told: Value = serde_json::from_str(&said(&place.run(&["stats", "--json"]))).unwrap();
        let of = |name: &str| {
            let all = told["datasets"].as_array().unwrap();
            all.iter().find(|it| it["dataset"] == name).unwrap().clone()
        };
        assert_eq!((&of("read")["reads"], &of("read")["isUnused"]), (&json!(3), &json!(false)));
        assert_eq!((&of("idle")["reads"], &of("idle")["isUnused"]), (&json!(0), &json!(true)));
        assert_eq!(of("read")["rowsPerDay"], 0.2);
        assert!(told["bytesPerDay"].as_f64().unwrap() > 0.0);
        let keys = told["unusedKeys"].as_array().unwrap();
        assert!(keys.iter().any(|key| key["name"] == "forgotten"), "{told}");
        let text = said(&place.run(&["stats"]));
        assert!(text.contains("default/idle  (unused)"), "{text}");
        assert!(text.contains("forgotten"), "{text}");

        let server = place.start();
        let url = format!("http://{}", server.address);
        let key = server.client().key().unwrap().to_owned();
        let text = said(&place.run(&["stats", "--to", &url, "--key", &key]));
        assert!(text.contains("Slow requests"), "{text}");
        assert_eq!(refused(&place.run(&["stats", "--to", &url, "--key", "slu_wrong000_x"])).0, 5);
    }
}

#[test]
fn what_commands_print_is_json_for_those_who_ask() {
    let place = Place::new(StoreKind::Sqlite);
    drop(place.start());
    let told = |arguments: &[&str]| -> Value {
        let text = said(&place.run(arguments));
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {arguments:?}: {text}"))
    };
    let made = told(&["keys", "create", "--scope", "query", "--saved-query", "a", "--json"]);
    assert!(made["key"].as_str().unwrap().starts_with(made["prefix"].as_str().unwrap()), "{made}");
    let keys = told(&["keys", "list", "--json"]);
    assert_eq!(keys[0]["scope"], "query");
    assert_eq!(keys[0]["savedQueries"], json!(["a"]));
    let turned = told(&["keys", "rotate", made["prefix"].as_str().unwrap(), "--json"]);
    assert_ne!(turned["prefix"], made["prefix"]);
    told(&["workspaces", "create", "sales", "--json"]);
    let names = told(&["workspaces", "list", "--json"]);
    assert_eq!(names[1]["name"], "sales");
    let known = told(&["migrate", "list", "--json"]);
    assert_eq!(told(&["migrate", "status", "--json"])["applied"], known);
    assert_eq!(told(&["migrate", "up", "--json"]), json!([]));
    let settings = told(&["config", "--json"]);
    let found = settings.as_array().unwrap().iter().find(|it| it["name"] == "listen").unwrap();
    assert_eq!(found["value"], "127.0.0.1:8080");
    // Each of all keys that work, a line each.
    let lines = said(&place.run(&["keys", "rotate-all", "--yes", "--json"]));
    let replaced: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect();
    assert!(replaced.iter().all(|it| it["key"].is_string() && it["replaces"].is_string()));
    assert!(replaced.len() >= 2, "{lines}");
}
