//! Who asks, and what they may do.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_core::{Action, FeedName};
use pakhus_db::api_keys;
use pakhus_db::feeds::{Anonymous, Feed};

use crate::app::{App, now};
use crate::config::{Permission, Scope, ScopeFeed};

/// Who asks: the holder of an API key.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) name: String,
    scopes: Vec<Scope>,
}

/// Why a caller may not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Nobody said who asks, or a key was shown that is none.
    Unknown,
    /// The one who asks is known and may not.
    Forbidden,
}

/// The API key in a request's headers.
pub(crate) fn credential(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = headers.get("x-nuget-apikey") {
        return Some(key.to_str().ok()?.trim().to_owned());
    }
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        return text.split_once(':').map(|(_, password)| password.to_owned());
    }
    // A credential of a kind we do not know is one that does not open anything.
    Some(String::new())
}

/// Finds out who asks; `Ok(None)` for somebody who shows no key.
///
/// # Errors
/// [`Denied::Unknown`] when a key is shown that is none: an old or mistyped key must not silently act
/// as nobody. A database error counts as a failure of the server.
pub(crate) async fn identify(
    app: &App,
    headers: &HeaderMap,
) -> Result<Result<Option<Caller>, Denied>, pakhus_db::Error> {
    let Some(secret) = credential(headers) else { return Ok(Ok(None)) };
    let Some(key) = api_keys::find(&app.database, &secret, now()).await? else {
        return Ok(Err(Denied::Unknown));
    };
    let minute = 60_000;
    if key.last_used_at.is_none_or(|last| now().millis() - last.millis() >= minute)
        && let Err(error) = api_keys::touch(&app.database, key.id, now()).await
    {
        // What can be read is served all the same, on a full disk for instance.
        tracing::warn!(%error, "the use of an API key could not be noted");
    }
    let scopes = key.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
    Ok(Ok(Some(Caller { name: key.name, scopes })))
}

impl Caller {
    /// Whether the caller has `permission` for the feed.
    pub(crate) fn may(&self, permission: Permission, feed: &FeedName) -> bool {
        self.scopes.iter().any(|scope| covers(scope, permission, feed))
    }

    /// Whether the caller has permission for everything.
    pub(crate) fn is_admin(&self) -> bool {
        self.scopes.contains(&Scope::Admin)
    }
}

/// Whether `caller` may do `action` in the feed.
pub(crate) fn authorise(
    caller: Option<&Caller>,
    feed: &Feed,
    action: Action,
) -> Result<(), Denied> {
    let permission = match action {
        Action::Open => return Ok(()),
        Action::View => Permission::View,
        Action::Publish => Permission::Publish,
        Action::Delete => Permission::Delete,
    };
    let anonymous = match permission {
        Permission::View => feed.settings.anonymous >= Anonymous::View,
        Permission::Publish => feed.settings.anonymous >= Anonymous::Publish,
        Permission::Delete | Permission::Manage => false,
    };
    match caller {
        _ if anonymous => Ok(()),
        Some(caller) if caller.may(permission, feed.name()) => Ok(()),
        Some(_) => Err(Denied::Forbidden),
        None => Err(Denied::Unknown),
    }
}

/// Whether a scope gives `permission` for the feed: `publish` and `delete` include `view`, `manage`
/// includes the others.
fn covers(scope: &Scope, permission: Permission, feed: &FeedName) -> bool {
    let Scope::On(given, of) = scope else { return true };
    let included =
        *given == permission || permission == Permission::View || *given == Permission::Manage;
    included
        && match of {
            ScopeFeed::All => true,
            ScopeFeed::One(of) => of == feed,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_its_feed_and_what_it_includes() {
        let feed = |name: &str| name.parse::<FeedName>().expect("a name");
        let covered = |scope: &str, permission, name: &str| {
            covers(&scope.parse().expect("a scope"), permission, &feed(name))
        };
        assert!(covered("publish:libs", Permission::Publish, "libs"));
        assert!(covered("publish:libs", Permission::View, "libs"));
        assert!(!covered("publish:libs", Permission::Delete, "libs"));
        assert!(!covered("publish:libs", Permission::Publish, "tools"));
        assert!(!covered("view:*", Permission::Publish, "libs"));
        assert!(covered("manage:*", Permission::Delete, "tools"));
        assert!(covered("admin", Permission::Manage, "tools"));
    }

    #[test]
    fn a_key_is_taken_as_bearer_basic_password_and_nuget_header() {
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header value"));
            credential(&headers)
        };
        assert_eq!(with("authorization", "Bearer k1").as_deref(), Some("k1"));
        assert_eq!(with("authorization", "bearer k1").as_deref(), Some("k1"));
        let basic = format!("Basic {}", STANDARD.encode("anyone:k1"));
        assert_eq!(with("authorization", &basic).as_deref(), Some("k1"));
        assert_eq!(with("x-nuget-apikey", "k1").as_deref(), Some("k1"));
        assert_eq!(with("authorization", "Negotiate abc").as_deref(), Some(""));
        assert_eq!(credential(&HeaderMap::new()), None);
    }
}
