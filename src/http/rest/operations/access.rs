//! Keys, policies, the audit log, workspaces.

use axum::http::Method;

use super::{Kind, Operation, PAGE, may, needed, path, query, wanted};

pub(super) static OPERATIONS: &[Operation] = &[
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
    Operation {
        method: Method::GET,
        path: "/api/v1/workspace",
        id: "getWorkspace",
        summary: "The workspace of this key",
        document: concat!("query { data: workspace { ", workspace_fields!(), " } }"),
        inputs: &[],
        status: 200,
    },
    Operation {
        method: Method::PUT,
        path: "/api/v1/workspace/public-read",
        id: "setPublicRead",
        summary: "Which datasets are read without a key",
        document: concat!(
            "mutation($all: Boolean, $datasets: [String!]) { data: setPublicRead(all: $all, datasets: $datasets) { ",
            workspace_fields!(),
            " } }"
        ),
        inputs: &[may("all", Kind::Any), may("datasets", Kind::Texts)],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/workspaces",
        id: "listWorkspaces",
        summary: "The workspaces",
        document: concat!("query { data: workspaces { ", workspace_fields!(), " } }"),
        inputs: &[],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/workspaces",
        id: "createWorkspace",
        summary: "Makes a workspace",
        document: concat!(
            "mutation($name: String!) { data: createWorkspace(name: $name) { ",
            workspace_fields!(),
            " } }"
        ),
        inputs: &[needed("name", Kind::Text)],
        status: 201,
    },
    Operation {
        method: Method::PATCH,
        path: "/api/v1/workspaces/{name}",
        id: "renameWorkspace",
        summary: "Gives a workspace another name",
        document: concat!(
            "mutation($name: String!, $newName: String!) { data: renameWorkspace(name: $name, newName: $newName) { ",
            workspace_fields!(),
            " } }"
        ),
        inputs: &[path("name"), needed("newName", Kind::Text)],
        status: 200,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/workspaces/{name}",
        id: "deleteWorkspace",
        summary: "Removes a workspace with all that it holds; confirm repeats its name",
        document: concat!(
            "mutation($name: String!, $confirm: String!) { data: deleteWorkspace(name: $name, confirm: $confirm) { ",
            workspace_fields!(),
            " } }"
        ),
        inputs: &[path("name"), wanted("confirm", Kind::Text)],
        status: 200,
    },
    Operation {
        method: Method::PUT,
        path: "/api/v1/workspaces/{name}/quotas",
        id: "setQuotas",
        summary: "How much a workspace may hold",
        document: concat!(
            "mutation($name: String!, $maxDatasets: Int, $maxBytes: BigInt, $maxRows: BigInt) { data: setQuotas(name: $name, maxDatasets: $maxDatasets, maxBytes: $maxBytes, maxRows: $maxRows) { ",
            workspace_fields!(),
            " } }"
        ),
        inputs: &[
            path("name"),
            may("maxDatasets", Kind::Number),
            may("maxBytes", Kind::Number),
            may("maxRows", Kind::Number),
        ],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/server",
        id: "getServer",
        summary: "The server",
        document: "query { data: server { version startedAt } }",
        inputs: &[],
        status: 200,
    },
];
