//! The entries of a tar file, as they stream by.

use pakhus_core::{Refusal, Result};
use tar::{EntryType, Header, PaxExtensions};

/// The bytes of a tar file come in blocks.
const BLOCK: usize = 512;

/// The longest `package.json`.
const MAX_MANIFEST: u64 = 4 << 20;

/// The longest name or list of extensions of an entry: node's `tar` passes over longer ones.
const MAX_EXTENSION: u64 = 1 << 20;

/// How far `package.json` is looked for: decompressed bytes and entries. npm puts it first.
const SEARCH: Bounds = Bounds { bytes: 1 << 30, entries: 100_000 };

/// How far the rest is looked at once `package.json` was seen: for a second one, and for a build file.
/// Small packages are read to their end; of large ones it would be long work for little.
const LOOK_AROUND: Bounds = Bounds { bytes: 64 << 20, entries: 10_000 };

/// How much of an archive is read.
struct Bounds {
    bytes: u64,
    entries: u64,
}

impl Bounds {
    const fn are_exceeded(&self, entries: &Entries) -> bool {
        entries.bytes > self.bytes || entries.count > self.entries
    }
}

/// What was found in a tarball.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// The text of `package.json`.
    pub(crate) manifest: Vec<u8>,
    /// A `binding.gyp` lies beside it: npm builds the package when it is installed.
    pub(crate) has_binding: bool,
}

/// Takes a tar file in pieces of any size.
#[derive(Default)]
pub(super) struct Entries {
    within: Within,
    /// What is kept of the entry at hand, and of a header that is not whole.
    kept: Vec<u8>,
    /// What the entries before say of the next one.
    path: Option<Vec<u8>>,
    size: Option<u64>,
    manifest: Option<Vec<u8>>,
    has_binding: bool,
    /// A block of zeros was read: two of them end the file.
    is_ending: bool,
    has_ended: bool,
    is_enough: bool,
    bytes: u64,
    count: u64,
}

/// What the next byte is part of.
#[derive(Clone, Copy, Default)]
enum Within {
    #[default]
    Header,
    /// The content of an entry.
    Content { left: u64, padding: u64, role: Role },
    /// What fills the last block of an entry.
    Padding { left: u64 },
}

/// What an entry is to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Other,
    Manifest,
    LongName,
    Extensions,
}

impl Entries {
    /// Whether the archive's end was seen.
    pub(super) const fn have_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether no more is looked at.
    pub(super) const fn are_enough(&self) -> bool {
        self.is_enough
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() && !self.is_enough {
            let taken = match self.within {
                // What pads the file is decompressed for its checksum.
                _ if self.has_ended => bytes.len(),
                Within::Header => self.header(bytes)?,
                Within::Content { left, padding, role } => {
                    let content = up_to(bytes, left);
                    if role != Role::Other {
                        self.kept.extend_from_slice(content);
                    }
                    let left = left - content.len() as u64;
                    self.within = Within::Content { left, padding, role };
                    if left == 0 {
                        self.end_content(padding, role)?;
                    }
                    content.len()
                }
                Within::Padding { left } => {
                    let taken = up_to(bytes, left).len();
                    self.within = padding(left - taken as u64);
                    taken
                }
            };
            bytes = &bytes[taken..];
            self.bytes += taken as u64;
            self.look_at_bounds()?;
        }
        Ok(())
    }

    /// What was found, once the file is over or all that it has was pushed.
    pub(super) fn finish(self) -> Result<Found> {
        let is_between_entries = matches!(self.within, Within::Header) && self.kept.is_empty();
        if !self.is_enough && !self.has_ended && !is_between_entries {
            return Err(damaged("it ends within a file"));
        }
        let manifest = self.manifest.ok_or_else(|| {
            Refusal::invalid("the tarball has no `package.json` in its top folder")
        })?;
        Ok(Found { manifest, has_binding: self.has_binding })
    }

    fn look_at_bounds(&mut self) -> Result<()> {
        match self.manifest {
            Some(_) if LOOK_AROUND.are_exceeded(self) => self.is_enough = true,
            None if SEARCH.are_exceeded(self) => {
                return Err(Refusal::invalid(format!(
                    "the tarball has no `package.json` in its first {} entries and {} MiB: put it first",
                    SEARCH.entries,
                    SEARCH.bytes >> 20
                )));
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes bytes of a header, and reads it when it is whole.
    fn header(&mut self, bytes: &[u8]) -> Result<usize> {
        let taken = bytes.len().min(BLOCK - self.kept.len());
        self.kept.extend_from_slice(&bytes[..taken]);
        if self.kept.len() < BLOCK {
            return Ok(taken);
        }
        let block = std::mem::take(&mut self.kept);
        if block.iter().all(|byte| *byte == 0) {
            self.has_ended = self.is_ending;
            self.is_ending = true;
            return Ok(taken);
        }
        self.is_ending = false;
        self.count += 1;
        self.start_entry(Header::from_byte_slice(&block))?;
        Ok(taken)
    }

    fn start_entry(&mut self, header: &Header) -> Result<()> {
        if !has_right_checksum(header) {
            return Err(damaged("a header of it is no header of a tar file"));
        }
        let kind = header.entry_type();
        let own_size =
            header.entry_size().map_err(|_| damaged("a file in it has no length that is one"))?;
        let role = match kind {
            EntryType::GNULongName => Role::LongName,
            EntryType::XHeader => Role::Extensions,
            // These change what is next to them in ways that clients disagree on.
            EntryType::GNUSparse => {
                return Err(Refusal::invalid(
                    "the tarball has a sparse file, which npm cannot unpack",
                ));
            }
            EntryType::GNULongLink | EntryType::XGlobalHeader => Role::Other,
            _ => return self.start_file(header, kind, own_size),
        };
        if role != Role::Other && own_size > MAX_EXTENSION {
            return Err(damaged("the name of a file in it is longer than 1 MiB"));
        }
        self.start_content(own_size, role)
    }

    fn start_file(&mut self, header: &Header, kind: EntryType, own_size: u64) -> Result<()> {
        let path = self.path.take().unwrap_or_else(|| header.path_bytes().into_owned());
        let size = self.size.take().unwrap_or(own_size);
        let is_file = matches!(kind, EntryType::Regular | EntryType::Continuous);
        // A folder by an old convention: its name says so.
        let is_file = is_file && !path.ends_with(b"/");
        // Of links and the like, whatever their header says, no content follows.
        let size = if is_file || !has_no_content(kind) { size } else { 0 };
        match below_top(&path) {
            b"binding.gyp" if is_file => self.has_binding = true,
            b"package.json" if is_file => {
                if self.manifest.is_some() {
                    return Err(Refusal::invalid(
                        "the tarball has two `package.json` in its top folder",
                    ));
                }
                if size > MAX_MANIFEST {
                    return Err(Refusal::invalid(format!(
                        "the tarball's `package.json` is longer than {MAX_MANIFEST} bytes"
                    )));
                }
                return self.start_content(size, Role::Manifest);
            }
            _ => {}
        }
        self.start_content(size, Role::Other)
    }

    fn start_content(&mut self, left: u64, role: Role) -> Result<()> {
        let block = BLOCK as u64;
        let padding = (block - left % block) % block;
        self.within = Within::Content { left, padding, role };
        if left == 0 { self.end_content(padding, role) } else { Ok(()) }
    }

    fn end_content(&mut self, left: u64, role: Role) -> Result<()> {
        self.within = padding(left);
        let content = std::mem::take(&mut self.kept);
        match role {
            Role::Other => {}
            Role::Manifest => self.manifest = Some(content),
            Role::LongName => {
                let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
                self.path = Some(content[..end].to_vec());
            }
            Role::Extensions => {
                for extension in PaxExtensions::new(&content) {
                    let extension =
                        extension.map_err(|_| damaged("an extended header of it is malformed"))?;
                    match extension.key_bytes() {
                        b"path" => self.path = Some(extension.value_bytes().to_vec()),
                        b"size" => {
                            let size = extension.value().ok().and_then(|size| size.parse().ok());
                            let size =
                                size.ok_or_else(|| damaged("a length in it is no number"))?;
                            self.size = Some(size);
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }
}

const fn padding(left: u64) -> Within {
    if left == 0 { Within::Header } else { Within::Padding { left } }
}

fn up_to(bytes: &[u8], most: u64) -> &[u8] {
    &bytes[..bytes.len().min(usize::try_from(most).unwrap_or(usize::MAX))]
}

/// The path without its first folder.
fn below_top(path: &[u8]) -> &[u8] {
    let mut rest = match path.iter().position(|byte| *byte == b'/') {
        Some(slash) => &path[slash + 1..],
        None => return b"",
    };
    while let Some(shorter) = rest.strip_prefix(b"/").or_else(|| rest.strip_prefix(b"./")) {
        rest = shorter;
    }
    rest
}

const fn has_no_content(kind: EntryType) -> bool {
    matches!(
        kind,
        EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo
    )
}

/// Whether the checksum is that of the header, its own bytes counted as spaces.
fn has_right_checksum(header: &Header) -> bool {
    let own = 148..156;
    let sum: u32 = header
        .as_bytes()
        .iter()
        .enumerate()
        .map(|(at, byte)| if own.contains(&at) { u32::from(b' ') } else { u32::from(*byte) })
        .sum();
    header.cksum().is_ok_and(|said| said == sum)
}

fn damaged(how: &str) -> Refusal {
    Refusal::invalid(format!("the tarball is damaged: {how}"))
}
