//! Any bytes as a file of columns, and any tables written, damaged or forged, and read again.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    sluice_columnar::probe::file(input);
    sluice_columnar::probe::table(input);
    sluice_columnar::probe::forgery(input);
});
