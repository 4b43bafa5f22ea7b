//! Turns the catalog into a GraphQL schema, and requests into answers.
//!
//! [`types`] makes the types of datasets, [`catalog_types`] those of the catalog, [`schema`] puts
//! them together, [`Engine`] runs requests: documents over datasets by plans of [`crate::query`],
//! everything else by async-graphql. Nothing here writes SQL.

mod access_fields;
pub mod answer;
pub mod catalog_filter;
pub mod catalog_json;
pub mod catalog_types;
pub mod compare;
mod connection_types;
mod corrections;
mod definitions;
mod documents;
mod engine;
mod explain;
mod export;
mod export_job;
mod group_types;
mod history;
mod indexes;
mod ledger;
pub mod manifest;
mod me;
pub mod mutations;
mod persisted;
mod prepare;
mod relation_types;
mod relations;
mod root_field;
mod saved_judge;
mod saved_queries;
mod saved_run;
pub mod schema;
mod schemas;
mod server;
mod slow;
pub mod subscriptions;
mod tag;
mod together;
mod told;
mod trusted;
pub mod types;
mod upload_types;
mod uploads;
mod webhooks;
mod workspaces;
mod write_types;
mod writes;

pub use documents::Variable;
pub use engine::{Answer, Engine, Keeping, Request, Upload};
pub use export::{ExportPlan, ExportQuestion};
pub use export_job::ExportRunner;
pub use persisted::DocumentName;
pub use saved_run::{Saved, SavedQuestion};
pub use subscriptions::{Event, Events, Operation};
pub use tag::{Sha, Tag};
pub use uploads::inspection_json;
