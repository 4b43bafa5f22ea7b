//! Turns the command line into one of the commands, and its outcome into an exit code.
//!
//! This room opens the others in order and talks to people; it decides nothing about data. What a
//! command answers goes to standard output, everything else to standard error.

mod arguments;
mod audit;
mod backup;
mod check;
mod config;
mod inspect;
mod keys;
mod migrate;
mod outcome;
mod query;
mod reload;
mod remote;
mod schema;
mod secrets;
mod serve;
mod stats;
mod upload;
mod watch;
mod workspaces;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use self::arguments::{Arguments, Command};
use self::outcome::{Exit, Failure, Outcome};
use crate::config::{Settings, Sources};

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    // Whoever speaks TLS, as a server or a client, takes this; it fails only where one is set.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(e) => {
            // Help and version are no errors for clap's exit code either.
            let _ = e.print();
            return if e.use_stderr() { Exit::Usage.code() } else { ExitCode::SUCCESS };
        }
    };
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(arguments: Arguments) -> Outcome {
    let sources = sources(&arguments)?;
    let loaded = crate::config::load(&sources).map_err(|e| Failure::usage(e.to_string()))?;
    match arguments.command {
        Command::Serve(serve) => serve::run(sources, loaded, &serve),
        Command::Upload(upload) => upload::run(&upload),
        Command::Inspect(inspect) => inspect::run(&loaded.settings, &inspect),
        Command::Schema(schema) => schema::run(&loaded.settings, &schema),
        Command::Keys(keys) => keys::run(&loaded.settings, &keys),
        Command::Workspaces(workspaces) => workspaces::run(&loaded.settings, &workspaces),
        Command::Config { json } => config::run(&loaded, json),
        Command::Check(check) => check::run(&loaded, &check),
        Command::Migrate(migrate) => migrate::run(&loaded.settings, &migrate),
        Command::Backup(backup) => backup::backup(&loaded, &backup),
        Command::Restore(restore) => backup::restore(&loaded.settings, &restore),
        Command::Verify(verify) => backup::verify(&verify),
        Command::Drill(drill) => backup::drill(&loaded.settings, &drill),
        Command::Secrets(secrets) => secrets::run(&loaded.settings, &secrets),
        Command::Audit(audit) => audit::run(&loaded.settings, &audit),
        Command::Watch(watch) => watch::run(&watch),
        Command::Query(query) => query::query(&query),
        Command::Export(export) => query::export(&export),
        Command::Completions(completions) => {
            let (mut command, name) = (Arguments::command(), "sluice");
            clap_complete::generate(completions.shell, &mut command, name, &mut std::io::stdout());
            Ok(())
        }
        Command::Man => {
            clap_mangen::Man::new(Arguments::command()).render(&mut std::io::stdout())?;
            Ok(())
        }
        Command::Stats(stats) => stats::run(&loaded.settings, &stats),
    }
}

/// Where the settings of this command line come from.
fn sources(arguments: &Arguments) -> Result<Sources, Failure> {
    let mut flags = Vec::new();
    for pair in &arguments.set {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--set {pair}: expected NAME=VALUE, like max_limit=500"))
        })?;
        flags.push(("--set".to_owned(), name.trim().to_owned(), value.to_owned()));
    }
    flags.extend(arguments.command.setting_flags());
    Ok(Sources::of_process(arguments.config.clone(), flags))
}

/// Refuses to make a new store where a command expects one that is there.
fn expect_store(settings: &Settings) -> Outcome {
    let folder = &settings.data_dir;
    if settings.database_url.is_some() || folder.is_dir() {
        return Ok(());
    }
    let folder = folder.display();
    Err(Failure::usage(format!(
        "there is no data folder {folder}; give the server's by --data-dir, or start `sluice serve` first"
    )))
}

/// Ends when the future does, on a runtime of its own.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("sluice")
        .build()
        .map_err(|e| Failure::other(format!("the process cannot start its threads: {e}")))?;
    let outcome = runtime.block_on(future);
    // Blocking work that outlives the grace must not keep the process alive.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    outcome
}
