//! Turns requests, numbers and failures into what collectors take: spans and metrics by OTLP, errors by
//! Sentry's protocol.
//!
//! It exists so that traces and errors of many servers are seen in one place. Nobody waits for a
//! collector: what one does not take in time is dropped and counted. Neither values of cells nor
//! secrets are told, as nothing that is logged holds any.

mod figures;
mod gather;
mod otlp;
mod outbox;
mod sentry;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use self::gather::{Fields, Gathered};
use self::outbox::{Message, Outbox};
use crate::config::Settings;

/// The span that each request has.
const REQUEST: &str = "request";

static IS_TRACING: AtomicBool = AtomicBool::new(false);

/// Whether somebody collects a span of each request.
pub fn is_tracing() -> bool {
    IS_TRACING.load(Ordering::Relaxed)
}

/// Hears of spans and events, and hands on what collectors are to know.
#[derive(Clone)]
pub struct Telemetry {
    outbox: Outbox,
    has_traces: bool,
    has_errors: bool,
}

impl Telemetry {
    /// To the collectors of the settings; `None` without any.
    ///
    /// # Errors
    /// When an address is none, or the system gives no thread.
    pub fn start(settings: &Settings) -> Result<Option<Telemetry>, String> {
        let traces = settings.otlp_endpoint.as_deref().map(otlp::Collector::new).transpose()?;
        let errors = settings.sentry_dsn.as_ref();
        let errors = errors.map(|dsn| sentry::Collector::new(dsn, settings)).transpose()?;
        let (has_traces, has_errors) = (traces.is_some(), errors.is_some());
        if !has_traces && !has_errors {
            return Ok(None);
        }
        let outbox = Outbox::start(traces, errors);
        let outbox = outbox.map_err(|e| format!("no thread for telemetry: {e}"))?;
        IS_TRACING.store(has_traces, Ordering::Relaxed);
        Ok(Some(Telemetry { outbox, has_traces, has_errors }))
    }

    /// Whether somebody collects the numbers of `/metrics`.
    pub fn has_numbers(&self) -> bool {
        self.has_traces
    }

    /// Sends the numbers of `/metrics`, as OpenMetrics text.
    pub fn post_numbers(&self, text: String) {
        self.outbox.post(Message::Numbers(text));
    }

    /// Sends what waits, as far as that is done within this time; blocks.
    pub fn finish(&self, limit: Duration) {
        self.outbox.finish(limit);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Telemetry {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().name() != REQUEST {
            return;
        }
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(Gathered { began: SystemTime::now(), fields });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(gathered) = span.extensions_mut().get_mut::<Gathered>()
        {
            values.record(&mut gathered.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if self.has_traces
            && let Some(span) = context.span(&id)
            && let Some(gathered) = span.extensions_mut().remove::<Gathered>()
        {
            self.outbox.post(Message::Span(Box::new((gathered, SystemTime::now()))));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.has_errors || *event.metadata().level() != Level::ERROR {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut request = Fields::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(gathered) = span.extensions().get::<Gathered>() {
                request = gathered.fields.clone();
            }
        }
        let target = event.metadata().target();
        self.outbox.post(Message::Error(Box::new(sentry::Failure { target, fields, request })));
    }
}
