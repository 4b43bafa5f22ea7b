//! A store that outlives its servers, and commands of the program for it.

use std::path::PathBuf;
use std::process::Output;

use super::postgres::Database;
use super::server::Options;
use super::{Folder, Server, StoreKind, run_sluice};

pub(crate) struct Place {
    pub(crate) folder: Folder,
    pub(crate) database: Option<Database>,
}

impl Place {
    pub(crate) fn new(kind: StoreKind) -> Place {
        let database = (kind == StoreKind::Postgres).then(Database::new);
        Place { folder: Folder::new(), database }
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            database_url: self.database.as_ref().map(Database::url),
            data_dir: Some(self.data_dir()),
            ..Options::default()
        }
    }

    pub(crate) fn start(&self) -> Server {
        self.start_with(&[])
    }

    pub(crate) fn start_with(&self, variables: &[(&str, &str)]) -> Server {
        let options = variables.iter().fold(self.options(), |o, (n, v)| o.variable(n, v));
        Server::start_with(options, None)
    }

    /// A command of the program for this store.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let data_dir = self.data_dir().display().to_string();
        let url = self.database.as_ref().map(Database::url);
        let mut all = vec![("SLUICE_DATA_DIR", data_dir.as_str())];
        all.extend(url.iter().map(|url| ("DATABASE_URL", url.as_str())));
        all.extend(variables);
        run_sluice(&self.folder, arguments, &all)
    }
}

/// What a command that did it said.
pub(crate) fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Exit code and complaint of a command that did not.
pub(crate) fn refused(output: &Output) -> (i32, String) {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}
