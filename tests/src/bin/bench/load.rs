//! Requests in a loop, over some connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, Method};

type Make = Arc<dyn Fn() -> (String, String) + Send + Sync>;

/// What is asked again and again.
#[derive(Clone)]
pub(crate) struct Load {
    method: Method,
    headers: Vec<(String, String)>,
    /// The URL and body of the next request.
    make: Make,
}

impl Load {
    /// Reads of one URL.
    pub(crate) fn get(url: &str) -> Self {
        let url = url.to_owned();
        Self::made(Method::GET, move || (url.clone(), String::new()))
    }

    /// Requests that differ.
    pub(crate) fn made(
        method: Method,
        make: impl Fn() -> (String, String) + Send + Sync + 'static,
    ) -> Self {
        Self { method, headers: Vec::new(), make: Arc::new(make) }
    }

    /// Adds a header to each.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    async fn once(&self, client: &Client) {
        let (url, body) = (self.make)();
        let mut request = client.request(self.method.clone(), url).body(body);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut answer = request.send().await.expect("the server answers");
        let status = answer.status();
        assert!(status.is_success() || status == 304, "{status}");
        while answer.chunk().await.expect("the answer comes whole").is_some() {}
    }
}

/// Answers a second, over so many connections.
pub(crate) async fn rate(load: &Load, connections: usize, time: Duration) -> f64 {
    let mut workers = tokio::task::JoinSet::new();
    let started = Instant::now();
    for _ in 0..connections {
        let load = load.clone();
        workers.spawn(async move {
            let client = Client::new();
            let mut answers = 0_u32;
            while started.elapsed() < time {
                load.once(&client).await;
                answers += 1;
            }
            answers
        });
    }
    let mut answers = 0.0;
    while let Some(done) = workers.join_next().await {
        answers += f64::from(done.expect("a worker ends"));
    }
    answers / started.elapsed().as_secs_f64()
}
