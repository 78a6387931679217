//! The source of a feed, asked over HTTP.

mod upload;

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use pakhus_core::Digest;
use pakhus_core::replication::engine::{RemoteError, RemotePage};
use pakhus_core::replication::{
    Applied, ClientSide, Cursor, Handshake, MissingBlobs, PROTOCOL, PageEnd, Position, Record,
    RecordKey,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;

use super::limiter::Limiter;
use super::wire;

impl From<SourceError> for RemoteError {
    fn from(error: SourceError) -> Self {
        let text = error.to_string();
        match error {
            SourceError::Unreachable { .. } => Self::Unreachable(text),
            SourceError::Refused { .. } | SourceError::Url(_) => Self::Refused(text),
            SourceError::Diverged(reason) => Self::Diverged(reason),
            SourceError::Expired(reason) => Self::Expired(reason),
            SourceError::Broken(what) => Self::Broken(what),
        }
    }
}

/// Why the source did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("the source {url} cannot be reached: {cause}")]
    Unreachable { url: String, cause: String },
    #[error("the source answers {status}: {detail}")]
    Refused { status: StatusCode, detail: String },
    #[error("{0}")]
    Diverged(String),
    #[error("{0}")]
    Expired(String),
    #[error("the source sent what the replication protocol does not know: {0}")]
    Broken(String),
    #[error("the source URL `{0}` is no URL like http://HOST/replication/FEED")]
    Url(String),
}

/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest pause of a source while it answers.
const PAUSE: Duration = Duration::from_secs(wire::MAX_WAIT + 15);

/// A source: a feed at another instance.
#[derive(Clone)]
pub(super) struct Source {
    client: Client,
    url: String,
    limiter: Limiter,
}

impl Source {
    /// The source at `url`, asked on behalf of `side`, whose instance is called so.
    pub(super) fn new(
        url: &str,
        token: &str,
        side: &ClientSide,
        instance_name: &str,
    ) -> Result<Self, SourceError> {
        let bad_url = || SourceError::Url(url.to_owned());
        let parsed = url::Url::parse(url).map_err(|_| bad_url())?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.path().contains("/replication/")
        {
            return Err(bad_url());
        }
        let mut headers = HeaderMap::new();
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| SourceError::Broken("the sync token has odd characters".to_owned()))?;
        bearer.set_sensitive(true);
        headers.insert(reqwest::header::AUTHORIZATION, bearer);
        let says = [
            (wire::INSTANCE, side.instance_id.clone()),
            (wire::NAME, utf8_percent_encode(instance_name, NON_ALPHANUMERIC).to_string()),
            (wire::FEED, side.feed.to_string()),
            (wire::TYPE, side.package_type.clone()),
            (wire::MODE, side.mode.to_string()),
            (wire::VERSION, side.version.clone()),
            (wire::PROTOCOL, PROTOCOL.to_string()),
        ];
        for (name, value) in says {
            let value = HeaderValue::try_from(value)
                .map_err(|error| SourceError::Broken(error.to_string()))?;
            headers.insert(name, value);
        }
        let client = Client::builder()
            .default_headers(headers)
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("pakhus/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| SourceError::Broken(error.to_string()))?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), limiter: Limiter::default() })
    }

    /// The same, with what is fetched held to a rate.
    pub(super) fn limited(self, limiter: Limiter) -> Self {
        Self { limiter, ..self }
    }

    /// What blobs are held to.
    pub(super) const fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// Who the source is, and what it allows.
    pub(super) async fn handshake(&self) -> Result<Handshake, SourceError> {
        let response = self.send(self.request(Method::GET, "/")).await?;
        self.json(response, 256 * 1024).await
    }

    /// The changes after `cursor`. With `wait`, the source holds the answer for so many seconds, or
    /// until there is one.
    pub(super) async fn changes(
        &self,
        cursor: &Cursor,
        fresh: bool,
        limit: u64,
        wait: u64,
    ) -> Result<RemotePage, SourceError> {
        let request = self.request(Method::GET, "/changes").query(&[
            ("lineage", cursor.lineage.clone()),
            ("since", cursor.seq.to_string()),
            ("witness", cursor.witness.seq.to_string()),
            ("chain", cursor.witness.chain.to_string()),
            ("fresh", fresh.to_string()),
            ("limit", limit.to_string()),
            ("wait", wait.to_string()),
        ]);
        let response = match self.send(request).await {
            Err(SourceError::Refused { status: StatusCode::CONFLICT, detail }) => {
                return Err(SourceError::Diverged(detail));
            }
            Err(SourceError::Refused { status: StatusCode::GONE, detail }) => {
                return Err(SourceError::Expired(detail));
            }
            other => other?,
        };
        let tag = response.headers().get(wire::TAG).and_then(|tag| tag.to_str().ok()?.parse().ok());
        let (records, end) = self.page(response).await?;
        if end.through < cursor.seq || (end.more && records.is_empty()) {
            return Err(SourceError::Broken("a page that does not get on".to_owned()));
        }
        Ok(RemotePage { records, end, tag })
    }

    async fn page(&self, response: Response) -> Result<(Vec<Record>, PageEnd), SourceError> {
        let page = self.bytes(response, wire::RECEIVED_BYTES).await?;
        let (records, end) =
            wire::read_page(&page).map_err(|error| SourceError::Broken(error.to_string()))?;
        let end = end.ok_or_else(|| SourceError::Broken(wire::WireError::NoEnd.to_string()))?;
        Ok((records, end))
    }

    /// The records under `keys`, and the end of the source's log after they were read.
    pub(super) async fn records(
        &self,
        keys: &[RecordKey],
    ) -> Result<(Vec<Record>, Position), SourceError> {
        let keys = wire::RecordKeys { keys: keys.to_vec() };
        let response = self.send(self.request(Method::POST, "/records").json(&keys)).await?;
        let (records, end) = self.page(response).await?;
        Ok((records, end.head))
    }

    /// The sums below `prefix` of the tree, or the leaves of a bucket.
    pub(super) async fn fingerprint<T: for<'de> Deserialize<'de>>(
        &self,
        prefix: &str,
    ) -> Result<T, SourceError> {
        let request = self.request(Method::GET, "/fingerprint").query(&[("prefix", prefix)]);
        self.json(self.send(request).await?, wire::RECEIVED_BYTES).await
    }

    /// The bytes of a blob from byte `offset` on.
    pub(super) async fn blob(
        &self,
        digest: &Digest,
        offset: u64,
    ) -> Result<impl Stream<Item = Result<Bytes, SourceError>> + use<>, SourceError> {
        let mut request = self.request(Method::GET, &format!("/blobs/{digest}"));
        if offset > 0 {
            request = request.header(reqwest::header::RANGE, format!("bytes={offset}-"));
        }
        let response = self.send(request).await?;
        if (response.status() == StatusCode::PARTIAL_CONTENT) != (offset > 0) {
            return Err(SourceError::Broken(
                "another part of a blob than was asked for".to_owned(),
            ));
        }
        Ok(self.stream(response))
    }

    /// Many small blobs in one stream, each framed by its digest and length.
    pub(super) async fn blobs(
        &self,
        digests: Vec<Digest>,
    ) -> Result<impl Stream<Item = Result<Bytes, SourceError>> + use<>, SourceError> {
        let request = self.request(Method::POST, "/blobs/batch").json(&MissingBlobs { digests });
        let response = self.send(request).await?;
        Ok(self.stream(response))
    }

    fn stream(&self, response: Response) -> impl Stream<Item = Result<Bytes, SourceError>> + use<> {
        stream::try_unfold((self.clone(), response), async |(source, mut response)| {
            let Some(bytes) = source.patiently(response.chunk()).await? else { return Ok(None) };
            source.limiter.pass(bytes.len()).await;
            Ok(Some((bytes, (source, response))))
        })
    }

    /// Those of `digests` that the source lacks.
    pub(super) async fn missing(&self, digests: Vec<Digest>) -> Result<Vec<Digest>, SourceError> {
        let request = self.request(Method::POST, "/blobs/missing").json(&MissingBlobs { digests });
        let answer: MissingBlobs = self.json(self.send(request).await?, 8 * 1024 * 1024).await?;
        Ok(answer.digests)
    }

    /// Sends changes of this feed.
    pub(super) async fn push(&self, page: Vec<u8>) -> Result<Applied, SourceError> {
        let request = self
            .request(Method::POST, "/changes")
            .header(reqwest::header::CONTENT_TYPE, wire::NDJSON)
            .body(page);
        self.json(self.send(request).await?, wire::RECEIVED_BYTES).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, SourceError> {
        self.accepted(self.patiently(request.send()).await?).await
    }

    /// The answer, unless it is a refusal.
    async fn accepted(&self, response: Response) -> Result<Response, SourceError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.bytes(response, 64 * 1024).await.unwrap_or_default();
        #[derive(Deserialize)]
        struct Problem {
            detail: String,
        }
        let detail = serde_json::from_slice(&body)
            .map(|Problem { detail }| detail)
            .unwrap_or_else(|_| "it gives no reason; is this the address of a feed?".to_owned());
        Err(SourceError::Refused { status, detail })
    }

    async fn json<T: for<'de> Deserialize<'de>>(
        &self,
        response: Response,
        max: usize,
    ) -> Result<T, SourceError> {
        let bytes = self.bytes(response, max).await?;
        serde_json::from_slice(&bytes).map_err(|error| SourceError::Broken(error.to_string()))
    }

    async fn bytes(&self, mut response: Response, max: usize) -> Result<Bytes, SourceError> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.patiently(response.chunk()).await? {
            if all.len() + bytes.len() > max {
                return Err(SourceError::Broken(format!("an answer of more than {max} bytes")));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }

    /// Waits for the source, but not for longer than it may pause. The client's own limit would count the
    /// time in which a body is sent as a pause.
    async fn patiently<T>(
        &self,
        answer: impl Future<Output = reqwest::Result<T>>,
    ) -> Result<T, SourceError> {
        match tokio::time::timeout(PAUSE, answer).await {
            Ok(answer) => answer.map_err(|error| self.failed(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> SourceError {
        let cause = format!("it paused for {} seconds", PAUSE.as_secs());
        SourceError::Unreachable { url: self.url.clone(), cause }
    }

    fn failed(&self, error: &reqwest::Error) -> SourceError {
        // The innermost cause says what happened ("connection refused"); the outer ones repeat the
        // URL.
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        SourceError::Unreachable { url: self.url.clone(), cause: cause.to_string() }
    }
}
