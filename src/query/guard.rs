//! Turns away documents and variables that would hurt the parser, by reading their text once.
//!
//! The parser recurses on every bracket and the validator expands every fragment, so nesting and
//! size are bounded here, before either sees the text. Nothing is interpreted beyond brackets,
//! strings and comments.

use crate::config::QueryLimits;
use crate::error::{Code, Error, Result};

/// Counts the brackets and tokens of a GraphQL document.
///
/// # Errors
/// QUERY_TOO_DEEP or QUERY_TOO_COMPLEX, naming the limit.
pub fn check_document(text: &str, limits: &QueryLimits) -> Result<()> {
    let mut depth = 0usize;
    let mut n_tokens = 0usize;
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => continue,
            b'#' => {
                rest = skip_to(rest, |byte| byte == b'\n' || byte == b'\r');
                continue;
            }
            b'"' => rest = skip_string(rest),
            b'{' | b'[' | b'(' => {
                depth += 1;
                check_depth(depth, limits)?;
            }
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            byte if is_word(byte) => rest = skip_to(rest, |byte| !is_word(byte)),
            _ => {}
        }
        n_tokens += 1;
        if n_tokens > limits.max_tokens {
            return Err(Error::new(
                Code::QueryTooComplex,
                format!(
                    "The document has more than {} tokens, the limit. Split it into several requests.",
                    limits.max_tokens
                ),
            ));
        }
    }
    Ok(())
}

/// Counts the brackets of JSON text.
///
/// # Errors
/// QUERY_TOO_DEEP, naming the limit.
pub fn check_json(text: &str, limits: &QueryLimits) -> Result<()> {
    let mut depth = 0usize;
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = skip_quoted(rest),
            b'{' | b'[' => {
                depth += 1;
                check_depth(depth, limits)?;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

fn check_depth(depth: usize, limits: &QueryLimits) -> Result<()> {
    if depth <= limits.max_brackets {
        return Ok(());
    }
    Err(Error::new(
        Code::QueryTooDeep,
        format!(
            "Brackets are nested more than {} deep, the limit. Flatten the filter or the selection.",
            limits.max_brackets
        ),
    ))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || byte == b'-'
}

fn skip_to(text: &[u8], is_end: impl Fn(u8) -> bool) -> &[u8] {
    let length = text.iter().position(|&byte| is_end(byte)).unwrap_or(text.len());
    text.get(length..).unwrap_or_default()
}

/// Skips the rest of a string whose opening quote was read: a block string or a quoted one.
fn skip_string(text: &[u8]) -> &[u8] {
    let Some(block) = text.strip_prefix(b"\"\"") else { return skip_quoted(text) };
    let mut rest = block;
    loop {
        if let Some(after) = rest.strip_prefix(b"\\\"\"\"") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix(b"\"\"\"") {
            return after;
        } else if let Some((_, after)) = rest.split_first() {
            rest = after;
        } else {
            return rest;
        }
    }
}

fn skip_quoted(text: &[u8]) -> &[u8] {
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => return rest,
            b'\\' => rest = rest.get(1..).unwrap_or_default(),
            _ => {}
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> QueryLimits {
        QueryLimits { max_brackets: 4, max_tokens: 20, ..QueryLimits::default() }
    }

    #[test]
    fn brackets_count_outside_strings_and_comments_only() {
        for fits in [
            "{a{b{c{d}}}}",
            r#"{a(x:"((((((((")}"#,
            "{a} # {{{{{{{{{{",
            r#"{a(x:"""{{{{{ \""" {{{{""")}"#,
            r#"{a(x:"\"{{{{{{{")}"#,
        ] {
            assert!(check_document(fits, &limits()).is_ok(), "{fits}");
        }
        for deep in ["{a{b{c{d{e}}}}}", "{a(x:[[[[1]]]])}", r#"{a(x:"")[[[["#] {
            let error = check_document(deep, &limits()).err();
            assert_eq!(error.map(|error| error.code), Some(Code::QueryTooDeep), "{deep}");
        }
        assert!(check_json(r#"[[[["]]]][[[["]]]]"#, &limits()).is_ok());
        assert!(check_json("[[[[[1]]]]]", &limits()).is_err());
    }

    #[test]
    fn tokens_are_bounded() {
        assert!(check_document(&"a ".repeat(20), &limits()).is_ok());
        let error = check_document(&"a ".repeat(21), &limits()).err();
        assert_eq!(error.map(|error| error.code), Some(Code::QueryTooComplex));
    }
}
