//! What a restricted principal is shown stays its own: kept answers, refused rows, operations, and
//! policies whose columns changed.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::access::{is_clean, key, load, restrict, set_policy, workspace};
use crate::harness::{Answer, Client, both_stores};

#[test]
fn refused_rows_are_not_for_those_who_see_a_part() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("items", "id,price,note\n1,1,a\n2,2,b\n");
        let answer = admin.upload_with(
            "items",
            "wait=60&mode=append&onError=reject",
            "id,price,note\n3,three,zzqnote\n",
        );
        assert_eq!(answer.status, 200, "{}", answer.text);
        // A job that failed tells of cells, too.
        let failed =
            admin.upload_with("items", "wait=60&mode=append", "id,price,note\n4,zzqfour,a\n");
        assert_ne!(failed.status, 200, "{}", failed.text);
        let nobody = key(&admin, "scope: UPLOAD, role: \"nobody\", datasets: [\"items\"]");
        let jobs = nobody
            .graphql("{ jobs { datasetName error { message } refused { value } } }", &json!({}));
        assert_eq!(jobs.data(), json!({ "jobs": [] }));
        let document = "{ dataset(name: \"items\") { rejectCount rejects { value cells { value } } } jobs { refused { value } notices { message } error { message } } }";
        let whole = admin.graphql(document, &json!({}));
        assert!(whole.text.contains("zzqnote"), "{}", whole.text);
        for (role, arguments) in [
            ("rows", "filter: {id: {_eq: 1}}"),
            ("columns", "columns: [\"id\", \"price\"]"),
            ("masks", "masks: [{column: \"note\", mask: HASH}]"),
        ] {
            set_policy(&admin, &format!("dataset: \"items\", role: \"{role}\", {arguments}"));
            let client = key(&admin, &format!("scope: UPLOAD, role: \"{role}\""));
            let answer = client.graphql(document, &json!({}));
            is_clean(&answer, "");
            assert_eq!(answer.data()["dataset"], json!({ "rejectCount": "0", "rejects": [] }));
            let file = client.get("/rejects/items.csv");
            assert_eq!(file.status, 404, "{role}: {}", file.text);
        }
    });
}

#[test]
fn operations_and_row_limits_hold() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        set_policy(&admin, "dataset: \"orders\", role: \"list\", operations: [SELECT]");
        set_policy(&admin, "dataset: \"customers\", role: \"list\"");
        let client = key(&admin, "role: \"list\"");
        assert_eq!(client.data("{ orders(limit: 1) { id } ordersConnection(first: 1) { nodes { id } } customersAggregate { aggregate { count } } }")["orders"], json!([{"id": 10}]));
        for document in [
            "{ ordersAggregate { aggregate { count } } }",
            "{ ordersGroupBy(by: [{column: STATUS}]) { aggregate { count } } }",
            "{ ordersConnection { totalCount } }",
            "{ customers { ordersAggregate { aggregate { count } } } }",
            "{ customers { ordersConnection { totalCount } } }",
            "{ customers(where: {ordersAggregate: {count: {predicate: {_gt: 1}}}}) { id } }",
            "{ customers(orderBy: {ordersAggregate: {count: ASC}}) { id } }",
        ] {
            assert_eq!(client.error(document).0, "BAD_USER_INPUT", "{document}");
        }
        let variables = json!({ "w": {"ordersAggregate": {"count": {"predicate": {"_gt": 1}}}} });
        let document = "query($w: CustomersBoolExp) { customers(where: $w) { id } }";
        assert_eq!(client.graphql(document, &variables).code(), "BAD_USER_INPUT");
        set_policy(&admin, "dataset: \"orders\", role: \"nothing\", operations: [AGGREGATE]");
        let nothing = key(&admin, "role: \"nothing\"");
        assert_eq!(nothing.data("{ datasets { name } }"), json!({ "datasets": [] }));

        set_policy(&admin, "dataset: \"orders\", role: \"few\", maxRows: 2");
        set_policy(&admin, "dataset: \"customers\", role: \"few\"");
        let few = key(&admin, "role: \"few\"");
        let n_rows = |value: &Value| value.as_array().unwrap().len();
        let data = few.data("{ orders { id } ordersConnection { nodes { id } } ordersAggregate { nodes { id } aggregate { count } } customers { orders { id } } ordersGroupBy(by: [{column: ID}]) { keys { id } } }");
        assert_eq!(n_rows(&data["orders"]), 2);
        assert_eq!(n_rows(&data["ordersConnection"]["nodes"]), 2);
        assert_eq!(n_rows(&data["ordersAggregate"]["nodes"]), 2);
        assert_eq!(n_rows(&data["ordersGroupBy"]), 2);
        for customer in data["customers"].as_array().unwrap() {
            assert!(n_rows(&customer["orders"]) <= 2);
        }
        for document in [
            "{ orders(limit: 3) { id } }",
            "{ ordersConnection(first: 3) { nodes { id } } }",
            "{ ordersConnection(last: 3) { nodes { id } } }",
            "{ ordersAggregate(limit: 3) { nodes { id } } }",
            "{ ordersGroupBy(by: [{column: ID}], limit: 3) { keys { id } } }",
            "{ customers { orders(limit: 3) { id } } }",
            "{ customers { ordersConnection(first: 3) { nodes { id } } } }",
        ] {
            assert_eq!(few.error(document).0, "BAD_USER_INPUT", "{document}");
        }
        assert_eq!(
            few.graphql("query($l: Int) { orders(limit: $l) { id } }", &json!({ "l": 3 })).code(),
            "BAD_USER_INPUT"
        );
    });
}

/// A document by POST with a tag that the client has.
fn ask(client: &Client, document: &str, tag: &str) -> Answer {
    let body = json!({ "query": document }).to_string();
    let mut headers = vec![("content-type", "application/json")];
    if !tag.is_empty() {
        headers.push(("if-none-match", tag));
    }
    client.request("POST", "/graphql", &headers, body)
}

#[test]
fn nothing_that_is_kept_crosses_principals() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        restrict(&admin);
        admin.data("mutation { setPublicRead(datasets: [\"orders\"]) { name } }");
        set_policy(&admin, "dataset: \"orders\", role: \"anonymous\", filter: {id: {_lt: 11}}");
        let reader = key(&admin, "scope: READ");
        let north = key(&admin, "role: \"sales\", claims: {region: \"north\"}");
        let south = key(&admin, "role: \"sales\", claims: {region: \"south\"}");
        let listed = key(&admin, "scope: READ, datasets: [\"orders\"]");
        let partial_admin = key(&admin, "scope: ADMIN, datasets: [\"orders\"]");
        let anonymous = server.anonymous();
        let twin = workspace(&admin, "twin");
        twin.load("orders", "id,note\n1,zzqtwin\n");
        let order = [&admin, &north, &south, &reader, &listed, &partial_admin, &anonymous, &twin];
        for document in [
            "{ orders { id note } }",
            "{ ordersAggregate { aggregate { count } } }",
            "{ ordersConnection { totalCount edges { cursor node { id } } } }",
            "{ orders(search: \"apple\") { id } }",
            "{ datasets { name rowCount } }",
            "{ jobs { datasetName } }",
            "{ workspace { datasetCount rowCount } }",
            "{ __type(name: \"Orders\") { fields { name } } }",
        ] {
            // Once in this order, again the other way round, and with everybody's tags.
            let first: Vec<Answer> = order.iter().map(|client| ask(client, document, "")).collect();
            for (client, before) in order.iter().zip(&first).rev() {
                assert_eq!(ask(client, document, "").text, before.text, "{document}");
                let tag = before.header("etag");
                assert!(!tag.is_empty(), "{document}: {}", before.text);
                assert_eq!(ask(client, document, tag).status, 304, "{document}");
                for other in first.iter().filter(|other| other.text != before.text) {
                    let answer = ask(client, document, other.header("etag"));
                    assert_eq!((answer.status, &answer.text), (200, &before.text), "{document}");
                }
            }
            for answer in [&first[1], &first[6]] {
                assert!(!answer.text.contains("zzq"), "{document}: {}", answer.text);
            }
        }
        // A document that an admin sent by its hash is another question for somebody else.
        let document = "{ orders { id } payroll { wage } }";
        let sha: String =
            Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect();
        let extensions = json!({ "persistedQuery": {"version": 1, "sha256Hash": sha} });
        let sent = json!({ "query": document, "extensions": extensions }).to_string();
        assert!(admin.post_json("/graphql", &sent).text.contains("99101"));
        admin.data_with(
            "mutation($d: [TrustedDocumentInput!]!) { setTrustedDocuments(documents: $d) { count } }",
            &json!({ "d": [{"id": "all", "text": document}] }),
        );
        for named in [json!({ "extensions": extensions }), json!({ "documentId": "all" })] {
            assert!(admin.post_json("/graphql", &named.to_string()).text.contains("99101"));
            for client in [&north, &listed, &anonymous] {
                let answer = client.post_json("/graphql", &named.to_string());
                assert!(!answer.text.contains("99101"), "{}", answer.text);
                assert_eq!(answer.code(), "BAD_USER_INPUT");
            }
        }
        // What changes holds for the next question, with the same document and the same tag.
        let before = ask(&north, "{ orders { id } }", "");
        set_policy(&admin, "dataset: \"orders\", role: \"sales\", filter: {id: {_eq: 15}}");
        let after = ask(&north, "{ orders { id } }", before.header("etag"));
        assert_eq!(after.data(), json!({ "orders": [{"id": 15}] }));
        admin.data("mutation { dropPolicy(dataset: \"orders\", role: \"sales\") { role } }");
        assert_eq!(north.error("{ orders { id } }").0, "BAD_USER_INPUT");
        assert_eq!(
            ask(&north, "{ orders { id } }", before.header("etag")).code(),
            "BAD_USER_INPUT"
        );
    });
}

#[test]
fn an_admin_of_some_datasets_is_no_door_for_others() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        set_policy(&admin, "dataset: \"orders\", role: \"*\", filter: {region: {_eq: \"north\"}}");
        let partial = key(&admin, "scope: ADMIN, datasets: [\"orders\"]");
        let reader = key(&admin, "scope: READ, datasets: [\"orders\"]");
        const COUNT: &str = "{ ordersAggregate { aggregate { count } } }";
        let count =
            |client: &Client| client.data(COUNT)["ordersAggregate"]["aggregate"]["count"].clone();
        // Whoever comes first, each sees what is its own.
        assert_eq!((count(&partial), count(&reader)), (json!(6), json!(4)));
        set_policy(&admin, "dataset: \"orders\", role: \"*\", filter: {region: {_eq: \"south\"}}");
        assert_eq!((count(&reader), count(&partial)), (json!(2), json!(6)));
        let answer = reader.graphql("{ orders { id note } }", &json!({}));
        assert!(!answer.text.contains("apple"), "{}", answer.text);
        for document in [
            "{ keys { prefix } }",
            "{ policies { role } }",
            "{ auditLog { action } }",
            "{ workspaces { name } }",
            "{ trustedDocuments { count } }",
            "mutation { createKey(name: \"x\", scope: ADMIN) { key } }",
            "mutation { setPolicy(dataset: \"orders\") { role } }",
            "mutation { dropPolicy(dataset: \"orders\", role: \"*\") { role } }",
            "mutation { setPublicRead(all: true) { name } }",
            "mutation { setDocumentMode(mode: TRUSTED) { mode } }",
            "mutation { createWorkspace(name: \"mine\") { id } }",
            "mutation { setQuotas(name: \"default\") { id } }",
        ] {
            assert_eq!(partial.error(document).0, "FORBIDDEN", "{document}");
        }
        let manifest =
            partial.request("PUT", "/documents", &[("content-type", "application/json")], "{}");
        assert_eq!(manifest.status, 403, "{}", manifest.text);
        assert_eq!(partial.error("{ payroll { id } }").0, "BAD_USER_INPUT");
        assert_eq!(
            partial.error("mutation { dropDataset(dataset: \"payroll\") { name } }").0,
            "NOT_FOUND"
        );
    });
}

/// How a column comes to have another name, or none.
type Change<'c> = (&'c str, &'c dyn Fn(&Client));

#[test]
fn a_policy_whose_columns_changed_shows_nothing_more() {
    both_stores(|server| {
        let operator = server.client();
        const CSV: &str = "id,name,secret,region\n1,a,zzq1,north\n2,b,zzq2,south\n";
        let policies = [
            ("hide", "masks: [{column: \"secret\", mask: HIDE}]"),
            ("null", "masks: [{column: \"secret\", mask: NULL}]"),
            ("part", "masks: [{column: \"secret\", mask: PARTIAL}]"),
            ("listed", "columns: [\"id\", \"name\"]"),
            ("rows", "filter: {secret: {_eq: \"none\"}}"),
        ];
        let changes: [Change<'_>; 4] = [
            ("renamed", &|admin| {
                let data = admin.data("mutation { alterColumn(dataset: \"people\", column: \"secret\", name: \"hidden\", wait: 60) { job { status } } }");
                assert_eq!(data["alterColumn"]["job"]["status"], "SUCCEEDED");
            }),
            ("kept", &|admin| {
                admin.load("people", CSV.replace("secret", "Secret Number"));
            }),
            ("replaced", &|admin| {
                admin.load("people", "id,name,region,hidden\n1,a,north,zzq-x\n2,b,south,zzq-y\n");
            }),
            ("dropped", &|admin| {
                admin.load("people", "id,name,region\n1,a,north\n2,b,south\n");
            }),
        ];
        for (change, make) in changes {
            let admin = workspace(&operator, change);
            admin.load("people", CSV);
            let clients: Vec<(&str, Client)> = policies
                .iter()
                .map(|(role, arguments)| {
                    set_policy(
                        &admin,
                        &format!("dataset: \"people\", role: \"{role}\", {arguments}"),
                    );
                    (*role, key(&admin, &format!("role: \"{role}\"")))
                })
                .collect();
            let check = |role: &str, client: &Client| {
                for document in [
                    "{ people { id } }",
                    "{ people { secret } }",
                    "{ people { hidden } }",
                    "{ people { secretNumber } }",
                    "{ peopleAggregate { aggregate { max { hidden } } } }",
                    "{ people(search: \"zzq\") { id } }",
                    "{ datasets { rowCount columns { name label statistics { max } } } }",
                ] {
                    let answer = client.graphql(document, &json!({}));
                    assert!(
                        !answer.text.contains("zzq"),
                        "{change} {role} {document}: {}",
                        answer.text
                    );
                }
            };
            clients.iter().for_each(|(role, client)| check(role, client));
            make(&admin);
            clients.iter().for_each(|(role, client)| check(role, client));
            let rows = clients[4].1.graphql("{ people { id } }", &json!({}));
            let masked = clients[0].1.graphql("{ people { id } }", &json!({}));
            if change == "kept" {
                // Found again under another header, it is the same column.
                assert_eq!(rows.data(), json!({ "people": [] }));
                assert_eq!(masked.data()["people"][0]["id"], 1);
            } else {
                assert_eq!(rows.code(), "FORBIDDEN", "{change}: {}", rows.text);
                assert_eq!(masked.code(), "BAD_USER_INPUT", "{change}: nothing is shown");
            }
            let listed = &clients[3].1;
            assert_eq!(listed.data("{ people { name } }")["people"][0]["name"], "a", "{change}");
            // Told anew, it holds again.
            set_policy(&admin, "dataset: \"people\", role: \"hide\", columns: [\"id\", \"name\"]");
            assert_eq!(clients[0].1.data("{ people { name } }")["people"][0]["name"], "a");
        }
    });
}

#[test]
fn wrong_policies_are_refused_with_the_reason() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        for (arguments, said) in [
            ("filter: {nothing: {_eq: 1}}", "nothing"),
            ("filter: {region: {_near: 1}}", "_near"),
            ("filter: {total: {_gt: \"much\"}}", "much"),
            ("filter: [1]", "object"),
            ("filter: \"x\"", "object"),
            ("check: {nothing: {_eq: 1}}", "nothing"),
            ("columns: [\"id\", \"nothing\"]", "nothing"),
            ("columns: [\"note\"]", "key"),
            ("masks: [{column: \"id\", mask: HASH}]", "key"),
            ("masks: [{column: \"total\", mask: HASH}]", "total"),
            ("masks: [{column: \"nothing\", mask: HIDE}]", "nothing"),
            ("masks: [{column: \"note\", mask: HIDE}, {column: \"note\", mask: NULL}]", "twice"),
            ("maxRows: 0", "maxRows"),
            ("role: \"\"", "role"),
            ("role: \"a b\"", "role"),
        ] {
            let document =
                format!("mutation {{ setPolicy(dataset: \"orders\", {arguments}) {{ role }} }}");
            let (code, message) = admin.error(&document);
            assert_eq!(code, "BAD_USER_INPUT", "{arguments}: {message}");
            assert!(message.contains(said), "{arguments}: {message}");
        }
        assert_eq!(
            admin.error("mutation { setPolicy(dataset: \"none\") { role } }").0,
            "NOT_FOUND"
        );
        assert_eq!(admin.data("{ policies { role } }"), json!({ "policies": [] }));
        // Numbers, dates and lists may come from claims, too.
        for filter in [
            "{total: {_gt: \"$claims.n\"}}",
            "{customerId: {_in: \"$claims.n\"}}",
            "{_or: [{id: {_eq: \"$claims.n\"}}, {customer: {credit: {_lt: \"$claims.m\"}}}]}",
        ] {
            set_policy(&admin, &format!("dataset: \"orders\", role: \"n\", filter: {filter}"));
        }
    });
}

#[test]
fn relations_by_masked_values_lead_to_equal_hashes_only() {
    both_stores(|server| {
        let admin = server.client();
        admin.load("people", "id,mail,name\n1,ada@example.com,Ada\n2,abba@example.com,Abba\n");
        admin.load("visits", "id,mail\n7,abba@example.com\n8,ada@example.com\n9,\n");
        admin.data("mutation { addRelation(from: \"visits\", column: \"mail\", to: \"people\", toColumn: \"mail\", name: \"person\") { name } }");
        let role = |role: &str, people: &str, visits: &str| {
            for (dataset, mask) in [("people", people), ("visits", visits)] {
                let masks = match mask {
                    "" => String::new(),
                    mask => format!("masks: [{{column: \"mail\", mask: {mask}}}]"),
                };
                set_policy(&admin, &format!("dataset: \"{dataset}\", role: \"{role}\", {masks}"));
            }
            key(&admin, &format!("role: \"{role}\""))
        };
        let document = "{ visits { id person { name } } people(where: {visits: {id: {_eq: 8}}}) { name visits { id } } }";
        let expect = json!({
            "visits": [
                {"id": 7, "person": {"name": "Abba"}},
                {"id": 8, "person": {"name": "Ada"}},
                {"id": 9, "person": null},
            ],
            "people": [{"name": "Ada", "visits": [{"id": 8}]}],
        });
        assert_eq!(role("plain", "", "").data(document), expect);
        assert_eq!(role("hash", "HASH", "HASH").data(document), expect);
        // By a part, several are alike; by a hash and a text, none; by nothing, nobody knows.
        for (name, people, visits) in [
            ("parts", "PARTIAL", "PARTIAL"),
            ("one", "HASH", ""),
            ("other", "", "HASH"),
            ("nothing", "NULL", "NULL"),
            ("hidden", "HIDE", ""),
        ] {
            let client = role(name, people, visits);
            for document in ["{ visits { person { name } } }", "{ people { visits { id } } }"] {
                assert_eq!(client.error(document).0, "BAD_USER_INPUT", "{name}");
            }
            let relations = client.data("{ datasets { relations { name } } }");
            assert_eq!(relations["datasets"][0]["relations"], json!([]), "{name}");
        }
    });
}
