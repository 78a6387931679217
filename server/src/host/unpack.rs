//! Blobs made of parts of others.

use std::ops::Range;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress, Status};
use pakhus_blobs::{BlobWriter, Hashes, WriterOptions};
use pakhus_core::{BlobRef, Digest, Host as _, Packing, Refusal, Result};

use super::{RequestHost, refusal_of};

/// How much is read at a time. What this much unpacks to at the very most, some 30 MiB, keeps a
/// thread busy for tens of milliseconds; between two reads others have their turn.
const PIECE: u64 = 32 << 10;

/// How much is unpacked at a time.
const BLOCK: usize = 64 << 10;

impl RequestHost {
    /// Makes a blob of a part of another: see [`pakhus_core::Host::unpack`].
    pub(super) async fn unpack_part(
        &self,
        from: &Digest,
        part: Range<u64>,
        packing: Packing,
        max: u64,
    ) -> Result<BlobRef> {
        let options = WriterOptions { max_size: max, hashes: Hashes::Sha256 };
        let mut writer = self.app.blobs.writer(options);
        let mut inflate = match packing {
            Packing::Stored => None,
            Packing::Deflate => Some(Decompress::new(false)),
        };
        let mut at = part.start;
        let mut is_over = inflate.is_none();
        while at < part.end {
            let length = usize::try_from(PIECE.min(part.end - at)).map_err(Refusal::internal)?;
            let piece = self.read_blob(from, at, length).await?;
            if piece.is_empty() {
                return Err(Refusal::internal(format!("the blob {from} is shorter than its part")));
            }
            at += piece.len() as u64;
            match &mut inflate {
                None => writer.write(piece).await.map_err(refusal_of)?,
                Some(inflate) => is_over = write_unpacked(inflate, &piece, &mut writer).await?,
            }
            if is_over && inflate.is_some() {
                break;
            }
        }
        if !is_over {
            return Err(Refusal::invalid("the compressed data break off"));
        }
        let blob = writer.seal(None).await.map_err(refusal_of)?;
        let (digest, size) = (blob.written().digest, blob.written().size);
        self.received.lock().await.push(blob);
        Ok(BlobRef { digest, size, role: String::new(), sha512: None })
    }
}

/// Writes what a piece unpacks to. True at the end of the compressed data.
async fn write_unpacked(
    inflate: &mut Decompress,
    piece: &[u8],
    writer: &mut BlobWriter,
) -> Result<bool> {
    let mut rest = piece;
    loop {
        let mut block = Vec::with_capacity(BLOCK);
        let before = inflate.total_in();
        let status = inflate
            .decompress_vec(rest, &mut block, FlushDecompress::None)
            .map_err(|_| Refusal::invalid("the compressed data do not unpack"))?;
        let taken = usize::try_from(inflate.total_in() - before).map_err(Refusal::internal)?;
        rest = &rest[taken..];
        let (is_full, is_stuck) = (block.len() == BLOCK, taken == 0 && block.is_empty());
        if !block.is_empty() {
            writer.write(Bytes::from(block)).await.map_err(refusal_of)?;
        }
        if status == Status::StreamEnd {
            return Ok(true);
        }
        if is_stuck || (rest.is_empty() && !is_full) {
            return Ok(false);
        }
    }
}
