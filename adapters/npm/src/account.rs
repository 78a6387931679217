//! Who asks, signing in and out, and whether anybody is there.

use pakhus_core::{
    Host, Identity, LoginState, Profile, Refusal, RefusalKind, RequestHead, Response, Result,
    Secret,
};
use serde::Deserialize;

use crate::document::malformed;
use crate::json::ObjectWriter;

/// The most bytes of a body of these endpoints: names, a password, and what clients say beside.
pub(crate) const MAX_BODY: usize = 64 << 10;

/// Answers `GET /-/ping`.
pub(crate) fn ping() -> Response {
    Response::json(200, "{}")
}

/// Answers `GET /-/whoami`.
pub(crate) fn who_am_i(identity: Option<&Identity>) -> Result<Response> {
    let Some(identity) = identity else {
        let message = "nobody is logged in; run `npm login` or set a token for this registry";
        return Err(Refusal::new(RefusalKind::Unauthorized, message));
    };
    Ok(private(200, |object| object.string("username", &identity.name)))
}

/// What clients send to sign in. They say more, of which nothing matters.
#[derive(Deserialize)]
struct SignIn {
    name: Option<String>,
    #[serde(default)]
    password: String,
}

/// Answers `PUT /-/user/org.couchdb.user:{user}`, with `/-rev/{rev}` behind it or not: `npm login
/// --auth-type=legacy`, `npm adduser`, `yarn login`. Nobody is added by it.
pub(crate) async fn sign_in(user: &str, head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let body = host.receive_bytes(MAX_BODY).await?;
    let body: SignIn = serde_json::from_slice(&body).map_err(malformed("the user"))?;
    if body.name.is_some_and(|name| name != user) {
        return Err(Refusal::invalid("the path and the body name different users"));
    }
    if body.password.is_empty() {
        return Err(Refusal::invalid("the body has no password"));
    }
    let signed_in = host.accounts().sign_in(user, &body.password, &label(head)).await?;
    Ok(private(201, |object| {
        object.string("ok", &format!("you are signed in as '{}'", signed_in.identity.name));
        object.string("id", &document_id(user));
        object.string("rev", "1-0");
        object.string("token", signed_in.secret.expose());
    }))
}

/// The name of a key that is made when somebody signs in.
fn label(head: &RequestHead) -> String {
    let date: String = head.now.to_string().chars().take(10).collect();
    format!("npm login, {date}")
}

/// The id that CouchDB, the first npm registry, gives the document of a user.
fn document_id(user: &str) -> String {
    format!("org.couchdb.user:{user}")
}

/// Answers `GET /-/user/org.couchdb.user:{user}`, which `npm owner add` looks somebody up with.
pub(crate) async fn user(
    user: &str,
    identity: Option<&Identity>,
    host: &dyn Host,
) -> Result<Response> {
    if identity.is_none() {
        let message = "only those who are logged in may look users up; run `npm login`";
        return Err(Refusal::new(RefusalKind::Unauthorized, message));
    }
    let Some(Profile { identity, .. }) = host.accounts().user(user).await? else {
        let user: String = user.chars().take(80).collect();
        return Err(Refusal::not_found(format!("user `{user}` not found")));
    };
    Ok(private(200, |object| {
        object.string("_id", &document_id(&identity.name));
        object.string("name", &identity.name);
        object.string("email", identity.email.as_deref().unwrap_or_default());
        object.string("type", "user");
        object.raw("roles", "[]");
    }))
}

/// Answers `DELETE /-/user/token/{token}`: `npm logout`.
pub(crate) async fn sign_out(token: &str, host: &dyn Host) -> Result<Response> {
    host.accounts().sign_out(token).await?;
    Ok(Response::json(200, r#"{"ok":"logged out"}"#))
}

/// Answers `POST /-/v1/login`: the begin of `npm login`, which goes on in a browser.
pub(crate) async fn begin_login(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let begun = host.accounts().begin_login(&label(head)).await?;
    let done = format!("{}/-/v1/done?sessionId={}", head.base_url, begun.ticket.expose());
    Ok(private(200, |object| {
        object.string("loginUrl", &begun.url);
        object.string("doneUrl", &done);
    }))
}

/// Answers `GET /-/v1/done?sessionId=`: whether somebody has signed in.
pub(crate) async fn finish_login(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let session = head.query_parameter("sessionId").unwrap_or_default();
    match host.accounts().finish_login(&Secret::new(session)).await? {
        LoginState::Done(token) => {
            Ok(private(200, |object| object.string("token", token.expose())))
        }
        // Without the header npm asks again at once, and again.
        LoginState::Waiting => Ok(private(202, |_| {}).with_header("retry-after", "1")),
    }
}

/// An object that is for the one who asks alone.
pub(crate) fn private(status: u16, write: impl FnOnce(&mut ObjectWriter<'_>)) -> Response {
    let mut text = String::new();
    let mut object = ObjectWriter::open(&mut text);
    write(&mut object);
    object.close();
    Response::json(status, text).with_header("cache-control", "private, no-cache")
}
