//! A request of a feed, and how it is answered.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use super::answer::Answer;
use super::feed::MemoryFeed;
use super::host::MemoryHost;
use crate::{
    Body, Identity, Method, Refusal, RefusalKind, Request, RequestHead, Response, Result, Route,
    RoutePath, Timestamp,
};

/// A request that is being put together. Nobody asks it unless [`Self::by`] says who.
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder<'f> {
    feed: &'f MemoryFeed,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    identity: Option<Identity>,
    base_url: String,
    body: Bytes,
}

impl<'f> RequestBuilder<'f> {
    pub(super) fn new(feed: &'f MemoryFeed, method: &str, target: &str) -> Self {
        Self {
            feed,
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Vec::new(),
            identity: None,
            base_url: feed.base_url.clone(),
            body: Bytes::new(),
        }
    }

    /// Adds a header; its name is sent in lower case.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.to_owned()));
        self
    }

    /// Says who asks: the user of this name, if there is one.
    pub fn by(mut self, name: &str) -> Self {
        self.identity = Some(self.feed.everybody().identity(name));
        self
    }

    /// Says under which URL the client sees the feed.
    pub fn seen_at(mut self, base_url: &str) -> Self {
        base_url.clone_into(&mut self.base_url);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends the request: lets the adapter recognise it, serves it, and renders a refusal through
    /// the adapter. Whoever asks may do everything; permissions are the server's.
    ///
    /// # Panics
    /// When the adapter awaits something other than its host, or answers with a blob that is not
    /// stored.
    #[must_use]
    pub fn send(self) -> Answer {
        let feed = self.feed;
        let now = {
            let mut store = feed.store();
            store.now = Timestamp::from_millis(store.now.millis() + 1000);
            store.now
        };
        let content_type = self.headers.iter().find(|(name, _)| name == "content-type");
        let content_type = content_type.map_or("", |(_, value)| value);
        let host = MemoryHost::new(feed, self.identity.clone(), content_type, self.body.clone());
        let mut route = None;
        let outcome = self.head(now).and_then(|head| {
            let recognised: Route = feed.package_type.route(&head)?;
            route = Some(recognised);
            let request = Request { head, identity: self.identity.clone() };
            let mut serving = pin!(feed.package_type.serve(request, &host));
            match serving.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => outcome,
                Poll::Pending => panic!("the adapter awaits something other than its host"),
            }
        });
        let response = outcome.unwrap_or_else(|refusal| feed.package_type.refuse(&refusal));
        answer(feed, response, route, host.into_transcript())
    }

    fn head(&self, now: Timestamp) -> Result<RequestHead> {
        let method = match self.method.as_str() {
            "GET" | "HEAD" => Method::Get,
            "PUT" => Method::Put,
            "POST" => Method::Post,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            method => {
                let message = format!("the method {method} is not known");
                return Err(Refusal::new(RefusalKind::MethodNotAllowed, message));
            }
        };
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let path = RoutePath::parse(path.strip_prefix('/').unwrap_or(path));
        Ok(RequestHead {
            method,
            path: path.map_err(Refusal::invalid)?,
            query: query.to_owned(),
            headers: self.headers.clone(),
            base_url: self.base_url.clone(),
            now,
        })
    }
}

fn answer(
    feed: &MemoryFeed,
    response: Response,
    route: Option<Route>,
    transcript: Vec<String>,
) -> Answer {
    let mut headers: Vec<_> =
        response.headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut blob = None;
    let body = match response.body {
        Body::Empty => Bytes::new(),
        Body::Bytes(bytes) => bytes,
        Body::Document(document) => {
            headers.push(("etag".to_owned(), document.etag));
            document.bytes
        }
        Body::Blob { digest, size } => {
            blob = Some(digest);
            let stored = feed.store().blobs.get(&digest).cloned();
            let bytes = stored.expect("an adapter answers only with blobs that are stored");
            assert_eq!(bytes.len() as u64, size, "an adapter says how long the blob really is");
            bytes
        }
    };
    let Response { status, reason, download, .. } = response;
    Answer { status, reason, headers, body, blob, download, route, transcript }
}
