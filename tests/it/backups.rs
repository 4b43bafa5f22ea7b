//! Backups are made while others work, and give back what was there.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::place::{Place, refused, said};
use crate::harness::server::ADMIN_KEY;
use crate::harness::{Client, StoreKind, eventually, pause};

const BOTH: [StoreKind; 2] = [StoreKind::Sqlite, StoreKind::Postgres];

/// Makes a backup; where it is.
fn backup(place: &Place, to: &Path, more: &[&str]) -> String {
    let to = to.display().to_string();
    let mut arguments = vec!["backup", "--to", &to];
    arguments.extend(more);
    said(&place.run(&arguments)).trim().to_owned()
}

const ORDERS: &str = "id,customer,total,paid,day\n1,Ann,19.90,true,2026-01-31\n2,Bjørn,7.05,false,2026-02-01\n3,\"Lee, Kim\",1200.00,true,\n4,,0.10,false,2026-02-03\n";

/// All that a client may see of the store.
fn picture(client: &Client) -> Value {
    client.data(
        "{ datasets { name rowCount version columns { name type } } \
           orders(orderBy: [{id: ASC}]) { id customer total paid day } \
           notes(orderBy: [{id: ASC}]) { id text } \
           history: datasetVersions(name: \"orders\") { version action rowCount } \
           keys { prefix name active } }",
    )
}

#[test]
fn what_was_copied_is_there_again() {
    for kind in BOTH {
        eprintln!("story on {kind:?}");
        let place = Place::new(kind);
        let server = place.start();
        let client = server.client();
        client.load("orders", ORDERS);
        client.load("orders", ORDERS.replace("Ann", "Anna"));
        client.load("notes", "id,text\n1,first\n");
        client.load("plain", "id,text\n1,first\n");
        client.data(
            "mutation { updateOrdersByPk(pkColumns: {id: 2}, _set: {total: \"8.05\"}) { id } \
               insertNotesOne(object: {id: 2, text: \"žluťoučký\"}) { id } }",
        );
        let reader = said(&place.run(&["keys", "create", "--name", "reports"]));
        let before = picture(&client);

        let passphrase = place.folder.file("passphrase", "correct horse battery staple\n");
        let passphrase = passphrase.to_str().unwrap();
        let kept = place.folder.path().join("kept");
        let sealed = ["--include-secrets", "--passphrase-file", passphrase];
        let archive = backup(&place, &kept, &sealed);
        // Nothing of it in clear: the archive is read by others than those who may have keys.
        let salt = secret_of(&place, "api_key_salt");
        assert!(!unpacked(&archive).windows(salt.len()).any(|part| part == salt.as_bytes()));
        // What happens later is not in it.
        client.data("mutation { deleteOrdersByPk(id: 1) { id } }");
        drop(server);

        let told: Value =
            serde_json::from_str(&said(&place.run(&["verify", &archive, "--json"]))).unwrap();
        assert_eq!((&told["datasets"], &told["rows"]), (&json!(3), &json!(7)));
        let drill = said(&place.run(&["drill", &archive]));
        assert!(drill.contains("can be restored: 3 datasets, 7 rows"), "{drill}");

        let new = Place::new(kind);
        let dry = said(&new.run(&["restore", &archive, "--dry-run"]));
        assert!(dry.contains("3 datasets, 7 rows would be restored"), "{dry}");
        assert!(!new.data_dir().join("catalog.db").is_file());
        let wrong = new.folder.file("wrong", "another horse battery staple\n");
        let wrong = ["restore", &archive, "--passphrase-file", wrong.to_str().unwrap()];
        assert_eq!(refused(&new.run(&wrong)).0, 5);
        said(&new.run(&["restore", &archive, "--passphrase-file", passphrase]));
        let (code, text) = refused(&new.run(&["restore", &archive]));
        assert!(code == 5 && text.contains("holds data"), "{code}: {text}");

        let server = new.start();
        assert_eq!(picture(&server.client()), before);
        // Keys of before work, since the salt came along.
        let reader = Client::new(&server.address, Some(reader.trim()));
        assert_eq!(
            reader.data("{ ordersAggregate { aggregate { count } } }")["ordersAggregate"]["aggregate"]
                ["count"],
            4
        );
        // Uploaded files came along: they can be read anew.
        let job = server.client().data(
            "mutation { reparse(dataset: \"plain\", options: {}, wait: 30) { job { status } } }",
        );
        assert_eq!(job["reparse"]["job"]["status"], "SUCCEEDED", "{job}");
    }
}

/// A secret that a store has made itself.
fn secret_of(place: &Place, name: &str) -> String {
    match &place.database {
        None => std::fs::read_to_string(place.data_dir().join("secrets").join(name)).unwrap(),
        Some(database) => {
            let sql = format!("SELECT value FROM sluice.meta WHERE name = '{name}'");
            let told = Command::new("psql").args([&database.url(), "-Atc", &sql]).output().unwrap();
            String::from_utf8(told.stdout).unwrap().trim().to_owned()
        }
    }
}

fn unpacked(archive: &str) -> Vec<u8> {
    zstd::decode_all(std::fs::File::open(archive).unwrap()).unwrap()
}

const TRANSFER: &str = "mutation($id: Int!) { insertGivenOne(object: {id: $id, amount: 5}) { id } \
     insertTakenOne(object: {id: $id, amount: 5}) { id } }";

#[test]
fn a_backup_under_load_is_of_one_moment() {
    for kind in BOTH {
        eprintln!("story on {kind:?}");
        let place = Place::new(kind);
        let server = place.start();
        let client = server.client();
        for name in ["given", "taken", "loads"] {
            client.load(name, "id,amount\n0,0\n");
        }
        let next_id = AtomicI64::new(1);
        let done: Mutex<Vec<i64>> = Mutex::default();
        let is_over = AtomicBool::new(false);
        let kept = place.folder.path().join("kept");
        let mut made = Vec::new();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                let client = server.client();
                let (is_over, next_id, done) = (&is_over, &next_id, &done);
                scope.spawn(move || {
                    while !is_over.load(Ordering::Relaxed) {
                        let id = next_id.fetch_add(1, Ordering::Relaxed);
                        client.data_with(TRANSFER, &json!({ "id": id }));
                        done.lock().unwrap().push(id);
                    }
                });
            }
            let loader = server.client();
            let is_ended = &is_over;
            scope.spawn(move || {
                while !is_ended.load(Ordering::Relaxed) {
                    loader.load("loads", "id,amount\n0,0\n1,1\n");
                }
            });
            for n in 0..4 {
                pause(Duration::from_millis(300));
                let before = done.lock().unwrap().clone();
                let archive = backup(&place, &kept.join(n.to_string()), &[]);
                made.push((archive, before, next_id.load(Ordering::Relaxed)));
            }
            is_over.store(true, Ordering::Relaxed);
        });
        drop(server);
        for (archive, before, begun) in made {
            let new = Place::new(kind);
            said(&new.run(&["restore", &archive]));
            let server = new.start();
            let ids = |name: &str| -> Vec<i64> {
                let query = format!(
                    "{{ rows: {name}(limit: 1000, orderBy: [{{id: ASC}}], offset: OFFSET) {{ id }} }}"
                );
                let mut ids = Vec::new();
                loop {
                    let query = query.replace("OFFSET", &ids.len().to_string());
                    let page = server.client().data(&query)["rows"].as_array().unwrap().clone();
                    ids.extend(page.iter().map(|row| row["id"].as_i64().unwrap()));
                    if page.len() < 1000 {
                        return ids;
                    }
                }
            };
            let (given, taken) = (ids("given"), ids("taken"));
            assert_eq!(given, taken, "a transfer is in it whole or not at all");
            assert!(before.iter().all(|id| given.binary_search(id).is_ok()), "what was done is in");
            assert!(given.iter().all(|id| *id < begun), "what was not begun is not");
        }
    }
}

#[test]
fn a_damaged_archive_is_refused() {
    for kind in BOTH {
        let place = Place::new(kind);
        let server = place.start();
        server.client().load("orders", ORDERS);
        let archive = backup(&place, &place.folder.path().join("kept"), &[]);
        drop(server);
        let bytes = std::fs::read(&archive).unwrap();
        let new = Place::new(kind);
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 0x10;
        let cut = bytes[..bytes.len() - 100].to_vec();
        for (name, damaged) in [("flipped", flipped), ("cut", cut), ("none", b"hello".to_vec())] {
            let damaged = new.folder.file(name, damaged);
            let damaged = damaged.to_str().unwrap();
            for command in [&["verify", damaged][..], &["restore", damaged], &["drill", damaged]] {
                let (code, text) = refused(&new.run(command));
                assert!(code == 3 && text.contains("damaged"), "{name} {command:?}: {code} {text}");
            }
        }
        let left: Vec<_> = std::fs::read_dir(new.data_dir())
            .map(|it| it.flatten().map(|entry| entry.file_name()).collect())
            .unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
        // It is still an empty store.
        said(&new.run(&["restore", &archive]));
        let rows = new.start().client().data("{ orders { id } }");
        assert_eq!(rows["orders"].as_array().unwrap().len(), 4);

        let other = Place::new(if kind == StoreKind::Sqlite {
            StoreKind::Postgres
        } else {
            StoreKind::Sqlite
        });
        let (code, text) = refused(&other.run(&["restore", &archive]));
        assert!(code == 3 && text.contains("PostgreSQL"), "{code}: {text}");
        let (code, text) = refused(&new.run(&["verify", "/nowhere/at/all.tar.zst"]));
        assert!(code == 1 && text.contains("cannot be read"), "{code}: {text}");
        let (code, text) = refused(&new.run(&["backup", "--to", "ftp://host/x"]));
        assert!(code == 2 && text.contains("s3://"), "{code}: {text}");
    }
}

#[test]
fn old_archives_are_removed_and_others_are_left() {
    let place = Place::new(StoreKind::Sqlite);
    let server = place.start();
    server.client().load("orders", ORDERS);
    let kept = place.folder.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    for name in ["sluice-20200101T000000Z.tar.zst", "sluice-20200101.txt", "photo.jpg"] {
        std::fs::write(kept.join(name), "x").unwrap();
    }
    let archive = backup(&place, &kept, &["--keep", "30d"]);
    let mut left: Vec<String> = std::fs::read_dir(&kept)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    let name = Path::new(&archive).file_name().unwrap().to_str().unwrap();
    assert_eq!(left, ["photo.jpg", "sluice-20200101.txt", name]);
    // A place that cannot be written leaves nothing and says why.
    let (code, text) = refused(&place.run(&["backup", "--to", "/proc/nowhere"]));
    assert!(code == 1 && text.contains("cannot be written"), "{code}: {text}");
    let facts = place.run(&["check", "--json"]);
    assert!(String::from_utf8_lossy(&facts.stdout).contains("the last backup failed"));
}

#[test]
fn a_server_makes_backups_by_itself() {
    for kind in BOTH {
        let place = Place::new(kind);
        let kept = place.folder.path().join("kept");
        let to = kept.display().to_string();
        let server = place.start_with(&[
            ("SLUICE_BACKUP_TO", &to),
            ("SLUICE_BACKUP_SCHEDULE", "*/2 * * * * *"),
            ("SLUICE_BACKUP_KEEP", "1d"),
        ]);
        server.client().load("orders", ORDERS);
        let n_rows = |text: String| serde_json::from_str::<Value>(&text).unwrap()["rows"].clone();
        eventually("a backup with the rows", Duration::from_secs(60), || {
            let told = place.run(&["verify", &to, "--json"]);
            let is_whole = told.status.success();
            (is_whole && n_rows(said(&told)) == 4).then_some(())
        });
        eventually("its numbers", Duration::from_secs(30), || {
            let text = server.client().get("/metrics").text;
            text.contains("sluice_backup_last_success_timestamp_seconds 1").then_some(())
        });
    }
}

/// A stand-in for S3, ended with its owner.
struct Bucket {
    child: Child,
    address: String,
}

impl Bucket {
    fn start() -> Bucket {
        // scripts/test puts it there.
        let packages = std::env::var("SLUICE_TEST_PYTHON").unwrap_or_default();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("python3")
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .env("PYTHONPATH", packages)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3");
        let bucket = Bucket { child, address: format!("127.0.0.1:{port}") };
        let client = Client::new(&bucket.address, None);
        eventually("the bucket", Duration::from_secs(60), || {
            let made = client.try_request("PUT", "/box", &[], "");
            made.is_ok_and(|answer| answer.status == 200).then_some(())
        });
        bucket
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn backups_go_to_a_bucket_and_come_back() {
    let bucket = Bucket::start();
    let endpoint = format!("http://{}", bucket.address);
    let variables = [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test-secret"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    for kind in BOTH {
        let place = Place::new(kind);
        let to = format!("s3://box/{kind:?}");
        let server = place.start();
        // Larger than one part of an upload.
        let noise: String = (0..400_000_u64)
            .map(|n| format!("{n},{:016x}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
            .collect();
        server.client().load("noise", format!("id,text\n{noise}"));
        let made = said(&place.run_with(&["backup", "--to", &to], &variables));
        let made = made.trim();
        assert!(made.starts_with(&to), "{made}");
        drop(server);
        said(&place.run_with(&["verify", made], &variables));
        said(&place.run_with(&["drill"], &[&variables[..], &[("SLUICE_BACKUP_TO", &to)]].concat()));
        let new = Place::new(kind);
        // The newest one of a place.
        said(&new.run_with(&["restore", &format!("{to}/")], &variables));
        let count = new.start().client().data("{ noiseAggregate { aggregate { count } } }");
        assert_eq!(count["noiseAggregate"]["aggregate"]["count"], 400_000);

        let (code, text) = refused(&place.run_with(&["verify", "s3://box/none/"], &variables));
        assert!(code == 5 && text.contains("no archive"), "{code}: {text}");
        let (code, text) =
            refused(&place.run_with(&["backup", "--to", "s3://nobox/x"], &variables));
        assert!(code != 0 && !text.is_empty(), "{code}: {text}");
    }
}

#[test]
fn secrets_are_sealed_for_the_owner_of_an_age_key() {
    use age::secrecy::ExposeSecret;
    let place = Place::new(StoreKind::Sqlite);
    let server = place.start();
    server.client().load("orders", ORDERS);
    let reader = server.client_of("read");
    let identity = age::x25519::Identity::generate();
    let file = place.folder.file("identity", identity.to_string().expose_secret());
    let recipient = identity.to_public().to_string();
    let kept = place.folder.path().join("kept");
    let archive = backup(&place, &kept, &["--include-secrets", "--recipient", &recipient]);
    drop(server);
    let new = Place::new(StoreKind::Sqlite);
    said(&new.run(&["restore", &archive, "--identity", file.to_str().unwrap()]));
    let server = new.start_with(&[("SLUICE_ADMIN_KEY", ADMIN_KEY)]);
    let reader = Client::new(&server.address, reader.key());
    assert_eq!(reader.data("{ orders { id } }")["orders"].as_array().unwrap().len(), 4);

    let (code, text) = refused(&place.run(&["backup", "--to", "x", "--include-secrets"]));
    assert!(code == 2 && text.contains("--recipient"), "{code}: {text}");
    let bad = ["backup", "--to", "x", "--include-secrets", "--recipient", "age1nonsense"];
    let (code, text) = refused(&place.run(&bad));
    assert!(code == 5 && text.contains("age1nonsense"), "{code}: {text}");
}
