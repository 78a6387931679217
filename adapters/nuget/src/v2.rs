//! The second protocol of NuGet: OData 2.0 over the packages of a feed, as Chocolatey, PowerShell and
//! NuGet from before 3.0 speak it. `nuget list` does still.
//!
//! It is served at the root of a feed and below `/v2`, each with addresses below itself. Versions of
//! packages are `row`s; their `property` list is what the service describes, filters and answers.

mod answer;
mod browse;
mod completion;
mod expression;
mod find;
mod key;
mod property;
mod query;
mod row;
mod service;
mod token;
mod updates;
mod value;

use pakhus_core::{
    Host, Method, PackageName, PackageVersion, Refusal, RequestHead, Response, Result,
};

use self::answer::{Asked, Page, respond};
use self::key::Call;
use self::query::Query;
use crate::route::{name_of, version_of, wrong_method};

/// What a request to read asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The service itself.
    Service,
    /// `$metadata`.
    Metadata,
    /// Rows of a set or function, or only how many (`/$count`).
    Rows { of: Rows, is_count: bool },
    /// `Packages(Id='…',Version='…')`.
    Entry { name: PackageName, version: PackageVersion },
    /// `package/{id}`: the latest package file.
    Latest { name: PackageName },
    /// `package-ids`.
    Ids,
    /// `package-versions/{id}`.
    Versions { name: PackageName },
}

/// Where rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    Packages,
    Search,
    FindPackagesById,
    GetUpdates,
}

/// What a path below the service names.
pub(crate) enum Target {
    /// Something of this protocol alone.
    Read(Endpoint),
    /// A package file.
    Package {
        name: PackageName,
        version: PackageVersion,
    },
    Push,
    Delete {
        name: PackageName,
        version: PackageVersion,
    },
    Relist {
        name: PackageName,
        version: PackageVersion,
    },
}

impl Rows {
    const ALL: [Self; 4] = [Self::Packages, Self::Search, Self::FindPackagesById, Self::GetUpdates];

    /// What it is called below the service.
    const fn name(self) -> &'static str {
        match self {
            Self::Packages => "Packages",
            Self::Search => "Search",
            Self::FindPackagesById => "FindPackagesById",
            Self::GetUpdates => "GetUpdates",
        }
    }
}

impl Target {
    /// Recognises the segments of a path below the service; `None` when it is nothing of this protocol.
    pub(crate) fn parse(method: Method, segments: &[&str]) -> Result<Option<Self>> {
        let of = |id: &str, version: &str| Ok::<_, Refusal>((name_of(id)?, version_of(version)?));
        Ok(Some(match (method, segments) {
            (Method::Put, [] | ["package"]) => Self::Push,
            (Method::Delete, ["package", id, version] | [id, version]) => {
                let (name, version) = of(id, version)?;
                Self::Delete { name, version }
            }
            (Method::Post, ["package", id, version]) => {
                let (name, version) = of(id, version)?;
                Self::Relist { name, version }
            }
            (Method::Get, ["package", id, version]) => {
                let (name, version) = of(id, version)?;
                Self::Package { name, version }
            }
            (_, ["package"]) => return Err(wrong_method()),
            (method, segments) => match Self::to_read(segments)? {
                Some(target) if method == Method::Get => target,
                Some(_) => return Err(wrong_method()),
                None => return Ok(None),
            },
        }))
    }

    fn to_read(segments: &[&str]) -> Result<Option<Self>> {
        let endpoint = match segments {
            [] => Endpoint::Service,
            ["$metadata"] => Endpoint::Metadata,
            ["package", id] => Endpoint::Latest { name: name_of(id)? },
            ["package-ids"] => Endpoint::Ids,
            ["package-versions", id] => Endpoint::Versions { name: name_of(id)? },
            [call, rest @ ..] => {
                let Some(call) = Call::parse(call)? else { return Ok(None) };
                return Self::of_call(&call, rest);
            }
        };
        Ok(Some(Self::Read(endpoint)))
    }

    fn of_call(call: &Call, rest: &[&str]) -> Result<Option<Self>> {
        let Some(of) = Rows::ALL.into_iter().find(|rows| rows.name() == call.name) else {
            return Ok(None);
        };
        let entry = match of {
            Rows::Packages => call.key()?,
            _ => None,
        };
        Ok(Some(match (entry, rest) {
            (Some((name, version)), []) => Self::Read(Endpoint::Entry { name, version }),
            (Some((name, version)), ["$value" | "Download"]) => Self::Package { name, version },
            (None, []) => Self::Read(Endpoint::Rows { of, is_count: false }),
            (None, ["$count"]) => Self::Read(Endpoint::Rows { of, is_count: true }),
            _ => return Ok(None),
        }))
    }
}

impl Endpoint {
    /// Its name in logs and metrics.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::Service => "nuget.v2_service",
            Self::Metadata => "nuget.v2_metadata",
            Self::Rows { of: Rows::Packages, .. } => "nuget.v2_packages",
            Self::Rows { of: Rows::Search, .. } => "nuget.v2_search",
            Self::Rows { of: Rows::FindPackagesById, .. } => "nuget.v2_find",
            Self::Rows { of: Rows::GetUpdates, .. } => "nuget.v2_updates",
            Self::Entry { .. } => "nuget.v2_entry",
            Self::Latest { .. } => "nuget.v2_latest",
            Self::Ids => "nuget.v2_ids",
            Self::Versions { .. } => "nuget.v2_versions",
        }
    }

    /// The package it is about, where the path says so.
    pub(crate) fn package(self) -> Option<PackageName> {
        match self {
            Self::Entry { name, .. } | Self::Latest { name } | Self::Versions { name } => {
                Some(name)
            }
            _ => None,
        }
    }
}

/// Answers a request to read.
pub(crate) async fn serve(
    endpoint: &Endpoint,
    head: &RequestHead,
    host: &dyn Host,
) -> Result<Response> {
    let service = match head.path.segments().first() {
        Some(&"v2") => format!("{}/v2", head.base_url),
        _ => head.base_url.clone(),
    };
    match endpoint {
        Endpoint::Service => Ok(service::document(&service)),
        Endpoint::Metadata => Ok(service::metadata()),
        Endpoint::Rows { of, is_count } => {
            let mut query = Query::of(head)?;
            query.is_counted |= is_count;
            let set = format!("{}()", of.name());
            let asked = Asked { service, set: &set, query };
            let page = rows(*of, &asked, head, host).await?;
            Ok(match (is_count, page.total) {
                (true, Some(total)) => respond("text/plain;charset=utf-8", total.to_string()),
                _ => asked.page(&page),
            })
        }
        Endpoint::Entry { name, version } => {
            let asked = Asked { service, set: "Packages()", query: Query::of(head)? };
            find::entry(&asked, name, version, head, host).await
        }
        Endpoint::Latest { name } => find::latest(name, head, host).await,
        Endpoint::Versions { name } => {
            completion::versions(name, &Query::of(head)?, head, host).await
        }
        Endpoint::Ids => completion::ids(&Query::of(head)?, host).await,
    }
}

async fn rows(of: Rows, asked: &Asked<'_>, head: &RequestHead, host: &dyn Host) -> Result<Page> {
    match of {
        Rows::Packages => browse::packages(asked, head, host).await,
        Rows::Search => browse::search(asked, head, host).await,
        Rows::FindPackagesById => find::by_id(asked, head, host).await,
        Rows::GetUpdates => updates::updates(asked, head, host).await,
    }
}
