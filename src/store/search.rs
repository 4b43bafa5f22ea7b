//! Says what a word is, so that both stores find the same rows by words.
//!
//! A word is a longest run of letters and decimal digits (Unicode L and Nd), without case and
//! without accents (U+0300 to U+036F, after canonical decomposition). The embedded store cuts texts
//! by the functions here; PostgreSQL does the same by the expression that [`vector_sql`] writes.
//! Asking never passes a text on as query syntax: what is bound is made of words alone.

use std::collections::HashSet;
use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

/// The name of a search index in the store.
pub const SEARCH_INDEX: &str = "search";

/// Characters of a row's texts that are searched; what stands behind them is not found.
const MAX_TEXT_CHARS: usize = 50_000;
/// Characters of a word that count: longer words are cut.
const MAX_WORD_CHARS: usize = 100;
/// A word that no text has: a noncharacter is no letter.
const NO_WORD: &str = "\u{10FFFF}";

static WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{L}\p{Nd}]+").ok());

/// The words of a text in their order.
pub fn words(text: &str) -> Vec<String> {
    let end = text.char_indices().nth(MAX_TEXT_CHARS).map_or(text.len(), |(end, _)| end);
    let text = text.get(..end).unwrap_or(text);
    if text.is_ascii() {
        let is_other = |c: char| !c.is_ascii_alphanumeric();
        let found = text.split(is_other).filter(|word| !word.is_empty());
        return found.map(|word| cut(word).to_ascii_lowercase()).collect();
    }
    let is_mark = |c: &char| ('\u{300}'..='\u{36F}').contains(c);
    // One small sigma: the final one is not known for final before the word ends.
    let plain = text.to_lowercase().replace('ς', "σ");
    let plain: String = plain.nfd().filter(|c| !is_mark(c)).collect();
    let Some(word) = WORD.as_ref() else { return Vec::new() };
    word.find_iter(&plain).map(|found| cut(found.as_str()).to_owned()).collect()
}

fn cut(word: &str) -> &str {
    let end = word.char_indices().nth(MAX_WORD_CHARS).map_or(word.len(), |(end, _)| end);
    word.get(..end).unwrap_or(word)
}

/// What somebody searches for: all of these words, in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    words: Vec<String>,
    /// Whether words that begin like the last one fit, too.
    is_prefix: bool,
}

impl Wanted {
    /// Reads what was typed; the last word may go on, unless something stands behind it.
    pub fn parse(text: &str) -> Wanted {
        let found = words(text);
        // Typed to its end, if another letter would belong to it.
        let is_prefix = !found.is_empty() && words(&format!("{text}x")).len() == found.len();
        Wanted { words: found, is_prefix }
    }

    /// The same with whole words only.
    #[must_use]
    pub fn whole(self) -> Wanted {
        Wanted { is_prefix: false, ..self }
    }

    /// How many words there are.
    pub fn n_words(&self) -> usize {
        self.words.len()
    }

    /// As FTS5 takes it: `"blue" "jack" *`.
    pub fn fts5(&self) -> String {
        if self.words.is_empty() {
            return format!("\"{NO_WORD}\"");
        }
        let mut text = String::new();
        for word in &self.words {
            text.push_str(&format!("\"{word}\" "));
        }
        if self.is_prefix {
            text.push('*');
        }
        text
    }

    /// As PostgreSQL's tsquery is written: `'blue' & 'jack':*`.
    pub fn tsquery(&self) -> String {
        if self.words.is_empty() {
            return format!("'{NO_WORD}'");
        }
        let quoted: Vec<String> = self.words.iter().map(|word| format!("'{word}'")).collect();
        let prefix = if self.is_prefix { ":*" } else { "" };
        format!("{}{prefix}", quoted.join(" & "))
    }

    /// As [`Wanted::from_plain`] reads it back: `blue jack*`.
    pub fn plain(&self) -> String {
        format!("{}{}", self.words.join(" "), if self.is_prefix { "*" } else { "" })
    }

    /// Reads what [`Wanted::plain`] wrote.
    pub fn from_plain(plain: &str) -> Wanted {
        let (text, is_prefix) = match plain.strip_suffix('*') {
            Some(text) => (text, true),
            None => (plain, false),
        };
        Wanted { words: text.split_whitespace().map(str::to_owned).collect(), is_prefix }
    }

    /// Whether a text has them all.
    pub fn is_in(&self, text: &str) -> bool {
        let found = words(text);
        let whole: HashSet<&str> = found.iter().map(String::as_str).collect();
        let n_whole = self.words.len().saturating_sub(usize::from(self.is_prefix));
        !self.words.is_empty()
            && self.words.iter().take(n_whole).all(|word| whole.contains(word.as_str()))
            && self
                .words
                .iter()
                .skip(n_whole)
                .all(|start| found.iter().any(|word| word.starts_with(start.as_str())))
    }
}

/// The texts of a row as one, in SQL for SQLite; `columns` are ready for SQL.
pub fn joined_sqlite(columns: &[String]) -> String {
    /// Arguments of one function, well below SQLite's limit.
    const AT_ONCE: usize = 100;
    let mut parts: Vec<String> =
        columns.iter().map(|column| format!("coalesce({column}, '')")).collect();
    while parts.len() > 1 {
        parts = parts
            .chunks(AT_ONCE)
            .map(|chunk| match chunk {
                [one] => one.clone(),
                several => format!("concat_ws(' ', {})", several.join(", ")),
            })
            .collect();
    }
    parts.pop().unwrap_or_else(|| "''".to_owned())
}

/// The texts of a row as one, in SQL for PostgreSQL; `columns` are ready for SQL.
pub fn joined_postgres(columns: &[String]) -> String {
    let parts: Vec<String> =
        columns.iter().map(|column| format!("coalesce({column}, '')")).collect();
    match parts.as_slice() {
        [] => "''".to_owned(),
        parts => parts.join(" || ' ' || "),
    }
}

/// The different words of a row as PostgreSQL's tsvector; `columns` are ready for SQL.
///
/// An index over this expression serves conditions that hold the very same one.
pub fn vector_sql(columns: &[String]) -> String {
    format!(
        "array_to_tsvector(array_remove(regexp_split_to_array(regexp_replace(regexp_replace(\
         normalize(translate(lower(left({}, {MAX_TEXT_CHARS}) COLLATE \"und-x-icu\"), 'ς', 'σ'), NFD), \
         '[\\u0300-\\u036f]+', '', 'g'), \
         '([[:alnum:]]{{{MAX_WORD_CHARS}}})[[:alnum:]]+', '\\1', 'g'), '[^[:alnum:]]+'), ''))",
        joined_postgres(columns)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_into_words() {
        for (text, expect) in [
            ("", vec![]),
            ("  -- !?\u{0} ", vec![]),
            ("Blue jacket, size M", vec!["blue", "jacket", "size", "m"]),
            ("O'Neil & co_op 1.5e3", vec!["o", "neil", "co", "op", "1", "5e3"]),
            ("ÉCOLE Größe İstanbul x² ½", vec!["ecole", "große", "istanbul", "x"]),
            ("e\u{301}te\u{301} été", vec!["ete", "ete"]),
            ("日本語 ٣٤", vec!["日本語", "٣٤"]),
            ("ΣΟΦΟΣ σοφός", vec!["σοφοσ", "σοφοσ"]),
        ] {
            assert_eq!(words(text), expect, "{text}");
        }
        assert_eq!(words(&"ab".repeat(80)), ["ab".repeat(50)]);
        assert_eq!(words(&"é".repeat(120)), ["e".repeat(100)]);
        assert_eq!(words(&format!("{}late", "a ".repeat(25_000))).len(), 25_000);
    }

    #[test]
    fn the_last_word_may_go_on() {
        for (text, plain) in [
            ("blue jack", "blue jack*"),
            ("blue jack ", "blue jack"),
            ("\"blue jack\"", "blue jack"),
            ("blue OR NEAR(jack*", "blue or near jack"),
            ("w:blue", "w blue*"),
            ("école", "ecole*"),
            ("ecole\u{301}", "ecole*"),
            ("x²", "x"),
            ("!!", ""),
        ] {
            let wanted = Wanted::parse(text);
            assert_eq!(wanted.plain(), plain, "{text}");
            assert_eq!(Wanted::from_plain(plain), wanted);
        }
        let wanted = Wanted::parse("Blue \" jack");
        assert_eq!(wanted.fts5(), "\"blue\" \"jack\" *");
        assert_eq!(wanted.tsquery(), "'blue' & 'jack':*");
        assert!(wanted.is_in("a JACKET, blue"));
        assert!(!wanted.is_in("a jacket, bluish"));
        assert!(!wanted.whole().is_in("a JACKET, blue"));
        assert!(!Wanted::parse("?").is_in("anything?"));
    }
}
