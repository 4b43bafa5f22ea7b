//! The program `sluice`: all of it is in the library's command line room.

use std::process::ExitCode;

fn main() -> ExitCode {
    sluice::cli::run()
}
