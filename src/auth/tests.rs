//! Tests of keys on both databases.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use axum::http::{HeaderMap, HeaderValue};

use super::*;
use crate::catalog::testing::Bench;
use crate::error::Code;

const ADMIN_KEY: &str = "an admin key of more than 32 characters";

fn secrets_with(pepper: &str, admin_key: Option<&str>) -> Secrets {
    Secrets {
        pepper: Secret::new(pepper.repeat(64)),
        secret_keys: vec![Secret::new("s".repeat(64))],
        admin_key: admin_key.map(Secret::new),
    }
}

fn secrets(admin_key: Option<&str>) -> Secrets {
    secrets_with("p", admin_key)
}

fn with_key(key: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", HeaderValue::from_str(key).unwrap());
    headers
}

async fn refused(auth: &Auth, key: &str) -> String {
    let error = auth.authenticate(&with_key(key)).await.unwrap_err();
    assert_eq!(error.code, Code::Unauthenticated, "{error}");
    error.message.into_owned()
}

async fn with_secrets(catalog: Arc<Catalog>, secrets: &Secrets) -> Result<Auth> {
    Auth::with_secrets(catalog, secrets, AuditSettings::default()).await
}

fn new(name: &str, scope: Scope) -> NewKey {
    NewKey::new(name, scope, "test")
}

#[tokio::test]
async fn the_first_start_makes_one_key_and_shows_it_once() {
    for bench in Bench::all().await {
        let catalog = Arc::new(Catalog::open(&bench.settings).await.unwrap());
        let auth = with_secrets(Arc::clone(&catalog), &secrets(None)).await.unwrap();
        let key = auth.take_first_key().unwrap();
        assert!(auth.take_first_key().is_none());
        assert!(has_form_of_key(&key), "{key}");
        let principal = auth.authenticate(&with_key(&key)).await.unwrap();
        assert_eq!(principal.scope, Scope::Admin);
        assert!(key.starts_with(&format!("{}_", principal.key_prefix)));
        drop(auth);
        let again = with_secrets(Arc::clone(&catalog), &secrets(None)).await.unwrap();
        assert!(again.take_first_key().is_none());
        assert!(again.authenticate(&with_key(&key)).await.is_ok());
        let other = secrets_with("q", None);
        let other = with_secrets(Arc::clone(&catalog), &other).await.unwrap();
        refused(&other, &key).await;
        drop((again, other, catalog));
        bench.close().await;
    }
}

#[tokio::test]
async fn a_command_line_makes_no_first_key() {
    let bench = Bench::embedded();
    let catalog = Arc::new(Catalog::open_shared(&bench.settings).await.unwrap());
    let auth = with_secrets(catalog, &secrets(None)).await.unwrap();
    assert!(auth.take_first_key().is_none());
}

#[tokio::test]
async fn the_key_from_the_environment_is_an_admin_and_is_not_kept() {
    let bench = Bench::embedded();
    let catalog = Arc::new(Catalog::open(&bench.settings).await.unwrap());
    let auth = with_secrets(Arc::clone(&catalog), &secrets(Some(ADMIN_KEY))).await.unwrap();
    assert!(auth.take_first_key().is_none());
    let key = ADMIN_KEY.replace(' ', "-");
    let auth_with = with_secrets(Arc::clone(&catalog), &secrets(Some(&key))).await.unwrap();
    let principal = auth_with.authenticate(&with_key(&key)).await.unwrap();
    assert_eq!((principal.key_prefix.as_str(), principal.scope), ("env", Scope::Admin));
    refused(&auth, &key).await;
    assert!(catalog.has_no_keys().await.unwrap());
}

#[tokio::test]
async fn unknown_expired_and_revoked_keys_hear_the_same() {
    let bench = Bench::embedded();
    let catalog = Arc::new(Catalog::open(&bench.settings).await.unwrap());
    let workspace = catalog.default_workspace();
    let auth = with_secrets(catalog, &secrets(None)).await.unwrap();
    let soon = Some(now_us() + 300_000);
    let (brief, _) = auth
        .create_key(workspace, NewKey { expires_at_us: soon, ..new("brief", Scope::Read) })
        .await
        .unwrap();
    let (key, listed) = auth.create_key(workspace, new("k", Scope::Write)).await.unwrap();
    assert_eq!(auth.authenticate(&with_key(&brief)).await.unwrap().scope, Scope::Read);
    let principal = auth.authenticate(&with_key(&key)).await.unwrap();
    assert!(principal.require(Scope::Write).is_ok());
    assert_eq!(principal.require(Scope::Upload).unwrap_err().code, Code::Forbidden);
    auth.revoke_key(workspace, &listed.prefix).await.unwrap();
    tokio::time::sleep(Duration::from_millis(350)).await;

    let unknown = format!("slu_{}_{}", "a".repeat(8), "b".repeat(43));
    let sentence = refused(&auth, &unknown).await;
    assert_eq!(refused(&auth, &key).await, sentence);
    assert_eq!(refused(&auth, &brief).await, sentence);
    for text in [&unknown, &key, &brief] {
        // Each went the same way: looked up by its hash, and the outcome remembered for a moment.
        assert!(auth.known.contains_key(&auth.hash(text)), "{text}");
    }
    assert_eq!(refused(&auth, "nonsense").await, sentence);
    let gone = auth.revoke_key(workspace, "slu_nothing0").await.unwrap_err();
    assert_eq!(gone.code, Code::NotFound);
    let past = auth
        .create_key(workspace, NewKey { expires_at_us: Some(1), ..new("k", Scope::Read) })
        .await
        .unwrap_err();
    assert_eq!(past.code, Code::BadUserInput);
    assert!(auth.create_key(workspace, new(" ", Scope::Read)).await.is_err());
}

#[tokio::test]
async fn a_sign_in_link_works_once() {
    let bench = Bench::embedded();
    let catalog = Arc::new(Catalog::open(&bench.settings).await.unwrap());
    let auth = with_secrets(catalog, &secrets(Some(ADMIN_KEY))).await.unwrap();
    let token = auth.issue_sign_in_token();
    let (key, end_us) = auth.sign_in(&token).await.unwrap();
    assert!((end_us - now_us() - SESSION_US).abs() < 60_000_000);
    assert_eq!(auth.authenticate(&with_key(&key)).await.unwrap().scope, Scope::Admin);
    for bad in [token.as_str(), "", "x"] {
        assert_eq!(auth.sign_in(bad).await.unwrap_err().code, Code::Unauthenticated);
    }
    for _ in 0..MAX_SIGN_IN_TOKENS * 2 {
        auth.issue_sign_in_token();
    }
    assert_eq!(auth.sign_in_tokens.lock().unwrap().len(), MAX_SIGN_IN_TOKENS);
}

#[tokio::test]
async fn a_known_key_costs_little() {
    let bench = Bench::embedded();
    let catalog = Arc::new(Catalog::open(&bench.settings).await.unwrap());
    let auth = with_secrets(catalog, &secrets(None)).await.unwrap();
    let headers = with_key(&auth.take_first_key().unwrap());
    auth.authenticate(&headers).await.unwrap();
    let began = Instant::now();
    const TIMES: u32 = 20_000;
    for _ in 0..TIMES {
        auth.authenticate(&headers).await.unwrap();
    }
    let each = began.elapsed() / TIMES;
    println!("{each:?} for each request with a known key");
    // A look-up in the catalog costs more than this even in a debug build on a busy machine.
    assert!(each < Duration::from_micros(100), "{each:?}");
}
