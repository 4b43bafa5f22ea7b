//! The real binary, started on a free port and ended with the value.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const KEY: &str = "bench-key-bench-key-bench-key-bench-key";

pub struct Server {
    child: Child,
    pub address: String,
    /// From the start of the process to its first sign of life.
    pub started_in: Duration,
    agent: ureq::Agent,
}

impl Server {
    pub fn start(data_dir: &Path, database_url: Option<&str>) -> Server {
        Server::start_with(data_dir, database_url, &[])
    }

    /// The same with settings in the environment.
    pub fn start_with(
        data_dir: &Path,
        database_url: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(data_dir)
            .env("SLUICE_ADMIN_KEY", KEY)
            .env("SLUICE_MAX_UPLOAD_SIZE", "4GiB")
            .env("SLUICE_LOG", "warn")
            .env("SLUICE_RATE_LIMIT", "off")
            .env_remove("DATABASE_URL")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(url) = database_url {
            command.args(["--database-url", url]);
        }
        let start = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("the server says where it listens").unwrap();
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.to_owned();
            }
        };
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(600)))
            .build()
            .new_agent();
        loop {
            let answer = agent.get(format!("http://{address}/readyz")).call();
            if answer.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let started_in = start.elapsed();
        // Keeps reading, so that the server never blocks on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Server { child, address, started_in, agent }
    }

    /// The `data` of an answer; ends the bench on errors.
    pub fn graphql(&self, query: &str, variables: &serde_json::Value) -> serde_json::Value {
        let body = serde_json::json!({ "query": query, "variables": variables });
        let answer = self
            .agent
            .post(format!("http://{}/graphql", self.address))
            .header("authorization", format!("Bearer {KEY}"))
            .send_json(body)
            .unwrap()
            .body_mut()
            .read_json::<serde_json::Value>()
            .unwrap();
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].clone()
    }

    /// The tag of a query's answer.
    pub fn etag(&self, body: &str) -> String {
        let answer = self
            .agent
            .post(format!("http://{}/graphql", self.address))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .send(body)
            .unwrap();
        answer.headers()["etag"].to_str().unwrap().to_owned()
    }

    pub fn upload(&self, name: &str, path: &Path) {
        let file = std::fs::File::open(path).unwrap();
        let status = self
            .agent
            .put(format!("http://{}/upload/{name}?wait=600", self.address))
            .header("authorization", format!("Bearer {KEY}"))
            .send(file)
            .unwrap()
            .status();
        assert_eq!(status, 200);
    }

    /// Bytes of an answer, which are thrown away.
    pub fn download(&self, path: &str) -> u64 {
        let mut answer = self
            .agent
            .get(format!("http://{}{path}", self.address))
            .header("x-api-key", KEY)
            .call()
            .unwrap();
        assert_eq!(answer.status(), 200);
        crate::export::drain(answer.body_mut().as_reader())
    }

    pub fn resident_mib(&self) -> u64 {
        self.status("VmRSS")
    }

    pub fn peak_mib(&self) -> u64 {
        self.status("VmHWM")
    }

    /// Makes the kernel forget the peak so far.
    pub fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    pub fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.child.id())
    }

    fn status(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and system time of a process so far.
pub fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: f64 =
        after_name.split_whitespace().skip(11).take(2).map(|f| f.parse::<f64>().unwrap()).sum();
    ticks / 100.0
}
