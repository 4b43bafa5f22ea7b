//! A bounded run of what the fuzzers in `fuzz/` do: random inputs from a fixed seed, made of what readers care about.
//! It exists so that every run of the tests tries some, without a nightly compiler.
//! It never takes longer than a few seconds.
#![allow(missing_docs, reason = "tests need none")]

use std::time::{Duration, Instant};

use sluice_schema::probe;

/// Time for each kind of input.
const PERIOD: Duration = Duration::from_secs(2);

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % sides
    }

    fn text(&mut self, words: &[&str], most: usize) -> String {
        let n_words = 1 + self.roll(most);
        (0..n_words).filter_map(|_| words.get(self.roll(words.len()))).copied().collect()
    }
}

fn run(words: &[&str], most: usize, probe: impl Fn(&str)) {
    let started = Instant::now();
    let mut dice = Dice(0x5107_CE5E_ED01);
    while started.elapsed() < PERIOD {
        probe(&dice.text(words, most));
    }
}

#[test]
fn numbers() {
    let words = [
        "0",
        "1",
        "9",
        "12",
        "999",
        "000",
        "-",
        "+",
        ".",
        ",",
        " ",
        "'",
        "e",
        "E",
        "%",
        "$",
        "€",
        "(",
        ")",
        "\u{a0}",
        "\u{2212}",
        "EUR",
        "9223372036854775808",
        "é",
    ];
    run(&words, 8, probe::number);
}

#[test]
fn dates() {
    let words = [
        "0", "1", "2", "12", "13", "31", "30", "29", "02", "1900", "2024", "0001", "9999", "-",
        "/", ".", ":", " ", "T", "Z", "+", "PM", "am", "Jan", "february", "05", "59", "60", ",",
        "é",
    ];
    run(&words, 12, probe::date);
}

const CELLS: &[&str] = &[
    ",",
    ";",
    "\t",
    "|",
    "\"",
    "\"\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "a",
    "1",
    "1.5",
    "2024-01-01",
    "é",
    "#",
    " ",
    "NULL",
    "a,b\n1,2\n",
    "{",
    "[",
    "}",
    "]",
    ":",
    "\u{0}",
    "\u{feff}",
    "total",
];

#[test]
fn dialects() {
    run(CELLS, 60, |text| probe::sniff(text.as_bytes()));
}

#[test]
fn files() {
    run(CELLS, 80, |text| probe::file(text.as_bytes()));
    let started = Instant::now();
    let mut dice = Dice(0x000B_17E5);
    while started.elapsed() < PERIOD {
        let heads: [&[u8]; 7] = [
            b"",
            b"PK\x03\x04",
            b"PAR1",
            b"\x1F\x8B\x08",
            b"\xFF\xFE",
            b"\x28\xB5\x2F\xFD",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        ];
        let mut bytes = heads.get(dice.roll(heads.len())).copied().unwrap_or_default().to_vec();
        let n_bytes = dice.roll(2_000);
        bytes.extend((0..n_bytes).filter_map(|_| u8::try_from(dice.roll(256)).ok()));
        probe::file(&bytes);
    }
}
