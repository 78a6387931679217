//! Reading what a publish needs out of a tarball while it is decompressed: its `package.json`.
//!
//! Pieces of the file are pushed in and nothing is unpacked; of the archive, one header and what is
//! looked for are held. Paths are read as clients read them: the first folder, whatever it is called,
//! is left out (`node-tar` with `strip: 1`, as `pacote` has it), and links are passed over.

mod entry;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use flate2::write::GzDecoder;
use pakhus_core::{BlobRef, Host, Refusal, Result};

use self::entry::{Entries, Found};

/// How much is read at a time. What it unpacks to at the very most, some 250 MiB, takes a tenth of a second
/// and more.
const PIECE: usize = 256 << 10;

/// How much is read at a time of a tarball that is short: what it unpacks to at the very most, 1 MiB, takes
/// no longer than it takes to have it done by another thread. Between two reads others have their turn.
const SHORT_PIECE: usize = 1 << 10;

/// The longest tarball that is short.
const SHORT: u64 = 32 << 10;

/// What is read of a tarball that came with this request.
pub(crate) async fn read(tarball: &BlobRef, host: &dyn Host) -> Result<Found> {
    let is_short = tarball.size <= SHORT;
    let mut reader = Reader::new();
    let mut offset = 0;
    while offset < tarball.size {
        let length = if is_short { SHORT_PIECE } else { PIECE };
        let piece = host.read_blob(&tarball.digest, offset, length).await?;
        if piece.is_empty() {
            return Err(Refusal::internal("a received tarball is shorter than it was"));
        }
        offset += piece.len() as u64;
        let is_over = if is_short {
            reader.push(&piece)
        } else {
            let pushed = host.compute(move || {
                let is_over = reader.push(&piece);
                (reader, is_over)
            });
            let (read_on, is_over) = pushed.await?;
            reader = read_on;
            is_over
        };
        if is_over? {
            break;
        }
    }
    reader.finish()
}

/// Takes a gzipped tar file in pieces.
struct Reader {
    decoder: GzDecoder<Sink>,
}

/// Where the decompressed bytes go.
#[derive(Default)]
struct Sink {
    entries: Entries,
    refusal: Option<Refusal>,
}

impl Reader {
    fn new() -> Self {
        Self { decoder: GzDecoder::new(Sink::default()) }
    }

    /// Takes the next bytes. True when no more are needed.
    fn push(&mut self, bytes: &[u8]) -> Result<bool> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.decoder.write(rest) {
                Ok(taken) => taken,
                Err(error) => return self.stopped(&error),
            };
            rest = &rest[taken..];
            if taken == 0 {
                // A member of the file is over; its checksum is right or it is refused.
                if let Err(error) = self.decoder.try_finish() {
                    return self.stopped(&error);
                }
                // What follows the member in which the archive ends is nobody's business.
                if self.entries().have_ended() {
                    return Ok(true);
                }
                let sink = std::mem::take(self.decoder.get_mut());
                self.decoder = GzDecoder::new(sink);
            }
        }
        match self.decoder.flush() {
            Ok(()) => Ok(false),
            Err(error) => self.stopped(&error),
        }
    }

    fn finish(mut self) -> Result<Found> {
        if !self.entries().are_enough()
            && let Err(error) = self.decoder.try_finish()
        {
            self.stopped(&error)?;
        }
        std::mem::take(&mut self.decoder.get_mut().entries).finish()
    }

    fn entries(&self) -> &Entries {
        &self.decoder.get_ref().entries
    }

    /// Why decompressing stopped: enough was seen, or something is wrong with it.
    fn stopped(&mut self, error: &io::Error) -> Result<bool> {
        let sink = self.decoder.get_mut();
        if let Some(refusal) = sink.refusal.take() {
            return Err(refusal);
        }
        if sink.entries.are_enough() {
            return Ok(true);
        }
        Err(Refusal::invalid(format!("the tarball is damaged: it does not decompress: {error}")))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whatever comes after that, the decoder only wants to get rid of.
        if !self.entries.are_enough() && self.refusal.is_none() {
            match self.entries.push(bytes) {
                Ok(()) if !self.entries.are_enough() => return Ok(bytes.len()),
                Ok(()) => {}
                Err(refusal) => self.refusal = Some(refusal),
            }
        }
        Err(io::ErrorKind::Other.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
