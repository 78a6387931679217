//! `PUT /{pkg}` and `PUT /{pkg}/-rev/{rev}`, which mean different things: only the body says which.

use pakhus_core::{
    Host, Identity, LiftRule, PackageName, PathStep, ReceiveDocument, Refusal, Response, Result,
};

use crate::document::{self, PackageDocument};
use crate::publish::Publish;
use crate::{deprecate, name, owners, unpublish};

/// The most bytes of a tarball.
const MAX_TARBALL: u64 = 4 << 30;

/// Answers `PUT /{pkg}`: a publish or a deprecation.
pub(crate) async fn serve(
    name: &PackageName,
    identity: Option<Identity>,
    host: &dyn Host,
) -> Result<Response> {
    // Before the body, so that nobody sends a large tarball in vain. A package that is there may have a
    // name that no new one may.
    if let Err(invalid) = name::check_new(name)
        && host.package(name).await?.is_none()
    {
        return Err(Refusal::invalid(invalid));
    }
    let received = host.receive_document(rules()).await?;
    let document = PackageDocument::parse(&received.json, name)?;
    match document.attachments() {
        Some(attachments) => {
            let lifted = &received.lifted;
            let publish =
                Publish::read(name, &document, attachments, lifted, identity, host).await?;
            publish.commit(host).await
        }
        None => deprecate::serve(name, &document, host).await,
    }
}

/// Answers `PUT /{pkg}/-rev/{rev}`: versions that go, or new owners.
pub(crate) async fn with_rev(name: &PackageName, rev: &str, host: &dyn Host) -> Result<Response> {
    let body = host.receive_bytes(document::MAX_BYTES).await?;
    let document = PackageDocument::parse(&body, name)?;
    match (&document.versions, document.maintainers) {
        (None, Some(maintainers)) => owners::replace(name, rev, maintainers, host).await,
        _ => unpublish::versions(name, rev, &document, host).await,
    }
}

fn rules() -> ReceiveDocument {
    let path = vec![
        PathStep::Member("_attachments"),
        PathStep::MemberEndingIn(".tgz"),
        PathStep::Member("data"),
    ];
    ReceiveDocument {
        max_document: document::MAX_BYTES,
        max_blob: MAX_TARBALL,
        max_blobs: 1,
        lift: LiftRule { path },
    }
}
