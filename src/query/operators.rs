//! The one table of which operators a column type has.
//!
//! The GraphQL types are made from it, and filters are compiled by it. It says nothing of SQL.

use sluice_schema::ColumnType;

/// A comparison of a column with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Equal to one of a list.
    In,
    /// Equal to none of a list.
    Nin,
    /// Missing (`true`) or present (`false`).
    IsNull,
    /// Fits a pattern of `%` and `_`.
    Like {
        /// Whether case is ignored.
        is_insensitive: bool,
        /// Whether the answer is turned around.
        is_negated: bool,
    },
    /// Begins with.
    StartsWith {
        /// Whether case is ignored.
        is_insensitive: bool,
    },
    /// Ends with.
    EndsWith {
        /// Whether case is ignored.
        is_insensitive: bool,
    },
    /// Holds somewhere.
    Contains {
        /// Whether case is ignored.
        is_insensitive: bool,
    },
    /// Fits a regular expression somewhere.
    Regex {
        /// Whether case is ignored.
        is_insensitive: bool,
        /// Whether the answer is turned around.
        is_negated: bool,
    },
    /// Fits a pattern of SQL's `SIMILAR TO` as a whole.
    Similar {
        /// Whether the answer is turned around.
        is_negated: bool,
    },
    /// Holds a JSON value.
    JsonContains,
    /// Is held by a JSON value.
    JsonContainedIn,
    /// Has a member, or an item, of this name.
    HasKey,
    /// Has any of them.
    HasKeysAny,
    /// Has all of them.
    HasKeysAll,
}

/// What an operator is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A value of the column's type.
    Value,
    /// A list of such values.
    Values,
    /// `true` or `false`.
    Boolean,
    /// A text.
    Text,
    /// A list of texts.
    Texts,
}

impl Operator {
    /// What it is given.
    pub fn operand(self) -> Operand {
        match self {
            Operator::IsNull => Operand::Boolean,
            Operator::In | Operator::Nin => Operand::Values,
            Operator::HasKey => Operand::Text,
            Operator::HasKeysAny | Operator::HasKeysAll => Operand::Texts,
            _ => Operand::Value,
        }
    }
}

/// An operator with its name and what it says about itself.
type Named = (&'static str, Operator, &'static str);

const COMPARISONS: [Named; 9] = [
    ("_eq", Operator::Eq, "Equal to this value."),
    ("_neq", Operator::Neq, "Not equal to this value; rows without a value do not match."),
    ("_gt", Operator::Gt, "Greater than this value."),
    ("_gte", Operator::Gte, "Greater than or equal to this value."),
    ("_lt", Operator::Lt, "Less than this value."),
    ("_lte", Operator::Lte, "Less than or equal to this value."),
    ("_in", Operator::In, "Equal to one of these values; an empty list matches nothing."),
    ("_nin", Operator::Nin, "Equal to none of these values."),
    ("_isNull", Operator::IsNull, "true: the value is missing; false: it is there."),
];

const IGNORING: &str =
    "Case is ignored, letter by letter (Unicode's simple case folding; İ counts as i).";

const JSON: [Named; 5] = [
    (
        "_contains",
        Operator::JsonContains,
        "Holds this value: members, items and nested values, as PostgreSQL's @> tells.",
    ),
    ("_containedIn", Operator::JsonContainedIn, "Is held by this value; see _contains."),
    ("_hasKey", Operator::HasKey, "Is an object with such a member, or a list with such a text."),
    ("_hasKeysAny", Operator::HasKeysAny, "Has any of these; see _hasKey."),
    ("_hasKeysAll", Operator::HasKeysAll, "Has all of these; see _hasKey."),
];

const TEXT: [Named; 16] = {
    use Operator::{Contains, EndsWith, Like, Regex, Similar, StartsWith};
    [
        (
            "_like",
            Like { is_insensitive: false, is_negated: false },
            "Fits a pattern: % stands for any characters, _ for one, \\\\ takes the next as it is.",
        ),
        (
            "_nlike",
            Like { is_insensitive: false, is_negated: true },
            "Does not fit a pattern; see _like.",
        ),
        ("_ilike", Like { is_insensitive: true, is_negated: false }, IGNORING),
        ("_nilike", Like { is_insensitive: true, is_negated: true }, IGNORING),
        ("_startsWith", StartsWith { is_insensitive: false }, "Begins with exactly this text."),
        ("_endsWith", EndsWith { is_insensitive: false }, "Ends with exactly this text."),
        ("_contains", Contains { is_insensitive: false }, "Holds exactly this text somewhere."),
        ("_istartsWith", StartsWith { is_insensitive: true }, IGNORING),
        ("_iendsWith", EndsWith { is_insensitive: true }, IGNORING),
        ("_icontains", Contains { is_insensitive: true }, IGNORING),
        (
            "_regex",
            Regex { is_insensitive: false, is_negated: false },
            "Fits a regular expression somewhere (no look-around, no back-references).",
        ),
        (
            "_nregex",
            Regex { is_insensitive: false, is_negated: true },
            "Does not fit a regular expression.",
        ),
        (
            "_iregex",
            Regex { is_insensitive: true, is_negated: false },
            "Fits a regular expression somewhere, ignoring case.",
        ),
        (
            "_niregex",
            Regex { is_insensitive: true, is_negated: true },
            "Does not fit a regular expression, ignoring case.",
        ),
        (
            "_similar",
            Similar { is_negated: false },
            "Fits a pattern of SQL's SIMILAR TO: % _ | * + ? {m,n} ( ) [ ]; \\\\ takes the next as it is.",
        ),
        ("_nsimilar", Similar { is_negated: true }, "Does not fit a pattern; see _similar."),
    ]
};

/// The operators of a column type, in the order of the schema.
pub fn operators(column_type: ColumnType) -> impl Iterator<Item = &'static Named> {
    let own: &[Named] = match column_type {
        ColumnType::String => &TEXT,
        ColumnType::Json => &JSON,
        _ => &[],
    };
    let is_json = column_type == ColumnType::Json;
    let fits = move |(_, operator, _): &&Named| {
        !is_json || matches!(operator, Operator::Eq | Operator::Neq | Operator::IsNull)
    };
    COMPARISONS.iter().filter(fits).chain(own)
}
