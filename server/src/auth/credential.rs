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

/// What the headers show; `None` when they show nothing.
pub(crate) fn shown(headers: &HeaderMap) -> Option<Shown> {
    let key = |secret: &str| Shown { name: None, secret: secret.trim().to_owned() };
    if let Some(nuget) = headers.get("x-nuget-apikey") {
        return Some(key(nuget.to_str().ok()?));
    }
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

/// The secret alone that the headers show.
pub(crate) fn credential(headers: &HeaderMap) -> Option<String> {
    shown(headers).map(|shown| shown.secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_as_bearer_basic_password_and_nuget_header() {
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().expect("a header value"));
            shown(&headers).map(|shown| (shown.name, shown.secret))
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
}
