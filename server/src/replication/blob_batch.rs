//! `POST blobs/batch`: many small blobs in one stream, each preceded by its 32 bytes of digest and 8 of
//! length; a length of all ones where the blob is not there.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _};
use pakhus_core::Digest;
use pakhus_core::replication::MissingBlobs;
use pakhus_db::blobs;

use super::server_auth::Peer;
use super::wire;
use crate::app::App;
use crate::http::{Input, Problem};

/// Blobs are read from the disk together until they have so many bytes.
const TOGETHER: u64 = 512 * 1024;

/// A digest, and the length of the blob if the feed has a record that names it.
type Asked = (Digest, Option<u64>);

pub(super) async fn serve(
    State(app): State<App>,
    peer: Peer,
    Input(asked): Input<MissingBlobs>,
) -> Result<Response, Problem> {
    peer.may_read()?;
    if asked.digests.len() > wire::BATCH_BLOBS {
        let most = wire::BATCH_BLOBS;
        return Err(Problem::bad_request(format!("ask for at most {most} blobs at once")));
    }
    let sizes = blobs::named_sizes(&app.database, peer.feed.id, &asked.digests).await?;
    let asked = asked.digests.into_iter().map(|digest| {
        let size = sizes.get(&digest).copied().filter(|size| *size <= wire::SMALL_BLOB);
        (digest, size)
    });
    // The next are read while these travel.
    let frames = stream::iter(groups(asked))
        .map(move |group| frames(app.clone(), group))
        .buffered(2)
        .map(Ok::<_, Infallible>);
    let body = Body::from_stream(frames);
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response())
}

fn groups(asked: impl Iterator<Item = Asked>) -> Vec<Vec<Asked>> {
    let mut groups = Vec::new();
    let mut group = Vec::new();
    let mut bytes = 0;
    for (digest, size) in asked {
        group.push((digest, size));
        bytes += size.unwrap_or(0);
        if bytes >= TOGETHER {
            groups.push(std::mem::take(&mut group));
            bytes = 0;
        }
    }
    groups.extend((!group.is_empty()).then_some(group));
    groups
}

async fn frames(app: App, group: Vec<Asked>) -> Bytes {
    let named = group.iter().filter(|(_, size)| size.is_some()).map(|(digest, _)| *digest);
    let blobs = app.blobs.read_all(named.collect(), wire::SMALL_BLOB).await;
    let blobs = blobs.unwrap_or_else(|error| {
        tracing::error!(%error, "blobs could not be read for a replication client");
        HashMap::new()
    });
    let bytes: usize = blobs.values().map(Bytes::len).sum();
    let mut frames = BytesMut::with_capacity(40 * group.len() + bytes);
    for (digest, _) in group {
        let blob = blobs.get(&digest);
        let length = blob.map_or(wire::NO_BLOB, |bytes| bytes.len() as u64);
        frames.extend_from_slice(digest.as_bytes());
        frames.extend_from_slice(&length.to_be_bytes());
        frames.extend_from_slice(blob.map_or(&[][..], |bytes| bytes));
    }
    frames.freeze()
}
