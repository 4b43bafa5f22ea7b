//! `sluice serve`: opens the rooms in order, loads the files, says it is ready, stops in order.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::io::ReaderStream;

use super::arguments::Serve;
use super::block_on;
use super::outcome::{Exit, Failure, Outcome};
use super::reload::Reloading;
use crate::auth::{Auth, Rates};
use crate::backup::Scheduler;
use crate::catalog::Catalog;
use crate::catalog::model::{Job, JobId, JobStatus, LoadMode};
use crate::config::{Loaded, Settings, Sources, dangers};
use crate::error::{Code, Error};
use crate::export::Exports;
use crate::graphql::{Engine, ExportRunner};
use crate::http::{Addresses, Api, App, Sites, Tls};
use crate::ingest::{Ingest, UploadRequest};
use crate::ops::listening::{Listening, Passed};
use crate::ops::metrics::Metrics;
use crate::ops::signals::Reloads;
use crate::ops::{descriptors, logs, signals, supervisor};
use crate::store::Store;
use crate::telemetry::Telemetry;
use crate::webhooks::Webhooks;

/// No load takes longer; a job that does has hung.
const MAX_LOAD: Duration = Duration::from_secs(24 * 3600);
/// Beyond the grace, for mutations whose clients have left: most are over in an instant.
const LAST_MUTATIONS: Duration = Duration::from_secs(2);
/// Beyond the grace, for a backup to be given up.
const LAST_BACKUP: Duration = Duration::from_secs(1);
/// Beyond the grace, for what collectors have not got.
const LAST_TELEMETRY: Duration = Duration::from_secs(1);
const READ_BUFFER_BYTES: usize = 256 << 10;

/// The rooms of a server, open.
pub(super) struct Rooms {
    pub(super) catalog: Arc<Catalog>,
    pub(super) store: Arc<Store>,
    pub(super) auth: Arc<Auth>,
    pub(super) rates: Arc<Rates>,
    pub(super) ingest: Arc<Ingest>,
    pub(super) engine: Arc<Engine>,
    pub(super) metrics: Arc<Metrics>,
}

impl Rooms {
    /// Opens them, the ones that others need first.
    pub(super) async fn open(settings: &Settings) -> Result<Rooms, Error> {
        let catalog = Arc::new(Catalog::open(settings).await?);
        let store = Arc::new(Store::open(settings).await.map_err(Error::unavailable)?);
        let auth = Arc::new(Auth::open(Arc::clone(&catalog), settings).await?);
        crate::write::recover::recover(&catalog, &store).await?;
        let ingest = Ingest::open(Arc::clone(&catalog), Arc::clone(&store), settings).await?;
        let rates = Arc::new(Rates::new(&settings.rates));
        let metrics = Arc::new(Metrics::new());
        let engine = Engine::new(
            Arc::clone(&catalog),
            Arc::clone(&store),
            Arc::clone(&ingest),
            Arc::clone(&auth),
            Arc::clone(&rates),
            Arc::clone(&metrics),
            settings,
        );
        Ok(Rooms { catalog, store, auth, rates, ingest, engine: Arc::new(engine), metrics })
    }
}

/// Runs the server until it is asked to stop.
pub(super) fn run(sources: Sources, loaded: Loaded, arguments: &Serve) -> Outcome {
    let telemetry = Telemetry::start(&loaded.settings).map_err(Failure::usage)?;
    let logs = logs::start(&loaded.settings, telemetry.clone())
        .map_err(|e| Failure::usage(format!("log_file cannot be written: {e}")))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    refuse_dangers(&loaded)?;
    let shown = loaded.shown();
    let mut settings = loaded.settings;
    let as_read = settings.clone();
    let tls = open_tls(&settings)?;
    make_data_dir(&settings)?;
    descriptors::raise();
    let mut passed = Passed::take()
        .map_err(|e| Failure::usage(format!("the passed sockets cannot be used: {e}")))?;
    block_on(async move {
        let stop = signals::stop_signal()?;
        // A terminal that is closed ends what runs in it.
        let is_terminal = std::io::stderr().is_terminal();
        let reloads = (!is_terminal).then(Reloads::listen).transpose()?;
        let rooms = Rooms::open(&settings).await?;
        let first_key = rooms.auth.take_first_key();
        let redirect =
            listen_beside(&settings, settings.tls.redirect_listen, &mut passed, "redirect")?;
        let metrics = listen_beside(&settings, settings.metrics_listen, &mut passed, "metrics")?;
        if redirect.is_some() && tls.is_none() {
            let reason = "a socket named redirect is passed, but tls.certificate is not set";
            return Err(Failure::usage(reason.to_owned()));
        }
        let listening = listen(&settings, passed)?;
        let address = listening.address()?;
        // Passed sockets have an address of their own.
        settings.listen = address;
        let sites = Sites { listening, tls: tls.clone(), redirect, metrics };
        if settings.allowed_hosts.is_empty() && !address.ip().to_canonical().is_loopback() {
            tracing::warn!(
                "requests for any name are answered; set allowed_hosts to the names of this server"
            );
        }
        say(&format!("listening on {address}"));

        let exports = Arc::new(Exports::new(Arc::clone(&rooms.store), &settings));
        let keep = settings.exports.keep;
        let runner = ExportRunner::new(&rooms.engine, Arc::clone(&exports), keep);
        rooms.ingest.set_exporter(Arc::new(runner));
        let api = Arc::new(Api::new(App {
            settings: settings.clone(),
            catalog: Arc::clone(&rooms.catalog),
            store: Arc::clone(&rooms.store),
            auth: Arc::clone(&rooms.auth),
            rates: Arc::clone(&rooms.rates),
            ingest: Arc::clone(&rooms.ingest),
            engine: Arc::clone(&rooms.engine),
            exports,
            addresses: Addresses::default(),
            readiness: Arc::default(),
            live: Arc::default(),
            metrics: Arc::clone(&rooms.metrics),
        }));
        let start = async {
            for path in &arguments.files {
                // Boxed: large, and waited for once.
                Box::pin(load_file(&rooms, path)).await?;
            }
            api.app().readiness.set(true);
            supervisor::ready();
            // Also for those who see the log alone.
            tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "ready");
            greet(&rooms, &settings, address, first_key.as_deref());
            Ok(())
        };
        rooms.engine.indexer().start();
        let webhooks =
            Webhooks::start(Arc::clone(&rooms.catalog), Arc::clone(&rooms.auth), settings.webhooks);
        let backups = Scheduler::start(Arc::clone(&rooms.catalog), &settings, shown);
        let mut watching = JoinSet::new();
        watching.spawn(beat(Arc::clone(&rooms.catalog), Arc::clone(&rooms.store)));
        if let Some(tls) = &tls {
            watching.spawn(Arc::clone(tls).watch());
        }
        if let Some(reloads) = reloads {
            let reloading = Reloading {
                sources,
                current: as_read,
                logs,
                api: Arc::clone(&api),
                engine: Arc::clone(&rooms.engine),
                rates: Arc::clone(&rooms.rates),
                tls,
            };
            watching.spawn(reloading.run(reloads));
        }
        if let Some(telemetry) = telemetry.clone().filter(Telemetry::has_numbers) {
            watching.spawn(tell_numbers(Arc::clone(&api), telemetry, settings.otlp_every));
        }
        let stop = async {
            stop.await;
            supervisor::stopping();
        };
        let served = crate::http::serve(Arc::clone(&api), sites, stop);
        let outcome = serve_and_start(served, start).await;
        let deadline = match &outcome {
            Ok(deadline) => *deadline,
            Err(_) => Instant::now() + settings.shutdown_grace,
        };
        close(&rooms, &webhooks, &backups, deadline).await;
        if let Some(telemetry) = telemetry {
            let last = tokio::task::spawn_blocking(move || telemetry.finish(LAST_TELEMETRY));
            // A panic was logged where it happened.
            let _ = last.await;
        }
        outcome.map(drop)
    })
}

/// Tells a collector the numbers now and then.
async fn tell_numbers(api: Arc<Api>, telemetry: Telemetry, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        if let Ok(text) = api.numbers().await {
            telemetry.post_numbers(text);
        }
    }
}

/// The sockets that were passed; else one at the address of the settings.
fn listen(settings: &Settings, passed: Passed) -> Result<Listening, Failure> {
    if let Some(listening) = Listening::rest_of(passed)? {
        return Ok(listening);
    }
    let (address, is_shared) = (settings.listen, settings.reuse_port);
    Listening::bind(address, is_shared)
        .map_err(|e| Failure::other(format!("{address} cannot be listened at: {e}")))
}

/// The passed sockets of this name; else one at this address, if there is one.
fn listen_beside(
    settings: &Settings,
    address: Option<SocketAddr>,
    passed: &mut Passed,
    name: &str,
) -> Result<Option<Listening>, Failure> {
    if let Some(listening) = Listening::passed(passed, name)? {
        return Ok(Some(listening));
    }
    let Some(address) = address else { return Ok(None) };
    let listening = Listening::bind(address, settings.reuse_port)
        .map_err(|e| Failure::other(format!("{address} cannot be listened at: {e}")))?;
    Ok(Some(listening))
}

fn open_tls(settings: &Settings) -> Result<Option<Arc<Tls>>, Failure> {
    let (Some(certificate), Some(key)) = (&settings.tls.certificate, &settings.tls.key) else {
        return Ok(None);
    };
    let tls = Tls::open(Path::new(certificate), Path::new(key));
    Ok(Some(Arc::new(tls.map_err(|e| Failure::usage(e.to_string()))?)))
}

/// Tells the supervisor that the process is alive as long as it is.
async fn beat(catalog: Arc<Catalog>, store: Arc<Store>) {
    // A database of its own that is away is not cured by another start of this process.
    let is_embedded = matches!(*store, Store::Sqlite(_));
    supervisor::watchdog(|| async {
        let has_threads = tokio::task::spawn_blocking(|| ()).await.is_ok();
        let is_alive = !is_embedded || catalog.ping().await.is_ok() && store.ping().await.is_ok();
        has_threads && is_alive
    })
    .await;
}

/// Production starts only where nothing speaks against it; all that does is told at once.
fn refuse_dangers(loaded: &Loaded) -> Outcome {
    if !loaded.settings.is_production() {
        return Ok(());
    }
    let found = dangers(loaded, Path::new(".env"));
    if found.is_empty() {
        return Ok(());
    }
    let list: String = found.iter().map(|danger| format!("\n  - {danger}")).collect();
    Err(Failure::usage(format!("production mode does not start like this:{list}")))
}

/// Makes the data folder where it is missing, for its owner alone.
fn make_data_dir(settings: &Settings) -> Outcome {
    let folder = &settings.data_dir;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|e| {
        let folder = folder.display();
        Failure::other(format!("the data folder {folder} cannot be made: {e}"))
    })
}

/// Serves while the files are loaded and after; a file that cannot be loaded ends it all.
async fn serve_and_start(
    served: impl Future<Output = Instant>,
    start: impl Future<Output = Outcome>,
) -> Result<Instant, Failure> {
    // Boxed: they live as long as the process, and are large.
    let (mut served, mut start) = (Box::pin(served), Box::pin(start));
    tokio::select! {
        deadline = &mut served => return Ok(deadline),
        outcome = &mut start => outcome?,
    }
    Ok(served.await)
}

/// Ends what goes on behind the requests. All of it has what is left of one grace; what does not
/// end by then is cut off, and taken up again by the next start.
async fn close(rooms: &Rooms, webhooks: &Webhooks, backups: &Scheduler, deadline: Instant) {
    let left = || deadline.saturating_duration_since(Instant::now());
    if tokio::time::timeout(left() + LAST_BACKUP, backups.shutdown()).await.is_err() {
        tracing::warn!("a backup was left at work; its archive is incomplete");
    }
    let mutations = rooms.engine.finish();
    if tokio::time::timeout(left() + LAST_MUTATIONS, mutations).await.is_err() {
        tracing::warn!("mutations were left at work; the next start settles them");
    }
    rooms.engine.indexer().shutdown().await;
    tokio::join!(rooms.ingest.shutdown(left()), webhooks.shutdown(left()));
    if let Err(error) = rooms.catalog.keep_usage().await {
        tracing::debug!(error = ?error, "what was read could not be written down");
    }
}

/// Loads a file of the command line and waits for its end.
async fn load_file(rooms: &Rooms, path: &Path) -> Outcome {
    let unreadable =
        |e: std::io::Error| Failure::new(Exit::Data, format!("{}: {e}", path.display()));
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    let metadata = file.metadata().await.map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::new(Exit::Data, format!("{}: it is no file", path.display())));
    }
    let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let request = UploadRequest { file_name, mode: LoadMode::Replace, ..UploadRequest::default() };
    let workspace = rooms.catalog.default_workspace();
    let bytes = ReaderStream::with_capacity(file, READ_BUFFER_BYTES);
    let failed = |failure: Failure| failure.about(path);
    let id = rooms.ingest.receive(workspace, request, Some(metadata.len()), bytes).await;
    let id = id.map_err(|e| failed(Failure::from(e)))?;
    let job = wait_with_bar(rooms, id, path).await?;
    told(&job).map_err(failed)?;
    let snapshot = rooms.catalog.snapshot(workspace);
    for dataset in job.datasets.iter().filter_map(|id| snapshot.dataset_by_id(*id)) {
        let (name, n_rows) = (&dataset.name, dataset.row_count);
        say(&format!("loaded {} as {name}: {n_rows} rows", path.display()));
    }
    Ok(())
}

/// Waits for a load, with its progress where people look.
async fn wait_with_bar(rooms: &Rooms, id: JobId, path: &Path) -> Result<Job, Error> {
    const LOOK_EVERY: Duration = Duration::from_millis(200);
    let workspace = rooms.catalog.default_workspace();
    if !std::io::stderr().is_terminal() {
        return rooms.ingest.wait(workspace, id, MAX_LOAD).await;
    }
    let template = "{prefix} {msg:10} {bar:30} {bytes}/{total_bytes}";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style).with_prefix(path.display().to_string());
    let began = std::time::Instant::now();
    loop {
        let job = rooms.ingest.wait(workspace, id, LOOK_EVERY).await?;
        if job.status.is_final() || began.elapsed() > MAX_LOAD {
            bar.finish_and_clear();
            return Ok(job);
        }
        bar.set_length(u64::try_from(job.bytes_total.unwrap_or_default()).unwrap_or_default());
        bar.set_position(u64::try_from(job.bytes_done).unwrap_or_default());
        bar.set_message(job.phase.unwrap_or("QUEUED").to_lowercase());
    }
}

fn told(job: &Job) -> Outcome {
    match (job.status, &job.error) {
        (JobStatus::Succeeded, _) => Ok(()),
        (_, Some((code, message))) => {
            let exit = Exit::of(Code::from_wire(code).unwrap_or(Code::Internal));
            Err(Failure::new(exit, message.clone()))
        }
        (status, None) => Err(Failure::other(format!("the load ended as {status:?}"))),
    }
}

/// What a newcomer needs to know; the line "Sluice is ready" comes last before it.
fn greet(rooms: &Rooms, settings: &Settings, address: SocketAddr, first_key: Option<&str>) {
    let reachable = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("127.0.0.1:{}", v4.port()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("[::1]:{}", v6.port()),
        other => other.to_string(),
    };
    let origin = match settings.tls.certificate {
        Some(_) => format!("https://{reachable}"),
        None => format!("http://{reachable}"),
    };
    let key_text = first_key.unwrap_or("YOUR_KEY");
    let mut lines = vec![String::new(), "Sluice is ready.".to_owned(), String::new()];
    if settings.playground {
        let token = rooms.auth.issue_sign_in_token();
        lines.push(format!("  Playground  {origin}/#token={token}"));
        lines.push("              (signs you in; works once, for 15 minutes)".to_owned());
    }
    lines.push(format!("  GraphQL     {origin}/graphql"));
    if let Some(key) = first_key {
        lines.push(format!("  Admin key   {key}"));
        lines.push("              (shown this once; keep it)".to_owned());
    }
    lines.push(format!(
        "  Upload      curl -T orders.csv -H 'X-API-Key: {key_text}' '{origin}/upload/orders?wait=30'"
    ));
    lines.push(String::new());
    say(&lines.join("\n"));
}

/// Says it on standard output; a server whose output nobody reads serves all the same.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
