//! Tests of keys on an embedded catalog.
