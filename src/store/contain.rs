//! Compares JSON values as PostgreSQL's `jsonb` does: containment, equality, keys.
//!
//! It exists for the embedded store. Numbers are equal when their values are, whatever their
//! digits; of repeated keys the last counts. Text that `jsonb` could not hold (U+0000, half a
//! surrogate pair, numbers beyond its range) is no value at all.

use std::collections::BTreeMap;

/// A JSON value in the form in which it is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// Sign, digits without zeros at either end, and the power of ten of the last.
    Number(bool, String, i64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Value>),
    /// An object.
    Object(BTreeMap<String, Value>),
}

/// Nesting that is followed.
const MAX_DEPTH: usize = 1_000;
/// Digits before the point that `numeric` holds.
const MAX_WHOLE_DIGITS: i64 = 131_072;
/// Digits after the point that `numeric` holds.
const MAX_SCALE: i64 = 16_383;

impl Value {
    /// Reads JSON text.
    pub fn parse(text: &str) -> Option<Value> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.skip_space();
        (reader.at == text.len()).then_some(value)
    }

    /// `a @> b`
    pub fn contains(&self, other: &Value) -> bool {
        match (self, other) {
            // At the top an array contains a lone value that it holds.
            (Value::List(items), single)
                if !matches!(single, Value::List(_) | Value::Object(_)) =>
            {
                items.contains(single)
            }
            _ => self.holds(other),
        }
    }

    fn holds(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Object(own), Value::Object(other)) => other
                .iter()
                .all(|(key, value)| own.get(key).is_some_and(|found| found.holds(value))),
            (Value::List(own), Value::List(other)) => {
                other.iter().all(|item| own.iter().any(|found| found.holds(item)))
            }
            (own, other) => own == other,
        }
    }

    /// `a ? key`: a member's name, an item of a list, or the text itself.
    pub fn has_key(&self, key: &str) -> bool {
        match self {
            Value::Object(members) => members.contains_key(key),
            Value::List(items) => {
                items.iter().any(|item| matches!(item, Value::Text(text) if text == key))
            }
            Value::Text(text) => text == key,
            _ => false,
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// Whether the next is this; then it is passed.
    fn take(&mut self, wanted: &str) -> bool {
        self.skip_space();
        let is_there = self.rest().starts_with(wanted);
        self.at += if is_there { wanted.len() } else { 0 };
        is_there
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        for (word, value) in [
            ("null", Value::Null),
            ("true", Value::Boolean(true)),
            ("false", Value::Boolean(false)),
        ] {
            if self.take(word) {
                return Some(value);
            }
        }
        if self.take("[") {
            let mut items = Vec::new();
            while !self.take("]") {
                if !items.is_empty() && !self.take(",") {
                    return None;
                }
                items.push(self.value(depth + 1)?);
            }
            return Some(Value::List(items));
        }
        if self.take("{") {
            let mut members = BTreeMap::new();
            while !self.take("}") {
                if !members.is_empty() && !self.take(",") {
                    return None;
                }
                self.skip_space();
                let key = self.string()?;
                if !self.take(":") {
                    return None;
                }
                let value = self.value(depth + 1)?;
                members.insert(key, value);
            }
            return Some(Value::Object(members));
        }
        match self.rest().as_bytes().first()? {
            b'"' => self.string().map(Value::Text),
            _ => self.number(),
        }
    }

    fn string(&mut self) -> Option<String> {
        let rest = self.rest();
        let inside = rest.strip_prefix('"')?;
        let mut is_escaped = false;
        let end = inside.bytes().position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        })?;
        let whole = rest.get(..end + 2)?;
        self.at += whole.len();
        // The escapes are left to the JSON library, which refuses half a surrogate pair.
        let text: String = serde_json::from_str(whole).ok()?;
        (!text.contains('\0')).then_some(text)
    }

    fn number(&mut self) -> Option<Value> {
        let rest = self.rest();
        let length = rest.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
        let text = rest.get(..length)?;
        self.at += length;
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{part}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let last = exponent.checked_sub(i64::try_from(part.len()).ok()?)?;
        let shorter = digits.trim_end_matches('0');
        let last = last.checked_add(i64::try_from(digits.len() - shorter.len()).ok()?)?;
        let significant = shorter.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Value::Number(false, String::new(), 0));
        }
        let n_whole = last.checked_add(i64::try_from(significant.len()).ok()?)?;
        if n_whole > MAX_WHOLE_DIGITS || last < -MAX_SCALE {
            return None;
        }
        Some(Value::Number(is_negative, significant.to_owned(), last))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn containment_is_that_of_jsonb() {
        for (own, other, expect) in [
            (r#"{"a":1.0,"b":2}"#, r#"{"a":1}"#, true),
            (r#"{"a":10}"#, r#"{"a":1e1}"#, true),
            ("[1,[2]]", "2", false),
            ("[1,2]", "2", true),
            ("2", "[2]", false),
            (r#"[["a"]]"#, r#""a""#, false),
            ("[1,1]", "[1,1,1]", true),
            (r#"{"a":[1]}"#, r#"{"a":1}"#, false),
            (r#"{"a":{}}"#, r#"{"a":[]}"#, false),
            ("[]", "{}", false),
            (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, true),
            (r#"[{"a":1,"b":2}]"#, r#"[{"a":1}]"#, true),
            ("0", "-0.0e5", true),
            ("9007199254740993", "9007199254740992", false),
            ("\"\\u0041\"", "\"A\"", true),
            (" [ 1 , 2 ] ", "[2,1]", true),
        ] {
            let (own, other) = (Value::parse(own).unwrap(), Value::parse(other).unwrap());
            assert_eq!(own.contains(&other), expect, "{own:?} {other:?}");
        }
        for no_value in [r#""\u0000""#, r#""\ud800""#, "1e131073", "", "[1", "1 2", "abc"] {
            assert_eq!(Value::parse(no_value), None, "{no_value}");
        }
        assert!(Value::parse(r#"["a"]"#).unwrap().has_key("a"));
        assert!(Value::parse(r#""a""#).unwrap().has_key("a"));
        assert!(!Value::parse(r#"{"b":"a"}"#).unwrap().has_key("a"));
    }
}
