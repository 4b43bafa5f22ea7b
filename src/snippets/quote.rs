//! Quotes any text for a language, so that it cannot end what it stands in.
//!
//! Marks that turn the direction of writing are always escaped where a language can: code must read
//! as it runs.

use serde_json::Value;

/// Longest name in a comment.
const MAX_COMMENT_CHARS: usize = 80;

/// A name in a comment that ends with its line.
pub(super) fn comment(text: &str) -> String {
    let is_shown = |c: &char| !c.is_control() && !is_hidden(*c);
    text.chars().map(|c| if is_shown(&c) { c } else { ' ' }).take(MAX_COMMENT_CHARS).collect()
}

/// A string of JavaScript, Python and R, with its quotes. R has no NUL in texts, so nobody gets one.
pub(super) fn text(text: &str) -> String {
    json_text(&Value::from(text.replace('\0', "")).to_string())
}

/// A value of JavaScript, on several lines.
pub(super) fn value(value: &Value) -> String {
    json_text(&format!("{value:#}"))
}

/// JSON whose hidden marks are escaped; they only stand in strings.
pub(super) fn json_text(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hidden(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// A template of JavaScript, with its quotes, which keeps the lines of a text.
pub(super) fn template(text: &str) -> String {
    let mut out = String::from("`");
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' | '`' => out.extend(['\\', c]),
            '$' if chars.peek() == Some(&'{') => out.push_str("\\$"),
            '\r' => out.push_str("\\r"),
            c if is_hidden(c) || (c.is_control() && !matches!(c, '\n' | '\t')) => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('`');
    out
}

/// A word of a shell, with its quotes; without NUL, which no argument can hold.
pub(super) fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "'\\''"))
}

/// A text of Power Query, with its quotes.
pub(super) fn power_query(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\"\""),
            '#' => out.push_str("#(#)"),
            c if c.is_control() || is_hidden(c) => {
                out.push_str(&format!("#({:04X})", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A name of Power Query, whatever it holds.
pub(super) fn power_query_name(name: &str) -> String {
    format!("#{}", power_query(name))
}

/// Line ends that only some languages know, and marks that turn the direction of writing.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a shell reads of one word; `None` if it is more than that.
    fn read_shell(word: &str) -> Option<String> {
        let mut out = String::new();
        let mut rest = word;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix("\\'") {
                out.push('\'');
                rest = after;
                continue;
            }
            let (inside, after) = rest.strip_prefix('\'')?.split_once('\'')?;
            out.push_str(inside);
            rest = after;
        }
        Some(out)
    }

    fn read_template(literal: &str) -> Option<String> {
        let inside = literal.strip_prefix('`')?.strip_suffix('`')?;
        let mut out = String::new();
        let mut chars = inside.chars();
        while let Some(c) = chars.next() {
            match c {
                '`' | '\r' => return None,
                '$' if chars.clone().next() == Some('{') => return None,
                '\\' => match chars.next()? {
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        out.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                    }
                    'r' => out.push('\r'),
                    c => out.push(c),
                },
                c => out.push(c),
            }
        }
        Some(out)
    }

    fn read_power_query(literal: &str) -> Option<String> {
        let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
        let mut out = String::new();
        let mut rest = inside;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("\"\"") {
                out.push('"');
                rest = after;
            } else if let Some(after) = rest.strip_prefix("#(") {
                let (escape, after) = after.split_once(')')?;
                match escape {
                    "#" => out.push('#'),
                    code => out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?),
                }
                rest = after;
            } else if c == '"' || c == '#' || c.is_control() {
                return None;
            } else {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
        Some(out)
    }

    /// Texts with much of what quotes end by.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            prop::sample::select(vec![
                "'", "\"", "`", "\\", "$", "${", "$(", "}", "*/", "//", "#", "#(", ")", "\n", "\r",
                "\0", "\u{2028}", "\u{202e}", "\u{85}", "\\u0022", "\\'", "'''", "\"\"\"",
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn every_language_reads_back_what_was_quoted(given in hostile()) {
            let without_nul = given.replace('\0', "");
            let literal = text(&given);
            prop_assert_eq!(serde_json::from_str::<String>(&literal).unwrap(), &*without_nul);
            prop_assert!(!literal.contains(|c: char| c.is_ascii_control() || is_hidden(c)));
            prop_assert_eq!(read_shell(&shell(&given)), Some(without_nul));
            prop_assert_eq!(read_template(&template(&given)), Some(given.clone()));
            prop_assert_eq!(read_power_query(&power_query(&given)), Some(given.clone()));
            let told = comment(&given);
            prop_assert!(!told.contains(|c: char| c.is_control() || is_hidden(c)));
        }
    }

    #[test]
    fn usual_texts_stay_readable() {
        assert_eq!(comment("Orders\n*/ 2026 \u{202e}é"), "Orders */ 2026  é");
        assert_eq!(text("it's \"é\""), "\"it's \\\"é\\\"\"");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(template("a $b ${c}\n`"), "`a $b \\${c}\n\\``");
        assert_eq!(power_query("a \"b\" #(c)"), "\"a \"\"b\"\" #(#)(c)\"");
        assert_eq!(power_query_name("page[limit]"), "#\"page[limit]\"");
    }
}
