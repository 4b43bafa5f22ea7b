//! Policies, as somebody would attack them who holds a key that shows a part.
//!
//! What may not be seen holds the text `zzq` or is named in [`SECRETS`]: no answer may have it.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, both_stores};

const CUSTOMERS: &str = "\
id,name,email,region,ssn,credit
1,Ada Lovelace,ada@example.com,north,zzq-111,900
2,zzqBlaise,zzq-blaise@example.com,south,zzq-222,77777
3,Carl Gauss,carl@example.com,north,zzq-333,500
4,zzqNobody,,,zzq-444,
";
const ORDERS: &str = "\
id,customerId,region,status,total,note
10,1,north,open,5.00,red apple
11,2,south,zzqpaid,7.50,zzqpear
12,1,north,paid,2.25,green apple
13,2,north,open,1.00,
14,3,south,open,777.77,zzqnote
15,3,north,open,3.00,
";
const PAYROLL: &str = "id,customerId,wage\n1,1,99101\n2,2,99102\n3,3,99103\n";

/// What no answer to a restricted principal may hold.
const SECRETS: [&str; 10] = [
    "zzq",
    "ssn",
    "payroll",
    "wage",
    "99101",
    "77777",
    "777.77",
    "ada@example.com",
    "Lovelace",
    "784.52",
];

/// A client with a new key; the arguments are those of createKey but for its name.
#[track_caller]
pub(crate) fn key(admin: &Client, arguments: &str) -> Client {
    let made =
        admin.data(&format!("mutation {{ createKey(name: \"test\", {arguments}) {{ key }} }}"));
    admin.with_key(made["createKey"]["key"].as_str().unwrap())
}

/// A workspace of its own, and its admin.
#[track_caller]
pub(crate) fn workspace(operator: &Client, name: &str) -> Client {
    operator.data_with(
        "mutation($n: String!) { createWorkspace(name: $n) { id } }",
        &json!({ "n": name }),
    );
    key(operator, &format!("scope: ADMIN, workspace: \"{name}\""))
}

#[track_caller]
pub(crate) fn set_policy(admin: &Client, arguments: &str) {
    admin.data(&format!("mutation {{ setPolicy({arguments}) {{ role }} }}"));
}

/// Customers, their orders, and wages that only some may see.
pub(crate) fn load(admin: &Client) {
    admin.load("customers", CUSTOMERS);
    admin.load("orders", ORDERS);
    admin.load("payroll", PAYROLL);
    for from in ["orders", "payroll"] {
        admin.data(&format!(
            "mutation {{ addRelation(from: \"{from}\", column: \"customerId\", to: \"customers\") {{ name }} }}"
        ));
    }
    for dataset in ["customers", "orders"] {
        admin.data(&format!("mutation {{ createSearchIndex(dataset: \"{dataset}\") {{ name }} }}"));
    }
}

/// A time so many milliseconds from now, as a DateTime.
pub(crate) fn in_ms(n: i64) -> String {
    let now_ms = jiff::Timestamp::now().as_millisecond();
    jiff::Timestamp::from_millisecond(now_ms + n).unwrap().to_string()
}

/// What the role `sales` sees.
pub(crate) fn restrict(admin: &Client) {
    set_policy(
        admin,
        r#"dataset: "customers", role: "sales", filter: {region: {_eq: "$claims.region"}},
           columns: ["id", "name", "email", "region", "credit"],
           masks: [{column: "name", mask: PARTIAL}, {column: "email", mask: HASH}, {column: "credit", mask: NULL}]"#,
    );
    set_policy(
        admin,
        r#"dataset: "orders", role: "sales", filter: {region: {_eq: "$claims.region"}}"#,
    );
}

#[track_caller]
pub(crate) fn is_clean(answer: &Answer, asked: &str) {
    let asked = asked.to_lowercase();
    for secret in SECRETS {
        // What the client wrote itself may be said back to it.
        let is_own = asked.contains(&secret.to_lowercase());
        let text = answer.text.to_lowercase();
        assert!(is_own || !text.contains(&secret.to_lowercase()), "{secret}: {asked}\n{text}");
    }
    for (name, value) in &answer.headers {
        let value = value.to_str().unwrap_or_default();
        assert!(!SECRETS.iter().any(|secret| value.contains(secret)), "{name}: {value}");
    }
    let code = answer.json()["errors"][0]["extensions"]["code"].clone();
    assert!(code != "INTERNAL" && code != "STORAGE_UNAVAILABLE", "{asked}: {}", answer.text);
}

/// Questions about rows, with their answers for a key of the north.
fn questions() -> Vec<(&'static str, Value)> {
    let north = |ids: &[i64]| -> Value { ids.iter().map(|id| json!({ "id": id })).collect() };
    vec![
        ("{ orders { id } }", json!({ "orders": north(&[10, 12, 13, 15]) })),
        ("{ orders(limit: 2, offset: 3) { id } }", json!({ "orders": north(&[15]) })),
        (
            "{ orders { id customer { id name } } }",
            json!({ "orders": [
                {"id": 10, "customer": {"id": 1, "name": "A***e"}},
                {"id": 12, "customer": {"id": 1, "name": "A***e"}},
                {"id": 13, "customer": null},
                {"id": 15, "customer": {"id": 3, "name": "C***s"}},
            ] }),
        ),
        (
            "{ a: ordersByPk(id: 10) { id } b: ordersByPk(id: 11) { id note } c: customersByPk(id: 2) { name } }",
            json!({ "a": {"id": 10}, "b": null, "c": null }),
        ),
        (
            "{ ordersAggregate { aggregate { count sum { total } min { total } max { note status } } nodes { id } } }",
            json!({ "ordersAggregate": {
                "aggregate": {"count": 4, "sum": {"total": "11.25"}, "min": {"total": "1.00"}, "max": {"note": "red apple", "status": "paid"}},
                "nodes": north(&[10, 12, 13, 15]),
            } }),
        ),
        (
            "{ ordersGroupBy(by: [{column: STATUS}]) { keys { status } aggregate { count } } }",
            json!({ "ordersGroupBy": [
                {"keys": {"status": "open"}, "aggregate": {"count": 3}},
                {"keys": {"status": "paid"}, "aggregate": {"count": 1}},
            ] }),
        ),
        (
            "{ ordersConnection(first: 10) { totalCount nodes { id } pageInfo { hasNextPage } } }",
            json!({ "ordersConnection": {
                "totalCount": 4, "nodes": north(&[10, 12, 13, 15]), "pageInfo": {"hasNextPage": false},
            } }),
        ),
        (
            "{ customers { id credit orders { id } ordersAggregate { aggregate { count } } ordersConnection { totalCount } } }",
            json!({ "customers": [
                {"id": 1, "credit": null, "orders": north(&[10, 12]), "ordersAggregate": {"aggregate": {"count": 2}}, "ordersConnection": {"totalCount": 2}},
                {"id": 3, "credit": null, "orders": north(&[15]), "ordersAggregate": {"aggregate": {"count": 1}}, "ordersConnection": {"totalCount": 1}},
            ] }),
        ),
        (
            "{ orders(where: {customer: {id: {_gte: 0}}}) { id } }",
            json!({ "orders": north(&[10, 12, 15]) }),
        ),
        (
            "{ orders(where: {customer: {region: {_eq: \"south\"}}}) { id } }",
            json!({ "orders": [] }),
        ),
        (
            "{ orders(where: {_not: {customer: {id: {_gte: 0}}}}) { id } }",
            json!({ "orders": north(&[13]) }),
        ),
        (
            "{ customers(where: {orders: {total: {_gt: \"700\"}}}) { id } }",
            json!({ "customers": [] }),
        ),
        (
            "{ customers(where: {ordersAggregate: {count: {predicate: {_gte: 2}}}}) { id } }",
            json!({ "customers": north(&[1]) }),
        ),
        (
            "{ customers(orderBy: {ordersAggregate: {max: {total: DESC}}}) { id } }",
            json!({ "customers": north(&[1, 3]) }),
        ),
        (
            "{ orders(orderBy: [{customer: {name: DESC_NULLS_LAST}}, {id: ASC}]) { id } }",
            json!({ "orders": north(&[15, 10, 12, 13]) }),
        ),
        ("{ orders(search: \"apple\") { id } }", json!({ "orders": north(&[10, 12]) })),
        ("{ orders(search: \"zzqpear\") { id } }", json!({ "orders": [] })),
        ("{ customers(search: \"zzq\") { id } }", json!({ "customers": [] })),
        ("{ customers(search: \"111\") { id } }", json!({ "customers": [] })),
        ("{ customers(search: \"lovelace\") { id } }", json!({ "customers": [] })),
        (
            "{ ordersAggregate(search: \"zzqnote\") { aggregate { count } } }",
            json!({ "ordersAggregate": {"aggregate": {"count": 0}} }),
        ),
        ("{ orders(distinctOn: [STATUS]) { id } }", json!({ "orders": north(&[10, 12]) })),
        (
            "{ customers(where: {email: {_eq: \"ada@example.com\"}}) { id } }",
            json!({ "customers": [] }),
        ),
        (
            "{ customers(where: {email: {_like: \"%example%\"}}) { id } }",
            json!({ "customers": [] }),
        ),
        ("{ customers(where: {name: {_regex: \"^Ada\"}}) { id } }", json!({ "customers": [] })),
        ("{ customers(where: {credit: {_gt: 0}}) { id } }", json!({ "customers": [] })),
        (
            "{ customers(where: {credit: {_isNull: true}}, orderBy: {credit: DESC}) { id } }",
            json!({ "customers": north(&[1, 3]) }),
        ),
        (
            "{ customersAggregate { aggregate { count(columns: [CREDIT]) all: count sum { credit } max { credit name } } } }",
            json!({ "customersAggregate": {"aggregate": {"count": 0, "all": 2, "sum": {"credit": null}, "max": {"credit": null, "name": "C***s"}}} }),
        ),
        (
            "{ customersGroupBy(by: [{column: CREDIT}]) { keys { credit } aggregate { count } } }",
            json!({ "customersGroupBy": [{"keys": {"credit": null}, "aggregate": {"count": 2}}] }),
        ),
        (
            "{ datasets { name rowCount sizeBytes rejectCount columns { name } relations { name to } notices { message } indexes { columns method } } }",
            json!({ "datasets": [
                {
                    "name": "customers", "rowCount": "2", "sizeBytes": "0", "rejectCount": "0",
                    "columns": [{"name": "id"}, {"name": "name"}, {"name": "email"}, {"name": "region"}, {"name": "credit"}],
                    "relations": [{"name": "customer", "to": "customers"}], "notices": [], "indexes": [{"columns": ["id"], "method": "ORDERED"}],
                },
                {
                    "name": "orders", "rowCount": "4", "sizeBytes": "0", "rejectCount": "0",
                    "columns": [{"name": "id"}, {"name": "customerId"}, {"name": "region"}, {"name": "status"}, {"name": "total"}, {"name": "note"}],
                    "relations": [{"name": "customer", "to": "customers"}], "notices": [],
                    "indexes": [
                        {"columns": ["id"], "method": "ORDERED"},
                        {"columns": ["customerId"], "method": "ORDERED"},
                        {"columns": ["region", "status", "note"], "method": "SEARCH"},
                    ],
                },
            ] }),
        ),
        (
            "{ datasets { columns { unique nullable evidence { reason samples counterExample { text } candidates { count } } statistics { nullCount distinctCount min max longestBytes categories { value } } } } }",
            Value::Null,
        ),
        ("{ dataset(name: \"payroll\") { name } }", json!({ "dataset": null })),
        (
            "{ workspace { datasetCount rowCount sizeBytes publicDatasets } }",
            json!({ "workspace": {"datasetCount": 2, "rowCount": "0", "sizeBytes": "0", "publicDatasets": []} }),
        ),
        ("{ jobs { id } }", json!({ "jobs": [] })),
        ("{ __type(name: \"Payroll\") { name } }", json!({ "__type": null })),
        (
            "{ __type(name: \"Customers\") { fields { name } } }",
            json!({ "__type": {"fields": [
                {"name": "id"}, {"name": "name"}, {"name": "email"}, {"name": "region"}, {"name": "credit"},
                {"name": "nodeId"}, {"name": "orders"}, {"name": "ordersConnection"}, {"name": "ordersAggregate"},
            ]} }),
        ),
        (
            "{ __schema { types { name description fields { name args { name } } inputFields { name } enumValues { name } possibleTypes { name } } } }",
            Value::Null,
        ),
        ("{ me { scope role datasets } }", Value::Null),
    ]
}

/// Documents that must be refused, in words that tell nothing.
const REFUSED: [&str; 18] = [
    "{ customers { ssm } }",
    "{ customers { ssn } }",
    "{ customers(where: {ssm: {_eq: \"x\"}}) { id } }",
    "{ customers(where: {ssn: {_like: \"z%\"}}) { id } }",
    "{ customers(where: {_not: {ssn: {_isNull: true}}}) { id } }",
    "{ customers(orderBy: {ssn: ASC}) { id } }",
    "{ customers(distinctOn: [SSN]) { id } }",
    "{ customersAggregate { aggregate { max { ssn } } } }",
    "{ customersAggregate { aggregate { count(columns: [SSN]) } } }",
    "{ customersGroupBy(by: [{column: SSN}]) { aggregate { count } } }",
    "{ orders(where: {customer: {ssn: {_gt: \"a\"}}}) { id } }",
    "{ orders(orderBy: {customer: {ssn: ASC}}) { id } }",
    "{ customers { payroll { id } } }",
    "{ customers(where: {payroll: {id: {_gt: 0}}}) { id } }",
    "{ payrol { id } }",
    "{ payrollAggregat { aggregate { count } } }",
    "{ explain(query: \"{ orders { id } }\") { cost fields { sql databasePlan } } }",
    "{ policies { filter } }",
];

#[test]
fn a_policy_holds_wherever_rows_are_read() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        restrict(&admin);
        let north = key(&admin, "role: \"sales\", claims: {region: \"north\"}");
        for (document, expect) in questions() {
            let answer = north.graphql(document, &json!({}));
            is_clean(&answer, document);
            let data = answer.data();
            assert!(expect.is_null() || data == expect, "{document}\n{data:#}\nnot\n{expect:#}");
        }
        let same_words = |document: &str, hidden: &str, unknown: &str| {
            let (_, message) = north.error(document);
            let other = north.error(&document.replace(hidden, unknown)).1;
            assert_eq!(message.replace(hidden, unknown), other);
        };
        same_words("{ payroll { id } }", "payroll", "papyrus");
        same_words("{ customers { ssn } }", "ssn", "xyn");
        same_words("{ customers { payroll { id } } }", "payroll", "papyrus");
        same_words("{ node(nodeId: \"x\") { ... on Payroll { id } } }", "Payroll", "Papyrus");
        same_words("query($w: PayrollBoolExp) { orders { id } }", "Payroll", "Papyrus");
        same_words("{ dataset(name: \"x\") { payroll } }", "payroll", "papyrus");
        for document in REFUSED {
            let answer = north.graphql(document, &json!({}));
            is_clean(&answer, document);
            let code = answer.code();
            assert!(["BAD_USER_INPUT", "FORBIDDEN"].contains(&code.as_str()), "{}", answer.text);
        }
        // The same fields in variables, where the document is a good one.
        for (w, o) in [
            (json!({ "ssn": {"_like": "z%"} }), Value::Null),
            (json!({ "payroll": {"wage": {"_gt": 0}} }), Value::Null),
            (Value::Null, json!([{ "ssn": "ASC" }])),
        ] {
            let document = "query($w: CustomersBoolExp, $o: [CustomersOrderBy!]) { customers(where: $w, orderBy: $o) { id } }";
            let variables = json!({ "w": w, "o": o });
            let answer = north.graphql(document, &variables);
            is_clean(&answer, &variables.to_string());
            assert_eq!(answer.code(), "BAD_USER_INPUT");
        }
        let sdl = north.get("/schema.graphql").text.to_lowercase();
        assert!(sdl.contains("type customers ") && sdl.contains("type orders "));
        assert!(!SECRETS.iter().any(|secret| sdl.contains(secret)));
        // Equal values keep equal hashes, and can be looked up by them.
        let hashes = north.data("{ customers { email } }");
        let hash = hashes["customers"][0]["email"].as_str().unwrap();
        assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{hash}");
        assert_eq!(
            north.data_with(
                "query($h: String!) { customers(where: {email: {_eq: $h}}) { id } }",
                &json!({ "h": hash })
            ),
            json!({ "customers": [{"id": 1}] })
        );
        nodes_and_cursors(&admin, &north);
        claims(&admin);
        uploads(&admin);
    });
}

/// Ids and cursors that an admin got tell a restricted principal nothing.
fn nodes_and_cursors(admin: &Client, north: &Client) {
    let ids = admin.data("{ orders { id nodeId } payroll { nodeId } }");
    let node = |id: &Value| {
        north.data_with(
            "query($id: ID!) { node(nodeId: $id) { nodeId ... on Orders { id note } } }",
            &json!({ "id": id }),
        )["node"]
            .clone()
    };
    assert_eq!(node(&ids["orders"][0]["nodeId"])["id"], 10);
    for hidden in [&ids["orders"][1]["nodeId"], &ids["orders"][4]["nodeId"]] {
        assert_eq!(node(hidden), Value::Null);
    }
    assert_eq!(node(&ids["payroll"][0]["nodeId"]), Value::Null);

    let page = |client: &Client, field: &str, arguments: &str, after: &Value| {
        let document = format!(
            "query($c: String) {{ {field}(first: 1, after: $c, {arguments}) {{ totalCount edges {{ cursor node {{ id }} }} }} }}"
        );
        client.graphql(&document, &json!({ "c": after }))
    };
    // The cursor of a hidden row leads on among those that are seen.
    let all = admin.data("{ ordersConnection(first: 2) { edges { cursor } } }");
    let cursor = &all["ordersConnection"]["edges"][1]["cursor"];
    let found = north.graphql(
        "query($c: String) { ordersConnection(first: 9, after: $c) { totalCount nodes { id } } }",
        &json!({ "c": cursor }),
    );
    is_clean(&found, "");
    let found = found.data();
    assert_eq!(found["ordersConnection"]["totalCount"], 4);
    let ids = [json!({"id": 12}), json!({"id": 13}), json!({"id": 15})];
    assert_eq!(found["ordersConnection"]["nodes"], json!(ids));
    // One that was made by an order that is hidden, or masked, helps nobody.
    for (arguments, own) in [
        ("orderBy: {ssn: ASC}", "orderBy: {id: ASC}"),
        ("orderBy: {email: ASC}", "orderBy: {email: ASC}"),
        ("orderBy: {credit: DESC}", "orderBy: {credit: DESC}"),
    ] {
        let made = page(admin, "customersConnection", arguments, &Value::Null).data();
        let cursor = &made["customersConnection"]["edges"][0]["cursor"];
        let used = page(north, "customersConnection", own, cursor);
        is_clean(&used, "");
        let own = page(north, "customersConnection", own, &Value::Null).data();
        let own = own["customersConnection"]["edges"][0]["cursor"].as_str().unwrap();
        let bytes = base64_of(own);
        assert!(!bytes.contains("ada@") && !bytes.contains("900"), "{bytes}");
    }
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Claims come from the key alone, and a missing one shows nothing.
fn claims(admin: &Client) {
    const IDS: &str = "{ orders { id } ordersAggregate { aggregate { count } } }";
    let none = json!({ "orders": [], "ordersAggregate": {"aggregate": {"count": 0}} });
    for arguments in [
        "role: \"sales\"",
        "role: \"sales\", claims: {region: null}",
        "role: \"sales\", claims: {Region: \"north\"}",
        "role: \"sales\", claims: {region: \"\"}",
        "role: \"sales\", claims: {region: \"$claims.region\"}",
        "role: \"sales\", claims: {region: \"north' OR '1'='1\"}",
    ] {
        let client = key(admin, arguments);
        assert_eq!(client.data(IDS), none, "{arguments}");
        assert_eq!(
            client.data("{ dataset(name: \"orders\") { rowCount } }")["dataset"]["rowCount"],
            "0"
        );
    }
    // Of the wrong kind: refused without a word about the policy.
    for claim in ["7", "[\"north\"]", "{a: 1}", "true"] {
        let client = key(admin, &format!("role: \"sales\", claims: {{region: {claim}}}"));
        for document in [IDS, "{ datasets { rowCount } }"] {
            let answer = client.graphql(document, &json!({}));
            if answer.json().get("errors").is_some() {
                assert_eq!(answer.code(), "FORBIDDEN", "{claim}: {}", answer.text);
                assert!(!answer.text.contains("region"), "{claim}: {}", answer.text);
            } else if document == IDS {
                assert_eq!(answer.data(), none, "{claim}");
            }
        }
    }
    // A variable of the request is no claim, whatever it is called.
    for bare in
        [key(admin, "role: \"sales\""), key(admin, "role: \"sales\", claims: {region: \"north\"}")]
    {
        let before = bare.data(IDS);
        for name in ["$claims.region", "claims.region", "claims", "region", "$claims"] {
            for value in [json!("south"), json!({ "region": "south" })] {
                let answer = bare.graphql(IDS, &json!({ name: value }));
                assert_eq!(answer.data(), before, "{name}");
            }
        }
        let answer = bare.post_json(
            "/graphql",
            &format!("{{\"query\":{},\"variables\":{{\"$claims.region\":\"south\",\"$claims.region\":\"south\"}}}}", json!(IDS)),
        );
        assert!(answer.json().get("errors").is_some() || answer.data() == before);
    }
    let south = key(admin, "role: \"sales\", claims: {region: \"south\"}");
    assert_eq!(south.data("{ orders { id } }"), json!({ "orders": [{"id": 11}, {"id": 14}] }));
    // A list of values, and claims within texts of the filter are no claims.
    set_policy(
        admin,
        r#"dataset: "orders", role: "many", filter: {region: {_in: "$claims.regions"}}"#,
    );
    let both = key(admin, "role: \"many\", claims: {regions: [\"north\", \"south\"]}");
    assert_eq!(
        both.data("{ ordersAggregate { aggregate { count } } }")["ordersAggregate"]["aggregate"]["count"],
        6
    );
    let nobody = key(admin, "role: \"many\", claims: {regions: []}");
    assert_eq!(nobody.data("{ orders { id } }"), json!({ "orders": [] }));
    set_policy(
        admin,
        r#"dataset: "orders", role: "number", filter: {customerId: {_eq: "$claims.customer"}}"#,
    );
    let one = key(admin, "role: \"number\", claims: {customer: 1}");
    assert_eq!(one.data("{ orders { id } }"), json!({ "orders": [{"id": 10}, {"id": 12}] }));
    // Through a relation to what is not shown: the filter reads all, the answer nothing of it.
    set_policy(
        admin,
        r#"dataset: "orders", role: "rich", filter: {customer: {payroll: {wage: {_gte: 99102}}}}"#,
    );
    let rich = key(admin, "role: \"rich\"");
    assert_eq!(
        rich.data("{ orders { id } }"),
        json!({ "orders": [{"id": 11}, {"id": 13}, {"id": 14}, {"id": 15}] })
    );
    let tag = rich.graphql("{ orders { id } }", &json!({})).header("etag").to_owned();
    admin.load("payroll", PAYROLL.replace("99102", "99100"));
    let again = rich.request(
        "POST",
        "/graphql",
        &[("content-type", "application/json"), ("if-none-match", &tag)],
        r#"{"query":"{ orders { id } }"}"#,
    );
    assert_eq!(again.status, 200);
    assert_eq!(
        again.data(),
        json!({ "orders": [{"id": 14}, {"id": 15}] }),
        "a change of what only the filter reads"
    );
}

/// Whoever sees a part can change nothing of the whole, and learns nothing by trying.
fn uploads(admin: &Client) {
    let client = key(admin, "scope: UPLOAD, role: \"sales\", claims: {region: \"north\"}");
    for name in ["customers", "orders", "payroll", "Payroll"] {
        for query in
            ["wait=60", "wait=60&mode=append", "wait=60&mode=upsert&key=id", "wait=60&mode=create"]
        {
            let answer = client.upload_with(name, query, "id,x\n1,2\n");
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (403, "FORBIDDEN"),
                "{name}?{query}"
            );
            is_clean(&answer, name);
        }
        let inspected = client.request("POST", &format!("/inspect?name={name}"), &[], "id\n1\n");
        assert_eq!(inspected.status, 403, "{}", inspected.text);
        is_clean(&inspected, name);
        let rejects = client.get(&format!("/rejects/{name}.csv"));
        assert_eq!(rejects.status, 404, "{}", rejects.text);
    }
    for document in [
        "mutation { alterColumn(dataset: \"customers\", column: \"credit\", name: \"c\") { job { id } } }",
        "mutation { setKey(dataset: \"customers\", column: \"email\") { job { id } } }",
        "mutation { reparse(dataset: \"customers\", options: {}) { job { id } } }",
        "mutation { addRelation(from: \"orders\", column: \"region\", to: \"customers\", toColumn: \"region\") { name } }",
        "mutation { addRelation(from: \"orders\", column: \"customerId\", to: \"payroll\") { name } }",
        "mutation { dropRelation(from: \"orders\", name: \"customer\") { name } }",
        "mutation { discardRejects(dataset: \"customers\") { name } }",
        "mutation { admitRejects(dataset: \"customers\", corrections: []) { job { id } } }",
        "mutation { dropDataset(dataset: \"orders\") { name } }",
    ] {
        let answer = client.graphql(document, &json!({}));
        is_clean(&answer, document);
        let code = answer.code();
        assert!(["FORBIDDEN", "NOT_FOUND"].contains(&code.as_str()), "{document}: {}", answer.text);
    }
    let answer = client.graphql("{ relationSuggestions { from to evidence orphans } }", &json!({}));
    is_clean(&answer, "");
    assert_eq!(answer.data(), json!({ "relationSuggestions": [] }));
}
