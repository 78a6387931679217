//! The protocol's endpoints, and how a request's head names one.

use pakhus_core::{
    Action, Method, PackageName, PackageVersion, Refusal, RefusalKind, RequestHead, Result, Route,
};

use crate::symbols::{self, Signature};
use crate::urls::{Hive, Part};
use crate::{name, v2, version};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `GET /v3/index.json`.
    ServiceIndex,
    /// `GET /v3/flat/{id}/index.json`.
    Versions { name: PackageName },
    /// `GET /v3/flat/{id}/{version}/{id}.{version}.nupkg`.
    Package { name: PackageName, version: PackageVersion },
    /// `GET /v3/flat/{id}/{version}/{id}.nuspec`, `…/icon`, `…/readme`, `…/license`.
    Part { name: PackageName, version: PackageVersion, part: Part },
    /// `GET /v3/{hive}/{id}/index.json`.
    Registration { hive: Hive, name: PackageName },
    /// `GET /v3/{hive}/{id}/page/{lower}/{upper}.json`.
    RegistrationPage { hive: Hive, name: PackageName, lower: PackageVersion },
    /// `GET /v3/{hive}/{id}/{version}.json`.
    RegistrationLeaf { hive: Hive, name: PackageName, version: PackageVersion },
    /// `GET /v3/details/{id}/{version}.json`.
    Details { name: PackageName, version: PackageVersion },
    /// `GET /v3/catalog/index.json`.
    Catalog,
    /// `GET /v3/catalog/page{number}.json`.
    CatalogPage { number: u64 },
    /// `GET /v3/catalog/{sequence}/{id}/{version}.json`.
    CatalogLeaf { sequence: u64, name: PackageName, version: PackageVersion },
    /// `GET /v3/search`.
    Search,
    /// `GET /v3/autocomplete`.
    Autocomplete,
    /// `PUT /v3/package`.
    Push,
    /// `PUT /v3/symbols`.
    PushSymbols,
    /// `GET /v3/flat/{id}/{version}/{id}.{version}.snupkg`.
    Symbols { name: PackageName, version: PackageVersion },
    /// `GET /symbols/{file}/{signature}/{file}`.
    Pdb { name: PackageName, signature: PackageVersion },
    /// `DELETE /v3/package/{id}/{version}`.
    Delete { name: PackageName, version: PackageVersion },
    /// `POST /v3/package/{id}/{version}`.
    Relist { name: PackageName, version: PackageVersion },
    /// What the second protocol reads, below the feed itself and `/v2`.
    V2(v2::Endpoint),
}

impl Endpoint {
    /// Recognises a request.
    pub(crate) fn parse(head: &RequestHead) -> Result<Self> {
        match head.path.segments().as_slice() {
            ["v3", api @ ..] => Self::of_v3(head.method, api),
            ["symbols", rest @ ..] => Self::of_symbols(head.method, rest),
            ["v2", api @ ..] | api => Self::of_v2(head.method, api),
        }
    }

    fn of_v2(method: Method, api: &[&str]) -> Result<Self> {
        let target = v2::Target::parse(method, api)?.ok_or_else(no_such_endpoint)?;
        Ok(match target {
            v2::Target::Read(endpoint) => Self::V2(endpoint),
            v2::Target::Package { name, version } => Self::Package { name, version },
            v2::Target::Push => Self::Push,
            v2::Target::Delete { name, version } => Self::Delete { name, version },
            v2::Target::Relist { name, version } => Self::Relist { name, version },
        })
    }

    fn of_symbols(method: Method, rest: &[&str]) -> Result<Self> {
        let nowhere = || Refusal::not_found("there is no such PDB here");
        match (rest, method) {
            ([file, key, again], Method::Get) if file.eq_ignore_ascii_case(again) => {
                // Debuggers ask for other files too, which are nowhere.
                let name = symbols::pdb_name(file).map_err(|_| nowhere())?;
                let signature = Signature::parse(key).ok_or_else(nowhere)?;
                let signature = signature.version().map_err(|_| nowhere())?;
                Ok(Self::Pdb { name, signature })
            }
            (_, Method::Get) => Err(nowhere()),
            _ => Err(wrong_method()),
        }
    }

    fn of_v3(method: Method, api: &[&str]) -> Result<Self> {
        match (api, method) {
            (["package"], Method::Put) => Ok(Self::Push),
            (["symbols"], Method::Put) => Ok(Self::PushSymbols),
            (["package", id, version], Method::Delete) => {
                Ok(Self::Delete { name: name_of(id)?, version: version_of(version)? })
            }
            (["package", id, version], Method::Post) => {
                Ok(Self::Relist { name: name_of(id)?, version: version_of(version)? })
            }
            (["package" | "symbols"] | ["package", _, _], _) => Err(wrong_method()),
            (api, Method::Get) => Self::to_read(api),
            (api, _) => Err(Self::to_read(api).map_or_else(|refusal| refusal, |_| wrong_method())),
        }
    }

    fn to_read(api: &[&str]) -> Result<Self> {
        match api {
            ["index.json"] => Ok(Self::ServiceIndex),
            ["search"] => Ok(Self::Search),
            ["catalog", "index.json"] => Ok(Self::Catalog),
            ["catalog", file] => {
                let number = json_file(file)?.strip_prefix("page").ok_or_else(no_such_endpoint)?;
                Ok(Self::CatalogPage { number: number_of(number)? })
            }
            ["catalog", sequence, id, file] => Ok(Self::CatalogLeaf {
                sequence: number_of(sequence)?,
                name: name_of(id)?,
                version: version_of(json_file(file)?)?,
            }),
            ["autocomplete"] => Ok(Self::Autocomplete),
            ["flat", id, "index.json"] => Ok(Self::Versions { name: name_of(id)? }),
            ["flat", id, version, file] => Self::of_file(name_of(id)?, version_of(version)?, file),
            ["details", id, file] => {
                Ok(Self::Details { name: name_of(id)?, version: version_of(json_file(file)?)? })
            }
            [folder, rest @ ..] => {
                let hive = Hive::ALL.into_iter().find(|hive| hive.folder() == *folder);
                let hive = hive.ok_or_else(no_such_endpoint)?;
                match rest {
                    [id, "index.json"] => Ok(Self::Registration { hive, name: name_of(id)? }),
                    [id, file] => Ok(Self::RegistrationLeaf {
                        hive,
                        name: name_of(id)?,
                        version: version_of(json_file(file)?)?,
                    }),
                    [id, "page", lower, _upper] => Ok(Self::RegistrationPage {
                        hive,
                        name: name_of(id)?,
                        lower: version_of(lower)?,
                    }),
                    _ => Err(no_such_endpoint()),
                }
            }
            [] => Err(no_such_endpoint()),
        }
    }

    /// A file of a version. The package's is called by id and version, which clients write as they
    /// like.
    fn of_file(name: PackageName, version: PackageVersion, file: &str) -> Result<Self> {
        let file = file.to_ascii_lowercase();
        let part = match file.as_str() {
            "icon" => Part::Icon,
            "readme" => Part::Readme,
            "license" => Part::License,
            file if file.strip_suffix(".nuspec") == Some(name.key()) => Part::Nuspec,
            file => {
                let (named, extension) = file.rsplit_once('.').unwrap_or((file, ""));
                let named = named.strip_prefix(name.key()).and_then(|rest| rest.strip_prefix('.'));
                let named = named.and_then(|version| version::parse(version).ok());
                let is_it = named.is_some_and(|named| named.key() == version.key());
                return match extension {
                    "nupkg" if is_it => Ok(Self::Package { name, version }),
                    "snupkg" if is_it => Ok(Self::Symbols { name, version }),
                    _ => Err(Refusal::not_found("a version has no such file")),
                };
            }
        };
        Ok(Self::Part { name, version, part })
    }

    /// Says what the request asks to do, and of which package.
    pub(crate) fn into_route(self) -> Route {
        let (label, action, package) = match self {
            Self::ServiceIndex => ("nuget.service_index", Action::View, None),
            Self::Versions { name } => ("nuget.versions", Action::View, Some(name)),
            Self::Package { name, .. } => ("nuget.package", Action::View, Some(name)),
            Self::Part { name, .. } => ("nuget.part", Action::View, Some(name)),
            Self::Registration { name, .. } => ("nuget.registration", Action::View, Some(name)),
            Self::RegistrationPage { name, .. } => {
                ("nuget.registration_page", Action::View, Some(name))
            }
            Self::RegistrationLeaf { name, .. } => {
                ("nuget.registration_leaf", Action::View, Some(name))
            }
            Self::Details { name, .. } => ("nuget.details", Action::View, Some(name)),
            Self::Catalog => ("nuget.catalog", Action::View, None),
            Self::CatalogPage { .. } => ("nuget.catalog_page", Action::View, None),
            Self::CatalogLeaf { name, .. } => ("nuget.catalog_leaf", Action::View, Some(name)),
            Self::Search => ("nuget.search", Action::View, None),
            Self::Autocomplete => ("nuget.autocomplete", Action::View, None),
            Self::Push => ("nuget.push", Action::Publish, None),
            Self::PushSymbols => ("nuget.push_symbols", Action::Publish, None),
            Self::Symbols { name, .. } => ("nuget.symbols", Action::View, Some(name)),
            Self::Pdb { name, .. } => ("nuget.pdb", Action::View, Some(name)),
            Self::Delete { name, .. } => ("nuget.delete", Action::Delete, Some(name)),
            Self::Relist { name, .. } => ("nuget.relist", Action::Delete, Some(name)),
            Self::V2(endpoint) => (endpoint.label(), Action::View, endpoint.package()),
        };
        Route { name: label, action, package }
    }
}

pub(crate) fn name_of(id: &str) -> Result<PackageName> {
    name::parse(id).map_err(Refusal::invalid)
}

pub(crate) fn version_of(text: &str) -> Result<PackageVersion> {
    version::parse(text).map_err(Refusal::invalid)
}

fn number_of(text: &str) -> Result<u64> {
    text.parse().map_err(|_| no_such_endpoint())
}

fn json_file(file: &str) -> Result<&str> {
    file.strip_suffix(".json").ok_or_else(no_such_endpoint)
}

pub(crate) fn wrong_method() -> Refusal {
    Refusal::new(RefusalKind::MethodNotAllowed, "this path does not take this method")
}

fn no_such_endpoint() -> Refusal {
    Refusal::not_found("this feed has no such address: its service index is at `v3/index.json`")
}
