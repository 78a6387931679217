//! `npm token`: the tokens of the one who asks.

use pakhus_core::{
    AccountKey, Host, NewAccountKey, Refusal, RequestHead, Response, Result, Secret, Timestamp,
};
use serde::Deserialize;

use crate::account::{MAX_BODY, private};
use crate::document::malformed;
use crate::json::{ObjectWriter, quoted};

/// Tokens on a page, when nothing else is said and at most.
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 1_000;

/// The longest that a token may be asked to live: a hundred years.
const MOST_DAYS: i64 = 36_500;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Answers `GET /-/npm/v1/tokens?page=&perPage=`.
pub(crate) async fn list(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let keys = host.accounts().keys().await?;
    let number = |name: &str, otherwise| match head.query_parameter(name) {
        None => Ok(otherwise),
        Some(text) => {
            text.parse::<usize>().map_err(|_| Refusal::invalid(format!("`{name}` is no number")))
        }
    };
    let page = number("page", 0)?;
    let length = number("perPage", PAGE)?.clamp(1, LONGEST_PAGE);
    let start = page.saturating_mul(length).min(keys.len());
    let end = start.saturating_add(length).min(keys.len());
    Ok(private(200, |object| {
        let objects: Vec<_> = keys[start..end].iter().map(|key| rendered(key, None)).collect();
        object.raw("objects", &format!("[{}]", objects.join(",")));
        object.raw("total", &keys.len().to_string());
        // Where nothing comes next there must be no `next`: pnpm follows an empty one for ever.
        let mut urls = ObjectWriter::open(object.member("urls"));
        if end < keys.len() {
            let next = page + 1;
            let path = format!("/-/npm/v1/tokens?page={next}&perPage={length}");
            urls.string("next", &format!("{}{path}", head.base_url));
        }
        urls.close();
    }))
}

/// What `npm token create` sends. Members that it sends only where they were asked for, and that would
/// narrow the token in ways that are not known here, must not be passed over.
#[derive(Deserialize)]
struct NewToken {
    name: Option<String>,
    description: Option<String>,
    password: Option<String>,
    #[serde(default)]
    readonly: bool,
    #[serde(default)]
    cidr_whitelist: Option<Vec<String>>,
    expires: Option<i64>,
    #[serde(default)]
    packages: Option<Vec<String>>,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    orgs: Option<Vec<String>>,
    packages_and_scopes_permission: Option<String>,
}

/// Answers `POST /-/npm/v1/tokens`.
pub(crate) async fn create(head: &RequestHead, host: &dyn Host) -> Result<Response> {
    let body = host.receive_bytes(MAX_BODY).await?;
    let body: NewToken = serde_json::from_slice(&body).map_err(malformed("the token"))?;
    let narrowed = [body.packages, body.scopes, body.orgs];
    if narrowed.into_iter().flatten().any(|names| !names.is_empty()) {
        return Err(Refusal::invalid(
            "a token here is for all packages of the feeds that you may use: leave out --packages, --scopes and --orgs",
        ));
    }
    let read_only = match body.packages_and_scopes_permission.as_deref() {
        None | Some("read-write") => body.readonly,
        Some("read-only") => true,
        Some(_) => {
            return Err(Refusal::invalid("a token may read, or read and write: no access is none"));
        }
    };
    let new = NewAccountKey {
        name: body.name.or(body.description).unwrap_or_else(|| named_by_date(head.now)),
        read_only,
        networks: body.cidr_whitelist.unwrap_or_default(),
        expires_at: body.expires.map(|days| end(days, head.now)).transpose()?,
        password: body.password.map(Secret::new),
    };
    let made = host.accounts().create_key(new).await?;
    let text = rendered(&made.key, Some(&made.secret));
    Ok(Response::json(201, text).with_header("cache-control", "private, no-cache"))
}

fn named_by_date(now: Timestamp) -> String {
    let date: String = now.to_string().chars().take(10).collect();
    format!("npm token, {date}")
}

fn end(days: i64, now: Timestamp) -> Result<Timestamp> {
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Refusal::invalid(format!("a token lives for 1 to {MOST_DAYS} days")));
    }
    Ok(Timestamp::from_millis(now.millis() + days * DAY_MS))
}

/// Answers `DELETE /-/npm/v1/tokens/token/{key or token}`.
pub(crate) async fn revoke(key_or_token: &str, host: &dyn Host) -> Result<Response> {
    if host.accounts().revoke_key(key_or_token).await? {
        Ok(Response::empty(204))
    } else {
        Err(Refusal::not_found("you have no such token; `npm token list` shows those you have"))
    }
}

/// A token as npm shows it. `token` is a true beginning of it where it is not told whole: npm takes a
/// token to revoke for one of these by that.
fn rendered(key: &AccountKey, secret: Option<&Secret>) -> String {
    let mut text = String::new();
    let mut object = ObjectWriter::open(&mut text);
    object.string("token", secret.map_or(&key.beginning, |secret| secret.expose()));
    object.string("key", &key.id);
    object.string("name", &key.name);
    object.string("created", &key.created_at.to_string());
    object.string("updated", &key.created_at.to_string());
    object.raw("readonly", if key.read_only { "true" } else { "false" });
    let networks: Vec<_> = key.networks.iter().map(|network| quoted(network)).collect();
    // npm prints an empty list as if it were a restriction.
    if networks.is_empty() {
        object.raw("cidr_whitelist", "null");
    } else {
        object.raw("cidr_whitelist", &format!("[{}]", networks.join(",")));
    }
    moment(&mut object, "expiry", key.expires_at);
    moment(&mut object, "accessed", key.last_used_at);
    object.close();
    text
}

fn moment(object: &mut ObjectWriter<'_>, name: &str, moment: Option<Timestamp>) {
    match moment {
        Some(moment) => object.string(name, &moment.to_string()),
        None => object.raw(name, "null"),
    }
}
