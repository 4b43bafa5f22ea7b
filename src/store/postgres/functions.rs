//! Adds to PostgreSQL the few functions that statements need so that both stores answer alike.
//!
//! They are made once, in the schema of the data, when they are missing. Their names end in a
//! number, which grows with every change: what runs on the old ones beside us is not disturbed.

use sqlx::{AssertSqlSafe, PgConnection};

use super::SCHEMA;
use sluice_columnar::fold;

/// Folds the case of a text as [`fold::fold`] does.
pub(crate) const FOLD: &str = "sluice_fold_1";
/// The double next to a numeric; null beyond all doubles, where a cast is an error.
pub(crate) const DOUBLE: &str = "sluice_double_1";
/// JSON text as `jsonb`; null where `jsonb` cannot hold it, where a cast is an error.
pub(crate) const JSONB: &str = "sluice_jsonb_1";

/// Name, argument, definition.
type Definition = (&'static str, &'static str, String);

fn definitions() -> [Definition; 4] {
    let fold::Corrections { few, young } = fold::corrections();
    let class = |(from, _): &(String, String)| format!("[{from}]");
    let all = (format!("{}{}", few.0, young.0), format!("{}{}", few.1, young.1));
    let lower = |(from, to): &(String, String)| {
        format!("lower(translate($1, '{from}', '{to}') COLLATE \"und-x-icu\") COLLATE \"C\"")
    };
    [
        (
            FOLD,
            "text",
            // To translate costs 10 ns for each letter of the text and each of the list.
            format!(
                "RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE \
                 WHEN octet_length($1) = char_length($1) THEN lower($1 COLLATE \"C\") \
                 WHEN $1 COLLATE \"C\" !~ '{}' \
                 THEN lower($1 COLLATE \"und-x-icu\") COLLATE \"C\" \
                 WHEN $1 COLLATE \"C\" !~ '{}' THEN {} ELSE {} END $$",
                class(&all),
                class(&young),
                lower(&few),
                lower(&all)
            ),
        ),
        (
            DOUBLE,
            "numeric",
            "RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ \
             SELECT CASE WHEN abs($1) < 2.5e-324 THEN 0::double precision \
             WHEN abs($1) < 1.797693134862315807e308 THEN $1::double precision END $$"
                .to_owned(),
        ),
        (
            "sluice_jsonb_try_1",
            "json",
            "RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL UNSAFE AS $$ \
             BEGIN RETURN $1::jsonb; EXCEPTION WHEN data_exception OR statement_too_complex \
             THEN RETURN NULL; END $$"
                .to_owned(),
        ),
        (
            JSONB,
            "json",
            // Only these can fail; the attempt costs more than all the rest.
            "RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL UNSAFE AS $$ \
             SELECT CASE WHEN $1::text ~ '\\\\u(0000|[dD][89a-fA-F])|[eE][-+]?[0-9]{4}|[0-9]{250}' \
             THEN sluice_data.sluice_jsonb_try_1($1) ELSE $1::jsonb END $$"
                .to_owned(),
        ),
    ]
}

/// Makes those that are missing; the caller holds the lock of the setup.
pub(super) async fn make(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for (name, argument, definition) in definitions() {
        let signature = format!("{SCHEMA}.{name}({argument})");
        let is_there: bool = sqlx::query_scalar("SELECT to_regprocedure($1) IS NOT NULL")
            .bind(&signature)
            .fetch_one(&mut *connection)
            .await?;
        if !is_there {
            let create = format!("CREATE FUNCTION {signature} {definition}");
            sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sha2::Digest;

    use super::*;

    #[test]
    fn a_changed_function_gets_a_new_name() {
        let all: String = definitions()
            .iter()
            .map(|(name, argument, text)| format!("{name}({argument}) {text}\n"))
            .collect();
        let digest = sha2::Sha256::digest(all.as_bytes());
        let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        insta::assert_snapshot!(short);
    }
}
