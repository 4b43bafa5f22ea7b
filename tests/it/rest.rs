//! REST answers what GraphQL answers, to the same principals, under the same limits.

use serde_json::{Value, json};

use crate::harness::fixtures::ITEMS;
use crate::harness::server::Options;
use crate::harness::{Answer, Client, Server, StoreKind, both_stores};

const ORDERS: &str = "id,customer,total,status,day\n1,1,19.90,open,2026-01-01\n2,1,7.05,paid,2026-01-02\n3,2,1200.00,open,2026-01-03\n4,2,0.10,void,\n5,1,3.00,open,2026-01-05\n";
const CUSTOMERS: &str = "id,name\n1,Ann\n2,Bob\n";

fn ids(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rows = answer.json()["data"].as_array().unwrap().clone();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// Code and sentence of a problem, whose shape is looked at.
pub(crate) fn problem(answer: &Answer, status: u16) -> (String, String) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text);
    let told = answer.json();
    assert_eq!(told["status"], status);
    for part in ["type", "title", "detail", "code", "requestId"] {
        assert!(!told[part].as_str().unwrap().is_empty(), "{told}");
    }
    let text = |part: &str| told[part].as_str().unwrap().to_owned();
    (text("code"), text("detail"))
}

pub(crate) fn load_shop(server: &Server) -> Client {
    let admin = server.client();
    admin.load("customers", CUSTOMERS);
    admin.load("orders", ORDERS);
    admin.data("mutation { addRelation(from: \"orders\", column: \"customer\", to: \"customers\", toColumn: \"id\", name: \"buyer\", inverseName: \"orders\") { name } }");
    admin
}

#[test]
fn rows_are_those_of_graphql() {
    both_stores(|server| {
        let admin = load_shop(server);
        admin.load("items", ITEMS);
        // The same bytes, whatever the types.
        let fields = "id name price inStock added seenAt made weight code big ref";
        let expected = admin.data(&format!("{{ items {{ {fields} }} }}"));
        assert_eq!(admin.get("/api/v1/items").json()["data"], expected["items"]);
        let one = admin.data(&format!("{{ itemsByPk(id: 3) {{ {fields} }} }}"));
        assert_eq!(admin.get("/api/v1/items/3").json()["data"], one["itemsByPk"]);

        let check = |query: &str, expect: &[i64]| {
            let query = query.replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
            assert_eq!(ids(&admin.get(&format!("/api/v1/orders?{query}"))), expect, "{query}");
        };
        check("", &[1, 2, 3, 4, 5]);
        check("filter[status]=open", &[1, 3, 5]);
        check("filter[status]=open&filter[total][gte]=10", &[1, 3]);
        check("filter[total][gte]=1&filter[total][lt]=10", &[2, 5]);
        check("filter%5Bstatus%5D%5Bin%5D=paid,void", &[2, 4]);
        check("filter[day][isNull]=true", &[4]);
        check("filter[status][_startsWith]=o", &[1, 3, 5]);
        check("filter={\"_or\":[{\"id\":{\"_eq\":1}},{\"status\":{\"_eq\":\"void\"}}]}", &[1, 4]);
        check("filter={\"id\":{\"_gt\":1}}&filter[status]=open", &[3, 5]);
        check("sort=-total", &[3, 1, 2, 5, 4]);
        check("sort=status,-id", &[5, 3, 1, 2, 4]);
        check("page[limit]=2&page[offset]=1", &[2, 3]);
        check("limit=2&offset=4", &[5]);
        check("search=void", &[4]);

        let told = admin.get("/api/v1/orders?fields=id,total&page[limit]=1").json();
        assert_eq!(told, json!({ "data": [{ "id": 1, "total": "19.90" }] }));
        let told = admin.get("/api/v1/orders/1?include=buyer&fields=id").json();
        assert_eq!(told["data"]["buyer"], json!({ "id": 1, "name": "Ann" }));
        let told = admin.get("/api/v1/customers/2?include=orders.buyer").json();
        assert_eq!(told["data"]["orders"][1]["buyer"]["name"], "Bob");

        let told = admin
            .get("/api/v1/orders/aggregate?filter[status]=open&sum=total&max=total,day")
            .json();
        let aggregate = &told["data"]["aggregate"];
        assert_eq!(aggregate["count"], 3);
        assert_eq!(aggregate["sum"]["total"], "1222.90");
        assert_eq!(aggregate["max"]["day"], "2026-01-05");
        let told = admin.get("/api/v1/orders/aggregate?groupBy=status&count").json();
        let groups = told["data"].as_array().unwrap().clone();
        let open = groups.iter().find(|group| group["keys"]["status"] == "open").unwrap();
        assert_eq!(open["aggregate"]["count"], 3);

        let told = admin.get("/api/v1/orders/schema").json();
        assert_eq!(told["data"]["key"], "id");
        assert_eq!(told["data"]["relations"][0]["name"], "buyer");
        let index = admin.get("/api/v1").json();
        assert!(index["data"].as_array().unwrap().iter().any(|it| it["href"] == "/api/v1/orders"));
    });
}

/// The address of a page beside an answer.
fn link(answer: &Answer, rel: &str) -> Option<String> {
    let text = answer.header("link").to_owned();
    let wanted = format!("rel=\"{rel}\"");
    let found = text.split(", ").find(|link| link.ends_with(&wanted))?.to_owned();
    Some(found.split(['<', '>']).nth(1).unwrap().to_owned())
}

#[test]
fn pages_are_walked_by_their_links() {
    both_stores(|server| {
        let admin = load_shop(server);
        for start in [
            "/api/v1/orders?page[limit]=2&sort=-id",
            "/api/v1/orders?page[limit]=2&sort=-id&total=true",
            "/api/v1/orders?page[limit]=2&sort=-id&page[after]=",
            "/api/v1/orders?page[limit]=2&sort=-id&page[after]=&total=true",
        ] {
            let mut seen = Vec::new();
            let mut next = Some(start.to_owned());
            let mut last = None;
            while let Some(path) = next {
                let page = admin.get(&path);
                seen.extend(ids(&page));
                next = link(&page, "next");
                assert!(seen.len() <= 5, "{start}");
                last = Some(page);
            }
            assert_eq!(seen, [5, 4, 3, 2, 1], "{start}");
            let last = last.unwrap();
            if start.contains("total") {
                assert_eq!(last.json()["total"], 5, "{}", last.text);
            }
            // And back.
            let before = admin.get(&link(&last, "prev").unwrap());
            assert_eq!(ids(&before), [3, 2], "{start}");
        }
        let counted = admin.get("/api/v1/orders?total=true&filter[status]=open&page[limit]=1");
        assert_eq!(counted.header("x-total-count"), "3");
        assert_eq!(counted.json()["total"], 3);
    });
}

#[test]
fn wrong_requests_are_problems() {
    both_stores(|server| {
        let admin = load_shop(server);
        for (path, status, code, word) in [
            ("/api/v1/nothing", 404, "NOT_FOUND", "nothing"),
            ("/api/v1/orders/99", 404, "NOT_FOUND", "99"),
            ("/api/v1/orders/ninety", 404, "NOT_FOUND", "ninety"),
            ("/api/v1/orders/1/2/3", 404, "NOT_FOUND", "/api/v1,"),
            ("/api/v2", 404, "NOT_FOUND", "/api/v2"),
            ("/api/v1/orders?filter[colour]=red", 400, "BAD_USER_INPUT", "colour"),
            ("/api/v1/orders?filter[id]=many", 400, "BAD_USER_INPUT", "whole number"),
            ("/api/v1/orders?filter[id][near]=1", 400, "BAD_USER_INPUT", "near"),
            ("/api/v1/orders?filter[total]=abc", 400, "BAD_USER_INPUT", ""),
            ("/api/v1/orders?sort=colour", 400, "BAD_USER_INPUT", "colour"),
            ("/api/v1/orders?include=colour", 400, "BAD_USER_INPUT", "colour"),
            ("/api/v1/orders?fields=colour", 400, "BAD_USER_INPUT", "colour"),
            ("/api/v1/orders?page[limit]=1000000", 400, "BAD_USER_INPUT", "limit"),
            ("/api/v1/orders?colour=red", 400, "BAD_USER_INPUT", "colour"),
            ("/api/v1/orders?sum=total", 400, "BAD_USER_INPUT", "/aggregate"),
            ("/api/v1/orders/aggregate?sum=status", 400, "BAD_USER_INPUT", "status"),
            ("/api/v1/orders?page[after]=forged", 400, "BAD_USER_INPUT", "cursor"),
        ] {
            let (found, detail) = problem(&admin.get(path), status);
            assert_eq!(found, code, "{path}: {detail}");
            assert!(detail.contains(word), "{path}: {detail}");
            assert!(!detail.contains("SELECT"), "{detail}");
        }
        let (code, _) = problem(&server.anonymous().get("/api/v1/orders"), 401);
        assert_eq!(code, "UNAUTHENTICATED");
        let put = admin.request("PUT", "/api/v1/orders", &[], "{}");
        assert_eq!(problem(&put, 405).0, "BAD_USER_INPUT");
        assert!(put.header("allow").contains("POST"));
        let bad = admin.request("POST", "/api/v1/orders", &[], "{not json");
        assert!(problem(&bad, 400).1.contains("JSON"));
        let allowed = admin.request("OPTIONS", "/api/v1/orders/1", &[], "");
        assert_eq!(allowed.status, 204);
        assert!(allowed.header("allow").contains("PATCH"));
        let head = admin.request("HEAD", "/api/v1/orders", &[], "");
        assert!(head.status == 200 && head.text.is_empty());
    });
}

#[test]
fn answers_are_kept_until_rows_change() {
    both_stores(|server| {
        let admin = load_shop(server);
        for path in
            ["/api/v1/orders", "/api/v1/orders/1", "/api/v1/orders/aggregate", "/openapi.json"]
        {
            let first = admin.get(path);
            let tag = first.header("etag").to_owned();
            assert!(tag.starts_with('"'), "{path}: {tag}");
            let again = admin.request("GET", path, &[("if-none-match", &tag)], "");
            assert!(again.status == 304 && again.text.is_empty(), "{path}: {}", again.status);
        }
        let tag = admin.get("/api/v1/orders").header("etag").to_owned();
        admin.data(
            "mutation { updateOrdersByPk(pkColumns: {id: 1}, _set: {status: \"paid\"}) { id } }",
        );
        let after = admin.request("GET", "/api/v1/orders", &[("if-none-match", &tag)], "");
        assert_eq!(after.json()["data"][0]["status"], "paid");
        // The tag is of the representation: GraphQL's is another.
        let other = admin.request(
            "GET",
            "/graphql?query=%7Borders%7Bid%7D%7D",
            &[("if-none-match", &tag)],
            "",
        );
        assert_eq!(other.status, 200);
    });
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn rows_are_added_changed_and_removed() {
    both_stores(|server| {
        let admin = load_shop(server);
        let post = |body: &Value, headers: &[(&str, &str)]| {
            let headers = [&[JSON], headers].concat();
            admin.request("POST", "/api/v1/orders", &headers, body.to_string())
        };
        let made = post(&json!({ "id": 6, "customer": 1, "total": "5.00", "status": "open" }), &[]);
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(made.json()["data"]["total"], "5.00");
        assert_eq!(made.header("location"), "/api/v1/orders/6");
        let many = json!([{ "id": 7, "status": "open" }, { "id": 8, "status": "void" }]);
        let made = post(&many, &[]);
        assert_eq!((made.status, ids_of(&made)), (201, vec![7, 8]));
        // Once, however often it is sent.
        let once = [("idempotency-key", "\"abc\"")];
        assert_eq!(post(&json!({ "id": 9 }), &once).status, 201);
        assert_eq!(post(&json!({ "id": 9 }), &once).status, 201);
        assert_eq!(problem(&post(&json!({ "id": 9 }), &[]), 409).0, "CONFLICT");
        let minimal = post(&json!({ "id": 10 }), &[("prefer", "return=minimal")]);
        assert!(minimal.status == 201 && minimal.text.is_empty());
        assert_eq!(minimal.header("preference-applied"), "return=minimal");
        assert_eq!(problem(&post(&json!({ "colour": 1 }), &[]), 400).0, "BAD_USER_INPUT");
        assert_eq!(problem(&post(&json!(7), &[]), 400).0, "BAD_USER_INPUT");

        let send = |method: &str, id: &str, body: &Value, headers: &[(&str, &str)]| {
            let headers = [&[JSON], headers].concat();
            let body = if body.is_null() { String::new() } else { body.to_string() };
            admin.request(method, &format!("/api/v1/orders/{id}"), &headers, body)
        };
        let changed = send("PATCH", "6", &json!({ "status": "paid" }), &[]);
        assert_eq!((changed.status, &changed.json()["data"]["status"]), (200, &json!("paid")));
        assert_eq!(
            problem(&send("PATCH", "99", &json!({ "status": "x" }), &[]), 404).0,
            "NOT_FOUND"
        );
        let put = send("PUT", "6", &json!({ "status": "void", "total": "1.00" }), &[]);
        assert_eq!((put.status, &put.json()["data"]["status"]), (200, &json!("void")));
        let put = send("PUT", "11", &json!({ "status": "new" }), &[]);
        assert_eq!((put.status, &put.json()["data"]["id"]), (200, &json!(11)));

        // Only if it is still what the client has.
        let tag = admin.get("/api/v1/orders/1").header("etag").to_owned();
        admin.data(
            "mutation { updateOrdersByPk(pkColumns: {id: 2}, _set: {status: \"void\"}) { id } }",
        );
        let guard = [("if-match", tag.as_str())];
        let changed = send("PATCH", "1", &json!({ "status": "paid" }), &guard);
        assert_eq!(changed.status, 200, "another row was changed: {}", changed.text);
        assert_eq!(
            problem(&send("PATCH", "1", &json!({ "status": "open" }), &guard), 412).0,
            "BAD_USER_INPUT"
        );
        assert_eq!(problem(&send("DELETE", "1", &Value::Null, &guard), 412).0, "BAD_USER_INPUT");
        let guard = [("if-match", changed.header("etag"))];
        assert_eq!(send("DELETE", "1", &Value::Null, &guard).status, 204);
        assert_eq!(problem(&send("DELETE", "1", &Value::Null, &[]), 404).0, "NOT_FOUND");
        let shown = send("DELETE", "2", &Value::Null, &[("prefer", "return=representation")]);
        assert_eq!((shown.status, &shown.json()["data"]["id"]), (200, &json!(2)));
    });
}

fn ids_of(answer: &Answer) -> Vec<i64> {
    let rows = answer.json()["data"].as_array().unwrap().clone();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[test]
fn policies_and_scopes_hold_here_too() {
    both_stores(|server| {
        let admin = load_shop(server);
        admin.data("mutation { setPolicy(dataset: \"orders\", role: \"sales\", filter: {status: {_eq: \"open\"}}, columns: [\"id\", \"status\"]) { role } }");
        let made = admin
            .data("mutation { createKey(name: \"s\", scope: WRITE, role: \"sales\") { key } }");
        let sales = admin.with_key(made["createKey"]["key"].as_str().unwrap());
        let seen = sales.get("/api/v1/orders");
        assert_eq!(ids(&seen), [1, 3, 5]);
        assert_eq!(seen.json()["data"][0], json!({ "id": 1, "status": "open" }));
        assert_eq!(problem(&sales.get("/api/v1/orders/2"), 404).0, "NOT_FOUND");
        assert_eq!(problem(&sales.get("/api/v1/orders?filter[total]=1"), 400).0, "BAD_USER_INPUT");
        assert_eq!(problem(&sales.get("/api/v1/customers"), 404).0, "NOT_FOUND");
        let document = sales.get("/openapi.json").text;
        assert!(document.contains("listOrders") && !document.contains("listCustomers"));
        assert!(!document.contains("filter[total]"));
        let reader = server.client_of("read");
        let change = reader.request("POST", "/api/v1/orders", &[JSON], "{\"id\": 50}");
        assert_eq!(problem(&change, 403).0, "FORBIDDEN");
        assert_eq!(problem(&reader.get("/api/v1/keys"), 403).0, "FORBIDDEN");
        let drop = reader.request("DELETE", "/api/v1/datasets/orders", &[], "");
        assert_eq!(problem(&drop, 403).0, "FORBIDDEN");
    });
}

#[test]
fn the_catalog_is_there_too() {
    both_stores(|server| {
        let admin = server.client();
        let upload = admin.request("POST", "/api/v1/datasets?name=orders&wait=30", &[], ORDERS);
        assert_eq!(upload.status, 200, "{}", upload.text);
        assert_eq!(upload.json()["dataset"]["name"], "orders");
        let taken = admin.request("POST", "/api/v1/datasets?name=orders&wait=30", &[], ORDERS);
        assert_eq!(problem(&taken, 409).0, "CONFLICT");
        let listed = admin.get("/api/v1/datasets?page[limit]=10").json();
        assert_eq!(listed["data"][0]["name"], "orders");
        assert_eq!(admin.get("/api/v1/datasets/orders").json()["data"]["rowCount"], "5");
        assert_eq!(problem(&admin.get("/api/v1/datasets/none"), 404).0, "NOT_FOUND");
        let versions = admin.get("/api/v1/datasets/orders/versions").json();
        assert_eq!(versions["data"][0]["version"], 1);
        let job = admin.get("/api/v1/jobs").json()["data"][0].clone();
        assert_eq!(job["status"], "SUCCEEDED");
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        assert_eq!(admin.get(&path).json()["data"]["id"], job["id"]);

        let broken =
            admin.request("POST", "/api/v1/datasets?name=b&filename=b.json&wait=30", &[], "[[1]]");
        assert_eq!(problem(&broken, 422).0, "FILE_REJECTED");
        let body = json!({ "name": "reports", "scope": "READ" }).to_string();
        let made = admin.request("POST", "/api/v1/keys", &[JSON], &body);
        assert_eq!(made.status, 201, "{}", made.text);
        let made = made.json()["data"].clone();
        let reader = admin.with_key(made["key"].as_str().unwrap());
        assert_eq!(reader.get("/api/v1/me").json()["data"]["scope"], "READ");
        let path = format!("/api/v1/keys/{}", made["apiKey"]["prefix"].as_str().unwrap());
        assert_eq!(admin.request("DELETE", &path, &[], "").status, 204);
        let missing = admin.request("POST", "/api/v1/keys", &[JSON], "{\"scope\": \"READ\"}");
        assert!(problem(&missing, 400).1.contains("name"));
        let body = json!({ "filter": { "status": { "_eq": "open" } } }).to_string();
        let set = admin.request("PUT", "/api/v1/policies/orders/sales", &[JSON], &body);
        assert_eq!(set.status, 200, "{}", set.text);
        assert_eq!(admin.get("/api/v1/policies").json()["data"][0]["role"], "sales");
        let dropped = admin.request("DELETE", "/api/v1/policies/orders/sales", &[], "");
        assert_eq!(dropped.status, 204);
        assert!(!admin.get("/api/v1/audit?limit=5").json()["data"].as_array().unwrap().is_empty());
        let renamed =
            admin.request("PATCH", "/api/v1/datasets/orders", &[JSON], "{\"newName\": \"sales\"}");
        assert_eq!(renamed.json()["data"]["name"], "sales");
        assert_eq!(admin.request("DELETE", "/api/v1/datasets/sales", &[], "").status, 204);
        assert_eq!(problem(&admin.get("/api/v1/sales"), 404).0, "NOT_FOUND");
    });
}

#[test]
fn limits_hold_here_too() {
    let (options, database) = Options::of(StoreKind::Sqlite);
    let options =
        options.variable("SLUICE_RATE_LIMIT", "on").variable("SLUICE_RATE_READS", "5/min");
    let server = Server::start_with(options, database);
    let client = server.client();
    let answers: Vec<Answer> = (0..8).map(|_| client.get("/api/v1/me")).collect();
    let limited = answers.iter().find(|answer| answer.status == 429).expect("a refusal");
    assert_eq!(problem(limited, 429).0, "RATE_LIMITED");
    assert!(!limited.header("retry-after").is_empty());
}

/// Scopes, the least first.
const SCOPES: [&str; 5] = ["query", "read", "write", "upload", "admin"];

#[test]
fn each_route_needs_the_scope_that_it_says() {
    both_stores(|server| {
        let admin = load_shop(server);
        let described = admin.get("/openapi.json").json();
        let clients: Vec<Client> = SCOPES.iter().map(|scope| server.client_of(scope)).collect();
        let mut n_routes = 0;
        for (path, methods) in described["paths"].as_object().unwrap() {
            // Of rows, one dataset stands for all.
            if path.starts_with("/api/v1/customers") {
                continue;
            }
            for (method, operation) in methods.as_object().unwrap() {
                let said = operation["description"].as_str().unwrap_or_default();
                let said = said.split("Needs the scope ").nth(1);
                let needed = said.map_or(if method == "get" { "read" } else { "write" }, |rest| {
                    rest.split('.').next().unwrap()
                });
                let needed = SCOPES.iter().position(|scope| *scope == needed).unwrap();
                let method = method.to_uppercase();
                let path: String = path
                    .split('/')
                    .map(|part| if part.starts_with('{') { "77" } else { part })
                    .collect::<Vec<_>>()
                    .join("/");
                let body = body_of(operation);
                n_routes += 1;
                for (n, client) in clients.iter().enumerate() {
                    let answer = client.request(&method, &path, &[JSON], &body);
                    let told = || {
                        format!("{} {method} {path}: {} {}", SCOPES[n], answer.status, answer.text)
                    };
                    if n < needed {
                        assert_eq!(answer.status, 403, "{}", told());
                    } else {
                        assert!(![401, 403, 500].contains(&answer.status), "{}", told());
                    }
                }
                let answer = server.anonymous().request(&method, &path, &[JSON], &body);
                assert_eq!(answer.status, 401, "{method} {path}");
            }
        }
        assert!(n_routes > 25, "{n_routes}");
    });
}

/// A body with all that an operation needs.
fn body_of(operation: &Value) -> String {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    if schema.is_null() {
        return String::new();
    }
    let fields = schema["required"].as_array().cloned().unwrap_or_default();
    let fields = fields.iter().map(|name| {
        let name = name.as_str().unwrap();
        let is_list = schema["properties"][name]["type"] == "array";
        (name.to_owned(), if is_list { json!([]) } else { json!("x") })
    });
    Value::Object(fields.collect()).to_string()
}
