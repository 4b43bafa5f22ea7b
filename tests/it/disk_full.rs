//! The disk is full while a file arrives or loads: the job fails with a reason, the old version
//! answers, nothing is left behind.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::harness::fixtures::generation;
use crate::harness::folder::files_below;
use crate::harness::server::Options;
use crate::harness::{Folder, Server, eventually};

/// Room for the small version and for some of the large one.
const DISK: &str = "12m";

#[test]
fn a_full_disk_changes_nothing() {
    let folder = Folder::new();
    let data_dir = folder.path().join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let options = Options {
        data_dir: Some(data_dir.clone()),
        wrapper: on_a_small_disk(&data_dir.display().to_string()),
        ..Options::default()
    };
    let server = Server::start_with(options, None);
    let client = server.client();
    client.load("steps", generation(1, 1_000));
    // The mount is seen by the server and its children alone: look through its eyes.
    let seen =
        std::path::PathBuf::from(format!("/proc/{}/root{}", server.pid(), data_dir.display()));
    let before = files_below(&seen);
    assert!(before.len() > 1, "{before:?}");

    // To the last byte: rows are read all the same, and the load balancer may know.
    let filler = seen.join("filler");
    let fill = vec![0; 64 << 20];
    assert!(std::fs::write(&filler, fill).is_err(), "the disk is smaller");
    let ready = client.get("/readyz");
    assert_eq!(
        (ready.status, ready.json()["status"].as_str()),
        (200, Some("ready, but the disk is full"))
    );
    std::fs::remove_file(filler).unwrap();
    assert_eq!(client.get("/readyz").json()["status"], "ready");

    // The first does not fit even as a source; the second fits, but not beside its table.
    for n_rows in [600_000, 200_000] {
        let answer = client.upload("steps", generation(2, n_rows));
        assert!(answer.status > 500, "{}: {}", answer.status, answer.text);
        assert_eq!(answer.code(), "STORAGE_UNAVAILABLE", "{}", answer.text);
        assert!(answer.text.contains("disk"), "{}", answer.text);
        let data = client.data(
            "{ dataset(name: \"steps\") { version } stepsAggregate { aggregate { count max { generation } } } }",
        );
        assert_eq!(data["dataset"]["version"], 1);
        assert_eq!(
            data["stepsAggregate"]["aggregate"],
            json!({ "count": 1_000, "max": { "generation": 1 } })
        );
        eventually("no leftovers", Duration::from_secs(20), || {
            let after = files_below(&seen);
            let is_extra = |path: &&String| {
                !before.contains(*path)
                    && !path.ends_with("-wal")
                    && !path.ends_with("-shm")
                    && !path.starts_with("sources/")
            };
            (after.iter().find(is_extra).is_none()).then_some(())
        });
    }
    // There is room again for a small one.
    client.load("steps", generation(3, 2_000));
    assert_eq!(client.data("{ dataset(name: \"steps\") { version } }")["dataset"]["version"], 2);
}

/// Runs the server where its data folder is a small disk of its own, in a mount namespace that
/// ends with it.
fn on_a_small_disk(data_dir: &str) -> Vec<String> {
    let as_root: &[&str] = &["unshare", "--mount"];
    let as_user: &[&str] = &["unshare", "--map-root-user", "--mount"];
    let works = |words: &&[&str]| {
        let probe = format!("mount -t tmpfs -o size=1m tmpfs '{data_dir}'");
        let status = Command::new(words[0]).args(&words[1..]).args(["sh", "-c", &probe]).status();
        status.is_ok_and(|status| status.success())
    };
    let Some(unshare) = [as_root, as_user].into_iter().find(works) else {
        panic!("no small disk can be made: unshare needs root or user namespaces");
    };
    let script = format!("mount -t tmpfs -o size={DISK} tmpfs '{data_dir}' && exec \"$@\"");
    let mut words: Vec<String> = unshare.iter().map(|word| (*word).to_owned()).collect();
    words.extend(["sh", "-c", script.as_str(), "sh"].map(str::to_owned));
    words
}

#[test]
fn a_file_larger_than_the_room_is_refused_by_the_mutation_too() {
    let folder = Folder::new();
    let data_dir = folder.path().join("data");
    std::fs::create_dir_all(&data_dir).unwrap();
    let options = Options {
        data_dir: Some(data_dir.clone()),
        wrapper: on_a_small_disk(&data_dir.display().to_string()),
        ..Options::default()
    };
    let server = Server::start_with(options, None);
    let client = server.client();
    let query = "mutation U($file: Upload!) { upload(file: $file, name: \"big\", wait: 60) { job { status } } }";
    let bytes = generation(1, 600_000);
    let answer =
        client.upload_mutation(query, &json!({ "file": null }), ("big.csv", bytes.as_bytes()));
    assert_eq!(answer.code(), "STORAGE_UNAVAILABLE", "{}", answer.text);
    assert_eq!(server.anonymous().get("/healthz").status, 200);
}
