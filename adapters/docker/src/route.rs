//! The protocol's endpoints, and how a request's head names one.

use pakhus_core::{
    Action, ContentDigest, Method, PackageName, Refusal, RefusalKind, RequestHead, Result, Route,
};

use crate::reference::{self, Reference};
use crate::{error, name};

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// `GET /`.
    Ping,
    /// `GET /_catalog`.
    Catalog,
    /// `GET /{name}/tags/list`.
    Tags { name: PackageName },
    /// `GET /{name}/referrers/{digest}`.
    Referrers { name: PackageName, subject: ContentDigest },
    /// `GET /{name}/manifests/{reference}`.
    Manifest { name: PackageName, reference: Reference },
    /// `PUT /{name}/manifests/{reference}`.
    PutManifest { name: PackageName, reference: Reference },
    /// `DELETE /{name}/manifests/{reference}`.
    DeleteManifest { name: PackageName, reference: Reference },
    /// `GET /{name}/blobs/{digest}`.
    Blob { name: PackageName, digest: ContentDigest },
    /// `DELETE /{name}/blobs/{digest}`.
    DeleteBlob { name: PackageName, digest: ContentDigest },
    /// `POST /{name}/blobs/uploads/`.
    BeginUpload { name: PackageName },
    /// `/{name}/blobs/uploads/{id}`.
    Upload { name: PackageName, id: String, act: UploadAct },
}

/// What is done to an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UploadAct {
    /// `GET`: how far it is.
    Ask,
    /// `PATCH`: more of it.
    Append,
    /// `PUT`: the end of it.
    Finish,
    /// `DELETE`: it is given up.
    Cancel,
}

impl Endpoint {
    /// Recognises a request.
    pub(crate) fn parse(head: &RequestHead) -> Result<Self> {
        let path = head.path.segments().join("/");
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let method = head.method;
        match segments.as_slice() {
            [] => read(method, Self::Ping),
            ["_catalog"] => read(method, Self::Catalog),
            [name @ .., "tags", "list"] => read(method, Self::Tags { name: name_of(name)? }),
            [name @ .., "referrers", digest] => {
                let (name, subject) = (name_of(name)?, reference::digest(digest)?);
                read(method, Self::Referrers { name, subject })
            }
            [name @ .., "manifests", reference] => {
                Self::of_manifest(method, name_of(name)?, Reference::parse(reference)?)
            }
            [name @ .., "blobs", "uploads"] => match method {
                Method::Post => Ok(Self::BeginUpload { name: name_of(name)? }),
                _ => Err(wrong_method()),
            },
            [name @ .., "blobs", "uploads", id] => {
                let act = match method {
                    Method::Get => UploadAct::Ask,
                    Method::Patch => UploadAct::Append,
                    Method::Put => UploadAct::Finish,
                    Method::Delete => UploadAct::Cancel,
                    Method::Post => return Err(wrong_method()),
                };
                Ok(Self::Upload { name: name_of(name)?, id: (*id).to_owned(), act })
            }
            [name @ .., "blobs", digest] => {
                let (name, digest) = (name_of(name)?, reference::digest(digest)?);
                match method {
                    Method::Get => Ok(Self::Blob { name, digest }),
                    Method::Delete => Ok(Self::DeleteBlob { name, digest }),
                    _ => Err(wrong_method()),
                }
            }
            _ => Err(Refusal::not_found("the API of registries has no such address")),
        }
    }

    fn of_manifest(method: Method, name: PackageName, reference: Reference) -> Result<Self> {
        match method {
            Method::Get => Ok(Self::Manifest { name, reference }),
            Method::Put => Ok(Self::PutManifest { name, reference }),
            Method::Delete => Ok(Self::DeleteManifest { name, reference }),
            _ => Err(wrong_method()),
        }
    }

    /// Says what the request asks to do, and of which repository.
    pub(crate) fn into_route(self) -> Route {
        let (label, action, package) = match self {
            Self::Ping => ("docker.ping", Action::View, None),
            Self::Catalog => ("docker.catalog", Action::View, None),
            Self::Tags { name } => ("docker.tags", Action::View, Some(name)),
            Self::Referrers { name, .. } => ("docker.referrers", Action::View, Some(name)),
            Self::Manifest { name, .. } => ("docker.manifest", Action::View, Some(name)),
            Self::PutManifest { name, .. } => ("docker.put_manifest", Action::Publish, Some(name)),
            Self::DeleteManifest { name, .. } => {
                ("docker.delete_manifest", Action::Delete, Some(name))
            }
            Self::Blob { name, .. } => ("docker.blob", Action::View, Some(name)),
            Self::DeleteBlob { name, .. } => ("docker.delete_blob", Action::Delete, Some(name)),
            Self::BeginUpload { name } => ("docker.begin_upload", Action::Publish, Some(name)),
            Self::Upload { name, .. } => ("docker.upload", Action::Publish, Some(name)),
        };
        Route { name: label, action, package }
    }
}

fn read(method: Method, endpoint: Endpoint) -> Result<Endpoint> {
    if method == Method::Get { Ok(endpoint) } else { Err(wrong_method()) }
}

fn name_of(segments: &[&str]) -> Result<PackageName> {
    let parsed = name::parse(&segments.join("/"));
    parsed.map_err(|invalid| Refusal::invalid(invalid).coded(error::NAME_INVALID))
}

fn wrong_method() -> Refusal {
    Refusal::new(RefusalKind::MethodNotAllowed, "this path does not take this method")
}
