//! Sends events to standard error: lines for people on a terminal, JSON for machines otherwise.
//!
//! Panics are events too, with the request that they happened in. Standard output stays free for
//! what commands answer.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, Settings};

/// Starts logging as the settings say; the first call wins.
pub fn start(settings: &Settings) {
    let is_terminal = std::io::stderr().is_terminal();
    // The settings were checked, so the filter can be read; unknown parts would be left out.
    let filter = EnvFilter::builder().parse_lossy(&settings.log);
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter);
    let is_text = match settings.log_format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    // An error means that a test or an embedder has a subscriber of its own.
    let _ = if is_text {
        builder.with_ansi(is_terminal).with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    };
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("a panic without a message");
        tracing::error!(place, message, "a defect: this code panicked");
    }));
}
