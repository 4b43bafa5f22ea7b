//! A bounded run of what the fuzzer in `fuzz/` does: tables made of random bytes from a fixed seed,
//! and files that are none.
#![allow(missing_docs, reason = "tests need none")]

use std::time::{Duration, Instant};

use sluice_columnar::probe;

/// Time for each kind of input.
const PERIOD: Duration = Duration::from_secs(2);

/// Inputs of each kind under an interpreter, where time does not pass as elsewhere.
const N_INTERPRETED: usize = 8;

fn run(probe: impl Fn(&[u8])) {
    let started = Instant::now();
    let mut state = 0x5107_CE5E_ED01_u64;
    let mut roll = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut n_runs = 0;
    while if cfg!(miri) { n_runs < N_INTERPRETED } else { started.elapsed() < PERIOD } {
        let [low, high, ..] = roll();
        let n_bytes = usize::from(u16::from_le_bytes([low, high % 8]));
        let bytes: Vec<u8> = std::iter::repeat_with(&mut roll).flatten().take(n_bytes).collect();
        probe(&bytes);
        n_runs += 1;
    }
}

#[test]
fn tables_come_back() {
    run(probe::table);
}

#[test]
fn files_that_are_none_are_refused() {
    run(probe::file);
    run(|bytes| probe::file(&[b"SLUICOL\n", bytes].concat()));
}

#[test]
fn forgeries_are_read_or_refused() {
    run(probe::forgery);
}
