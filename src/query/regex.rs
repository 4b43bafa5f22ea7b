//! Turns regular expressions into what each store runs, so that both find the same texts.
//!
//! One parser reads the pattern and knows what it means: that of Rust's `regex`, whose engine runs
//! it on SQLite. For PostgreSQL the meaning, not the text, is written down anew in the little that
//! its engine understands alike: ranges of characters, groups, counts, looks at one neighbour.
//! What cannot be said so is refused on both stores.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

use crate::store::sqlite::functions::compile_regex;

/// Largest count of a repetition that PostgreSQL takes.
const MAX_COUNT: u32 = 255;
/// Characters that a pattern stands for when its counts are written out: at worst the engine tries
/// so many of them at each character of a text.
const MAX_POSITIONS: usize = 1_000;
/// Bytes of the pattern that PostgreSQL gets; a class of all letters has some ten thousand.
const MAX_BYTES: usize = 400_000;

/// A pattern for both stores.
#[derive(Debug, PartialEq, Eq)]
pub struct Pattern {
    /// For Rust's engine.
    pub rust: String,
    /// For PostgreSQL's.
    pub postgres: String,
}

impl Pattern {
    /// Reads a regular expression, which may fit anywhere in a text.
    ///
    /// # Errors
    /// What is wrong with it, in a few words.
    pub fn new(pattern: &str, is_insensitive: bool) -> Result<Pattern, String> {
        let rust = if is_insensitive { format!("(?i){pattern}") } else { pattern.to_owned() };
        compile_regex(&rust).map_err(|error| reason(&error))?;
        let meaning = ParserBuilder::new()
            .build()
            .parse(&rust)
            .map_err(|_| "it cannot be read".to_owned())?;
        if positions(&meaning) > MAX_POSITIONS {
            return Err(format!("it stands for more than {MAX_POSITIONS} characters"));
        }
        let mut writer = Writer { out: String::from("(?:") };
        writer.write(&meaning)?;
        writer.out.push(')');
        Ok(Pattern { rust, postgres: writer.out })
    }

    /// Reads a pattern of SQL's `SIMILAR TO`, which must fit the whole text.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn similar(pattern: &str) -> Result<Pattern, String> {
        Pattern::new(&similar_as_regex(pattern)?, false)
    }
}

fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            "it is too large when its counts are written out".to_owned()
        }
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

/// Characters that a pattern stands for.
fn positions(meaning: &Hir) -> usize {
    match meaning.kind() {
        HirKind::Empty => 0,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(_) | HirKind::Look(_) => 1,
        HirKind::Capture(capture) => positions(&capture.sub),
        HirKind::Repetition(repetition) => {
            let count = repetition.max.unwrap_or(repetition.min).max(1);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            positions(&repetition.sub).saturating_mul(count)
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(positions).fold(0, usize::saturating_add)
        }
    }
}

/// Writes a pattern as one of PostgreSQL's "advanced regular expressions".
struct Writer {
    out: String,
}

impl Writer {
    fn write(&mut self, meaning: &Hir) -> Result<(), String> {
        match meaning.kind() {
            HirKind::Empty => self.out.push_str("(?:)"),
            HirKind::Literal(literal) => {
                let text = std::str::from_utf8(&literal.0);
                let text = text.map_err(|_| "it matches bytes that are no text".to_owned())?;
                for character in text.chars() {
                    match character {
                        // No text of ours holds it.
                        '\0' => self.nothing(),
                        plain if plain.is_alphanumeric() => self.out.push(plain),
                        other => self.escape(other),
                    }
                }
            }
            HirKind::Class(Class::Unicode(class)) => self.class(class),
            HirKind::Class(Class::Bytes(class)) => match class.to_unicode_class() {
                Some(class) => self.class(&class),
                None => return Err("it matches bytes that are no text".to_owned()),
            },
            HirKind::Look(look) => self.look(*look)?,
            HirKind::Capture(capture) => self.group(&capture.sub)?,
            HirKind::Repetition(repetition) => self.repeat(repetition)?,
            HirKind::Concat(parts) => {
                for part in parts {
                    self.write(part)?;
                }
            }
            HirKind::Alternation(parts) => {
                self.out.push_str("(?:");
                for (position, part) in parts.iter().enumerate() {
                    if position > 0 {
                        self.out.push('|');
                    }
                    self.write(part)?;
                }
                self.out.push(')');
            }
        }
        match self.out.len() > MAX_BYTES {
            true => Err("it names too many classes of characters".to_owned()),
            false => Ok(()),
        }
    }

    fn group(&mut self, meaning: &Hir) -> Result<(), String> {
        self.out.push_str("(?:");
        self.write(meaning)?;
        self.out.push(')');
        Ok(())
    }

    fn repeat(&mut self, repetition: &Repetition) -> Result<(), String> {
        let Repetition { min, max, sub, .. } = repetition;
        if sub.properties().maximum_len() == Some(0) {
            // What takes no room is there once or not at all.
            return if *min == 0 { Ok(()) } else { self.group(sub) };
        }
        if max.unwrap_or(*min) > MAX_COUNT {
            return Err(format!("something repeats more than {MAX_COUNT} times"));
        }
        self.group(sub)?;
        match (min, max) {
            (0, None) => self.out.push('*'),
            (1, None) => self.out.push('+'),
            (0, Some(1)) => self.out.push('?'),
            (min, None) => self.out.push_str(&format!("{{{min},}}")),
            (min, Some(max)) => self.out.push_str(&format!("{{{min},{max}}}")),
        }
        Ok(())
    }

    fn look(&mut self, look: Look) -> Result<(), String> {
        let word = || class_text(r"\w");
        let ascii = || class_text(r"(?-u:\w)");
        let text = match look {
            Look::Start => "^".to_owned(),
            Look::End => "$".to_owned(),
            Look::StartLF => r"(?:^|(?<=\u000A))".to_owned(),
            Look::EndLF => r"(?:$|(?=\u000A))".to_owned(),
            Look::StartCRLF | Look::EndCRLF => {
                return Err("the flag R is not supported".to_owned());
            }
            Look::WordUnicode => edge(&word(), true),
            Look::WordAscii => edge(&ascii(), true),
            Look::WordUnicodeNegate => edge(&word(), false),
            Look::WordAsciiNegate => edge(&ascii(), false),
            Look::WordStartUnicode => format!("(?<!{0})(?={0})", word()),
            Look::WordStartAscii => format!("(?<!{0})(?={0})", ascii()),
            Look::WordEndUnicode => format!("(?<={0})(?!{0})", word()),
            Look::WordEndAscii => format!("(?<={0})(?!{0})", ascii()),
            Look::WordStartHalfUnicode => format!("(?<!{})", word()),
            Look::WordStartHalfAscii => format!("(?<!{})", ascii()),
            Look::WordEndHalfUnicode => format!("(?!{})", word()),
            Look::WordEndHalfAscii => format!("(?!{})", ascii()),
        };
        self.out.push_str(&text);
        Ok(())
    }

    fn class(&mut self, class: &ClassUnicode) {
        let before = self.out.len();
        self.out.push('[');
        for range in class.ranges() {
            let (first, last) = (range.start().max('\u{1}'), range.end());
            if last < first {
                continue;
            }
            self.escape(first);
            if last > first {
                self.out.push('-');
                self.escape(last);
            }
        }
        self.out.push(']');
        if self.out.len() == before + 2 {
            self.out.truncate(before);
            self.nothing();
        }
    }

    /// What fits no character.
    fn nothing(&mut self) {
        self.out.push_str(r"[^\u0001-\U0010FFFF]");
    }

    fn escape(&mut self, character: char) {
        let code = u32::from(character);
        match character {
            plain if plain.is_ascii_alphanumeric() => self.out.push(plain),
            _ if code <= 0xFFFF => self.out.push_str(&format!("\\u{code:04X}")),
            _ => self.out.push_str(&format!("\\U{code:08X}")),
        }
    }
}

/// Between a character of the class and one that is not of it, or the negation.
fn edge(class: &str, is_edge: bool) -> String {
    let (same, other) = if is_edge { ('!', '=') } else { ('=', '!') };
    format!("(?:(?<={class})(?{same}{class})|(?<!{class})(?{other}{class}))")
}

/// A class, written down.
fn class_text(class: &str) -> String {
    let mut writer = Writer { out: String::new() };
    if let Ok(meaning) = ParserBuilder::new().build().parse(class) {
        // A class alone is never refused.
        let _ = writer.write(&meaning);
    }
    writer.out
}

/// `SIMILAR TO` in the words of a regular expression.
fn similar_as_regex(pattern: &str) -> Result<String, String> {
    let mut out = String::from(r"(?s)\A(?:");
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match character {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            '(' => out.push_str("(?:"),
            '|' | ')' | '*' | '+' | '?' => out.push(character),
            '{' => {
                let (count, after) = rest.as_str().split_once('}').ok_or("a } is missing")?;
                if count.is_empty() || !count.chars().all(|c| c.is_ascii_digit() || c == ',') {
                    return Err("a count is none".to_owned());
                }
                out.push_str(&format!("{{{count}}}"));
                rest = after.chars();
            }
            '[' => rest = similar_class(rest.as_str(), &mut out)?.chars(),
            '\\' => {
                let next = rest.next().ok_or("it ends in a lone backslash")?;
                out.push_str(&regex_syntax::escape(&next.to_string()));
            }
            other => out.push_str(&regex_syntax::escape(&other.to_string())),
        }
    }
    out.push_str(r")\z");
    Ok(out)
}

/// Writes a class of `SIMILAR TO` after its opening bracket; what comes behind it.
fn similar_class<'p>(pattern: &'p str, out: &mut String) -> Result<&'p str, String> {
    const LACKS: &str = "a ] is missing";
    out.push('[');
    let mut rest = pattern;
    if let Some(after) = rest.strip_prefix('^') {
        out.push('^');
        rest = after;
    }
    let mut is_first = true;
    loop {
        if let Some(after) = rest.strip_prefix("[:") {
            let (name, after) = after.split_once(":]").ok_or("a :] is missing")?;
            if !name.chars().all(|c| c.is_ascii_alphabetic()) {
                return Err("a class is none".to_owned());
            }
            out.push_str(&format!("[:{name}:]"));
            rest = after;
            is_first = false;
            continue;
        }
        let mut characters = rest.chars();
        let character = characters.next().ok_or(LACKS)?;
        match character {
            ']' if !is_first => break,
            '-' if !is_first && !characters.as_str().starts_with(']') => out.push('-'),
            '\\' => {
                let next = characters.next().ok_or(LACKS)?;
                out.push_str(&regex_syntax::escape(&next.to_string()));
            }
            other => out.push_str(&regex_syntax::escape(&other.to_string())),
        }
        rest = characters.as_str();
        is_first = false;
    }
    out.push(']');
    Ok(rest.strip_prefix(']').unwrap_or_default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_written_down_anew() {
        for (pattern, expect) in [
            ("a.c", r"(?:a[\u0001-\u0009\u000B-\U0010FFFF]c)"),
            ("^(ab|cd)+$", "(?:^(?:(?:(?:ab|cd)))+$)"),
            ("***=x", ""),
            (r"[^\s\S]", r"(?:[^\u0001-\U0010FFFF])"),
            (r"\x00", r"(?:[^\u0001-\U0010FFFF])"),
            ("a{2,5}?b*?", "(?:(?:a){2,5}(?:b)*)"),
            ("(?:^)*a", "(?:a)"),
            ("(?i)k", r"(?:[Kk\u212A])"),
            ("(?m)^a$", r"(?:(?:^|(?<=\u000A))a(?:$|(?=\u000A)))"),
            ("é😀-", r"(?:é\U0001F600\u002D)"),
        ] {
            let written = Pattern::new(pattern, false).map(|pattern| pattern.postgres);
            assert_eq!(written.unwrap_or_default(), expect, "{pattern}");
        }
    }

    #[test]
    fn what_only_one_engine_can_is_refused() {
        for (pattern, expect) in [
            ("(a", "unclosed group"),
            ("(?=a)", "look-around, including look-ahead and look-behind, is not supported"),
            (r"(a)\1", "backreferences are not supported"),
            ("a{256}", "something repeats more than 255 times"),
            ("((a{100}){100})", "it stands for more than 1000 characters"),
            ("(?R)(?m)^a", "the flag R is not supported"),
            (r"(?-u:\xff)", "pattern can match invalid UTF-8"),
            (r"\y", "unrecognized escape sequence"),
        ] {
            assert_eq!(Pattern::new(pattern, false), Err(expect.to_owned()), "{pattern}");
        }
    }

    #[test]
    fn similar_is_read_as_sql_reads_it() {
        let fits = |pattern: &str, text: &str| {
            let pattern = Pattern::similar(pattern).unwrap();
            compile_regex(&pattern.rust).unwrap().is_match(text)
        };
        for (pattern, yes, no) in [
            ("a%", "abc", "ba"),
            ("a_c", "a\nc", "abbc"),
            ("(a|b)+", "abab", "abc"),
            ("a.c", "a.c", "abc"),
            ("^$", "^$", ""),
            ("[a-c]{2}", "ab", "ad"),
            ("[^a-c]", "d", "a"),
            ("[]a]", "]", "b"),
            ("[[:digit:]-]+", "1-2", "a"),
            ("[&&a]", "&", "b"),
            (r"100\%", "100%", "1000"),
            (r"a\\b", r"a\b", "ab"),
            ("a|b", "b", "ab"),
        ] {
            assert!(fits(pattern, yes), "{pattern} {yes}");
            assert!(!fits(pattern, no), "{pattern} {no}");
        }
        for wrong in ["(a", "[a", "a{", "a{x}", r"a\", "*"] {
            assert!(Pattern::similar(wrong).is_err(), "{wrong}");
        }
    }
}
