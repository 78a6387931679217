//! Zip files (APPNOTE.TXT 6.3.10), read where they are stored.
//!
//! The list of entries is read from the end of the file, piece by piece: of a file with any number of
//! entries no more than one entry is held. An entry is only unpacked when it is asked for, and only as
//! far as it is no larger than it may be, whatever the file says of its size.

mod end;
mod entry;

use bytes::BytesMut;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use pakhus_core::{BlobRef, Host, Packing, Refusal, Result};

use self::end::End;
pub(crate) use self::entry::Entry;

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// The most bytes of the list of entries: enough for 200,000 of them.
const MAX_DIRECTORY: u64 = 32 << 20;

/// What compressed data is unpacked by at a time.
const BLOCK: usize = 32 << 10;

/// Deflate, of the methods of compression; the other one that packages are made with is none.
const DEFLATE: u16 = 8;

/// A zip file that came with this request, or that is stored.
pub(crate) struct ZipFile<'h> {
    host: &'h dyn Host,
    blob: &'h BlobRef,
    end: End,
}

impl<'h> ZipFile<'h> {
    /// Finds the list of entries.
    pub(crate) async fn open(blob: &'h BlobRef, host: &'h dyn Host) -> Result<Self> {
        let end = End::find(blob, host).await?;
        if end.directory.end - end.directory.start > MAX_DIRECTORY {
            return Err(Refusal::invalid("the list of files in the package is longer than 32 MiB"));
        }
        Ok(Self { host, blob, end })
    }

    /// Shows each entry to `visit`, in the order of the list.
    pub(crate) async fn for_each(
        &self,
        mut visit: impl FnMut(Entry) -> Result<()> + Send,
    ) -> Result<()> {
        let mut held = BytesMut::new();
        let mut at = self.end.directory.start;
        let mut count = 0_u64;
        loop {
            while let Some((entry, length)) = Entry::parse(&held)? {
                let _ = held.split_to(length);
                count += 1;
                visit(entry)?;
            }
            if at == self.end.directory.end {
                break;
            }
            let wanted = (self.end.directory.end - at).min(PIECE as u64);
            let piece = self.read_at(at, usize::try_from(wanted).unwrap_or(PIECE)).await?;
            at += piece.len() as u64;
            held.extend_from_slice(&piece);
        }
        // Where the number of entries has 16 bits, larger ones are cut off.
        let fits = if self.end.is_zip64 {
            count == self.end.entries
        } else {
            count & 0xffff == self.end.entries
        };
        if held.is_empty() && fits { Ok(()) } else { Err(damaged("its list of files is cut off")) }
    }

    /// Unpacks an entry of at most `max` bytes.
    pub(crate) async fn read(&self, entry: &Entry, max: usize) -> Result<Vec<u8>> {
        let name = entry.shortened_name();
        let too_large = || {
            Refusal::invalid(format!("`{name}` in the package is larger than {max} bytes unpacked"))
        };
        if entry.size > max as u64 {
            return Err(too_large());
        }
        let data = self.data_of(entry).await?;
        let mut at = data.start;
        let mut content = Vec::new();
        let mut inflate = (entry.method == DEFLATE).then(|| Decompress::new(false));
        while at < data.end {
            let wanted = (data.end - at).min(PIECE as u64);
            let piece = self.read_at(at, usize::try_from(wanted).unwrap_or(PIECE)).await?;
            at += piece.len() as u64;
            let is_over = match &mut inflate {
                None => {
                    content.extend_from_slice(&piece);
                    false
                }
                Some(inflate) => unpack(inflate, &piece, &mut content, max)
                    .map_err(|_| damaged(&format!("`{name}` does not decompress")))?,
            };
            if content.len() > max {
                return Err(too_large());
            }
            if is_over {
                break;
            }
        }
        let mut checksum = Crc::new();
        checksum.update(&content);
        if content.len() as u64 != entry.size || checksum.sum() != entry.checksum {
            return Err(damaged(&format!("`{name}` is not what its checksum says")));
        }
        Ok(content)
    }

    /// Makes a blob of at most `max` bytes of an entry.
    pub(crate) async fn unpack(&self, entry: &Entry, max: u64) -> Result<BlobRef> {
        let part = self.data_of(entry).await?;
        let packing = if entry.method == DEFLATE { Packing::Deflate } else { Packing::Stored };
        let blob = self.host.unpack(&self.blob.digest, part, packing, max).await?;
        if blob.size == entry.size {
            Ok(blob)
        } else {
            let name = entry.shortened_name();
            Err(damaged(&format!("`{name}` is not as long as its list of files says")))
        }
    }

    /// Where the packed bytes of an entry are.
    async fn data_of(&self, entry: &Entry) -> Result<std::ops::Range<u64>> {
        let name = entry.shortened_name();
        let header = self.read_at(entry.offset, entry::LOCAL_HEADER).await?;
        let length = entry::local_header_length(&header)
            .ok_or_else(|| damaged(&format!("`{name}` is not where its list of files says")))?;
        if !matches!(entry.method, 0 | DEFLATE) {
            let method = entry.method;
            return Err(Refusal::invalid(format!(
                "`{name}` in the package is compressed by method {method}: use deflate, or none"
            )));
        }
        let start = entry.offset.saturating_add(length);
        let end = start.saturating_add(entry.packed_size);
        if end > self.end.directory.start {
            return Err(damaged(&format!("`{name}` is cut off")));
        }
        Ok(start..end)
    }

    async fn read_at(&self, offset: u64, length: usize) -> Result<bytes::Bytes> {
        read_at(self.blob, offset, length, self.host).await
    }
}

/// Exactly `length` bytes of the file.
async fn read_at(
    blob: &BlobRef,
    offset: u64,
    length: usize,
    host: &dyn Host,
) -> Result<bytes::Bytes> {
    if offset.saturating_add(length as u64) > blob.size {
        return Err(damaged("it says that it goes on behind its end"));
    }
    let bytes = host.read_blob(&blob.digest, offset, length).await?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(Refusal::internal("a package is shorter than it was"))
    }
}

/// Unpacks a piece behind `content`, and not much further than to `max` bytes. True at the end of the
/// compressed data.
fn unpack(
    inflate: &mut Decompress,
    piece: &[u8],
    content: &mut Vec<u8>,
    max: usize,
) -> Result<bool, flate2::DecompressError> {
    let mut rest = piece;
    loop {
        content.reserve(BLOCK);
        let before = inflate.total_in();
        let length = content.len();
        let status = inflate.decompress_vec(rest, content, FlushDecompress::None)?;
        let taken = usize::try_from(inflate.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        if status == Status::StreamEnd {
            return Ok(true);
        }
        let is_stuck = taken == 0 && content.len() == length;
        if (rest.is_empty() && content.len() < content.capacity())
            || is_stuck
            || content.len() > max
        {
            return Ok(false);
        }
    }
}

fn damaged(how: &str) -> Refusal {
    Refusal::invalid(format!("the package is damaged: {how}"))
}

/// The number at `at`, in the byte order of zip files.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes: [u8; N] = bytes.get(at..at + N)?.try_into().ok()?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
