//! The command line and the settings as people meet them.

use crate::harness::{Folder, run_sluice};

fn out(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let output = run_sluice(folder, arguments, variables);
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn the_help_is_as_written() {
    let folder = Folder::new();
    for (name, arguments) in [
        ("help", &["--help"][..]),
        ("help_serve", &["serve", "--help"]),
        ("help_upload", &["upload", "--help"]),
        ("help_schema", &["schema", "--help"]),
        ("help_keys_create", &["keys", "create", "--help"]),
    ] {
        let (code, text) = out(&folder, arguments, &[("COLUMNS", "100")]);
        assert_eq!(code, 0, "{text}");
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn config_shows_what_is_in_force_and_why() {
    let folder = Folder::new();
    folder.file("sluice.toml", "listen = \"127.0.0.1:9999\"\nmax_limit = 500\nreader_threads = 2\n[query]\nmax_depth = 7\n");
    folder.file(".env", "API_KEY_SALT=a-salt-from-the-env-file\nSLUICE_MAX_LIMIT=600\n");
    let variables = [
        ("DATABASE_URL", "postgres://ann:s3cret@db.example/sluice"),
        ("SLUICE_MAX_LIMIT", "700"),
        ("MAX_UPLOAD_SIZE", "2GiB"),
        ("SLUICE_LISTN", "x"),
    ];
    let (code, text) = out(&folder, &["config", "--set", "statement_timeout=3s"], &variables);
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("s3cret") && !text.contains("a-salt-from"), "{text}");
    insta::assert_snapshot!("config", text);
}

#[test]
fn wrong_settings_stop_with_a_sentence() {
    let folder = Folder::new();
    folder.file("bad.toml", "listn = \"127.0.0.1:1\"\n");
    folder.file("worse.toml", "listen = [\n");
    let check = |arguments: &[&str], variables: &[(&str, &str)], expect: &str| {
        let (code, text) = out(&folder, arguments, variables);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(expect), "{text}");
    };
    check(
        &["config", "--config", "bad.toml"],
        &[],
        "there is no setting \"listn\", did you mean \"listen\"?",
    );
    check(&["config", "--config", "worse.toml"], &[], "worse.toml is malformed");
    check(&["config", "--config", "none.toml"], &[], "none.toml cannot be read");
    check(&["config"], &[("SLUICE_MAX_LIMIT", "lots")], "expected a whole number from 1 to 100000");
    check(&["config", "--set", "max_limit"], &[], "NAME=VALUE");
    check(&["serve", "--listen", "nowhere"], &[], "flag (--listen): listen is \"nowhere\"");
    check(&["serve"], &[("SLUICE_ADMIN_KEY", "short")], "32 characters or more");
    check(&["fly"], &[], "unrecognized subcommand");
    check(&[], &[], "Usage: sluice");
}
