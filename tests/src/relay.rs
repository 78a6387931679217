//! A line between two sites that can be watched, cut, closed and made slow.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How the head of each request of HTTP/1.1 ends its first line.
const REQUEST: &[u8] = b" HTTP/1.1\r\n";

/// A TCP proxy in front of a server. Gone, with its connections, when dropped.
pub struct Relay {
    address: SocketAddr,
    line: Arc<Line>,
    _tasks: JoinSet<()>,
}

/// What all connections share.
struct Line {
    target: String,
    closed: AtomicBool,
    delay: Duration,
    /// Counts the cuts: a connection ends when it changes.
    cuts: watch::Sender<u64>,
    /// Bytes between two cuts, and those left until the next.
    budget: Mutex<Option<(u64, u64)>>,
    connections: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Relay {
    /// Starts one to `target`, `HOST:PORT`, on loopback.
    pub async fn start(target: &str) -> Self {
        Self::start_long(target, Duration::ZERO).await
    }

    /// Starts one on which every byte takes `delay` in each direction, and a connection a round trip
    /// more. How much goes over it in a time is not limited, nor does it begin slowly, as TCP does on a
    /// line that really is long.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start_long(target: &str, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let line = Arc::new(Line {
            target: target.to_owned(),
            closed: AtomicBool::new(false),
            delay,
            cuts: watch::Sender::new(0),
            budget: Mutex::new(None),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&line)));
        Self { address, line, _tasks: tasks }
    }

    /// The address of `path` through this line.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Cuts all connections each time that so many bytes more went through, in either direction.
    ///
    /// # Panics
    /// When another thread panicked.
    pub fn cut_every(&self, bytes: u64) {
        *self.line.budget.lock().expect("no panic while it was held") = Some((bytes, bytes));
    }

    /// Cuts no more.
    ///
    /// # Panics
    /// When another thread panicked.
    pub fn leave_alone(&self) {
        *self.line.budget.lock().expect("no panic while it was held") = None;
    }

    /// Ends all connections, and each new one as soon as it is made.
    pub fn close(&self) {
        self.line.closed.store(true, Ordering::SeqCst);
        self.line.cut();
    }

    /// Lets connections through again.
    pub fn open(&self) {
        self.line.closed.store(false, Ordering::SeqCst);
    }

    /// How often connections were cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        *self.line.cuts.borrow()
    }

    /// How many connections were made.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.line.connections.load(Ordering::SeqCst)
    }

    /// `HOST:PORT` of its near end.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// What went through so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.line.requests.load(Ordering::SeqCst),
            bytes: self.line.bytes.load(Ordering::SeqCst),
        }
    }
}

/// What went over a line until then.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    /// Requests of HTTP/1.1.
    pub requests: u64,
    /// Bytes in both directions, headers and all.
    pub bytes: u64,
}

impl Traffic {
    /// What came since `before`.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self { requests: self.requests - before.requests, bytes: self.bytes - before.bytes }
    }
}

impl Line {
    fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Counts bytes that are to go through; `false` when they are one too many.
    fn lets_through(&self, count: u64) -> bool {
        self.bytes.fetch_add(count, Ordering::SeqCst);
        let mut budget = self.budget.lock().expect("no panic while it was held");
        let Some((every, left)) = &mut *budget else { return true };
        if *left > count {
            *left -= count;
            return true;
        }
        *left = *every;
        drop(budget);
        self.cut();
        false
    }
}

async fn accept(listener: TcpListener, line: Arc<Line>) {
    // Ends the connections with itself.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        line.connections.fetch_add(1, Ordering::SeqCst);
        if !line.closed.load(Ordering::SeqCst) {
            connections.spawn(connection(client, Arc::clone(&line)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(client: TcpStream, line: Arc<Line>) {
    let mut cuts = line.cuts.subscribe();
    let open = Instant::now() + 2 * line.delay;
    let Ok(server) = TcpStream::connect(&line.target).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let through = async {
        tokio::join!(
            carry(from_client, to_server, &line, open, true),
            carry(from_server, to_client, &line, open, false)
        )
    };
    // A cut drops both ends, with all that was still on the way.
    tokio::select! {
        _ = through => {}
        _ = cuts.changed() => {}
    }
}

async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    line: &Line,
    open: Instant,
    counts_requests: bool,
) {
    // What is on the way: bytes and when they arrive. A line without delay holds hardly any: what is
    // on the way is lost by a cut.
    let most = if line.delay.is_zero() { 1 } else { 4_096 };
    let (sender, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(most);
    let read = async {
        let mut tail = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let bytes = &buffer[..count];
            if counts_requests {
                tail.extend_from_slice(bytes);
                let found = tail.windows(REQUEST.len()).filter(|text| *text == REQUEST).count();
                line.requests.fetch_add(found as u64, Ordering::SeqCst);
                tail.drain(..tail.len().saturating_sub(REQUEST.len() - 1));
            }
            let arrives = Instant::now().max(open) + line.delay;
            if !line.lets_through(count as u64)
                || sender.send((arrives, bytes.to_vec())).await.is_err()
            {
                break;
            }
        }
        drop(sender);
    };
    let write = async {
        while let Some((arrives, bytes)) = on_the_way.recv().await {
            tokio::time::sleep_until(arrives).await;
            if to.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = to.shutdown().await;
        on_the_way.close();
    };
    tokio::join!(read, write);
}
