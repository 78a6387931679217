//! Lifts base64 strings out of a JSON document while it streams by.
//!
//! `npm publish` sends one JSON document that holds a tarball, possibly of gigabytes, as one
//! string. [`Lifter`] is fed with pieces of such a document. It follows just enough of JSON
//! (strings, nesting, the names of members on the way to what is lifted) to see where a string
//! stands, gives the strings at the end of the rule's path decoded, block by block, and collects
//! everything else.
//!
//! It does not check that the document is JSON; whoever parses the collected document does. For a
//! document that parses, what was lifted is exactly what stood there.

mod decoder;
mod error;
#[cfg(test)]
mod tests;

use std::mem;

use bytes::Bytes;
use pakhus_core::{PathStep, ReceiveDocument};

use self::decoder::Decoder;
pub(crate) use self::error::LiftError;

/// How many decoded bytes are given at a time, about. Two of these stay below the size from which
/// allocators go to the system for memory.
const BLOCK: usize = 48 * 1024;

/// How much base64 is decoded at a time: a block.
const RUN: usize = BLOCK / 3 * 4;

/// The deepest nesting. One bit is kept for each level; `serde_json` goes to 128.
const MAX_DEPTH: usize = 64;

/// The longest name of a member on the way to what is lifted, in bytes as it is written.
const MAX_NAME: usize = 1024;

/// What a [`Lifter`] finds: for each lifted string a start, its bytes in pieces, and an end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "they tell of the blobs, not of the document")]
pub(crate) enum Event {
    /// A string that is lifted begins.
    BlobStart {
        /// The members on the way to it, as the document names them.
        path: Vec<String>,
    },
    /// The next decoded bytes of it, at least one.
    BlobBytes(Bytes),
    /// It ends.
    BlobEnd,
}

/// Takes a JSON document in pieces of any size. After an error it is of no more use.
pub(crate) struct Lifter {
    rules: ReceiveDocument,
    /// What is not lifted.
    document: Vec<u8>,
    /// How many bytes of the body are behind us.
    position: u64,
    within: Within,
    /// Within a string: the next byte follows a backslash.
    escaped: bool,

    /// How many objects and arrays are open.
    depth: usize,
    /// For each of them, from the lowest bit: whether it is an object.
    objects: u64,
    /// How many of them, from the outermost, are objects that a matching path leads to.
    followed: usize,
    /// The names that lead there.
    names: Vec<String>,
    /// The name that is being read, as it is written, from its opening quote.
    name: Vec<u8>,
    /// Between tokens: a string that comes now is the name of a member.
    expects_name: bool,
    /// The name that was read last matches its step of the path.
    name_matches: bool,
    /// Between tokens: the steps to a value that comes now match the path as far as they go.
    value_matches: bool,

    blobs: usize,
    decoder: Decoder,
}

/// What the next byte is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Whatever is between strings.
    Structure,
    /// A string that is passed on unread.
    Text,
    /// The name of a member that the path may lead through.
    Name,
    /// A string that is lifted.
    Lifted,
}

impl Lifter {
    /// Makes a lifter for one document.
    pub(crate) fn new(rules: ReceiveDocument) -> Self {
        Self {
            rules,
            document: Vec::new(),
            position: 0,
            within: Within::Structure,
            escaped: false,
            depth: 0,
            objects: 0,
            followed: 0,
            names: Vec::new(),
            name: Vec::new(),
            expects_name: false,
            name_matches: false,
            // No steps lead to the outermost value.
            value_matches: true,
            blobs: 0,
            decoder: Decoder::new(),
        }
    }

    /// Takes the next bytes of the body, and tells `found` what is found in them. Decoded bytes may
    /// be held back until there are more, fewer than 48 KiB.
    ///
    /// # Errors
    /// When a limit is exceeded, when a string to lift is not base64, and when the bytes are not
    /// JSON in a way that loses track. Everything found before was told.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        found: &mut impl FnMut(Event),
    ) -> Result<(), LiftError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.within {
                Within::Structure => self.structure(rest, found)?,
                Within::Text => self.text(rest)?,
                Within::Name => self.name(rest)?,
                Within::Lifted => self.lifted(rest, found)?,
            };
            rest = &rest[taken..];
            self.position += taken as u64;
        }
        Ok(())
    }

    /// The document without what was lifted: each lifted string is the empty string in it.
    ///
    /// # Errors
    /// [`LiftError::Incomplete`] when it does not end where the body ends.
    pub(crate) fn finish(self) -> Result<Bytes, LiftError> {
        if self.within != Within::Structure || self.depth > 0 {
            return Err(LiftError::Incomplete);
        }
        Ok(self.document.into())
    }

    /// Takes what is before the next string, and its opening quote.
    fn structure(
        &mut self,
        input: &[u8],
        found: &mut impl FnMut(Event),
    ) -> Result<usize, LiftError> {
        for (at, byte) in input.iter().enumerate() {
            match byte {
                b'"' => {
                    self.keep(&input[..=at])?;
                    self.open_string(found)?;
                    return Ok(at + 1);
                }
                b'{' => self.open(true)?,
                b'[' => self.open(false)?,
                b'}' => self.close(true, at)?,
                b']' => self.close(false, at)?,
                b':' => self.value_matches = mem::take(&mut self.name_matches),
                b',' => {
                    self.value_matches = false;
                    self.expects_name = self.in_object();
                }
                _ => {}
            }
        }
        self.keep(input)?;
        Ok(input.len())
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.objects >> (self.depth - 1) & 1 == 1
    }

    /// Goes down into an object or an array.
    fn open(&mut self, object: bool) -> Result<(), LiftError> {
        if self.depth == MAX_DEPTH {
            return Err(LiftError::TooDeep);
        }
        let follows = mem::take(&mut self.value_matches);
        if follows && object && self.depth < self.rules.lift.path.len() {
            self.followed = self.depth + 1;
        }
        let bit = 1 << self.depth;
        self.objects = if object { self.objects | bit } else { self.objects & !bit };
        self.depth += 1;
        self.expects_name = object;
        Ok(())
    }

    /// Comes up out of one, by the bracket at byte `at` of what is being taken.
    fn close(&mut self, object: bool, at: usize) -> Result<(), LiftError> {
        if self.depth == 0 || self.in_object() != object {
            return Err(LiftError::Unbalanced { at: self.position + at as u64 });
        }
        self.depth -= 1;
        self.followed = self.followed.min(self.depth);
        self.value_matches = false;
        self.name_matches = false;
        self.expects_name = false;
        Ok(())
    }

    /// Decides what the string is whose opening quote was kept.
    fn open_string(&mut self, found: &mut impl FnMut(Event)) -> Result<(), LiftError> {
        if mem::take(&mut self.expects_name) {
            self.name_matches = false;
            self.within = Within::Text;
            if self.followed == self.depth {
                self.within = Within::Name;
                self.name.clear();
                self.name.push(b'"');
            }
        } else if mem::take(&mut self.value_matches) && self.depth == self.rules.lift.path.len() {
            if self.blobs == self.rules.max_blobs {
                return Err(LiftError::TooManyBlobs { limit: self.rules.max_blobs });
            }
            self.blobs += 1;
            self.keep(b"\"")?;
            self.within = Within::Lifted;
            found(Event::BlobStart { path: self.names.clone() });
        } else {
            self.within = Within::Text;
        }
        Ok(())
    }

    /// Takes a piece of a string that is passed on unread.
    fn text(&mut self, input: &[u8]) -> Result<usize, LiftError> {
        let (taken, ends) = self.rest_of_string(input);
        self.keep(&input[..taken])?;
        if ends {
            self.within = Within::Structure;
        }
        Ok(taken)
    }

    /// Takes a piece of the name of a member, and compares it when it is whole.
    fn name(&mut self, input: &[u8]) -> Result<usize, LiftError> {
        let (taken, ends) = self.rest_of_string(input);
        self.keep(&input[..taken])?;
        if self.name.len() + taken > MAX_NAME + 2 {
            return Err(LiftError::NameTooLong);
        }
        self.name.extend_from_slice(&input[..taken]);
        if ends {
            self.within = Within::Structure;
            let Ok(name) = serde_json::from_slice::<String>(&self.name) else {
                return Err(LiftError::BadName { at: self.position + taken as u64 });
            };
            // The depth is that of an object on the path: at least 1, at most the path's length.
            let step = self.depth - 1;
            self.name_matches = match self.rules.lift.path[step] {
                PathStep::Member(wanted) => name == wanted,
                PathStep::MemberEndingIn(suffix) => name.ends_with(suffix),
            };
            self.names.truncate(step);
            if self.name_matches {
                self.names.push(name);
            }
        }
        Ok(taken)
    }

    /// How much of `input` belongs to the string that is being read, with its closing quote, and
    /// whether that is there.
    fn rest_of_string(&mut self, input: &[u8]) -> (usize, bool) {
        let mut at = usize::from(mem::take(&mut self.escaped));
        while let Some(found) = find_quote_or_backslash(&input[at..]) {
            at += found + 1;
            if input[at - 1] == b'"' {
                return (at, true);
            }
            if at == input.len() {
                self.escaped = true;
                break;
            }
            // Of an escape as long as `\u0022` the rest looks like any other text.
            at += 1;
        }
        (input.len(), false)
    }

    /// Takes a piece of a string that is lifted.
    fn lifted(&mut self, input: &[u8], found: &mut impl FnMut(Event)) -> Result<usize, LiftError> {
        if mem::take(&mut self.escaped) {
            // The slash is of base64 and may be escaped in JSON. Nobody escapes the others.
            if input[0] != b'/' {
                return Err(self.not_base64("an escape other than `\\/`", 0));
            }
            self.decode(b"/", found)?;
            return Ok(1);
        }
        match input[0] {
            b'"' => {
                let mut decoder = mem::replace(&mut self.decoder, Decoder::new());
                if !decoder.is_whole() {
                    return Err(self.not_base64("an end within a group of four characters", 0));
                }
                if let Some(last) = decoder.take(1) {
                    found(Event::BlobBytes(last));
                }
                found(Event::BlobEnd);
                self.within = Within::Structure;
                Ok(1)
            }
            b'\\' => {
                self.escaped = true;
                Ok(1)
            }
            _ => {
                let run = &input[..input.len().min(RUN)];
                let run = find_quote_or_backslash(run).map_or(run, |end| &run[..end]);
                self.decode(run, found)?;
                Ok(run.len())
            }
        }
    }

    fn decode(&mut self, run: &[u8], found: &mut impl FnMut(Event)) -> Result<(), LiftError> {
        self.decoder
            .push(run)
            .map_err(|at| self.not_base64("a character that cannot be there", at))?;
        if self.decoder.size() > self.rules.max_blob {
            let limit = self.rules.max_blob;
            return Err(LiftError::BlobTooLarge { path: self.names.join("/"), limit });
        }
        if let Some(block) = self.decoder.take(BLOCK) {
            found(Event::BlobBytes(block));
        }
        Ok(())
    }

    fn not_base64(&self, what: &'static str, at: usize) -> LiftError {
        LiftError::NotBase64 { path: self.names.join("/"), what, at: self.position + at as u64 }
    }

    /// Appends to the document.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), LiftError> {
        let limit = self.rules.max_document;
        if bytes.len() > limit - self.document.len() {
            return Err(LiftError::DocumentTooLarge { limit });
        }
        self.document.extend_from_slice(bytes);
        Ok(())
    }
}

/// Where the first quote or backslash is.
fn find_quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    // Whole stripes are looked at without a branch for each byte: the compiler makes vector
    // instructions of this, twenty times as fast as looking at one byte after another.
    const STRIPE: usize = 32;
    let special = |byte: u8| byte == b'"' || byte == b'\\';
    let plain = bytes
        .chunks_exact(STRIPE)
        .take_while(|stripe| stripe.iter().fold(0, |any, byte| any | u8::from(special(*byte))) == 0)
        .count()
        * STRIPE;
    bytes[plain..].iter().position(|byte| special(*byte)).map(|at| plain + at)
}
