//! Turns the TypeScript app into files for `src/lib.rs` to embed, when the feature `app` is on.
//!
//! Node.js is needed then, the npm registry only when the locked packages are not installed yet.
//! Without the feature this does nothing.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What the app is built from; a change anywhere else rebuilds nothing.
const SOURCES: [&str; 8] = [
    "app",
    "scripts",
    "schema.graphql",
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "tsconfig.json",
    "build.rs",
];

const OLDEST_NODE: u32 = 20;

fn main() -> ExitCode {
    tell_cargo(&SOURCES.map(|source| format!("rerun-if-changed={source}")));
    if env::var_os("CARGO_FEATURE_APP").is_none() {
        return ExitCode::SUCCESS;
    }
    match build_app() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tell_cargo(&[format!("error={reason}")]);
            ExitCode::FAILURE
        }
    }
}

fn tell_cargo(lines: &[String]) {
    for line in lines {
        println!("cargo::{line}");
    }
}

fn build_app() -> Result<(), String> {
    let crate_dir =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no CARGO_MANIFEST_DIR")?);
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    let node_version = supported_node_version(&crate_dir)?;

    // Two builds of one checkout (another profile, an editor's) share node_modules: one at a time.
    let lock = File::open(crate_dir.join("build.rs")).map_err(|error| error.to_string())?;
    lock.lock().map_err(|error| format!("cannot lock build.rs: {error}"))?;

    install_packages(&crate_dir, &node_version)?;
    let app_dir = out_dir.join("app");
    let (app_dir, table) = (app_dir.as_os_str(), out_dir.join("files.rs"));
    let build = ["run", "--silent", "build", "--", "--logLevel=warn", "--outDir"].map(OsStr::new);
    run(&crate_dir, npm(), &[&build[..], &[app_dir]].concat())?;
    run(&crate_dir, "node", &[OsStr::new("scripts/embed.mjs"), app_dir, table.as_os_str()])
}

/// Installs exactly what the lock file says, unless that is what is installed already.
fn install_packages(crate_dir: &Path, node_version: &str) -> Result<(), String> {
    let stamp_path = crate_dir.join("node_modules/.sluice-stamp");
    let lock_file = fs::read_to_string(crate_dir.join("package-lock.json"))
        .map_err(|error| format!("cannot read playground/package-lock.json: {error}"))?;
    let stamp = format!("{node_version}\n{lock_file}");
    if fs::read_to_string(&stamp_path).is_ok_and(|found| found == stamp) {
        return Ok(());
    }
    let install = ["ci", "--no-audit", "--no-fund", "--prefer-offline"].map(OsStr::new);
    run(crate_dir, npm(), &install)?;
    fs::write(&stamp_path, stamp)
        .map_err(|error| format!("cannot write {}: {error}", stamp_path.display()))
}

fn supported_node_version(crate_dir: &Path) -> Result<String, String> {
    let needed = format!(
        "install Node.js {OLDEST_NODE} or newer with npm to build the playground, or build without \
         it: `--no-default-features`"
    );
    let output = Command::new("node")
        .arg("--version")
        .current_dir(crate_dir)
        .output()
        .map_err(|error| format!("`node` cannot be run ({error}); {needed}"))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major =
        version.trim_start_matches('v').split('.').next().and_then(|n| n.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        return Err(format!("`node --version` says {version:?}; {needed}"));
    }
    Ok(version)
}

fn run(dir: &Path, program: &str, args: &[&OsStr]) -> Result<(), String> {
    let output = Command::new(program).args(args).current_dir(dir).output().map_err(|error| {
        format!("`{program}` cannot be run: {error}; is Node.js complete, with npm?")
    })?;
    if output.status.success() {
        return Ok(());
    }
    let command = args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>().join(" ");
    // Each line on its own: cargo takes one line as one message.
    let said = [output.stdout, output.stderr].concat();
    let lines: Vec<String> =
        String::from_utf8_lossy(&said).lines().map(|line| format!("warning={line}")).collect();
    tell_cargo(&lines);
    Err(format!(
        "`{program} {command}` failed in playground/ ({}); what it said is above",
        output.status
    ))
}

fn npm() -> &'static str {
    if cfg!(windows) { "npm.cmd" } else { "npm" }
}
