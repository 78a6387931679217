//! A request, as an adapter sees it.

use crate::{Method, RoutePath, Timestamp};

/// Everything of a request but its body, which is asked of the [`crate::Host`].
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The path below the feed.
    pub path: RoutePath,
    /// The raw query, without its question mark.
    pub query: String,
    /// The headers, names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The URL of the feed as the client sees it, without a trailing slash.
    pub base_url: String,
    /// When the request came.
    pub now: Timestamp,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name of the user or API key.
    pub name: String,
    /// Whether it is a user.
    pub is_user: bool,
    /// The user's address of e-mail.
    pub email: Option<String>,
}

/// A request that was let through to the adapter.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its head.
    pub head: RequestHead,
    /// Who asks; `None` for somebody who did not say.
    pub identity: Option<Identity>,
}

impl RequestHead {
    /// The first header called `name` (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The first query parameter called `name`, decoded as forms are written
    /// (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn query_parameter(&self, name: &str) -> Option<String> {
        Self::parameter(&self.query, name)
    }

    /// The first parameter called `name` of a query, decoded in the same way.
    #[must_use]
    pub fn parameter(query: &str, name: &str) -> Option<String> {
        Self::parameters(query, name).next()
    }

    /// All query parameters called `name`, in their order.
    #[must_use]
    pub fn query_parameters(&self, name: &str) -> Vec<String> {
        Self::parameters(&self.query, name).collect()
    }

    fn parameters<'a>(query: &'a str, name: &'a str) -> impl Iterator<Item = String> + 'a {
        query.split('&').filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key == name).then(|| {
                let value = value.replace('+', " ");
                percent_encoding::percent_decode_str(&value).decode_utf8_lossy().into_owned()
            })
        })
    }
}
