//! Asks questions of a million rows in memory, on one thread, and prints how long each takes, and
//! a plain loop over the same columns beside it. An argument chooses those whose names hold it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::redundant_clone,
    clippy::print_stdout,
    reason = "a bench may stop, prints, and lists its questions alike"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use sluice_columnar::Failure;
use sluice_columnar::chunk::{
    Chunk, Column, Floats, MAX_ROWS, Offsets, Source, Texts, Values, Whole,
};
use sluice_columnar::question::{
    Comparison, Filter, GroupOrder, Groups, Key, KeyBy, Measure, Of, Question, Test,
};
use sluice_columnar::run::{Limits, groups};

const N_ROWS: usize = 1_000_000;
const N_COUNTRIES: u8 = 20;
const N_DAYS: u16 = 1_096;
const SYLLABLES: [&str; 64] = [
    "ber", "lin", "Ham", "burg", "Pa", "ris", "Lon", "don", "Ro", "ma", "Mad", "rid", "Os", "lo",
    "Wien", " & ", "Ams", "ter", "dam", "Brus", "sel", "Ko", "pen", "hag", "Stock", "holm", "Hel",
    "sin", "ki", "Tal", "linn", "Ri", "ga", "Vil", "nius", "War", "saw", "Prag", "Buda", "pest",
    "Bu", "ka", "rest", "So", "fia", "A", "then", "Bel", "grad", "Za", "greb", "Lju", "bl", "jana",
    "Lis", "bon", "Dub", "Edin", "Car", "diff", " ", ", ", " Ltd ", " AG ",
];

// The columns, by their places.
const DAY: usize = 0;
const COUNTRY: usize = 1;
const AMOUNT: usize = 2;
const NAME: usize = 3;
const ORDER: usize = 4;
const PRICE: usize = 5;
const CITY: usize = 6;
const RATE: usize = 7;

/// A million orders: day, country, amount in cents, name, number, price, name with umlauts, a rate of
/// many digits.
struct Orders {
    days: Vec<u16>,
    countries: Vec<u8>,
    amounts: Vec<u32>,
    numbers: Vec<u32>,
    prices: Vec<f64>,
    rates: Vec<f64>,
    names: Vec<Heap>,
    cities: Vec<Heap>,
    codes: Heap,
}

#[derive(Default)]
struct Heap {
    ends: Vec<u32>,
    bytes: Vec<u8>,
    has_umlauts: bool,
}

impl Heap {
    fn push(&mut self, text: &str) {
        self.has_umlauts |= !text.is_ascii();
        self.bytes.extend_from_slice(text.as_bytes());
        self.ends.push(u32::try_from(self.bytes.len()).unwrap());
    }

    fn texts(&self) -> Texts<'_> {
        Texts { ends: &self.ends, bytes: &self.bytes, is_ascii: !self.has_umlauts }
    }
}

/// Numbers that look like chance and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

impl Orders {
    fn new() -> Orders {
        let mut dice = Dice(88_172_645_463_325_252);
        let mut orders = Orders {
            days: Vec::new(),
            countries: Vec::new(),
            amounts: Vec::new(),
            numbers: (0..).take(N_ROWS).collect(),
            prices: Vec::new(),
            rates: Vec::new(),
            names: Vec::new(),
            cities: Vec::new(),
            codes: Heap::default(),
        };
        for country in 0..N_COUNTRIES {
            orders.codes.push(&format!("country {country}"));
        }
        for row in 0..N_ROWS {
            if row % MAX_ROWS == 0 {
                orders.names.push(Heap::default());
                orders.cities.push(Heap::default());
            }
            orders.days.push(u16::try_from(dice.below(u64::from(N_DAYS))).unwrap());
            orders.countries.push(u8::try_from(dice.below(u64::from(N_COUNTRIES))).unwrap());
            let cents = u32::try_from(dice.below(1_000_000)).unwrap();
            orders.amounts.push(cents);
            orders.prices.push(f64::from(cents) / 100.0);
            orders.rates.push(f64::from(cents) / 700.0);
            let other = usize::try_from(dice.below(row as u64 + 1)).unwrap();
            orders.numbers.swap(row, other);
            let mut name = String::new();
            while name.len() < 29 {
                name += SYLLABLES[usize::try_from(dice.below(64)).unwrap()];
            }
            orders.names.last_mut().unwrap().push(&name);
            if dice.below(20) == 0 {
                name += "ü";
            }
            orders.cities.last_mut().unwrap().push(&name);
        }
        orders
    }
}

fn part<T>(values: &[T], number: usize) -> &[T] {
    values.chunks(MAX_ROWS).nth(number).unwrap()
}

impl Source for Orders {
    fn n_chunks(&self) -> usize {
        N_ROWS.div_ceil(MAX_ROWS)
    }

    fn chunk(&self, number: usize, columns: &[usize]) -> Result<Chunk<'_>, Failure> {
        let whole = |offsets, max| Values::Whole(Whole { base: 0, offsets, min: 0, max });
        let column = |column: &usize| {
            let values = match *column {
                DAY => whole(Offsets::U16(part(&self.days, number)), i64::from(N_DAYS) - 1),
                COUNTRY => Values::Coded {
                    codes: Offsets::U8(part(&self.countries, number)),
                    dictionary: self.codes.texts(),
                },
                AMOUNT => whole(Offsets::U32(part(&self.amounts, number)), 999_999),
                NAME => Values::Text(self.names[number].texts()),
                ORDER => whole(Offsets::U32(part(&self.numbers, number)), 999_999),
                PRICE => Values::Float(Floats {
                    values: part(&self.prices, number),
                    min: 0.0,
                    max: 1e4,
                    has_negative_zero: false,
                }),
                RATE => Values::Float(Floats {
                    values: part(&self.rates, number),
                    min: 0.0,
                    max: 1e4,
                    has_negative_zero: false,
                }),
                CITY => Values::Text(self.cities[number].texts()),
                _ => return Err(Failure::Mistaken),
            };
            Ok(Column { nulls: None, n_nulls: 0, values })
        };
        let n_rows = part(&self.days, number).len();
        let (begin, n) = ((number * MAX_ROWS) as i64, n_rows as i64);
        let rows = Whole { base: begin, offsets: Offsets::Steps, min: begin, max: begin + n - 1 };
        let columns = columns.iter().map(column).collect::<Result<_, Failure>>()?;
        Ok(Chunk { n_rows, rows, columns })
    }

    fn gone(&self, _: usize) -> Option<&[u64]> {
        None
    }

    fn late(&self) -> usize {
        0
    }
}

fn is(column: usize, test: Test) -> Filter {
    Filter::Test { column, test }
}

fn asked(filter: Option<Filter>, keys: Vec<Key>, measures: Vec<Measure>) -> Groups {
    let question = Question { columns: (0..8).collect(), filter };
    let (having, order) = (None, Vec::new());
    Groups { question, keys, measures, having, order, limit: u64::MAX, offset: 0 }
}

fn by(column: usize) -> Key {
    Key { column, by: KeyBy::Value }
}

/// The best of some runs, in milliseconds.
fn time<T>(mut run: impl FnMut() -> T) -> f64 {
    let times = (0..9).map(|_| {
        let begin = Instant::now();
        black_box(run());
        begin.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::INFINITY, f64::min)
}

fn show(name: &str, orders: &Orders, groups_asked: &Groups, plain: Option<&dyn Fn() -> i64>) {
    if std::env::args().skip(1).any(|a| !a.starts_with("--") && !name.contains(&a)) {
        return;
    }
    let ask = |n_threads| {
        let limits = Limits { n_threads, max_bytes: 200 << 20, is_stopped: &|| false };
        groups(orders, groups_asked, &limits).unwrap()
    };
    let n_groups = ask(1).n_rows();
    let (one, two) = (time(|| ask(1)), time(|| ask(2)));
    let beside = plain.map(time).map_or(String::new(), |plain| {
        format!("; a plain loop {plain:.2} ms, {:.1} times as long", one / plain)
    });
    println!("{name:34} {one:8.2} ms, on two threads {two:8.2} ms, {n_groups} groups{beside}");
}

/// Rows whose texts hold one of two words, one after the other.
fn n_holding(heaps: &[Heap], words: [&str; 2]) -> i64 {
    let mut found = 0;
    for heap in heaps {
        let texts = heap.texts();
        for place in 0..texts.len() {
            let text = std::str::from_utf8(texts.get(place)).unwrap();
            found += i64::from(words.iter().any(|word| text.contains(word)));
        }
    }
    found
}

fn main() {
    let orders = Orders::new();
    let days = |from: i64, to: i64| {
        vec![
            is(DAY, Test::Whole(Comparison::GreaterOrEqual, from)),
            is(DAY, Test::Whole(Comparison::Less, to)),
        ]
    };
    let sums = vec![Measure::Rows, Measure::Sum(AMOUNT), Measure::Average(AMOUNT)];
    let plain_sums = |from: u16, to: u16| {
        let mut sums = [(0_i64, 0_i64); N_COUNTRIES as usize];
        let rows = orders.days.iter().zip(&orders.countries).zip(&orders.amounts);
        for ((day, country), amount) in rows {
            if (from..to).contains(day) {
                let (n, sum) = &mut sums[usize::from(*country)];
                (*n, *sum) = (*n + 1, *sum + i64::from(*amount));
            }
        }
        sums.iter().map(|(n, sum)| n + sum).sum()
    };
    let half = Some(Filter::And(days(300, 848)));
    show(
        "half, sums by country",
        &orders,
        &asked(half, vec![by(COUNTRY)], sums.clone()),
        Some(&|| plain_sums(300, 848)),
    );
    let year = Some(Filter::And(days(366, 731)));
    show(
        "a third, sums by country",
        &orders,
        &asked(year, vec![by(COUNTRY)], sums.clone()),
        Some(&|| plain_sums(366, 731)),
    );
    let tenth = Some(Filter::And(days(366, 476)));
    show(
        "a tenth, sums by country",
        &orders,
        &asked(tenth, vec![by(COUNTRY)], sums.clone()),
        Some(&|| plain_sums(366, 476)),
    );
    let mut two = days(0, 731);
    two.push(is(COUNTRY, Test::TextIn(vec![b"country 3".to_vec(), b"country 7".to_vec()])));
    show(
        "a fifteenth, sums by country",
        &orders,
        &asked(Some(Filter::And(two)), vec![by(COUNTRY)], sums.clone()),
        None,
    );
    show(
        "all, sums by country",
        &orders,
        &asked(None, vec![by(COUNTRY)], sums.clone()),
        Some(&|| plain_sums(0, N_DAYS)),
    );
    let month = Key { column: DAY, by: KeyBy::Steps { unit: 1, map: Arc::new(|day| day / 30) } };
    show(
        "month × country, rows",
        &orders,
        &asked(None, vec![month.clone(), by(COUNTRY)], vec![Measure::Rows]),
        None,
    );
    show(
        "month × country, sums",
        &orders,
        &asked(None, vec![month, by(COUNTRY)], sums.clone()),
        None,
    );
    let week = Key { column: DAY, by: KeyBy::Steps { unit: 7, map: Arc::new(|week| week) } };
    show("weeks, rows", &orders, &asked(None, vec![week], vec![Measure::Rows]), None);
    let doubles = vec![Measure::Sum(PRICE), Measure::Average(PRICE)];
    show("doubles by country", &orders, &asked(None, vec![by(COUNTRY)], doubles), None);
    let doubles = vec![Measure::Sum(RATE)];
    show(
        "doubles of many digits by country",
        &orders,
        &asked(None, vec![by(COUNTRY)], doubles),
        None,
    );
    let extremes = vec![Measure::Min(AMOUNT), Measure::Max(PRICE), Measure::Min(NAME)];
    show("extremes by country", &orders, &asked(None, vec![by(COUNTRY)], extremes), None);
    let count = |filter| asked(Some(filter), Vec::new(), vec![Measure::Rows]);
    let holds = |column, needle: &str, is_folded| {
        count(is(column, Test::Contains { needle: needle.into(), is_folded }))
    };
    show("count of a range", &orders, &count(Filter::And(days(366, 731))), None);
    show(
        "contains 'donRo'",
        &orders,
        &holds(NAME, "donRo", false),
        Some(&|| n_holding(&orders.names, ["donRo", "donRo"])),
    );
    show("contains 'lin'", &orders, &holds(NAME, "lin", false), None);
    show(
        "icontains 'donro'",
        &orders,
        &holds(NAME, "donro", true),
        Some(&|| n_holding(&orders.names, ["donRo", "DonRo"])),
    );
    show("icontains 'quick'", &orders, &holds(NAME, "quick", true), None);
    show("icontains 'lin'", &orders, &holds(NAME, "lin", true), None);
    show("icontains 'donro', some umlauts", &orders, &holds(CITY, "donro", true), None);
    let ends = Test::EndsWith { end: "wien".into(), is_folded: true };
    show("iends with 'wien'", &orders, &count(is(NAME, ends)), None);
    let regex = regex::Regex::new("(?s)^pa.*lin").unwrap();
    let matches = Test::Matches { regex, is_folded: true };
    show("ilike 'pa%lin%'", &orders, &count(is(NAME, matches)), None);
    let distinct = |column| asked(None, Vec::new(), vec![Measure::Distinct(vec![column])]);
    show("distinct numbers", &orders, &distinct(ORDER), None);
    show("distinct texts", &orders, &distinct(NAME), None);
    let by_country = asked(None, vec![by(COUNTRY)], vec![Measure::Distinct(vec![ORDER])]);
    show("distinct numbers by country", &orders, &by_country, None);
    let all = |column, of| {
        let order = vec![GroupOrder { of, is_descending: true, is_null_first: false }];
        let measures = vec![Measure::Rows, Measure::Sum(AMOUNT)];
        Groups { order, limit: 25, ..asked(None, vec![by(column)], measures) }
    };
    show("a million groups, by key", &orders, &all(ORDER, Of::Key(0)), None);
    show("a million groups, by sum", &orders, &all(ORDER, Of::Measure(1)), None);
    show("a million texts, by key", &orders, &all(NAME, Of::Key(0)), None);
    let pairs = asked(None, vec![by(DAY), by(AMOUNT)], vec![Measure::Rows]);
    show("a million pairs", &orders, &Groups { limit: 25, ..pairs }, None);
}
