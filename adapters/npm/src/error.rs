//! Refusals, in the form that npm clients print.

use pakhus_core::{PackageName, Refusal, RefusalKind, Response};

use crate::json::ObjectWriter;

/// Renders a refusal.
pub(crate) fn refuse(refusal: &Refusal) -> Response {
    let mut text = String::new();
    let mut object = ObjectWriter::open(&mut text);
    object.string("error", refusal.public_message());
    object.close();
    let response = Response::json(refusal.kind.status(), text);
    match refusal.kind {
        // npm then says that the token is wrong and how to log in; a browser does not ask for a
        // password.
        RefusalKind::Unauthorized => {
            response.with_header("www-authenticate", "Bearer realm=\"npm\"")
        }
        _ => response,
    }
}

/// The package is not there.
pub(crate) fn no_such_package(name: &PackageName) -> Refusal {
    Refusal::not_found(format!("package `{}` not found", name.display()))
}

/// The package is there, the version or tag is not.
pub(crate) fn no_such_version(name: &PackageName, wanted: &str) -> Refusal {
    let wanted: String = wanted.chars().take(80).collect();
    Refusal::not_found(format!("version `{wanted}` of `{}` not found", name.display()))
}

/// What the client read is no longer what is there.
pub(crate) fn stale(name: &PackageName) -> Refusal {
    Refusal::conflict(format!(
        "`{}` was changed by somebody else in the meantime; run the command again",
        name.display()
    ))
}
