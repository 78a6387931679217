//! Decoding base64 that comes in pieces.

use std::mem;

use base64::engine::general_purpose::PAD;
use base64::{DecodeError, DecodeSliceError, Engine as _};
use bytes::Bytes;

use super::BLOCK;

/// Decodes standard base64 with padding that comes in pieces.
pub(super) struct Decoder {
    engine: Base64,
    /// The beginning of four characters that came apart.
    carry: [u8; 4],
    carried: usize,
    /// Padding was there: nothing may follow.
    padded: bool,
    /// What was decoded and not given yet.
    decoded: Vec<u8>,
    /// How many bytes were decoded, given or not.
    size: u64,
}

// Four times as fast as the engine that works everywhere.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
type Base64 = base64::engine::Simd;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Base64 = base64::engine::GeneralPurpose;

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn base64_engine() -> Base64 {
    Base64::standard(PAD)
}
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn base64_engine() -> Base64 {
    Base64::new(&base64::alphabet::STANDARD, PAD)
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            engine: base64_engine(),
            carry: [0; 4],
            carried: 0,
            padded: false,
            decoded: Vec::new(),
            size: 0,
        }
    }

    /// Decodes `text` as far as it makes whole groups of four characters. Fails with where in it,
    /// about, there is something wrong.
    pub(super) fn push(&mut self, text: &[u8]) -> Result<(), usize> {
        let mut rest = text;
        if self.carried > 0 {
            let missing = rest.len().min(4 - self.carried);
            let (first, after) = rest.split_at(missing);
            self.carry[self.carried..self.carried + missing].copy_from_slice(first);
            self.carried += missing;
            if self.carried < 4 {
                return Ok(());
            }
            self.carried = 0;
            let group = self.carry;
            // The offset is one in the group, of which some may be behind us.
            self.groups(&group).map_err(|_| 0_usize)?;
            rest = after;
        }
        let behind = text.len() - rest.len();
        let (groups, apart) = rest.split_at(rest.len() / 4 * 4);
        self.groups(groups).map_err(|at| behind + at)?;
        if !apart.is_empty() {
            if self.padded {
                return Err(text.len() - apart.len());
            }
            self.carry[..apart.len()].copy_from_slice(apart);
            self.carried = apart.len();
        }
        Ok(())
    }

    /// How many bytes were decoded so far, given or not.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether the text may end here.
    pub(super) fn is_whole(&self) -> bool {
        self.carried == 0
    }

    /// Gives what was decoded and not given yet, if that is at least `least` bytes.
    pub(super) fn take(&mut self, least: usize) -> Option<Bytes> {
        (self.decoded.len() >= least).then(|| mem::take(&mut self.decoded).into())
    }

    /// Decodes groups of four characters.
    fn groups(&mut self, groups: &[u8]) -> Result<(), usize> {
        if groups.is_empty() {
            return Ok(());
        }
        if self.padded {
            return Err(0);
        }
        let before = self.decoded.len();
        if before == 0 && self.size > 0 {
            // A long string: room for the whole block at once.
            self.decoded.reserve(2 * BLOCK);
        }
        let most = groups.len() / 4 * 3;
        self.decoded.resize(before + most, 0);
        let decoded =
            self.engine.decode_slice(groups, &mut self.decoded[before..]).map_err(|error| {
                match error {
                    DecodeSliceError::DecodeError(
                        DecodeError::InvalidByte(at, _)
                        | DecodeError::InvalidLastSymbol { offset: at, .. },
                    ) => at,
                    _ => groups.len(),
                }
            })?;
        self.decoded.truncate(before + decoded);
        self.size += decoded as u64;
        self.padded = decoded < most;
        Ok(())
    }
}
