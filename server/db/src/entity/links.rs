use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub feed_id: i64,
    #[sea_orm(column_type = "Text")]
    pub source_url: String,
    #[sea_orm(column_type = "Text")]
    pub source_instance: String,
    #[sea_orm(column_type = "Text")]
    pub source_lineage: String,
    pub pull_seq: i64,
    pub witness_seq: i64,
    pub witness_chain: Vec<u8>,
    pub push_seq: i64,
    #[sea_orm(column_type = "Text")]
    pub sources: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
