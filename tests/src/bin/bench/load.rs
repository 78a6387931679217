//! Requests in a loop, over some connections that are kept open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::processor::Used;
use crate::registry::Registry;

/// What is asked again and again, or one after the other.
#[derive(Clone)]
pub(crate) struct Load {
    method: Method,
    address: String,
    headers: Vec<(&'static str, String)>,
    requests: Arc<Vec<(String, Bytes)>>,
    next: Arc<AtomicUsize>,
    repeats: bool,
}

/// What a load came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    /// Answers a second.
    pub(crate) answers: f64,
    /// Bytes of bodies a second.
    pub(crate) bytes: f64,
    /// Processor time of the server for each answer, in microseconds.
    pub(crate) server: f64,
    /// Processor time of this program for each answer, in microseconds.
    pub(crate) client: f64,
}

impl Load {
    /// Reads of one path of a registry.
    pub(crate) fn get(registry: &Registry, path: &str) -> Self {
        let requests = vec![(registry.path(path), Bytes::new())];
        Self::new(registry, Method::GET, requests, true)
    }

    /// Writes of JSON, each once. A load that is measured again goes on where it ended.
    pub(crate) fn put(registry: &Registry, requests: Vec<(String, Bytes)>) -> Self {
        Self::write(registry, Method::PUT, "application/json", requests)
    }

    /// Writes, each once. A load that is measured again goes on where it ended.
    pub(crate) fn write(
        registry: &Registry,
        method: Method,
        content_type: &str,
        requests: Vec<(String, Bytes)>,
    ) -> Self {
        let requests =
            requests.into_iter().map(|(path, body)| (registry.path(&path), body)).collect();
        let load = Self::new(registry, method, requests, false);
        let load = load.header("content-type", content_type);
        match &registry.key {
            Some(key) => load.header("authorization", &format!("Bearer {key}")),
            None => load,
        }
    }

    fn new(
        registry: &Registry,
        method: Method,
        requests: Vec<(String, Bytes)>,
        repeats: bool,
    ) -> Self {
        Self {
            method,
            address: registry.address.clone(),
            headers: Vec::new(),
            requests: Arc::new(requests),
            next: Arc::default(),
            repeats,
        }
    }

    /// Adds a header to each.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(&self.address).await.expect("the server takes connections");
        stream.set_nodelay(true).expect("the connection takes a setting");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("it speaks HTTP");
        tokio::spawn(connection);
        sender
    }

    /// The next request, unless all were made.
    fn next(&self) -> Option<Request<Full<Bytes>>> {
        let index = if self.repeats { 0 } else { self.next.fetch_add(1, Ordering::Relaxed) };
        let (path, body) = self.requests.get(index)?;
        let mut request = Request::builder().method(&self.method).uri(path);
        request = request.header("host", &self.address);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        Some(request.body(Full::new(body.clone())).expect("a request"))
    }

    /// Makes requests until `end`; how many, and the bytes of their answers.
    async fn run(self, end: Option<Instant>) -> (f64, f64) {
        let mut sender = self.connect().await;
        let (mut answers, mut bytes) = (0.0, 0.0);
        while end.is_none_or(|end| Instant::now() < end) {
            let Some(request) = self.next() else { break };
            let path = request.uri().clone();
            sender.ready().await.expect("the connection is kept open");
            let answer = sender.send_request(request).await.expect("the server answers");
            let status = answer.status();
            assert!(status.is_success() || status == 304, "{path}: {status}");
            let mut body = answer.into_body();
            while let Some(frame) = body.frame().await {
                let frame = frame.expect("the answer comes whole");
                bytes += frame.data_ref().map_or(0.0, |data| data.len() as f64);
            }
            answers += 1.0;
        }
        (answers, bytes)
    }

    /// Makes all requests, one after the other.
    pub(crate) async fn all(self) {
        self.run(None).await;
    }
}

/// Puts a load on a registry, over so many connections.
pub(crate) async fn rate(
    registry: &Registry,
    load: &Load,
    connections: usize,
    time: Duration,
) -> Rate {
    let mut workers = tokio::task::JoinSet::new();
    let (server, client) = (Used::by(registry.process), Used::by(std::process::id()));
    let started = Instant::now();
    for _ in 0..connections {
        workers.spawn(load.clone().run(Some(started + time)));
    }
    let (mut answers, mut bytes) = (0.0, 0.0);
    while let Some(done) = workers.join_next().await {
        let done = done.expect("a worker ends");
        (answers, bytes) = (answers + done.0, bytes + done.1);
    }
    let took = started.elapsed().as_secs_f64();
    Rate {
        answers: answers / took,
        bytes: bytes / took,
        server: server.since() * 1e6 / answers,
        client: client.since() * 1e6 / answers,
    }
}
