//! `POST blobs/batch`: many small blobs in one stream.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use pakhus_core::replication::MissingBlobs;
use pakhus_db::blobs;

use super::server_auth::Peer;
use super::{frames, wire};
use crate::app::App;
use crate::http::{Input, Problem};

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
    let frames = frames::write(app.blobs.clone(), asked.collect()).map(Ok::<_, Infallible>);
    let body = Body::from_stream(frames);
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], body).into_response())
}
