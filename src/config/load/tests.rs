use std::time::Duration;

use super::*;

fn sources(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Sources {
    let own = |text: &&str| (*text).to_owned();
    Sources {
        file: None,
        dotenv: None,
        environment: environment.iter().map(|(n, v)| (own(n), own(v))).collect(),
        flags: flags.iter().map(|(n, v)| (format!("--{n}"), own(n), own(v))).collect(),
    }
}

fn message(environment: &[(&str, &str)]) -> String {
    load(&sources(environment, &[])).unwrap_err().to_string()
}

#[test]
fn the_stronger_source_wins_and_is_named() {
    let loaded = load(&sources(
        &[
            ("MAX_UPLOAD_SIZE", "1MiB"),
            ("SLUICE_MAX_UPLOAD_SIZE", "2MiB"),
            ("SLUICE_STATEMENT_TIMEOUT", "3s"),
            ("SLUICE_QUERY_MAX_DEPTH", "7"),
            ("DATABASE_URL", ""),
        ],
        &[("statement_timeout", "4s")],
    ))
    .unwrap();
    assert_eq!(loaded.settings.max_upload_bytes, 2 << 20);
    assert_eq!(loaded.settings.statement_timeout, Duration::from_secs(4));
    assert_eq!(loaded.settings.query_limits.max_depth, 7);
    assert_eq!(loaded.settings.database_url, None);
    assert_eq!(
        loaded.origin("max_upload_size"),
        Origin::Environment("SLUICE_MAX_UPLOAD_SIZE".to_owned())
    );
    assert_eq!(loaded.origin("statement_timeout"), Origin::Flag("--statement_timeout".to_owned()));
    assert_eq!(loaded.origin("listen"), Origin::Default);
}

#[test]
fn a_malformed_value_says_what_was_expected() {
    insta::assert_snapshot!(message(&[("SLUICE_MAX_UPLOAD_SIZE", "a lot")]), @r#"environment (SLUICE_MAX_UPLOAD_SIZE): max_upload_size is "a lot"; expected a size from 1KiB to 16TiB, like 512KiB, 64MiB or 1GiB"#);
    insta::assert_snapshot!(message(&[("SLUICE_STATEMENT_TIMEOUT", "30")]), @r#"environment (SLUICE_STATEMENT_TIMEOUT): statement_timeout is "30"; expected a time from 1ms to 24h, like 500ms, 30s or 5m"#);
    insta::assert_snapshot!(message(&[("SLUICE_LISTEN", "here")]), @r#"environment (SLUICE_LISTEN): listen is "here"; expected an IP address and a port, like 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080"#);
    insta::assert_snapshot!(message(&[("SLUICE_ADMIN_KEY", "short")]), @"environment (SLUICE_ADMIN_KEY): admin_key is a text of 5 characters; expected a secret of 32 characters or more");
    insta::assert_snapshot!(message(&[("DATABASE_URL", "mysql://ann:pw@h/db")]), @"environment (DATABASE_URL): database_url is a text of 19 characters; expected postgres://user:password@host:port/database (leave it out for the embedded store)");
    insta::assert_snapshot!(message(&[("ALLOWED_ORIGINS", "*")]), @r#"environment (ALLOWED_ORIGINS): allowed_origins is "*"; expected origins separated by commas, like https://app.example.com,http://localhost:5173"#);
    insta::assert_snapshot!(message(&[("SLUICE_RATE_READS", "lots")]), @r#"environment (SLUICE_RATE_READS): rate.reads is "lots"; expected a number per s, min, h or d, like 20/s, 60/h, or 100/s burst 200"#);
    insta::assert_snapshot!(message(&[("ALLOWED_HOSTS", "http://a")]), @r#"environment (ALLOWED_HOSTS): allowed_hosts is "http://a"; expected host names separated by commas, like api.example.com,.example.org,localhost:8080, or *"#);
    insta::assert_snapshot!(message(&[("SLUICE_TRUSTED_PROXIES", "10.0.0.0/40")]), @r#"environment (SLUICE_TRUSTED_PROXIES): trusted_proxies is "10.0.0.0/40"; expected addresses or networks separated by commas, like 127.0.0.1,10.0.0.0/8,fd00::/8"#);
    insta::assert_snapshot!(message(&[("SECRET_KEY_PREVIOUS", "a-former-key-of-32-characters-01,short")]), @"environment (SECRET_KEY_PREVIOUS): secret_key_previous is a text of 38 characters; expected secrets of 16 characters or more each, separated by commas");
    insta::assert_snapshot!(message(&[("SLUICE_ENV", "staging")]), @r#"environment (SLUICE_ENV): env is "staging"; expected development or production"#);
    insta::assert_snapshot!(message(&[("SLUICE_MAX_LIMIT", "20")]), @"default_limit is 50 (default), more than max_limit, 20 (environment (SLUICE_MAX_LIMIT)); lower one or raise the other");
}

#[test]
fn a_name_that_does_not_exist_is_told() {
    let flagged = load(&sources(&[], &[("max_uplod_size", "1MiB")])).unwrap_err().to_string();
    insta::assert_snapshot!(flagged, @r#"flag (--max_uplod_size): there is no setting "max_uplod_size", did you mean "max_upload_size"?; `sluice config` lists all settings"#);
    let loaded = load(&sources(&[("SLUICE_LISTN", "x")], &[])).unwrap();
    assert_eq!(
        loaded.warnings,
        [r#"the variable SLUICE_LISTN is no setting, did you mean "listen"?"#]
    );
}

#[test]
fn a_file_is_read_whole() {
    let path = Path::new("sluice.toml");
    let flat = flatten_toml(
        path,
        "listen = \"0.0.0.0:80\"\ndebug = true\nmax_limit = 500\nallowed_origins = [\"http://a\", \"http://b\"]\n[query]\nmax_depth = 3\n",
    )
    .unwrap();
    let mut flat: Vec<String> = flat.into_iter().map(|(n, v)| format!("{n}={v}")).collect();
    flat.sort();
    assert_eq!(
        flat,
        [
            "allowed_origins=http://a,http://b",
            "debug=true",
            "listen=0.0.0.0:80",
            "max_limit=500",
            "query.max_depth=3"
        ]
    );
    let bad = flatten_toml(path, "max_limit = 1.5").unwrap_err().to_string();
    assert_eq!(bad, "sluice.toml is malformed: max_limit: float is no value of a setting");
    assert!(flatten_toml(path, "listen = ").is_err());
}

#[test]
fn what_follows_from_production_gives_way_to_what_is_said() {
    let settings =
        |environment: &[(&str, &str)]| load(&sources(environment, &[])).unwrap().settings;
    let strict = settings(&[("SLUICE_ENV", "production")]);
    assert!(strict.is_production() && !strict.playground);
    assert_eq!(strict.introspection, Introspection::Admins);
    assert_eq!(strict.log_format, LogFormat::Json);
    let said = settings(&[
        ("SLUICE_ENV", "prod"),
        ("SLUICE_PLAYGROUND", "on"),
        ("SLUICE_INTROSPECTION", "off"),
        ("SLUICE_LOG_FORMAT", "text"),
    ]);
    assert!(said.is_production() && said.playground);
    assert_eq!((said.introspection, said.log_format), (Introspection::Off, LogFormat::Text));
    assert_eq!(settings(&[("DEBUG", "yes")]).log, "debug");
    assert_eq!(settings(&[("DEBUG", "yes"), ("SLUICE_LOG", "warn")]).log, "warn");
    let plain = settings(&[]);
    assert!(!plain.is_production() && plain.playground && plain.rates.is_on);
}

#[test]
fn nothing_prints_a_secret() {
    let loaded = load(&sources(
        &[
            ("SLUICE_ADMIN_KEY", "an-admin-key-of-32-characters-or-more"),
            ("API_KEY_SALT", "a-salt-of-32-characters-or-more-too"),
            ("SECRET_KEY", "a-secret-key-of-32-characters-or-more"),
            ("SECRET_KEY_PREVIOUS", "a-former-key-of-32-characters,another-former-key-of-32"),
            ("DATABASE_URL", "postgres://ann:pass-word@localhost/db"),
        ],
        &[],
    ))
    .unwrap();
    let printed = format!("{:?} {:?}", loaded, loaded.describe().collect::<Vec<_>>());
    for secret in ["an-admin-key", "a-salt-of", "a-secret-key", "former-key", "pass-word"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn every_setting_can_be_printed_and_read_again() {
    let loaded = load(&Sources::default()).unwrap();
    for (name, value, _, help) in loaded.describe() {
        assert!(!help.is_empty(), "{name}");
        if !value.is_empty() {
            let again = load(&sources(&[], &[(name, &value)])).unwrap();
            assert!(again.describe().any(|(n, v, ..)| n == name && v == value), "{name}");
        }
    }
}
