//! What the settings say.

use std::path::Path;
use std::time::Duration;

use super::Findings;
use crate::config::{Introspection, Loaded, Settings, dangers};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn check(loaded: &Loaded, findings: &mut Findings) {
    let settings = &loaded.settings;
    for warning in &loaded.warnings {
        findings.warn(
            "settings",
            warning.clone(),
            "what was meant by it is not in force",
            "mend its name; `sluice config` lists all settings",
        );
    }
    if findings.is_deploy {
        strangers(loaded, findings);
    }
    limits(settings, findings);
    backups(settings, findings);
}

/// What must be so where strangers come.
fn strangers(loaded: &Loaded, findings: &mut Findings) {
    let settings = &loaded.settings;
    for danger in dangers(loaded, Path::new(".env")) {
        let about = danger.split(' ').next().unwrap_or("settings").to_owned();
        let (found, remedy) = danger.split_once("; ").unwrap_or((&danger, "see the README"));
        findings.error(&about, found, "production does not start like this", remedy);
    }
    if !settings.is_production() {
        findings.error(
            "env",
            "the server is in development mode",
            "it starts with anything unsafe, and errors tell more than strangers need",
            "set SLUICE_ENV=production",
        );
    }
    if settings.trusted_proxies.iter().any(|network| network.is_everybody()) {
        findings.error(
            "trusted_proxies",
            "every address counts as a proxy",
            "a client that sends X-Forwarded-For gets around rate limits and sign-in locks",
            "name the addresses of your proxies only",
        );
    }
    let is_local = settings.listen.ip().is_loopback();
    if settings.trusted_proxies.is_empty() && is_local {
        findings.warn(
            "trusted_proxies",
            "no proxy is believed, and only this machine can connect",
            "behind a proxy all clients have its address: one with wrong keys closes the door to all, and logs tell nothing",
            "set SLUICE_TRUSTED_PROXIES=127.0.0.1,::1 if a proxy of this machine is in front",
        );
    }
    if !is_local && settings.tls.certificate.is_none() && settings.trusted_proxies.is_empty() {
        findings.warn(
            "listen",
            format!("{} can be reached from elsewhere, without encryption", settings.listen),
            "keys and rows can be read on the way",
            "set SLUICE_TLS_CERTIFICATE and SLUICE_TLS_KEY, or a proxy before it and SLUICE_TRUSTED_PROXIES",
        );
    }
    for origin in settings.allowed_origins.iter().filter(|origin| origin.starts_with("http://")) {
        findings.warn(
            "allowed_origins",
            format!("pages of {origin} may call the API"),
            "whoever is on the way can change such a page",
            "serve the page by https, or take the origin out",
        );
    }
    if !settings.rates.is_on {
        findings.warn(
            "rate_limit",
            "nobody is ever asked to wait",
            "one client can keep the server from all others",
            "set SLUICE_RATE_LIMIT=on",
        );
    }
    if settings.webhooks.allow_private {
        findings.warn(
            "webhook.allow_private",
            "webhooks may call this machine and private networks",
            "who may make webhooks reaches what only the server should",
            "set SLUICE_WEBHOOK_ALLOW_PRIVATE=off",
        );
    }
    if settings.introspection == Introspection::On {
        findings.note(
            "introspection",
            "the schema is told to everybody with a key",
            "tools need it, and so does who looks for a weak place",
            "set SLUICE_INTROSPECTION=admins if your clients do without",
        );
    }
    if settings.playground {
        findings.note(
            "playground",
            "the browser app is served",
            "it shows no more than the key of whoever signs in",
            "set SLUICE_PLAYGROUND=off if nobody uses it",
        );
    }
    let jwt = &settings.jwt;
    if (jwt.secret.is_some() || jwt.jwks.is_some())
        && (jwt.issuer.is_none() || jwt.audience.is_none())
    {
        findings.warn(
            "jwt",
            "tokens are taken whatever their issuer or audience",
            "a token that was made for another service opens this one",
            "set SLUICE_JWT_ISSUER and SLUICE_JWT_AUDIENCE",
        );
    }
    if settings.audit.retention < DAY * 30 {
        findings.note(
            "audit.retention",
            "the audit log is kept for less than 30 days",
            "a breach is often found later than that",
            "set SLUICE_AUDIT_RETENTION=90d",
        );
    }
}

/// Limits that are set so that they protect nobody.
fn limits(settings: &Settings, findings: &mut Findings) {
    if settings.statement_timeout > MINUTE {
        findings.warn(
            "statement_timeout",
            "one statement may take longer than a minute",
            "a few clients that ask for too much keep the readers busy",
            "set SLUICE_STATEMENT_TIMEOUT=10s",
        );
    }
    if settings.max_limit > 10_000 {
        findings.note(
            "max_limit",
            format!("a list may have {} rows", settings.max_limit),
            "each is held in memory while it is written",
            "cursor pages carry large results better",
        );
    }
    if settings.shutdown_grace > MINUTE {
        findings.note(
            "shutdown_grace",
            "a stop may take longer than a minute",
            "a service manager that waits for less cuts requests off",
            "let TimeoutStopSec of the unit be longer",
        );
    }
}

fn backups(settings: &Settings, findings: &mut Findings) {
    let backup = &settings.backup;
    let Some(to) = &backup.to else {
        if findings.is_deploy {
            findings.warn(
                "backup.to",
                "no place for backups is set",
                "what is lost is lost",
                "set SLUICE_BACKUP_TO and SLUICE_BACKUP_SCHEDULE, or run `sluice backup --to` by a timer",
            );
        }
        return;
    };
    if backup.keep.is_none() {
        findings.note(
            "backup.keep",
            "backups are kept for ever",
            "their place runs full one day",
            "set SLUICE_BACKUP_KEEP=30d",
        );
    }
    let is_beside = |folder: &Path| {
        let device = |path: &Path| {
            use std::os::unix::fs::MetadataExt;
            std::fs::metadata(path).map(|metadata| metadata.dev()).ok()
        };
        device(folder).is_some_and(|found| Some(found) == device(&settings.data_dir))
    };
    if !to.contains("://") && is_beside(Path::new(to)) {
        findings.warn(
            "backup.to",
            format!("backups go to {to}, on the disk that holds the data"),
            "one broken disk takes both",
            "keep them on another machine, or in a bucket: s3://bucket/prefix",
        );
    }
}
