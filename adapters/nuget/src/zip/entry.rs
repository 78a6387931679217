//! One entry of a zip file.

use std::borrow::Cow;

use pakhus_core::{Refusal, Result};
use percent_encoding::percent_decode_str;

use super::{damaged, number};

/// The fixed part of an entry in the list (section 4.3.12).
const HEADER: usize = 46;
const SIGNATURE: u64 = 0x0201_4b50;

/// The fixed part of the header before an entry's data (section 4.3.7).
pub(super) const LOCAL_HEADER: usize = 30;
const LOCAL_SIGNATURE: u64 = 0x0403_4b50;

/// The extra field with the longer numbers of zip64 (section 4.5.3).
const ZIP64: u64 = 1;

/// The flag of an entry that is encrypted (section 4.4.4).
const ENCRYPTED: u64 = 1;

/// An entry, as the list has it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// Its path. Names that are not UTF-8 have other characters in their place.
    pub(crate) name: String,
    /// How many bytes it has unpacked.
    pub(crate) size: u64,
    pub(super) method: u16,
    pub(super) checksum: u32,
    pub(super) packed_size: u64,
    pub(super) offset: u64,
}

impl Entry {
    /// Reads the entry that `bytes` begin with, and its length; `None` when more are needed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>> {
        let Some(header) = bytes.get(..HEADER) else { return Ok(None) };
        let field = |at: usize, width: usize| {
            match width {
                2 => number::<2>(header, at),
                _ => number::<4>(header, at),
            }
            .unwrap_or_default()
        };
        if field(0, 4) != SIGNATURE {
            return Err(damaged("something else is in its list of files"));
        }
        let lengths = [28, 30, 32].map(|at| usize::try_from(field(at, 2)).unwrap_or(0));
        let length = HEADER + lengths.iter().sum::<usize>();
        if bytes.len() < length {
            return Ok(None);
        }
        let extra_at = HEADER + lengths[0];
        let mut entry = Self {
            name: String::from_utf8_lossy(&bytes[HEADER..extra_at]).into_owned(),
            size: field(24, 4),
            method: u16::try_from(field(10, 2)).unwrap_or(0),
            checksum: u32::try_from(field(16, 4)).unwrap_or(0),
            packed_size: field(20, 4),
            offset: field(42, 4),
        };
        entry.take_zip64(&bytes[extra_at..extra_at + lengths[1]])?;
        if field(8, 2) & ENCRYPTED != 0 {
            let name = entry.shortened_name();
            return Err(Refusal::invalid(format!("`{name}` in the package is encrypted")));
        }
        entry.check_name()?;
        Ok(Some((entry, length)))
    }

    /// The path as NuGet reads it: with the escapes of OPC resolved, and slashes that go one way.
    pub(crate) fn path(&self) -> String {
        let name = self.name.replace('\\', "/");
        percent_decoded(&name).unwrap_or(name)
    }

    /// The beginning of the name, for messages.
    pub(crate) fn shortened_name(&self) -> String {
        self.name.chars().take(80).filter(|c| !c.is_control()).collect()
    }

    /// Takes the numbers that have no place in the header, in their order (section 4.5.3).
    fn take_zip64(&mut self, extra: &[u8]) -> Result<()> {
        let mut rest = extra;
        while let (Some(id), Some(length)) = (number::<2>(rest, 0), number::<2>(rest, 2)) {
            let length = usize::try_from(length).unwrap_or(0);
            let Some(data) = rest.get(4..4 + length) else { break };
            if id == ZIP64 {
                let mut at = 0;
                for place in [&mut self.size, &mut self.packed_size, &mut self.offset] {
                    if *place == 0xffff_ffff {
                        let longer = number::<8>(data, at);
                        *place = longer.ok_or_else(|| damaged("an entry of zip64 is cut off"))?;
                        at += 8;
                    }
                }
            }
            rest = &rest[4 + length..];
        }
        Ok(())
    }

    /// Refuses paths that could lead out of the folder into which a client unpacks.
    fn check_name(&self) -> Result<()> {
        let slashed = self.name.replace('\\', "/");
        let read =
            [Some(slashed.clone()), percent_decoded(&slashed).map(|it| it.replace('\\', "/"))];
        for path in read.into_iter().flatten() {
            let has_drive = path.as_bytes().get(1) == Some(&b':');
            if path.starts_with('/')
                || has_drive
                || path.contains('\0')
                || path.split('/').any(|part| part == "..")
            {
                let name = self.shortened_name();
                return Err(Refusal::invalid(format!(
                    "the package has a file with the path `{name}`, which leads out of its folder"
                )));
            }
        }
        Ok(())
    }
}

/// The length of the header before an entry's data; `None` where there is none.
pub(super) fn local_header_length(header: &[u8]) -> Option<u64> {
    let is_one = number::<4>(header, 0)? == LOCAL_SIGNATURE;
    is_one.then_some(LOCAL_HEADER as u64 + number::<2>(header, 26)? + number::<2>(header, 28)?)
}

/// The text with `%20` and the like resolved once; `None` where it is no text then.
fn percent_decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Cow::into_owned)
}
