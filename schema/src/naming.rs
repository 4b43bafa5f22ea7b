//! Turns whatever people write in headers and file names into names that GraphQL accepts.
//! It exists so that every label, however hostile, yields one legal, readable, unique name.
//! It never fails, and never gives a name that begins with a digit or `_` or is longer than 63 characters.

use std::collections::HashSet;

/// The longest name, in bytes (PostgreSQL's limit for identifiers).
pub const MAX_NAME_BYTES: usize = 63;

/// Labels are read up to here; what follows cannot change a name of 63 characters for the better.
const MAX_LABEL_CHARS: usize = 256;

/// Names that a column cannot have.
const RESERVED_FIELDS: &[&str] = &["nodeid", "true", "false", "null"];

/// Names that a dataset cannot have: its type or its fields would be those of Sluice or of GraphQL.
const RESERVED_DATASETS: &[&str] = &[
    "bigint",
    "boolean",
    "column",
    "columns",
    "date",
    "datetime",
    "dataset",
    "datasets",
    "decimal",
    "drift",
    "evidence",
    "false",
    "float",
    "id",
    "index",
    "inspect",
    "int",
    "job",
    "jobs",
    "json",
    "localdatetime",
    "localtime",
    "me",
    "mutation",
    "node",
    "notice",
    "null",
    "orderby",
    "pageinfo",
    "principal",
    "query",
    "reject",
    "relation",
    "schema",
    "source",
    "string",
    "subscription",
    "true",
    "upload",
    "uuid",
    "workspace",
];

/// A name and whether it says something else than the label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The legal name.
    pub name: String,
    /// Whether more than case and separators was changed, so that it deserves a notice.
    pub changed: bool,
}

/// Names that are in use; compared ignoring case, because SQLite's columns are.
#[derive(Clone, Debug, Default)]
pub struct Taken(HashSet<String>);

impl Taken {
    /// Marks a name as in use.
    pub fn insert(&mut self, name: &str) {
        self.0.insert(name.to_ascii_lowercase());
    }

    /// Tells whether a name is in use.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(&name.to_ascii_lowercase())
    }
}

impl<S: AsRef<str>> FromIterator<S> for Taken {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self(names.into_iter().map(|name| name.as_ref().to_ascii_lowercase()).collect())
    }
}

/// Names a column after its label: camelCase, legal, not in `taken` (which the caller extends).
///
/// `position` is the column's place from 1 on; a label without a letter or digit becomes `column{position}`.
pub fn field_name(label: &str, position: usize, taken: &Taken) -> Name {
    let (words, changed) = words_of(label);
    let base = match words.is_empty() {
        true => format!("column{position}"),
        false => legal(camel_case(&words), "column"),
    };
    let reserved = RESERVED_FIELDS.contains(&base.to_ascii_lowercase().as_str());
    let base = if reserved { format!("{base}Value") } else { base };
    finish(&base, label, changed || reserved, taken)
}

/// Names a dataset after the name given or the file's name (its last extensions are taken off).
pub fn dataset_name(given: &str, taken: &Taken) -> Name {
    let (words, changed) = words_of(without_extension(given));
    let base = match words.is_empty() {
        true => "dataset1".to_owned(),
        false => legal(camel_case(&words), "dataset"),
    };
    let reserved = RESERVED_DATASETS.contains(&base.to_ascii_lowercase().as_str());
    let base = if reserved { format!("{base}Data") } else { base };
    finish(&base, given, changed || reserved, taken)
}

/// Returns the type name of a field or dataset name: `orderItems` → `OrderItems`.
pub fn type_name(field: &str) -> String {
    let mut chars = field.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + chars.as_str())
}

/// Returns the enum value of a field name: `orderDate` → `ORDER_DATE`; different names give different values.
pub fn enum_name(field: &str) -> String {
    let mut out = String::with_capacity(field.len() + 4);
    for (place, char) in field.chars().enumerate() {
        if place > 0 && char.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(char.to_ascii_uppercase());
    }
    out
}

fn finish(base: &str, label: &str, changed: bool, taken: &Taken) -> Name {
    let mut name = cut(base, MAX_NAME_BYTES).to_owned();
    let mut suffix = 2_u64;
    while taken.contains(&name) {
        let digits = suffix.to_string();
        name = cut(base, MAX_NAME_BYTES - digits.len()).to_owned() + &digits;
        suffix += 1;
    }
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let changed = changed || plain(cut(label, 400)) != plain(&name);
    Name { name, changed }
}

/// Cuts at a character boundary.
pub(crate) fn cut(text: &str, max_bytes: usize) -> &str {
    let mut end = max_bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

fn without_extension(file_name: &str) -> &str {
    const KNOWN: &[&str] = &[
        "csv", "tsv", "psv", "tab", "txt", "gz", "zst", "zip", "xlsx", "xlsm", "xls", "xlsb",
        "ods", "json", "ndjson", "jsonl", "parquet", "dat",
    ];
    let mut name = file_name.rsplit(['/', '\\']).next().unwrap_or(file_name);
    while let Some((stem, extension)) = name.rsplit_once('.') {
        if stem.is_empty() || !KNOWN.contains(&extension.to_ascii_lowercase().as_str()) {
            break;
        }
        name = stem;
    }
    name
}

/// Splits a label into ASCII words; the flag tells whether characters were dropped or spelled out.
fn words_of(label: &str) -> (Vec<String>, bool) {
    let mut changed = false;
    let mut ascii = String::new();
    for char in label.chars().take(MAX_LABEL_CHARS) {
        match char {
            '%' => ascii.push_str(" percent "),
            '#' => ascii.push_str(" number "),
            '&' => ascii.push_str(" and "),
            '\'' | '’' => {}
            _ if char.is_ascii_alphanumeric() => ascii.push(char),
            _ if char.is_ascii() => {
                changed |= !matches!(char, ' ' | '_' | '-' | '.' | '/' | '(' | ')');
                ascii.push(' ');
            }
            _ => {
                changed |= !char.is_whitespace();
                match deunicode::deunicode_char(char) {
                    Some(spelled) => ascii.push_str(spelled),
                    None => ascii.push(' '),
                }
            }
        }
    }
    let mut words: Vec<String> = Vec::new();
    for part in ascii.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        split_case(part, &mut words);
    }
    (words, changed)
}

/// Splits `HTTPServerName` into `HTTP`, `Server`, `Name`.
fn split_case(part: &str, words: &mut Vec<String>) {
    let chars: Vec<char> = part.chars().collect();
    let mut word = String::new();
    for (place, &char) in chars.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|place| chars.get(place));
        let after = chars.get(place + 1);
        let begins = char.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        word.push(char);
    }
    if !word.is_empty() {
        words.push(word);
    }
}

fn camel_case(words: &[String]) -> String {
    let mut out = String::new();
    for word in words {
        let word = word.to_ascii_lowercase();
        if out.is_empty() {
            out.push_str(&word);
        } else {
            out.push_str(&type_name(&word));
        }
    }
    out
}

fn legal(name: String, prefix: &str) -> String {
    match name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => name,
        false => format!("{prefix}{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(label: &str, expect: &str) {
        assert_eq!(field_name(label, 3, &Taken::default()).name, expect, "{label:?}");
    }

    #[test]
    fn field_names() {
        check("Order Date", "orderDate");
        check("order_id", "orderId");
        check("ID", "id");
        check("CustomerID", "customerId");
        check("HTTPServerName", "httpServerName");
        check(" cid", "cid");
        check("AÑO", "ano");
        check("Größe (m²)", "grosseM2");
        check("2020", "column2020");
        check("Growth %", "growthPercent");
        check("", "column3");
        check("***", "column3");
        check("__typename", "typename");
        check("nodeId", "nodeIdValue");
        check("customer's", "customers");
        check("日本", "riBen");
    }

    #[test]
    fn datasets_and_types() {
        let taken = Taken::from_iter(["orders"]);
        assert_eq!(dataset_name("Orders.csv", &taken).name, "orders2");
        assert_eq!(dataset_name("/tmp/sales 2024.csv.gz", &taken).name, "sales2024");
        assert_eq!(dataset_name("query.csv", &taken).name, "queryData");
        assert_eq!(dataset_name(".csv", &taken).name, "csv");
        assert_eq!(dataset_name("v1.2", &taken).name, "v12");
        assert_eq!(type_name("orderItems"), "OrderItems");
        assert_eq!(enum_name("orderDate"), "ORDER_DATE");
        assert!(!field_name("Order Date", 1, &taken).changed);
        assert!(field_name("Größe", 1, &taken).changed);
    }

    proptest! {
        #[test]
        fn always_legal_and_unique(labels in proptest::collection::vec("\\PC{0,80}|.{0,2000}|[a-bA-B_ ]{0,3}", 1..20)) {
            let mut taken = Taken::default();
            for (place, label) in labels.iter().enumerate() {
                let name = field_name(label, place + 1, &taken).name;
                prop_assert!(!taken.contains(&name));
                prop_assert!(name.len() <= MAX_NAME_BYTES);
                prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric()));
                taken.insert(&name);
            }
        }
    }
}
