//! Saved queries answer at addresses of their own, for keys that can do nothing else.

use calamine::{Data, Reader};
use serde_json::{Value, json};

use crate::access::{key, set_policy};
use crate::harness::server::Options;
use crate::harness::{Answer, Client, Server, StoreKind, both_stores};
use crate::rest::{load_shop, problem};

const BY_STATUS: &str = "query($status: String = \"open\", $least: Decimal, $n: Int) {
    orders(where: {status: {_eq: $status}, total: {_gte: $least}}, orderBy: {id: ASC}, limit: $n) { id total day buyer { name } }
}";

#[track_caller]
fn save(admin: &Client, name: &str, document: &str, more: &str) -> Value {
    let mutation = format!(
        "mutation($document: String!) {{ saveQuery(name: \"{name}\", document: $document {more}) {{ name path variables {{ name type required default }} problems protected maxAge }} }}"
    );
    admin.data_with(&mutation, &json!({ "document": document }))["saveQuery"].clone()
}

fn ids(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rows = answer.json()["orders"].clone();
    rows.as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
}

#[test]
fn they_answer_with_variables_of_the_address() {
    both_stores(|server| {
        let admin = load_shop(server);
        let saved = save(&admin, "by_status", BY_STATUS, ", description: \"Orders\"");
        assert_eq!(saved["path"], "/q/by_status");
        assert_eq!(
            saved["variables"],
            json!([
                { "name": "status", "type": "String", "required": false, "default": "open" },
                { "name": "least", "type": "Decimal", "required": false, "default": null },
                { "name": "n", "type": "Int", "required": false, "default": null },
            ])
        );
        let answer = admin.get("/q/by_status");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(
            answer.json()["orders"][0],
            json!({ "id": 1, "total": "19.90", "day": "2026-01-01", "buyer": { "name": "Ann" } })
        );
        assert_eq!(ids(&answer), json!([1, 3, 5]));
        assert_eq!(ids(&admin.get("/q/by_status.json?status=paid")), json!([2]));
        assert_eq!(ids(&admin.get("/q/by_status?least=10&n=1")), json!([1]));
        // Of the same state as every other answer: never stale, and told when it is unchanged.
        let tag = answer.header("etag").to_owned();
        let again = admin.request("GET", "/q/by_status", &[("if-none-match", &tag)], "");
        assert_eq!((again.status, again.text.as_str()), (304, ""));
        admin.data("mutation { deleteOrdersByPk(id: 3) { id } }");
        let again = admin.request("GET", "/q/by_status", &[("if-none-match", &tag)], "");
        assert_eq!(ids(&again), json!([1, 5]));
        assert_eq!(admin.request("HEAD", "/q/by_status", &[], "").status, 200);
        let options = admin.request("OPTIONS", "/q/by_status", &[], "");
        assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, OPTIONS"));

        for (path, status, code, words) in [
            ("/q/by_status?n=x", 400, "BAD_USER_INPUT", "n=\"x\" does not fit its type Int"),
            ("/q/by_status?m=1", 400, "BAD_USER_INPUT", "it has status, least, n"),
            ("/q/by_status?n=1&n=2", 400, "BAD_USER_INPUT", "twice"),
            ("/q/by_status?least=ten", 400, "BAD_USER_INPUT", ""),
            ("/q/nothing", 404, "NOT_FOUND", "no saved query"),
            ("/q/by_status.pdf", 404, "NOT_FOUND", "no saved query"),
            ("/q/by_status.ndjson", 404, "NOT_FOUND", ".json, .csv"),
            ("/q/by_status/more", 404, "NOT_FOUND", ""),
        ] {
            let (told, detail) = problem(&admin.get(path), status);
            assert!(told == code && detail.contains(words), "{path}: {told} {detail}");
        }

        let snippets = admin.get("/q/by_status/snippets").json();
        assert_eq!(snippets["snippets"].as_array().unwrap().len(), 8);
        let shell = admin.get("/q/by_status/snippets/curl").text;
        assert!(shell.contains("/q/by_status.csv?status=open&guard=false'"), "{shell}");
        problem(&admin.get("/q/nothing/snippets"), 404);
        problem(&admin.get("/q/by_status/snippets/telepathy"), 404);

        let listed = admin.get("/q").json();
        assert_eq!(listed["data"][0]["href"], "/q/by_status");
        assert_eq!(listed["data"][0]["description"], "Orders");
        let described = admin.get("/openapi.json").json();
        let parameters = &described["paths"]["/q/by_status"]["get"]["parameters"];
        assert_eq!(parameters[2]["schema"], json!({ "type": "integer", "format": "int32" }));

        // By REST, too; the same name is the same query.
        let body = json!({ "document": "{ orders(limit: 1) { id } }", "maxAge": 60 }).to_string();
        let json_type = [("content-type", "application/json")];
        let put = admin.request("PUT", "/api/v1/saved-queries/by_status", &json_type, body);
        assert_eq!(put.status, 200, "{}", put.text);
        let answer = admin.get("/q/by_status");
        assert_eq!(answer.json(), json!({ "orders": [{ "id": 1 }] }));
        assert_eq!(answer.header("cache-control"), "private, max-age=60");
        let gone = admin.request("DELETE", "/api/v1/saved-queries/by_status", &[], "");
        assert_eq!(gone.status, 204);
        problem(&admin.get("/q/by_status"), 404);
    });
}

#[test]
fn they_answer_as_tables() {
    both_stores(|server| {
        let admin = load_shop(server);
        save(&admin, "by_status", BY_STATUS, "");
        let table = admin.get("/q/by_status.csv");
        assert_eq!(
            table.text,
            "id,total,day,buyer.name\r\n1,19.90,2026-01-01,Ann\r\n3,1200.00,2026-01-03,Bob\r\n5,3.00,2026-01-05,Ann\r\n"
        );
        assert_eq!(table.header("content-disposition"), "attachment; filename=\"by_status.csv\"");
        let none = admin.get("/q/by_status.tsv?status=none");
        assert_eq!(none.text, "id\ttotal\tday\tbuyer.name\r\n");
        let tag = table.header("etag").to_owned();
        let again = admin.request("GET", "/q/by_status.csv", &[("if-none-match", &tag)], "");
        assert_eq!(again.status, 304);

        let bytes = admin.bytes("/q/by_status.xlsx");
        let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        let range = book.worksheet_range_at(0).unwrap().unwrap();
        let rows: Vec<_> = range.rows().collect();
        assert_eq!(rows[1][0], Data::Float(1.0));
        assert_eq!(rows[1][1], Data::Float(19.9));
        assert!(matches!(rows[1][2], Data::DateTime(_)), "{:?}", rows[1]);
        assert_eq!(rows[2][3], Data::String("Bob".to_owned()));

        let sums = "{ ordersGroupBy(by: [{column: STATUS}]) { key { status } aggregate { count sum { total } } } }";
        if admin.graphql(sums, &json!({})).json().get("errors").is_none() {
            save(&admin, "sums", sums, "");
            let table = admin.get("/q/sums.csv").text;
            assert!(
                table.starts_with("key.status,aggregate.count,aggregate.sum.total\r\n"),
                "{table}"
            );
        }
        save(&admin, "total", "{ ordersAggregate { aggregate { count sum { total } } } }", "");
        assert_eq!(
            admin.get("/q/total.csv").text,
            "aggregate.count,aggregate.sum.total\r\n5,1230.05\r\n"
        );
        save(&admin, "nested", "{ customers { name orders { id } } }", "");
        assert_eq!(
            admin.get("/q/nested.csv").text,
            "name,orders\r\nAnn,\"[{\"\"id\"\":1},{\"\"id\"\":2},{\"\"id\"\":5}]\"\r\nBob,\"[{\"\"id\"\":3},{\"\"id\"\":4}]\"\r\n"
        );
        save(&admin, "one", "query($id: Int!) { ordersByPk(id: $id) { id status } }", "");
        assert_eq!(admin.get("/q/one.csv?id=2").text, "id,status\r\n2,paid\r\n");
        assert_eq!(admin.get("/q/one.csv?id=99").text, "id,status\r\n");
        let (code, detail) = problem(&admin.get("/q/one.csv"), 400);
        assert!(code == "BAD_USER_INPUT" && detail.contains("$id"), "{detail}");
        // A formula is as harmless as in an export.
        admin.data("mutation { insertCustomersOne(object: {id: 3, name: \"=1+1\"}) { id } }");
        save(&admin, "names", "{ customers(where: {id: {_eq: 3}}) { name } }", "");
        assert_eq!(admin.get("/q/names.csv").text, "name\r\n'=1+1\r\n");
        assert_eq!(admin.get("/q/names.csv?guard=off").text, "name\r\n=1+1\r\n");
        problem(&admin.get("/q/names.csv?guard=maybe"), 400);
        problem(&admin.get("/q/names?guard=off"), 400);

        save(&admin, "two", "{ orders { id } customers { id } }", "");
        save(&admin, "catalog", "{ datasets { name } }", "");
        save(&admin, "pages", "{ ordersConnection(first: 1) { nodes { id } } }", "");
        for (name, words) in [("two", "several"), ("catalog", "rows"), ("pages", "connection")] {
            assert_eq!(admin.get(&format!("/q/{name}")).status, 200);
            let (_, detail) = problem(&admin.get(&format!("/q/{name}.csv")), 400);
            assert!(detail.contains(words), "{detail}");
        }
    });
}

#[test]
fn keys_can_do_just_this() {
    both_stores(|server| {
        let admin = load_shop(server);
        save(&admin, "by_status", BY_STATUS, "");
        save(&admin, "secret", "{ orders { total } }", "");
        let any = key(&admin, "scope: QUERY");
        let one = key(&admin, "scope: QUERY, savedQueries: [\"by_status\"]");
        assert_eq!(ids(&any.get("/q/by_status")), json!([1, 3, 5]));
        assert_eq!(any.get("/q/secret").status, 200);
        assert_eq!(ids(&one.get("/q/by_status")), json!([1, 3, 5]));
        // In the words for one that there is not.
        problem(&one.get("/q/secret"), 404);
        assert_eq!(one.get("/q").json()["data"].as_array().unwrap().len(), 1);
        for path in ["/graphql?query=%7Borders%7Bid%7D%7D", "/schema.graphql", "/export/orders.csv"]
        {
            assert_eq!(one.get(path).status, 403, "{path}");
        }
        problem(&one.get("/api/v1/orders"), 403);
        problem(&one.get("/openapi.json"), 403);
        assert_eq!(one.upload("more", "id\n1\n").status, 403);
        problem(&server.anonymous().get("/q/by_status"), 401);
        let listed = admin.data("{ keys(where: {scope: {_eq: \"QUERY\"}}) { savedQueries } }");
        assert_eq!(
            listed["keys"],
            json!([{ "savedQueries": null }, { "savedQueries": ["by_status"] }])
        );
        let (code, _) = admin.error(
            "mutation { createKey(name: \"x\", scope: READ, savedQueries: [\"a\"]) { key } }",
        );
        assert_eq!(code, "BAD_USER_INPUT");
        for made in [
            "mutation { saveQuery(name: \"x\", document: \"{ orders { id } }\") { name } }",
            "mutation { dropSavedQuery(name: \"secret\") { name } }",
        ] {
            assert_eq!(server.client_of("upload").error(made).0, "FORBIDDEN");
        }

        // Policies hold, for what is answered and for what is listed.
        set_policy(
            &admin,
            "dataset: \"orders\", role: \"clerk\", filter: {status: {_eq: \"paid\"}}, columns: [\"id\", \"status\"]",
        );
        save(&admin, "plain", "{ orders { id status } }", "");
        let clerk = key(&admin, "scope: QUERY, role: \"clerk\"");
        assert_eq!(
            clerk.get("/q/plain").json(),
            json!({ "orders": [{ "id": 2, "status": "paid" }] })
        );
        let refused = clerk.get("/q/secret");
        assert_eq!(refused.status, 400, "{}", refused.text);
        let names: Vec<Value> = clerk.get("/q").json()["data"].as_array().unwrap().clone();
        assert_eq!(names.len(), 1);
        assert_eq!(names[0]["name"], "plain");

        // Without a key where the data are open, and then everybody's proxies may keep them.
        save(&admin, "plain", "{ orders { id } }", ", maxAge: 5");
        admin.data("mutation { setPublicRead(datasets: [\"orders\"]) { name } }");
        let open = server.anonymous().get("/q/plain");
        assert_eq!((open.status, open.header("cache-control")), (200, "public, max-age=5"));
        problem(&server.anonymous().get("/q/by_status"), 400);
    });
}

#[test]
fn they_have_a_rate_of_their_own() {
    let options = Options::default().variable("SLUICE_RATE_LIMIT", "off");
    let server = Server::start_with(options, None);
    let admin = load_shop(&server);
    save(&admin, "often", "{ orders { id } }", "");
    save(&admin, "seldom", "{ orders { id } }", ", requestsPerMinute: 3");
    let all: Vec<u16> = (0..5).map(|_| admin.get("/q/seldom").status).collect();
    assert_eq!(all, [200, 200, 200, 429, 429]);
    let refused = admin.get("/q/seldom.csv");
    let (code, detail) = problem(&refused, 429);
    assert!(code == "RATE_LIMITED" && detail.contains("requestsPerMinute"), "{detail}");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(admin.get("/q/often").status, 200);
    // Each who asks has his own share.
    assert_eq!(server.client_of("read").get("/q/seldom").status, 200);
}

#[test]
fn changes_that_would_break_one_are_refused_and_name_it() {
    both_stores(|server| {
        let admin = load_shop(server);
        save(&admin, "by_status", BY_STATUS, "");
        save(&admin, "ids", "{ orders { id } }", "");
        save(&admin, "free", "{ orders { status } }", ", protected: false");
        let refused = |document: &str| {
            let (code, message) = admin.error(document);
            assert_eq!(code, "CONFLICT", "{document}: {message}");
            assert!(message.contains("saved quer"), "{message}");
            message
        };
        let told = refused("mutation { dropDataset(dataset: \"orders\") { name } }");
        assert!(told.contains("by_status, ids") && !told.contains("free"), "{told}");
        let told = refused("mutation { dropDataset(dataset: \"customers\") { name } }");
        assert!(told.contains("by_status") && !told.contains("ids"), "{told}");
        refused("mutation { dropRelation(from: \"orders\", name: \"buyer\") { name } }");
        // A file without a column: nothing is lost, and the job says why.
        let answer = admin.upload("orders", "id,customer,status,day\n9,1,open,2026-01-01\n");
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(answer.text.contains("by_status"), "{}", answer.text);
        assert_eq!(ids(&admin.get("/q/by_status")), json!([1, 3, 5]));
        // What breaks none is as free as ever: more columns, other rows, another name.
        let more = "id,customer,total,status,day,note\n7,1,1.50,open,2026-01-01,x\n";
        admin.load("orders", more);
        assert_eq!(ids(&admin.get("/q/by_status")), json!([7]));
        admin.data("mutation { renameDataset(dataset: \"orders\", name: \"sales\") { name } }");
        assert_eq!(ids(&admin.get("/q/by_status")), json!([7]));
        refused("mutation { dropOldName(name: \"orders\") { name } }");
        // Saved anew it breaks no more; what is not protected breaks, and says so.
        save(&admin, "by_status", "{ sales { id } }", "");
        save(&admin, "ids", "{ sales { id } }", "");
        admin.data("mutation { dropOldName(name: \"orders\") { name } }");
        problem(&admin.get("/q/free"), 400);
        let shown = admin.data("{ savedQueries(name: \"free\") { problems } }");
        assert!(shown["savedQueries"][0]["problems"][0].as_str().unwrap().contains("orders"));
        refused("mutation { dropDataset(dataset: \"sales\") { name } }");
        for name in ["ids", "by_status"] {
            admin.data(&format!("mutation {{ dropSavedQuery(name: \"{name}\") {{ name }} }}"));
        }
        admin.data("mutation { dropDataset(dataset: \"sales\") { name } }");
    });
}

#[test]
fn only_what_can_be_run_is_saved() {
    let server = Server::start(StoreKind::Sqlite);
    let admin = load_shop(&server);
    let refused = |name: &str, document: &str, more: &str, words: &str| {
        let mutation = format!(
            "mutation($n: String!, $d: String!) {{ saveQuery(name: $n, document: $d {more}) {{ name }} }}"
        );
        let (code, message) =
            admin.graphql(&mutation, &json!({ "n": name, "d": document })).error();
        assert!(code != "INTERNAL" && message.contains(words), "{document}: {code} {message}");
    };
    for name in ["", "1a", "a.csv", "a/b", "ä", &"a".repeat(101)] {
        refused(name, "{ orders { id } }", "", "letters");
    }
    refused("a", "{ orders { nothing } }", "", "nothing");
    refused("a", "{ nothing { id } }", "", "nothing");
    refused("a", "{ keys { prefix } }", "", "keys");
    refused("a", "mutation { deleteOrdersByPk(id: 1) { id } }", "", "Only a query");
    refused("a", "subscription { orders { id } }", "", "Only a query");
    refused("a", "query A { orders { id } } query B { orders { id } }", "", "");
    refused("a", "{ orders { id }", "", "");
    refused("a", "{ orders { id } }", ", maxAge: -1", "maxAge");
    refused("a", "{ orders { id } }", ", requestsPerMinute: 0", "requestsPerMinute");
    assert_eq!(admin.data("{ savedQueries { name } }"), json!({ "savedQueries": [] }));
    // A list of trusted documents is no hindrance: an admin has saved it.
    save(&admin, "a", "{ orders { id } }", "");
    admin.data("mutation { setDocumentMode(mode: TRUSTED) { mode } }");
    let reader = server.client_of("read");
    assert_eq!(reader.error("{ orders { id } }").0, "DOCUMENT_NOT_TRUSTED");
    assert_eq!(ids(&reader.get("/q/a")), json!([1, 2, 3, 4, 5]));
}
