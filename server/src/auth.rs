//! Who asks, and what they may do.

mod bearer;
mod caller;
mod credential;
mod known_keys;
mod network;
mod passwords;
mod throttle;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use pakhus_core::{Action, Refusal, RefusalKind};
use pakhus_db::feeds::{Anonymous, Feed};
use pakhus_db::{api_keys, users};

use crate::app::{App, now};
use crate::config::Permission;
use crate::users::UserName;

pub(crate) use bearer::{ANYBODY, LIFETIME as TOKEN_LIFETIME, token};
pub(crate) use caller::Caller;
pub(crate) use credential::{Shown, credential};
pub(crate) use known_keys::KnownKeys;
pub(crate) use network::Network;
pub(crate) use passwords::Passwords;

/// Why a caller may not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Nobody said who asks, or a key was shown that is none.
    Unknown,
    /// A key that is none was shown by itself. Who is told so like [`Self::Unknown`] is asked for other
    /// credentials.
    WrongKey,
    /// The name of a user came with a password that is not theirs, or there is no such user.
    WrongPassword,
    /// There were too many wrong passwords.
    TooOften {
        /// The seconds to wait.
        seconds: u32,
    },
    /// The key is known, and may not be used from where it was shown.
    Elsewhere,
    /// The one who asks is known and may not.
    Forbidden,
}

impl Denied {
    /// The refusal: in the words of whoever guards the thing where those tell more.
    pub(crate) fn refusal(self, unknown: &str, forbidden: &str) -> Refusal {
        let (kind, message) = match self {
            Self::Unknown => (RefusalKind::Unauthorized, unknown),
            Self::WrongKey => (RefusalKind::Forbidden, unknown),
            Self::WrongPassword => (
                RefusalKind::Unauthorized,
                "there is no such user, or the password is wrong; the operator of this server adds users",
            ),
            Self::TooOften { seconds } => (
                RefusalKind::TooManyRequests { retry_after: seconds },
                "too many wrong passwords, or too many that sign in at once: wait a minute",
            ),
            Self::Elsewhere => {
                (RefusalKind::Forbidden, "this API key may not be used from this address")
            }
            Self::Forbidden => (RefusalKind::Forbidden, forbidden),
        };
        Refusal::new(kind, message)
    }
}

/// The address that a request came from: that of the socket, for no header can be trusted.
pub(crate) fn address_of(extensions: &Extensions) -> IpAddr {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical())
}

/// Finds out who asks; `Ok(None)` for somebody who shows nothing.
///
/// # Errors
/// [`Denied`] when something is shown that opens nothing: an old or mistyped key must not silently act
/// as nobody. A database error counts as a failure of the server.
pub(crate) async fn identify(
    app: &App,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> pakhus_db::Result<Result<Option<Caller>, Denied>> {
    let mut found = Ok(None);
    // Some clients have to send a key and send one that is none, when it is the credentials that count.
    for shown in credential::shown(headers).into_iter().filter(|shown| shown.secret != ANYBODY) {
        found = recognise(app, &shown, address_of(extensions)).await?.map(Some);
        if found.is_ok() {
            break;
        }
    }
    Ok(found.map_err(|denied| match denied {
        Denied::Unknown if credential::is_key_alone(headers) => Denied::WrongKey,
        denied => denied,
    }))
}

/// Finds out who shows this: an API key with whatever name, or a user's name and password.
///
/// # Errors
/// [`Denied`] when it opens nothing. A database error counts as a failure of the server.
pub(crate) async fn recognise(
    app: &App,
    shown: &Shown,
    address: IpAddr,
) -> pakhus_db::Result<Result<Caller, Denied>> {
    if let Some(chain) = app.known_keys.chain(&app.database, &shown.secret, now()).await? {
        let caller = Caller::of_keys(chain);
        if !caller.may_come_from(address) {
            return Ok(Err(Denied::Elsewhere));
        }
        note_use(app, &caller).await;
        return Ok(Ok(caller));
    }
    if let Some(name) = bearer::name(&shown.secret, now()) {
        let user = users::find(&app.database, name).await?;
        let user = user.filter(|user| bearer::is_of(&shown.secret, user));
        return Ok(user.map(Caller::of_user).ok_or(Denied::Unknown));
    }
    let Some(Ok(name)) = shown.name.as_deref().map(str::parse::<UserName>) else {
        return Ok(Err(Denied::Unknown));
    };
    let user = users::find(&app.database, name.as_str()).await?;
    let checked = app.passwords.check(user.as_ref(), name.as_str(), &shown.secret, address).await;
    Ok(checked.and_then(|()| user.map(Caller::of_user).ok_or(Denied::WrongPassword)))
}

/// Notes that a key was shown, to the minute.
async fn note_use(app: &App, caller: &Caller) {
    let Some(key) = caller.key() else { return };
    let minute = 60_000;
    if key.last_used_at.is_none_or(|last| now().millis() - last.millis() >= minute)
        && let Err(error) = api_keys::touch(&app.database, key.id, now()).await
    {
        // What can be read is served all the same, on a full disk for instance.
        tracing::warn!(%error, "the use of an API key could not be noted");
    }
}

/// Whether `caller` may do `action` in the feed.
pub(crate) fn authorise(
    caller: Option<&Caller>,
    feed: &Feed,
    action: Action,
) -> Result<(), Denied> {
    let permission = match action {
        Action::SignIn | Action::Open => return Ok(()),
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
