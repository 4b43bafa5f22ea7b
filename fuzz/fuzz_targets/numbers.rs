//! Any texts read as numbers.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| sluice_schema::probe::number(input));
