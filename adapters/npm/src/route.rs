//! The registry's endpoints, and how a request's head names one.

use pakhus_core::{
    Action, Method, PackageName, PackageVersion, Refusal, RefusalKind, RequestHead, Result, Route,
};

use crate::{access, name, version};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `GET /{pkg}`: the packument, full or abbreviated.
    Packument { name: PackageName },
    /// `GET /{pkg}/{version, tag or range}`: one manifest.
    Manifest { name: PackageName, wanted: String },
    /// `GET /{pkg}/-/{file}`: a tarball.
    Tarball { name: PackageName, version: PackageVersion },
    /// `PUT /{pkg}`: a publish or a deprecation; only the body says which.
    Put { name: PackageName },
    /// `PUT /{pkg}/-rev/{rev}`: the packument without the versions to unpublish, or the owners.
    PutRev { name: PackageName, rev: String },
    /// `DELETE /{pkg}/-/{file}/-rev/{rev}`: the tarball of an unpublished version.
    UnpublishTarball { name: PackageName, version: PackageVersion },
    /// `DELETE /{pkg}/-rev/{rev}`: all of a package.
    UnpublishPackage { name: PackageName, rev: String },
    /// `GET /-/package/{pkg}/dist-tags`.
    DistTags { name: PackageName },
    /// `PUT` or `POST /-/package/{pkg}/dist-tags/{tag}`.
    SetDistTag { name: PackageName, tag: String },
    /// `DELETE /-/package/{pkg}/dist-tags/{tag}`.
    RemoveDistTag { name: PackageName, tag: String },
    /// `GET /-/v1/search`.
    Search,
    /// `PUT /-/package/{pkg}/owners`: one owner more.
    AddOwner { name: PackageName },
    /// `GET /-/package/{pkg}/collaborators`.
    Collaborators { name: PackageName },
    /// `GET /-/user/{user}/package`: the packages of an owner.
    PackagesOf { user: String },
    /// `GET /-/package/{pkg}/visibility`.
    Visibility { name: PackageName },
    /// `POST /-/package/{pkg}/access`.
    SetAccess { name: PackageName },
    /// `GET /-/npm/v1/attestations/{pkg}@{version}`.
    Attestations { name: PackageName, version: PackageVersion },
    /// `GET /-/npm/v1/keys`: the keys that versions are signed with.
    Keys,
    /// `GET /-/ping`.
    Ping,
    /// `GET /-/whoami`.
    WhoAmI,
    /// `PUT /-/user/org.couchdb.user:{user}`, `…/-rev/{rev}`: signs in.
    SignIn { user: String },
    /// `GET /-/user/org.couchdb.user:{user}`.
    User { user: String },
    /// `DELETE /-/user/token/{token}`: signs out.
    SignOut { token: String },
    /// `POST /-/v1/login`: begins to sign in with a browser.
    BeginLogin,
    /// `GET /-/v1/done`: asks for the token of that.
    FinishLogin,
    /// `GET /-/npm/v1/tokens`.
    Tokens,
    /// `POST /-/npm/v1/tokens`.
    CreateToken,
    /// `DELETE /-/npm/v1/tokens/token/{key or token}`.
    RevokeToken { token: String },
    /// `GET /-/npm/v1/user`.
    Profile,
    /// `POST /-/npm/v1/user`.
    ChangeProfile,
    /// `POST /-/npm/v1/security/advisories/bulk`: which versions have advisories.
    Advisories,
    /// `POST /-/npm/v1/security/audits`, `…/audits/quick`: the same, as older clients ask.
    Audit,
}

impl Endpoint {
    /// Recognises a request.
    pub(crate) fn parse(head: &RequestHead) -> Result<Self> {
        let segments = head.path.segments();
        match segments.as_slice() {
            [] => Err(Refusal::not_found("there is nothing here; packages are at `/NAME`")),
            ["-", api @ ..] => Self::of_api(head.method, api),
            segments => {
                let (name, rest) = take_name(segments)?;
                Self::of_package(head.method, name, rest)
            }
        }
    }

    fn of_package(method: Method, name: PackageName, rest: &[&str]) -> Result<Self> {
        match (rest, method) {
            ([], Method::Get) => Ok(Self::Packument { name }),
            ([], Method::Put) => Ok(Self::Put { name }),
            (["-rev", rev], Method::Put) => Ok(Self::PutRev { name, rev: (*rev).to_owned() }),
            (["-rev", rev], Method::Delete) => {
                Ok(Self::UnpublishPackage { name, rev: (*rev).to_owned() })
            }
            ([wanted], Method::Get) => Ok(Self::Manifest { name, wanted: (*wanted).to_owned() }),
            (["-", file @ .., "-rev", _rev], Method::Delete) if !file.is_empty() => {
                let version = version_of_file(&name, file)?;
                Ok(Self::UnpublishTarball { name, version })
            }
            (["-", file @ ..], Method::Get) if !file.is_empty() => {
                let version = version_of_file(&name, file)?;
                Ok(Self::Tarball { name, version })
            }
            ([] | [_] | ["-rev", _], _) => Err(wrong_method()),
            (["-", ..], Method::Put | Method::Post | Method::Patch | Method::Delete) => {
                Err(wrong_method())
            }
            _ => Err(no_such_endpoint()),
        }
    }

    fn of_api(method: Method, api: &[&str]) -> Result<Self> {
        match (api, method) {
            (["v1", "search"], Method::Get) => Ok(Self::Search),
            (["ping"], Method::Get) => Ok(Self::Ping),
            (["whoami"], Method::Get) => Ok(Self::WhoAmI),
            (["user", rest @ ..], _) => Self::of_users(method, rest),
            (["v1", "login"], Method::Post) => Ok(Self::BeginLogin),
            (["v1", "done"], Method::Get) => Ok(Self::FinishLogin),
            (["npm", "v1", "tokens"], Method::Get) => Ok(Self::Tokens),
            (["npm", "v1", "tokens"], Method::Post) => Ok(Self::CreateToken),
            (["npm", "v1", "tokens", "token", token], Method::Delete) => {
                Ok(Self::RevokeToken { token: (*token).to_owned() })
            }
            (["npm", "v1", "user"], Method::Get) => Ok(Self::Profile),
            (["npm", "v1", "user"], Method::Post) => Ok(Self::ChangeProfile),
            (["npm", "v1", "security", "advisories", "bulk"], Method::Post) => Ok(Self::Advisories),
            (["npm", "v1", "security", "audits"], Method::Post)
            | (["npm", "v1", "security", "audits", "quick"], Method::Post) => Ok(Self::Audit),
            (["npm", "v1", "attestations", package @ ..], Method::Get) if !package.is_empty() => {
                let (name, version) = attested(package)?;
                Ok(Self::Attestations { name, version })
            }
            (["npm", "v1", "keys"], Method::Get) => Ok(Self::Keys),
            (["package", package @ ..], _) if !package.is_empty() => {
                let (name, rest) = take_name(package)?;
                match (rest, method) {
                    (["dist-tags"], Method::Get) => Ok(Self::DistTags { name }),
                    (["dist-tags", tag], Method::Put | Method::Post) => {
                        Ok(Self::SetDistTag { name, tag: (*tag).to_owned() })
                    }
                    (["dist-tags", tag], Method::Delete) => {
                        Ok(Self::RemoveDistTag { name, tag: (*tag).to_owned() })
                    }
                    (["owners"], Method::Put) => Ok(Self::AddOwner { name }),
                    (["collaborators"], Method::Get) => Ok(Self::Collaborators { name }),
                    (["visibility"], Method::Get) => Ok(Self::Visibility { name }),
                    (["access"], Method::Post) => Ok(Self::SetAccess { name }),
                    (["dist-tags"] | ["dist-tags", _], _) => Err(wrong_method()),
                    (["owners" | "collaborators" | "visibility" | "access"], _) => {
                        Err(wrong_method())
                    }
                    _ => Err(no_such_endpoint()),
                }
            }
            (["org" | "team", ..], _) => Err(access::no_teams()),
            (["_view", "starredByUser"], _) => Err(access::no_stars()),
            (["ping" | "whoami"] | ["v1", "login" | "done"], _)
            | (["npm", "v1", "tokens" | "user"] | ["npm", "v1", "tokens", "token", _], _) => {
                Err(wrong_method())
            }
            _ => Err(no_such_endpoint()),
        }
    }

    fn of_users(method: Method, rest: &[&str]) -> Result<Self> {
        match (rest, method) {
            (["token", token], Method::Delete) => Ok(Self::SignOut { token: (*token).to_owned() }),
            ([document] | [document, "-rev", _], _) => {
                let user =
                    document.strip_prefix("org.couchdb.user:").ok_or_else(no_such_endpoint)?;
                let user = user.to_owned();
                match (rest, method) {
                    (_, Method::Put) => Ok(Self::SignIn { user }),
                    ([_], Method::Get) => Ok(Self::User { user }),
                    _ => Err(wrong_method()),
                }
            }
            ([user, "package"], Method::Get) => Ok(Self::PackagesOf { user: (*user).to_owned() }),
            (["token", _] | [_, "package"], _) => Err(wrong_method()),
            _ => Err(no_such_endpoint()),
        }
    }

    /// Says what the request asks to do, and of which package.
    pub(crate) fn into_route(self) -> Route {
        let (label, action, package) = match self {
            Self::Packument { name } => ("npm.packument", Action::View, Some(name)),
            Self::Manifest { name, .. } => ("npm.manifest", Action::View, Some(name)),
            Self::Tarball { name, .. } => ("npm.tarball", Action::View, Some(name)),
            Self::Put { name } => ("npm.put", Action::Publish, Some(name)),
            // Only the body says whether versions go: who changes owners needs the right to that.
            Self::PutRev { name, .. } => ("npm.put_rev", Action::Delete, Some(name)),
            Self::UnpublishTarball { name, .. } => {
                ("npm.unpublish_tarball", Action::Delete, Some(name))
            }
            Self::UnpublishPackage { name, .. } => {
                ("npm.unpublish_package", Action::Delete, Some(name))
            }
            Self::DistTags { name } => ("npm.dist_tags", Action::View, Some(name)),
            Self::SetDistTag { name, .. } => ("npm.set_dist_tag", Action::Publish, Some(name)),
            Self::RemoveDistTag { name, .. } => ("npm.remove_dist_tag", Action::Delete, Some(name)),
            Self::Search => ("npm.search", Action::View, None),
            Self::AddOwner { name } => ("npm.add_owner", Action::Delete, Some(name)),
            Self::Collaborators { name } => ("npm.collaborators", Action::View, Some(name)),
            Self::PackagesOf { .. } => ("npm.packages_of", Action::View, None),
            Self::Visibility { name } => ("npm.visibility", Action::View, Some(name)),
            Self::SetAccess { name } => ("npm.set_access", Action::Publish, Some(name)),
            Self::Attestations { name, .. } => ("npm.attestations", Action::View, Some(name)),
            Self::Keys => ("npm.keys", Action::Open, None),
            Self::Ping => ("npm.ping", Action::Open, None),
            Self::WhoAmI => ("npm.whoami", Action::Open, None),
            Self::SignIn { .. } => ("npm.sign_in", Action::SignIn, None),
            Self::User { .. } => ("npm.user", Action::Open, None),
            Self::SignOut { .. } => ("npm.sign_out", Action::SignIn, None),
            Self::BeginLogin => ("npm.begin_login", Action::SignIn, None),
            Self::FinishLogin => ("npm.finish_login", Action::SignIn, None),
            Self::Tokens => ("npm.tokens", Action::Open, None),
            Self::CreateToken => ("npm.create_token", Action::Open, None),
            Self::RevokeToken { .. } => ("npm.revoke_token", Action::Open, None),
            Self::Profile => ("npm.profile", Action::Open, None),
            Self::ChangeProfile => ("npm.change_profile", Action::Open, None),
            Self::Advisories => ("npm.advisories", Action::Open, None),
            Self::Audit => ("npm.audit", Action::Open, None),
        };
        Route { name: label, action, package }
    }
}

/// Takes the package's name off the front of `segments`: one segment, or two for a scoped name
/// whose slash was not encoded.
fn take_name<'s>(segments: &'s [&'s str]) -> Result<(PackageName, &'s [&'s str])> {
    let parsed = match segments {
        [scope, base, rest @ ..] if scope.starts_with('@') && !scope.contains('/') => {
            name::parse(&format!("{scope}/{base}")).map(|name| (name, rest))
        }
        [first, rest @ ..] => name::parse(first).map(|name| (name, rest)),
        [] => return Err(no_such_endpoint()),
    };
    parsed.map_err(Refusal::invalid)
}

/// The version whose attestations are asked for: `name@1.0.0`, a scope's slash encoded or not.
fn attested(segments: &[&str]) -> Result<(PackageName, PackageVersion)> {
    let wanted = segments.join("/");
    let (name, version) = wanted.rsplit_once('@').unwrap_or((&wanted, ""));
    let name = name::parse(name).map_err(Refusal::invalid)?;
    let version = version::parse(version).map_err(Refusal::invalid)?;
    Ok((name, version))
}

/// The version that a tarball's path says: `name-1.0.0.tgz`. The scope may stand before the file's
/// name again, encoded or not, as clients write it when they publish.
fn version_of_file(name: &PackageName, file: &[&str]) -> Result<PackageVersion> {
    let file = file.join("/");
    let file = match name.key().split_once('/') {
        Some((scope, _)) => {
            file.strip_prefix(scope).and_then(|file| file.strip_prefix('/')).unwrap_or(&file)
        }
        None => &file,
    };
    file.strip_prefix(name::unscoped(name))
        .and_then(|file| file.strip_prefix('-'))
        .and_then(|file| file.strip_suffix(".tgz"))
        .and_then(|text| version::parse(text).ok())
        .ok_or_else(|| {
            let file: String = file.chars().take(80).collect();
            Refusal::not_found(format!("`{file}` is no tarball of `{}`", name.display()))
        })
}

fn wrong_method() -> Refusal {
    Refusal::new(RefusalKind::MethodNotAllowed, "this path does not take this method")
}

fn no_such_endpoint() -> Refusal {
    Refusal::not_found("this registry has no such endpoint")
}
