//! `sluice keys`: makes, lists and ends API keys in the catalog, also beside a running server.
//!
//! It is the way back in for an operator who has lost every key: whoever may write the data folder
//! may make a key.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{KeyCommand, KeyScope, Keys};
use super::outcome::{Failure, Outcome};
use super::{block_on, expect_store};
use serde_json::{Map, Value as Json, json};

use crate::auth::{Auth, NewKey};
use crate::catalog::model::{Scope, WorkspaceId};
use crate::catalog::{ApiKey, AuditEntry, Catalog, CatalogError, now_us};
use crate::config::Settings;
use crate::error::Error;

const DAY_US: i64 = 86_400_000_000;

impl From<KeyScope> for Scope {
    fn from(scope: KeyScope) -> Scope {
        match scope {
            KeyScope::Query => Scope::Query,
            KeyScope::Read => Scope::Read,
            KeyScope::Write => Scope::Write,
            KeyScope::Upload => Scope::Upload,
            KeyScope::Admin => Scope::Admin,
        }
    }
}

/// Runs one of the key commands.
pub(super) fn run(settings: &Settings, keys: &Keys) -> Outcome {
    let (command, in_workspace) = (&keys.command, keys.workspace.as_deref());
    expect_store(settings)?;
    block_on(async {
        let catalog = Arc::new(Catalog::open_shared(settings).await.map_err(Error::from)?);
        let workspace = workspace_of(&catalog, in_workspace).await?;
        let mut out = std::io::stdout();
        match command {
            KeyCommand::Create {
                name,
                scope,
                admin,
                days,
                role,
                datasets,
                claims,
                saved_queries,
            } => {
                let auth = Auth::open(Arc::clone(&catalog), settings).await?;
                let expires_at_us = days.map(|days| now_us() + i64::from(days) * DAY_US);
                let scope = if *admin { Scope::Admin } else { Scope::from(*scope) };
                let new = NewKey {
                    expires_at_us,
                    role: role.clone(),
                    datasets: (!datasets.is_empty()).then(|| datasets.clone()),
                    claims: read_claims(claims.as_deref())?,
                    saved_queries: (!saved_queries.is_empty()).then(|| saved_queries.clone()),
                    ..NewKey::new(name, scope, "command line")
                };
                let (secret, key) = auth.create_key(workspace, new).await?;
                print_secret(&secret, &key, keys.json)?;
                eprintln!("Keep it: it is shown this once. Its prefix is {}.", key.prefix);
            }
            KeyCommand::List => {
                let all = catalog.keys(workspace).await.map_err(Error::from)?;
                if keys.json {
                    writeln!(out, "{}", all.iter().map(as_json).collect::<Json>())?;
                } else {
                    print_keys(&all, &mut out)?;
                }
            }
            KeyCommand::Rotate { prefix, overlap } => {
                let auth = Auth::open(Arc::clone(&catalog), settings).await?;
                let overlap = Duration::from_secs(*overlap);
                let (secret, key) =
                    auth.rotate_key(workspace, prefix, overlap, "command line").await?;
                note(&catalog, workspace, "rotateKey", prefix).await?;
                print_secret(&secret, &key, keys.json)?;
                eprintln!(
                    "Keep it: it is shown this once. Its prefix is {}; {prefix} ends in {} s.",
                    key.prefix,
                    overlap.as_secs()
                );
            }
            KeyCommand::RotateAll { overlap, yes } => {
                let named = in_workspace.is_some().then_some(workspace);
                let overlap = Duration::from_secs(*overlap);
                rotate_all(&catalog, settings, named, overlap, *yes, keys.json).await?;
            }
            KeyCommand::Revoke { prefix } => {
                catalog.revoke_key(workspace, prefix).await.map_err(|e| match e {
                    CatalogError::NotFound => Failure::from(Error::not_found(format!(
                        "There is no key {prefix:?}; `sluice keys list` shows the prefixes."
                    ))),
                    other => Failure::from(Error::from(other)),
                })?;
                note(&catalog, workspace, "revokeKey", prefix).await?;
                eprintln!("{prefix} is revoked; servers refuse it within a second.");
            }
        }
        Ok(())
    })
}

/// Makes a key like each one that works, of one workspace or of all.
async fn rotate_all(
    catalog: &Arc<Catalog>,
    settings: &Settings,
    workspace: Option<WorkspaceId>,
    overlap: Duration,
    yes: bool,
    json: bool,
) -> Outcome {
    let mut found = Vec::new();
    for known in catalog.workspaces().await.map_err(Error::from)? {
        if workspace.is_some_and(|wanted| wanted != known.id) {
            continue;
        }
        let keys = catalog.keys(known.id).await.map_err(Error::from)?;
        found.extend(
            keys.into_iter().filter(|key| key.works_at(now_us())).map(|key| (known.clone(), key)),
        );
    }
    let n = found.len();
    if !yes {
        return Err(Failure::usage(format!(
            "this would end {n} keys and print a new one for each; say --yes if that is what you want"
        )));
    }
    let auth = Auth::open(Arc::clone(catalog), settings).await?;
    let mut out = std::io::stdout();
    for (known, key) in found {
        let (secret, new) = auth.rotate_key(known.id, &key.prefix, overlap, "command line").await?;
        note(catalog, known.id, "rotateKey", &key.prefix).await?;
        // Each at once: what was printed counts, whatever comes after it.
        if json {
            let told = json!({
                "key": secret, "prefix": new.prefix, "replaces": key.prefix,
                "workspace": known.name, "name": key.name,
            });
            writeln!(out, "{told}")?;
            continue;
        }
        writeln!(out, "{}  {secret}  {}  {}", key.prefix, known.name, key.name)?;
    }
    let seconds = overlap.as_secs();
    eprintln!("Keep them: they are shown this once. The {n} old keys end in {seconds} s.");
    Ok(())
}

/// The workspace of this name, or the one that exists from the first start on.
pub(super) async fn workspace_of(
    catalog: &Catalog,
    name: Option<&str>,
) -> Result<WorkspaceId, Failure> {
    let Some(name) = name else { return Ok(catalog.default_workspace()) };
    match catalog.workspace_named(name).await.map_err(Error::from)? {
        Some(workspace) => Ok(workspace.id),
        None => Err(Failure::from(Error::not_found(format!(
            "There is no workspace named {name:?}; `sluice workspaces list` shows them."
        )))),
    }
}

/// The claims of a new key, a JSON object.
fn read_claims(text: Option<&str>) -> Result<Map<String, Json>, Failure> {
    let Some(text) = text else { return Ok(Map::new()) };
    serde_json::from_str(text).map_err(|_| {
        Failure::from(Error::bad_input(
            "--claims must be a JSON object, such as {\"region\": \"EU\"}.",
        ))
    })
}

/// Writes down in the audit log what was done here.
pub(super) async fn note(
    catalog: &Catalog,
    workspace: WorkspaceId,
    action: &str,
    target: &str,
) -> Result<(), Failure> {
    let line = AuditEntry {
        id: 0,
        workspace,
        at_us: now_us(),
        actor: "command line".to_owned(),
        address: None,
        request_id: None,
        action: action.to_owned(),
        target: Some(target.to_owned()),
        outcome: "OK".to_owned(),
        details: "{}".to_owned(),
    };
    Ok(catalog.add_audit(&[line]).await.map_err(Error::from)?)
}

/// Prints a new key, which is shown this once.
pub(super) fn print_secret(secret: &str, key: &ApiKey, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout();
    match json {
        true => writeln!(out, "{}", json!({ "key": secret, "prefix": key.prefix })),
        false => writeln!(out, "{secret}"),
    }
}

fn as_json(key: &ApiKey) -> Json {
    json!({
        "prefix": key.prefix,
        "name": key.name,
        "scope": format!("{:?}", key.scope).to_lowercase(),
        "state": state(key),
        "role": key.role,
        "datasets": key.datasets,
        "savedQueries": key.saved_queries,
        "createdAt": time_text(key.created_at_us),
        "expiresAt": key.expires_at_us.map(time_text),
    })
}

fn print_keys(keys: &[ApiKey], out: &mut impl Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{:14}  {:7}  {:8}  {:20}  {:20}  NAME",
        "PREFIX", "SCOPE", "STATE", "CREATED", "EXPIRES"
    )?;
    for key in keys {
        let scope = format!("{:?}", key.scope).to_lowercase();
        let created = time_text(key.created_at_us);
        let expires = key.expires_at_us.map_or_else(|| "never".to_owned(), time_text);
        let prefix = &key.prefix;
        writeln!(
            out,
            "{prefix:14}  {scope:7}  {:8}  {created:20}  {expires:20}  {}",
            state(key),
            key.name
        )?;
    }
    Ok(())
}

fn state(key: &ApiKey) -> &'static str {
    match key.revoked_at_us {
        Some(_) => "revoked",
        None if key.works_at(now_us()) => "active",
        None => "expired",
    }
}

/// A time for people and machines, RFC 3339.
pub(super) fn time_text(time_us: i64) -> String {
    jiff::Timestamp::from_microsecond(time_us)
        .map_or_else(|_| String::new(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
