//! Writes the numbers of `/metrics` as OTLP takes them, so that both tell the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Sums that only grow, since the start of the process (`AGGREGATION_TEMPORALITY_CUMULATIVE`).
const CUMULATIVE: u8 = 2;

/// A series of a histogram while its lines are read.
#[derive(Default)]
struct Series {
    attributes: Vec<Value>,
    /// Upper bound and how many are at or below it.
    buckets: Vec<(f64, u64)>,
    sum: f64,
    count: u64,
}

/// Metrics of an OpenMetrics text, as the JSON of OTLP; times are nanoseconds since 1970 UTC.
pub(super) fn metrics(text: &str, began_ns: &str, now_ns: &str) -> Vec<Value> {
    let mut kinds: BTreeMap<&str, &str> = BTreeMap::new();
    let mut points: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut series: BTreeMap<(&str, String), Series> = BTreeMap::new();
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            kinds.extend(told.split_once(' '));
            continue;
        }
        let Some((name, labels, value)) = sample(line) else { continue };
        let base = kinds.keys().rev().find(|known| is_of(name, known)).copied();
        let Some((base, kind)) = base.and_then(|base| Some((base, *kinds.get(base)?))) else {
            continue;
        };
        if kind == "histogram" {
            let mut labels = labels;
            let bound = labels.remove("le");
            let key = (base, format!("{labels:?}"));
            let of = series.entry(key).or_default();
            of.attributes = attributes(&labels);
            match (name.strip_prefix(base), bound) {
                (Some("_bucket"), Some(bound)) => {
                    let bound = bound.parse().unwrap_or(f64::INFINITY);
                    of.buckets.push((bound, whole(value)));
                }
                (Some("_sum"), _) => of.sum = value,
                (Some("_count"), _) => of.count = whole(value),
                _ => {}
            }
            continue;
        }
        let mut point = json!({
            "timeUnixNano": now_ns,
            "asDouble": value,
            "attributes": attributes(&labels),
        });
        if let (true, Value::Object(point)) = (kind == "counter", &mut point) {
            point.insert("startTimeUnixNano".to_owned(), json!(began_ns));
        }
        points.entry(base).or_default().push(point);
    }
    for ((base, _), of) in series {
        points.entry(base).or_default().push(histogram(&of, began_ns, now_ns));
    }
    let written = points.into_iter().map(|(name, points)| {
        let kind = kinds.get(name).copied().unwrap_or_default();
        let data = match kind {
            "counter" => {
                json!({ "sum": { "dataPoints": points, "isMonotonic": true, "aggregationTemporality": CUMULATIVE } })
            }
            "histogram" => {
                json!({ "histogram": { "dataPoints": points, "aggregationTemporality": CUMULATIVE } })
            }
            _ => json!({ "gauge": { "dataPoints": points } }),
        };
        let mut metric = Map::new();
        metric.insert("name".to_owned(), json!(name));
        if let Value::Object(data) = data {
            metric.extend(data);
        }
        Value::Object(metric)
    });
    written.collect()
}

/// Buckets of OTLP count what is between two bounds; those of OpenMetrics all that is below.
fn histogram(of: &Series, began_ns: &str, now_ns: &str) -> Value {
    let bounds: Vec<f64> =
        of.buckets.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite()).collect();
    let mut below = 0;
    let counts: Vec<String> = of
        .buckets
        .iter()
        .map(|(_, count)| {
            let own = count.saturating_sub(below);
            below = *count;
            own.to_string()
        })
        .collect();
    json!({
        "startTimeUnixNano": began_ns,
        "timeUnixNano": now_ns,
        "attributes": of.attributes,
        "count": of.count.to_string(),
        "sum": of.sum,
        "explicitBounds": bounds,
        "bucketCounts": counts,
    })
}

/// Whether a sample of this name belongs to a metric.
fn is_of(name: &str, metric: &str) -> bool {
    let suffix = name.strip_prefix(metric);
    suffix
        .is_some_and(|it| matches!(it, "" | "_total" | "_bucket" | "_sum" | "_count" | "_created"))
}

/// Name, labels and value of a line; values of labels here hold no quotes and no commas.
fn sample(line: &str) -> Option<(&str, BTreeMap<&str, &str>, f64)> {
    let (head, value) = line.rsplit_once(' ').filter(|_| !line.starts_with('#'))?;
    let (name, labels) = match head.split_once('{') {
        None => (head, ""),
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
    };
    let pairs = labels.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name, value.trim_matches('"')))
    });
    Some((name, pairs.collect(), value.parse().ok()?))
}

fn attributes(labels: &BTreeMap<&str, &str>) -> Vec<Value> {
    let one =
        |(name, value): (&&str, &&str)| json!({ "key": name, "value": { "stringValue": value } });
    labels.iter().map(one).collect()
}

/// A count, which is never negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that was written as a number"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;
    use crate::ops::metrics::{Figure, Metrics, OperationClass, Route};

    #[test]
    fn numbers_are_those_of_the_text() {
        let numbers = Metrics::new();
        numbers.answered(Route::of("/graphql"), 200);
        for ms in [1, 3, 9_000] {
            numbers.operated(OperationClass::Query, Duration::from_millis(ms));
        }
        let ready =
            Figure { name: "ready", help: "Ready", is_counter: false, label: None, value: 1.0 };
        let text = numbers.text(&[ready]).unwrap();
        let told = metrics(&text, "1", "2");
        let of = |name: &str| told.iter().find(|metric| metric["name"] == name).unwrap().clone();
        assert_eq!(of("sluice_ready")["gauge"]["dataPoints"][0]["asDouble"], 1.0);
        let requests = of("sluice_http_requests")["sum"].clone();
        assert_eq!(requests["isMonotonic"], true);
        let counted = requests["dataPoints"].as_array().unwrap().iter();
        assert_eq!(counted.filter(|point| point["asDouble"] == 1.0).count(), 1);
        let times = of("sluice_operation_seconds")["histogram"]["dataPoints"].clone();
        let queries = times
            .as_array()
            .unwrap()
            .iter()
            .find(|point| point["attributes"][0]["value"]["stringValue"] == "query");
        let queries = queries.unwrap();
        assert_eq!(queries["count"], "3");
        let counts = queries["bucketCounts"].as_array().unwrap();
        assert_eq!(counts.len(), queries["explicitBounds"].as_array().unwrap().len() + 1);
        let n: u64 = counts.iter().map(|it| it.as_str().unwrap().parse::<u64>().unwrap()).sum();
        assert_eq!(n, 3);
    }
}
