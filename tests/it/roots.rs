//! Several root fields: one consistent picture, whatever is loaded meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::both_stores;
use crate::harness::fixtures::generation;

/// Generations loaded over one another while readers compare.
const N_GENERATIONS: u64 = 12;
const N_READERS: usize = 3;

#[test]
fn all_roots_see_one_version() {
    const DOCUMENT: &str = "query($n: Int) {
        list: steps(limit: $n) { generation }
        page: stepsConnection(last: $n, orderBy: {name: ASC}) { totalCount nodes { generation } }
        whole: stepsAggregate { aggregate { count min { generation } max { generation } } nodes { generation } }
        one: stepsByPk(id: 3) { generation nodeId }
    }";
    both_stores(|server| {
        let client = server.client();
        client.load("steps", generation(1, 100));
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let readers: Vec<_> = (0..N_READERS)
                .map(|reader| {
                    let (client, is_done) = (server.client(), &is_done);
                    scope.spawn(move || {
                        let mut seen = Vec::new();
                        let mut n_asked = 0;
                        while !is_done.load(Ordering::Relaxed) {
                            n_asked += 1;
                            // Sizes differ, so that not every answer is a kept one.
                            let n = 3 + (reader + n_asked) % 40;
                            let data = client.data_with(DOCUMENT, &json!({ "n": n }));
                            let generation = data["one"]["generation"].as_u64().unwrap();
                            let count = data["whole"]["aggregate"]["count"].as_u64().unwrap();
                            assert_eq!(count, 99 + generation, "{data}");
                            assert_eq!(data["page"]["totalCount"], count, "{data}");
                            for end in ["min", "max"] {
                                let found = &data["whole"]["aggregate"][end]["generation"];
                                assert_eq!(found, generation, "{data}");
                            }
                            for rows in
                                [&data["list"], &data["page"]["nodes"], &data["whole"]["nodes"]]
                            {
                                let rows = rows.as_array().unwrap();
                                assert!(rows.len() >= 3);
                                assert!(
                                    rows.iter().all(|row| row["generation"] == generation),
                                    "{data}"
                                );
                            }
                            seen.push(generation);
                        }
                        assert!(seen.is_sorted(), "never back: {seen:?}");
                        seen
                    })
                })
                .collect();
            for number in 2..=N_GENERATIONS {
                let n_rows = usize::try_from(99 + number).unwrap();
                client.load("steps", generation(number, n_rows));
            }
            is_done.store(true, Ordering::Relaxed);
            for reader in readers {
                assert!(!reader.join().expect("a reader").is_empty());
            }
        });
    });
}
