//! The keys above all sections: where the server listens and what it is called.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

/// Where a server listens that is told nothing.
pub(super) const DEFAULT_LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8624);

/// A text that is no address to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address to listen on: write an IP address and a port, like `127.0.0.1:8624` or `[::]:8624`"
)]
pub(crate) struct InvalidListenAddress(String);

/// Parses the address and port to listen on.
///
/// # Errors
/// When it is no IP address with a port.
pub(crate) fn parse_listen_address(text: &str) -> Result<SocketAddr, InvalidListenAddress> {
    text.parse().map_err(|_| InvalidListenAddress(text.chars().take(80).collect()))
}

pub(super) fn deserialize_listen<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_listen_address(&text).map(Some).map_err(D::Error::custom)
}

/// The address that clients and other sites reach an instance at: http or https, without a trailing
/// slash, so that paths are put behind it as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicUrl(String);

/// A text that is no [`PublicUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no public URL: write http:// or https://, a host and where needed a port and a path, like `https://packages.example`"
)]
pub(crate) struct InvalidPublicUrl(String);

impl PublicUrl {
    /// The URL, without a trailing slash.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        plain_url(text)
            .map(|url| Self(url.as_str().trim_end_matches('/').to_owned()))
            .ok_or_else(|| InvalidPublicUrl(without_password(text)))
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A URL of http or https that is only a host and a path.
pub(super) fn plain_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url)
}

/// A refused URL as it may be repeated: what stands before an `@` may be a password.
pub(super) fn without_password(text: &str) -> String {
    text.rsplit('@').next().unwrap_or_default().chars().take(200).collect()
}

/// What an instance is called that is told nothing: its host, or `pakhus` where that is not known.
pub(super) fn default_instance_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"))
        .ok()
        .and_then(|name| InstanceName::new(name.trim()).ok())
        .map_or_else(|| "pakhus".to_owned(), |name| name.0)
}

/// What people call an instance: 1 to 100 characters on one line.
#[derive(Debug, Clone)]
pub(super) struct InstanceName(pub(super) String);

impl InstanceName {
    fn new(text: &str) -> Result<Self, &'static str> {
        let fits = (1..=100).contains(&text.chars().count());
        if fits && text.trim() == text && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err("an instance name has 1 to 100 characters on one line, without spaces around it")
        }
    }
}

impl<'de> Deserialize<'de> for InstanceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_keeps_no_trailing_slash() {
        for (text, kept) in [
            ("http://la.example:8624", "http://la.example:8624"),
            ("https://la.example/", "https://la.example"),
            ("https://la.example/pakhus/", "https://la.example/pakhus"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().expect("a URL").as_str(), kept);
        }
    }

    #[test]
    fn a_public_url_is_http_and_has_nothing_but_host_and_path() {
        for text in
            ["la.example", "localhost:8624", "ftp://la", "http://", "http://a?b", "http://a#b"]
        {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
        let refusal = "http://me:hunter2@la.example".parse::<PublicUrl>().expect_err("refused");
        assert!(!refusal.to_string().contains("hunter2"), "{refusal}");
    }
}
