//! Turns the vocabulary of column types into Rust: what a column may be and what one cell then is.
//! It exists so that inference, coercion, both stores and the GraphQL layer mean the same thing by `DECIMAL`.
//! It never parses text and never formats it.

use serde::{Deserialize, Serialize};

/// The type of a column, as the catalog and the GraphQL schema know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// Whole numbers of 32 bits.
    Int,
    /// Whole numbers of 64 bits.
    #[serde(rename = "BIGINT")]
    BigInt,
    /// Exact decimals of at most 18 digits.
    Decimal {
        /// How many digits in all, 1 to 18.
        precision: u8,
        /// How many of them stand after the decimal mark.
        scale: u8,
    },
    /// Double-precision numbers.
    Float,
    /// Days of the calendar.
    Date,
    /// Times of a day, without a zone.
    LocalTime,
    /// A date and a time of day, without a zone.
    LocalDateTime,
    /// An instant, in UTC.
    DateTime,
    /// 128-bit identifiers.
    Uuid,
    /// JSON documents.
    Json,
    /// Text, byte for byte.
    String,
}

impl ColumnType {
    /// Returns the name on the wire, without precision and scale.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Int => "INT",
            Self::BigInt => "BIGINT",
            Self::Decimal { .. } => "DECIMAL",
            Self::Float => "FLOAT",
            Self::Date => "DATE",
            Self::LocalTime => "LOCAL_TIME",
            Self::LocalDateTime => "LOCAL_DATE_TIME",
            Self::DateTime => "DATE_TIME",
            Self::Uuid => "UUID",
            Self::Json => "JSON",
            Self::String => "STRING",
        }
    }

    /// Tells whether empty text is a value of this type (`String`) or can only mean null.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::String)
    }
}

/// One cell, typed; the column says how to read it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A cell of an `Int` or `BigInt` column.
    Int(i64),
    /// The unscaled digits of a decimal at the column's scale; its size stays below 10^18.
    Decimal(i64),
    /// A finite double.
    Float(f64),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds of the day.
    Time(i64),
    /// Microseconds since 1970-01-01T00:00, of the local calendar (`LocalDateTime`) or UTC (`DateTime`).
    Timestamp(i64),
    /// The sixteen bytes in the order they are written.
    Uuid([u8; 16]),
    /// A cell of a `String` or `Json` column, as it was written.
    Text(&'a str),
}

/// A [`Value`] that owns its text.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedValue {
    /// Everything that needs no memory of its own; never [`Value::Text`].
    Plain(Value<'static>),
    /// A cell of a `String` or `Json` column.
    Text(String),
}

impl OwnedValue {
    /// Lends the value.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::Text(text) => Value::Text(text),
        }
    }
}

impl From<Value<'_>> for OwnedValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Null => Self::Plain(Value::Null),
            Value::Boolean(v) => Self::Plain(Value::Boolean(v)),
            Value::Int(v) => Self::Plain(Value::Int(v)),
            Value::Decimal(v) => Self::Plain(Value::Decimal(v)),
            Value::Float(v) => Self::Plain(Value::Float(v)),
            Value::Date(v) => Self::Plain(Value::Date(v)),
            Value::Time(v) => Self::Plain(Value::Time(v)),
            Value::Timestamp(v) => Self::Plain(Value::Timestamp(v)),
            Value::Uuid(v) => Self::Plain(Value::Uuid(v)),
        }
    }
}
