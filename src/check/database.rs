//! What the database says, and what the catalog knows of keys and backups.

use std::time::Duration;

use super::Findings;
use crate::backup::{LAST_BACKUP, LAST_FAILURE, LastBackup, LastFailure, dump_program};
use crate::catalog::model::Scope;
use crate::catalog::probe::{PostgresProbe, Probe, probe};
use crate::catalog::{Catalog, CatalogError, migrations, now_us};
use crate::config::Settings;
use crate::error::chain;

const DAY_US: i64 = 86_400_000_000;
/// A night is missed, and some hours.
const BACKUP_AGE_US: i64 = 26 * 3_600_000_000;
/// How long the database may take for everything.
const PATIENCE: Duration = Duration::from_secs(30);
const MIN_PASSWORD_CHARS: usize = 16;
const CLOCKS_APART_US: i64 = 5_000_000;

pub(super) async fn check(settings: &Settings, findings: &mut Findings) {
    if let Some(url) = &settings.database_url {
        address(url, findings);
    }
    let look = async {
        match probe(settings).await? {
            Probe::Absent => return Ok(()),
            Probe::Sqlite { is_wal, damage } => sqlite(is_wal, damage, findings),
            Probe::Postgres(found) => postgres(settings, &found, findings),
        }
        if !seen_migrations(settings, findings).await? {
            return Ok(());
        }
        let catalog = Catalog::open_shared(settings).await?;
        keys(&catalog, findings).await?;
        backups(settings, &catalog, findings).await
    };
    let looked = tokio::time::timeout(PATIENCE, look).await;
    if let Err(error) = looked.unwrap_or(Err(CatalogError::Silent)) {
        let remedy = if settings.database_url.is_some() {
            "see whether PostgreSQL runs, and whether DATABASE_URL names its host, port, user, password and database"
        } else {
            "see whether the data folder is readable; restore a backup if it is damaged"
        };
        findings.error(
            "database",
            format!("the catalog cannot be read: {}", chain(&error)),
            "nothing can be answered without it",
            remedy,
        );
    }
}

/// What the address alone tells.
fn address(url: &str, findings: &mut Findings) {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let password = authority.rsplit_once('@').and_then(|(user_info, _)| user_info.split_once(':'));
    let n_chars = password.map(|(_, password)| password.chars().count());
    match n_chars {
        Some(n) if n < MIN_PASSWORD_CHARS && findings.is_deploy => findings.warn(
            "DATABASE_URL",
            format!("the password has {n} characters"),
            "whoever reaches the port can try",
            "ALTER ROLE … PASSWORD, with the output of: openssl rand -hex 24",
        ),
        None if findings.is_deploy && !rest.contains("password=") => findings.note(
            "DATABASE_URL",
            "there is no password in it",
            "PGPASSWORD, a password file or the server's trust stands in for it; trust lets everybody of the machine in",
            "see pg_hba.conf: local roles by peer or scram-sha-256",
        ),
        _ => {}
    }
}

fn sqlite(is_wal: bool, damage: Option<String>, findings: &mut Findings) {
    if !is_wal {
        findings.warn(
            "database",
            "the catalog has no write-ahead log",
            "readers wait for writers",
            "start the server once; it turns it on",
        );
    }
    if let Some(damage) = damage {
        findings.error(
            "database",
            format!("the catalog is damaged: {damage}"),
            "what it says cannot be trusted",
            "stop the server, and restore the last backup: sluice restore",
        );
    }
}

fn postgres(settings: &Settings, found: &PostgresProbe, findings: &mut Findings) {
    let major = found.version / 10_000;
    if major < 15 {
        findings.error(
            "database",
            format!("PostgreSQL is {major}"),
            "Sluice needs 15 or newer",
            "upgrade it",
        );
    }
    if found.encoding != "UTF8" {
        findings.error(
            "database",
            format!("the database is encoded as {}", found.encoding),
            "texts of files are Unicode",
            "make it anew: createdb --encoding UTF8 --template template0",
        );
    }
    if !found.is_local && !found.is_encrypted {
        findings.error(
            "DATABASE_URL",
            "the database is on another machine, and the connection is not encrypted",
            "whoever is on the way reads all rows and the password",
            "add ?sslmode=verify-full to DATABASE_URL",
        );
    }
    if found.is_superuser {
        findings.warn(
            "database",
            "the role is a superuser",
            "a mistake of Sluice could touch every database of the server",
            "give it a role of its own: CREATE ROLE sluice LOGIN; ALTER DATABASE … OWNER TO sluice",
        );
    }
    // Data, its service connections, the catalog, changes of rows, loads.
    let needed = settings.pool_size + 16 + u32::try_from(settings.load_concurrency).unwrap_or(0);
    if u32::try_from(found.max_connections).is_ok_and(|most| most < needed) {
        findings.warn(
            "pool_size",
            format!(
                "PostgreSQL takes {} connections, one node may need {needed}",
                found.max_connections
            ),
            "requests fail when there are none left",
            "raise max_connections, or lower SLUICE_POOL_SIZE",
        );
    }
    let apart_us = (found.now_us - now_us()).abs();
    if apart_us > CLOCKS_APART_US {
        findings.warn(
            "clock",
            format!("the clock of PostgreSQL is {} s away from this one", apart_us / 1_000_000),
            "ends of keys and the life signs of nodes hang on both",
            "let a time server set both: timedatectl set-ntp true",
        );
    }
    if let Err(error) = dump_program(u32::try_from(major).unwrap_or(0)) {
        findings.warn(
            "backup",
            error.to_string(),
            "`sluice backup` needs it on PostgreSQL",
            "apt install postgresql-client, of the server's version",
        );
    }
}

/// Whether the catalog is of this release, so that more can be asked.
async fn seen_migrations(
    settings: &Settings,
    findings: &mut Findings,
) -> Result<bool, CatalogError> {
    let status = migrations::status(settings).await?;
    if let Some(unknown) = status.unknown.first() {
        findings.error(
            "migrations",
            format!("a newer release has used these data ({unknown})"),
            "this one does not start with them",
            "start the newer release, or go back with it: sluice migrate down",
        );
        return Ok(false);
    }
    if status.applied.is_empty() {
        return Ok(false);
    }
    if !status.pending.is_empty() {
        findings.warn(
            "migrations",
            format!("{} are pending", status.pending.len()),
            "the next start carries them out, and the release of before cannot read the catalog then",
            "make a backup first: sluice backup",
        );
        return Ok(false);
    }
    Ok(true)
}

async fn keys(catalog: &Catalog, findings: &mut Findings) -> Result<(), CatalogError> {
    let now_us = now_us();
    let (mut n_admins, mut n_endless, mut n_idle) = (0, 0, 0);
    for workspace in catalog.workspaces().await? {
        for key in catalog.keys(workspace.id).await? {
            if !key.works_at(now_us) {
                continue;
            }
            n_admins += usize::from(key.scope == Scope::Admin);
            n_endless += usize::from(key.expires_at_us.is_none());
            let last_us = key.last_used_at_us.unwrap_or(key.created_at_us);
            n_idle += usize::from(now_us - last_us > 90 * DAY_US);
        }
    }
    if n_admins == 0 {
        findings.warn(
            "keys",
            "no admin key works",
            "nobody can make keys, roles or policies",
            "sluice keys create --admin",
        );
    }
    if n_idle > 0 {
        findings.note(
            "keys",
            format!("{n_idle} keys were not used for 90 days"),
            "a key that nobody misses is a door that nobody watches",
            "sluice stats lists them; sluice keys revoke PREFIX",
        );
    }
    if n_endless > 0 && findings.is_deploy {
        findings.note(
            "keys",
            format!("{n_endless} keys never end"),
            "one that is lost works for ever",
            "sluice keys create --days 365; sluice keys rotate PREFIX",
        );
    }
    Ok(())
}

async fn backups(
    settings: &Settings,
    catalog: &Catalog,
    findings: &mut Findings,
) -> Result<(), CatalogError> {
    let last = catalog.find_fact(LAST_BACKUP).await?;
    let last: Option<LastBackup> = last.and_then(|text| serde_json::from_str(&text).ok());
    let failure = catalog.find_fact(LAST_FAILURE).await?;
    let failure: Option<LastFailure> = failure.and_then(|text| serde_json::from_str(&text).ok());
    let last_us = last.as_ref().map_or(0, |last| last.at_us);
    if let Some(failure) = failure.filter(|failure| failure.at_us > last_us) {
        findings.error(
            "backup",
            format!("the last backup failed: {}", failure.message),
            "what is lost today is lost",
            "mend what it says, and run: sluice backup",
        );
    }
    let expected = settings.backup.to.is_some() || findings.is_deploy;
    match last {
        None if expected => findings.warn(
            "backup",
            "there was never a backup",
            "what is lost is lost",
            "sluice backup --to DIR, and a timer or SLUICE_BACKUP_SCHEDULE for the nights",
        ),
        Some(last) if expected && now_us() - last.at_us > BACKUP_AGE_US => findings.warn(
            "backup",
            format!("the last backup is {} hours old", (now_us() - last.at_us) / 3_600_000_000),
            "what was changed since is lost with the disk",
            "look why the timer or the schedule did not run: journalctl -u sluice-backup",
        ),
        _ => {}
    }
    Ok(())
}
