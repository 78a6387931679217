//! HTTP: what comes in and what goes out.

mod admin;
mod blob_body;
mod coding;
mod dispatch;
mod health;
mod listen;
mod login;
mod observe;
mod problem;
mod read_out;
mod respond;
mod router;
mod small_blobs;
mod v2;

pub(crate) use blob_body::{BlobAnswer, blob_response};
pub(crate) use listen::{Listening, TlsFiles, listen};
pub(crate) use problem::{Input, PathOf, Problem, QueryOf};
pub(crate) use router::router;
pub(crate) use small_blobs::SmallBlobs;
