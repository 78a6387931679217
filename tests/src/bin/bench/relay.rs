//! A line between two programs: it counts what goes over it, and can be a long one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// How every first line of a request ends.
const REQUEST: &[u8] = b" HTTP/1.1\r\n";
/// How much is read at once.
const CHUNK: usize = 64 * 1024;
/// How many chunks are on the way at most: the line is long, not narrow.
const ON_THE_WAY: usize = 4096;

/// A TCP relay in front of a server.
pub(crate) struct Relay {
    address: String,
    counted: Arc<Counted>,
    task: AbortHandle,
}

#[derive(Default)]
struct Counted {
    requests: AtomicU64,
    bytes: AtomicU64,
}

/// What went over a line until then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Traffic {
    /// Requests of HTTP/1.1.
    pub(crate) requests: u64,
    /// Bytes in both directions, headers and all.
    pub(crate) bytes: u64,
}

impl Traffic {
    /// What came since `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self { requests: self.requests - before.requests, bytes: self.bytes - before.bytes }
    }
}

impl Relay {
    /// A line to `target`, on which everything takes `delay` in each direction, and a connection a
    /// round trip more. How much goes over it in a time is not limited, nor does it begin slowly, as
    /// TCP does on a line that really is long.
    pub(crate) async fn start(target: &str, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address").to_string();
        let counted = Arc::<Counted>::default();
        let (target, counting) = (target.to_owned(), Arc::clone(&counted));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, target.clone(), delay, Arc::clone(&counting)));
            }
        });
        Self { address, counted, task: task.abort_handle() }
    }

    /// `HOST:PORT` of its near end.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What went over it so far.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.counted.requests.load(Ordering::Relaxed),
            bytes: self.counted.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(client: TcpStream, target: String, delay: Duration, counted: Arc<Counted>) {
    let open = Instant::now() + 2 * delay;
    let Ok(server) = TcpStream::connect(target).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("the connection takes a setting");
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let line = Line { open, delay, counted };
    tokio::join!(
        line.carry(from_client, to_server, true),
        line.carry(from_server, to_client, false),
    );
}

/// One connection.
struct Line {
    /// When it would be made.
    open: Instant,
    delay: Duration,
    counted: Arc<Counted>,
}

impl Line {
    async fn carry(&self, mut from: OwnedReadHalf, to: OwnedWriteHalf, counts_requests: bool) {
        let (sender, receiver) = mpsc::channel(ON_THE_WAY);
        let arriving = tokio::spawn(arrive(to, receiver));
        let mut requests = Requests::default();
        let mut buffer = vec![0; CHUNK];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            let bytes = &buffer[..read];
            self.counted.bytes.fetch_add(read as u64, Ordering::Relaxed);
            if counts_requests {
                self.counted.requests.fetch_add(requests.begun_in(bytes), Ordering::Relaxed);
            }
            let due = Instant::now().max(self.open) + self.delay;
            if sender.send((due, Bytes::copy_from_slice(bytes))).await.is_err() {
                break;
            }
        }
        drop(sender);
        let _ = arriving.await;
    }
}

/// Hands over what is due, and closes when there is no more.
async fn arrive(mut to: OwnedWriteHalf, mut receiver: mpsc::Receiver<(Instant, Bytes)>) {
    while let Some((due, bytes)) = receiver.recv().await {
        if due > Instant::now() {
            sleep_until(due).await;
        }
        if to.write_all(&bytes).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

/// Counts the requests of one connection.
#[derive(Default)]
struct Requests {
    /// The last bytes: what is sought may be cut in two.
    tail: Vec<u8>,
}

impl Requests {
    fn begun_in(&mut self, bytes: &[u8]) -> u64 {
        self.tail.extend_from_slice(bytes);
        let found = self.tail.windows(REQUEST.len()).filter(|window| *window == REQUEST).count();
        let keep = self.tail.len().min(REQUEST.len() - 1);
        self.tail.drain(..self.tail.len() - keep);
        found as u64
    }
}
