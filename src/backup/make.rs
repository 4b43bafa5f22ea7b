//! Makes an archive of a store that may be in use.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sqlx::postgres::PgConnection;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::archive::{
    CATALOG, Contents, DATASETS, FACTS, NODE, SECRETS, SETTINGS, SOURCES, StoreKind, Summary,
    Table, Writer,
};
use super::place::{Draft, Place, name_at};
use super::postgres::{self, Server};
use super::snapshot::Snapshot;
use super::work_folder::WorkFolder;
use super::{BackupError, Sealer, facts};
use crate::auth::kept_secret;
use crate::catalog::hex;
use crate::config::{Secret, Settings};

const BUFFER_BYTES: usize = 1 << 20;
/// The secrets that an archive may hold, as settings and facts call them.
pub(super) const API_KEY_SALT: &str = "api_key_salt";
pub(super) const SECRET_KEY: &str = "secret_key";
pub(super) const SECRET_KEY_PREVIOUS: &str = "secret_key_previous";

/// What else goes into an archive.
#[derive(Default)]
pub struct Options {
    /// The settings for people, secrets hidden: name and value.
    pub settings: Vec<(String, String)>,
    /// Leaves the uploaded files out.
    pub without_sources: bool,
    /// Whom the secrets are sealed for; without, they are left out.
    pub sealer: Option<Sealer>,
    /// Gives the archive up once it is set.
    pub stop: Arc<AtomicBool>,
}

/// An archive that was made.
#[derive(Debug)]
pub struct Made {
    /// Where it is.
    pub archive: String,
    /// Its size.
    pub size_bytes: u64,
    /// What it holds.
    pub contents: Contents,
}

/// Makes an archive of the store that the settings name, also beside its server, and remembers in
/// the catalog that it did.
///
/// # Errors
/// When the store or the place is away, the disk is full, or a program of PostgreSQL is missing;
/// nothing is left of the archive then.
pub async fn make(
    settings: &Settings,
    place: &Place,
    options: Options,
) -> Result<Made, BackupError> {
    let outcome = match &settings.database_url {
        None => embedded(settings, place, options).await,
        Some(url) => on_postgres(settings, url, place, options).await,
    };
    match &outcome {
        Ok(made) => facts::succeeded(settings, &made.archive, made.size_bytes).await?,
        // Where the store is away nothing can be written down either.
        Err(error) => drop(facts::failed(settings, &error.to_string()).await),
    }
    outcome
}

async fn embedded(
    settings: &Settings,
    place: &Place,
    options: Options,
) -> Result<Made, BackupError> {
    let (settings, place) = (settings.clone(), place.clone());
    let runtime = Handle::current();
    blocking(move || {
        let data_dir = &settings.data_dir;
        let snapshot = Snapshot::take(data_dir)?;
        let salt = known_secret(&settings, settings.api_key_salt.as_ref(), API_KEY_SALT)?;
        let key = known_secret(&settings, settings.secret_key.as_ref(), SECRET_KEY)?;
        let tag = salt.as_ref().map(salt_tag);
        let summary = Summary::new(StoreKind::Sqlite, snapshot.migrations()?, tag);
        let folder = WorkFolder::make(data_dir, "backup")?;
        let secrets = secrets_of(&settings, salt.as_ref(), key.as_ref());
        let mut archive = Open::begin(&place, &runtime, &summary, &options, &secrets)?;
        let copy = folder.path().join("copy.db");
        snapshot.copy_catalog(&copy, &options.stop)?;
        archive.add_file(CATALOG, &copy)?;
        std::fs::remove_file(&copy).map_err(BackupError::io("a copy cannot be removed"))?;
        archive.add_kept_files(data_dir, &options, &snapshot.sources()?)?;
        let mut tables = Vec::new();
        snapshot.each_table(&copy, &options.stop, |table| {
            archive.add_file(&format!("{DATASETS}{}.db", table.storage), &copy)?;
            tables.push(table);
            Ok(())
        })?;
        archive.finish(tables)
    })
    .await
}

async fn on_postgres(
    settings: &Settings,
    url: &str,
    place: &Place,
    options: Options,
) -> Result<Made, BackupError> {
    let server = Server::parse(url)?;
    // The transaction lives until the dump is done: both see the same moment.
    let mut moment = postgres::Moment::begin(&server).await?;
    let tables = moment.tables().await?;
    let unnamed = moment.unnamed(&tables).await?;
    let sources = moment.sources().await?;
    let (facts, made) = moment.facts().await?;
    let made = |name: &str| made.get(name).map(|text| Secret::new(text.as_str()));
    let salt = settings.api_key_salt.clone().or_else(|| made(API_KEY_SALT));
    let key = settings.secret_key.clone().or_else(|| made(SECRET_KEY));
    let tag = salt.as_ref().map(salt_tag);
    let summary = Summary::new(StoreKind::Postgres, moment.migrations().await?, tag);
    let secrets = secrets_of(settings, salt.as_ref(), key.as_ref());
    let (data_dir, place, runtime) = (settings.data_dir.clone(), place.clone(), Handle::current());
    let snapshot = moment.name().to_owned();
    let made = blocking(move || {
        let mut archive = Open::begin(&place, &runtime, &summary, &options, &secrets)?;
        let text = serde_json::to_vec(&facts)
            .map_err(|_| BackupError::Defect("facts cannot be written as JSON"))?;
        archive.add_bytes(FACTS, &text)?;
        archive.add_kept_files(&data_dir, &options, &sources)?;
        postgres::dump(&server, &snapshot, &unnamed, |path, part| archive.add_bytes(path, part))?;
        archive.finish(tables)
    })
    .await;
    moment.end().await;
    made
}

/// An archive that is being made.
struct Open {
    writer: Writer<BufWriter<Draft>>,
    address: String,
}

impl Open {
    /// Begins with what all archives have.
    fn begin(
        place: &Place,
        runtime: &Handle,
        summary: &Summary,
        options: &Options,
        secrets: &BTreeMap<&'static str, Zeroizing<String>>,
    ) -> Result<Open, BackupError> {
        let name = name_at(jiff::Timestamp::now());
        let draft = place.create(&name, runtime, Arc::clone(&options.stop))?;
        let address = place.address_of(&name);
        let out = BufWriter::with_capacity(BUFFER_BYTES, draft);
        let writer = Writer::begin(out, summary).map_err(unwritable(&address))?;
        let mut archive = Open { writer, address };
        let settings: BTreeMap<&str, &str> =
            options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let as_json = BackupError::Defect("settings cannot be written as JSON");
        let settings = serde_json::to_vec_pretty(&settings).map_err(|_| as_json)?;
        archive.add_bytes(SETTINGS, &settings)?;
        if let Some(sealer) = &options.sealer {
            let secrets: BTreeMap<&str, &str> =
                secrets.iter().map(|(name, text)| (*name, text.as_str())).collect();
            let as_json = BackupError::Defect("secrets cannot be written as JSON");
            let clear = Zeroizing::new(serde_json::to_vec(&secrets).map_err(|_| as_json)?);
            archive.add_bytes(SECRETS, &sealer.seal(&clear)?)?;
        }
        Ok(archive)
    }

    fn add_bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), BackupError> {
        self.writer.add_bytes(path, bytes).map_err(unwritable(&self.address))
    }

    fn add_file(&mut self, path: &str, file: &Path) -> Result<(), BackupError> {
        self.writer.add_file(path, file).map_err(unwritable(&self.address))
    }

    /// Adds what lies in the data folder of every node.
    fn add_kept_files(
        &mut self,
        data_dir: &Path,
        options: &Options,
        sources: &[String],
    ) -> Result<(), BackupError> {
        let node = data_dir.join("node");
        if node.is_file() {
            self.add_file(NODE, &node)?;
        }
        if options.without_sources {
            return Ok(());
        }
        for hash in sources {
            let path = format!("{SOURCES}{}/{hash}", hash.get(..2).unwrap_or_default());
            let file = data_dir.join(&path);
            // Another node has it, or its dataset went away meanwhile.
            if file.is_file() {
                self.add_file(&path, &file)?;
            }
        }
        Ok(())
    }

    fn finish(self, tables: Vec<Table>) -> Result<Made, BackupError> {
        let Open { writer, address } = self;
        let (mut out, contents) = writer.finish(tables).map_err(unwritable(&address))?;
        out.flush().map_err(unwritable(&address))?;
        let draft = out.into_inner().map_err(|e| unwritable(&address)(e.into_error()))?;
        Ok(Made { size_bytes: draft.keep()?, archive: address, contents })
    }
}

fn unwritable(address: &str) -> impl FnOnce(std::io::Error) -> BackupError {
    BackupError::io(format!("the archive {address} cannot be written"))
}

/// A secret of the settings, or the one that the embedded store made.
fn known_secret(
    settings: &Settings,
    given: Option<&Secret>,
    name: &str,
) -> Result<Option<Secret>, BackupError> {
    match given {
        Some(secret) => Ok(Some(secret.clone())),
        None => kept_secret(&settings.data_dir, name)
            .map_err(BackupError::io("the secrets of the data folder cannot be read")),
    }
}

fn secrets_of(
    settings: &Settings,
    salt: Option<&Secret>,
    key: Option<&Secret>,
) -> BTreeMap<&'static str, Zeroizing<String>> {
    let previous: Vec<&str> = settings.secret_key_previous.iter().map(Secret::expose).collect();
    let previous = (!previous.is_empty()).then(|| Zeroizing::new(previous.join(",")));
    let text = |secret: &Secret| Zeroizing::new(secret.expose().to_owned());
    [(API_KEY_SALT, salt.map(text)), (SECRET_KEY, key.map(text)), (SECRET_KEY_PREVIOUS, previous)]
        .into_iter()
        .filter_map(|(name, secret)| Some((name, secret?)))
        .collect()
}

/// Tells salts apart and says nothing else about them.
pub(super) fn salt_tag(salt: &Secret) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.expose().as_bytes()) else {
        return String::new();
    };
    mac.update(b"sluice backup");
    let mut tag = hex(&mac.finalize().into_bytes());
    tag.truncate(8);
    tag
}

/// Runs on a thread that may wait.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, BackupError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(BackupError::Defect("a thread ended without a result")))
}

/// A connection's errors are of no interest once its work is done.
pub(super) async fn close(connection: PgConnection) {
    let _ = sqlx::Connection::close(connection).await;
}
