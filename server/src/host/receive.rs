//! Bodies of requests: received once, by bounds of size and patience.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use pakhus_blobs::{Append, BlobStore, BlobWriter, Hashes, SealedBlob, WriterOptions, Written};
use pakhus_core::{
    BlobRef, FormFile, Lifted, ReceiveDocument, ReceivedDocument, ReceivedFile, Refusal,
    RefusalKind, Result,
};

use super::lift::{Event, Lifter};

/// The most bytes of a form beside those of its file.
const FORM_BYTES: u64 = 64 << 10;

/// The longest a client may pause while it sends.
const PATIENCE: Duration = Duration::from_secs(60);

/// The body of a request, or what is left of it.
pub(crate) struct RequestBody {
    stream: BodyDataStream,
    length: Option<u64>,
    content_type: String,
    /// How the body is encoded, where it is: such a body is refused.
    encoding: Option<String>,
    over: bool,
}

impl RequestBody {
    pub(crate) fn new(body: Body, headers: &HeaderMap) -> Self {
        let length =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        Self {
            stream: body.into_data_stream(),
            length,
            content_type: headers
                .get(header::CONTENT_TYPE)
                .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned())
                .unwrap_or_default(),
            encoding: headers
                .get(header::CONTENT_ENCODING)
                .filter(|encoding| encoding.as_bytes() != b"identity")
                .map(|encoding| String::from_utf8_lossy(encoding.as_bytes()).into_owned()),
            over: false,
        }
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.over {
            return Ok(None);
        }
        match tokio::time::timeout(PATIENCE, self.stream.next()).await {
            Err(_) => {
                self.over = true;
                Err(Refusal::invalid("the body stopped coming before it was complete"))
            }
            Ok(Some(Err(_))) => {
                self.over = true;
                Err(Refusal::invalid("the body broke off before it was complete"))
            }
            Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
            Ok(None) => {
                self.over = true;
                Ok(None)
            }
        }
    }

    /// Refuses a body that is compressed: no client of today sends one here, and what it unpacks to
    /// has no bounds.
    fn check_encoding(&self) -> Result<()> {
        let Some(encoding) = &self.encoding else { return Ok(()) };
        Err(Refusal::new(
            RefusalKind::UnsupportedMediaType,
            format!("the body is encoded with `{encoding}`: send it without `Content-Encoding`"),
        ))
    }

    /// Refuses a body that is compressed, or says that it is larger than `max` bytes.
    pub(crate) fn check(&self, max: u64) -> Result<()> {
        self.check_encoding()?;
        if self.length.is_some_and(|length| length > max) {
            return Err(too_large(max));
        }
        Ok(())
    }

    /// The body, whole.
    pub(crate) async fn receive_bytes(&mut self, max: usize) -> Result<Bytes> {
        self.check(max as u64)?;
        let mut all = BytesMut::new();
        while let Some(bytes) = self.next().await? {
            if all.len() + bytes.len() > max {
                return Err(too_large(max as u64));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all.freeze())
    }

    /// Adds the body to an upload, and says how many bytes that has then. When the body breaks off, what
    /// came of it counts: the client asks how much that was and goes on from there.
    pub(crate) async fn append_to(&mut self, mut upload: Append) -> Result<u64> {
        loop {
            match self.next().await {
                Ok(Some(bytes)) => upload.write(bytes).await.map_err(refusal_of)?,
                Ok(None) => return upload.finish().await.map_err(refusal_of),
                Err(refusal) => {
                    upload.finish().await.map_err(refusal_of)?;
                    return Err(refusal);
                }
            }
        }
    }

    /// The file that the body is, or that the form which it is has in it. It is not stored before
    /// somebody keeps it.
    pub(crate) async fn receive_file(
        &mut self,
        blobs: &BlobStore,
        max: u64,
    ) -> Result<(ReceivedFile, SealedBlob)> {
        let mut form = FormFile::new(&self.content_type).transpose().map_err(Refusal::invalid)?;
        self.check(if form.is_some() { max.saturating_add(FORM_BYTES) } else { max })?;
        let mut writer = blobs.writer(WriterOptions { max_size: max, hashes: Hashes::All });
        let mut pieces = Vec::new();
        while let Some(bytes) = self.next().await? {
            match &mut form {
                None => pieces.push(bytes),
                Some(form) => {
                    form.feed(&bytes, &mut |piece| pieces.push(piece)).map_err(Refusal::invalid)?;
                }
            }
            for piece in pieces.drain(..) {
                writer.write(piece).await.map_err(refusal_of)?;
            }
        }
        form.map_or(Ok(()), FormFile::finish).map_err(Refusal::invalid)?;
        let blob = writer.seal(None).await.map_err(refusal_of)?;
        Ok((describe(blob.written())?, blob))
    }

    /// The body as a JSON document, with what `rules` name lifted out into blobs, which are not stored
    /// before somebody keeps them.
    pub(crate) async fn receive_document(
        &mut self,
        blobs: &BlobStore,
        rules: ReceiveDocument,
    ) -> Result<(ReceivedDocument, Vec<SealedBlob>)> {
        self.check_encoding()?;
        let max_blob = rules.max_blob;
        let mut lifter = Lifter::new(rules);
        let mut lifting: Option<(Vec<String>, BlobWriter)> = None;
        let mut lifted = Vec::new();
        let mut sealed = Vec::new();
        let mut events = Vec::new();
        while let Some(bytes) = self.next().await? {
            lifter.feed(&bytes, &mut |event| events.push(event))?;
            for event in events.drain(..) {
                match event {
                    Event::BlobStart { path } => {
                        let options = WriterOptions { max_size: max_blob, hashes: Hashes::All };
                        lifting = Some((path, blobs.writer(options)));
                    }
                    Event::BlobBytes(bytes) => {
                        if let Some((_, writer)) = &mut lifting {
                            writer.write(bytes).await.map_err(refusal_of)?;
                        }
                    }
                    Event::BlobEnd => {
                        if let Some((path, writer)) = lifting.take() {
                            let blob = writer.seal(None).await.map_err(refusal_of)?;
                            lifted.push(Lifted { path, file: describe(blob.written())? });
                            sealed.push(blob);
                        }
                    }
                }
            }
        }
        let json = lifter.finish()?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&json)
            .map_err(|error| Refusal::invalid(format!("the body is not JSON: {error}")))?;
        Ok((ReceivedDocument { json, lifted }, sealed))
    }
}

fn too_large(max: u64) -> Refusal {
    Refusal::new(RefusalKind::TooLarge, format!("the body is larger than {max} bytes"))
}

pub(super) fn describe(written: &Written) -> Result<ReceivedFile> {
    let (Some(sha512), Some(sha1)) = (written.sha512, written.sha1) else {
        return Err(Refusal::internal("a received blob was not hashed in every way"));
    };
    Ok(ReceivedFile {
        blob: BlobRef {
            digest: written.digest,
            size: written.size,
            role: String::new(),
            sha512: None,
        },
        sha512,
        sha1,
        first_bytes: written.first_bytes.clone(),
    })
}

/// How a failure of the blob store is answered.
pub(crate) fn refusal_of(error: pakhus_blobs::Error) -> Refusal {
    use pakhus_blobs::Error;
    match &error {
        Error::TooLarge { .. } => Refusal::new(RefusalKind::TooLarge, error),
        Error::DigestMismatch { .. } => Refusal::invalid(error),
        Error::RangeOutside { .. } => Refusal::new(RefusalKind::RangeNotSatisfiable, error),
        Error::OffsetMismatch { .. } | Error::Busy(_) => Refusal::conflict(error),
        Error::UnknownUpload(_) => Refusal::not_found(error),
        Error::Full { .. } => {
            tracing::error!(%error, "the disk is full");
            Refusal::new(RefusalKind::Unavailable, "the server's disk is full; tell its operator")
        }
        Error::Io { source, .. } => Refusal::internal(format!("{error}: {source}")),
        Error::Store { source, .. } => Refusal::internal(format!("{error}: {source}")),
        _ => Refusal::internal(error),
    }
}
