//! JSON Web Tokens: those of the issuer are taken, and nothing that only looks like one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::access;
use crate::harness::server::Options;
use crate::harness::tokens::{KeyServer, Signer, key_set};
use crate::harness::{Answer, Client, Folder, Server, StoreKind, eventually};

const SECRET: &str = "a secret that only the issuer and the server have";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "sluice";
const ME: &str = "{ me { keyPrefix scope role datasets } }";

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Claims of a token that holds, with others in their place.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "exp": now() + 600, "scope": "read",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

/// A server that takes tokens of the issuer.
pub(crate) fn server(kind: StoreKind, settings: &[(&str, &str)]) -> Server {
    let (mut options, database) = Options::of(kind);
    options =
        options.variable("SLUICE_JWT_ISSUER", ISSUER).variable("SLUICE_JWT_AUDIENCE", AUDIENCE);
    for (name, value) in settings {
        options = options.variable(name, value);
    }
    Server::start_with(options, database)
}

/// With the secret, for HS256.
pub(crate) fn server_with_secret(kind: StoreKind) -> Server {
    server(kind, &[("SLUICE_JWT_SECRET", SECRET), ("SLUICE_JWT_WORKSPACE_CLAIM", "tenant")])
}

pub(crate) fn issuer() -> Signer {
    Signer::Hs256(SECRET.as_bytes().to_vec())
}

/// Tokens that no server takes, by what is wrong with them; `extra` are claims of the good ones.
pub(crate) fn bad_tokens(issuer: &Signer, kid: &str, extra: &Value) -> Vec<(&'static str, String)> {
    let with = |changes: Value| {
        let mut all = extra.clone();
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims(&all)
    };
    let good = with(json!({}));
    let header = |header: Value| issuer.token_with(&header, &good);
    let algorithm = issuer.algorithm();
    let unsigned = |alg: &str| {
        let token = issuer.token_with(&json!({ "alg": alg, "typ": "JWT" }), &good);
        format!("{}.", token.rsplit_once('.').unwrap().0)
    };
    let honest = issuer.token(kid, &good);
    let (head, signature) = honest.rsplit_once('.').unwrap();
    let (head, _) = head.rsplit_once('.').unwrap();
    let forged = claims(&json!({ "scope": "admin" })).to_string();
    let forged = {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(forged)
    };
    let wrong_key = match issuer {
        Signer::Hs256(_) => Signer::Hs256(b"another secret of at least thirty-two bytes".to_vec()),
        Signer::Rs256(_) => Signer::rsa(),
        Signer::Es256(_) => Signer::ec(),
        Signer::EdDsa(_) => Signer::ed(),
    };
    // The public key, which everybody has, taken for a secret.
    let confused = Signer::Hs256(issuer.public_bytes());
    let mut bad = vec![
        ("none", unsigned("none")),
        ("None", unsigned("None")),
        ("nOnE", unsigned("nOnE")),
        ("no algorithm", unsigned("")),
        ("no signature", format!("{}.", honest.rsplit_once('.').unwrap().0)),
        ("another body", format!("{head}.{forged}.{signature}")),
        ("wrong key", wrong_key.token(kid, &good)),
        ("HS512", header(json!({ "alg": "HS512", "kid": kid }))),
        ("RS512", header(json!({ "alg": "RS512", "kid": kid }))),
        ("PS256", header(json!({ "alg": "PS256", "kid": kid }))),
        ("ES384", header(json!({ "alg": "ES384", "kid": kid }))),
        ("something critical", header(json!({ "alg": algorithm, "kid": kid, "crit": ["exp"] }))),
        ("algorithm is a list", header(json!({ "alg": [algorithm], "kid": kid }))),
        ("expired", issuer.token(kid, &with(json!({ "exp": now() - 120 })))),
        ("no exp", issuer.token(kid, &with(json!({ "exp": null })))),
        ("exp is text", issuer.token(kid, &with(json!({ "exp": "never" })))),
        ("exp is negative", issuer.token(kid, &with(json!({ "exp": -1 })))),
        ("exp is a list", issuer.token(kid, &with(json!({ "exp": [now() + 600] })))),
        ("not yet", issuer.token(kid, &with(json!({ "nbf": now() + 120 })))),
        ("nbf is text", issuer.token(kid, &with(json!({ "nbf": "now" })))),
        ("wrong issuer", issuer.token(kid, &with(json!({ "iss": "https://issuer.example.evil" })))),
        ("no issuer", issuer.token(kid, &with(json!({ "iss": null })))),
        ("issuer is a list", issuer.token(kid, &with(json!({ "iss": [ISSUER, "x"] })))),
        ("wrong audience", issuer.token(kid, &with(json!({ "aud": "other" })))),
        ("no audience", issuer.token(kid, &with(json!({ "aud": null })))),
        ("audiences of others", issuer.token(kid, &with(json!({ "aud": ["other", "sluice2"] })))),
        ("a word of no scope", issuer.token(kid, &with(json!({ "scope": "root READ" })))),
        ("no scope", issuer.token(kid, &with(json!({ "scope": null })))),
        ("role is a list", issuer.token(kid, &with(json!({ "role": ["sales"] })))),
        ("role is a number", issuer.token(kid, &with(json!({ "role": 7 })))),
        ("role is an object", issuer.token(kid, &with(json!({ "role": {"a": "b"} })))),
        ("role of everybody", issuer.token(kid, &with(json!({ "role": "*" })))),
        ("role of nobody", issuer.token(kid, &with(json!({ "role": "anonymous" })))),
        ("empty role", issuer.token(kid, &with(json!({ "role": "" })))),
        ("role with SQL", issuer.token(kid, &with(json!({ "role": "' OR 1=1 --" })))),
        ("datasets is a text", issuer.token(kid, &with(json!({ "datasets": "orders" })))),
        ("overlong", issuer.token(kid, &with(json!({ "pad": "x".repeat(9_000) })))),
        ("two points", "..".to_owned()),
        ("no base64", "a.b.c".to_owned()),
    ];
    if algorithm != "HS256" {
        bad.push(("public key as secret", confused.token(kid, &good)));
        for kid in [
            "",
            "none",
            "/dev/null",
            "../../../../dev/null",
            "file:///dev/null",
            "http://127.0.0.1:1/keys.json",
            "x' UNION SELECT 'a",
            "\u{0}",
        ] {
            bad.push(("kid of no key", issuer.token(kid, &good)));
        }
        let own = wrong_key.jwk("own");
        for header in [
            json!({ "alg": algorithm, "kid": "own", "jwk": own }),
            json!({ "alg": algorithm, "kid": kid, "jwk": own }),
            json!({ "alg": algorithm, "kid": kid, "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/" }),
        ] {
            bad.push(("a key of its own", wrong_key.token_with(&header, &good)));
        }
    }
    bad
}

#[track_caller]
fn refused(client: &Client, token: &str, what: &str) -> Answer {
    let answer = client.with_key(token).graphql(ME, &json!({}));
    assert_eq!(answer.status, 401, "{what}: {}", answer.text);
    assert_eq!(answer.code(), "UNAUTHENTICATED", "{what}");
    assert!(answer.json().get("data").is_none(), "{what}");
    answer
}

#[test]
fn tokens_of_a_secret() {
    for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
        let server = server_with_secret(kind);
        let (operator, client) = (server.client(), server.anonymous());
        let other = access::workspace(&operator, "other");
        other.load("orders", "id,region,note\n1,north,a\n2,south,zzq\n");
        operator.load("secrets", "id\n1\n");
        let signer = issuer();
        let of = |changes: Value| {
            let mut all = json!({ "tenant": "other" });
            all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            client.with_key(&signer.token("k", &claims(&all)))
        };
        let data = of(json!({})).data("{ datasets { name } orders { id } me { keyPrefix scope } }");
        assert_eq!(
            data,
            json!({ "datasets": [{"name": "orders"}], "orders": [{"id": 1}, {"id": 2}], "me": {"keyPrefix": "jwt:ada", "scope": "READ"} })
        );
        assert_eq!(of(json!({})).error("{ secrets { id } }").0, "BAD_USER_INPUT");
        // Audiences may be several; times of a moment ago are forgiven.
        for changes in [
            json!({ "aud": ["x", AUDIENCE] }),
            json!({ "exp": now() - 3 }),
            json!({ "nbf": now() + 3 }),
            json!({ "scope": ["openid", "sluice:read"] }),
        ] {
            assert_eq!(of(changes.clone()).graphql(ME, &json!({})).status, 200, "{changes}");
        }
        for (what, token) in bad_tokens(&signer, "k", &json!({ "tenant": "other" })) {
            let answer = refused(&client, &token, what);
            // As a key that is unknown: no check is named.
            assert!(!answer.text.contains("ignature") && !answer.text.contains("tenant"), "{what}");
        }
        // Which workspaces there are is nobody's business.
        let unknown =
            refused(&client, &signer.token("k", &claims(&json!({ "tenant": "nobody" }))), "tenant");
        let wrong = refused(
            &client,
            &Signer::Hs256(b"x".repeat(32)).token("k", &claims(&json!({ "tenant": "other" }))),
            "key",
        );
        assert_eq!(unknown.error(), wrong.error());
        for tenant in [
            Value::Null,
            json!(7),
            json!(["other"]),
            json!({ "a": "other" }),
            json!("Other"),
            json!("other "),
        ] {
            refused(&client, &signer.token("k", &claims(&json!({ "tenant": tenant }))), "tenant");
        }
        // Roles, datasets and claims of a token hold as those of a key.
        other.data("mutation { setPolicy(dataset: \"orders\", role: \"sales\", filter: {region: {_eq: \"$claims.app.region\"}}) { role } }");
        let sales = of(json!({ "role": "sales", "app": {"region": "north"} }));
        assert_eq!(sales.data("{ orders { id } }"), json!({ "orders": [{"id": 1}] }));
        assert_eq!(
            of(json!({ "role": "sales" })).data("{ orders { id } }"),
            json!({ "orders": [] })
        );
        assert_eq!(
            of(json!({ "role": "none" })).data("{ datasets { name } }"),
            json!({ "datasets": [] })
        );
        // A dataset may be called like a claim.
        other.load("claims", "id\n7\n");
        let names = |changes: Value| of(changes).data("{ datasets { name } }")["datasets"].clone();
        assert_eq!(names(json!({ "datasets": ["claims"] })), json!([{"name": "claims"}]));
        assert_eq!(names(json!({ "datasets": [], "claims": 1 })), json!([]));
        assert_eq!(names(json!({ "datasets": [] })), json!([]));
        assert_eq!(of(json!({ "scope": "upload" })).upload("new", "id\n1\n").status, 200);
        assert_eq!(of(json!({})).upload("new", "id\n1\n").status, 403);
        // A token outlives its workspace, but opens nothing then.
        let last = of(json!({ "scope": "upload" }));
        assert_eq!(last.graphql(ME, &json!({})).status, 200);
        operator.data("mutation { deleteWorkspace(name: \"other\", confirm: \"other\") { id } }");
        assert_eq!(last.graphql("{ datasets { name } }", &json!({})).status, 401);
        assert_eq!(last.upload("orders", "id\n1\n").status, 401);
        assert!(!server.log().contains(SECRET));
    }
}

#[test]
fn tokens_of_a_set_of_keys() {
    let (rsa, ec, ed) = (Signer::rsa(), Signer::ec(), Signer::ed());
    let secret = issuer();
    let set = key_set(&[
        rsa.jwk("rsa"),
        ec.jwk("ec"),
        ed.jwk("ed"),
        // A set that is served to everybody holds no secret that counts.
        secret.jwk("oct"),
        json!({ "kty": "EC", "crv": "P-384", "kid": "big", "x": "AA", "y": "AA" }),
    ]);
    let keys = KeyServer::start(Some(set.clone()));
    let by_url = server(StoreKind::Postgres, &[("SLUICE_JWT_JWKS", &keys.url)]);
    let folder = Folder::new();
    let path = folder.file("keys.json", &set);
    let by_file = server(StoreKind::Sqlite, &[("SLUICE_JWT_JWKS", path.to_str().unwrap())]);
    for server in [&by_url, &by_file] {
        let client = server.anonymous();
        for (signer, kid) in [(&rsa, "rsa"), (&ec, "ec"), (&ed, "ed")] {
            let token = signer.token(kid, &claims(&json!({})));
            assert_eq!(client.with_key(&token).graphql(ME, &json!({})).status, 200, "{kid}");
            // There is one key of the kind: its name may be left out.
            let header = json!({ "alg": signer.algorithm() });
            let token = signer.token_with(&header, &claims(&json!({})));
            assert_eq!(client.with_key(&token).graphql(ME, &json!({})).status, 200, "{kid}");
            for (what, token) in bad_tokens(signer, kid, &json!({})) {
                refused(&client, &token, &format!("{kid}: {what}"));
            }
        }
        refused(&client, &rsa.token("ec", &claims(&json!({}))), "kid of another key");
        refused(&client, &secret.token("oct", &claims(&json!({}))), "a secret of the set");
        let text = rsa.jwk("rsa").to_string();
        refused(
            &client,
            &Signer::Hs256(text.into_bytes()).token("rsa", &claims(&json!({}))),
            "the JWK as a secret",
        );
    }
    assert!(keys.n_asked() < 5, "unknown names do not make it ask each time: {}", keys.n_asked());

    // The set goes on while its server is away, and a new key is found when it is back.
    keys.set(None);
    let client = by_url.anonymous();
    let token = ec.token("ec", &claims(&json!({ "sub": "later" })));
    assert_eq!(client.with_key(&token).graphql(ME, &json!({})).status, 200);
    let new = Signer::ed();
    keys.set(Some(key_set(&[new.jwk("new")])));
    eventually("the new key", Duration::from_secs(30), || {
        let token = new.token("new", &claims(&json!({})));
        (client.with_key(&token).graphql(ME, &json!({})).status == 200).then_some(())
    });
    refused(
        &client,
        &ec.token("ec", &claims(&json!({ "sub": "old" }))),
        "a key that is not in the set any more",
    );
}

#[test]
fn a_server_without_its_set_says_so() {
    let keys = KeyServer::start(None);
    let server = server(
        StoreKind::Sqlite,
        &[("SLUICE_JWT_JWKS", &keys.url), ("SLUICE_JWT_ALGORITHMS", "RS256,EdDSA")],
    );
    let client = server.anonymous();
    let (ed, ec) = (Signer::ed(), Signer::ec());
    let began = Instant::now();
    for n in 0..3 {
        let token = ed.token("ed", &claims(&json!({ "sub": n.to_string() })));
        let answer = client.with_key(&token).graphql(ME, &json!({}));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "STORAGE_UNAVAILABLE"),
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
    }
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(keys.n_asked(), 1, "a server that is away is not asked for each token");
    // Of an algorithm that is not taken, nobody asks the set.
    refused(&client, &ec.token("ec", &claims(&json!({}))), "an algorithm that is not taken");
    refused(&client, &issuer().token("k", &claims(&json!({}))), "HS256 without a secret");
    // Keys of the server go on.
    assert_eq!(server.client().graphql(ME, &json!({})).status, 200);

    for (name, value) in [
        ("SLUICE_JWT_JWKS", "http://keys.example/keys.json"),
        ("SLUICE_JWT_ALGORITHMS", "none"),
        ("SLUICE_JWT_ALGORITHMS", "HS512"),
        ("SLUICE_JWT_SECRET", "short"),
        ("SLUICE_JWT_LEEWAY", "31s"),
    ] {
        let options = Options::default().variable(name, value);
        let Err(text) = Server::try_start(options, None) else { panic!("{name}={value}") };
        assert!(!text.contains("panicked"), "{text}");
    }
}
