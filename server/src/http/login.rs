//! The page on which somebody who began to sign in at a command line says who they are: `/login/ID`.
//!
//! A form and its answer, without scripts. The form carries a token that only the page with this browser's
//! cookie has (a signed double-submit cookie, bound to the sign-in), and must come from this very site.

mod page;

use axum::extract::{Path, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Form, extract::rejection::FormRejection};
use pakhus_core::Digest;
use pakhus_db::logins::{self, Login};
use serde::Deserialize;

use super::listen::Secure;
use crate::app::{App, now};
use crate::auth::{self, Denied, Shown};
use crate::secrets::new_ticket;

/// What is sent by the form.
#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    key: String,
}

/// The cookie that says that form and answer are of one browser.
const COOKIE: &str = "pakhus_login";

/// `GET /login/ID`.
pub(super) async fn show(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Response {
    match logins::of_page(&app.database, &id, now()).await {
        Err(error) => failed(&error),
        Ok(None) => answer(StatusCode::NOT_FOUND, page::over()),
        Ok(Some(login)) if login.is_approved => answer(StatusCode::OK, page::done()),
        Ok(Some(login)) => {
            let cookie = cookie_of(&headers).unwrap_or_else(new_ticket);
            let form = form(&app, &login, &id, &cookie);
            with_cookie(&app, &extensions, &cookie, answer(StatusCode::OK, form.render()))
        }
    }
}

/// `POST /login/ID`.
pub(super) async fn submit(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    extensions: Extensions,
    sent: Result<Form<Answer>, FormRejection>,
) -> Response {
    let Ok(Form(sent)) = sent else {
        return answer(StatusCode::BAD_REQUEST, page::broken());
    };
    let login = match logins::of_page(&app.database, &id, now()).await {
        Err(error) => return failed(&error),
        Ok(None) => return answer(StatusCode::NOT_FOUND, page::over()),
        Ok(Some(login)) if login.is_approved => return answer(StatusCode::OK, page::done()),
        Ok(Some(login)) => login,
    };
    let cookie = cookie_of(&headers)
        .filter(|cookie| is_same_site(&app, &headers) && token(&id, cookie) == sent.token);
    let Some(cookie) = cookie else {
        // A browser that keeps no cookies, or a form of another site: with a new one it can be right.
        let cookie = new_ticket();
        let form = form(&app, &login, &id, &cookie).saying("This form was old. Please try again.");
        let page = answer(StatusCode::FORBIDDEN, form.render());
        return with_cookie(&app, &extensions, &cookie, page);
    };
    match sign_in(&app, &id, &sent, &extensions).await {
        Err(error) => failed(&error),
        Ok(Ok(true)) => answer(StatusCode::OK, page::done()),
        Ok(Ok(false)) => answer(StatusCode::NOT_FOUND, page::over()),
        Ok(Err(denied)) => {
            let form = form(&app, &login, &id, &cookie);
            let mut form = form.saying(words(denied)).with_name(&sent.name);
            form.by_key = !sent.key.is_empty();
            let status = match denied {
                Denied::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
                // Not 401, with which a browser would ask for a password by itself.
                _ => StatusCode::FORBIDDEN,
            };
            let mut page = answer(status, form.render());
            if let Denied::TooOften { seconds } = denied {
                page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            page
        }
    }
}

/// Says for whom the key is; `false` when the sign-in is over.
async fn sign_in(
    app: &App,
    id: &str,
    sent: &Answer,
    extensions: &Extensions,
) -> pakhus_db::Result<Result<bool, Denied>> {
    let shown = if sent.key.is_empty() {
        Shown { name: Some(sent.name.trim().to_owned()), secret: sent.password.clone() }
    } else {
        Shown { name: None, secret: sent.key.trim().to_owned() }
    };
    let caller = match auth::recognise(app, &shown, auth::address_of(extensions)).await? {
        Ok(caller) => caller,
        Err(denied) => return Ok(Err(denied)),
    };
    let Some(owner) = caller.as_owner() else { return Ok(Err(Denied::Forbidden)) };
    Ok(Ok(logins::approve(&app.database, id, owner, now()).await?))
}

const fn words(denied: Denied) -> &'static str {
    match denied {
        Denied::WrongPassword => "There is no such user, or the password is wrong.",
        Denied::Unknown | Denied::WrongKey => {
            "This is no API key of this server, and no user name."
        }
        Denied::TooOften { .. } => "Too many wrong passwords. Wait a minute, then try again.",
        Denied::Elsewhere => "This API key may not be used from this address.",
        Denied::Forbidden => "This API key cannot make another. Use the one that it was made by.",
    }
}

fn form<'a>(app: &'a App, login: &'a Login, id: &str, cookie: &str) -> page::Form<'a> {
    page::Form::new(&app.instance.name, login, token(id, cookie))
}

/// What the form must send along with the cookie.
fn token(id: &str, cookie: &str) -> String {
    Digest::of_parts(&[b"login form", id.as_bytes(), cookie.as_bytes()]).hex()
}

fn cookie_of(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.split_once('='));
    let mut own = pairs.filter(|(name, _)| name.trim() == COOKIE).map(|(_, value)| value.trim());
    let fits =
        |value: &&str| value.len() == 40 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    own.find(fits).map(str::to_owned)
}

/// Whether the browser says that the form was on a page of this server. One that says nothing is old, and
/// held by the cookie alone.
fn is_same_site(app: &App, headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let of_url = |url: &str| url::Url::parse(url).map(|url| url.origin().ascii_serialization());
    let is_public =
        app.public_url.as_deref().is_some_and(|url| of_url(url).as_deref() == Ok(origin));
    let host = text(header::HOST).unwrap_or_default();
    let is_host = origin.split_once("://").is_some_and(|(_, of_origin)| of_origin == host);
    is_public || is_host
}

fn with_cookie(app: &App, extensions: &Extensions, cookie: &str, mut page: Response) -> Response {
    let is_secure = extensions.get::<Secure>().is_some()
        || app.public_url.as_deref().is_some_and(|url| url.starts_with("https://"));
    let secure = if is_secure { "; Secure" } else { "" };
    // No path: that of the page's folder, also behind a proxy that puts something before it.
    let value = format!("{COOKIE}={cookie}; HttpOnly; SameSite=Strict; Max-Age=600{secure}");
    if let Ok(value) = HeaderValue::try_from(value) {
        page.headers_mut().insert(header::SET_COOKIE, value);
    }
    page
}

fn failed(error: &pakhus_db::Error) -> Response {
    tracing::error!(%error, "a page to sign in failed");
    answer(StatusCode::INTERNAL_SERVER_ERROR, page::failed())
}

/// A page that loads nothing, is in no frame, and is kept nowhere.
fn answer(status: StatusCode, html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`, with which browsers say `Origin: null` for the form.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    let policy = [(header::CONTENT_SECURITY_POLICY, page::content_security_policy())];
    (status, headers, policy, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("text")));
        pairs.collect()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_one_that_is_none_of_ours_is_not() {
        let ours = "a".repeat(40);
        let found = |value: &str| cookie_of(&headers(&[(header::COOKIE, value)]));
        assert_eq!(found(&format!("x=1; pakhus_login={ours}; y=2")), Some(ours));
        for other in ["", "pakhus_login=short", "pakhus_login", "other=1"] {
            assert_eq!(found(other), None, "{other}");
        }
        assert_eq!(found(&format!("pakhus_login={}", "\"".repeat(40))), None);
    }

    #[test]
    fn a_token_is_bound_to_the_sign_in_and_to_the_cookie() {
        assert_eq!(token("a", "b"), token("a", "b"));
        assert_ne!(token("a", "b"), token("a", "c"));
        assert_ne!(token("a", "b"), token("b", "b"));
    }
}
