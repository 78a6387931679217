use sea_orm::entity::prelude::*;
use sea_orm::sea_query::SimpleExpr;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "packages")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub feed_id: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    #[sea_orm(column_type = "Text")]
    pub name: String,
    #[sea_orm(column_type = "Text")]
    pub display: String,
    pub revision: i64,
    pub live_versions: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Whether people are shown the package: it is none of
/// [`pakhus_core::PackageName::is_companion`].
pub(crate) fn is_shown() -> SimpleExpr {
    Column::Name.not_like(".%")
}
