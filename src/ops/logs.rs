//! Sends events to standard error or a file: lines for people on a terminal, JSON for machines
//! otherwise.
//!
//! Panics are events too, with the request that they happened in. Standard output stays free for
//! what commands answer.

use std::io::{self, IsTerminal, Stderr, Write};
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::log_file::LogFile;
use crate::config::{LogFormat, Settings};
use crate::telemetry::{Telemetry, is_tracing};

/// The log of this process, to be changed while it runs.
#[derive(Clone, Debug)]
pub struct Logs {
    filter: Filter,
    file: Option<Arc<LogFile>>,
}

impl Logs {
    /// Logs what these settings say from now on.
    pub fn set_filter(&self, settings: &Settings) {
        self.filter.0.store(Arc::new(targets(settings)));
        tracing_core::callsite::rebuild_interest_cache();
    }

    /// Opens the file again, for those who move it away.
    pub fn reopen(&self) {
        if let Some(file) = &self.file {
            file.reopen();
        }
    }
}

/// Starts logging as the settings say, and tells collectors; the first call wins.
///
/// # Errors
/// When the file of the settings cannot be written.
pub fn start(settings: &Settings, telemetry: Option<Telemetry>) -> io::Result<Logs> {
    let file = match &settings.log_file {
        Some(path) => {
            let (rotation, n_kept) = (settings.log_rotation, settings.log_keep);
            Some(Arc::new(LogFile::open(Path::new(path), rotation, n_kept)?))
        }
        None => None,
    };
    let is_terminal = file.is_none() && io::stderr().is_terminal();
    let filter = Filter(Arc::new(ArcSwap::from_pointee(targets(settings))));
    let lines = tracing_subscriber::fmt::layer().with_writer(Output(file.clone()));
    let registry = tracing_subscriber::registry().with(filter.clone()).with(telemetry);
    let is_text = match settings.log_format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // An error means that a test or an embedder has a subscriber of its own.
    let _ = if is_text {
        registry.with(lines.with_ansi(is_terminal).with_target(false)).try_init()
    } else {
        let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
        registry.with(lines).try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("a panic without a message");
        tracing::error!(place, message, "a defect: this code panicked");
    }));
    Ok(Logs { filter, file })
}

/// Whether a line is logged for each request, or a span collected.
pub fn tells_requests() -> bool {
    is_tracing() || tracing::enabled!(target: "sluice::http::outer", tracing::Level::DEBUG)
}

/// The settings were checked, so the filter can be read.
fn targets(settings: &Settings) -> Targets {
    settings.log.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO))
}

/// Which events are logged. It looks at levels and targets only, because every request has a span
/// and would pay for more; what it says of a place in the code is asked once, and not at each event.
#[derive(Clone, Debug)]
struct Filter(Arc<ArcSwap<Targets>>);

impl<S: Subscriber> Layer<S> for Filter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        Layer::<S>::register_callsite(&**self.0.load(), metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        Layer::<S>::enabled(&**self.0.load(), metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Layer::<S>::max_level_hint(&**self.0.load())
    }
}

/// Where lines go: to the file, or to standard error.
struct Output(Option<Arc<LogFile>>);

enum Writer<'a> {
    File(&'a LogFile),
    Error(Stderr),
}

impl<'a> MakeWriter<'a> for Output {
    type Writer = Writer<'a>;

    fn make_writer(&'a self) -> Writer<'a> {
        match &self.0 {
            Some(file) => Writer::File(file),
            None => Writer::Error(io::stderr()),
        }
    }
}

impl Write for Writer<'_> {
    /// Takes a line whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self {
            Writer::File(file) => file.write(line),
            Writer::Error(error) => error.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
