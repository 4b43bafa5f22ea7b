//! Changes JSON values: `_append`, `_prepend`, `_deleteKey`, as PostgreSQL's `||` and `-` do.

use serde_json::Value as Json;

/// A change of a JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum JsonChange {
    /// Objects are merged, this one wins; all else becomes a list with it at the end.
    Append(Json),
    /// Objects are merged, the one that is there wins; all else becomes a list with it in front.
    Prepend(Json),
    /// A key of an object, or an item of a list that is this text, goes.
    DeleteKey(String),
}

impl JsonChange {
    /// The value after the change.
    pub(super) fn apply(&self, value: Json) -> Json {
        match self {
            JsonChange::Append(more) => joined(value, more.clone()),
            JsonChange::Prepend(more) => joined(more.clone(), value),
            JsonChange::DeleteKey(key) => match value {
                Json::Object(mut map) => {
                    map.shift_remove(key);
                    Json::Object(map)
                }
                Json::Array(items) => {
                    let is_kept = |item: &Json| item.as_str() != Some(key);
                    Json::Array(items.into_iter().filter(is_kept).collect())
                }
                other => other,
            },
        }
    }
}

fn joined(first: Json, second: Json) -> Json {
    match (first, second) {
        (Json::Object(mut first), Json::Object(second)) => {
            first.extend(second);
            Json::Object(first)
        }
        (first, second) => {
            let items = |value| match value {
                Json::Array(items) => items,
                other => vec![other],
            };
            let mut all = items(first);
            all.extend(items(second));
            Json::Array(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_change_as_postgresql_changes_them() {
        let check = |change: JsonChange, before: Json, after: Json| {
            assert_eq!(change.apply(before.clone()), after, "{change:?} {before}");
        };
        check(
            JsonChange::Append(json!({"b": 2})),
            json!({"a": 1, "b": 1}),
            json!({"a": 1, "b": 2}),
        );
        check(JsonChange::Prepend(json!({"b": 2})), json!({"b": 1}), json!({"b": 1}));
        check(JsonChange::Append(json!([3])), json!([1, 2]), json!([1, 2, 3]));
        check(JsonChange::Prepend(json!(0)), json!([1]), json!([0, 1]));
        check(JsonChange::Append(json!(2)), json!(1), json!([1, 2]));
        check(JsonChange::Append(json!({"a": 1})), json!([1]), json!([1, {"a": 1}]));
        check(JsonChange::DeleteKey("a".into()), json!({"a": 1, "b": 2}), json!({"b": 2}));
        check(JsonChange::DeleteKey("a".into()), json!(["a", "b", 1]), json!(["b", 1]));
        check(JsonChange::DeleteKey("a".into()), json!(5), json!(5));
    }
}
