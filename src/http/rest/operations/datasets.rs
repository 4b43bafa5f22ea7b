//! Datasets: what they are, and what is done with them as a whole.

use axum::http::Method;

use super::{Kind, Operation, PAGE, may, needed, path, query, wanted};

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
        method: Method::PUT,
        path: "/api/v1/datasets/{name}",
        id: "defineDataset",
        summary: "Makes an empty dataset of columns",
        document: concat!(
            "mutation($name: String!, $columns: [NewColumnInput!]!, $key: String, $description: String) { data: createDataset(name: $name, columns: $columns, key: $key, description: $description) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[
            path("name"),
            needed("columns", Kind::Any),
            may("key", Kind::Text),
            may("description", Kind::Text),
        ],
        status: 201,
    },
    Operation {
        method: Method::PUT,
        path: "/api/v1/datasets/{name}/description",
        id: "describeDataset",
        summary: "Says what a dataset, or one of its columns, is",
        document: concat!(
            "mutation($name: String!, $column: String, $description: String) { data: setDescription(dataset: $name, column: $column, description: $description) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name"), may("column", Kind::Text), may("description", Kind::Text)],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/truncate",
        id: "truncateDataset",
        summary: "Removes all rows",
        document: concat!(
            "mutation($name: String!) { data: truncateDataset(name: $name) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name")],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/copy",
        id: "copyDataset",
        summary: "Makes a dataset of the same rows",
        document: concat!(
            "mutation($name: String!, $to: String!) { data: copyDataset(from: $name, to: $to) { job { ",
            job_fields!(),
            " } } }"
        ),
        inputs: &[path("name"), needed("to", Kind::Text)],
        status: 202,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/revert",
        id: "revertDataset",
        summary: "Brings an earlier version back",
        document: concat!(
            "mutation($name: String!, $version: Int!, $ifVersion: Int) { data: revertDataset(name: $name, version: $version, ifVersion: $ifVersion) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name"), needed("version", Kind::Number), may("ifVersion", Kind::Number)],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/datasets/{name}/diff",
        id: "diffVersions",
        summary: "How two versions differ",
        document: "query($name: String!, $from: Int!, $to: Int!, $limit: Int, $offset: Int) { data: datasetDiff(name: $name, from: $from, to: $to, limit: $limit, offset: $offset) { insertedCount updatedCount deletedCount rows { kind key old new } } }",
        inputs: &[
            path("name"),
            wanted("from", Kind::Number),
            wanted("to", Kind::Number),
            query("limit", Kind::Number),
            query("offset", Kind::Number),
        ],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/reparse",
        id: "reparseDataset",
        summary: "Reads the uploaded file anew, with other options",
        document: concat!(
            "mutation($name: String!, $options: UploadOptions!, $allowLoss: Boolean) { data: reparse(dataset: $name, options: $options, allowLoss: $allowLoss) { job { ",
            job_fields!(),
            " } } }"
        ),
        inputs: &[path("name"), needed("options", Kind::Any), may("allowLoss", Kind::Any)],
        status: 202,
    },
    Operation {
        method: Method::PATCH,
        path: "/api/v1/datasets/{name}/columns/{column}",
        id: "alterColumn",
        summary: "Corrects a column: its type, name, description",
        document: concat!(
            "mutation($name: String!, $column: String!, $type: ColumnType, $newName: String, $description: String, $required: Boolean, $allowLoss: Boolean) { data: alterColumn(dataset: $name, column: $column, type: $type, name: $newName, description: $description, required: $required, allowLoss: $allowLoss) { job { ",
            job_fields!(),
            " } } }"
        ),
        inputs: &[
            path("name"),
            path("column"),
            may("type", Kind::Text),
            may("newName", Kind::Text),
            may("description", Kind::Text),
            may("required", Kind::Any),
            may("allowLoss", Kind::Any),
        ],
        status: 202,
    },
    Operation {
        method: Method::PUT,
        path: "/api/v1/datasets/{name}/key",
        id: "setKey",
        summary: "Chooses the column that names rows",
        document: concat!(
            "mutation($name: String!, $column: String) { data: setKey(dataset: $name, column: $column) { job { ",
            job_fields!(),
            " } } }"
        ),
        inputs: &[path("name"), may("column", Kind::Text)],
        status: 202,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/rejects",
        id: "admitRejects",
        summary: "Adds rows that a load refused, corrected",
        document: concat!(
            "mutation($name: String!, $corrections: [RejectCorrection!]!) { data: admitRejects(dataset: $name, corrections: $corrections) { job { ",
            job_fields!(),
            " } } }"
        ),
        inputs: &[path("name"), needed("corrections", Kind::Any)],
        status: 202,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/datasets/{name}/rejects",
        id: "discardRejects",
        summary: "Forgets the rows that loads refused",
        document: concat!(
            "mutation($name: String!) { data: discardRejects(dataset: $name) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name")],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/indexes",
        id: "createIndex",
        summary: "Builds an index",
        document: concat!(
            "mutation($name: String!, $columns: [String!]!, $descending: [String!]) { data: createIndex(dataset: $name, columns: $columns, descending: $descending) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name"), needed("columns", Kind::Texts), may("descending", Kind::Texts)],
        status: 201,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/search-index",
        id: "createSearchIndex",
        summary: "Builds the index of words",
        document: concat!(
            "mutation($name: String!) { data: createSearchIndex(dataset: $name) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name")],
        status: 201,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/datasets/{name}/indexes/{index}",
        id: "dropIndex",
        summary: "Removes an index",
        document: concat!(
            "mutation($name: String!, $index: String!) { data: dropIndex(dataset: $name, name: $index) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name"), path("index")],
        status: 200,
    },
    Operation {
        method: Method::GET,
        path: "/api/v1/datasets/{name}/relation-suggestions",
        id: "suggestRelations",
        summary: "Relations that the values suggest",
        document: "query($name: String) { data: relationSuggestions(dataset: $name) { name inverseName from column to toColumn coverage orphans evidence } }",
        inputs: &[path("name")],
        status: 200,
    },
    Operation {
        method: Method::POST,
        path: "/api/v1/datasets/{name}/relations",
        id: "addRelation",
        summary: "Links rows to those of a dataset",
        document: "mutation($name: String!, $column: String!, $to: String!, $toColumn: String, $as: String, $inverseName: String) { data: addRelation(from: $name, column: $column, to: $to, toColumn: $toColumn, name: $as, inverseName: $inverseName) { name inverseName from column to toColumn active } }",
        inputs: &[
            path("name"),
            needed("column", Kind::Text),
            needed("to", Kind::Text),
            may("toColumn", Kind::Text),
            may("as", Kind::Text),
            may("inverseName", Kind::Text),
        ],
        status: 201,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/datasets/{name}/relations/{relation}",
        id: "dropRelation",
        summary: "Takes a relation away; rows stay",
        document: concat!(
            "mutation($name: String!, $relation: String!) { data: dropRelation(from: $name, name: $relation) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name"), path("relation")],
        status: 200,
    },
    Operation {
        method: Method::DELETE,
        path: "/api/v1/old-names/{name}",
        id: "dropOldName",
        summary: "Lets a renamed dataset answer to an old name no longer",
        document: concat!(
            "mutation($name: String!) { data: dropOldName(name: $name) { ",
            dataset_fields!(),
            " } }"
        ),
        inputs: &[path("name")],
        status: 200,
    },
];
