//! Turns the catalog into a GraphQL schema, and requests into answers.
//!
//! [`types`] makes the types of datasets, [`catalog_types`] those of the catalog, [`schema`] puts
//! them together, [`Engine`] runs requests: documents over datasets by plans of [`crate::query`],
//! everything else by async-graphql. Nothing here writes SQL.

pub mod answer;
pub mod catalog_filter;
pub mod catalog_json;
pub mod catalog_types;
mod corrections;
mod documents;
mod engine;
mod explain;
mod indexes;
mod mutations;
mod relation_types;
mod relations;
pub mod schema;
pub mod types;
mod upload_types;
mod uploads;

pub use engine::{Answer, Engine, Request, Upload};
pub use uploads::inspection_json;
