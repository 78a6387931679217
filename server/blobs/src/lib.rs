//! Blobs: immutable bytes, stored once per instance under their SHA-256.
//!
//! Bytes come in through a [`BlobWriter`], or piece by piece through [`Uploads`]; they are spooled
//! to a local file, hashed in one pass while they are written, and moved to their place. What
//! holds:
//!
//! * a blob is visible only when it is whole, and what is read is what its digest names;
//! * a blob is durable once it is acknowledged: after a crash of the machine it is still there;
//! * equal bytes are stored once, however many writers bring them, one after another or at once;
//! * bytes that are refused, given up or cannot be written leave nothing behind;
//! * no more than a few buffers of a blob are ever in memory, and no thread waits for the network.
//!
//! Everything here needs a Tokio runtime: disks are waited for on its blocking threads.

mod batch;
mod buffered;
mod error;
mod file_system;
mod hash;
mod layout;
mod place;
mod reader;
mod spool;
mod store;
mod together;
mod upload;
mod writer;

pub use batch::BlobBatch;
pub use error::{Error, Result};
pub use hash::Hashes;
pub use reader::{BlobReader, WHOLE};
pub use store::{BlobStore, ListedBlob};
pub use upload::{Append, InvalidUploadId, UploadId, Uploads};
pub use writer::{BlobWriter, SealedBlob, WriterOptions, Written};
