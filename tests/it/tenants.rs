//! Workspaces, keys for some datasets, reading without a key, and the end of keys.

use std::time::{Duration, Instant};

use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::access::{self, key, load, set_policy, workspace};
use crate::harness::postgres::Database;
use crate::harness::server::Options;
use crate::harness::{Client, Server, StoreKind, both_stores, eventually};

#[test]
fn a_key_for_some_datasets_sees_and_makes_those_only() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        let client =
            key(&admin, "scope: UPLOAD, datasets: [\"orders\", \"fresh\", \"book\", \"bookOpen\"]");
        assert_eq!(
            client.data("{ datasets { name } }"),
            json!({ "datasets": [{"name": "orders"}] })
        );
        assert_eq!(client.data("{ orders { id } }")["orders"].as_array().unwrap().len(), 6);
        for document in
            ["{ customers { id } }", "{ orders { customer { id } } }", "{ payroll { id } }"]
        {
            assert_eq!(client.error(document).0, "BAD_USER_INPUT", "{document}");
        }
        let jobs = client.graphql("{ jobs { datasetName notices { message } } }", &json!({}));
        assert_eq!(jobs.data(), json!({ "jobs": [{"datasetName": "orders", "notices": []}] }));
        for name in ["customers", "payroll", "unheard"] {
            let answer = client.upload(name, "id\n1\n");
            assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"), "{name}");
        }
        client.load("fresh", "id\n1\n");
        assert_eq!(client.data("{ fresh { id } }"), json!({ "fresh": [{"id": 1}] }));

        // The second sheet would land in a dataset that is not its own.
        admin.load("bookSecret", "id,wage\n1,99101\n");
        let sheets = |names: [&str; 2]| {
            let mut book = Workbook::new();
            for name in names {
                let sheet = book.add_worksheet().set_name(name).unwrap();
                for (column, title) in ["id", "x"].into_iter().enumerate() {
                    sheet.write(0, u16::try_from(column).unwrap(), title).unwrap();
                }
                sheet.write(1, 0, 1).unwrap();
                sheet.write(1, 1, "a").unwrap();
            }
            book.save_to_buffer().unwrap()
        };
        let bytes = sheets(["Open", "Secret"]);
        for query in ["wait=60&filename=book.xlsx", "wait=60&filename=book.xlsx&mode=append"] {
            let answer = client.upload_with("book", query, &bytes);
            assert_eq!(answer.code(), "FORBIDDEN", "{}", answer.text);
            assert!(!answer.text.contains("wage"), "{}", answer.text);
        }
        let inspected =
            client.request("POST", "/inspect?name=book&filename=book.xlsx", &[], &bytes);
        assert_eq!(inspected.code(), "FORBIDDEN", "{}", inspected.text);
        assert!(!inspected.text.contains("wage"), "{}", inspected.text);
        let dry = client.upload_mutation(
            "mutation($file: Upload!) { upload(file: $file, name: \"book\", mode: REPLACE, dryRun: true) { inspection { sheets { sdlDiff drift { column } } } } }",
            &json!({ "file": null }),
            ("book.xlsx", &bytes),
        );
        assert!(dry.json().get("errors").is_some() && !dry.text.contains("wage"), "{}", dry.text);
        // A job of an admin's that failed: what differed is told of another's dataset, too.
        let upload = |query: &str| {
            let query = format!("wait=60&filename=book.xlsx&{query}");
            admin.upload_with("book", &query, &bytes).code()
        };
        assert_eq!(upload("mode=replace&onDrift=fail"), "SCHEMA_DRIFT");
        let document = "{ jobs { id datasetName error { code message } drift { column } } }";
        let told = client.graphql(document, &json!({}));
        assert!(!told.text.contains("SCHEMA_DRIFT"), "{}", told.text);
        assert!(!told.text.contains("wage"), "{}", told.text);
        // To begin it again is to load into the same datasets.
        assert_eq!(upload("mode=append"), "CONFLICT");
        let jobs = client.data(document);
        let is_conflict = |job: &&Value| job["error"]["code"] == "CONFLICT";
        let job = jobs["jobs"].as_array().unwrap().iter().find(is_conflict).unwrap();
        let id = job["id"].as_str().unwrap();
        let again = client.data(&format!("mutation {{ retryJob(id: \"{id}\") {{ id }} }}"));
        let again = again["retryJob"]["id"].as_str().unwrap().to_owned();
        eventually("the end of the job", Duration::from_secs(10), || {
            let data = admin.data(&format!("{{ job(id: \"{again}\") {{ error {{ code }} }} }}"));
            let code = data["job"]["error"]["code"].as_str()?.to_owned();
            assert_eq!(code, "FORBIDDEN");
            Some(())
        });
        let named = client.upload_with("book", "wait=60&filename=book.xlsx&sheets=Secret", &bytes);
        assert!(named.status == 200 || named.code() == "FORBIDDEN", "{}", named.text);
        assert_eq!(
            admin.data("{ bookSecret { wage } }"),
            json!({ "bookSecret": [{"wage": 99101}] })
        );
        let answer = client.upload_with("book", "wait=60&filename=book.xlsx&sheets=Open", &bytes);
        assert_eq!(answer.status, 200, "{}", answer.text);
        // A name that a field has which it does not see is taken: a policy may lead along it.
        let related = key(&admin, "scope: UPLOAD, datasets: [\"customers\", \"mine\"]");
        related.load("mine", "id,wage\n500,99103\n900,99103\n");
        let taken = "mutation { addRelation(from: \"customers\", column: \"credit\", to: \"mine\", name: \"payroll\") { name } }";
        assert_eq!(related.error(taken).0, "CONFLICT");
        // Relations of what it does not see are not named to it.
        let column = "mutation { alterColumn(dataset: \"orders\", column: \"id\", name: \"number\") { job { id } } }";
        admin.data("mutation { addRelation(from: \"payroll\", column: \"id\", to: \"orders\", name: \"wageOrder\") { name } }");
        let answer = client.graphql(column, &json!({}));
        assert!(
            !answer.text.contains("wage") && !answer.text.contains("payroll"),
            "{}",
            answer.text
        );
        let answer = client.upload("orders", "number,customerId\n1,2\n");
        assert!(
            !answer.text.contains("wage") && !answer.text.contains("payroll"),
            "{}",
            answer.text
        );
    });
}

#[test]
fn without_a_key_only_what_was_opened_is_read() {
    both_stores(|server| {
        let operator = server.client();
        load(&operator);
        let anonymous = server.anonymous();
        let of = |workspace: &str, document: &str| {
            let body = json!({ "query": document }).to_string();
            let headers = [("content-type", "application/json"), ("x-workspace", workspace)];
            anonymous.request("POST", "/graphql", &headers, body)
        };
        let closed = anonymous.graphql("{ orders { id } }", &json!({}));
        assert_eq!((closed.status, closed.code().as_str()), (401, "UNAUTHENTICATED"));
        let other = workspace(&operator, "other");
        other.load("orders", "id\n1\n");
        // A closed workspace answers as one that does not exist.
        let unknown = of("nobody", "{ orders { id } }");
        let there = of("other", "{ orders { id } }");
        assert_eq!((there.status, there.error()), (unknown.status, unknown.error()));
        assert_eq!(there.status, 401);

        operator.data("mutation { setPublicRead(datasets: [\"orders\"]) { name } }");
        let data =
            anonymous.data("{ datasets { name } orders(limit: 1) { id } me { scope role } }");
        assert_eq!(data["datasets"], json!([{"name": "orders"}]));
        for document in
            ["{ customers { id } }", "{ orders { customer { id } } }", "{ payroll { id } }"]
        {
            assert_eq!(anonymous.error(document).0, "BAD_USER_INPUT", "{document}");
        }
        for (method, path) in [
            ("PUT", "/upload/orders"),
            ("POST", "/inspect?name=orders"),
            ("PUT", "/documents"),
            ("GET", "/rejects/orders.csv"),
        ] {
            let answer =
                anonymous.request(method, path, &[("content-type", "application/json")], "{}");
            assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"), "{path}");
        }
        for document in
            ["{ keys { prefix } }", "mutation { dropDataset(dataset: \"orders\") { name } }"]
        {
            assert_eq!(anonymous.error(document).0, "UNAUTHENTICATED", "{document}");
        }
        assert_eq!(of("other", "{ orders { id } }").status, 401);
        other.data("mutation { setPublicRead(all: true) { name } }");
        assert_eq!(of("other", "{ orders { id } }").data(), json!({ "orders": [{"id": 1}] }));
        // The header chooses for those without a key only.
        let keyed = operator.request(
            "POST",
            "/graphql",
            &[("content-type", "application/json"), ("x-workspace", "other")],
            r#"{"query":"{ ordersAggregate { aggregate { count } } }"}"#,
        );
        assert_eq!(keyed.data()["ordersAggregate"]["aggregate"]["count"], 6);
        operator.data("mutation { setPublicRead(all: true) { name } }");
        assert_eq!(
            anonymous.data("{ datasets { name } }")["datasets"].as_array().unwrap().len(),
            3
        );
        set_policy(&operator, "dataset: \"payroll\", role: \"anonymous\", operations: []");
        assert_eq!(
            anonymous.data("{ datasets { name } }")["datasets"].as_array().unwrap().len(),
            2
        );
        // A role without a policy sees nothing, however open the workspace is.
        let nobody = key(&operator, "role: \"nobody\"");
        assert_eq!(nobody.data("{ datasets { name } }"), json!({ "datasets": [] }));
        operator.data("mutation { setPublicRead(all: false) { name } }");
        assert_eq!(anonymous.graphql("{ orders { id } }", &json!({})).status, 401);
    });
}

#[test]
fn workspaces_do_not_know_each_other() {
    both_stores(|server| {
        let operator = server.client();
        load(&operator);
        let other = workspace(&operator, "other");
        other.load("own", "id,price\n1,2\n");
        other.upload_with("own", "wait=60&mode=append&onError=reject", "id,price\n2,zzq\n");
        let ids = other.data("{ own { nodeId } jobs { id } dataset(name: \"own\") { id rejects { id } } keys { prefix } }");
        let job = ids["jobs"][0]["id"].as_str().unwrap();
        let prefix = ids["keys"][0]["prefix"].as_str().unwrap();
        let node = ids["own"][0]["nodeId"].as_str().unwrap();
        let unknown_job = "0190b3a8-7d2e-7c44-9c1d-2f5e8a7b6c3d";
        let unknown_node =
            operator.data("{ orders(limit: 1) { nodeId } }")["orders"][0]["nodeId"].clone();
        // The node of a dataset that was there and is not any more.
        operator.load("gone", "id\n1\n");
        let gone = operator.data("{ gone { nodeId } }")["gone"][0]["nodeId"].clone();
        operator.data("mutation { dropDataset(dataset: \"gone\") { name } }");
        assert!(unknown_node.is_string());
        for (document, theirs, unknown) in [
            ("query($x: ID!) { job(id: $x) { id } }", job, unknown_job),
            ("mutation($x: ID!) { cancelJob(id: $x) { id } }", job, unknown_job),
            ("mutation($x: ID!) { retryJob(id: $x) { id } }", job, unknown_job),
            ("query($x: ID!) { node(nodeId: $x) { nodeId } }", node, gone.as_str().unwrap()),
            ("mutation($x: String!) { revokeKey(prefix: $x) { name } }", prefix, "slu_nothing0"),
            ("mutation($x: String!) { rotateKey(prefix: $x) { key } }", prefix, "slu_nothing0"),
            ("query($x: String!) { dataset(name: $x) { id } }", "own", "owl"),
            ("mutation($x: String!) { dropDataset(dataset: $x) { id } }", "own", "owl"),
            ("mutation($x: String!) { discardRejects(dataset: $x) { id } }", "own", "owl"),
            ("mutation($x: String!) { setPolicy(dataset: $x) { role } }", "own", "owl"),
            ("mutation($x: String!) { setPublicRead(datasets: [$x]) { name } }", "own", "owl"),
        ] {
            let shape = |value: &str| {
                let answer = operator.graphql(document, &json!({ "x": value }));
                let mut body = answer.json();
                if let Some(error) = body["errors"].get_mut(0) {
                    error["extensions"]["requestId"] = Value::Null;
                }
                (answer.status, body.to_string().replace(value, "X"))
            };
            assert_eq!(shape(theirs), shape(unknown), "{document}");
        }
        for path in ["/rejects/own.csv", "/rejects/owl.csv"] {
            assert_eq!(operator.get(path).status, 404, "{path}");
        }
        // Only the operator looks over the fence, and only at names and sizes.
        for document in [
            "{ workspaces { name } }",
            "mutation { createWorkspace(name: \"third\") { id } }",
            "mutation { renameWorkspace(name: \"default\", newName: \"x\") { id } }",
            "mutation { deleteWorkspace(name: \"default\", confirm: \"default\") { id } }",
            "mutation { setQuotas(name: \"other\", maxRows: \"1000000\") { id } }",
            "mutation { createKey(name: \"x\", workspace: \"default\") { key } }",
            "mutation { createKey(name: \"x\", workspace: \"nobody\") { key } }",
        ] {
            assert_eq!(other.error(document).0, "FORBIDDEN", "{document}");
        }
        for name in ["", "A", "-a", "a-", "a b", "../x", "a'b", "default"] {
            let answer = operator.graphql(
                "mutation($n: String!) { createWorkspace(name: $n) { id } }",
                &json!({ "n": name }),
            );
            let expect = if name == "default" { "CONFLICT" } else { "BAD_USER_INPUT" };
            assert_eq!(answer.code(), expect, "{name:?}");
        }
        quotas(&operator, &other);

        operator
            .data("mutation { renameWorkspace(name: \"other\", newName: \"another\") { name } }");
        assert_eq!(other.data("{ workspace { name } }")["workspace"]["name"], "another");
        let refused = operator
            .error("mutation { deleteWorkspace(name: \"another\", confirm: \"other\") { id } }");
        assert_eq!(refused.0, "BAD_USER_INPUT");
        operator
            .data("mutation { deleteWorkspace(name: \"another\", confirm: \"another\") { id } }");
        // Its keys are unknown at once, and what it held is gone.
        assert_eq!(other.graphql("{ own { id } }", &json!({})).status, 401);
        assert_eq!(
            operator.error("mutation { createKey(name: \"x\", workspace: \"another\") { key } }").0,
            "NOT_FOUND"
        );
        let again = workspace(&operator, "another");
        assert_eq!(
            again.data("{ datasets { name } jobs { id } policies { role } }"),
            json!({ "datasets": [], "jobs": [], "policies": [] })
        );
        assert_eq!(
            operator.data("{ ordersAggregate { aggregate { count } } }")["ordersAggregate"]["aggregate"]
                ["count"],
            6
        );
    });
}

fn quotas(operator: &Client, other: &Client) {
    operator.data("mutation { setQuotas(name: \"other\", maxDatasets: 2, maxRows: \"5\") { maxDatasets maxRows } }");
    other.load("second", "id\n1\n2\n");
    let third = other.upload("third", "id\n1\n");
    assert_eq!((third.status, third.code().as_str()), (413, "PAYLOAD_TOO_LARGE"), "{}", third.text);
    let many = other.upload("second", "id\n1\n2\n3\n4\n5\n6\n");
    assert_eq!(many.code(), "PAYLOAD_TOO_LARGE", "{}", many.text);
    assert_eq!(
        other.data("{ secondAggregate { aggregate { count } } }")["secondAggregate"]["aggregate"]["count"],
        2
    );
    let added = other.upload_with("second", "wait=60&mode=append", "id\n3\n4\n5\n6\n");
    assert_eq!(added.code(), "PAYLOAD_TOO_LARGE", "{}", added.text);
    other.load("second", "id\n1\n2\n3\n4\n");
    // Many at once: no two of them pass the same gap.
    operator.data("mutation { setQuotas(name: \"other\", maxDatasets: 4) { maxDatasets } }");
    let loaded = std::thread::scope(|scope| {
        let upload = |n: i32| other.upload(&format!("many{n}"), "id\n1\n").status;
        let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || upload(n))).collect();
        threads.into_iter().map(|it| it.join().unwrap()).filter(|status| *status == 200).count()
    });
    assert_eq!(loaded, 2, "two of them had room");
    let data = other.data("{ workspace { datasetCount } datasets { name } }");
    assert_eq!(data["workspace"]["datasetCount"], 4);
    for dataset in data["datasets"].as_array().unwrap() {
        let name = dataset["name"].as_str().unwrap();
        if name.starts_with("many") {
            other.data(&format!("mutation {{ dropDataset(dataset: \"{name}\") {{ name }} }}"));
        }
    }
    operator.data("mutation { setQuotas(name: \"other\") { maxDatasets } }");
    other.load("third", "id\n1\n");
}

#[test]
fn keys_end_when_they_should() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = Server::start(kind);
        let admin = server.client();
        const ME: &str = "{ me { keyPrefix scope role datasets } }";
        let works = |client: &Client| client.graphql(ME, &json!({})).status == 200;
        let prefix =
            |client: &Client| client.data(ME)["me"]["keyPrefix"].as_str().unwrap().to_owned();
        let first = key(&admin, "scope: UPLOAD, role: \"r\", datasets: [\"a\"], claims: {c: 1}");
        let name = prefix(&first);
        let rotated = admin.data(&format!("mutation {{ rotateKey(prefix: \"{name}\", overlapSeconds: 2) {{ key apiKey {{ scope role datasets claims }} }} }}"));
        assert_eq!(
            rotated["rotateKey"]["apiKey"],
            json!({ "scope": "UPLOAD", "role": "r", "datasets": ["a"], "claims": {"c": 1} })
        );
        let second = admin.with_key(rotated["rotateKey"]["key"].as_str().unwrap());
        assert!(works(&first) && works(&second), "both work for a while");
        // To rotate once more does not let the old one live longer.
        admin.data(&format!(
            "mutation {{ rotateKey(prefix: \"{name}\", overlapSeconds: 86400) {{ key }} }}"
        ));
        eventually("the end of the rotated key", Duration::from_secs(5), || {
            (!works(&first)).then_some(())
        });
        assert!(works(&second));
        assert_eq!(
            admin.error(&format!("mutation {{ rotateKey(prefix: \"{name}\") {{ key }} }}")).0,
            "CONFLICT"
        );
        for wrong in ["-1", "2592001"] {
            let document = format!(
                "mutation {{ rotateKey(prefix: \"{}\", overlapSeconds: {wrong}) {{ key }} }}",
                prefix(&second)
            );
            assert_eq!(admin.error(&document).0, "BAD_USER_INPUT");
        }
        let at_once = admin.data(&format!(
            "mutation {{ rotateKey(prefix: \"{}\", overlapSeconds: 0) {{ key }} }}",
            prefix(&second)
        ));
        assert!(!works(&second), "no overlap is none");
        let third = admin.with_key(at_once["rotateKey"]["key"].as_str().unwrap());
        let began = Instant::now();
        admin.data(&format!(
            "mutation {{ revokeKey(prefix: \"{}\") {{ active }} }}",
            prefix(&third)
        ));
        assert!(!works(&third) && began.elapsed() < Duration::from_secs(2));

        let soon = access::in_ms(1_200);
        let brief = key(&admin, &format!("expiresAt: \"{soon}\""));
        assert!(works(&brief));
        eventually("the end of the brief key", Duration::from_secs(5), || {
            (!works(&brief)).then_some(())
        });
        // Unknown, expired and revoked hear the same.
        let unknown = admin.with_key(&format!("slu_{}_{}", "a".repeat(8), "b".repeat(43)));
        let said = |client: &Client| {
            let answer = client.graphql(ME, &json!({}));
            (answer.status, answer.error(), answer.header("www-authenticate").to_owned())
        };
        for ended in [&first, &second, &third, &brief] {
            assert_eq!(said(ended), said(&unknown));
        }
        for (arguments, code) in [
            ("days: 0", "BAD_USER_INPUT"),
            ("days: 1, expiresAt: \"2099-01-01T00:00:00Z\"", "BAD_USER_INPUT"),
            ("expiresAt: \"2001-01-01T00:00:00Z\"", "BAD_USER_INPUT"),
            ("role: \"*\"", "BAD_USER_INPUT"),
            ("role: \"anonymous\"", "BAD_USER_INPUT"),
            ("role: \"x\", scope: ADMIN", "BAD_USER_INPUT"),
            ("datasets: []", "BAD_USER_INPUT"),
            ("claims: [1]", "BAD_USER_INPUT"),
            ("workspace: \"nobody\"", "NOT_FOUND"),
        ] {
            let document = format!("mutation {{ createKey(name: \"x\", {arguments}) {{ key }} }}");
            assert_eq!(admin.error(&document).0, code, "{arguments}");
        }
        // No secret is shown again, or written down.
        let secret =
            at_once["rotateKey"]["key"].as_str().unwrap().rsplit('_').next().unwrap().to_owned();
        let keys = admin.graphql(
            "{ keys { prefix name scope claims createdBy active } auditLog { details } }",
            &json!({}),
        );
        assert!(!keys.text.contains(&secret) && !server.log().contains(&secret));
    }
}

#[test]
fn what_is_decided_on_one_node_holds_on_all() {
    let database = Database::new();
    let node = || {
        let options = Options { database_url: Some(database.url()), ..Options::default() };
        Server::start_with(options, None)
    };
    let (one, two) = (node(), node());
    let admin = one.client();
    let other = workspace(&admin, "other");
    other.load("orders", "id,region\n1,north\n2,south\n");
    let on = |server: &Server, key: &Client| Client::new(&server.address, key.key());
    let soon = |what: &str, check: &dyn Fn() -> bool| {
        let began = Instant::now();
        eventually(what, Duration::from_secs(5), || check().then_some(()));
        let late = Duration::from_millis(1_900);
        assert!(began.elapsed() < late, "{what}: {:?}", began.elapsed());
    };
    // Known on the second node before it is ended on the first.
    let reader = key(&other, "scope: READ");
    let there = on(&two, &reader);
    soon("the dataset", &|| {
        there.graphql("{ orders { id } }", &json!({})).text.contains("\"id\":2")
    });
    set_policy(&other, "dataset: \"orders\", role: \"*\", filter: {region: {_eq: \"north\"}}");
    soon("the policy", &|| {
        !there.graphql("{ orders { id } }", &json!({})).text.contains("\"id\":2")
    });
    let prefix = reader.data("{ me { keyPrefix } }")["me"]["keyPrefix"].clone();
    other.data_with(
        "mutation($p: String!) { revokeKey(prefix: $p) { active } }",
        &json!({ "p": prefix }),
    );
    soon("the end of the key", &|| there.graphql("{ orders { id } }", &json!({})).status == 401);
    let there = on(&two, &other);
    assert_eq!(there.graphql("{ orders { id } }", &json!({})).status, 200);
    let opened = |server: &Server| {
        let headers = [("content-type", "application/json"), ("x-workspace", "other")];
        let body = r#"{"query":"{ orders { id } }"}"#;
        server.anonymous().request("POST", "/graphql", &headers, body).status
    };
    other.data("mutation { setPublicRead(all: true) { name } }");
    soon("the opening", &|| opened(&two) == 200);
    other.data("mutation { setPublicRead(all: false) { name } }");
    soon("the closing", &|| opened(&two) == 401);
    admin.data("mutation { deleteWorkspace(name: \"other\", confirm: \"other\") { id } }");
    soon("the end of the workspace", &|| {
        there.graphql("{ orders { id } }", &json!({})).status == 401
    });
    assert_eq!(there.upload("orders", "id\n1\n").status, 401);
}
