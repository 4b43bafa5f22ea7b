//! JSON as YAML 1.2.

use std::fmt::Write;

use serde_json::Value;

/// A document as YAML 1.2: blocks, with texts in double quotes.
pub(super) fn write_yaml(value: &Value, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (n, (name, inner)) in fields.iter().enumerate() {
                if n > 0 || depth > 0 && !out.ends_with("- ") {
                    out.push('\n');
                    out.push_str(&indent);
                }
                let _ = write!(out, "{}:", Value::from(name.as_str()));
                write_inner(inner, depth + 1, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for inner in items {
                out.push('\n');
                out.push_str(&indent);
                out.push('-');
                write_inner(inner, depth + 1, out);
            }
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
    if depth == 0 {
        out.push('\n');
    }
}

pub(super) fn write_inner(inner: &Value, depth: usize, out: &mut String) {
    let is_block = match inner {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if !is_block {
        out.push(' ');
    }
    write_yaml(inner, depth, out);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_written_in_blocks() {
        let mut text = String::new();
        let document = json!({ "a": { "b": [1, { "c": "x: y\n" }], "d": [] }, "e": null });
        write_yaml(&document, 0, &mut text);
        let expected = "\"a\":\n  \"b\":\n    - 1\n    -\n      \"c\": \"x: y\\n\"\n  \"d\": []\n\"e\": null\n";
        assert_eq!(text, expected);
    }
}
