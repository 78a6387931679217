//! Versions as node's `semver` reads and orders them.
//!
//! Looser than what is published here: clients ask with a leading `v`, with spaces, and of old
//! packages without a hyphen before the pre-release. The source of the rules is `classes/semver.js`
//! and `internal/re.js` of npm/node-semver 7.8.5.

use std::cmp::Ordering;
use std::fmt;

/// The greatest number of a version: JavaScript counts to it without a gap.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The longest version, in bytes.
const MAX_BYTES: usize = 256;

/// A version. Build metadata is not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeVersion {
    pub(crate) numbers: [u64; 3],
    pub(crate) pre_release: Vec<Identifier>,
}

/// One part of a pre-release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identifier {
    /// A number that JavaScript can count to.
    Number(u64),
    /// Anything else, greater numbers included.
    Text(String),
}

impl NodeVersion {
    /// A version without a pre-release; `None` when a number is too great.
    pub(crate) fn release(numbers: [u64; 3]) -> Option<Self> {
        Self::new(numbers, Vec::new())
    }

    /// The lowest pre-release of a version: `-0`.
    pub(crate) fn lowest(numbers: [u64; 3]) -> Option<Self> {
        Self::new(numbers, vec![Identifier::Number(0)])
    }

    /// A version of these parts; `None` when a number is too great.
    pub(crate) fn new(numbers: [u64; 3], pre_release: Vec<Identifier>) -> Option<Self> {
        let fits = numbers.iter().all(|number| *number <= MAX_NUMBER);
        fits.then_some(Self { numbers, pre_release })
    }

    /// Parses a version, loosely or as the standard says but for a leading `v` and spaces around it.
    pub(crate) fn parse(text: &str, loose: bool) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let text = text.trim();
        let text = match loose {
            true => text.trim_start_matches(|c: char| matches!(c, 'v' | '=') || c.is_whitespace()),
            false => text.strip_prefix('v').unwrap_or(text),
        };
        let mut scanner = Scanner { rest: text, loose };
        let major = scanner.number()?;
        let minor = scanner.dot().then(|| scanner.number())??;
        let patch = scanner.dot().then(|| scanner.number())??;
        let pre_release = scanner.pre_release()?;
        scanner.build();
        (scanner.rest.is_empty()).then(|| Self::new([major, minor, patch], pre_release))?
    }
}

impl fmt::Display for NodeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{major}.{minor}.{patch}")?;
        for (index, identifier) in self.pre_release.iter().enumerate() {
            f.write_str(if index == 0 { "-" } else { "." })?;
            match identifier {
                Identifier::Number(number) => write!(f, "{number}")?,
                Identifier::Text(text) => f.write_str(text)?,
            }
        }
        Ok(())
    }
}

impl PartialOrd for NodeVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NodeVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        // A release is above its pre-releases.
        let is_release = |version: &Self| version.pre_release.is_empty();
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| is_release(self).cmp(&is_release(other)))
            .then_with(|| self.pre_release.cmp(&other.pre_release))
    }
}

impl Identifier {
    fn of(text: &str) -> Self {
        match text.parse() {
            // A sign is no digit.
            Ok(number) if number < MAX_NUMBER && !text.starts_with('+') => Self::Number(number),
            _ => Self::Text(text.to_owned()),
        }
    }

    /// Its digits without leading zeros, when it is a number.
    fn digits(&self) -> Option<String> {
        match self {
            Self::Number(number) => Some(number.to_string()),
            Self::Text(text) => text
                .bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.trim_start_matches('0').to_owned()),
        }
    }
}

impl PartialOrd for Identifier {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Identifier {
    /// Numbers by value and below texts, texts by their bytes.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.digits(), other.digits()) {
            (Some(here), Some(there)) => {
                here.len().cmp(&there.len()).then_with(|| here.cmp(&there))
            }
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => match (self, other) {
                (Self::Text(here), Self::Text(there)) => here.cmp(there),
                _ => Ordering::Equal,
            },
        }
    }
}

/// Takes the parts of a version off the front of a text. Each step looks at a byte once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scanner<'t> {
    pub(crate) rest: &'t str,
    pub(crate) loose: bool,
}

impl<'t> Scanner<'t> {
    /// Takes a number, without leading zeros unless it is read loosely.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let digits = self.take_while(|c| c.is_ascii_digit());
        let is_written_well = self.loose || digits.len() == 1 || !digits.starts_with('0');
        // What is too great for this type is too great for a version; that is said later, because
        // a number that is no number and one that is too great are different to a range.
        let saturated = || digits.parse().unwrap_or(u64::MAX);
        (!digits.is_empty() && is_written_well).then(saturated)
    }

    /// Takes a dot, if there is one.
    pub(crate) fn dot(&mut self) -> bool {
        self.take('.')
    }

    /// Takes this character, if it is there.
    pub(crate) fn take(&mut self, character: char) -> bool {
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Takes a pre-release, which may be none. Loosely, its hyphen may be missing.
    pub(crate) fn pre_release(&mut self) -> Option<Vec<Identifier>> {
        let starts = match self.rest.chars().next() {
            Some('-') => true,
            Some(c) => self.loose && c.is_ascii_alphanumeric(),
            None => false,
        };
        if !starts {
            return Some(Vec::new());
        }
        self.take('-');
        let mut identifiers = Vec::new();
        loop {
            let text = self.take_while(is_identifier);
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            let is_padded = is_number && text.len() > 1 && text.starts_with('0');
            if text.is_empty() || (is_padded && !self.loose) {
                return None;
            }
            identifiers.push(Identifier::of(text));
            if !self.dot() {
                return Some(identifiers);
            }
        }
    }

    /// Takes build metadata, which may be none.
    pub(crate) fn build(&mut self) {
        let before = *self;
        if !self.take('+') {
            return;
        }
        loop {
            if self.take_while(is_identifier).is_empty() {
                *self = before;
                return;
            }
            if !self.dot() {
                return;
            }
        }
    }

    /// Takes characters as long as they are such.
    pub(crate) fn take_while(&mut self, is_such: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !is_such(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

/// Whether a pre-release or build metadata may have this character.
pub(crate) const fn is_identifier(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '-'
}
