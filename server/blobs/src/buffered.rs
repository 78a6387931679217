//! Two buffers between the network and the disk: one fills while the other is hashed and written.

use std::mem;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::error::{Error, Result, blocking};

/// When a buffer is written. Large enough that handing it to a blocking thread (some 20 µs) is
/// nothing beside hashing it (some 600 µs and more), small enough for hundreds of uploads at once.
pub(crate) const BUFFER: usize = 1024 * 1024;

/// Where buffers are written to, on a blocking thread.
pub(crate) trait Sink: Send + 'static {
    /// Appends `bytes`; blocks.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;
}

/// A sink behind two buffers. At most one buffer is being written at a time, and no thread is held
/// while none is.
pub(crate) struct Buffered<S: Sink> {
    /// Always shorter than [`BUFFER`] between calls.
    buffer: Vec<u8>,
    state: State<S>,
}

enum State<S> {
    Idle(S),
    /// Gives the sink back, and an empty buffer.
    Writing(JoinHandle<Result<(S, Vec<u8>)>>),
    /// A write failed, or a call was dropped while it waited.
    Broken,
}

impl<S: Sink> Buffered<S> {
    pub(crate) fn new(sink: S) -> Self {
        Self { buffer: Vec::new(), state: State::Idle(sink) }
    }

    /// Takes `bytes`, and waits for the disk when both buffers are full. After an error, or when it
    /// is dropped before it returns, every further call says [`Error::Broken`].
    pub(crate) async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        if matches!(self.state, State::Broken) {
            return Err(Error::Broken);
        }
        loop {
            let room = BUFFER - self.buffer.len();
            self.buffer.extend_from_slice(&bytes.split_to(room.min(bytes.len())));
            if self.buffer.len() < BUFFER {
                return Ok(());
            }
            let (mut sink, empty) = self.idle().await?;
            let mut full = mem::replace(&mut self.buffer, empty);
            self.state = State::Writing(tokio::task::spawn_blocking(move || {
                sink.append(&full)?;
                full.clear();
                Ok((sink, full))
            }));
        }
    }

    /// The sink, and what it has not been given yet.
    pub(crate) async fn into_parts(mut self) -> Result<(S, Vec<u8>)> {
        let (sink, _) = self.idle().await?;
        Ok((sink, mem::take(&mut self.buffer)))
    }

    /// Drops the sink on a blocking thread and waits until that is done.
    pub(crate) async fn discard(&mut self) {
        // An error here is of a write whose bytes nobody wants any more.
        if let Ok((sink, _)) = self.idle().await {
            let _ = blocking(move || {
                drop(sink);
                Ok(())
            })
            .await;
        }
    }

    /// Waits until the sink is idle and takes it, leaving `Broken` behind.
    async fn idle(&mut self) -> Result<(S, Vec<u8>)> {
        match mem::replace(&mut self.state, State::Broken) {
            State::Idle(sink) => Ok((sink, Vec::new())),
            State::Writing(task) => match task.await {
                Ok(result) => result,
                Err(source) => Err(Error::Stopped { source }),
            },
            State::Broken => Err(Error::Broken),
        }
    }
}

impl<S: Sink> Drop for Buffered<S> {
    fn drop(&mut self) {
        // Removing a file of gigabytes takes a while. A sink that is being written is dropped by
        // its own task.
        if let State::Idle(sink) = mem::replace(&mut self.state, State::Broken) {
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || drop(sink))),
                Err(_) => drop(sink),
            }
        }
    }
}
