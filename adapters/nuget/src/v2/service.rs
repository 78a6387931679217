//! What the service is, for clients that look before they ask.

use std::fmt::Write as _;

use pakhus_core::Response;
use quick_xml::escape::escape;

use super::answer::respond;
use super::property::PROPERTIES;

/// What clients can call, with the arguments.
const FUNCTIONS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Search",
        &[
            ("searchTerm", "Edm.String"),
            ("targetFramework", "Edm.String"),
            ("includePrerelease", "Edm.Boolean"),
        ],
    ),
    ("FindPackagesById", &[("id", "Edm.String")]),
    (
        "GetUpdates",
        &[
            ("packageIds", "Edm.String"),
            ("versions", "Edm.String"),
            ("includePrerelease", "Edm.Boolean"),
            ("includeAllVersions", "Edm.Boolean"),
            ("targetFrameworks", "Edm.String"),
            ("versionConstraints", "Edm.String"),
        ],
    ),
];

/// Answers `GET` of the service itself, which clients ask before anything else.
pub(super) fn document(service: &str) -> Response {
    let service = escape(service);
    respond(
        "application/xml;charset=utf-8",
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <service xml:base=\"{service}/\" xmlns:atom=\"http://www.w3.org/2005/Atom\" \
             xmlns:app=\"http://www.w3.org/2007/app\" xmlns=\"http://www.w3.org/2007/app\">\
             <workspace><atom:title>Default</atom:title><collection href=\"Packages\">\
             <atom:title>Packages</atom:title></collection></workspace></service>"
        ),
    )
}

/// Answers `GET $metadata`: the type of packages and the functions, in the words of EDMX.
pub(super) fn metadata() -> Response {
    let mut text = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
        <edmx:Edmx Version=\"1.0\" xmlns:edmx=\"http://schemas.microsoft.com/ado/2007/06/edmx\">\
        <edmx:DataServices m:DataServiceVersion=\"2.0\" m:MaxDataServiceVersion=\"2.0\" \
        xmlns:m=\"http://schemas.microsoft.com/ado/2007/08/dataservices/metadata\">\
        <Schema Namespace=\"NuGetGallery.OData\" \
        xmlns=\"http://schemas.microsoft.com/ado/2006/04/edm\">\
        <EntityType Name=\"V2FeedPackage\" m:HasStream=\"true\">\
        <Key><PropertyRef Name=\"Id\"/><PropertyRef Name=\"Version\"/></Key>"
        .to_owned();
    for property in &PROPERTIES {
        let nullable = if property.is_optional { "" } else { " Nullable=\"false\"" };
        let (name, edm) = (property.name, property.edm);
        let _ = write!(text, "<Property Name=\"{name}\" Type=\"{edm}\"{nullable}/>");
    }
    text.push_str(
        "</EntityType></Schema><Schema Namespace=\"NuGetGallery\" \
         xmlns=\"http://schemas.microsoft.com/ado/2006/04/edm\">\
         <EntityContainer Name=\"V2FeedContext\" m:IsDefaultEntityContainer=\"true\">\
         <EntitySet Name=\"Packages\" EntityType=\"NuGetGallery.OData.V2FeedPackage\"/>",
    );
    for (name, arguments) in FUNCTIONS {
        let _ = write!(
            text,
            "<FunctionImport Name=\"{name}\" EntitySet=\"Packages\" m:HttpMethod=\"GET\" \
             ReturnType=\"Collection(NuGetGallery.OData.V2FeedPackage)\">"
        );
        for (argument, edm) in arguments {
            let _ = write!(text, "<Parameter Name=\"{argument}\" Type=\"{edm}\" Mode=\"In\"/>");
        }
        text.push_str("</FunctionImport>");
    }
    text.push_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>");
    respond("application/xml;charset=utf-8", text)
}
