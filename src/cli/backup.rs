//! `sluice backup`, `restore`, `verify` and `drill`: copies of everything, and what they are worth.

use std::io::Write;

use serde_json::{Value, json};

use super::arguments::{Backup, Drill, Restore, Verify};
use super::block_on;
use super::outcome::{Exit, Failure, Outcome};
use crate::backup::{self, BackupError, Contents, Opener, Options, Place, Sealer, Summary};
use crate::config::{Loaded, Settings, parse_time};
use crate::ops::descriptors;

/// Makes an archive.
pub(super) fn backup(loaded: &Loaded, arguments: &Backup) -> Outcome {
    let settings = &loaded.settings;
    let to = arguments.to.as_ref().or(settings.backup.to.as_ref());
    let to = to.ok_or_else(|| {
        Failure::usage("where to? Give --to DIR, or --to s3://bucket/prefix, or set backup.to")
    })?;
    let keep = match &arguments.keep {
        None => settings.backup.keep,
        Some(text) => Some(time_of("--keep", text)?),
    };
    let sealer = sealer_of(arguments)?;
    descriptors::raise();
    block_on(async {
        let place = Place::parse(to)?;
        let options = Options {
            settings: loaded.shown(),
            without_sources: arguments.no_sources,
            sealer,
            ..Options::default()
        };
        let made = backup::make(settings, &place, options).await?;
        let removed = match keep {
            Some(keep) => place.forget_older(keep).await?,
            None => Vec::new(),
        };
        let contents = &made.contents;
        if arguments.json {
            return print(&json!({
                "archive": made.archive,
                "sizeBytes": made.size_bytes,
                "datasets": contents.n_datasets(),
                "rows": contents.n_rows(),
                "removed": removed,
            }));
        }
        writeln!(std::io::stdout(), "{}", made.archive)?;
        eprintln!("{}, {} bytes.", holds(contents), made.size_bytes);
        for name in removed {
            eprintln!("removed: {name}");
        }
        Ok(())
    })
}

fn sealer_of(arguments: &Backup) -> Result<Option<Sealer>, Failure> {
    if !arguments.include_secrets {
        return Ok(None);
    }
    Ok(Some(match &arguments.passphrase_file {
        Some(file) => Sealer::with_passphrase(file)?,
        None if arguments.recipient.is_empty() => {
            return Err(Failure::usage(
                "whom are the secrets for? Give --recipient age1…, or --passphrase-file FILE",
            ));
        }
        None => Sealer::for_recipients(&arguments.recipient)?,
    }))
}

/// Makes a store of an archive.
pub(super) fn restore(settings: &Settings, arguments: &Restore) -> Outcome {
    let opener = match (&arguments.identity, &arguments.passphrase_file) {
        (Some(file), _) => Some(Opener::with_identities(file)?),
        (None, Some(file)) => Some(Opener::with_passphrase(file)?),
        (None, None) => None,
    };
    block_on(async {
        let (place, name) = Place::of_archive(&arguments.archive).await?;
        let done = backup::restore(settings, &place, &name, opener, arguments.dry_run).await?;
        if arguments.json {
            let more = json!({
                "dryRun": arguments.dry_run,
                "notes": done.notes,
            });
            let told = described(&place.address_of(&name), &done.summary, &done.contents, more);
            return print(&told);
        }
        let into = if settings.database_url.is_some() {
            "the database".to_owned()
        } else {
            settings.data_dir.display().to_string()
        };
        let verb = if arguments.dry_run { "would be restored" } else { "is restored" };
        writeln!(
            std::io::stdout(),
            "{name} of {}: {} {verb} into {into}",
            done.summary.created_at,
            holds(&done.contents)
        )?;
        for note in &done.notes {
            eprintln!("note: {note}");
        }
        Ok(())
    })
}

/// Checks an archive.
pub(super) fn verify(arguments: &Verify) -> Outcome {
    block_on(async {
        let (place, name) = Place::of_archive(&arguments.archive).await?;
        let (summary, contents) = backup::verify(&place, &name).await?;
        if arguments.json {
            let more = json!({
                "files": contents.files,
                "tables": contents.tables,
            });
            let told = described(&place.address_of(&name), &summary, &contents, more);
            return print(&told);
        }
        writeln!(
            std::io::stdout(),
            "{name} is whole: {}, of {}, by Sluice {}, from {}; {} files, {} bytes unpacked",
            holds(&contents),
            summary.created_at,
            summary.sluice,
            summary.store.shown(),
            contents.files.len(),
            contents.size_bytes()
        )?;
        Ok(())
    })
}

/// Restores an archive for a moment.
pub(super) fn drill(settings: &Settings, arguments: &Drill) -> Outcome {
    let archive = arguments.archive.as_ref().or(settings.backup.to.as_ref());
    let archive =
        archive.ok_or_else(|| Failure::usage("of which archive? Give one, or set backup.to"))?;
    block_on(async {
        let (place, name) = match &arguments.archive {
            Some(archive) => Place::of_archive(archive).await?,
            None => Place::newest(archive).await?,
        };
        let drill = backup::drill(settings, &place, &name).await?;
        if arguments.json {
            let more = json!({
                "wrong": drill.wrong,
                "seconds": drill.took.as_secs_f64(),
            });
            let told = described(&place.address_of(&name), &drill.summary, &drill.contents, more);
            print(&told)?;
        } else if drill.wrong.is_empty() {
            writeln!(
                std::io::stdout(),
                "{name} of {} can be restored: {}, {} tables compared, in {:.1} s",
                drill.summary.created_at,
                holds(&drill.contents),
                drill.contents.tables.len(),
                drill.took.as_secs_f64()
            )?;
        }
        if drill.wrong.is_empty() {
            return Ok(());
        }
        let list: String = drill.wrong.iter().map(|it| format!("\n  - {it}")).collect();
        Err(Failure::new(Exit::Data, format!("{name} is not what was copied:{list}")))
    })
}

/// What is known of an archive, and more.
fn described(archive: &str, summary: &Summary, contents: &Contents, more: Value) -> Value {
    let mut told = json!({
        "archive": archive,
        "createdAt": summary.created_at,
        "sluice": summary.sluice,
        "store": summary.store,
        "datasets": contents.n_datasets(),
        "rows": contents.n_rows(),
        "unpackedBytes": contents.size_bytes(),
    });
    if let (Value::Object(told), Value::Object(more)) = (&mut told, more) {
        told.extend(more);
    }
    told
}

fn holds(contents: &Contents) -> String {
    let noun = |n: usize, one: &str| if n == 1 { one.to_owned() } else { format!("{one}s") };
    let n_datasets = contents.n_datasets();
    let n_rows = usize::try_from(contents.n_rows()).unwrap_or(usize::MAX);
    format!("{n_datasets} {}, {n_rows} {}", noun(n_datasets, "dataset"), noun(n_rows, "row"))
}

/// The time of a flag.
pub(super) fn time_of(flag: &str, text: &str) -> Result<std::time::Duration, Failure> {
    parse_time(text)
        .ok_or_else(|| Failure::usage(format!("{flag} {text}: expected a time, like 12h or 30d")))
}

/// Writes one JSON document.
pub(super) fn print(told: &Value) -> Outcome {
    writeln!(std::io::stdout(), "{told:#}")?;
    Ok(())
}

impl From<BackupError> for Failure {
    /// On the machine itself the cause may be shown: it is the operator who reads it.
    fn from(error: BackupError) -> Failure {
        let exit = match &error {
            BackupError::BadPlace(_) => Exit::Usage,
            BackupError::Damaged(_) | BackupError::TooNew(_) | BackupError::OtherStore { .. } => {
                Exit::Data
            }
            BackupError::Away { .. } | BackupError::Postgres(_) => Exit::Connection,
            BackupError::NotEmpty(_)
            | BackupError::NoArchive(_)
            | BackupError::NoStore(_)
            | BackupError::Secrets(_) => Exit::Refused,
            _ => Exit::Other,
        };
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            message = format!("{message}\n  because: {inner}");
            cause = inner.source();
        }
        Failure::new(exit, message)
    }
}
