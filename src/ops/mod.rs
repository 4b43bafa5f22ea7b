//! Running state: what is logged and counted, what the process opens, and when to stop.
//!
//! It exists so that a server can be operated: one line per event, and an orderly end on a signal.
//! Nothing here knows requests or data.

pub mod descriptors;
pub mod listening;
pub mod log_file;
pub mod logs;
pub mod metrics;
pub mod signals;
pub mod supervisor;
