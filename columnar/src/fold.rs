//! Folds case: turns texts that differ only in case into the same text, on both stores alike.
//!
//! Letter by letter, by Unicode's simple lower case and simple case folding: `Σ`, `σ` and `ς` are
//! one letter, so are `ſ` and `s`; `ß` stays what it is, and `İ` counts as `i`. The number of
//! letters never changes, so that patterns and positions keep their meaning.

use std::sync::LazyLock;

/// Letters whose lower case is not the letter that Unicode folds them to.
const ALIKE: [(char, char); 25] = [
    ('\u{b5}', '\u{3bc}'),
    ('\u{17f}', 's'),
    ('\u{345}', '\u{3b9}'),
    ('\u{3c2}', '\u{3c3}'),
    ('\u{3d0}', '\u{3b2}'),
    ('\u{3d1}', '\u{3b8}'),
    ('\u{3d5}', '\u{3c6}'),
    ('\u{3d6}', '\u{3c0}'),
    ('\u{3f0}', '\u{3ba}'),
    ('\u{3f1}', '\u{3c1}'),
    ('\u{3f5}', '\u{3b5}'),
    ('\u{1c80}', '\u{432}'),
    ('\u{1c81}', '\u{434}'),
    ('\u{1c82}', '\u{43e}'),
    ('\u{1c83}', '\u{441}'),
    ('\u{1c84}', '\u{442}'),
    ('\u{1c85}', '\u{442}'),
    ('\u{1c86}', '\u{44a}'),
    ('\u{1c87}', '\u{463}'),
    ('\u{1c88}', '\u{a64b}'),
    ('\u{1e9b}', '\u{1e61}'),
    ('\u{1fbe}', '\u{3b9}'),
    ('\u{1fd3}', '\u{390}'),
    ('\u{1fe3}', '\u{3b0}'),
    ('\u{fb06}', '\u{fb05}'),
];

/// Where the letters are whose case is younger than Unicode 10: an ICU may not know it.
const YOUNG: [(char, char); 10] = [
    ('\u{1c89}', '\u{1c89}'),
    ('\u{1c90}', '\u{1cba}'),
    ('\u{1cbd}', '\u{1cbf}'),
    ('\u{2c2f}', '\u{2c2f}'),
    ('\u{a7b8}', '\u{a7dc}'),
    ('\u{a7f5}', '\u{a7f5}'),
    ('\u{10570}', '\u{10595}'),
    ('\u{10d50}', '\u{10d65}'),
    ('\u{16e40}', '\u{16e5f}'),
    ('\u{16ea0}', '\u{16eb8}'),
];

/// What the letters of the first plane of Unicode are folded to: most of what is written.
static FIRST_PLANE: LazyLock<Box<[char]>> = LazyLock::new(|| {
    // What is no letter is never asked for.
    (0..=0xffff).map(|code| char::from_u32(code).map_or('\0', folded)).collect()
});

/// Folds one letter.
pub fn fold_char(letter: char) -> char {
    if letter.is_ascii() {
        return letter.to_ascii_lowercase();
    }
    let known = FIRST_PLANE.get(u32::from(letter) as usize);
    known.copied().unwrap_or_else(|| folded(letter))
}

fn folded(letter: char) -> char {
    if letter == 'İ' {
        return 'i';
    }
    if let Ok(place) = ALIKE.binary_search_by_key(&letter, |(from, _)| *from)
        && let Some((_, to)) = ALIKE.get(place)
    {
        return *to;
    }
    let mut lower = letter.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

/// Folds a text.
pub fn fold(text: &str) -> String {
    text.chars().map(fold_char).collect()
}

/// Letters, and what they are folded to: two texts of the same length each.
pub struct Corrections {
    /// Those that PostgreSQL's ICU folds otherwise.
    pub few: (String, String),
    /// Those that it may not know.
    pub young: (String, String),
}

/// What PostgreSQL must be told beside what its ICU does.
pub fn corrections() -> Corrections {
    let folded = |letters: &mut dyn Iterator<Item = char>| -> (String, String) {
        letters
            .filter(|letter| fold_char(*letter) != *letter)
            .map(|letter| (letter, fold_char(letter)))
            .unzip()
    };
    // A capital sigma at the end of a word has a lower case of its own in ICU.
    let few = ['İ', 'Σ'].into_iter().chain(ALIKE.iter().map(|(from, _)| *from));
    let young = YOUNG.iter().flat_map(|(first, last)| *first..=*last);
    Corrections { few: folded(&mut { few }), young: folded(&mut { young }) }
}

#[cfg(test)]
mod tests {
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

    use super::*;

    #[test]
    fn letters_are_alike_that_unicode_folds_to_one() {
        for letter in '\0'..=char::MAX {
            assert_eq!(fold_char(fold_char(letter)), fold_char(letter), "{letter:?} folds once");
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
            if class.try_case_fold_simple().is_err() || letter == 'İ' {
                continue;
            }
            for range in class.ranges() {
                for alike in range.start()..=range.end() {
                    assert_eq!(fold_char(alike), fold_char(letter), "{alike:?} and {letter:?}");
                }
            }
        }
    }

    #[test]
    fn words_fold() {
        assert_eq!(fold("ΟΔΟΣ, Straße, İstanbul, ÉTÉ, ǅ"), "οδοσ, straße, istanbul, été, ǆ");
    }
}
