//! Speaks the admin API to a server.

use std::error::Error;
use std::io;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::answers::Problem;
use super::error::CommandError;
use super::output::one_line;
use crate::config::Secret;

/// How long a server may take for an answer. Saving replication settings asks the source for its
/// part, so it is longer than an answer of one server's needs.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How many pages of a listing are read before something must be wrong with it.
const MOST_PAGES: usize = 10_000;

/// A client of one server's admin API.
pub(super) struct Client {
    http: reqwest::Client,
    server: Url,
    key: Option<Secret>,
}

impl Client {
    pub(super) fn new(server: Url, key: Option<Secret>) -> Result<Self, CommandError> {
        // An error only says that the process has a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("pakhus/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .timeout(ANSWER_WITHIN)
            // Following one would turn a POST into a GET: better to say where the server went.
            .redirect(reqwest::redirect::Policy::none());
        if server.scheme() == "http" {
            // Without TLS there is no need to read the system's certificates, nor to have any.
            http = http.tls_certs_only([]);
        }
        if is_loopback(&server) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| {
            CommandError::refused(format!("cannot speak https: {}", root_cause(&error)))
        })?;
        Ok(Self { http, server, key })
    }

    /// The server's address, without a trailing slash.
    pub(super) fn server(&self) -> &str {
        self.server.as_str().trim_end_matches('/')
    }

    /// Reads what is at a path below `/api/v1/`.
    pub(super) async fn get(&self, path: &[&str]) -> Result<Value, CommandError> {
        self.send(Method::GET, self.url(path), None::<&()>).await
    }

    /// Writes to a path below `/api/v1/`.
    pub(super) async fn put(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, CommandError> {
        self.send(Method::PUT, self.url(path), Some(body)).await
    }

    /// Changes what is at a path below `/api/v1/`.
    pub(super) async fn patch(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, CommandError> {
        self.send(Method::PATCH, self.url(path), Some(body)).await
    }

    /// Sends to a path below `/api/v1/`.
    pub(super) async fn post(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Value, CommandError> {
        self.send(Method::POST, self.url(path), Some(body)).await
    }

    /// Removes what is at a path below `/api/v1/`.
    pub(super) async fn delete(&self, path: &[&str]) -> Result<(), CommandError> {
        self.send(Method::DELETE, self.url(path), None::<&()>).await.map(|_| ())
    }

    /// Reads one page of a listing.
    pub(super) async fn page(
        &self,
        path: &[&str],
        query: &[(&str, Option<&str>)],
    ) -> Result<Value, CommandError> {
        let mut url = self.url(path);
        let given: Vec<_> =
            query.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        self.send(Method::GET, url, None::<&()>).await
    }

    /// Reads all pages of a listing whose elements are in `field`, as if they were one.
    pub(super) async fn all_pages(
        &self,
        path: &[&str],
        field: &str,
    ) -> Result<Value, CommandError> {
        let mut whole = self.page(path, &[]).await?;
        for _ in 0..MOST_PAGES {
            let Some(after) = whole.get("next").and_then(Value::as_str) else { break };
            let mut next = self.page(path, &[("after", Some(after))]).await?;
            let elements = next.get_mut(field).and_then(Value::as_array_mut).map(std::mem::take);
            let next = next.get("next").cloned().unwrap_or_default();
            if let Some(all) = whole.get_mut(field).and_then(Value::as_array_mut) {
                all.extend(elements.unwrap_or_default());
            }
            whole["next"] = next;
        }
        Ok(whole)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.server.clone();
        // An http URL always has a path to extend.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<Value, CommandError> {
        let mut request = self.http.request(method, url.clone());
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|error| self.no_answer(&error))?;
        self.understand(url, response).await
    }

    async fn understand(&self, url: Url, response: Response) -> Result<Value, CommandError> {
        let status = response.status();
        let is_problem = response
            .headers()
            .get(reqwest::header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
        let location =
            response.headers().get(reqwest::header::LOCATION).and_then(|to| to.to_str().ok());
        if status.is_redirection() {
            return Err(not_understood(
                &url,
                format!("it sends to {}", location.unwrap_or("nowhere")),
            ));
        }
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body = response.bytes().await.map_err(|error| self.no_answer(&error))?;
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|_| not_understood(&url, "no JSON".to_owned()));
        }
        let problem: Option<Problem> =
            if is_problem { serde_json::from_slice(&body).ok() } else { None };
        Err(self.refusal(&url, status, problem))
    }

    fn refusal(&self, url: &Url, status: StatusCode, problem: Option<Problem>) -> CommandError {
        let server = self.server().to_owned();
        if status == StatusCode::UNAUTHORIZED {
            return match &self.key {
                None => CommandError::KeyMissing { server },
                Some(_) => CommandError::KeyUnknown { server },
            };
        }
        match problem.and_then(|problem| problem.detail.or(problem.title)) {
            Some(words) if status == StatusCode::GATEWAY_TIMEOUT => {
                CommandError::NotYet(one_line(&words))
            }
            Some(words) => CommandError::Refused(one_line(&words)),
            None if status == StatusCode::FORBIDDEN => {
                CommandError::refused("this API key may not do that: use one with more scopes")
            }
            // What does not know the path is something else than a Pakhus server.
            None if status == StatusCode::NOT_FOUND => {
                not_understood(url, format!("HTTP {status}"))
            }
            None => CommandError::refused(format!("the server at {server} answers HTTP {status}")),
        }
    }

    /// Says why there is no answer, in words that tell what to do.
    fn no_answer(&self, error: &reqwest::Error) -> CommandError {
        let server = self.server().to_owned();
        if error.is_timeout() && !error.is_connect() {
            return CommandError::TimedOut { server };
        }
        let why = root_cause(error);
        if why.contains("certificate") {
            return CommandError::refused(format!(
                "the certificate of {server} is not trusted ({why}): give its authority's certificate by SSL_CERT_FILE"
            ));
        }
        let why = if is_refused(error) { String::new() } else { why };
        CommandError::Unreachable { server, why }
    }
}

/// Understands an answer as a `T`.
pub(super) fn read<T: DeserializeOwned>(
    client: &Client,
    answer: &Value,
) -> Result<T, CommandError> {
    T::deserialize(answer).map_err(|error| CommandError::NotUnderstood {
        url: client.server().to_owned(),
        why: error.to_string(),
    })
}

/// Understands the elements of a listing, which are in `field` of the answer.
pub(super) fn read_list<T: DeserializeOwned>(
    client: &Client,
    answer: &Value,
    field: &str,
) -> Result<Vec<T>, CommandError> {
    read(client, answer.get(field).unwrap_or(&Value::Null))
}

fn not_understood(url: &Url, why: String) -> CommandError {
    CommandError::NotUnderstood { url: url.to_string(), why }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

fn is_refused(error: &reqwest::Error) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| matches!(error.kind(), io::ErrorKind::ConnectionRefused))
}

fn root_cause(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(|cause| one_line(&cause.to_string())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(server: &str, key: Option<&str>) -> Client {
        let key = key.map(|key| Secret::new(key).expect("a key"));
        Client::new(Url::parse(server).expect("a URL"), key).expect("a client")
    }

    fn refusal(key: Option<&str>, status: u16, detail: Option<&str>) -> String {
        let client = client("http://la.example:8624", key);
        let status = StatusCode::from_u16(status).expect("a status");
        let problem = detail.map(|detail| Problem { title: None, detail: Some(detail.to_owned()) });
        client.refusal(&client.url(&["feeds"]), status, problem).to_string()
    }

    #[test]
    fn names_stay_one_segment_of_the_path() {
        let client = client("https://la.example/pakhus/", None);
        assert_eq!(
            client.url(&["feeds", "a/../b c"]).as_str(),
            "https://la.example/pakhus/api/v1/feeds/a%2F..%2Fb%20c"
        );
        assert_eq!(client.server(), "https://la.example/pakhus");
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        assert_eq!(
            refusal(Some("k"), 404, Some("there is no feed `libs`")),
            "there is no feed `libs`"
        );
        assert_eq!(
            refusal(None, 401, Some("who are you?")),
            "the server at http://la.example:8624 asks for an API key: give one with --api-key or PAKHUS_API_KEY (a server writes its first to admin.key in its data directory)"
        );
        assert!(refusal(Some("k"), 401, None).contains("does not know this API key"));
        assert!(refusal(Some("k"), 403, None).contains("use one with more scopes"));
        assert_eq!(
            refusal(None, 502, None),
            "the server at http://la.example:8624 answers HTTP 502 Bad Gateway"
        );
        assert_eq!(
            refusal(None, 404, None),
            "http://la.example:8624/api/v1/feeds does not answer as a Pakhus server of this version does (HTTP 404 Not Found): check --server"
        );
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_plainly() {
        // A port that was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("an address"));
        drop(listener);
        let error = client(&server, None).get(&["feeds"]).await.expect_err("nobody there");
        assert_eq!(
            error.to_string(),
            format!(
                "no server answers at {server}: start one with `pakhus serve` or name another with --server"
            )
        );
    }
}
