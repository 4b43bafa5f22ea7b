//! Tells whether a document would run a mutation, without parsing it.
//!
//! Asked only after a request by GET was refused, to choose between 405 and 400. One pass over the
//! bytes, no recursion: safe for any text.

/// Whether the operation of that name (or the only one) is a mutation.
pub(super) fn is_mutation(document: &str, operation_name: Option<&str>) -> bool {
    let mut operations: Vec<(&str, Option<&str>)> = Vec::new();
    let mut n_open = 0_usize;
    let mut keyword: Option<&str> = None;
    let mut rest = document;
    while let Some(first) = rest.chars().next() {
        let token = token_length(rest, first);
        let (text, after) = rest.split_at(token);
        rest = after;
        match first {
            '{' | '(' | '[' => {
                if let Some(kind) = keyword.take() {
                    operations.push((kind, None));
                }
                n_open += 1;
            }
            '}' | ')' | ']' => n_open = n_open.saturating_sub(1),
            c if n_open == 0 && (c == '_' || c.is_ascii_alphabetic()) => match keyword.take() {
                Some(kind) => operations.push((kind, Some(text))),
                None if text == "query" || text == "mutation" || text == "subscription" => {
                    keyword = Some(text);
                }
                None => {}
            },
            _ => {}
        }
    }
    match operation_name {
        Some(wanted) => {
            operations.iter().any(|(kind, name)| *kind == "mutation" && *name == Some(wanted))
        }
        None => operations.iter().any(|(kind, _)| *kind == "mutation"),
    }
}

/// The bytes of the token at the start: a name, a string, a comment, or one character.
fn token_length(rest: &str, first: char) -> usize {
    match first {
        '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
        '"' if rest.starts_with("\"\"\"") => block_string_length(rest),
        '"' => string_length(rest),
        c if c == '_' || c.is_ascii_alphanumeric() => {
            rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len())
        }
        c => c.len_utf8(),
    }
}

fn string_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    rest.len()
}

fn block_string_length(rest: &str) -> usize {
    let mut from = 3;
    while let Some(at) = rest.get(from..).and_then(|text| text.find("\"\"\"")) {
        let end = from + at;
        if !rest.get(..end).is_some_and(|text| text.ends_with('\\')) {
            return end + 3;
        }
        from = end + 3;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_are_found() {
        let check = |document: &str, name: Option<&str>, expect: bool| {
            assert_eq!(is_mutation(document, name), expect, "{document}");
        };
        check("mutation { a }", None, true);
        check("mutation M($x: Int = 3) @d { a }", None, true);
        check("{ mutation }", None, false);
        check("query { mutation { a } }", None, false);
        check("query mutation { a }", None, false);
        check("# mutation\n{ a }", None, false);
        check("query A { a } mutation B { b }", Some("A"), false);
        check("query A { a } mutation B { b }", Some("B"), true);
        check("query A(x: \"} mutation B {\") { a }", Some("B"), false);
        check("{ a(x: \"\"\"} \\\"\"\" mutation {\"\"\") }", None, false);
        check("mutation", None, false);
        check("\"", None, false);
        check("ü mutation { a }", None, true);
        check(&"{".repeat(100_000), None, false);
    }
}
