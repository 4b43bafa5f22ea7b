//! Any texts whose dialect is sniffed.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sluice_schema::probe::sniff(input));
