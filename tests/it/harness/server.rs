//! The real program, on a free port.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::postgres::Database;
use super::{Client, Folder, eventually};

/// An admin key that every test server knows.
pub(crate) const ADMIN_KEY: &str = "test-admin-key-0123456789-0123456789";

const START_LIMIT: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Sqlite,
    Postgres,
}

/// How a server is started.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) database_url: Option<String>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) files: Vec<PathBuf>,
    /// A program (and its arguments) that runs the server, like `unshare -m`.
    pub(crate) wrapper: Vec<String>,
    pub(crate) without_admin_key: bool,
    /// Where it listens; any free port if not given.
    pub(crate) listen: Option<String>,
    /// A socket that the wrapper passes; its standard input.
    pub(crate) socket: Option<std::net::TcpListener>,
}

impl Options {
    pub(crate) fn of(kind: StoreKind) -> (Options, Option<Database>) {
        let database = (kind == StoreKind::Postgres).then(Database::new);
        let database_url = database.as_ref().map(Database::url);
        (Options { database_url, ..Options::default() }, database)
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Options {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }
}

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// What it said on standard output until it was ready.
    pub(crate) greeting: Vec<String>,
    folder: Folder,
    data_dir: PathBuf,
    // Dropped after the server has been killed.
    _database: Option<Database>,
    _lines: Receiver<String>,
}

impl Server {
    /// A server on an empty store of its own.
    pub(crate) fn start(kind: StoreKind) -> Server {
        let (options, database) = Options::of(kind);
        Server::start_with(options, database)
    }

    /// The same with a setting.
    pub(crate) fn start_set(kind: StoreKind, name: &str, value: &str) -> Server {
        let (options, database) = Options::of(kind);
        Server::start_with(options.variable(name, value), database)
    }

    pub(crate) fn start_with(options: Options, database: Option<Database>) -> Server {
        match Server::try_start(options, database) {
            Ok(server) => server,
            Err(text) => panic!("the server did not start: {text}"),
        }
    }

    /// What it said on standard error when it did not start.
    pub(crate) fn try_start(
        mut options: Options,
        database: Option<Database>,
    ) -> Result<Server, String> {
        let socket = options.socket.take();
        let folder = Folder::new();
        let data_dir = options.data_dir.clone().unwrap_or_else(|| folder.path().join("data"));
        let log_path = folder.path().join("log");
        let log = std::fs::File::create(&log_path).expect("a log file");
        let program = env!("CARGO_BIN_EXE_sluice").to_owned();
        let mut words = options.wrapper.clone();
        words.push(program);
        let mut command = Command::new(&words[0]);
        clean(&mut command)
            .args(&words[1..])
            .args(["serve", "--listen", options.listen.as_deref().unwrap_or("127.0.0.1:0")])
            .arg("--data-dir")
            .arg(&data_dir)
            .args(&options.files)
            .current_dir(folder.path())
            // Stories ask faster than people; those about limits switch them on.
            .env("SLUICE_RATE_LIMIT", "off")
            .envs(options.variables.iter().map(|(n, v)| (n.as_str(), v.as_str())))
            .stdin(socket.map_or(Stdio::null(), |socket| std::os::fd::OwnedFd::from(socket).into()))
            .stdout(Stdio::piped())
            .stderr(log);
        if !options.without_admin_key {
            command.env("SLUICE_ADMIN_KEY", ADMIN_KEY);
        }
        if let Some(url) = &options.database_url {
            command.env("DATABASE_URL", url);
        }
        let mut child = command.spawn().expect("the program sluice");
        let out = child.stdout.take().expect("its standard output");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut server = Server {
            child,
            address: String::new(),
            greeting: Vec::new(),
            folder,
            data_dir,
            _database: database,
            _lines: lines,
        };
        match server.wait_until_ready() {
            true => Ok(server),
            false => Err(server.log()),
        }
    }

    fn wait_until_ready(&mut self) -> bool {
        let started = Instant::now();
        let mut is_ready = false;
        loop {
            // After "ready" the rest of the greeting is already on its way: an empty line ends it.
            match self._lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    if let Some(address) = line.strip_prefix("listening on ") {
                        self.address = address.to_owned();
                    }
                    is_ready |= line == "Sluice is ready.";
                    let is_end = is_ready && line.starts_with("  Upload");
                    self.greeting.push(line);
                    if is_end {
                        return true;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.child.wait();
                    return false;
                }
                Err(RecvTimeoutError::Timeout) => {
                    assert!(started.elapsed() < START_LIMIT, "not ready: {}", self.log());
                }
            }
        }
    }

    /// Speaks with the admin key.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address, Some(ADMIN_KEY))
    }

    /// Speaks without a key.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.address, None)
    }

    /// Speaks with a new key of this scope.
    pub(crate) fn client_of(&self, scope: &str) -> Client {
        self.client_of_with(scope, &[])
    }

    /// The same for a server that was started with variables that keys depend on.
    pub(crate) fn client_of_with(&self, scope: &str, more: &[(&str, &str)]) -> Client {
        let data_dir = self.data_dir().display().to_string();
        let arguments =
            ["keys", "--data-dir", &data_dir, "create", "--name", scope, "--scope", scope];
        let url = self.database_url();
        let url = url.iter().map(|url| ("DATABASE_URL", url.as_str()));
        let variables: Vec<(&str, &str)> = url.chain(more.iter().copied()).collect();
        let output = run_sluice(&Folder::new(), &arguments, &variables);
        let key = String::from_utf8(output.stdout).expect("a key");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Client::new(&self.address, Some(key.trim()))
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The address of its PostgreSQL, if it has one.
    pub(crate) fn database_url(&self) -> Option<String> {
        self._database.as_ref().map(Database::url)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("its end");
    }

    /// Asks it to stop, as a supervisor does.
    pub(crate) fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("a signal");
    }

    /// Waits for its end; its exit code.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<i32> {
        let child = &mut self.child;
        let status = eventually("the server's end", limit, || child.try_wait().expect("its state"));
        status.code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the server's log\n{}\n---", self.log());
        }
    }
}

/// Runs a command of the program to its end, in a folder without settings.
pub(crate) fn run_sluice(
    folder: &Folder,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    clean(&mut command)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the program sluice")
}

/// Nothing of the developer's own environment changes a test.
fn clean(command: &mut Command) -> &mut Command {
    let kept = ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"];
    command.env_clear().envs(std::env::vars().filter(|(name, _)| kept.contains(&name.as_str())))
}
