//! Any texts read as dates and times.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| sluice_schema::probe::date(input));
