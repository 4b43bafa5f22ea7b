//! Sluice from the outside: the real program on a free port, spoken to by HTTP, on both stores.
//!
//! One module per story. `scripts/test` starts what the stories need.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on shall fail where it stands"
)]

mod access;
mod again;
mod aggregates;
mod audit;
mod backups;
mod bad_input;
mod browser;
mod caching;
mod cancel;
mod clients;
mod columnar;
mod columns;
mod config;
mod corrections;
mod crash;
mod database_away;
mod definitions;
mod disk_full;
mod documents;
mod evaluator;
mod export;
mod export_jobs;
mod file_limits;
mod group_evaluator;
mod groups;
mod guards;
mod harness;
mod history;
mod hosts;
mod http;
mod indexes;
mod injection;
mod inspect;
mod jobs;
mod keys;
mod limits;
mod listening;
mod logs;
mod matrix;
mod methods;
mod metrics;
mod node;
mod openapi;
mod operations;
mod operators;
mod options;
mod pages;
mod policies;
mod production;
mod read;
mod readme;
mod rejects;
mod relations;
mod reload;
mod rest;
mod roots;
mod rotation;
mod round_trip;
mod samples;
mod saved;
mod schema;
mod search;
mod server_status;
mod slow;
mod snippets;
mod subscriptions;
mod telemetry;
mod tenants;
mod tidy;
mod tls;
mod tokens;
mod tools;
mod upload;
mod views;
mod walk;
mod webhooks;
mod write_crash;
mod write_policies;
mod writes;
