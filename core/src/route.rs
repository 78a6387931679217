//! Where a request goes: its path, taken apart once, and what it asks to do.

use percent_encoding::percent_decode_str;

use crate::PackageName;

/// The methods that package protocols use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads. A HEAD request arrives as this; the server leaves the body out.
    Get,
    /// Writes.
    Put,
    /// Sends.
    Post,
    /// Appends.
    Patch,
    /// Removes.
    Delete,
}

/// The part of a request's path below its feed: segments, each percent-decoded once, so that
/// `@scope%2fname` is one segment and `@scope/name` is two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePath {
    segments: Vec<String>,
    trailing_slash: bool,
}

/// A path that no request may have, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid path: {0}")]
pub struct InvalidPath(&'static str);

impl RoutePath {
    /// Takes apart a raw path without its leading slash.
    ///
    /// # Errors
    /// When a segment is empty, `.` or `..`, is not UTF-8 once decoded, or has a control character.
    pub fn parse(raw: &str) -> Result<Self, InvalidPath> {
        let (raw, trailing_slash) = match raw.strip_suffix('/') {
            Some(rest) => (rest, true),
            None => (raw, raw.is_empty()),
        };
        let mut segments = Vec::new();
        if !raw.is_empty() {
            for segment in raw.split('/') {
                let segment = percent_decode_str(segment)
                    .decode_utf8()
                    .map_err(|_| InvalidPath("a segment is not UTF-8"))?;
                if segment.split('/').any(|part| matches!(part, "" | "." | "..")) {
                    return Err(InvalidPath("a segment is empty, `.` or `..`"));
                }
                if segment.chars().any(char::is_control) {
                    return Err(InvalidPath("a segment has a control character"));
                }
                segments.push(segment.into_owned());
            }
        }
        Ok(Self { segments, trailing_slash })
    }

    /// The segments.
    #[must_use]
    pub fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// Whether the path ends in a slash, or is the feed's root.
    #[must_use]
    pub const fn trailing_slash(&self) -> bool {
        self.trailing_slash
    }
}

/// What a request asks to do. Permissions and key scopes are given for these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Signs in or out by what path and body say. Who the headers say asks is not looked at: a client
    /// may send there what it is about to replace.
    SignIn,
    /// Nothing that needs a permission: pings, and what the adapter answers from who asks.
    Open,
    /// Reads packages.
    View,
    /// Adds versions, moves tags.
    Publish,
    /// Removes versions and tags.
    Delete,
}

/// What an adapter recognised in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The endpoint's name, a label in logs and metrics: `npm.packument`.
    pub name: &'static str,
    /// What it asks to do.
    pub action: Action,
    /// The package it is about, where the path says so.
    pub package: Option<PackageName>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_slash_stays_inside_its_segment() {
        let path = RoutePath::parse("@acme%2fname/-/name-1.0.0.tgz").expect("a path");
        assert_eq!(path.segments(), ["@acme/name", "-", "name-1.0.0.tgz"]);
        assert_eq!(RoutePath::parse("@acme/name").expect("a path").segments(), ["@acme", "name"]);
    }

    #[test]
    fn segments_are_decoded_once() {
        assert_eq!(RoutePath::parse("a%252fb").expect("a path").segments(), ["a%2fb"]);
    }

    #[test]
    fn hostile_paths_are_refused() {
        for path in ["a//b", "..", "a/%2e%2e/b", "a%2f..%2fb", "a%00b", "%ff", "a/./b", "%2f"] {
            assert!(RoutePath::parse(path).is_err(), "{path}");
        }
    }
}
