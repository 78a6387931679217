//! The end of a zip file, which says where the list of its entries is.

use std::ops::Range;

use pakhus_core::{BlobRef, Host, Refusal, Result};

use super::{damaged, number, read_at};

/// The length of the record at the end, without its comment (section 4.3.16).
const RECORD: usize = 22;
const RECORD_SIGNATURE: &[u8] = b"PK\x05\x06";

/// The length of what leads to the longer record of zip64, which stands before (section 4.3.15).
const LOCATOR: usize = 20;
const LOCATOR_SIGNATURE: u64 = 0x0706_4b50;

/// The length of the record of zip64 that is looked at (section 4.3.14).
const RECORD_64: usize = 56;
const RECORD_64_SIGNATURE: u64 = 0x0606_4b50;

/// The longest comment.
const MAX_COMMENT: usize = 0xffff;

/// What the end of a zip file says.
#[derive(Debug, Clone)]
pub(super) struct End {
    /// Where the list of entries is.
    pub(super) directory: Range<u64>,
    /// How many entries it says there are.
    pub(super) entries: u64,
    /// Whether it has the longer fields of zip64.
    pub(super) is_zip64: bool,
}

impl End {
    pub(super) async fn find(blob: &BlobRef, host: &dyn Host) -> Result<Self> {
        let no_zip = || {
            Refusal::invalid(
                "the body is no package: it is no zip file, or one that is cut off at its end",
            )
        };
        let length = blob.size.min((LOCATOR + RECORD + MAX_COMMENT) as u64);
        let tail_at = blob.size - length;
        let tail = read_at(blob, tail_at, usize::try_from(length).unwrap_or(0), host).await?;
        // The last one that ends where the file ends: there may be such bytes in the comment.
        let at = (0..tail.len().saturating_sub(RECORD - 1))
            .rev()
            .find(|at| {
                tail[*at..].starts_with(RECORD_SIGNATURE)
                    && number::<2>(&tail, at + 20) == Some((tail.len() - at - RECORD) as u64)
            })
            .ok_or_else(no_zip)?;
        let field = |offset: usize, width: usize| {
            match width {
                2 => number::<2>(&tail, at + offset),
                _ => number::<4>(&tail, at + offset),
            }
            .ok_or_else(no_zip)
        };
        let (disk, first_disk) = (field(4, 2)?, field(6, 2)?);
        let (entries_here, entries) = (field(8, 2)?, field(10, 2)?);
        let (size, offset) = (field(12, 4)?, field(16, 4)?);
        let record_at = tail_at + at as u64;
        let is_zip64 = [entries_here, entries].contains(&0xffff)
            || [size, offset].contains(&0xffff_ffff)
            || [disk, first_disk].contains(&0xffff);
        if !is_zip64 {
            if disk != 0 || first_disk != 0 || entries != entries_here {
                return Err(Refusal::invalid("the package is one part of a zip file of several"));
            }
            return Self::checked(offset, size, entries, false, record_at);
        }
        let locator = at.checked_sub(LOCATOR);
        let locator = locator.filter(|at| number::<4>(&tail, *at) == Some(LOCATOR_SIGNATURE));
        let record_64_at = locator.and_then(|at| number::<8>(&tail, at + 8));
        let Some(record_64_at) = record_64_at else {
            // 65,535 entries fit without.
            return Self::checked(offset, size, entries, false, record_at);
        };
        let record = read_at(blob, record_64_at, RECORD_64, host).await?;
        if number::<4>(&record, 0) != Some(RECORD_64_SIGNATURE) {
            return Err(damaged("its end of zip64 is not where it says"));
        }
        let field = |offset: usize| number::<8>(&record, offset).unwrap_or_default();
        Self::checked(field(48), field(40), field(32), true, record_64_at)
    }

    /// The list of entries lies before what speaks of it.
    fn checked(offset: u64, size: u64, entries: u64, is_zip64: bool, before: u64) -> Result<Self> {
        match offset.checked_add(size) {
            Some(end) if end <= before => Ok(Self { directory: offset..end, entries, is_zip64 }),
            _ => Err(damaged("its list of files is not where it says")),
        }
    }
}
