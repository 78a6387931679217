//! Answers in Atom, as WCF Data Services writes them (OData 2.0).

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::{Asked, Page, key};
use crate::v2::property::{PROPERTIES, Property};
use crate::v2::row::Row;
use crate::v2::value::Value;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

const NAMESPACES: &str = "xmlns=\"http://www.w3.org/2005/Atom\" \
    xmlns:d=\"http://schemas.microsoft.com/ado/2007/08/dataservices\" \
    xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\"";

/// The type of the entries, as the metadata of the service has it.
const CATEGORY: &str = "<category term=\"NuGetGallery.OData.V2FeedPackage\" \
    scheme=\"http://schemas.microsoft.com/ado/2007/08/dataservices/scheme\"/>";

/// A feed of rows. Clients need each of its links to be absolute.
pub(super) fn feed(asked: &Asked<'_>, page: &Page) -> String {
    let service = escape(&*asked.service);
    let set = escape(asked.set);
    let mut text = format!("{HEAD}<feed xml:base=\"{service}/\" {NAMESPACES}>");
    if let Some(total) = page.total {
        let _ = write!(text, "<m:count>{total}</m:count>");
    }
    let updated = page.rows.iter().map(|row| row.record.published_at).max();
    let updated = updated.map_or_else(|| "1970-01-01T00:00:00Z".to_owned(), |at| at.to_string());
    let _ = write!(
        text,
        "<id>{service}/{set}</id><title type=\"text\">{set}</title><updated>{updated}</updated>\
         <link rel=\"self\" title=\"{set}\" href=\"{set}\"/>"
    );
    for row in &page.rows {
        push_entry(&mut text, asked, row, "");
    }
    if let Some(next) = asked.next(page) {
        let _ = write!(text, "<link rel=\"next\" href=\"{}\"/>", escape(next));
    }
    text.push_str("</feed>");
    text
}

/// One row, as a document.
pub(super) fn entry(asked: &Asked<'_>, row: &Row) -> String {
    let mut text = HEAD.to_owned();
    let attributes = format!(" xml:base=\"{}/\" {NAMESPACES}", escape(&*asked.service));
    push_entry(&mut text, asked, row, &attributes);
    text
}

fn push_entry(text: &mut String, asked: &Asked<'_>, row: &Row, attributes: &str) {
    let address = asked.address(row);
    let nuspec = &row.metadata.nuspec;
    // Clients from before 3.0 read the id, authors, summary and the date from these elements alone.
    let _ = write!(
        text,
        "<entry{attributes}><id>{}</id>{CATEGORY}<link rel=\"edit\" title=\"V2FeedPackage\" \
         href=\"{}\"/><title type=\"text\">{}</title><summary type=\"text\">{}</summary>\
         <updated>{}</updated><author><name>{}</name></author>\
         <content type=\"application/zip\" src=\"{}\"/><m:properties>",
        escape(address),
        escape(key(row)),
        escape(&*row.id),
        escape(nuspec.summary.as_deref().unwrap_or_default()),
        row.record.published_at,
        escape(nuspec.authors.as_deref().unwrap_or_default()),
        escape(asked.content(row)),
    );
    let all = || PROPERTIES.iter().collect();
    for property in asked.query.select.clone().unwrap_or_else(all) {
        push_property(text, property, &property.of(row));
    }
    text.push_str("</m:properties></entry>");
}

fn push_property(text: &mut String, property: &Property, value: &Value<'_>) {
    let Property { name, edm, .. } = property;
    let kind = if *edm == "Edm.String" { String::new() } else { format!(" m:type=\"{edm}\"") };
    let value = match value {
        Value::Null => {
            let _ = write!(text, "<d:{name}{kind} m:null=\"true\"/>");
            return;
        }
        Value::Boolean(flag) => flag.to_string().into(),
        Value::Number(number) => number.to_string().into(),
        // Without a zone, as clients parse it.
        Value::Moment(moment) => moment.to_string().trim_end_matches('Z').to_owned().into(),
        Value::Text(value) | Value::Version { text: value, .. } => escape(&**value),
    };
    let _ = write!(text, "<d:{name}{kind}>{value}</d:{name}>");
}
