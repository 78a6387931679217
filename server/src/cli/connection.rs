//! Which server to speak to, and with which key.

use std::fmt;
use std::str::FromStr;

use clap::Args;
use url::Url;

use super::client::Client;
use super::error::CommandError;
use crate::config::{Environment, Secret, SecretSource};

const DEFAULT_SERVER: &str = "http://127.0.0.1:8624";

/// Where a server that is started without arguments leaves its first key.
const DEFAULT_KEY_FILE: &str = "pakhus-data/admin.key";

/// Which server to speak to. Kept as text until it is needed: `serve` must not fail over a variable
/// that it does not use.
#[derive(Args)]
#[command(next_help_heading = "Options of all commands that speak to a server")]
pub(super) struct Connection {
    /// The server's address [default: http://127.0.0.1:8624].
    #[arg(long, global = true, value_name = "URL", env = "PAKHUS_SERVER", hide_env_values = true)]
    server: Option<String>,
    /// The API key [default: what pakhus-data/admin.key holds, when it is readable].
    #[arg(long, global = true, value_name = "KEY", env = "PAKHUS_API_KEY", hide_env_values = true)]
    api_key: Option<SecretArgument>,
}

/// A secret among the arguments. Parsing it cannot fail, for the refusal would repeat it.
#[derive(Clone)]
pub(super) struct SecretArgument(String);

impl FromStr for SecretArgument {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.trim().to_owned()))
    }
}

impl fmt::Debug for SecretArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretArgument(…)")
    }
}

impl SecretArgument {
    /// The secret: a literal, `env:NAME` or `file:PATH`.
    pub(super) fn resolve(&self, option: &str) -> Result<Secret, CommandError> {
        self.0
            .parse::<SecretSource>()
            .and_then(|source| source.resolve("".as_ref(), &Environment::of_process()))
            .map_err(|reason| CommandError::usage(format!("{option}: {reason}")))
    }
}

impl Connection {
    /// A client of the server.
    pub(super) fn client(&self) -> Result<Client, CommandError> {
        Client::new(self.server()?, self.key()?)
    }

    /// A client of another site's server, with the API key that was given: the one of a file here is
    /// of another server.
    pub(super) fn client_at(&self, site: &str) -> Result<Client, CommandError> {
        let given = self.api_key.as_ref().filter(|key| !key.0.is_empty());
        Client::new(server_at(site, "--at")?, given.map(|_| self.key()).transpose()?.flatten())
    }

    fn server(&self) -> Result<Url, CommandError> {
        let text = self.server.as_deref().filter(|text| !text.is_empty()).unwrap_or(DEFAULT_SERVER);
        server_at(text, "--server or PAKHUS_SERVER")
    }

    fn key(&self) -> Result<Option<Secret>, CommandError> {
        match self.api_key.as_ref().filter(|key| !key.0.is_empty()) {
            Some(key) => Secret::new(key.0.as_str())
                .map(Some)
                .map_err(|reason| CommandError::usage(format!("this is no API key: {reason}"))),
            None => Ok(std::fs::read_to_string(DEFAULT_KEY_FILE)
                .ok()
                .and_then(|text| Secret::new(text.trim()).ok())),
        }
    }
}

fn server_at(text: &str, option: &str) -> Result<Url, CommandError> {
    let refuse = || {
        CommandError::usage(format!(
            "`{text}` is no address of a server: write it like `{DEFAULT_SERVER}` in {option}"
        ))
    };
    let mut url = Url::parse(text).map_err(|_| refuse())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refuse());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(CommandError::usage(
            "the address of a server has no user name and no password: give an API key with --api-key or PAKHUS_API_KEY",
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(server: &str, key: &str) -> Connection {
        Connection { server: Some(server.to_owned()), api_key: key.parse().ok() }
    }

    #[test]
    fn a_server_is_an_http_address() {
        let server = |text| connection(text, "").server().map(String::from);
        assert_eq!(server("").expect("the default"), "http://127.0.0.1:8624/");
        assert_eq!(
            server("https://la.example/pakhus").expect("a URL"),
            "https://la.example/pakhus"
        );
        let error = server("http://me:hunter2@la.example").expect_err("a password");
        assert!(error.exit_code() == 2 && !error.to_string().contains("hunter2"), "{error}");
        for text in ["localhost:8624", "la.example", "ftp://la.example", "http://"] {
            let error = server(text).expect_err(text);
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().starts_with(&format!("`{text}` is no address of a server")));
        }
    }

    #[test]
    fn a_key_that_cannot_be_sent_is_refused_without_repeating_it() {
        let error = connection("", "hunter2\nhunter3").key().expect_err("refused");
        assert!(error.exit_code() == 2 && !error.to_string().contains("hunter"), "{error}");
    }
}
