//! A replication server that lies: it answers what a real one does, with some of it changed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use crate::server::Server;

/// Changes the body that the real server answers with, by the path of the request.
pub type Lie = dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync;

/// How long an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// As long as its bytes.
    True,
    /// So long, it says; the connection ends after the bytes that there are.
    Announced(u64),
    /// Its bytes come again and again, without an end.
    Endless,
}

/// Says how long an answer is, by the path of the request and the number of its bytes.
type Lengths = dyn Fn(&str, usize) -> Length + Send + Sync;

/// A server that lies. It stops when it is dropped.
pub struct Liar {
    address: String,
    lie: Arc<Mutex<Arc<Lie>>>,
    hidden: Arc<Mutex<Option<&'static str>>>,
    lengths: Arc<Mutex<Arc<Lengths>>>,
    serving: AbortHandle,
}

impl Liar {
    /// Stands in front of `server`, and tells the truth until it is told to lie.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn in_front_of(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let truth: Arc<Lie> = Arc::new(|_, body| body);
        let lie = Arc::new(Mutex::new(truth));
        let hidden = Arc::new(Mutex::new(None));
        let true_lengths: Arc<Lengths> = Arc::new(|_, _| Length::True);
        let lengths = Arc::new(Mutex::new(true_lengths));
        let (root, lies, hides) = (server.url(""), Arc::clone(&lie), Arc::clone(&hidden));
        let stretches = Arc::clone(&lengths);
        let serving = tokio::spawn(async move {
            let client = reqwest::Client::new();
            while let Ok((line, _)) = listener.accept().await {
                let (client, root, lies) = (client.clone(), root.clone(), Arc::clone(&lies));
                let (hides, stretches) = (Arc::clone(&hides), Arc::clone(&stretches));
                let service = service_fn(move |request| {
                    let lie = Arc::clone(&lies.lock().unwrap_or_else(PoisonError::into_inner));
                    let hidden = *hides.lock().unwrap_or_else(PoisonError::into_inner);
                    let lengths = stretches.lock().unwrap_or_else(PoisonError::into_inner);
                    let telling = Telling { lie, lengths: Arc::clone(&lengths), hidden };
                    answer(client.clone(), root.clone(), telling, request)
                });
                let line = TokioIo::new(line);
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(line, service),
                );
            }
        });
        Self { address, lie, lengths, hidden, serving: serving.abort_handle() }
    }

    /// From now on it lies so.
    pub fn lies(&self, lie: impl Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync + 'static) {
        *self.lie.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(lie);
    }

    /// From now on its answers are so long.
    pub fn stretches(&self, lengths: impl Fn(&str, usize) -> Length + Send + Sync + 'static) {
        *self.lengths.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(lengths);
    }

    /// From now on it tells the truth.
    pub fn repents(&self) {
        self.lies(|_, body| body);
        self.stretches(|_, _| Length::True);
    }

    /// From now on it does as if the server had no such endpoint.
    pub fn hides(&self, endpoint: &'static str) {
        *self.hidden.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint);
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The bytes of an answer, once or again and again. It does not say how many.
struct Told {
    bytes: Bytes,
    endless: bool,
}

impl Body for Told {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.bytes.clone();
        if !self.endless {
            self.bytes.clear();
        }
        Poll::Ready((!bytes.is_empty()).then_some(Ok(Frame::data(bytes))))
    }
}

/// How it answers one request.
struct Telling {
    lie: Arc<Lie>,
    lengths: Arc<Lengths>,
    hidden: Option<&'static str>,
}

async fn answer(
    client: reqwest::Client,
    root: String,
    telling: Telling,
    request: Request<Incoming>,
) -> Result<Response<Told>, Infallible> {
    let Telling { lie, lengths, hidden } = telling;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let is_hidden = hidden.is_some_and(|endpoint| path.ends_with(endpoint));
    let url = format!("{root}{}{}", parts.uri, if is_hidden { "-unknown" } else { "" });
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let asked = client.request(parts.method, url).headers(parts.headers).body(body).send().await;
    let Ok(answer) = asked else {
        let mut broken = Response::new(Told { bytes: Bytes::new(), endless: false });
        *broken.status_mut() = hyper::StatusCode::BAD_GATEWAY;
        return Ok(broken);
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let body = answer.bytes().await.unwrap_or_default().to_vec();
    let body = if status.is_success() { lie(&path, body) } else { body };
    let length = if status.is_success() { lengths(&path, body.len()) } else { Length::True };
    match length {
        Length::True => headers.insert("content-length", body.len().into()),
        Length::Announced(announced) => headers.insert("content-length", announced.into()),
        Length::Endless => None,
    };
    let told = Told { bytes: body.into(), endless: length == Length::Endless };
    let mut response = Response::new(told);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}
