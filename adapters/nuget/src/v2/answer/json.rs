//! Answers in the JSON of OData 2.0.

use serde_json::{Map, Value as Json, json};

use super::{Asked, Page};
use crate::v2::property::PROPERTIES;
use crate::v2::row::Row;
use crate::v2::value::Value;

/// A feed of rows.
pub(super) fn feed(asked: &Asked<'_>, page: &Page) -> String {
    let rows: Vec<_> = page.rows.iter().map(|row| object(asked, row)).collect();
    let mut feed = Map::from_iter([("results".to_owned(), Json::from(rows))]);
    // Numbers of 64 bits are texts in this form.
    if let Some(total) = page.total {
        feed.insert("__count".to_owned(), total.to_string().into());
    }
    if let Some(next) = asked.next(page) {
        feed.insert("__next".to_owned(), next.into());
    }
    json!({ "d": feed }).to_string()
}

/// One row, as a document.
pub(super) fn entry(asked: &Asked<'_>, row: &Row) -> String {
    json!({ "d": object(asked, row) }).to_string()
}

fn object(asked: &Asked<'_>, row: &Row) -> Json {
    let (address, content) = (asked.address(row), asked.content(row));
    let about = json!({
        "id": address,
        "uri": address,
        "type": "NuGetGallery.OData.V2FeedPackage",
        "media_src": content,
        "content_type": "application/zip",
    });
    let mut object = Map::from_iter([("__metadata".to_owned(), about)]);
    let all = || PROPERTIES.iter().collect();
    for property in asked.query.select.clone().unwrap_or_else(all) {
        let value = match property.of(row) {
            Value::Null => Json::Null,
            Value::Boolean(flag) => flag.into(),
            Value::Number(number) if property.edm == "Edm.Int64" => number.to_string().into(),
            Value::Number(number) => number.into(),
            Value::Moment(moment) => format!("/Date({})/", moment.millis()).into(),
            Value::Text(text) | Value::Version { text, .. } => text.into_owned().into(),
        };
        object.insert(property.name.to_owned(), value);
    }
    object.into()
}
