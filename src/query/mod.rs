//! Turns a GraphQL operation into one SQL statement per root field, and its rows into JSON bytes.
