//! For JavaScript: `fetch`, Apollo Client, urql.

use serde_json::Value;

use super::quote::{comment, template, text, value};
use super::{Place, RowSource};

/// With what browsers and Node.js have.
pub(super) fn fetch(source: &RowSource, place: &Place) -> String {
    if source.is_saved {
        return fetch_saved(source, place);
    }
    let Parts { name, url, document, variables, field, holds, .. } = Parts::of(source, place);
    let key = place.with_key(", \"x-api-key\": process.env.SLUICE_KEY");
    format!(
        "\
// {name}. Node.js 18 or newer, as a module{holds}.
// BigInt and Decimal are texts, since numbers of JavaScript lose digits.
const query = {document};
const variables = {variables};

const response = await fetch({url}, {{
  method: \"POST\",
  headers: {{ \"content-type\": \"application/json\"{key} }},
  body: JSON.stringify({{ query, variables }}),
}});
const {{ data, errors }} = await response.json();
if (errors) throw new Error(errors[0].message);
const rows = data[{field}];
console.log(rows);
"
    )
}

/// A saved query answers at an address of its own.
fn fetch_saved(source: &RowSource, place: &Place) -> String {
    let Parts { name, field, holds, .. } = Parts::of(source, place);
    let url = text(&source.json.whole(&place.base));
    let key = place.with_key(", { headers: { \"x-api-key\": process.env.SLUICE_KEY } }");
    format!(
        "\
// {name}. Node.js 18 or newer, as a module{holds}.
// BigInt and Decimal are texts, since numbers of JavaScript lose digits.
const response = await fetch({url}{key});
const data = await response.json();
if (!response.ok) throw new Error(data.detail);
const rows = data[{field}];
console.log(rows);
"
    )
}

/// With Apollo Client 4.
pub(super) fn apollo(source: &RowSource, place: &Place) -> String {
    let Parts { name, url, document, variables, field, holds, scope } = Parts::of(source, place);
    let key = place.with_key(", headers: { \"x-api-key\": process.env.SLUICE_KEY }");
    format!(
        "\
// {name}. npm install @apollo/client graphql rxjs{holds}{scope}.
import {{ ApolloClient, HttpLink, InMemoryCache, gql }} from \"@apollo/client\";

const client = new ApolloClient({{
  link: new HttpLink({{ uri: {url}{key} }}),
  cache: new InMemoryCache(),
}});

const query = gql{document};
const variables = {variables};

const {{ data }} = await client.query({{ query, variables }});
const rows = data[{field}];
console.log(rows);
"
    )
}

/// With urql's core, which its bindings share.
pub(super) fn urql(source: &RowSource, place: &Place) -> String {
    let Parts { name, url, document, variables, field, holds, scope } = Parts::of(source, place);
    let key = place.with_key(
        "  fetchOptions: () => ({ headers: { \"x-api-key\": process.env.SLUICE_KEY } }),\n",
    );
    format!(
        "\
// {name}. npm install @urql/core graphql{holds}{scope}.
import {{ Client, cacheExchange, fetchExchange, gql }} from \"@urql/core\";

const client = new Client({{
  url: {url},
  exchanges: [cacheExchange, fetchExchange],
  preferGetMethod: false,
{key}}});

const query = gql{document};
const variables = {variables};

const {{ data, error }} = await client.query(query, variables);
if (error) throw error;
const rows = data[{field}];
console.log(rows);
"
    )
}

/// What the three have in common, quoted.
struct Parts {
    name: String,
    url: String,
    document: String,
    variables: String,
    field: String,
    /// Where the key comes from, behind what else is needed.
    holds: &'static str,
    /// What it must be for.
    scope: &'static str,
}

impl Parts {
    fn of(source: &RowSource, place: &Place) -> Parts {
        Parts {
            name: comment(&source.name),
            url: text(&format!("{}/graphql", place.base)),
            document: template(&source.document),
            variables: value(&Value::Object(source.variables.clone())),
            field: text(&source.field),
            holds: place.with_key("; SLUICE_KEY holds the key"),
            // A key for saved queries alone asks at their own addresses.
            scope: if source.is_saved { place.with_key(", of the scope read") } else { "" },
        }
    }
}
