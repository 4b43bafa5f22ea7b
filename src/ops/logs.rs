//! Sends events to standard error: lines for people on a terminal, JSON for machines otherwise.
//!
//! Panics are events too, with the request that they happened in. Standard output stays free for
//! what commands answer.

use std::io::IsTerminal;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{LogFormat, Settings};

/// Starts logging as the settings say; the first call wins.
pub fn start(settings: &Settings) {
    let is_terminal = std::io::stderr().is_terminal();
    // The settings were checked, so the filter can be read. It looks at levels and targets only,
    // because every request has a span and would pay for more.
    let filter: Targets =
        settings.log.parse().unwrap_or_else(|_| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
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
}
