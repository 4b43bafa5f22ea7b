//! The commands of those who ask, script and automate.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Mode, OnDrift, OnError, ServerFlags};
use crate::export::Format;

#[derive(Debug, Args)]
pub(in crate::cli) struct Query {
    /// The GraphQL document; @FILE reads it from a file, - from standard input
    #[arg(value_name = "DOCUMENT")]
    pub(in crate::cli) document: String,
    /// A variable, as JSON or as a text (repeat for more)
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(in crate::cli) variables: Vec<String>,
    /// How the answer is printed; table and csv show its first list
    #[arg(long, value_enum, default_value_t = AnswerFormat::Json)]
    pub(in crate::cli) format: AnswerFormat,
    #[command(flatten)]
    pub(in crate::cli) server: ServerFlags,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AnswerFormat {
    /// As it is
    Json,
    /// Columns for people
    Table,
    /// Comma-separated
    Csv,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Export {
    /// The dataset
    #[arg(value_name = "DATASET")]
    pub(in crate::cli) dataset: String,
    /// The file to write; standard output if left out
    #[arg(long, short, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
    /// What is written [default: as the file is called, or csv]
    #[arg(long, value_name = "FORMAT", value_parser = Format::ALL.map(Format::extension))]
    pub(in crate::cli) format: Option<String>,
    /// Only rows for which this holds: a filter as JSON, as `where` of GraphQL takes it
    #[arg(long, value_name = "JSON")]
    pub(in crate::cli) filter: Option<String>,
    /// The order, like -total,name
    #[arg(long, value_name = "COLUMNS", allow_hyphen_values = true)]
    pub(in crate::cli) sort: Option<String>,
    /// The only columns, separated by commas
    #[arg(long, value_name = "COLUMNS")]
    pub(in crate::cli) fields: Option<String>,
    /// Only rows that have all these words
    #[arg(long, value_name = "WORDS")]
    pub(in crate::cli) search: Option<String>,
    /// An option of the export route, like --option delimiter=';' (repeat for more)
    #[arg(long = "option", value_name = "NAME=VALUE")]
    pub(in crate::cli) options: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Watch {
    /// The folder; each of its files is a dataset of its name
    #[arg(value_name = "DIR")]
    pub(in crate::cli) folder: PathBuf,
    /// Time between two looks
    #[arg(long, value_name = "TIME", default_value = "2s")]
    pub(in crate::cli) every: String,
    /// Ends when everything that is there was sent
    #[arg(long)]
    pub(in crate::cli) once: bool,
    /// Leaves what is there now, and sends what changes
    #[arg(long)]
    pub(in crate::cli) changes_only: bool,
    /// Prints JSON: what became of each file, a line each
    #[arg(long)]
    pub(in crate::cli) json: bool,
    /// What to do when the name is taken
    #[arg(long, value_enum, default_value_t = Mode::Replace)]
    pub(in crate::cli) mode: Mode,
    /// What to do when columns differ from the dataset's
    #[arg(long, value_enum)]
    pub(in crate::cli) on_drift: Option<OnDrift>,
    /// What to do with rows that do not fit
    #[arg(long, value_enum)]
    pub(in crate::cli) on_error: Option<OnError>,
    #[command(flatten)]
    pub(in crate::cli) server: ServerFlags,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(in crate::cli) shell: clap_complete::Shell,
}
