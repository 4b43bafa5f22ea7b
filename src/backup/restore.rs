//! Reads an archive: checks it, makes a store of it, or makes one for a moment to see that it can.
//!
//! An archive is read to its end before anything of it counts. A store is filled under other names,
//! or in one transaction, so that a restore that fails leaves nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::OpenFlags;
use sluice_migration::{Migrator, MigratorTrait};
use zeroize::Zeroizing;

use super::archive::{
    self, CATALOG, Contents, DATASETS, DUMP, FACTS, NODE, SECRETS, SOURCES, Sink, StoreKind,
    Summary, Table,
};
use super::make::{API_KEY_SALT, SECRET_KEY, SECRET_KEY_PREVIOUS, blocking, close, salt_tag};
use super::postgres::{Fill, SCHEMAS, Server, count};
use super::snapshot;
use super::work_folder::WorkFolder;
use super::{BackupError, Opener, Place};
use crate::config::{Secret, Settings};

/// Most bytes of sealed secrets or facts.
const MAX_SMALL_BYTES: u64 = 64 << 20;

/// A store that was filled, or would be.
#[derive(Debug)]
pub struct Restored {
    /// What the archive is of.
    pub summary: Summary,
    /// What it holds.
    pub contents: Contents,
    /// What the operator has to know, one sentence each.
    pub notes: Vec<String>,
}

/// What came of a restore that was tried.
#[derive(Debug)]
pub struct Drill {
    /// What the archive is of.
    pub summary: Summary,
    /// What it holds.
    pub contents: Contents,
    /// What is not as it was, one sentence each; empty when all is well.
    pub wrong: Vec<String>,
    /// How long the restore took, checks included.
    pub took: Duration,
}

/// Reads an archive to its end; all is as it was written if this gives no error.
///
/// # Errors
/// When it is damaged or cannot be read.
pub async fn verify(place: &Place, name: &str) -> Result<(Summary, Contents), BackupError> {
    let archive = place.open(name).await?;
    blocking(move || archive::read(archive, &mut Nothing)).await
}

/// Fills the empty store that the settings name; with `only_look`, tells what would be done.
///
/// # Errors
/// When the archive is damaged, of a newer release or of the other kind of store, when the store
/// holds data or is away; nothing is left then.
pub async fn restore(
    settings: &Settings,
    place: &Place,
    name: &str,
    opener: Option<Opener>,
    only_look: bool,
) -> Result<Restored, BackupError> {
    // The whole archive first: what is damaged, or does not open, touches nothing.
    let archive = place.open(name).await?;
    let look = move || {
        let mut sealed = Sealed::default();
        let (summary, contents) = archive::read(archive, &mut sealed)?;
        let secrets = opener.map(|opener| opened(&opener, sealed.0.as_deref())).transpose()?;
        Ok((summary, contents, secrets))
    };
    let (summary, contents, secrets) = blocking(look).await?;
    check_store(&summary, settings)?;
    let has_opened = secrets.is_some();
    match &settings.database_url {
        None => expect_empty_folder(&settings.data_dir)?,
        Some(url) => expect_empty_database(&Server::parse(url)?, settings).await?,
    }
    if !only_look {
        let archive = place.open(name).await?;
        match &settings.database_url {
            None => fill_folder(settings.clone(), archive, &contents, secrets).await?,
            Some(url) => {
                fill_database(&Server::parse(url)?, settings, archive, secrets).await?;
            }
        }
    }
    let notes = notes(settings, &summary, &contents, has_opened);
    Ok(Restored { summary, contents, notes })
}

/// Restores an archive into a temporary folder or database, compares what is there with what was
/// copied, and removes it.
///
/// # Errors
/// As [`restore`]; what is merely different is told in [`Drill::wrong`].
pub async fn drill(settings: &Settings, place: &Place, name: &str) -> Result<Drill, BackupError> {
    let began = Instant::now();
    let (summary, contents) = verify(place, name).await?;
    check_store(&summary, settings)?;
    let folder = WorkFolder::make(&settings.data_dir, "drill")?;
    let data_dir = folder.path().join("data");
    let settings = Settings { data_dir: data_dir.clone(), ..settings.clone() };
    let archive = place.open(name).await?;
    let wrong = match &settings.database_url {
        None => {
            fill_folder(settings.clone(), archive, &contents, None).await?;
            let tables = contents.tables.clone();
            blocking(move || Ok(compare_files(&data_dir, &tables))).await?
        }
        Some(url) => {
            let server = Server::parse(url)?;
            let database = format!("sluice_drill_{}", uuid::Uuid::new_v4().simple());
            let mut connection = server.connect().await?;
            let make = format!("CREATE DATABASE {database}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(&mut connection).await.map_err(
                |_| {
                    BackupError::Tool(
                        "the role may not make a database for the drill; let it: ALTER ROLE … CREATEDB"
                            .to_owned(),
                    )
                },
            )?;
            let inside = server.with_database(&database);
            let tried = try_database(&inside, &settings, archive, &contents.tables).await;
            let remove = format!("DROP DATABASE {database} WITH (FORCE)");
            sqlx::raw_sql(sqlx::AssertSqlSafe(remove)).execute(&mut connection).await?;
            close(connection).await;
            tried?
        }
    };
    Ok(Drill { summary, contents, wrong, took: began.elapsed() })
}

async fn try_database(
    server: &Server,
    settings: &Settings,
    archive: Box<dyn Read + Send>,
    tables: &[Table],
) -> Result<Vec<String>, BackupError> {
    fill_database(server, settings, archive, None).await?;
    let mut connection = server.connect().await?;
    let mut wrong = Vec::new();
    for table in tables {
        let (n_rows, checksum) = count(&mut connection, &table.storage).await?;
        if n_rows != table.n_rows {
            wrong.push(miscounted(table, n_rows));
        } else if table.checksum.as_ref() != Some(&checksum) {
            wrong.push(format!("{}: its rows are others", shown(table)));
        }
    }
    close(connection).await;
    Ok(wrong)
}

/// Whether this release understands the archive, and the store is of its kind.
fn check_store(summary: &Summary, settings: &Settings) -> Result<(), BackupError> {
    let wanted = match settings.database_url {
        None => StoreKind::Sqlite,
        Some(_) => StoreKind::Postgres,
    };
    if summary.store != wanted {
        let (found, wanted) = (summary.store.shown(), wanted.shown());
        return Err(BackupError::OtherStore { found, wanted });
    }
    let known: Vec<String> = Migrator::migrations().iter().map(|it| it.name().to_owned()).collect();
    if let Some(unknown) = summary.migrations.iter().find(|name| !known.contains(name)) {
        return Err(BackupError::TooNew(format!(
            "the archive is of Sluice {}, whose catalog has {unknown}, which this release does not know",
            summary.sluice
        )));
    }
    Ok(())
}

fn notes(
    settings: &Settings,
    summary: &Summary,
    contents: &Contents,
    has_opened: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    let given = settings.api_key_salt.as_ref().map(salt_tag);
    let made = crate::auth::kept_secret(&settings.data_dir, API_KEY_SALT).ok().flatten();
    let tag = given.or_else(|| made.as_ref().map(salt_tag));
    if summary.salt_tag.is_some() && tag != summary.salt_tag {
        notes.push(
            "API keys of the archive work only with the API_KEY_SALT of then: set it, or make new keys by `sluice keys create --admin`"
                .to_owned(),
        );
    }
    if contents.has(SECRETS) && !has_opened {
        notes.push(
            "the archive holds secrets; --identity or --passphrase-file puts them back".to_owned(),
        );
    }
    let has_source = contents.files.iter().any(|file| file.path.starts_with(SOURCES));
    if !has_source && contents.n_datasets() > 0 {
        notes.push("the archive holds no uploaded files, so nothing can be read anew".to_owned());
    }
    notes
}

/// Secrets by name, in clear.
type Secrets = BTreeMap<String, Zeroizing<String>>;

/// Keeps the sealed secrets and nothing else.
#[derive(Default)]
struct Sealed(Option<Vec<u8>>);

impl Sink for Sealed {
    fn member(&mut self, path: &str, content: &mut dyn Read) -> Result<(), BackupError> {
        if path == SECRETS {
            self.0 = Some(read_small(path, content)?);
        }
        Ok(())
    }
}

fn read_small(path: &str, content: &mut dyn Read) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    let read = content.take(MAX_SMALL_BYTES).read_to_end(&mut bytes);
    read.map_err(|_| BackupError::Damaged(format!("{path} cannot be read")))?;
    Ok(bytes)
}

/// Reads all and keeps nothing.
struct Nothing;

impl Sink for Nothing {
    fn member(&mut self, _: &str, _: &mut dyn Read) -> Result<(), BackupError> {
        Ok(())
    }
}

fn expect_empty_folder(data_dir: &Path) -> Result<(), BackupError> {
    let has_data = data_dir.join("catalog.db").is_file()
        || std::fs::read_dir(data_dir.join("datasets")).is_ok_and(|mut it| it.next().is_some());
    if has_data {
        return Err(BackupError::NotEmpty(data_dir.display().to_string()));
    }
    Ok(())
}

/// Writes members under a folder, as they are named.
struct Unpack {
    folder: PathBuf,
    facts: Vec<u8>,
}

impl Unpack {
    fn into(folder: &Path) -> Unpack {
        Unpack { folder: folder.to_owned(), facts: Vec::new() }
    }

    fn write(&self, path: &str, content: &mut dyn Read) -> Result<(), BackupError> {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        let target = self.folder.join(path);
        let doing = || format!("{} cannot be written", target.display());
        if let Some(folder) = target.parent() {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(BackupError::io(doing()))?;
        }
        let mut file = File::options()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&target)
            .map_err(BackupError::io(doing()))?;
        std::io::copy(content, &mut file).map_err(BackupError::io(doing()))?;
        file.sync_all().map_err(BackupError::io(doing()))
    }
}

impl Sink for Unpack {
    fn member(&mut self, path: &str, content: &mut dyn Read) -> Result<(), BackupError> {
        match path {
            FACTS => {
                self.facts = read_small(path, content)?;
                Ok(())
            }
            CATALOG | NODE => self.write(path, content),
            _ if path.starts_with(DATASETS) || path.starts_with(SOURCES) => {
                self.write(path, content)
            }
            _ => Ok(()),
        }
    }
}

/// Makes a data folder of an archive of the embedded store.
async fn fill_folder(
    settings: Settings,
    archive: Box<dyn Read + Send>,
    contents: &Contents,
    secrets: Option<Secrets>,
) -> Result<(), BackupError> {
    let tables = contents.tables.clone();
    blocking(move || {
        let data_dir = &settings.data_dir;
        let folder = WorkFolder::make(data_dir, "restore")?;
        let mut unpack = Unpack::into(folder.path());
        archive::read(archive, &mut unpack)?;
        for table in &tables {
            let n_rows = rows_of(&snapshot::file_of(folder.path(), &table.storage))?;
            if n_rows != table.n_rows {
                return Err(BackupError::Damaged(miscounted(table, n_rows)));
            }
        }
        if let Some(secrets) = &secrets {
            put_secrets(data_dir, secrets)?;
        }
        // The catalog last: without it the folder holds no store.
        for name in [NODE, "sources", "datasets", CATALOG] {
            move_into(folder.path(), data_dir, name)
                .map_err(BackupError::io(format!("{} cannot be written", data_dir.display())))?;
        }
        Ok(())
    })
    .await
}

fn move_into(from: &Path, to: &Path, name: &str) -> std::io::Result<()> {
    let (source, target) = (from.join(name), to.join(name));
    if !source.try_exists()? {
        return Ok(());
    }
    // A server that was started once has left empty folders.
    if source.is_dir() && target.is_dir() {
        for entry in std::fs::read_dir(&source)? {
            let entry = entry?;
            std::fs::rename(entry.path(), target.join(entry.file_name()))?;
        }
        return File::open(&target)?.sync_all();
    }
    std::fs::rename(&source, &target)?;
    File::open(to)?.sync_all()
}

fn opened(opener: &Opener, sealed: Option<&[u8]>) -> Result<Secrets, BackupError> {
    let sealed = sealed.ok_or_else(|| {
        BackupError::Secrets(
            "the archive holds no secrets; leave --identity or --passphrase-file out".to_owned(),
        )
    })?;
    let clear = opener.open(sealed)?;
    let texts: BTreeMap<String, String> = serde_json::from_slice(&clear)
        .map_err(|_| BackupError::Secrets("the sealed secrets are damaged".to_owned()))?;
    Ok(texts.into_iter().map(|(name, text)| (name, Zeroizing::new(text))).collect())
}

/// Puts secrets where the embedded store keeps those that it makes.
fn put_secrets(data_dir: &Path, secrets: &Secrets) -> Result<(), BackupError> {
    for name in [API_KEY_SALT, SECRET_KEY, SECRET_KEY_PREVIOUS] {
        if let Some(text) = secrets.get(name) {
            crate::auth::put_kept_secret(data_dir, name, &Secret::new(text.as_str()))
                .map_err(BackupError::io("the secrets cannot be written"))?;
        }
    }
    Ok(())
}

/// Rows of a dataset's file.
fn rows_of(file: &Path) -> Result<i64, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(file, flags)?;
    snapshot::count(&connection)
}

fn compare_files(data_dir: &Path, tables: &[Table]) -> Vec<String> {
    let check = |file: &Path| -> Result<Option<String>, BackupError> {
        let connection = rusqlite::Connection::open(file)?;
        crate::store::sqlite::functions::register(&connection)?;
        let told: String =
            connection.query_row("PRAGMA integrity_check(1)", (), |row| row.get(0))?;
        Ok((told != "ok").then_some(told))
    };
    let mut wrong = Vec::new();
    match check(&data_dir.join(CATALOG)) {
        Ok(None) => {}
        Ok(Some(told)) => wrong.push(format!("the catalog is not sound: {told}")),
        Err(error) => wrong.push(format!("the catalog cannot be read: {error}")),
    }
    for table in tables {
        let file = snapshot::file_of(data_dir, &table.storage);
        match (check(&file), rows_of(&file)) {
            (Ok(None), Ok(n_rows)) if n_rows == table.n_rows => {}
            (Ok(None), Ok(n_rows)) => wrong.push(miscounted(table, n_rows)),
            (Ok(Some(told)), _) => wrong.push(format!("{} is not sound: {told}", shown(table))),
            (Err(error), _) | (_, Err(error)) => {
                wrong.push(format!("{} cannot be read: {error}", shown(table)));
            }
        }
    }
    wrong
}

fn shown(table: &Table) -> String {
    let version = if table.is_present { "" } else { ", an old version" };
    format!("{}/{}{version}", table.workspace, table.dataset)
}

fn miscounted(table: &Table, found: i64) -> String {
    format!("{} has {found} rows instead of {}", shown(table), table.n_rows)
}

/// Refuses a database that has tables of Sluice; schemas without any are removed.
async fn expect_empty_database(server: &Server, settings: &Settings) -> Result<(), BackupError> {
    let mut connection = server.connect().await?;
    let n_tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = ANY($1) AND c.relkind IN ('r', 'v', 'm', 'p')",
    )
    .bind(&SCHEMAS[..])
    .fetch_one(&mut connection)
    .await?;
    close(connection).await;
    if n_tables > 0 {
        return Err(BackupError::NotEmpty("the database".to_owned()));
    }
    let has_sources = std::fs::read_dir(settings.data_dir.join("sources"))
        .is_ok_and(|mut it| it.next().is_some());
    if has_sources {
        return Err(BackupError::NotEmpty(settings.data_dir.display().to_string()));
    }
    Ok(())
}

/// Writes parts to `pg_restore`, and uploaded files to the data folder of this node.
struct FillSink {
    fill: Option<Fill>,
    unpack: Unpack,
}

impl Sink for FillSink {
    fn member(&mut self, path: &str, content: &mut dyn Read) -> Result<(), BackupError> {
        match &mut self.fill {
            Some(fill) if path.starts_with(DUMP) => fill.take(content),
            _ => self.unpack.member(path, content),
        }
    }
}

async fn fill_database(
    server: &Server,
    settings: &Settings,
    archive: Box<dyn Read + Send>,
    secrets: Option<Secrets>,
) -> Result<(), BackupError> {
    let mut connection = server.connect().await?;
    for schema in SCHEMAS {
        // Empty, as was seen; a dump makes it itself.
        let drop = format!("DROP SCHEMA IF EXISTS {schema}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&mut connection).await?;
    }
    let (inside, data_dir) = (server.clone(), settings.data_dir.clone());
    let told = blocking(move || {
        let folder = WorkFolder::make(&data_dir, "restore")?;
        let unpack = Unpack::into(folder.path());
        let mut sink = FillSink { fill: Some(Fill::begin(&inside)?), unpack };
        archive::read(archive, &mut sink)?;
        if let Some(fill) = sink.fill.take() {
            fill.end()?;
        }
        for name in [NODE, "sources"] {
            move_into(folder.path(), &data_dir, name)
                .map_err(BackupError::io(format!("{} cannot be written", data_dir.display())))?;
        }
        Ok(sink.unpack.facts)
    })
    .await?;
    let told: BTreeMap<String, String> = serde_json::from_slice(&told)
        .map_err(|_| BackupError::Damaged("its facts cannot be read".to_owned()))?;
    let told = told.into_iter().map(|(name, value)| (name, Zeroizing::new(value)));
    let facts: Secrets = told.chain(secrets.unwrap_or_default()).collect();
    for (name, value) in facts {
        sqlx::query("INSERT INTO sluice.meta(name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(value.as_str())
            .execute(&mut connection)
            .await?;
    }
    close(connection).await;
    Ok(())
}
