//! Bodies that nobody reads to their end.
//!
//! A client that sends first and reads then would see its connection cut instead of an answer that
//! came early. So what is left of a body is read away while the answer is already on its way.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::runtime::Handle;

/// How much of a body is read away.
const MOST: u64 = 256 * 1024 * 1024;
/// How long that may take.
const TIME: Duration = Duration::from_secs(30);
/// How long the client may pause meanwhile.
const PAUSE: Duration = Duration::from_secs(5);

/// Has what handlers leave of the request's body read away.
pub(super) async fn read_out(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let waits = request.headers().contains_key(header::EXPECT);
    let wrap =
        |body: Body| Body::from_stream(ReadOut { bytes: Some(body.into_data_stream()), waits });
    next.run(request.map(wrap)).await
}

struct ReadOut {
    /// `None` once it is over.
    bytes: Option<BodyDataStream>,
    /// The client waits for a word before it sends (RFC 9110 section 10.1.1), which is said by
    /// beginning to read.
    waits: bool,
}

impl Stream for ReadOut {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waits = false;
        let Some(bytes) = &mut self.bytes else { return Poll::Ready(None) };
        let next = bytes.poll_next_unpin(context);
        if matches!(next, Poll::Ready(None | Some(Err(_)))) {
            self.bytes = None;
        }
        next
    }
}

impl Drop for ReadOut {
    fn drop(&mut self) {
        if self.waits {
            return;
        }
        if let (Some(bytes), Ok(runtime)) = (self.bytes.take(), Handle::try_current()) {
            runtime.spawn(tokio::time::timeout(TIME, read_away(bytes)));
        }
    }
}

async fn read_away(mut bytes: BodyDataStream) {
    let mut left = MOST;
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(PAUSE, bytes.next()).await {
        left = left.saturating_sub(chunk.len() as u64);
        if left == 0 {
            return;
        }
    }
}
