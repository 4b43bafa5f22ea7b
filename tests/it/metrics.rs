//! The numbers at `/metrics`: who gets them, and whether they count.

use crate::access::{key, load, workspace};
use crate::harness::{Client, Server, StoreKind, both_stores};

fn text(client: &Client) -> String {
    let answer = client.get("/metrics");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text"));
    answer.text
}

/// The number of a line that begins so.
#[track_caller]
fn number(text: &str, line: &str) -> i64 {
    let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
    found
        .and_then(|number| number.split('.').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{line} in {text}"))
}

#[test]
fn they_count_what_is_asked_and_held() {
    both_stores(|server| {
        let client = server.client();
        load(&client);
        let before = text(&client);
        for _ in 0..3 {
            client.data("{ orders(where: {id: {_gt: 2}}) { id } }");
        }
        client.data(
            "mutation { updateOrdersByPk(pkColumns: {id: 10}, _set: {status: \"sent\"}) { id } }",
        );
        client.error("{ nothing }");
        let after = text(&client);
        let grew = |line: &str| number(&after, line) - number(&before, line);
        assert!(grew("sluice_http_requests_total{route=\"graphql\",status=\"2xx\"}") >= 4);
        assert_eq!(grew("sluice_operation_seconds_count{class=\"query\"}"), 3);
        assert_eq!(grew("sluice_operation_seconds_count{class=\"mutation\"}"), 1);
        assert_eq!(number(&after, "sluice_operation_errors_total{code=\"BAD_USER_INPUT\"}"), 1);
        assert_eq!(grew("sluice_cache_hits_total"), 2);
        assert_eq!(number(&after, "sluice_ready"), 1);
        assert_eq!(number(&after, "sluice_datasets"), 3);
        assert!(number(&after, "sluice_jobs{status=\"succeeded\"}") >= 3);
        assert!(number(&after, "sluice_process_resident_bytes") > 1_000_000);
        assert!(number(&after, "sluice_disk_free_bytes") > 0);
        assert!(after.ends_with("# EOF\n"));
        // Nothing of a client's, or of the data.
        assert!(!after.contains("orders") && !after.contains("nothing"), "{after}");
    });
}

#[test]
fn they_are_for_the_operator() {
    both_stores(|server| {
        let operator = server.client();
        load(&operator);
        assert_eq!(server.anonymous().get("/metrics").status, 401);
        let others = [
            key(&operator, "scope: UPLOAD"),
            key(&operator, "scope: ADMIN, datasets: [\"orders\"]"),
            workspace(&operator, "other"),
        ];
        for other in others {
            let answer = other.get("/metrics");
            assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"));
        }
    });
}

#[test]
fn alerts_ask_for_numbers_that_are_there() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/monitoring");
    let rules = std::fs::read_to_string(format!("{folder}/sluice-alerts.yml")).unwrap();
    let server = Server::start(StoreKind::Sqlite);
    let client = server.client();
    load(&client);
    client.error("{ nothing }");
    let text = text(&client);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let asked: Vec<&str> = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with('-') && !line.contains("summary"))
        .flat_map(|line| line.split(|c| !is_name(c)))
        .filter(|word| word.starts_with("sluice_"))
        .collect();
    assert!(asked.len() >= 9, "{asked:?}");
    for name in asked {
        let is_there = text
            .lines()
            .any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        assert!(is_there, "{name} is not in {text}");
    }
}
