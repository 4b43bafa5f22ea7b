//! Sluice from the outside: the real program on a free port, spoken to by HTTP, on both stores.
//!
//! One module per story. `scripts/test` starts what the stories need.

mod again;
mod bad_input;
mod browser;
mod config;
mod corrections;
mod crash;
mod database_away;
mod disk_full;
mod guards;
mod harness;
mod http;
mod inspect;
mod keys;
mod options;
mod read;
mod rejects;
mod schema;
mod tidy;
mod upload;
