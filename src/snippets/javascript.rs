//! For JavaScript: `fetch`, Apollo Client, urql.

use serde_json::Value;

use super::RowSource;
use super::quote::{comment, template, text, value};

/// With what browsers and Node.js have.
pub(super) fn fetch(source: &RowSource, base: &str) -> String {
    if source.is_saved {
        return fetch_saved(source, base);
    }
    let Parts { name, url, document, variables, field, .. } = Parts::of(source, base);
    format!(
        "\
// {name}. Node.js 18 or newer, as a module; SLUICE_KEY holds the key.
// BigInt and Decimal are texts, since numbers of JavaScript lose digits.
const query = {document};
const variables = {variables};

const response = await fetch({url}, {{
  method: \"POST\",
  headers: {{ \"content-type\": \"application/json\", \"x-api-key\": process.env.SLUICE_KEY }},
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
fn fetch_saved(source: &RowSource, base: &str) -> String {
    let (name, field) = (comment(&source.name), text(&source.field));
    let url = text(&source.json.whole(base));
    format!(
        "\
// {name}. Node.js 18 or newer, as a module; SLUICE_KEY holds the key.
// BigInt and Decimal are texts, since numbers of JavaScript lose digits.
const response = await fetch({url}, {{ headers: {{ \"x-api-key\": process.env.SLUICE_KEY }} }});
const data = await response.json();
if (!response.ok) throw new Error(data.detail);
const rows = data[{field}];
console.log(rows);
"
    )
}

/// With Apollo Client 4.
pub(super) fn apollo(source: &RowSource, base: &str) -> String {
    let Parts { name, url, document, variables, field, scope } = Parts::of(source, base);
    format!(
        "\
// {name}. npm install @apollo/client graphql rxjs; SLUICE_KEY holds the key{scope}.
import {{ ApolloClient, HttpLink, InMemoryCache, gql }} from \"@apollo/client\";

const client = new ApolloClient({{
  link: new HttpLink({{ uri: {url}, headers: {{ \"x-api-key\": process.env.SLUICE_KEY }} }}),
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
pub(super) fn urql(source: &RowSource, base: &str) -> String {
    let Parts { name, url, document, variables, field, scope } = Parts::of(source, base);
    format!(
        "\
// {name}. npm install @urql/core graphql; SLUICE_KEY holds the key{scope}.
import {{ Client, cacheExchange, fetchExchange, gql }} from \"@urql/core\";

const client = new Client({{
  url: {url},
  exchanges: [cacheExchange, fetchExchange],
  preferGetMethod: false,
  fetchOptions: () => ({{ headers: {{ \"x-api-key\": process.env.SLUICE_KEY }} }}),
}});

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
    /// What the key must be for.
    scope: &'static str,
}

impl Parts {
    fn of(source: &RowSource, base: &str) -> Parts {
        Parts {
            name: comment(&source.name),
            url: text(&format!("{base}/graphql")),
            document: template(&source.document),
            variables: value(&Value::Object(source.variables.clone())),
            field: text(&source.field),
            // A key for saved queries alone asks at their own addresses.
            scope: if source.is_saved { ", of the scope read" } else { "" },
        }
    }
}
