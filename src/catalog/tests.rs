//! Tests of the catalog on both databases.
