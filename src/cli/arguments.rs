//! The command line as it is typed, with its help.
//!
//! Flags that are settings carry no default here: the settings have them, and say where each value
//! came from.

mod operations;
mod tools;

use std::path::PathBuf;

pub(super) use self::operations::{
    Audit, Backup, Check, Drill, Migrate, MigrateCommand, Restore, Secrets, SecretsCommand, Stats,
    Verify,
};
pub(super) use self::tools::{AnswerFormat, Completions, Export, Query, Watch};
use clap::{Args, Parser, Subcommand, ValueEnum};

const AFTER_HELP: &str = "\
Examples:
  sluice serve examples/orders.csv      load a file, serve its API and a playground
  sluice upload orders.csv --key KEY    replace the dataset `orders` of the server on this machine
  sluice inspect book.xlsx              see columns and types before loading anything
  sluice keys create --scope upload     make a key for a script
  sluice schema > schema.graphql        feed a code generator
  sluice backup --to /srv/backups       copy everything while the server runs
  sluice check --deploy                 see what speaks against serving strangers

Exit codes:
  0  done
  1  something else went wrong
  2  the command line or a setting is wrong
  3  the file cannot be loaded as it is
  4  the server or the database does not answer
  5  the server refuses: no key, not allowed, a taken name
  6  --wait is over and the load still runs";

/// Drop a spreadsheet, get a GraphQL API.
///
/// `sluice serve orders.csv` loads the file, says where its API is, and opens it to a browser, to
/// scripts and to generated clients.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(super) struct Arguments {
    /// Reads settings from this file instead of ./sluice.toml
    #[arg(long, global = true, value_name = "FILE", env = "SLUICE_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// Sets any setting, like --set max_limit=500 (`sluice config` lists them)
    #[arg(long, global = true, value_name = "NAME=VALUE")]
    pub(super) set: Vec<String>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Starts the server, with these files loaded
    Serve(Serve),
    /// Uploads files to a running server
    Upload(Upload),
    /// Tells what a file would become: sheets, columns, types; stores nothing
    Inspect(Inspect),
    /// Uploads the files of a folder whenever they change
    Watch(Watch),
    /// Asks a running server a GraphQL question
    Query(Query),
    /// Writes rows of a running server into a file
    Export(Export),
    /// Prints the GraphQL schema (SDL), or compares it with an older one
    Schema(Schema),
    /// Makes, lists and revokes API keys
    Keys(Keys),
    /// Makes and lists workspaces; GraphQL renames and deletes them
    Workspaces(Workspaces),
    /// Prints every setting, its value, and where it came from
    Config {
        /// Prints JSON
        #[arg(long)]
        json: bool,
    },
    /// Looks at the configuration and the machine as an auditor would
    Check(Check),
    /// Tells and changes what the catalog has seen
    Migrate(Migrate),
    /// Makes an archive of all data, also beside a running server
    Backup(Backup),
    /// Makes a store of an archive
    Restore(Restore),
    /// Checks an archive from its start to its end
    Verify(Verify),
    /// Restores an archive into a temporary place, compares, and removes it
    Drill(Drill),
    /// Makes new secrets where Sluice keeps its own
    Secrets(Secrets),
    /// Prints who did what
    Audit(Audit),
    /// Prints what is stored, how it grows, and what nobody uses
    Stats(Stats),
    /// Prints a script that completes commands in a shell
    Completions(Completions),
    /// Prints the manual page, for `man -l -`
    Man,
}

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// CSV files to load before saying "ready"; each takes the place of the dataset of its name
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreFlags,
    /// Where to serve HTTP; port 0 takes any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Serves strangers: refuses to start with anything unsafe, tells less in errors
    #[arg(long)]
    production: bool,
}

/// Which data; flags of every command that opens the store itself.
#[derive(Debug, Args)]
pub(super) struct StoreFlags {
    /// The folder of the embedded store [default: sluice-data]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Keeps everything in PostgreSQL: postgres://user:password@host/database
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Upload {
    /// Files: delimited text, JSON, workbooks, zip archives of these
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) server: ServerFlags,
    /// The dataset's name; from the file's name if left out (one file only)
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// What to do when the name is taken
    #[arg(long, value_enum, default_value_t = Mode::Replace)]
    pub(super) mode: Mode,
    #[command(flatten)]
    pub(super) reading: Reading,
    /// What to do when columns differ from the dataset's
    #[arg(long, value_enum)]
    pub(super) on_drift: Option<OnDrift>,
    /// What to do with rows that do not fit
    #[arg(long, value_enum)]
    pub(super) on_error: Option<OnError>,
    /// Seconds to wait for the load, at most 600; 0 ends as soon as the file is received
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub(super) wait: u64,
    /// Prints the server's answers, as JSON, one line a file
    #[arg(long)]
    pub(super) json: bool,
}

/// Which server.
#[derive(Clone, Debug, Args)]
pub(super) struct ServerFlags {
    /// The server's address
    #[arg(
        long = "to",
        value_name = "URL",
        env = "SLUICE_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub(super) url: String,
    /// An API key that may do this
    #[arg(long, value_name = "KEY", env = "SLUICE_KEY", hide_env_values = true)]
    pub(super) key: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Refuses a name that is taken
    Create,
    /// Takes the place of the dataset in one instant
    Replace,
    /// Adds the rows below those that are there
    Append,
    /// Changes the rows whose key is there, adds the others
    Upsert,
}

impl Mode {
    /// The word of the upload route.
    pub(super) fn word(self) -> &'static str {
        match self {
            Mode::Create => "create",
            Mode::Replace => "replace",
            Mode::Append => "append",
            Mode::Upsert => "upsert",
        }
    }
}

/// What happens when columns differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnDrift {
    /// Loads nothing if clients would feel it
    Fail,
    /// Keeps columns and makes them as wide as both need
    Widen,
    /// Takes the file's columns
    Replace,
}

/// What happens to rows that do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum OnError {
    /// Loads nothing
    Abort,
    /// Keeps such rows aside
    Reject,
}

/// How a file is read.
#[derive(Debug, Default, Args)]
pub(super) struct Reading {
    /// A reading option, like --option delimiter=';' (repeat for more; as in the upload route)
    #[arg(long = "option", value_name = "NAME=VALUE")]
    pub(super) options: Vec<String>,
    /// A sheet to read (repeat for more); all that are not hidden if left out
    #[arg(long = "sheet", value_name = "NAME")]
    pub(super) sheets: Vec<String>,
    /// The column that is the key, by its header or field name
    #[arg(long, value_name = "COLUMN")]
    pub(super) key_column: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Inspect {
    /// The file
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    #[command(flatten)]
    pub(super) reading: Reading,
    /// How many of the first rows to show
    #[arg(long, value_name = "ROWS", default_value_t = 5)]
    pub(super) rows: usize,
    /// Prints JSON, as the API answers it
    #[arg(long)]
    pub(super) json: bool,
    /// Asks this running server, which compares the file with its dataset; offline if left out
    #[arg(long = "to", value_name = "URL")]
    pub(super) url: Option<String>,
    /// An API key of that server
    #[arg(long, value_name = "KEY", env = "SLUICE_KEY", hide_env_values = true)]
    pub(super) key: Option<String>,
    /// The dataset's name; from the file's name if left out
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// How the file would meet the dataset of that name
    #[arg(long, value_enum, default_value_t = Mode::Replace)]
    pub(super) mode: Mode,
}

#[derive(Debug, Args)]
pub(super) struct Schema {
    #[command(flatten)]
    store: StoreFlags,
    /// Compares with this older document: prints SAFE or BREAKING and each difference, and ends with
    /// code 3 if clients would break
    #[arg(long, value_name = "FILE")]
    pub(super) check: Option<PathBuf>,
    /// Prints the comparison as JSON
    #[arg(long, requires = "check")]
    pub(super) json: bool,
    /// Asks this running server instead of reading the data folder
    #[arg(long = "to", value_name = "URL")]
    pub(super) url: Option<String>,
    /// An API key of that server
    #[arg(long, value_name = "KEY", env = "SLUICE_KEY", hide_env_values = true)]
    pub(super) key: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    pub(super) command: KeyCommand,
    /// The workspace that the keys belong to [default: the server's first]
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) workspace: Option<String>,
    /// Prints JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Debug, Args)]
pub(super) struct Workspaces {
    #[command(subcommand)]
    pub(super) command: WorkspaceCommand,
    /// Prints JSON
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Debug, Subcommand)]
pub(super) enum WorkspaceCommand {
    /// Makes a workspace and prints an admin key for it, once
    Create {
        /// Lower-case letters, digits and '-'
        name: String,
    },
    /// Lists the workspaces
    List,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Makes a key and prints it, once
    Create {
        /// What the key is for
        #[arg(long, default_value = "command line")]
        name: String,
        /// What it may do; each scope includes the ones before it
        #[arg(long, value_enum, default_value_t = KeyScope::Read)]
        scope: KeyScope,
        /// The same as --scope admin: the way back in when every admin key is lost
        #[arg(long, conflicts_with = "scope")]
        admin: bool,
        /// How many days it works; for ever if left out
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        /// The role whose policies hold for it: it sees only datasets with a policy for that role
        #[arg(long)]
        role: Option<String>,
        /// A dataset that it is for; may be given several times. It is for all if left out
        #[arg(long = "dataset", value_name = "NAME")]
        datasets: Vec<String>,
        /// Values that policies speak of, as a JSON object: '{"region": "EU"}'
        #[arg(long, value_name = "JSON")]
        claims: Option<String>,
        /// A saved query that a key of the scope query is for; may be given several times. It is
        /// for all if left out
        #[arg(long = "saved-query", value_name = "NAME")]
        saved_queries: Vec<String>,
    },
    /// Makes a key like another one, which ends after a while
    Rotate {
        /// The first part of the old key, as `sluice keys list` shows it
        prefix: String,
        /// How many seconds the old key goes on beside the new one
        #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
        overlap: u64,
    },
    /// Makes a key like each one that works, of all workspaces or of --workspace; the old ones end
    RotateAll {
        /// How many seconds the old keys go on beside the new ones
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        overlap: u64,
        /// Does it: without, it tells how many keys it would be
        #[arg(long)]
        yes: bool,
    },
    /// Lists the keys; the secrets are not kept
    List,
    /// Ends a key, named by its prefix
    Revoke {
        /// The first part of the key, as `sluice keys list` shows it
        prefix: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum KeyScope {
    /// Saved queries
    Query,
    /// Queries
    Read,
    /// Changes of rows
    Write,
    /// New datasets and versions
    Upload,
    /// Keys, settings, deletion
    Admin,
}

impl StoreFlags {
    fn setting_flags(&self) -> Vec<(String, String, String)> {
        let flags = [
            ("--data-dir", "data_dir", &self.data_dir),
            ("--database-url", "database_url", &self.database_url),
        ];
        given(&flags)
    }
}

impl Command {
    /// Flags that are settings: as written, the setting's name, the value.
    pub(super) fn setting_flags(&self) -> Vec<(String, String, String)> {
        match self {
            Command::Serve(serve) => {
                let mut flags = serve.store.setting_flags();
                let environment = serve.production.then(|| "production".to_owned());
                flags.extend(given(&[
                    ("--listen", "listen", &serve.listen),
                    ("--production", "env", &environment),
                ]));
                flags
            }
            Command::Schema(schema) => schema.store.setting_flags(),
            Command::Keys(keys) => keys.store.setting_flags(),
            Command::Workspaces(workspaces) => workspaces.store.setting_flags(),
            Command::Check(check) => check.store.setting_flags(),
            Command::Migrate(migrate) => migrate.store.setting_flags(),
            Command::Backup(backup) => backup.store.setting_flags(),
            Command::Restore(restore) => restore.store.setting_flags(),
            Command::Drill(drill) => drill.store.setting_flags(),
            Command::Secrets(secrets) => secrets.store.setting_flags(),
            Command::Audit(audit) => audit.store.setting_flags(),
            Command::Stats(stats) => stats.store.setting_flags(),
            Command::Upload(_)
            | Command::Inspect(_)
            | Command::Watch(_)
            | Command::Query(_)
            | Command::Export(_)
            | Command::Completions(_)
            | Command::Man
            | Command::Config { .. }
            | Command::Verify(_) => Vec::new(),
        }
    }
}

fn given(flags: &[(&str, &str, &Option<String>)]) -> Vec<(String, String, String)> {
    let mut present = Vec::new();
    for (flag, name, value) in flags {
        if let Some(value) = value {
            present.push(((*flag).to_owned(), (*name).to_owned(), value.clone()));
        }
    }
    present
}
