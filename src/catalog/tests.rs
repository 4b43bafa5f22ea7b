//! Tests of the catalog on both databases.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Instant;

use futures_util::future::join_all;
use sea_orm::{ActiveModelTrait, IntoActiveModel};
use sluice_migration::{Migrator, MigratorTrait};
use sluice_schema::{ColumnType, Evidence, Notation};

use super::entities::rejects;
use super::model::{
    Column, Index, JobId, JobKind, JobOutcome, JobStatus, LoadMode, RejectCell, RejectedRow,
    RejectsBefore, Scope, Source, StorageGuard,
};
use super::testing::{Bench, Way};
use super::*;
use crate::error::{Code, Error};

fn new_job(catalog: &Catalog, name: &str) -> NewJob {
    NewJob {
        id: JobId(Uuid::now_v7()),
        workspace: catalog.default_workspace(),
        kind: JobKind::Load,
        dataset_name: name.to_owned(),
        dataset_label: format!("{name}\0.csv"),
        mode: LoadMode::Replace,
        source: Source { sha256: "ab".repeat(32), file_name: "a.csv".to_owned(), size_bytes: 7 },
        options: "{}".to_owned(),
        request_id: None,
        created_by: None,
    }
}

fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        physical: "c1".to_owned(),
        label: name.to_owned(),
        column_type,
        notation: Notation::default(),
        nullable: true,
        declared: false,
        required: false,
        unique: false,
        generated: false,
        description: None,
        n_nulls: 0,
        evidence: Evidence::default(),
    }
}

fn dataset(name: &str, version: i64) -> Dataset {
    Dataset {
        id: DatasetId(Uuid::now_v7()),
        name: name.to_owned(),
        type_name: sluice_schema::naming::type_name(name),
        label: name.to_owned(),
        description: None,
        version,
        row_count: 3,
        size_bytes: 100,
        columns: Arc::from([
            column("id", ColumnType::Int),
            column("price", ColumnType::Decimal { precision: 9, scale: 2 }),
        ]),
        key: 0,
        storage: StorageId::new(),
        guard: StorageGuard::default(),
        indexes: Vec::new(),
        relations: Vec::new(),
        old_names: Vec::new(),
        source: None,
        recipe: Default::default(),
        n_rejects: 0,
        notices: Arc::from([]),
        created_at_us: 1,
        updated_at_us: 2,
        next_row: None,
        versions: Arc::from([]),
    }
}

/// Runs a job that publishes this dataset.
async fn publish(
    catalog: &Catalog,
    dataset: Dataset,
    rejects: Vec<RejectedRow>,
) -> Result<Arc<Dataset>, CatalogError> {
    let job = new_job(catalog, &dataset.name);
    catalog.enqueue(&job).await?;
    let claimed = loop {
        // Another test of ours may have taken it: then it publishes for both.
        if let Some(claimed) = catalog.claim(false).await? {
            break claimed;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let publication = Publication {
        job: claimed.id,
        attempt: claimed.attempt,
        versions: vec![new_version(dataset, rejects)],
        unchanged: Vec::new(),
        notices: Vec::new(),
        outcome: JobOutcome::default(),
    };
    let published = catalog.publish(catalog.default_workspace(), publication).await;
    if let Err(error) = &published {
        catalog
            .finish_job(
                claimed.id,
                JobStatus::Failed,
                Some(("X", &error.to_string())),
                &JobOutcome::default(),
            )
            .await?;
    }
    Ok(published?.remove(0))
}

/// A version that has all indexes of the one before.
fn new_version(dataset: Dataset, rejects: Vec<RejectedRow>) -> NewVersion {
    let indexes_before = dataset.indexes.iter().map(|index| index.name.clone()).collect();
    NewVersion {
        dataset,
        rejects,
        rejects_before: RejectsBefore::Drop,
        indexes_before,
        counts: Default::default(),
        origin: history::Origin::new("", edits::VersionAction::Create),
    }
}

/// The version after `old`, in a table of its own.
fn next(old: &Dataset) -> Dataset {
    Dataset { version: old.version + 1, storage: StorageId::new(), ..old.clone() }
}

#[tokio::test]
async fn the_folder_has_one_owner_and_opens_again() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        assert!(matches!(Catalog::open(&bench.settings).await, Err(CatalogError::Locked)));
        let beside = Catalog::open_shared(&bench.settings).await.unwrap();
        assert_eq!(beside.default_workspace(), catalog.default_workspace());
        let made = publish(&catalog, dataset("orders", 1), Vec::new()).await.unwrap();
        catalog.ping().await.unwrap();
        let workspace = catalog.default_workspace();
        let revision = catalog.snapshot(workspace).revision;
        drop((catalog, beside));

        let again = Catalog::open(&bench.settings).await.unwrap();
        let snapshot = again.snapshot(workspace);
        assert_eq!(snapshot.revision, revision);
        let found = snapshot.dataset("orders").unwrap();
        assert_eq!((found.id, found.version, found.key), (made.id, 1, 0));
        assert_eq!(found.columns[1].column_type, made.columns[1].column_type);
        assert_eq!(again.snapshot(WorkspaceId(Uuid::now_v7())).datasets().len(), 0);
        drop(again);
        bench.close().await;
    }
}

#[tokio::test]
async fn migrations_can_be_undone_and_redone() {
    for bench in Bench::all().await {
        let connections = connect::connect(&bench.settings).await.unwrap();
        Migrator::down(&connections.write, None).await.unwrap();
        Migrator::up(&connections.write, None).await.unwrap();
        sluice_migration::migrate(&connections.write).await.unwrap();
        ensure_workspace(&connections.write, "default").await.unwrap();
        drop(connections);
        bench.close().await;
    }
}

#[tokio::test]
async fn a_version_follows_the_one_before_it_or_is_refused() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        let workspace = catalog.default_workspace();
        let start = catalog.snapshot(workspace);
        let reject = RejectedRow {
            row: 2,
            column: "a\0b".to_owned(),
            value: "\0".to_owned(),
            reason: "r".to_owned(),
            cells: vec![RejectCell {
                name: "a".to_owned(),
                label: "a".to_owned(),
                value: Some("\0".to_owned()),
            }],
        };
        let first = publish(&catalog, dataset("orders", 1), vec![reject; 1_001]).await.unwrap();
        let one = catalog.snapshot(workspace);
        assert_eq!(one.revision, start.revision + 1);
        assert_eq!(one.schema_revision, start.schema_revision + 1);
        assert_eq!(rejects::Entity::find().count(&catalog.core.read).await.unwrap(), 1_001);

        let taken = publish(&catalog, dataset("orders", 1), Vec::new()).await;
        assert!(matches!(taken, Err(CatalogError::NameTaken(name)) if name == "orders"));
        assert_eq!(catalog.snapshot(workspace).revision, one.revision, "rolled back");

        let second = publish(&catalog, next(&first), Vec::new()).await.unwrap();
        let two = catalog.snapshot(workspace);
        assert_eq!(two.schema_revision, one.schema_revision, "the same columns");
        assert_eq!(two.dataset("orders").unwrap().storage, second.storage);
        assert_eq!(rejects::Entity::find().count(&catalog.core.read).await.unwrap(), 0);
        assert_eq!(
            catalog.retired_tables(i64::MAX).await.unwrap(),
            std::slice::from_ref(&first.storage)
        );
        assert!(catalog.is_named(&second.storage).await.unwrap());
        assert!(!catalog.is_named(&first.storage).await.unwrap());

        let late = publish(&catalog, next(&first), Vec::new()).await;
        assert!(matches!(late, Err(CatalogError::Changed)), "{late:?}");
        let mut wider = next(&second);
        let extra = column("extra", ColumnType::String);
        wider.columns = wider.columns.iter().cloned().chain([extra]).collect();
        publish(&catalog, wider, Vec::new()).await.unwrap();
        assert_eq!(catalog.snapshot(workspace).schema_revision, two.schema_revision + 1);

        let index = Index {
            name: "i1".to_owned(),
            columns: vec!["price".to_owned()],
            built_at_us: 5,
            ..Index::default()
        };
        let before = catalog.snapshot(workspace);
        let (of, id) = (&catalog, first.id);
        let change = |storage: StorageId, edit| async move {
            of.change_index(workspace, id, &storage, edit).await
        };
        let present = catalog.snapshot(workspace).dataset("orders").unwrap().storage.clone();
        let stale = change(StorageId::new(), IndexEdit::Add(index.clone())).await;
        assert!(matches!(stale, Err(CatalogError::Changed)), "{stale:?}");
        let indexed = change(present, IndexEdit::Add(index.clone())).await.unwrap();
        assert_eq!(indexed.indexes, [index]);
        let after = catalog.snapshot(workspace);
        assert_eq!(after.schema_revision, before.schema_revision);
        assert_eq!(after.revision, before.revision + 1);
        // A version that was made before does not know of the index.
        let unaware = Dataset { indexes: Vec::new(), ..next(&indexed) };
        let stale = publish(&catalog, unaware, Vec::new()).await;
        assert!(matches!(stale, Err(CatalogError::Changed)), "{stale:?}");
        publish(&catalog, next(&indexed), Vec::new()).await.unwrap();
        drop(catalog);
        bench.close().await;
    }
}

#[tokio::test]
async fn the_janitor_hears_of_a_replaced_table_when_its_last_reader_ends() {
    let bench = Bench::embedded();
    let catalog = Catalog::open(&bench.settings).await.unwrap();
    let mut janitor = catalog.take_janitor().unwrap();
    let first = publish(&catalog, dataset("orders", 1), Vec::new()).await.unwrap();
    let storage = first.storage.clone();
    let reader = catalog.snapshot(catalog.default_workspace());
    publish(&catalog, next(&first), Vec::new()).await.unwrap();
    drop(first);
    assert!(janitor.try_recv().is_err(), "a query still reads it");
    drop(reader);
    assert_eq!(janitor.try_recv().ok(), Some(storage));
}

#[tokio::test]
async fn jobs_of_one_dataset_run_in_the_order_of_acknowledgement() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        let workspace = catalog.default_workspace();
        let jobs = [new_job(&catalog, "a"), new_job(&catalog, "a"), new_job(&catalog, "b")];
        for job in &jobs {
            catalog.enqueue(job).await.unwrap();
        }
        let listed = catalog.jobs(workspace, 2, 0).await.unwrap();
        assert_eq!([listed[0].id, listed[1].id], [jobs[2].id, jobs[1].id], "newest first");

        let first = catalog.claim(false).await.unwrap().unwrap();
        let other = catalog.claim(false).await.unwrap().unwrap();
        assert_eq!([first.id, other.id], [jobs[0].id, jobs[2].id]);
        assert_eq!(first.dataset_label, "a\u{FFFD}.csv");
        assert!(catalog.claim(false).await.unwrap().is_none(), "the second waits for the first");
        catalog
            .finish_job(first.id, JobStatus::Failed, Some(("CODE", "why")), &JobOutcome::default())
            .await
            .unwrap();
        assert_eq!(catalog.claim(false).await.unwrap().unwrap().id, jobs[1].id);

        let failed = catalog.job(workspace, first.id).await.unwrap();
        assert_eq!(failed.status, JobStatus::Failed);
        assert_eq!(failed.error, Some(("CODE".to_owned(), "why".to_owned())));
        catalog
            .finish_job(first.id, JobStatus::Succeeded, None, &JobOutcome::default())
            .await
            .unwrap();
        let still = catalog.job(workspace, first.id).await.unwrap();
        assert_eq!(still.status, JobStatus::Failed, "an end is an end");
        let elsewhere = catalog.job(WorkspaceId(Uuid::now_v7()), first.id).await;
        assert!(matches!(elsewhere, Err(CatalogError::NotFound)));
        drop(catalog);
        bench.close().await;
    }
}

#[tokio::test]
async fn a_crash_gives_a_job_three_beginnings() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        let workspace = catalog.default_workspace();
        let job = new_job(&catalog, "a");
        catalog.enqueue(&job).await.unwrap();
        drop(catalog);
        for attempt in 1..=MAX_ATTEMPTS {
            let catalog = Catalog::open(&bench.settings).await.unwrap();
            assert_eq!(catalog.recover_jobs().await.unwrap(), [job.id]);
            assert_eq!(catalog.claim(false).await.unwrap().unwrap().attempt, attempt);
        }
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        assert_eq!(catalog.recover_jobs().await.unwrap(), []);
        let ended = catalog.job(workspace, job.id).await.unwrap();
        assert_eq!(ended.status, JobStatus::Failed);
        assert_eq!(ended.error.unwrap().0, "INTERNAL");
        drop(catalog);
        bench.close().await;
    }
}

#[tokio::test]
async fn a_cancelled_job_does_not_publish() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        let workspace = catalog.default_workspace();
        let job = new_job(&catalog, "a");
        catalog.enqueue(&job).await.unwrap();
        catalog.cancel_job(workspace, job.id).await.unwrap();
        assert!(catalog.claim(false).await.unwrap().is_none());
        let job = new_job(&catalog, "a");
        catalog.enqueue(&job).await.unwrap();
        let claimed = catalog.claim(false).await.unwrap().unwrap();
        catalog.cancel_job(workspace, job.id).await.unwrap();
        assert_eq!(catalog.beat().await.unwrap(), [job.id]);
        let publication = Publication {
            job: job.id,
            attempt: claimed.attempt,
            versions: vec![new_version(dataset("a", 1), Vec::new())],
            unchanged: Vec::new(),
            notices: Vec::new(),
            outcome: JobOutcome::default(),
        };
        let refused = catalog.publish(workspace, publication).await;
        assert!(matches!(refused, Err(CatalogError::Cancelled)), "{refused:?}");
        assert_eq!(catalog.snapshot(workspace).datasets().len(), 0);
        let unknown = catalog.cancel_job(workspace, JobId(Uuid::now_v7())).await;
        assert!(matches!(unknown, Err(CatalogError::NotFound)));
        drop(catalog);
        bench.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_publications_at_once_are_all_there() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        let beside = Catalog::open_shared(&bench.settings).await.unwrap();
        let workspace = catalog.default_workspace();
        let publications = (0..30).map(|n| {
            let catalog = &catalog;
            async move { publish(catalog, dataset(&format!("d{n}"), 1), Vec::new()).await }
        });
        // A command line beside it writes too: nobody hears "database is locked".
        let keys = (0..30).map(|n| {
            let beside = &beside;
            async move { beside.add_key(&key(beside, n), &[n; 32]).await }
        });
        let (published, added) = tokio::join!(join_all(publications), join_all(keys));
        for outcome in published {
            outcome.unwrap();
        }
        for outcome in added {
            outcome.unwrap();
        }
        let snapshot = catalog.snapshot(workspace);
        assert_eq!(snapshot.datasets().len(), 30);
        assert_eq!(snapshot.revision, 31);
        let fresh = beside.refresh(workspace).await.unwrap();
        assert_eq!((fresh.datasets().len(), fresh.revision), (30, 31));
        drop((catalog, beside));
        bench.close().await;
    }
}

fn key(catalog: &Catalog, n: u8) -> ApiKey {
    ApiKey {
        prefix: format!("slu_{n:08}"),
        name: "k".to_owned(),
        scope: Scope::Upload,
        workspace: catalog.default_workspace(),
        created_at_us: i64::from(n),
        expires_at_us: None,
        revoked_at_us: None,
        last_used_at_us: None,
        role: None,
        datasets: None,
        claims: serde_json::Map::new(),
        created_by: None,
        saved_queries: None,
    }
}

#[tokio::test]
async fn keys_are_found_by_hash_listed_and_revoked() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        let workspace = catalog.default_workspace();
        assert!(catalog.has_no_keys().await.unwrap());
        catalog.add_key(&key(&catalog, 1), &[1; 32]).await.unwrap();
        let twice = catalog.add_key(&key(&catalog, 1), &[2; 32]).await;
        assert!(matches!(twice, Err(CatalogError::NameTaken(_))));
        let found = catalog.find_key(&[1; 32]).await.unwrap().unwrap();
        assert_eq!((found.prefix.as_str(), found.scope), ("slu_00000001", Scope::Upload));
        assert!(catalog.find_key(&[9; 32]).await.unwrap().is_none());
        catalog.touch_key(&found.prefix, 77).await.unwrap();
        catalog.revoke_key(workspace, &found.prefix).await.unwrap();
        let revoked_at_us = catalog.keys(workspace).await.unwrap()[0].revoked_at_us.unwrap();
        catalog.revoke_key(workspace, &found.prefix).await.unwrap();
        let listed = catalog.keys(workspace).await.unwrap();
        assert_eq!(listed[0].revoked_at_us, Some(revoked_at_us));
        assert_eq!(listed[0].last_used_at_us, Some(77));
        let elsewhere = catalog.revoke_key(WorkspaceId(Uuid::now_v7()), &found.prefix).await;
        assert!(matches!(elsewhere, Err(CatalogError::NotFound)));
        assert_eq!(catalog.fact("f", "first").await.unwrap(), "first");
        assert_eq!(catalog.fact("f", "second").await.unwrap(), "first");
        drop(catalog);
        bench.close().await;
    }
}

#[tokio::test]
async fn another_node_hears_of_changes_and_removals() {
    let Some(bench) = Bench::postgres().await else { return };
    let here = Catalog::open(&bench.settings).await.unwrap();
    let there = Catalog::open(&bench.other_node()).await.unwrap();
    let workspace = here.default_workspace();
    // Its listener connects in the background.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let first = publish(&here, dataset("orders", 1), Vec::new()).await.unwrap();
    let began = Instant::now();
    until(|| there.snapshot(workspace).dataset("orders").is_some()).await;
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    publish(&there, dataset("more", 1), Vec::new()).await.unwrap();
    publish(&here, next(&first), Vec::new()).await.unwrap();
    until(|| {
        here.snapshot(workspace).datasets().len() == 2
            && there.snapshot(workspace).dataset("orders").unwrap().version == 2
    })
    .await;

    // A removal as a later version of this code will do it.
    datasets::Entity::delete_by_id(first.id.0.to_string()).exec(&here.core.write).await.unwrap();
    let row = workspace_rows::Entity::find_by_id(workspace.0.to_string())
        .one(&here.core.write)
        .await
        .unwrap()
        .unwrap();
    let revision = row.revision + 1;
    let mut row = row.into_active_model();
    row.revision = Set(revision);
    row.update(&here.core.write).await.unwrap();
    until(|| there.snapshot(workspace).dataset("orders").is_none()).await;
    assert_eq!(there.snapshot(workspace).datasets().len(), 1);
    drop((here, there));
    bench.close().await;
}

#[tokio::test]
async fn a_database_that_goes_away_is_told_and_comes_back() {
    let Some(mut bench) = Bench::postgres().await else { return };
    let way = Way::to(bench.settings.database_url.as_deref().unwrap()).await;
    bench.settings.database_url = Some(way.url.clone());
    let catalog = Catalog::open(&bench.settings).await.unwrap();
    let workspace = catalog.default_workspace();
    publish(&catalog, dataset("orders", 1), Vec::new()).await.unwrap();
    way.cut();
    let began = Instant::now();
    let error = Error::from(catalog.jobs(workspace, 1, 0).await.unwrap_err());
    assert_eq!(error.code, Code::StorageUnavailable, "{error:?}");
    let error = Error::from(catalog.enqueue(&new_job(&catalog, "a")).await.unwrap_err());
    assert_eq!(error.code, Code::StorageUnavailable, "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    assert!(catalog.snapshot(workspace).dataset("orders").is_some(), "snapshots stay");
    way.restore();
    catalog.jobs(workspace, 1, 0).await.unwrap();
    catalog.enqueue(&new_job(&catalog, "a")).await.unwrap();
    drop(catalog);
    bench.close().await;
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(10), "it did not come about");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn workspaces_take_turns() {
    for bench in Bench::all().await {
        let catalog = Catalog::open(&bench.settings).await.unwrap();
        let other = ensure_workspace(&catalog.core.write, "other").await.unwrap();
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            let job = new_job(&catalog, name);
            ids.push(job.id);
            catalog.enqueue(&job).await.unwrap();
        }
        let late = NewJob { workspace: other, ..new_job(&catalog, "late") };
        catalog.enqueue(&late).await.unwrap();
        let mut claimed = Vec::new();
        while let Some(job) = catalog.claim(false).await.unwrap() {
            claimed.push(job.id);
        }
        assert_eq!(claimed, [ids[0], late.id, ids[1], ids[2]]);
        drop(catalog);
        bench.close().await;
    }
}
