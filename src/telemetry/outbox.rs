//! Sends what waits from a thread of its own: spans together, errors one by one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::gather::Gathered;
use super::{otlp, sentry};

/// What waits to be sent; more is dropped.
const QUEUE_LENGTH: usize = 8_192;
/// Spans of one request to the collector.
const BATCH: usize = 512;
/// How long a span waits for others.
const FLUSH_EVERY: Duration = Duration::from_secs(1);
/// How long a collector may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a collector that failed is left alone.
const PAUSE: Duration = Duration::from_secs(15);

/// What is to be told.
pub(super) enum Message {
    /// A request that is over, and when it was.
    Span(Box<(Gathered, SystemTime)>),
    /// The numbers of `/metrics`.
    Numbers(String),
    /// An error.
    Error(Box<sentry::Failure>),
    /// Everything before this is to be sent now.
    Finish(Sender<()>),
}

/// Where messages wait.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: Sender<Message>,
    n_dropped: Arc<AtomicU64>,
}

impl Outbox {
    /// Starts the thread, which ends with the process.
    ///
    /// # Errors
    /// When the system gives none.
    pub(super) fn start(
        traces: Option<otlp::Collector>,
        errors: Option<sentry::Collector>,
    ) -> io::Result<Outbox> {
        let (queue, messages) = bounded(QUEUE_LENGTH);
        let n_dropped = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&n_dropped);
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(0)
            .build()
            .into();
        let mut postman = Postman {
            agent,
            traces: traces.map(|collector| (collector, Standing::default())),
            errors: errors.map(|collector| (collector, Standing::default())),
            spans: Vec::new(),
            n_dropped: counter,
        };
        let name = "sluice-telemetry".to_owned();
        std::thread::Builder::new().name(name).spawn(move || postman.run(&messages))?;
        Ok(Outbox { queue, n_dropped })
    }

    /// Leaves a message; where there is no room it is dropped.
    pub(super) fn post(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            self.n_dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all is sent, or for this time.
    pub(super) fn finish(&self, limit: Duration) {
        let (done, is_done) = bounded(1);
        if self.queue.send_timeout(Message::Finish(done), limit).is_ok() {
            let _ = is_done.recv_timeout(limit);
        }
    }
}

/// How a collector does.
#[derive(Default)]
struct Standing {
    /// It failed; until then nothing is sent to it.
    paused_until: Option<Instant>,
}

impl Standing {
    fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| Instant::now() < until)
    }

    /// Takes what came of a request to it.
    fn note(&mut self, sent: Result<(), Box<ureq::Error>>, what: &str) {
        self.paused_until = None;
        if let Err(error) = sent {
            self.paused_until = Some(Instant::now() + PAUSE);
            // Not an error: those are sent to collectors.
            tracing::warn!(%error, "{what} could not be sent to their collector");
        }
    }
}

struct Postman {
    agent: ureq::Agent,
    traces: Option<(otlp::Collector, Standing)>,
    errors: Option<(sentry::Collector, Standing)>,
    spans: Vec<(Gathered, SystemTime)>,
    n_dropped: Arc<AtomicU64>,
}

impl Postman {
    fn run(&mut self, messages: &Receiver<Message>) {
        let mut flush_at = Instant::now() + FLUSH_EVERY;
        loop {
            match messages.recv_deadline(flush_at) {
                Ok(Message::Span(span)) => self.spans.push(*span),
                Ok(Message::Numbers(text)) => self.send_numbers(&text),
                Ok(Message::Error(failure)) => self.send_error(&failure),
                Ok(Message::Finish(done)) => {
                    self.send_spans();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.send_spans(),
            }
            if self.spans.len() >= BATCH || Instant::now() >= flush_at {
                self.send_spans();
                flush_at = Instant::now() + FLUSH_EVERY;
            }
        }
    }

    fn send_spans(&mut self) {
        let spans = std::mem::take(&mut self.spans);
        let Some((collector, standing)) = &mut self.traces else { return };
        if spans.is_empty() {
            return;
        }
        let n_spans = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        if standing.is_paused() {
            self.n_dropped.fetch_add(n_spans, Ordering::Relaxed);
            return;
        }
        standing.note(collector.send(&self.agent, &spans), "spans");
        let n_dropped = self.n_dropped.swap(0, Ordering::Relaxed);
        if n_dropped > 0 {
            tracing::warn!(n_dropped, "what collectors did not take in time was dropped");
        }
    }

    /// What is not sent now is told again with the next ones.
    fn send_numbers(&mut self, text: &str) {
        if let Some((collector, standing)) = &mut self.traces
            && !standing.is_paused()
        {
            standing.note(collector.send_numbers(&self.agent, text), "numbers");
        }
    }

    fn send_error(&mut self, failure: &sentry::Failure) {
        let Some((collector, standing)) = &mut self.errors else { return };
        if standing.is_paused() {
            self.n_dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            standing.note(collector.send(&self.agent, failure), "errors");
        }
    }
}
