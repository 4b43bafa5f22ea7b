//! Sluice: drop a spreadsheet, get a GraphQL API.
//!
//! The source reads in the direction data flows. A file enters through [`http`], is spooled and
//! turned into a job by [`ingest`], understood and typed by the pure `sluice-schema` crate, loaded
//! by [`store`] and published in the [`catalog`]. A query enters through [`http`], is checked by
//! [`auth`], validated against types made by [`graphql`], planned and run by [`query`] on the
//! [`store`], and leaves as bytes.
//!
//! | room | turns … into … |
//! |---|---|
//! | [`config`] | flags, environment, `sluice.toml` → settings |
//! | [`error`] | any failure → a code, a sentence, a status |
//! | [`store`] | plans and rows → SQLite files or PostgreSQL tables, and back |
//! | [`catalog`] | what exists (datasets, keys, jobs) → rows of the catalog, and snapshots in memory |
//! | [`auth`] | request headers → a principal |
//! | [`ingest`] | uploaded bytes → a published dataset version |
//! | [`indexes`] | what queries filter and sort by → indexes, in the background |
//! | [`backup`] | a store in use → an archive, and back |
//! | [`check`] | settings, machine, database → findings |
//! | [`webhooks`] | events that the catalog wrote down → signed requests to others |
//! | [`query`] | a GraphQL operation → one SQL statement per root field → JSON bytes |
//! | [`write`] | a mutation → changed rows, their log, a version |
//! | [`graphql`] | the catalog → GraphQL types; catalog fields, uploads |
//! | [`export`] | rows of a query → a file, while they are read |
//! | [`snippets`] | what can be asked for rows → code for people's tools |
//! | [`http`] | requests → answers |
//! | [`telemetry`] | requests and failures → spans and events for collectors |
//! | [`ops`] | running state → health, logs |
//! | [`cli`] | the command line → all of the above |

pub mod auth;
pub mod backup;
pub mod catalog;
pub mod check;
pub mod cli;
pub mod config;
pub mod error;
pub mod export;
pub mod graphql;
pub mod http;
pub mod indexes;
pub mod ingest;
pub mod ops;
pub mod query;
pub mod snippets;
pub mod store;
pub mod telemetry;
pub mod webhooks;
pub mod write;
