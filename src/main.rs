//! The program `sluice`: all of it is in the library's command line room.

use std::process::ExitCode;

/// The system's allocator keeps for good what a thread once took: hundreds of megabytes after a
/// large schema was told. This one gives it back within seconds, also while nothing happens.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    sluice::cli::run()
}
