//! Running state: health, logs.
