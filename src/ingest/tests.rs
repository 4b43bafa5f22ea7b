//! Tests of ingest on both stores, with real files and the real reader.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::io;
use std::time::Instant;

use futures_util::stream;

use super::*;
use crate::catalog::IndexEdit;
use crate::catalog::model::{Dataset, Index, IndexKind, JobStatus, StorageId};
use crate::catalog::testing::{Bench, Way};
use crate::error::Code;

/// All that a server has for ingest.
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
        let ingest =
            Ingest::open(Arc::clone(&catalog), Arc::clone(&store), settings).await.unwrap();
        let workspace = catalog.default_workspace();
        App { catalog, store, ingest, workspace }
    }

    async fn stop(self) {
        self.ingest.shutdown(Duration::from_secs(20)).await;
    }

    async fn send(&self, name: &str, mode: LoadMode, text: impl Into<Bytes>) -> Result<JobId> {
        let body = stream::iter([Ok::<_, io::Error>(text.into())]);
        self.ingest.receive(self.workspace, request(name, mode), None, body).await
    }

    async fn end_of(&self, id: JobId) -> Job {
        let limit = Duration::from_secs(60);
        let job = self.ingest.wait(self.workspace, id, limit).await.unwrap();
        assert!(job.status.is_final(), "{job:?}");
        job
    }

    async fn load(&self, name: &str, mode: LoadMode, text: impl Into<Bytes>) -> Job {
        let id = self.send(name, mode, text).await.unwrap();
        self.end_of(id).await
    }

    fn dataset(&self, name: &str) -> Arc<Dataset> {
        let snapshot = self.catalog.snapshot(self.workspace);
        Arc::clone(snapshot.dataset(name).unwrap())
    }

    async fn tables(&self) -> Vec<StorageId> {
        loop {
            // After an outage each of the pool's connections fails once.
            if let Ok(tables) = self.store.list_tables().await {
                return tables;
            }
        }
    }

    async fn until_tables(&self, n_tables: usize) {
        let began = Instant::now();
        while self.tables().await.len() != n_tables {
            assert!(began.elapsed() < Duration::from_secs(10), "{:?}", self.tables().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn request(name: &str, mode: LoadMode) -> UploadRequest {
    UploadRequest { file_name: format!("{name}.csv"), mode, ..UploadRequest::default() }
}

fn names(dataset: &Dataset) -> Vec<&str> {
    dataset.columns.iter().map(|column| column.name.as_str()).collect()
}

/// A file of some megabytes, so that there is time to act while it is loaded.
fn large(n_rows: usize) -> String {
    let mut text = String::from("id,name,price\n");
    for n in 0..n_rows {
        text.push_str(&format!("{n},customer number {n},{}.50\n", n % 1_000));
    }
    text
}

fn spool_of(bench: &Bench) -> usize {
    fs::read_dir(bench.settings.data_dir.join("spool")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_becomes_a_dataset_and_a_later_one_replaces_it() {
    for bench in Bench::all().await {
        let app = App::start(&bench.settings).await;
        let job = app
            .load("Big Orders", LoadMode::Create, "id,Order Date,total\n1,2024-01-02,1.50\n2,,2\n")
            .await;
        assert_eq!(job.status, JobStatus::Succeeded, "{job:?}");
        assert_eq!((job.rows_done, job.bytes_done, job.bytes_total), (2, 43, Some(43)));
        let first = app.dataset("bigOrders");
        assert_eq!(job.datasets, [first.id]);
        assert_eq!((first.version, first.row_count, first.key), (1, 2, 0));
        assert_eq!(names(&first), ["id", "orderDate", "total"]);
        assert_eq!(first.indexes[0].kind, IndexKind::Key);
        assert_eq!(first.source.as_ref().unwrap().size_bytes, 43);
        let source = app.ingest.shared.folders.source_path(&first.source.as_ref().unwrap().sha256);
        assert_eq!(fs::read(source).unwrap().len(), 43);
        assert_eq!(spool_of(&bench), 0);

        let taken = app.send("big orders", LoadMode::Create, "x\n1\n").await.unwrap_err();
        assert_eq!(taken.code, Code::Conflict, "{taken}");

        let job =
            app.load("bigOrders", LoadMode::Replace, "Order Date,id\nsoon,1\nlater,1\n").await;
        assert_eq!(job.status, JobStatus::Succeeded, "{job:?}");
        let second = app.dataset("bigOrders");
        assert_eq!((second.id, second.version), (first.id, 2));
        assert_eq!(second.label, first.label);
        assert_eq!(names(&second), ["id", "orderDate", "originalId"]);
        assert!(second.columns[0].generated);
        // The first version is still read here: on the embedded store its table stays.
        if !app.catalog.is_postgres() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(app.tables().await.len(), 2);
            drop(first);
            app.until_tables(1).await;
        }
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_file_fails_with_a_reason_and_the_old_version_answers() {
    for bench in Bench::all().await {
        let app = App::start(&bench.settings).await;
        app.load("orders", LoadMode::Create, "a\n1\n").await;
        let before = app.dataset("orders");
        let pdf = &b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"[..];
        for (text, code) in [(pdf, "UNSUPPORTED_FILE"), (&b""[..], "FILE_REJECTED")] {
            let job = app.load("orders", LoadMode::Replace, text).await;
            assert_eq!(job.status, JobStatus::Failed);
            let (found, message) = job.error.unwrap();
            assert_eq!(found, code, "{message}");
            assert!(message.ends_with('.') && !message.contains('/'), "{message}");
        }
        assert_eq!(app.dataset("orders").storage, before.storage);
        assert_eq!(app.tables().await, std::slice::from_ref(&before.storage));
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_creations_of_one_name_one_wins() {
    for bench in Bench::all().await {
        let app = App::start(&bench.settings).await;
        let (one, two) = tokio::join!(
            app.send("orders", LoadMode::Create, "a\n1\n"),
            app.send("orders", LoadMode::Create, "a\n2\n"),
        );
        let mut ended = Vec::new();
        for id in [one, two].into_iter().flatten() {
            ended.push(app.end_of(id).await);
        }
        let n_won = ended.iter().filter(|job| job.status == JobStatus::Succeeded).count();
        assert_eq!(n_won, 1);
        for job in ended.iter().filter(|job| job.status == JobStatus::Failed) {
            assert_eq!(job.error.as_ref().unwrap().0, "CONFLICT");
        }
        app.until_tables(1).await;
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_replacements_the_last_acknowledged_stays() {
    for bench in Bench::all().await {
        let app = App::start(&bench.settings).await;
        let mut ids = Vec::new();
        for n in 0..6 {
            // The earlier ones are larger, so that they would end later if they ran at once.
            let rows = "x\n".repeat((6 - n) * 2_000);
            let text = format!("v{n}\n{rows}");
            ids.push(app.send("orders", LoadMode::Replace, text).await.unwrap());
        }
        for id in ids {
            assert_eq!(app.end_of(id).await.status, JobStatus::Succeeded);
        }
        let last = app.dataset("orders");
        assert_eq!((last.version, last.row_count), (6, 2_000));
        assert_eq!(names(&last), ["id", "v5"]);
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_can_be_cancelled_while_it_waits_and_while_it_runs() {
    for mut bench in Bench::all().await {
        bench.settings.load_concurrency = 1;
        let app = App::start(&bench.settings).await;
        let running = app.send("a", LoadMode::Create, large(400_000)).await.unwrap();
        let waiting = app.send("b", LoadMode::Create, "x\n1\n").await.unwrap();
        let cancelled = app.ingest.cancel(app.workspace, waiting).await.unwrap();
        assert_eq!(cancelled.status, JobStatus::Cancelled);
        let seen = app.ingest.job(app.workspace, running).await.unwrap();
        if !seen.status.is_final() {
            app.ingest.cancel(app.workspace, running).await.unwrap();
            assert_eq!(app.end_of(running).await.status, JobStatus::Cancelled);
            app.until_tables(0).await;
            assert_eq!(app.catalog.snapshot(app.workspace).datasets().len(), 0);
        }
        let again = app.ingest.cancel(app.workspace, running).await.unwrap();
        assert!(again.status.is_final());
        let unknown = app.ingest.cancel(app.workspace, JobId(Uuid::now_v7())).await.unwrap_err();
        assert_eq!(unknown.code, Code::NotFound);
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_seen_and_waiting_ends_with_the_job() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    let text = large(300_000);
    let n_bytes = i64::try_from(text.len()).unwrap();
    let id = app.send("a", LoadMode::Create, text).await.unwrap();
    let at_once = app.ingest.wait(app.workspace, id, Duration::ZERO).await.unwrap();
    assert_eq!(at_once.bytes_total, Some(n_bytes));
    let mut phases = Vec::new();
    let job = loop {
        let job = app.ingest.job(app.workspace, id).await.unwrap();
        assert!((0..=n_bytes).contains(&job.bytes_done), "{job:?}");
        phases.extend(job.phase);
        if job.status.is_final() {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    phases.dedup();
    assert_eq!(job.status, JobStatus::Succeeded, "{job:?}");
    assert!(phases.contains(&"UNDERSTAND") && phases.contains(&"LOAD"), "{phases:?}");
    assert_eq!(job.rows_done, 300_000);
    assert!(app.ingest.shared.live.lock().unwrap().is_empty());
    let listed = app.ingest.jobs(app.workspace, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_jobs_go_on_and_leftovers_are_gone() {
    for bench in Bench::all().await {
        let (job, kept) = {
            let app = App::start(&bench.settings).await;
            app.load("kept", LoadMode::Create, "a\n1\n").await;
            let kept = app.dataset("kept").storage.clone();
            // No runner is left that could take the next one.
            app.ingest.shutdown(Duration::from_secs(10)).await;
            let job = app.send("orders", LoadMode::Create, "a,b\n1,2\n").await.unwrap();
            // A runner took it and died with a table half made.
            assert_eq!(app.catalog.claim(false).await.unwrap().unwrap().id, job);
            (job, kept)
        };
        let data_dir = &bench.settings.data_dir;
        fs::write(data_dir.join("spool/half"), "a,b\n1").unwrap();
        fs::create_dir_all(data_dir.join("sources/ff")).unwrap();
        let orphan = data_dir.join("sources/ff").join("ff".repeat(32));
        fs::write(&orphan, "nobody's").unwrap();
        let rubbish = data_dir.join(format!("datasets/{}.db", StorageId::new().as_str()));
        if bench.settings.database_url.is_none() {
            fs::write(&rubbish, "half a database").unwrap();
        }

        let app = App::start(&bench.settings).await;
        assert!(!orphan.try_exists().unwrap());
        assert!(!rubbish.try_exists().unwrap_or(false));
        assert_eq!(spool_of(&bench), 0);
        let ended = app.end_of(job).await;
        assert_eq!(ended.status, JobStatus::Succeeded, "{ended:?}");
        assert_eq!(app.dataset("orders").row_count, 1);
        assert!(app.tables().await.contains(&kept));
        assert_eq!(app.tables().await.len(), 2);
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_leaves_the_job_to_the_next_start() {
    for bench in Bench::all().await {
        let app = App::start(&bench.settings).await;
        let id = app.send("a", LoadMode::Create, large(400_000)).await.unwrap();
        app.ingest.shutdown(Duration::ZERO).await;
        let left = app.ingest.job(app.workspace, id).await.unwrap();
        assert_eq!(left.status, JobStatus::Queued, "{left:?}");
        assert_eq!(app.tables().await, []);
        drop(app);
        let app = App::start(&bench.settings).await;
        assert_eq!(app.end_of(id).await.status, JobStatus::Succeeded);
        assert_eq!(app.dataset("a").row_count, 400_000);
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_job_ends_the_job_alone() {
    for bench in Bench::all().await {
        let app = App::start(&bench.settings).await;
        app.load("orders", LoadMode::Create, "a\n1\n").await;
        let job = app.load(runner::PANICS, LoadMode::Create, "a\n1\n").await;
        assert_eq!(job.status, JobStatus::Failed);
        let (code, message) = job.error.unwrap();
        assert_eq!(code, "INTERNAL");
        assert!(!message.contains("table"), "{message}");
        app.until_tables(1).await;
        let job = app.load("more", LoadMode::Create, "a\n1\n").await;
        assert_eq!(job.status, JobStatus::Succeeded, "the runner lives on");
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_lost_fails_its_job_alone() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    app.ingest.shutdown(Duration::from_secs(10)).await;
    let id = app.send("orders", LoadMode::Create, "a\n1\n").await.unwrap();
    drop(app);
    fs::remove_dir_all(bench.settings.data_dir.join("sources")).unwrap();
    let app = App::start(&bench.settings).await;
    let job = app.end_of(id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert_eq!(job.error.unwrap().0, "STORAGE_UNAVAILABLE");
    let job = app.load("orders", LoadMode::Create, "a\n1\n").await;
    assert_eq!(job.status, JobStatus::Succeeded);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_that_people_made_stay_across_uploads() {
    for bench in Bench::all().await {
        let app = App::start(&bench.settings).await;
        app.load("orders", LoadMode::Create, "id,Total,Note\n1,5,x\n2,6,y\n").await;
        let first = app.dataset("orders");
        let index = |name: &str, column: &str| Index {
            name: name.to_owned(),
            columns: vec![column.to_owned()],
            built_at_us: 1,
            ..Index::default()
        };
        for made in [index("i_total", "total"), index("i_note", "note")] {
            let edit = IndexEdit::Add(made);
            let change = app.catalog.change_index(app.workspace, first.id, &first.storage, edit);
            change.await.unwrap();
        }
        let job = app.load("orders", LoadMode::Replace, "Total,id\n7,1\n8,2\n9,3\n").await;
        assert_eq!(job.status, JobStatus::Succeeded, "{job:?}");
        let second = app.dataset("orders");
        let kept: Vec<&str> = second.indexes.iter().map(|index| index.name.as_str()).collect();
        assert_eq!(kept, ["key", "i_c1"]);
        assert_eq!(names(&second), ["total", "id"]);
        app.stop().await;
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_outlives_an_outage_of_the_database() {
    let Some(mut bench) = Bench::postgres().await else { return };
    let way = Way::to(bench.settings.database_url.as_deref().unwrap()).await;
    bench.settings.database_url = Some(way.url.clone());
    let app = App::start(&bench.settings).await;
    let id = app.send("a", LoadMode::Create, large(200_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    way.cut();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let away = app.send("b", LoadMode::Create, "x\n1\n").await.unwrap_err();
    assert_eq!(away.code, Code::StorageUnavailable);
    way.restore();
    let ended = loop {
        let job = app.ingest.wait(app.workspace, id, Duration::from_secs(60)).await;
        if let Ok(job) = job {
            break job;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(ended.status, JobStatus::Succeeded, "{ended:?}");
    assert_eq!(app.dataset("a").row_count, 200_000);
    app.until_tables(1).await;
    app.stop().await;
    bench.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_this_machine_is_loaded_and_stays() {
    let bench = Bench::embedded();
    let app = App::start(&bench.settings).await;
    let path = bench.settings.data_dir.join("mine.csv");
    fs::write(&path, "a\n1\n").unwrap();
    let with_name =
        UploadRequest { name: Some("jobs".to_owned()), ..request("mine", LoadMode::Replace) };
    let id = app.ingest.receive_file(app.workspace, with_name, &path).await.unwrap();
    let job = app.end_of(id).await;
    assert_eq!(job.dataset_name, "jobsData");
    let dataset = app.dataset("jobsData");
    assert_eq!(dataset.source.as_ref().unwrap().file_name, "mine.csv");
    assert!(dataset.notices.iter().any(|notice| notice.message.contains("jobsData")));
    assert!(path.try_exists().unwrap());
    let missing = request("x", LoadMode::Replace);
    let gone = bench.settings.data_dir.join("nothing.csv");
    let error = app.ingest.receive_file(app.workspace, missing, &gone).await.unwrap_err();
    assert_eq!(error.code, Code::NotFound);
    app.stop().await;
}
