//! Counts what is asked and how long it takes, as OpenMetrics text for Prometheus and its kin.
//!
//! What each request touches is made once, so that it costs an addition; what can be looked up (what
//! is stored, what the process takes) is looked up when somebody asks for the numbers. Labels are
//! few and known beforehand: nothing that a client writes becomes one.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::error::Code;

/// The media type of [`Metrics::text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of a histogram's buckets, seconds.
const BUCKETS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The groups of routes that are told apart.
const ROUTES: [&str; 10] = [
    "graphql",
    "upload",
    "inspect",
    "rejects",
    "export",
    "schema",
    "documents",
    "sign-in",
    "health",
    "other",
];
/// The first digits of statuses.
const STATUSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What a GraphQL operation is, for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationClass {
    /// It reads.
    Query,
    /// It changes something.
    Mutation,
    /// A live query that is answered once more.
    Live,
}

impl OperationClass {
    const ALL: [(OperationClass, &'static str); 3] = [
        (OperationClass::Query, "query"),
        (OperationClass::Mutation, "mutation"),
        (OperationClass::Live, "live"),
    ];
}

type Label = (&'static str, &'static str);

/// The numbers of this process.
pub struct Metrics {
    registry: Registry,
    /// By route and status.
    requests: Vec<[Counter; STATUSES.len()]>,
    /// By class.
    operations: Vec<Histogram>,
    errors: Family<[Label; 1], Counter>,
}

/// A number that is looked up when it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Its name, without `sluice_`.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// It only grows, as long as the process lives.
    pub is_counter: bool,
    /// What tells it from others of its name.
    pub label: Option<(&'static str, String)>,
    /// The number, in the unit that the name says.
    pub value: f64,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("sluice");
        let requests = Family::<[Label; 2], Counter>::default();
        registry.register("http_requests", "Requests by route and status", requests.clone());
        let operations =
            Family::<[Label; 1], Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let help = "Time of GraphQL operations, from the document to the answer";
        registry.register("operation_seconds", help, operations.clone());
        let errors = Family::<[Label; 1], Counter>::default();
        registry.register(
            "operation_errors",
            "Operations that failed, by their code",
            errors.clone(),
        );
        let of_route = |route: &'static str| {
            STATUSES.map(|status| {
                requests.get_or_create(&[("route", route), ("status", status)]).clone()
            })
        };
        let of_class = |(_, class): (OperationClass, &'static str)| {
            operations.get_or_create(&[("class", class)]).clone()
        };
        Metrics {
            requests: ROUTES.map(of_route).to_vec(),
            operations: OperationClass::ALL.map(of_class).to_vec(),
            registry,
            errors,
        }
    }

    /// A request was answered.
    pub fn answered(&self, route: Route, status: u16) {
        let counters = self.requests.get(route.0);
        let class = usize::from((status / 100).clamp(1, 5)) - 1;
        if let Some(counter) = counters.and_then(|counters| counters.get(class)) {
            counter.inc();
        }
    }

    /// An operation was carried out.
    pub fn operated(&self, class: OperationClass, took: Duration) {
        let position = OperationClass::ALL.iter().position(|(known, _)| *known == class);
        if let Some(histogram) = position.and_then(|position| self.operations.get(position)) {
            histogram.observe(took.as_secs_f64());
        }
    }

    /// An operation was answered with this error.
    pub fn failed(&self, code: Code) {
        self.errors.get_or_create(&[("code", code.wire())]).inc();
    }

    /// All numbers, with these that were looked up; figures of one name stand beside each other.
    ///
    /// # Errors
    /// Never, as text is always taken.
    pub fn text(&self, figures: &[Figure]) -> Result<String, fmt::Error> {
        let mut now = Registry::with_prefix("sluice");
        for alike in figures.chunk_by(|one, other| one.name == other.name) {
            let Some(Figure { name, help, is_counter, .. }) = alike.first() else { continue };
            let labels = |figure: &Figure| -> Vec<(&'static str, String)> {
                figure.label.clone().into_iter().collect()
            };
            if *is_counter {
                let family =
                    Family::<Vec<(&'static str, String)>, Counter<f64, AtomicU64>>::default();
                for figure in alike {
                    family.get_or_create(&labels(figure)).inc_by(figure.value);
                }
                now.register(*name, *help, family);
            } else {
                let family =
                    Family::<Vec<(&'static str, String)>, Gauge<f64, AtomicU64>>::default();
                for figure in alike {
                    family.get_or_create(&labels(figure)).set(figure.value);
                }
                now.register(*name, *help, family);
            }
        }
        let mut text = String::with_capacity(16 << 10);
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &now)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

/// The group of routes that a path belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route(usize);

impl Route {
    /// The group's name.
    pub fn name(self) -> &'static str {
        ROUTES.get(self.0).copied().unwrap_or("other")
    }

    /// Of a request's path.
    pub fn of(path: &str) -> Route {
        let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let name = match first {
            "schema.graphql" => "schema",
            "healthz" | "readyz" | "metrics" | "version" => "health",
            other => other,
        };
        let other = ROUTES.len() - 1;
        Route(ROUTES.iter().position(|known| *known == name).unwrap_or(other))
    }
}

/// What the process takes of the machine; what cannot be read is left out.
pub fn of_process(data_dir: &std::path::Path) -> Vec<Figure> {
    let figure =
        |name, help, is_counter, value| Figure { name, help, is_counter, label: None, value };
    let mut figures = Vec::new();
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let status = read("/proc/self/status");
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|rest| rest.trim().strip_suffix("kB")?.trim().parse().ok());
    figures.extend(resident.map(|kib: f64| {
        figure("process_resident_bytes", "Memory that the process takes", false, kib * 1024.0)
    }));
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let n = f64::from(u32::try_from(open.count()).unwrap_or(u32::MAX));
        figures.push(figure(
            "process_open_descriptors",
            "Files and connections that are open",
            false,
            n,
        ));
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        let help = "Files and connections that may be open";
        figures.push(figure("process_max_descriptors", help, false, most as f64));
    }
    if let Ok(disk) = rustix::fs::statvfs(data_dir) {
        let bytes = |blocks: u64| -> f64 { blocks as f64 * disk.f_frsize as f64 };
        let free = "Bytes that are free where the data are";
        figures.push(figure("disk_free_bytes", free, false, bytes(disk.f_bavail)));
        let size = "Bytes of the disk where the data are";
        figures.push(figure("disk_size_bytes", size, false, bytes(disk.f_blocks)));
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_openmetrics() {
        let metrics = Metrics::new();
        metrics.answered(Route::of("/graphql"), 200);
        metrics.answered(Route::of("/upload/orders"), 413);
        metrics.answered(Route::of("/<script>"), 999);
        metrics.operated(OperationClass::Mutation, Duration::from_millis(3));
        metrics.failed(Code::Conflict);
        let figure = |name, is_counter, label: Option<&str>, value| {
            let label = label.map(|label| ("status", label.to_owned()));
            Figure { name, help: "A number", is_counter, label, value }
        };
        let figures = [
            figure("jobs", false, Some("QUEUED"), 2.0),
            figure("jobs", false, Some("FAILED"), 1.0),
            figure("cache_hits", true, None, 7.0),
        ];
        let text = metrics.text(&figures).unwrap();
        for line in [
            "sluice_http_requests_total{route=\"graphql\",status=\"2xx\"} 1",
            "sluice_http_requests_total{route=\"upload\",status=\"4xx\"} 1",
            "sluice_http_requests_total{route=\"other\",status=\"5xx\"} 1",
            "sluice_operation_seconds_bucket{le=\"0.005\",class=\"mutation\"} 1",
            "sluice_operation_errors_total{code=\"CONFLICT\"} 1",
            "sluice_jobs{status=\"FAILED\"} 1.0",
            "sluice_cache_hits_total 7.0",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
        assert!(!text.contains("script"));
        assert_eq!(text.matches("# TYPE sluice_jobs ").count(), 1);
    }

    #[test]
    fn the_process_tells_of_itself() {
        let figures = of_process(std::path::Path::new("/"));
        let names: Vec<&str> = figures.iter().map(|figure| figure.name).collect();
        assert!(names.contains(&"process_resident_bytes") && names.contains(&"disk_free_bytes"));
        assert!(figures.iter().all(|figure| figure.value > 0.0), "{figures:?}");
    }
}
