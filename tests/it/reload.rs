//! Settings, certificates and the log's file are exchanged while the server answers.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::server::Options;
use crate::harness::{Client, Folder, Server, StoreKind, eventually};
use crate::tls::Certificate;

const LIMIT: Duration = Duration::from_secs(30);
const BEFORE: &str =
    "slow_after = \"1h\"\nrate_limit = false\npool_size = 4\nallowed_hosts = \"127.0.0.1\"\n";

fn start(kind: StoreKind, folder: &Folder, settings: &str) -> Server {
    folder.file("settings.toml", settings);
    let (options, database) = Options::of(kind);
    let path = folder.path().join("settings.toml").display().to_string();
    // The harness switches the limits off.
    let options = options.variable("SLUICE_CONFIG", &path).variable("SLUICE_RATE_LIMIT", "");
    Server::start_with(options, database)
}

/// Has the server read these settings; what it logged meanwhile.
fn reload(server: &Server, folder: &Folder, settings: &str) -> String {
    let before = server.log().len();
    folder.file("settings.toml", settings);
    server.signal(Signal::HUP);
    eventually("the end of the reload", LIMIT, || {
        let log = server.log().split_off(before);
        let is_over = ["settings were read again", "settings are refused"];
        is_over.iter().any(|text| log.contains(text)).then_some(())
    });
    // What waits for the next start is told behind it.
    crate::harness::pause(Duration::from_millis(50));
    server.log().split_off(before)
}

fn status_for(client: &Client, host: &str) -> u16 {
    client.request("GET", "/schema.graphql", &[("host", host)], "").status
}

#[test]
fn what_can_be_changed_is_changed_at_once() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let folder = Folder::new();
        let server = start(kind, &folder, BEFORE);
        let client = server.client();
        assert_eq!(status_for(&client, "new.example"), 421);
        let log = reload(
            &server,
            &folder,
            "slow_after = \"7s\"\nrate_limit = true\npool_size = 5\nsecret_key = \"a-secret-that-is-new-0123\"\n\
             allowed_hosts = \"127.0.0.1,new.example\"\nallowed_origins = \"https://app.example\"\nlog = \"debug\"\n\
             [rate]\nfailed_sign_ins = \"1/h\"\n",
        );
        let warned = |name: &str| {
            let lines = log.lines().filter(|line| line.contains("WARN") && line.contains(name));
            lines.count()
        };
        assert_eq!((warned("\"pool_size\""), warned("\"secret_key\"")), (1, 1), "{log}");
        assert_eq!(warned("slow_after"), 0, "{log}");
        assert!(!log.contains("a-secret"), "{log}");
        assert_eq!(status_for(&client, "new.example"), 200);
        let status = client.data("{ server { status { slowAfterMs } } }");
        assert_eq!(status, json!({ "server": { "status": { "slowAfterMs": "7000" } } }));
        let answer = client.request("GET", "/healthz", &[("origin", "https://app.example")], "");
        assert_eq!(answer.header("access-control-allow-origin"), "https://app.example");
        assert!(server.log().contains("\"answered\""), "debug lines");
        let statuses = [0; 3].map(|_| server.anonymous().get("/schema.graphql").status);
        assert!(statuses.contains(&429), "{statuses:?}");

        // A mistake: nothing of it is taken.
        let log = reload(&server, &folder, "slow_after = \"9s\"\nallowed_hots = \"x\"\n");
        assert_eq!(log.matches("ERROR").count(), 1, "{log}");
        assert!(log.contains("allowed_hosts"), "names what was meant: {log}");
        let status = client.data("{ server { status { slowAfterMs } } }");
        assert_eq!(status, json!({ "server": { "status": { "slowAfterMs": "7000" } } }));
        assert_eq!(status_for(&client, "new.example"), 200);

        let log = reload(&server, &folder, BEFORE);
        assert!(!log.contains("WARN"), "as it was at the start: {log}");
        assert_eq!(status_for(&client, "new.example"), 421);
        assert_eq!(server.anonymous().get("/schema.graphql").status, 401);
    }
}

#[test]
fn production_takes_nothing_unsafe() {
    let folder = Folder::new();
    let settings = |hosts: &str| {
        format!(
            "env = \"production\"\nallowed_hosts = \"{hosts}\"\n\
             secret_key = \"4f1c9d0e7a3b58266d0f9be1c2a47583\"\napi_key_salt = \"83574a2c1eb9f0d66285b3a7e0d9c1f4\"\n"
        )
    };
    let path = folder.path().join("settings.toml");
    folder.file("settings.toml", settings("127.0.0.1"));
    let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, closed).unwrap();
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_CONFIG", &path.display().to_string())
        .variable("SLUICE_ADMIN_KEY", "");
    let server = Server::start_with(options, None);
    for unsafe_settings in [settings("*"), settings("*").replace("production", "development")] {
        let log = reload(&server, &folder, &unsafe_settings);
        assert!(log.contains("ERROR") && log.contains("ALLOWED_HOSTS is *"), "{log}");
        assert_eq!(status_for(&server.anonymous(), "evil.example"), 421);
    }
}

#[test]
fn a_supervisor_hears_of_a_reload() {
    let folder = Folder::new();
    let path = folder.path().join("notify");
    let supervisor = UnixDatagram::bind(&path).unwrap();
    supervisor.set_read_timeout(Some(LIMIT)).unwrap();
    let said = || {
        let mut buffer = [0; 256];
        let n = supervisor.recv(&mut buffer).expect("a word");
        String::from_utf8_lossy(&buffer[..n]).into_owned()
    };
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options.variable("NOTIFY_SOCKET", &path.display().to_string());
    let server = Server::start_with(options, None);
    assert_eq!(said(), "READY=1\n");
    server.signal(Signal::HUP);
    let reloading = said();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(said(), "READY=1\n");
}

#[test]
fn a_new_certificate_is_served_at_once() {
    let folder = Folder::new();
    let old = Certificate::new();
    let (options, _) = Options::of(StoreKind::Sqlite);
    let server = Server::start_with(old.set(options, folder.path()), None);
    assert!(old.connect(&server.address, &[]).is_ok());
    let new = Certificate::new();
    new.write(folder.path());
    server.signal(Signal::HUP);
    let soon = Duration::from_secs(5);
    eventually("the new certificate", soon, || new.connect(&server.address, &[]).ok());
}

/// All lines of a log and of what was set aside of it.
fn lines(path: &std::path::Path) -> Vec<String> {
    let folder = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let files = folder.flatten().map(|entry| entry.path());
    let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name));
    let texts = files.map(|path| std::fs::read_to_string(path).unwrap());
    texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_log_loses_no_line_while_its_file_changes() {
    const N_CLIENTS: usize = 4;
    const N_REQUESTS: usize = 400;
    let folder = Folder::new();
    let path = folder.path().join("sluice.log");
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_LOG_FILE", &path.display().to_string())
        .variable("SLUICE_LOG_ROTATION", "4KiB")
        .variable("SLUICE_LOG_KEEP", "10000")
        .variable("SLUICE_LOG", "info,sluice=debug");
    let server = Server::start_with(options, None);
    std::thread::scope(|scope| {
        for client in 0..N_CLIENTS {
            let asking = server.client();
            scope.spawn(move || {
                for n in 0..N_REQUESTS {
                    let id = format!("count-{client}-{n}");
                    let answer = asking.request("GET", "/healthz", &[("x-request-id", &id)], "");
                    assert_eq!(answer.status, 200);
                }
            });
        }
        for _ in 0..20 {
            server.signal(Signal::HUP);
            crate::harness::pause(Duration::from_millis(10));
        }
    });
    let found = eventually("all lines", LIMIT, || {
        let lines = lines(&path);
        let counted = lines.iter().filter(|line| line.contains("\"count-")).count();
        (counted >= N_CLIENTS * N_REQUESTS).then_some(lines)
    });
    let mut ids: Vec<String> = Vec::new();
    for line in &found {
        let line: serde_json::Value = serde_json::from_str(line).expect("a whole line");
        if line["message"] == "answered" {
            ids.extend(line["span"]["id"].as_str().map(str::to_owned));
        }
    }
    ids.retain(|id| id.starts_with("count-"));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), N_CLIENTS * N_REQUESTS);
    assert!(std::fs::read_dir(folder.path()).unwrap().count() > 50, "many files");
    assert!(!server.log().contains("answered"), "nothing on standard error");
}

#[test]
fn who_moves_the_log_away_gets_a_new_one() {
    let folder = Folder::new();
    let (path, moved) = (folder.path().join("sluice.log"), folder.path().join("moved"));
    let (options, _) = Options::of(StoreKind::Sqlite);
    let options = options
        .variable("SLUICE_LOG_FILE", &path.display().to_string())
        .variable("SLUICE_LOG_ROTATION", "never");
    let server = Server::start_with(options, None);
    std::fs::rename(&path, &moved).unwrap();
    server.signal(Signal::HUP);
    eventually("a line in the new file", LIMIT, || {
        std::fs::read_to_string(&path).ok()?.contains("read again").then_some(())
    });
    assert!(std::fs::read_to_string(&moved).unwrap().contains("\"ready\""));
}
