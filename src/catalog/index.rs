//! What an index of a dataset is, what a question wishes for, and whether the one serves the other.
//!
//! Plans, the builder in the background and the catalog share these words; nothing here touches a
//! table.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sluice_schema::ColumnType;

use super::model::{Column, Dataset};

/// An index of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// The index's name in the store.
    pub name: String,
    /// Field names of its columns, in order.
    pub columns: Vec<String>,
    /// Those of them that are in descending order.
    #[serde(default)]
    pub descending: Vec<String>,
    /// What it finds.
    #[serde(default)]
    pub method: IndexMethod,
    /// Who wanted it.
    #[serde(default)]
    pub kind: IndexKind,
    /// Why it exists, in words.
    pub reason: String,
    /// When it was built, microseconds since 1970 UTC.
    pub built_at_us: i64,
    /// Bytes that it took when it was built.
    #[serde(default)]
    pub size_bytes: i64,
    /// When a query was last known to use it, to the day; 0 if never.
    #[serde(default)]
    pub used_at_us: i64,
}

/// Who wanted an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IndexKind {
    /// It holds the key.
    Key,
    /// Somebody asked for it.
    #[default]
    Manual,
    /// A relation leads through it.
    Relation,
    /// Queries did, by what they filter and sort.
    Automatic,
}

/// What an index finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IndexMethod {
    /// Rows by the values of its columns, in their order.
    #[default]
    Ordered,
    /// Rows by words.
    Search,
}

/// What a question filters and sorts by, as far as an index can help.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wish {
    /// Fields compared for equality.
    pub equal: BTreeSet<String>,
    /// A field compared otherwise.
    pub range: Option<String>,
    /// Fields sorted by, and whether in descending order.
    pub order: Vec<(String, bool)>,
    /// Whether words are searched.
    pub is_search: bool,
}

impl Dataset {
    /// The columns that a search by words looks at, in their order.
    pub fn text_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .filter(|column| column.column_type == ColumnType::String && !column.generated)
    }
}

impl Wish {
    /// The columns of an index made for it, and those of them in descending order.
    ///
    /// Equality comes first: then the rest of the index is in the order wanted.
    pub fn columns(&self) -> (Vec<String>, Vec<String>) {
        let mut columns: Vec<String> = self.equal.iter().cloned().collect();
        let mut descending = Vec::new();
        for (field, is_descending) in &self.order {
            if columns.contains(field) {
                continue;
            }
            columns.push(field.clone());
            if *is_descending {
                descending.push(field.clone());
            }
        }
        if let Some(range) = self.range.as_ref().filter(|_| self.order.is_empty())
            && !columns.contains(range)
        {
            columns.push(range.clone());
        }
        (columns, descending)
    }

    /// Whether there is nothing that an index could help with.
    pub fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.range.is_none() && self.order.is_empty() && !self.is_search
    }

    /// What is done, in words: `filtered by status and sorted by amount`.
    pub fn in_words(&self) -> String {
        if self.is_search {
            return "searched by words".to_owned();
        }
        let mut filtered: Vec<&str> = self.equal.iter().map(String::as_str).collect();
        filtered.extend(self.range.as_deref());
        let sorted: Vec<String> = self
            .order
            .iter()
            .map(
                |(field, is_descending)| {
                    if *is_descending { format!("{field} descending") } else { field.clone() }
                },
            )
            .collect();
        match (filtered.is_empty(), sorted.is_empty()) {
            (false, true) => format!("filtered by {}", filtered.join(", ")),
            (true, _) => format!("sorted by {}", sorted.join(", ")),
            (false, false) => {
                format!("filtered by {} and sorted by {}", filtered.join(", "), sorted.join(", "))
            }
        }
    }
}

impl Index {
    /// One that a relation looks rows up by, yet to be named and built.
    pub fn of_relation(field: &str, relation: &str) -> Index {
        Index {
            columns: vec![field.to_owned()],
            kind: IndexKind::Relation,
            reason: format!("the relation {relation} leads through it"),
            ..Index::default()
        }
    }

    /// Whether it finds the rows of a wish in their order.
    pub fn serves(&self, wish: &Wish) -> bool {
        self.covers(wish, |own, wanted| own == wanted)
    }

    /// The same, but for the direction of the order: rows that agree in the first key sorted by
    /// would have to be sorted again.
    pub fn nearly_serves(&self, wish: &Wish) -> bool {
        self.covers(wish, |_, _| true)
    }

    fn covers(&self, wish: &Wish, is_right: impl Fn(bool, bool) -> bool) -> bool {
        if wish.is_search || self.method == IndexMethod::Search {
            return wish.is_search && self.method == IndexMethod::Search;
        }
        if self.kind == IndexKind::Key && self.columns.iter().all(|it| wish.equal.contains(it)) {
            return true;
        }
        let Some((filtered, rest)) = self.columns.split_at_checked(wish.equal.len()) else {
            return false;
        };
        if !filtered.iter().all(|column| wish.equal.contains(column)) {
            return false;
        }
        if wish.order.is_empty() {
            return wish.range.is_none() || wish.range.as_ref() == rest.first();
        }
        let wanted = || wish.order.iter().filter(|(field, _)| !wish.equal.contains(field));
        wanted().count() <= rest.len()
            && wanted().zip(rest).all(|((field, is_descending), column)| {
                field == column && is_right(self.descending.contains(column), *is_descending)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(equal: &[&str], range: Option<&str>, order: &[(&str, bool)]) -> Wish {
        Wish {
            equal: equal.iter().map(|&field| field.to_owned()).collect(),
            range: range.map(str::to_owned),
            order: order.iter().map(|(field, down)| ((*field).to_owned(), *down)).collect(),
            is_search: false,
        }
    }

    fn index(columns: &[&str], descending: &[&str]) -> Index {
        Index {
            columns: columns.iter().map(|&field| field.to_owned()).collect(),
            descending: descending.iter().map(|&field| field.to_owned()).collect(),
            ..Index::default()
        }
    }

    #[test]
    fn an_index_made_for_a_wish_serves_it() {
        for (wish, columns, words) in [
            (wish(&["b", "a"], None, &[]), vec!["a", "b"], "filtered by a, b"),
            (
                wish(&["a"], Some("c"), &[("b", true)]),
                vec!["a", "b"],
                "filtered by a, c and sorted by b descending",
            ),
            (wish(&[], Some("c"), &[]), vec!["c"], "filtered by c"),
            (
                wish(&[], None, &[("b", false), ("c", true)]),
                vec!["b", "c"],
                "sorted by b, c descending",
            ),
            (
                wish(&["a"], None, &[("a", false), ("b", false)]),
                vec!["a", "b"],
                "filtered by a and sorted by a, b",
            ),
        ] {
            let (made, descending) = wish.columns();
            assert_eq!(made, columns);
            assert_eq!(wish.in_words(), words);
            let made = Index { columns: made, descending, ..Index::default() };
            assert!(made.serves(&wish), "{words}");
        }
    }

    #[test]
    fn directions_and_places_matter() {
        let up = index(&["status", "amount"], &[]);
        let down = index(&["status", "amount"], &["amount"]);
        let ascending = wish(&["status"], None, &[("amount", false)]);
        let descending = wish(&["status"], None, &[("amount", true)]);
        assert!(up.serves(&ascending) && down.serves(&descending));
        assert!(!up.serves(&descending) && !down.serves(&ascending));
        assert!(up.nearly_serves(&descending));
        assert!(!up.serves(&wish(&["amount"], None, &[])));
        assert!(up.serves(&wish(&["status"], Some("amount"), &[])));
        assert!(!up.serves(&wish(&["status", "amount", "c"], None, &[])));
        assert!(!up.serves(&wish(&["status"], None, &[("amount", false), ("c", false)])));
        let key = Index { kind: IndexKind::Key, ..index(&["id"], &[]) };
        assert!(key.serves(&wish(&["id", "status"], None, &[("amount", true)])));
        let search = Index { method: IndexMethod::Search, ..Index::default() };
        assert!(search.serves(&Wish { is_search: true, ..Wish::default() }));
        assert!(!search.serves(&ascending));
    }
}
