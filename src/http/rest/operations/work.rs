//! Jobs and exports, saved queries, trusted documents, webhooks.

use axum::http::Method;

use super::{Kind, Operation, PAGE, may, needed, path, query};

pub(super) static OPERATIONS: &[Operation] = &[
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
        method: Method::PATCH,
        path: "/api/v1/webhooks/{id}",
        id: "updateWebhook",
        summary: "Changes a webhook",
        document: concat!(
            "mutation($id: ID!, $url: String, $events: [WebhookEvent!], $description: String) { data: updateWebhook(id: $id, url: $url, events: $events, description: $description) { ",
            webhook_fields!(),
            " } }"
        ),
        inputs: &[
            path("id"),
            may("url", Kind::Text),
            may("events", Kind::Texts),
            may("description", Kind::Text),
        ],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/webhooks/{id}/enable",
        id: "enableWebhook",
        summary: "Lets a webhook go on, or disables it",
        document: concat!(
            "mutation($id: ID!, $enabled: Boolean) { data: enableWebhook(id: $id, enabled: $enabled) { ",
            webhook_fields!(),
            " } }"
        ),
        inputs: &[path("id"), may("enabled", Kind::Any)],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/webhooks/{id}/secret",
        id: "rotateWebhookSecret",
        summary: "Makes a new secret, told this once",
        document: concat!(
            "mutation($id: ID!) { data: rotateWebhookSecret(id: $id) { secret webhook { ",
            webhook_fields!(),
            " } } }"
        ),
        inputs: &[path("id")],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/webhooks/{id}/deliveries",
        id: "listDeliveries",
        summary: "What a webhook was told and is to be told",
        document: "query($id: ID!, $limit: Int, $offset: Int) { data: webhookDeliveries(webhook: $id, limit: $limit, offset: $offset) { id webhook event body replayOf status attempts responseStatus error createdAt lastAttemptAt nextTryAt finishedAt } }",
        inputs: &[path("id"), query("limit", Kind::Number), query("offset", Kind::Number)],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/webhook-deliveries/{id}/replay",
        id: "replayDelivery",
        summary: "Sends once more what was told",
        document: "mutation($id: ID!) { data: replayDelivery(id: $id) { id webhook event body replayOf status attempts responseStatus error createdAt lastAttemptAt nextTryAt finishedAt } }",
        inputs: &[path("id")],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/trusted-documents",
        id: "listTrustedDocuments",
        summary: "The list of trusted documents",
        document: "query($limit: Int, $offset: Int) { data: trustedDocuments(limit: $limit, offset: $offset) { mode count sizeBytes documents { id sha256 text createdAt } } }",
        inputs: &[query("limit", Kind::Number), query("offset", Kind::Number)],
        status: 200,
    },
    Operation {
        method: Method::PUT,
        path: "/api/v1/trusted-documents/mode",
        id: "setDocumentMode",
        summary: "Which documents are served: ANY, or TRUSTED ones only",
        document: "mutation($mode: DocumentMode!) { data: setDocumentMode(mode: $mode) { mode count sizeBytes } }",
        inputs: &[needed("mode", Kind::Text)],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/explain",
        id: "explainQuery",
        summary: "What a query costs, and how the database runs it",
        document: "query($query: String!, $variables: JSON, $operationName: String) { data: explain(query: $query, variables: $variables, operationName: $operationName) { cost maxCost } }",
        inputs: &[
            needed("query", Kind::Text),
            may("variables", Kind::Any),
            may("operationName", Kind::Text),
        ],
        status: 200,
    },
];
