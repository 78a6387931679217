//! Small blobs that are kept at the same time become durable together, as [`crate::batch`] makes those
//! of a batch. One that comes alone waits for nobody.

use std::sync::{Arc, Mutex, PoisonError};

use pakhus_core::Digest;
use tokio::sync::oneshot;

use crate::batch::{publish, receive_checked};
use crate::error::{Error, Result};
use crate::file_system::FileSystem;
use crate::place::Place;

/// Fewer are each synced by itself, which waits for nothing that others write to the file system.
const FEW: usize = 4;

/// The most that become durable together.
const MOST: usize = 64;

/// The blobs that wait.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    blobs: Vec<WaitingBlob>,
    /// Whether a thread works on them.
    is_worked_on: bool,
}

#[derive(Debug)]
struct WaitingBlob {
    digest: Digest,
    bytes: Vec<u8>,
    kept: oneshot::Sender<Result<()>>,
}

/// Makes bytes, whose digest this is, a blob. When this returns, it is durable.
///
/// # Errors
/// [`Error::Full`] or [`Error::Io`] when the disk refuses.
pub(crate) async fn keep(place: &Arc<Place>, digest: Digest, bytes: Vec<u8>) -> Result<()> {
    let (kept, answered) = oneshot::channel();
    if place.waiting().add(WaitingBlob { digest, bytes, kept }) {
        let place = Arc::clone(place);
        tokio::task::spawn_blocking(move || {
            let _working = Working(place.waiting());
            while let Some(blobs) = place.waiting().next() {
                keep_all(&place, blobs);
            }
        });
    }
    answered.await.unwrap_or(Err(Error::Broken))
}

impl Waiting {
    /// Adds a blob. True when nobody works on those that wait: the caller is to then.
    fn add(&self, blob: WaitingBlob) -> bool {
        let mut queue = self.lock();
        queue.blobs.push(blob);
        !std::mem::replace(&mut queue.is_worked_on, true)
    }

    /// The blobs to keep next; `None` when there are none, and nobody works on them any more.
    fn next(&self) -> Option<Vec<WaitingBlob>> {
        let mut queue = self.lock();
        queue.blobs.retain(|blob| !blob.kept.is_closed());
        queue.is_worked_on = !queue.blobs.is_empty();
        let count = queue.blobs.len().min(MOST);
        queue.is_worked_on.then(|| queue.blobs.drain(..count).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread that works on the blobs. Should it panic, those that wait are given up, and the next one that
/// comes is worked on again.
struct Working<'w>(&'w Waiting);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            *self.0.lock() = Queue::default();
        }
    }
}

fn keep_all(place: &Place, blobs: Vec<WaitingBlob>) {
    let file_system = match blobs.len() {
        0..FEW => None,
        // Opened before anything is written: it is told of every failure from now on. Where it cannot
        // be opened, each blob says what is wrong.
        _ => FileSystem::open(place.layout().root()).ok().flatten(),
    };
    let Some(file_system) = file_system else {
        for WaitingBlob { digest, bytes, kept } in blobs {
            let stored = receive_checked(place, digest, &bytes, true)
                .and_then(|received| publish(place, None, vec![received]));
            let _ = kept.send(stored.map(drop));
        }
        return;
    };
    let (mut received, mut waiting) = (Vec::new(), Vec::new());
    for WaitingBlob { digest, bytes, kept } in blobs {
        match receive_checked(place, digest, &bytes, false) {
            Ok(blob) => {
                received.push(blob);
                waiting.push(kept);
            }
            Err(error) => drop(kept.send(Err(error))),
        }
    }
    let stored = publish(place, Some(&file_system), received);
    for kept in waiting {
        let _ = kept.send(match &stored {
            Ok(_) => Ok(()),
            Err(error) => Err(error.repeated()),
        });
    }
}
