//! What the catalog answers by REST, a table: each row is a route and the GraphQL document behind it.

use axum::http::Method;

use crate::auth::scopes;
use crate::catalog::model::Scope;

/// A route of the catalog.
pub(super) struct Operation {
    pub(super) method: Method,
    /// As axum and OpenAPI write it.
    pub(super) path: &'static str,
    /// Names it in generated clients.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// Its root field is called `data`.
    pub(super) document: &'static str,
    /// Its variables.
    pub(super) inputs: &'static [Input],
    pub(super) status: u16,
}

impl Operation {
    /// The scope that its root field needs.
    pub(super) fn scope(&self) -> Scope {
        let root = if self.document.starts_with("mutation") { "Mutation" } else { "Query" };
        let field = self.document.split("data: ").nth(1).unwrap_or_default();
        scopes::of_root(root, field.split(['(', ' ']).next().unwrap_or_default())
    }
}

/// A variable of an operation's document.
pub(super) struct Input {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
}

/// Where a variable stands in a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Body,
}

/// What a variable is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Texts,
    Any,
}

const fn path(name: &'static str) -> Input {
    Input { name, place: Place::Path, kind: Kind::Text, is_required: true }
}

const fn query(name: &'static str, kind: Kind) -> Input {
    Input { name, place: Place::Query, kind, is_required: false }
}

const fn needed(name: &'static str, kind: Kind) -> Input {
    Input { name, place: Place::Body, kind, is_required: true }
}

const fn may(name: &'static str, kind: Kind) -> Input {
    Input { name, place: Place::Body, kind, is_required: false }
}

macro_rules! dataset_fields {
    () => {
        "id name label description typeName status version rowCount sizeBytes rejectCount oldNames createdAt updatedAt columns { name label type graphqlType nullable required declared unique generated description }"
    };
}

macro_rules! job_fields {
    () => {
        "id kind status phase datasetName progress { bytesDone bytesTotal rowsDone rowsPerSecond remainingSeconds } counts { inserted updated unchanged rejected } unchanged file { path name sizeBytes expiresAt } createdAt startedAt finishedAt error { code message }"
    };
}

macro_rules! key_fields {
    () => {
        "prefix name scope role datasets claims savedQueries active createdAt createdBy expiresAt revokedAt lastUsedAt"
    };
}

macro_rules! policy_fields {
    () => {
        "dataset role filter check columns masks { column mask } operations maxRows updatedBy updatedAt"
    };
}

macro_rules! saved_fields {
    () => {
        "name path document description variables { name type required default } maxAge requestsPerMinute protected problems createdAt updatedAt updatedBy"
    };
}

macro_rules! webhook_fields {
    () => {
        "id dataset url events description enabled disabledReason disabledAt failureCount pendingCount createdAt createdBy updatedAt"
    };
}

const PAGE: [Input; 2] = [query("limit", Kind::Number), query("offset", Kind::Number)];

/// All of them; the upload is a route of its own.
pub(super) static OPERATIONS: &[Operation] = &[
    Operation {
        method: Method::GET,
        path: "/api/v1/datasets",
        id: "listDatasets",
        summary: "The datasets",
        document: concat!(
            "query($limit: Int, $offset: Int) { data: datasets(limit: $limit, offset: $offset) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &PAGE,
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/datasets/{name}",
        id: "getDataset",
        summary: "A dataset with its columns",
        document: concat!(
            "query($name: String!) { data: dataset(name: $name) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name")],
        status: 200,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/datasets/{name}",
        id: "dropDataset",
        summary: "Removes a dataset",
        document: "mutation($name: String!) { data: dropDataset(dataset: $name) { name } }",
        inputs: &[path("name")],
        status: 204,
    },
    Operation {
        method: Method::PATCH,
        path: "/api/v1/datasets/{name}",
        id: "renameDataset",
        summary: "Gives a dataset another name; the old one is still answered to",
        document: concat!(
            "mutation($name: String!, $newName: String!) { data: renameDataset(dataset: $name, name: $newName) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name"), needed("newName", Kind::Text)],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/datasets/{name}/versions",
        id: "listVersions",
        summary: "What a dataset was: its versions, newest first",
        document: "query($name: String!, $limit: Int, $offset: Int) { data: datasetVersions(name: $name, limit: $limit, offset: $offset) { version at actor action rowCount insertedCount updatedCount deletedCount isKept canRevert } }",
        inputs: &[path("name"), query("limit", Kind::Number), query("offset", Kind::Number)],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/jobs",
        id: "listJobs",
        summary: "The jobs, newest first",
        document: concat!(
            "query($limit: Int, $offset: Int) { data: jobs(limit: $limit, offset: $offset) { ",
            job_fields!(),
            " } }"
        ),
        inputs: &PAGE,
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/jobs/{id}",
        id: "getJob",
        summary: "A job",
        document: concat!("query($id: ID!) { data: job(id: $id) { ", job_fields!(), " } }"),
        inputs: &[path("id")],
        status: 200,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/jobs/{id}",
        id: "cancelJob",
        summary: "Asks a job to end",
        document: concat!(
            "mutation($id: ID!) { data: cancelJob(id: $id) { ",
            job_fields!(),
            " } }"
        ),
        inputs: &[path("id")],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/jobs/{id}/retry",
        id: "retryJob",
        summary: "Does the work of a failed job once more",
        document: concat!("mutation($id: ID!) { data: retryJob(id: $id) { ", job_fields!(), " } }"),
        inputs: &[path("id")],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/keys",
        id: "listKeys",
        summary: "The API keys; their secrets are not kept",
        document: concat!(
            "query($limit: Int, $offset: Int) { data: keys(limit: $limit, offset: $offset) { ",
            key_fields!(),
            " } }"
        ),
        inputs: &PAGE,
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/keys",
        id: "createKey",
        summary: "Makes an API key; its secret is told this once",
        document: concat!(
            "mutation($name: String!, $scope: Scope, $role: String, $datasets: [String!], $claims: JSON, $savedQueries: [String!], $days: Int) { data: createKey(name: $name, scope: $scope, role: $role, datasets: $datasets, claims: $claims, savedQueries: $savedQueries, days: $days) { key apiKey { ",
            key_fields!(),
            " } } }"
        ),
        inputs: &[
            needed("name", Kind::Text),
            may("scope", Kind::Text),
            may("role", Kind::Text),
            may("datasets", Kind::Texts),
            may("claims", Kind::Any),
            may("savedQueries", Kind::Texts),
            may("days", Kind::Number),
        ],
        status: 201,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/keys/{prefix}/rotate",
        id: "rotateKey",
        summary: "Makes a key like another, which ends after a while",
        document: concat!(
            "mutation($prefix: String!, $overlapSeconds: Int) { data: rotateKey(prefix: $prefix, overlapSeconds: $overlapSeconds) { key apiKey { ",
            key_fields!(),
            " } } }"
        ),
        inputs: &[path("prefix"), may("overlapSeconds", Kind::Number)],
        status: 201,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/keys/{prefix}",
        id: "revokeKey",
        summary: "Ends a key",
        document: "mutation($prefix: String!) { data: revokeKey(prefix: $prefix) { prefix } }",
        inputs: &[path("prefix")],
        status: 204,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/policies",
        id: "listPolicies",
        summary: "The policies of roles",
        document: concat!(
            "query($dataset: String) { data: policies(dataset: $dataset) { ",
            policy_fields!(),
            " } }"
        ),
        inputs: &[query("dataset", Kind::Text)],
        status: 200,
    },
    Operation {
        method: Method::PUT,
        path: "/api/v1/policies/{dataset}/{role}",
        id: "setPolicy",
        summary: "Says what a role sees and changes of a dataset",
        document: concat!(
            "mutation($dataset: String!, $role: String!, $filter: JSON, $check: JSON, $columns: [String!], $masks: [ColumnMaskInput!], $operations: [PolicyOperation!], $maxRows: Int) { data: setPolicy(dataset: $dataset, role: $role, filter: $filter, check: $check, columns: $columns, masks: $masks, operations: $operations, maxRows: $maxRows) { ",
            policy_fields!(),
            " } }"
        ),
        inputs: &[
            path("dataset"),
            path("role"),
            may("filter", Kind::Any),
            may("check", Kind::Any),
            may("columns", Kind::Texts),
            may("masks", Kind::Any),
            may("operations", Kind::Texts),
            may("maxRows", Kind::Number),
        ],
        status: 200,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/policies/{dataset}/{role}",
        id: "dropPolicy",
        summary: "Takes a role's policy away: it sees nothing of the dataset",
        document: "mutation($dataset: String!, $role: String!) { data: dropPolicy(dataset: $dataset, role: $role) { role } }",
        inputs: &[path("dataset"), path("role")],
        status: 204,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/jobs/export",
        id: "startExport",
        summary: "Makes a file of a dataset's rows in the background; the job tells where it is",
        document: concat!(
            "mutation($dataset: String!, $format: ExportFormat!, $where: JSON, $orderBy: JSON, $columns: [String!], $search: String, $limit: Int, $offset: Int, $delimiter: String, $header: ExportHeader, $bom: Boolean, $guard: Boolean, $decimalComma: Boolean) { data: export(dataset: $dataset, format: $format, where: $where, orderBy: $orderBy, columns: $columns, search: $search, limit: $limit, offset: $offset, delimiter: $delimiter, header: $header, bom: $bom, guard: $guard, decimalComma: $decimalComma) { ",
            job_fields!(),
            " } }"
        ),
        inputs: &[
            needed("dataset", Kind::Text),
            needed("format", Kind::Text),
            may("where", Kind::Any),
            may("orderBy", Kind::Any),
            may("columns", Kind::Texts),
            may("search", Kind::Text),
            may("limit", Kind::Number),
            may("offset", Kind::Number),
            may("delimiter", Kind::Text),
            may("header", Kind::Text),
            may("bom", Kind::Any),
            may("guard", Kind::Any),
            may("decimalComma", Kind::Any),
        ],
        status: 202,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/saved-queries",
        id: "listSavedQueries",
        summary: "The saved queries that this key can run",
        document: concat!("query { data: savedQueries { ", saved_fields!(), " } }"),
        inputs: &[],
        status: 200,
    },
    Operation {
        method: Method::PUT,
        path: "/api/v1/saved-queries/{name}",
        id: "saveQuery",
        summary: "Saves a query: GET /q/{name} answers it",
        document: concat!(
            "mutation($name: String!, $document: String!, $description: String, $maxAge: Int, $requestsPerMinute: Int, $protected: Boolean) { data: saveQuery(name: $name, document: $document, description: $description, maxAge: $maxAge, requestsPerMinute: $requestsPerMinute, protected: $protected) { ",
            saved_fields!(),
            " } }"
        ),
        inputs: &[
            path("name"),
            needed("document", Kind::Text),
            may("description", Kind::Text),
            may("maxAge", Kind::Number),
            may("requestsPerMinute", Kind::Number),
            may("protected", Kind::Any),
        ],
        status: 200,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/saved-queries/{name}",
        id: "dropSavedQuery",
        summary: "Removes a saved query",
        document: "mutation($name: String!) { data: dropSavedQuery(name: $name) { name } }",
        inputs: &[path("name")],
        status: 204,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/webhooks",
        id: "listWebhooks",
        summary: "The webhooks",
        document: concat!(
            "query($dataset: String) { data: webhooks(dataset: $dataset) { ",
            webhook_fields!(),
            " } }"
        ),
        inputs: &[query("dataset", Kind::Text)],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/webhooks",
        id: "createWebhook",
        summary: "Makes a webhook; its secret is told this once",
        document: concat!(
            "mutation($dataset: String!, $url: String!, $events: [WebhookEvent!]!, $description: String) { data: createWebhook(dataset: $dataset, url: $url, events: $events, description: $description) { secret webhook { ",
            webhook_fields!(),
            " } } }"
        ),
        inputs: &[
            needed("dataset", Kind::Text),
            needed("url", Kind::Text),
            needed("events", Kind::Texts),
            may("description", Kind::Text),
        ],
        status: 201,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/webhooks/{id}",
        id: "dropWebhook",
        summary: "Removes a webhook",
        document: "mutation($id: ID!) { data: dropWebhook(id: $id) { id } }",
        inputs: &[path("id")],
        status: 204,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/audit",
        id: "listAudit",
        summary: "Who did what, newest first",
        document: "query($limit: Int, $offset: Int) { data: auditLog(limit: $limit, offset: $offset) { id at actor address requestId action target outcome } }",
        inputs: &PAGE,
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/me",
        id: "me",
        summary: "Who asks, and what that may do",
        document: "{ data: me { keyPrefix name scope role datasets claims expiresAt isAnonymous isOperator } }",
        inputs: &[],
        status: 200,
    },
];
