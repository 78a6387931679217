use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "feeds")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub package_type: String,
    #[sea_orm(column_type = "Text")]
    pub anonymous: String,
    #[sea_orm(column_type = "Text")]
    pub origin: String,
    #[sea_orm(column_type = "Text")]
    pub lineage: String,
    pub head: i64,
    pub chain: Vec<u8>,
    pub floor: i64,
    pub first_incarnation: i64,
    #[sea_orm(column_type = "Text")]
    pub server_mode: String,
    #[sea_orm(column_type = "Text")]
    pub client_mode: String,
    pub source_url: Option<String>,
    pub sync_token: Option<String>,
    pub interval_ms: i64,
    pub created_at: i64,
    pub paused: bool,
    pub max_deletes: i64,
    pub max_deletes_percent: i64,
    pub bandwidth: Option<i64>,
    pub concurrency: i64,
    pub keep_trash_ms: i64,
    pub keep_deleted_ms: i64,
    #[sea_orm(column_type = "Text")]
    pub deletes: String,
    pub overwrite: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
