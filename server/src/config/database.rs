//! `[database]`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

/// `[database]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DatabaseSection {
    /// `sqlite:PATH`, relative to the working directory, or `postgres://USER:PASSWORD@HOST/DATABASE`.
    /// Default: `sqlite:{data_dir}/pakhus.db`.
    pub(super) url: Option<DatabaseUrl>,
}

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// Where it is.
    pub(crate) url: DatabaseUrl,
}

/// The URL of a database. Its text forms hide the password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(String);

/// A text that is no [`DatabaseUrl`]. It is not repeated: it may have a password in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no database URL: write `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"
)]
pub(crate) struct InvalidDatabaseUrl;

impl DatabaseUrl {
    /// The URL with its password, for the connection.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// The SQLite database of an instance that keeps its data in `data_dir`.
    ///
    /// # Errors
    /// When the path is not UTF-8.
    pub(super) fn in_data_dir(data_dir: &Path) -> Result<Self, &'static str> {
        let path = data_dir.join("pakhus.db");
        let path = path.to_str().ok_or("the path of the data directory is not UTF-8")?;
        // The path is read up to a question mark, and percent-decoded.
        Ok(Self(format!("sqlite:{}", path.replace('%', "%25").replace('?', "%3F"))))
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = match text.split_once(':') {
            Some(("sqlite", path)) => !path.trim_start_matches('/').is_empty(),
            Some(("postgres" | "postgresql", rest)) => {
                rest.starts_with("//") && Url::parse(text).is_ok()
            }
            _ => false,
        };
        if known { Ok(Self(text.to_owned())) } else { Err(InvalidDatabaseUrl) }
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.starts_with("sqlite:") {
            return f.write_str(&self.0);
        }
        let Ok(mut url) = Url::parse(&self.0) else { return f.write_str("postgres://…") };
        if url.password().is_some() {
            let _ = url.set_password(Some("***"));
        }
        // Parameters may carry a password as well; none of them tells a reader much.
        if url.query().is_some() {
            url.set_query(Some("***"));
        }
        write!(f, "{url}")
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_show() {
        for url in ["postgres://pakhus:hunter2@db/pakhus", "postgres://db/pakhus?password=hunter2"]
        {
            let parsed: DatabaseUrl = url.parse().expect("a database");
            let shown = format!("{parsed} {parsed:?}");
            assert!(!shown.contains("hunter2") && shown.contains("db/pakhus"), "{shown}");
            assert_eq!(parsed.expose(), url);
        }
    }

    #[test]
    fn other_databases_are_refused_without_repeating_the_url() {
        for url in ["", "sqlite:", "mysql://root:hunter2@db/x", "postgres:db", "pakhus.db"] {
            let refusal = url.parse::<DatabaseUrl>().expect_err(url).to_string();
            assert!(!refusal.contains("hunter2"), "{refusal}");
        }
    }

    #[test]
    fn a_data_directory_with_url_characters_stays_one_path() {
        let url = DatabaseUrl::in_data_dir(Path::new("50%?")).expect("UTF-8");
        assert_eq!(url.expose(), "sqlite:50%25%3F/pakhus.db");
    }
}
