//! The catalog's tables as sea-orm entities, column by column as the migrations make them.
//!
//! They exist so that every statement of the catalog is checked by the compiler. They hold plain
//! texts and numbers; [`super::convert`] turns them into the nouns of [`super::model`].

#![expect(unreachable_pub, reason = "sea-orm's derives name these types in public traits")]

/// Single facts by name.
pub(crate) mod meta {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "meta")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub value: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Tenants, with the counters that grow under a lock on their row.
pub(crate) mod workspaces {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "workspaces")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub name: String,
        pub revision: i64,
        pub schema_revision: i64,
        pub last_job_number: i64,
        pub created_at_us: i64,
        pub document_mode: String,
        pub documents_revision: i64,
        pub saved_revision: i64,
        pub public_read: Option<String>,
        pub max_datasets: Option<i64>,
        pub max_bytes: Option<i64>,
        pub max_rows: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Documents that clients may name, by workspace.
pub(crate) mod documents {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "documents")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub sha256: String,
        pub text: String,
        pub size_bytes: i64,
        pub created_at_us: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Documents that answer at an address of their own, by workspace.
pub(crate) mod saved_queries {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "saved_queries")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub document: String,
        pub description: Option<String>,
        pub max_age_s: Option<i64>,
        pub requests_per_minute: Option<i64>,
        pub is_protected: bool,
        pub updated_by: String,
        pub created_at_us: i64,
        pub updated_at_us: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Uploaded bytes, by content.
pub(crate) mod sources {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sources")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sha256: String,
        pub file_name: String,
        pub size_bytes: i64,
        pub created_at_us: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The present version of each dataset.
pub(crate) mod datasets {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "datasets")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub workspace_id: String,
        pub name: String,
        pub type_name: String,
        pub label: String,
        pub description: Option<String>,
        pub version: i64,
        pub revision: i64,
        pub row_count: i64,
        pub size_bytes: i64,
        pub key_index: i64,
        pub storage: String,
        pub columns: String,
        pub indexes: String,
        pub relations: String,
        pub old_names: String,
        pub notices: String,
        pub source_sha256: Option<String>,
        pub source_file_name: Option<String>,
        pub source_size_bytes: Option<i64>,
        pub recipe: String,
        pub n_rejects: i64,
        pub created_at_us: i64,
        pub updated_at_us: i64,
        pub next_row: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What datasets were.
pub(crate) mod dataset_versions {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dataset_versions")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub dataset_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub version: i64,
        pub workspace_id: String,
        pub at_us: i64,
        pub actor: String,
        pub action: String,
        pub storage: String,
        pub n_inserted: i64,
        pub n_updated: i64,
        pub n_deleted: i64,
        pub row_count: i64,
        pub next_row: Option<i64>,
        pub shape: Option<String>,
        pub job_id: Option<String>,
        pub file_name: Option<String>,
        pub fingerprint: Option<String>,
        pub has_log: Option<bool>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What datasets were on each day.
pub(crate) mod dataset_days {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "dataset_days")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub dataset_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: i64,
        pub n_reads: i64,
        pub row_count: i64,
        pub size_bytes: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Answers of writes that may be sent again.
pub(crate) mod write_answers {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "write_answers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub actor: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub request_id: String,
        pub sha256: String,
        pub answer: String,
        pub at_us: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Replaced tables of the store that wait for their last reader.
pub(crate) mod retired_tables {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "retired_tables")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub storage: String,
        pub workspace_id: String,
        pub retired_at_us: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Background work: the queue and its history.
pub(crate) mod jobs {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "jobs")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub workspace_id: String,
        pub number: i64,
        pub kind: String,
        pub status: String,
        pub phase: Option<String>,
        pub dataset_name: String,
        pub dataset_label: String,
        pub mode: String,
        pub source_sha256: String,
        pub source_file_name: String,
        pub source_size_bytes: i64,
        pub options: String,
        pub error_code: Option<String>,
        pub error_message: Option<String>,
        pub datasets: String,
        pub notices: String,
        pub row_count: i64,
        pub outcome: String,
        pub request_id: Option<String>,
        pub node: String,
        pub heartbeat_at_us: i64,
        pub attempts: i64,
        pub is_cancel_asked: bool,
        pub created_at_us: i64,
        pub started_at_us: Option<i64>,
        pub finished_at_us: Option<i64>,
        pub created_by: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Rows that a load refused.
pub(crate) mod rejects {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "rejects")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub workspace_id: String,
        pub dataset_id: String,
        pub version: i64,
        pub row: i64,
        pub column: String,
        pub reject: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// API keys, by the keyed hash of their text.
pub(crate) mod keys {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "keys")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub prefix: String,
        pub hash: String,
        pub name: String,
        pub scope: String,
        pub workspace_id: String,
        pub created_at_us: i64,
        pub expires_at_us: Option<i64>,
        pub revoked_at_us: Option<i64>,
        pub last_used_at_us: Option<i64>,
        pub role: Option<String>,
        pub datasets: Option<String>,
        pub claims: Option<String>,
        pub created_by: Option<String>,
        pub saved_queries: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What roles may see and do, by dataset and role.
pub(crate) mod policies {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "policies")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub dataset_id: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub role: String,
        pub workspace_id: String,
        pub rules: String,
        pub updated_by: String,
        pub updated_at_us: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who did what.
pub(crate) mod audit {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub workspace_id: String,
        pub at_us: i64,
        pub actor: String,
        pub address: Option<String>,
        pub request_id: Option<String>,
        pub action: String,
        pub target: Option<String>,
        pub outcome: String,
        pub details: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Who is told about changes of a dataset.
pub(crate) mod webhooks {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhooks")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub workspace_id: String,
        pub dataset_id: String,
        pub url: String,
        pub events: String,
        pub description: Option<String>,
        pub secret_number: i64,
        pub is_enabled: bool,
        pub disabled_reason: Option<String>,
        pub disabled_at_us: Option<i64>,
        pub n_failures: i64,
        pub due_at_us: Option<i64>,
        pub leased_by: Option<String>,
        pub created_by: Option<String>,
        pub created_at_us: i64,
        pub updated_at_us: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What webhooks are to be told, and were.
pub(crate) mod webhook_deliveries {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "webhook_deliveries")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub number: i64,
        pub id: String,
        pub workspace_id: String,
        pub webhook_id: String,
        pub event: String,
        pub body: String,
        pub replay_of: Option<String>,
        pub status: String,
        pub attempts: i64,
        pub response_status: Option<i64>,
        pub error: Option<String>,
        pub created_at_us: i64,
        pub first_attempt_at_us: Option<i64>,
        pub last_attempt_at_us: Option<i64>,
        pub next_try_at_us: Option<i64>,
        pub finished_at_us: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
