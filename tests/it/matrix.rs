//! Every kind of principal against every field and route, with the outcome that the list of scopes
//! says. The fields are those of the schema, so that a new one cannot be forgotten.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sluice::auth::scopes;
use sluice::catalog::model::Scope;
use sluice::write::fields::WRITE_FIELDS;

use crate::access::{self, key, load, workspace};
use crate::harness::{Answer, Client, Server, StoreKind, both_stores};
use crate::tokens;

const ROOTS: &str = "{ __schema { types { name kind
    enumValues { name }
    inputFields { name type { ...T } }
    fields { name args { name defaultValue type { ...T } } type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// The schema that an admin sees.
struct Schema(Value);

impl Schema {
    fn of(client: &Client) -> Schema {
        Schema(client.data(ROOTS)["__schema"]["types"].clone())
    }

    fn find(&self, name: &str) -> Option<&Value> {
        self.0.as_array().unwrap().iter().find(|of| of["name"] == name)
    }

    fn fields(&self, root: &str) -> Vec<&Value> {
        let found = self.find(root).map(|root| root["fields"].as_array().unwrap());
        found.into_iter().flatten().collect()
    }

    /// A value that an argument of this type takes.
    fn value(&self, of: &Value) -> String {
        match of["kind"].as_str().unwrap() {
            "NON_NULL" => self.value(&of["ofType"]),
            "LIST" => "[]".to_owned(),
            "ENUM" => {
                let known = self.find(of["name"].as_str().unwrap()).unwrap();
                known["enumValues"][0]["name"].as_str().unwrap().to_owned()
            }
            "INPUT_OBJECT" => {
                let known = self.find(of["name"].as_str().unwrap()).unwrap();
                let fields = known["inputFields"].as_array().unwrap().iter();
                let required = fields.filter(|field| field["type"]["kind"] == "NON_NULL");
                let pairs: Vec<String> = required
                    .map(|it| {
                        format!("{}: {}", it["name"].as_str().unwrap(), self.value(&it["type"]))
                    })
                    .collect();
                format!("{{{}}}", pairs.join(", "))
            }
            _ => match of["name"].as_str().unwrap() {
                "Int" | "Float" => "1".to_owned(),
                "Boolean" => "false".to_owned(),
                "JSON" => "{}".to_owned(),
                _ => "\"nothing\"".to_owned(),
            },
        }
    }

    /// A document that asks for a field in the shortest way.
    fn document(&self, root: &str, field: &Value) -> String {
        let arguments = field["args"].as_array().unwrap().iter();
        let required =
            arguments.filter(|it| it["type"]["kind"] == "NON_NULL" && it["defaultValue"].is_null());
        let pairs: Vec<String> = required
            .map(|it| format!("{}: {}", it["name"].as_str().unwrap(), self.value(&it["type"])))
            .collect();
        let arguments =
            if pairs.is_empty() { String::new() } else { format!("({})", pairs.join(", ")) };
        let mut of = &field["type"];
        while !of["ofType"].is_null() {
            of = &of["ofType"];
        }
        let below = match of["kind"].as_str().unwrap() {
            "OBJECT" | "INTERFACE" | "UNION" => " { __typename }",
            _ => "",
        };
        let operation = if root == "Query" { "query" } else { "mutation" };
        format!("{operation} {{ {}{arguments}{below} }}", field["name"].as_str().unwrap())
    }
}

/// Fields of datasets: which rows they read and write is a policy's business.
fn is_of_dataset(root: &str, name: &str) -> bool {
    if root != "Mutation" {
        let datasets = ["customers", "orders", "payroll"];
        let suffixes: &[&str] = match root {
            "Query" => &["", "ByPk", "Aggregate", "GroupBy", "Connection"],
            _ => &["", "ByPk", "Aggregate", "Stream"],
        };
        return datasets
            .iter()
            .any(|it| suffixes.iter().any(|suffix| name == format!("{it}{suffix}")));
    }
    let types = ["Customers", "Orders", "Payroll"];
    types.iter().any(|it| {
        WRITE_FIELDS.iter().any(|(before, after, _)| name == format!("{before}{it}{after}"))
    })
}

/// The scope that a root field needs.
fn needed_for(root: &str, name: &str) -> Scope {
    let of_datasets = if root == "Mutation" { Scope::Write } else { Scope::Read };
    scopes::listed(root, name).unwrap_or(of_datasets)
}

#[test]
fn every_field_is_listed_with_its_scope() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        let schema = Schema::of(&admin);
        let mut n_listed = 0;
        for root in ["Query", "Mutation", "Subscription"] {
            let fields = schema.fields(root);
            assert!(fields.len() > 10, "{root}");
            for field in fields {
                let name = field["name"].as_str().unwrap();
                let listed = scopes::listed(root, name);
                assert!(
                    listed.is_some() || is_of_dataset(root, name),
                    "{root}.{name} has no scope: list it in auth::scopes"
                );
                n_listed += usize::from(listed.is_some());
                assert!(
                    root != "Mutation" || listed != Some(Scope::Read) || name == "export",
                    "{name} changes something"
                );
            }
        }
        // And nothing is listed that there is not.
        assert_eq!(n_listed, scopes::n_listed());
    });
}

/// What a principal may do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum May {
    /// It is nobody here.
    Nothing,
    /// As much as its scope lets it.
    Up(Scope),
    /// Only what was opened for reading, and of others it must sign in.
    Open,
}

struct Who {
    name: String,
    client: Client,
    may: May,
}

const SCOPES: [(&str, Scope); 5] = [
    ("QUERY", Scope::Query),
    ("READ", Scope::Read),
    ("WRITE", Scope::Write),
    ("UPLOAD", Scope::Upload),
    ("ADMIN", Scope::Admin),
];

/// All kinds of them; of tokens, which no store has to do with, all only if that is asked for.
fn principals(server: &Server, is_whole: bool) -> Vec<Who> {
    let admin = server.client();
    let who = |name: &str, client: &Client, may| Who {
        name: name.to_owned(),
        client: client.clone(),
        may,
    };
    let mut all = Vec::new();
    for (word, scope) in SCOPES {
        let client = key(&admin, &format!("scope: {word}"));
        all.push(who(word, &client, May::Up(scope)));
    }
    let revoked = key(&admin, "scope: ADMIN");
    let prefix =
        revoked.data("{ me { keyPrefix } }")["me"]["keyPrefix"].as_str().unwrap().to_owned();
    admin.data(&format!("mutation {{ revokeKey(prefix: \"{prefix}\") {{ active }} }}"));
    all.push(who("revoked", &revoked, May::Nothing));
    let soon = access::in_ms(300);
    let expired = key(&admin, &format!("scope: ADMIN, expiresAt: \"{soon}\""));
    crate::harness::eventually("its end", std::time::Duration::from_secs(5), || {
        (expired.graphql("{ __typename }", &json!({})).status == 401).then_some(())
    });
    all.push(who("expired", &expired, May::Nothing));
    let (head, _) = crate::harness::server::ADMIN_KEY.split_at(30);
    for (name, text) in [
        ("unknown", format!("slu_{}_{}", "a".repeat(8), "b".repeat(43))),
        ("the beginning of the admin's", head.to_owned()),
        ("no key at all", "x".to_owned()),
    ] {
        all.push(who(name, &admin.with_key(&text), May::Nothing));
    }
    let issuer = tokens::issuer();
    let n_tokens = if is_whole { usize::MAX } else { 1 };
    for (word, scope) in [
        ("read", Scope::Read),
        ("write", Scope::Write),
        ("upload", Scope::Upload),
        ("admin", Scope::Admin),
    ]
    .into_iter()
    .take(n_tokens)
    {
        let claims = tokens::claims(&json!({ "tenant": "default", "scope": word }));
        let client = admin.with_key(&issuer.token("k", &claims));
        all.push(who(&format!("JWT {word}"), &client, May::Up(scope)));
    }
    let extra = json!({ "tenant": "default", "scope": "admin" });
    let is_in_matrix = [
        "none",
        "wrong key",
        "expired",
        "not yet",
        "wrong audience",
        "wrong issuer",
        "no exp",
        "another body",
        "no signature",
        "HS512",
    ];
    let bad = tokens::bad_tokens(&issuer, "k", &extra).into_iter();
    for (name, token) in bad.filter(|(name, _)| is_in_matrix.contains(name)).take(n_tokens) {
        all.push(who(&format!("JWT {name}"), &admin.with_key(&token), May::Nothing));
    }
    let other = workspace(&admin, "other");
    all.push(who("admin of another workspace", &other, May::Up(Scope::Admin)));
    all.push(who("nobody", &server.anonymous(), May::Nothing));
    all
}

#[test]
fn every_principal_asks_for_every_field() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = tokens::server_with_secret(kind);
        let admin = server.client();
        load(&admin);
        let all = principals(&server, kind == StoreKind::Sqlite);
        let schema = Schema::of(&admin);
        for root in ["Query", "Mutation"] {
            for field in schema.fields(root) {
                let name = field["name"].as_str().unwrap();
                let needed = needed_for(root, name);
                let document = schema.document(root, field);
                for who in &all {
                    check_field(who, name, &document, needed);
                }
            }
        }
        // Nothing of it did any harm: no argument named anything that is there.
        let data = admin.data("{ datasets { name rowCount } workspaces { name } workspace { publicRead } trustedDocuments { mode } }");
        assert_eq!(data["datasets"].as_array().unwrap().len(), 3);
        assert_eq!(data["workspaces"], json!([{"name": "default"}, {"name": "other"}]));
        assert_eq!(data["workspace"]["publicRead"], false);
        // Opened for reading, those without a key can do no more than that.
        admin.data("mutation { setPublicRead(all: true) { name } }");
        let nobody =
            Who { name: "nobody, opened".to_owned(), client: server.anonymous(), may: May::Open };
        for root in ["Query", "Mutation"] {
            for field in schema.fields(root) {
                let name = field["name"].as_str().unwrap();
                let needed = needed_for(root, name);
                check_field(&nobody, name, &schema.document(root, field), needed);
            }
        }
    }
}

fn check_field(who: &Who, name: &str, document: &str, needed: Scope) {
    // Among a field that all may use, in a fragment, behind a directive: it is refused all the same.
    let inner = document.split_once('{').unwrap();
    let hidden = format!(
        "{}{{ a: __typename ...F }} fragment F on {} {{ ... @include(if: true) {{ x: {} }}",
        inner.0,
        if inner.0.starts_with("query") { "Query" } else { "Mutation" },
        inner.1.trim(),
    );
    let all = [(document, false), (hidden.as_str(), true)];
    // What may be asked for may be asked for in other words, too: that is no attack.
    let is_once = matches!(who.may, May::Up(scope) if scope >= needed);
    for (document, is_hidden) in all.into_iter().take(if is_once { 1 } else { 2 }) {
        let answer = who.client.graphql(document, &json!({}));
        let told = || format!("{} asks {document}: {} {}", who.name, answer.status, answer.text);
        let code =
            answer.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or("").to_owned();
        let has_data = answer.json().get("data").is_some_and(|data| !data.is_null());
        assert!(code != "INTERNAL", "{}", told());
        match who.may {
            May::Nothing => {
                assert_eq!((answer.status, code.as_str()), (401, "UNAUTHENTICATED"), "{}", told());
                assert!(!has_data, "{}", told());
            }
            May::Open if needed > Scope::Read => {
                assert_eq!(code, "UNAUTHENTICATED", "{}", told());
                assert!(!has_data, "{}", told());
            }
            May::Up(scope) if needed > scope => {
                assert_eq!(code, "FORBIDDEN", "{}", told());
                assert!(!has_data, "{}", told());
                // A key for saved queries gets no further than the door.
                let said = if scope == Scope::Query { Scope::Read } else { needed };
                let word = format!("{said:?}").to_lowercase();
                assert!(answer.text.contains(&word), "{}", told());
            }
            // Another workspace's admin has none of these datasets, and is no operator.
            May::Up(_) if who.name.starts_with("admin of another") => {
                assert!(code != "UNAUTHENTICATED", "{}", told());
                if is_of_dataset("Query", name)
                    || is_of_dataset("Mutation", name)
                    || is_of_operator(name)
                {
                    assert!(["BAD_USER_INPUT", "FORBIDDEN"].contains(&code.as_str()), "{}", told());
                    // Beside what is refused, the name of the type may be told.
                    assert!(!has_data || is_hidden, "{}", told());
                }
            }
            May::Up(_) | May::Open => {
                assert!(!["FORBIDDEN", "UNAUTHENTICATED"].contains(&code.as_str()), "{}", told());
            }
        }
    }
}

fn is_of_operator(name: &str) -> bool {
    ["workspaces", "createWorkspace", "renameWorkspace", "deleteWorkspace", "setQuotas"]
        .contains(&name)
}

#[test]
fn the_schema_that_is_told_holds_what_may_be_used() {
    both_stores(|server| {
        let admin = server.client();
        load(&admin);
        // A key for saved queries is told no schema.
        for (word, scope) in SCOPES.into_iter().filter(|(_, scope)| *scope > Scope::Query) {
            let client = key(&admin, &format!("scope: {word}"));
            let schema = Schema::of(&client);
            let sdl = client.get("/schema.graphql").text;
            for root in ["Query", "Mutation"] {
                let told: BTreeSet<&str> = schema
                    .fields(root)
                    .iter()
                    .map(|field| field["name"].as_str().unwrap())
                    .collect();
                for name in &told {
                    let needed = needed_for(root, name);
                    assert!(needed <= scope, "{word} is told of {root}.{name}");
                }
                let whole = Schema::of(&admin);
                for field in whole.fields(root) {
                    let name = field["name"].as_str().unwrap();
                    let needed = needed_for(root, name);
                    assert_eq!(told.contains(name), needed <= scope, "{word}: {root}.{name}");
                    let in_sdl =
                        sdl.contains(&format!("\t{name}(")) || sdl.contains(&format!("\t{name}:"));
                    if needed > scope && !["keys", "key"].contains(&name) {
                        assert!(!in_sdl, "{word}: {name} in the SDL");
                    }
                }
            }
            let inner = |object: &str, field: &str| {
                let found = schema.fields(object);
                found.iter().any(|it| it["name"] == field)
            };
            for (object, field) in
                [("Dataset", "rejects"), ("Dataset", "source"), ("Job", "refused")]
            {
                assert_eq!(
                    inner(object, field),
                    scope >= scopes::of_field(object, field),
                    "{word}"
                );
            }
        }
    });
}

/// Method, path, headers, body, the scope that it needs; none for what everybody may ask.
type Route = (&'static str, &'static str, &'static str, &'static str, Option<Scope>);

const ROUTES: [Route; 22] = [
    ("POST", "/graphql", "application/json", r#"{"query":"{ __typename }"}"#, Some(Scope::Read)),
    ("GET", "/graphql?query=%7B__typename%7D", "", "", Some(Scope::Read)),
    ("POST", "/graphql", "multipart/form-data; boundary=x", "--x--\r\n", Some(Scope::Upload)),
    ("PUT", "/upload/fresh?wait=60", "text/csv", "id\n1\n", Some(Scope::Upload)),
    ("POST", "/upload/fresh?wait=60", "text/csv", "id\n1\n", Some(Scope::Upload)),
    (
        "PUT",
        "/upload?filename=fresh.csv&mode=replace&wait=60",
        "text/csv",
        "id\n1\n",
        Some(Scope::Upload),
    ),
    (
        "PUT",
        "/upload/?filename=fresh.csv&mode=replace&wait=60",
        "text/csv",
        "id\n1\n",
        Some(Scope::Upload),
    ),
    ("POST", "/inspect?name=fresh", "text/csv", "id\n1\n", Some(Scope::Upload)),
    ("PUT", "/inspect?name=fresh", "text/csv", "id\n1\n", Some(Scope::Upload)),
    ("GET", "/rejects/orders.csv", "", "", Some(Scope::Upload)),
    ("GET", "/export/orders.csv", "", "", Some(Scope::Read)),
    ("GET", "/export/jobs/none", "", "", Some(Scope::Read)),
    ("GET", "/snippets/orders", "", "", Some(Scope::Read)),
    ("GET", "/q/all_orders/snippets", "", "", Some(Scope::Query)),
    ("GET", "/q", "", "", Some(Scope::Query)),
    ("GET", "/q/all_orders", "", "", Some(Scope::Query)),
    ("GET", "/q/all_orders.csv", "", "", Some(Scope::Query)),
    ("GET", "/schema.graphql", "", "", Some(Scope::Read)),
    ("PUT", "/documents", "application/json", "{}", Some(Scope::Admin)),
    ("POST", "/documents", "application/json", "{}", Some(Scope::Admin)),
    ("GET", "/healthz", "", "", None),
    ("GET", "/readyz", "", "", None),
];

#[test]
fn every_principal_takes_every_route() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = tokens::server_with_secret(kind);
        let admin = server.client();
        load(&admin);
        admin.data("mutation { saveQuery(name: \"all_orders\", document: \"{ orders { id } }\") { name } }");
        for who in principals(&server, kind == StoreKind::Sqlite) {
            for (method, path, content_type, body, needed) in ROUTES {
                let headers = [("content-type", content_type)];
                let headers = if content_type.is_empty() { &headers[..0] } else { &headers[..] };
                let answer = who.client.request(method, path, headers, body);
                check_route(&who, &format!("{method} {path} {content_type}"), &answer, needed);
            }
            // A token of the link that is none opens nothing, whoever sends it.
            let headers = [("content-type", "application/json")];
            let answer = who.client.request("POST", "/sign-in", &headers, r#"{"token":"x"}"#);
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "UNAUTHENTICATED"),
                "{}",
                who.name
            );
            for (method, path) in [
                ("DELETE", "/upload/orders"),
                ("PATCH", "/graphql"),
                ("POST", "/schema.graphql"),
                ("GET", "/documents"),
                ("GET", "/upload/orders"),
            ] {
                let answer = who.client.request(method, path, &[], "");
                assert_eq!(answer.status, 405, "{}: {method} {path}", who.name);
            }
            for path in
                ["/admin", "/.env", "/../catalog.sqlite", "/upload/../../etc/passwd", "/debug"]
            {
                let answer = who.client.request("GET", path, &[], "");
                let is_app = answer.header("content-type").starts_with("text/html");
                assert!(
                    answer.status == 404 || answer.status == 405 || is_app,
                    "{path}: {} {}",
                    answer.status,
                    answer.text
                );
            }
        }
        let admin = server.client();
        assert_eq!(admin.data("{ fresh { id } }"), json!({ "fresh": [{"id": 1}] }));
    }
}

fn check_route(who: &Who, route: &str, answer: &Answer, needed: Option<Scope>) {
    let told = || format!("{} takes {route}: {} {}", who.name, answer.status, answer.text);
    let Some(needed) = needed else {
        assert_eq!(answer.status, 200, "{}", told());
        assert!(!answer.text.contains("fresh") && answer.text.len() < 2_000, "{}", told());
        return;
    };
    match who.may {
        May::Nothing | May::Open => {
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (401, "UNAUTHENTICATED"),
                "{}",
                told()
            );
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{}", told());
        }
        May::Up(scope) if needed > scope => {
            assert_eq!((answer.status, answer.code().as_str()), (403, "FORBIDDEN"), "{}", told());
        }
        May::Up(_) => {
            let is_fine = ![401, 403].contains(&answer.status) && answer.status < 500;
            assert!(is_fine, "{}", told());
        }
    }
}
