//! Reading a blob as a stream.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use object_store::{GetResult, GetResultPayload};

/// The range of a whole blob.
pub const WHOLE: Range<u64> = 0..u64::MAX;

/// How much of a file is read at a time. `object_store` reads 8 KiB for each hop to a blocking
/// thread, which costs more than the reading.
const CHUNK: u64 = 256 * 1024;

/// The bytes of a blob, or of a part of it, as a stream. Dropping it stops the reading.
///
/// A stream that ends without an error has given all bytes of its range.
pub struct BlobReader {
    size: u64,
    range: Range<u64>,
    chunks: BoxStream<'static, io::Result<Bytes>>,
}

impl BlobReader {
    /// The length of the whole blob in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Which bytes the stream gives: the range that was asked for, cut at the end of the blob.
    #[must_use]
    pub fn range(&self) -> Range<u64> {
        self.range.clone()
    }

    pub(crate) fn new(found: GetResult) -> Self {
        let (size, range) = (found.meta.size, found.range.clone());
        let chunks = match found.payload {
            GetResultPayload::File(file, _) => file_chunks(file, range.clone()),
            GetResultPayload::Stream(chunks) => chunks.map_err(io::Error::other).boxed(),
        };
        Self { size, range, chunks }
    }

    /// No bytes of a blob of `size` bytes, at `offset`.
    pub(crate) fn empty(size: u64, offset: u64) -> Self {
        Self { size, range: offset..offset, chunks: stream::empty().boxed() }
    }
}

impl Stream for BlobReader {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_next_unpin(context)
    }
}

fn file_chunks(file: File, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
    stream::try_unfold((file, range), async |(file, range)| {
        if range.is_empty() {
            return Ok(None);
        }
        tokio::task::spawn_blocking(move || read_chunk(file, range)).await?.map(Some)
    })
    .boxed()
}

/// Reads the beginning of `range`, which is not empty; gives back what is left of it.
fn read_chunk(mut file: File, range: Range<u64>) -> io::Result<(Bytes, (File, Range<u64>))> {
    let length = CHUNK.min(range.end - range.start);
    file.seek(SeekFrom::Start(range.start))?;
    let mut chunk = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    (&mut file).take(length).read_to_end(&mut chunk)?;
    if (chunk.len() as u64) < length {
        // A damaged file: whoever receives the bytes must not take them for all there are.
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((chunk.into(), (file, range.start + length..range.end)))
}
