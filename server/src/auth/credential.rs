//! What a request shows to say who asks.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What was shown: an API key, or a user's name and password. Only who knows the keys can tell which.
#[derive(Clone)]
pub(crate) struct Shown {
    /// The name, where one came with it.
    pub(crate) name: Option<String>,
    /// The API key or password.
    pub(crate) secret: String,
}

/// A key by itself, which some clients send beside credentials or instead of them.
const KEY: &str = "x-nuget-apikey";

/// What the headers show: a key by itself first, then what they authorise with.
pub(crate) fn shown(headers: &HeaderMap) -> Vec<Shown> {
    let alone = headers.get(KEY).map(|value| key(value.to_str().unwrap_or_default()));
    alone.into_iter().chain(authorization(headers)).collect()
}

/// Whether the headers show a key by itself and nothing else.
pub(crate) fn is_key_alone(headers: &HeaderMap) -> bool {
    headers.contains_key(KEY) && !headers.contains_key(AUTHORIZATION)
}

fn key(secret: &str) -> Shown {
    Shown { name: None, secret: secret.trim().to_owned() }
}

fn authorization(headers: &HeaderMap) -> Option<Shown> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(key(rest));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let text = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
        let (name, password) = text.split_once(':')?;
        return Some(Shown { name: Some(name.to_owned()), secret: password.to_owned() });
    }
    // A credential of a kind we do not know is one that does not open anything.
    Some(key(""))
}

/// The first secret that the headers show.
pub(crate) fn credential(headers: &HeaderMap) -> Option<String> {
    shown(headers).into_iter().next().map(|shown| shown.secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_as_bearer_basic_password_and_nuget_header() {
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header value"));
            shown(&headers).pop().map(|shown| (shown.name, shown.secret))
        };
        let key = |secret: &str| Some((None, secret.to_owned()));
        assert_eq!(with("authorization", "Bearer k1"), key("k1"));
        assert_eq!(with("authorization", "bearer k1"), key("k1"));
        let basic = format!("Basic {}", STANDARD.encode("anyone:k:1"));
        let named = Some((Some("anyone".to_owned()), "k:1".to_owned()));
        assert_eq!(with("authorization", &basic), named);
        assert_eq!(with("x-nuget-apikey", "k1"), key("k1"));
        assert_eq!(with("authorization", "Negotiate abc"), key(""));
        assert_eq!(credential(&HeaderMap::new()), None);
    }

    #[test]
    fn a_key_beside_credentials_is_looked_at_before_them() {
        let mut headers = HeaderMap::new();
        headers.insert(KEY, "placeholder".parse().expect("a header value"));
        assert!(is_key_alone(&headers));
        headers.insert(AUTHORIZATION, "Bearer k1".parse().expect("a header value"));
        assert!(!is_key_alone(&headers));
        let secrets: Vec<_> = shown(&headers).into_iter().map(|shown| shown.secret).collect();
        assert_eq!(secrets, ["placeholder", "k1"]);
    }
}
