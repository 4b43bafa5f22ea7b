//! What a crash between a commit of files and the catalog leaves, and what a start makes of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use uuid::Uuid;

use super::batch::table_of;
use super::recover::{self, CommitRecord};
use crate::catalog::Catalog;
use crate::catalog::access::PublicRead;
use crate::catalog::edits::{Edit, KeptAnswer, VersionAction, VersionRecord};
use crate::catalog::model::{Dataset, LoadMode, WorkspaceId};
use crate::catalog::testing::Bench;
use crate::config::Settings;
use crate::ingest::{Ingest, UploadRequest};
use crate::store::Store;
use crate::store::run::Bind;
use crate::store::write::{Change, Logged};

struct App {
    catalog: Arc<Catalog>,
    store: Arc<Store>,
    ingest: Arc<Ingest>,
    workspace: WorkspaceId,
}

impl App {
    async fn start(settings: &Settings) -> App {
        let catalog = Arc::new(Catalog::open(settings).await.unwrap());
        let store = Arc::new(Store::open(settings).await.unwrap());
        recover::recover(&catalog, &store).await.unwrap();
        let ingest =
            Ingest::open(Arc::clone(&catalog), Arc::clone(&store), settings).await.unwrap();
        let workspace = catalog.default_workspace();
        App { catalog, store, ingest, workspace }
    }

    async fn stop(self) {
        self.ingest.shutdown(Duration::from_secs(20)).await;
    }

    async fn load(&self, name: &str) {
        let text = Bytes::from("id,name\n1,a\n2,b\n3,c\n");
        let body = stream::iter([Ok::<_, io::Error>(text)]);
        let request = UploadRequest {
            file_name: format!("{name}.csv"),
            mode: LoadMode::Create,
            ..UploadRequest::default()
        };
        let id = self.ingest.receive(self.workspace, request, None, body).await.unwrap();
        let job = self.ingest.wait(self.workspace, id, Duration::from_secs(60)).await.unwrap();
        assert!(job.error.is_none(), "{job:?}");
        let dataset = self.dataset(name);
        self.catalog.expect_edits(self.workspace, &dataset).await.unwrap();
    }

    fn dataset(&self, name: &str) -> Arc<Dataset> {
        Arc::clone(self.catalog.snapshot(self.workspace).dataset(name).unwrap())
    }

    /// Ids and names, as the file has them.
    fn rows(&self, name: &str) -> Vec<(i64, i64, String)> {
        let Store::Sqlite(store) = &*self.store else { panic!("an embedded store") };
        let path = store.path_of(&self.dataset(name).storage);
        let connection = rusqlite::Connection::open(path).unwrap();
        let mut rows = connection.prepare("SELECT _row, c1, c2 FROM t ORDER BY _row").unwrap();
        let rows = rows.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// Changes the datasets: removes row 1, changes row 2, adds row 4; in all of their files or only
    /// in the first so many. The catalog is told nothing.
    fn commit(&self, names: &[&str], n_committed: usize) {
        let datasets: Vec<Arc<Dataset>> = names.iter().map(|name| self.dataset(name)).collect();
        let edits: Vec<Edit> = datasets.iter().map(|dataset| edit(dataset)).collect();
        let record = CommitRecord {
            id: Uuid::new_v4(),
            tables: datasets.iter().map(|dataset| dataset.storage.clone()).collect(),
            edits: edits.clone(),
            answers: vec![KeptAnswer {
                actor: "k".to_owned(),
                request_id: "r".to_owned(),
                sha256: "s".to_owned(),
                answer: "{}".to_owned(),
            }],
        };
        for (dataset, edit) in datasets.iter().zip(&edits).take(n_committed) {
            let deadline = Instant::now() + Duration::from_secs(60);
            let table = vec![table_of(dataset)];
            let mut session = self.store.begin_write(table, Vec::new(), deadline, true).unwrap();
            let version = dataset.version + 1;
            session.log(0, version, Logged::Deleted, &[1]).unwrap();
            session.delete(0, &[1]).unwrap();
            session.log(0, version, Logged::Updated, &[2]).unwrap();
            let set = Change::Set(Bind::Text("B".to_owned()));
            session.update(0, &[2], &[(1, set)]).unwrap();
            let row = vec![Bind::Int(9), Bind::Text("d".to_owned())];
            session.insert(0, edit.next_row_before, &[row.as_slice()]).unwrap();
            let text = serde_json::to_string(&record).unwrap();
            session.put_record(0, version, &text).unwrap();
            session.finish().unwrap();
        }
    }
}

fn edit(dataset: &Dataset) -> Edit {
    let next_row = dataset.next_row.unwrap();
    Edit {
        dataset: dataset.id,
        storage: dataset.storage.clone(),
        before: dataset.version,
        next_row_before: next_row,
        versions: vec![VersionRecord {
            version: dataset.version + 1,
            at_us: 5,
            actor: "k".to_owned(),
            action: VersionAction::Write,
            n_inserted: 1,
            n_updated: 1,
            n_deleted: 1,
            row_count: 3,
            next_row: next_row + 1,
        }],
        size_bytes: dataset.size_bytes,
    }
}

fn row(number: i64, id: i64, name: &str) -> (i64, i64, String) {
    (number, id, name.to_owned())
}

fn before() -> Vec<(i64, i64, String)> {
    vec![row(1, 1, "a"), row(2, 2, "b"), row(3, 3, "c")]
}

fn after() -> Vec<(i64, i64, String)> {
    vec![row(2, 2, "B"), row(3, 3, "c"), row(4, 9, "d")]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_does_not_wait_gives_way_to_who_writes_the_file() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    app.load("items").await;
    let Store::Sqlite(store) = &*app.store else { panic!("an embedded store") };
    let other = rusqlite::Connection::open(store.path_of(&app.dataset("items").storage)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let begin = |waits: bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        app.store.begin_write(vec![table_of(&app.dataset("items"))], Vec::new(), deadline, waits)
    };
    assert!(begin(false).is_err());
    other.execute_batch("COMMIT").unwrap();
    for waits in [false, true] {
        // What is left alone leaves the connection for the next one.
        let mut session = begin(waits).unwrap();
        session.delete(0, &[1]).unwrap();
        session.abandon();
        assert_eq!(app.rows("items").len(), 3);
    }
    let mut session = begin(false).unwrap();
    session.delete(0, &[1]).unwrap();
    session.finish().unwrap();
    assert_eq!(app.rows("items").len(), 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_forgets_the_oldest_of_its_commits() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    app.load("items").await;
    let dataset = app.dataset("items");
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut session =
        app.store.begin_write(vec![table_of(&dataset)], Vec::new(), deadline, true).unwrap();
    for version in 2..=2_100 {
        session.put_record(0, version, "{}").unwrap();
    }
    session.finish().unwrap();
    let kept = app.store.records_after(&dataset.storage, 0).unwrap();
    let (oldest, newest) = (kept.first().unwrap().0, kept.last().unwrap().0);
    assert_eq!(newest, 2_100);
    assert!((1_000..=1_100).contains(&(newest - oldest)), "{oldest}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_two_files_is_undone() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    for name in ["one", "two"] {
        app.load(name).await;
    }
    app.commit(&["one", "two"], 1);
    assert_eq!((app.rows("one"), app.rows("two")), (after(), before()));
    app.stop().await;

    let app = App::start(&bench.settings).await;
    for name in ["one", "two"] {
        assert_eq!(app.rows(name), before(), "{name}");
        assert_eq!(app.dataset(name).version, 1);
    }
    // And nothing is left that a next change would stumble over.
    app.commit(&["one"], 1);
    app.stop().await;
    let app = App::start(&bench.settings).await;
    assert_eq!(app.rows("one"), after());
    assert_eq!(app.dataset("one").version, 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_all_files_have_is_published() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    for name in ["one", "two", "three"] {
        app.load(name).await;
    }
    app.commit(&["one", "two"], 2);
    app.commit(&["three"], 1);
    app.stop().await;

    let app = App::start(&bench.settings).await;
    for name in ["one", "two", "three"] {
        let dataset = app.dataset(name);
        assert_eq!(app.rows(name), after(), "{name}");
        assert_eq!((dataset.version, dataset.row_count, dataset.next_row), (2, 3, Some(5)));
    }
    let kept = app.catalog.kept_answer(app.workspace, "k", "r").await.unwrap();
    assert_eq!(kept, Some(("s".to_owned(), "{}".to_owned())));
    app.stop().await;
    // A third start finds nothing to do.
    let app = App::start(&bench.settings).await;
    assert_eq!(app.dataset("one").version, 2);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_told_late_and_misses_nothing() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    app.load("one").await;
    let other = Catalog::open_shared(&bench.settings).await.unwrap();
    for round in 1..=20 {
        let edits = vec![edit(&app.dataset("one"))];
        let answer = KeptAnswer {
            actor: "k".to_owned(),
            request_id: format!("r{round}"),
            sha256: "s".to_owned(),
            answer: "{}".to_owned(),
        };
        let room = app.catalog.make_room(app.workspace, &edits).await.unwrap();
        app.catalog.publish_committed(app.workspace, room, edits, vec![answer]).await.unwrap();
        // Seen at once, whatever the tables say.
        assert_eq!(app.dataset("one").version, round + 1);
        let kept = app.catalog.kept_answer(app.workspace, "k", &format!("r{round}")).await.unwrap();
        assert!(kept.is_some(), "the answer of round {round}");
        // A command beside the server comes in between.
        let public = [PublicRead::All, PublicRead::Nothing][usize::from(round % 2 == 0)].clone();
        other.set_public_read(app.workspace, &public).await.unwrap();
        app.catalog.refresh(app.workspace).await.unwrap();
        let snapshot = app.catalog.snapshot(app.workspace);
        assert_eq!(snapshot.access.public_read, public, "round {round}");
        let theirs = other.refresh(app.workspace).await.unwrap();
        assert_eq!(theirs.revision, snapshot.revision, "round {round}");
        assert_eq!(theirs.dataset("one").unwrap().version, round + 1);
    }
    let id = app.dataset("one").id;
    let versions = app.catalog.versions(app.workspace, id, 100, 0).await.unwrap();
    assert_eq!(versions.first().map(|line| line.record.version), Some(21));
    app.stop().await;
}
