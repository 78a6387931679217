//! Sending blobs to a source.

use std::error::Error;

use bytes::Bytes;
use futures_util::stream::{Stream, TryStreamExt as _};
use pakhus_core::Digest;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Method, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::super::wire::TakenBlobs;
use super::{PAUSE, Source, SourceError};

/// The most bytes of an answer.
const ANSWER: usize = 1024 * 1024;

impl Source {
    /// Begins the upload of a blob, or finds it as it was left; says how many bytes the source has.
    pub(in super::super) async fn begin_upload(
        &self,
        digest: &Digest,
    ) -> Result<(String, u64), SourceError> {
        #[derive(Deserialize)]
        struct Upload {
            id: String,
            offset: u64,
        }
        let request = self.request(Method::POST, "/uploads").query(&[("digest", digest)]);
        let Upload { id, offset } = self.json(self.send(request).await?, ANSWER).await?;
        Ok((id, offset))
    }

    /// Sends `length` bytes of an upload from byte `offset` on.
    pub(in super::super) async fn append_upload<E: Error + Send + Sync + 'static>(
        &self,
        id: &str,
        digest: &Digest,
        offset: u64,
        length: u64,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<(), SourceError> {
        #[derive(Deserialize)]
        struct Appended {}
        let append = self
            .request(Method::PATCH, &format!("/uploads/{id}"))
            .query(&[("digest", digest.to_string()), ("offset", offset.to_string())])
            .header(CONTENT_LENGTH, length);
        let Appended {} = self.send_stream(append, bytes).await?;
        Ok(())
    }

    /// Ends an upload.
    pub(in super::super) async fn finish_upload(
        &self,
        id: &str,
        digest: &Digest,
    ) -> Result<(), SourceError> {
        let finish = self
            .request(Method::PUT, &format!("/uploads/{id}"))
            .query(&[("digest", digest.to_string())]);
        self.send(finish).await?;
        Ok(())
    }

    /// Sends many small blobs in one stream of frames.
    pub(in super::super) async fn upload_batch<E: Error + Send + Sync + 'static>(
        &self,
        frames: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<TakenBlobs, SourceError> {
        self.send_stream(self.request(Method::POST, "/uploads/batch"), frames).await
    }

    /// Sends a body, however long that takes, as long as the source goes on taking bytes.
    async fn send_stream<T: DeserializeOwned, E: Error + Send + Sync + 'static>(
        &self,
        request: RequestBuilder,
        bytes: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> Result<T, SourceError> {
        let (going_on, moves) = watch::channel(());
        let bytes = bytes.inspect_ok(move |_| going_on.send_replace(()));
        let request = request.body(Body::wrap_stream(bytes));
        let response = tokio::select! {
            response = request.send() => response.map_err(|error| self.failed(&error))?,
            () = stops(moves) => return Err(self.silent()),
        };
        self.json(self.accepted(response).await?, ANSWER).await
    }
}

/// Waits until nothing has moved for too long.
async fn stops(mut moves: watch::Receiver<()>) {
    while let Ok(moved) = tokio::time::timeout(PAUSE, moves.changed()).await {
        if moved.is_err() {
            // All is sent; what is still to come is the answer.
            return tokio::time::sleep(PAUSE).await;
        }
    }
}
