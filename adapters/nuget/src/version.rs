//! Versions, as `NuGet.Versioning` reads and orders them.
//!
//! One to four numbers, the pre-release labels of SemVer 2.0.0 without regard to case, and build
//! metadata, which tells versions apart for nobody. Normalised, a version has three numbers, and the
//! fourth where it is not 0.

use std::fmt;

use pakhus_core::{
    Host, InvalidVersion, PackageName, PackageVersion, Refusal, Result, SortKey, VersionRecord,
};

/// The longest version, in characters: what the public gallery allows.
const MAX_CHARACTERS: usize = 64;

/// A version, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NuGetVersion {
    numbers: [u32; 4],
    /// The pre-release labels, parted by dots; empty for a release.
    release: String,
    /// The build metadata; empty where there is none.
    metadata: String,
}

impl NuGetVersion {
    /// Parses a version. Spaces around it and around its numbers do not matter, as clients have it.
    pub(crate) fn parse(raw: &str) -> Result<Self, InvalidVersion> {
        let shortened = || raw.chars().take(80).collect::<String>();
        let invalid =
            |reason: &str| Err(InvalidVersion(format!("the version `{}` {reason}", shortened())));
        if raw.contains('$') {
            return invalid("has a placeholder that was not replaced when the package was made");
        }
        let text = raw.trim();
        if text.len() > MAX_CHARACTERS {
            return invalid("is longer than 64 characters");
        }
        let (text, metadata) = match text.split_once('+') {
            Some((text, metadata)) => (text, Some(metadata)),
            None => (text, None),
        };
        let (text, release) = match text.split_once('-') {
            Some((text, release)) => (text, Some(release)),
            None => (text, None),
        };
        let mut numbers = [0; 4];
        for (place, part) in text.split('.').enumerate() {
            let (Some(place), Some(number)) = (numbers.get_mut(place), number(part.trim())) else {
                return invalid("does not begin with one to four numbers of at most 2147483647");
            };
            *place = number;
        }
        let is_label = |label: &str| {
            let digits = label.bytes().all(|byte| byte.is_ascii_digit());
            is_identifier(label) && !(digits && label.len() > 1 && label.starts_with('0'))
        };
        if !release.is_none_or(|release| release.split('.').all(is_label)) {
            return invalid(
                "has a pre-release label that is empty, a number with a leading zero, or not of \
                 letters, digits and hyphens",
            );
        }
        if !metadata.is_none_or(|metadata| metadata.split('.').all(is_identifier)) {
            return invalid(
                "has build metadata that is empty or not of letters, digits and hyphens",
            );
        }
        let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
        Ok(Self { numbers, release: text(release), metadata: text(metadata) })
    }

    /// The form that identifies it, in the case in which it was written: without build metadata.
    pub(crate) fn normalized(&self) -> String {
        let [major, minor, patch, revision] = self.numbers;
        let mut text = format!("{major}.{minor}.{patch}");
        if revision != 0 {
            text.push_str(&format!(".{revision}"));
        }
        if !self.release.is_empty() {
            text.push('-');
            text.push_str(&self.release);
        }
        text
    }

    /// The first number.
    pub(crate) const fn major(&self) -> u32 {
        self.numbers[0]
    }

    /// Whether clients from before SemVer 2.0.0 cannot read it: it has build metadata, or pre-release
    /// labels parted by dots.
    pub(crate) fn is_semver2(&self) -> bool {
        !self.metadata.is_empty() || self.release.contains('.')
    }

    /// Bytes that order as the versions do. A label that is a 32-bit number, its sign included, is
    /// one; a greater one is a text.
    pub(crate) fn sort_key(&self) -> SortKey {
        const END: u8 = 0;
        const NUMBER: u8 = 1;
        const TEXT: u8 = 2;
        const RELEASE: u8 = 3;
        let mut bytes: Vec<u8> = self.numbers.iter().flat_map(|it| it.to_be_bytes()).collect();
        if self.release.is_empty() {
            bytes.push(RELEASE);
            return SortKey::from_bytes(bytes);
        }
        for label in self.release.split('.') {
            match label.parse::<i32>() {
                Ok(number) => {
                    bytes.push(NUMBER);
                    // Negative numbers first.
                    bytes.extend_from_slice(&(number.cast_unsigned() ^ (1 << 31)).to_be_bytes());
                }
                Err(_) => {
                    bytes.push(TEXT);
                    bytes.extend_from_slice(label.to_ascii_lowercase().as_bytes());
                    bytes.push(END);
                }
            }
        }
        bytes.push(END);
        SortKey::from_bytes(bytes)
    }
}

/// The normalised form with its build metadata, as clients are shown it.
impl fmt::Display for NuGetVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normalized())?;
        if self.metadata.is_empty() { Ok(()) } else { write!(f, "+{}", self.metadata) }
    }
}

/// Parses a version as feeds keep it: keyed by its normalised form in lower case, which is what
/// clients put into URLs, and shown as [`NuGetVersion`] is.
pub(crate) fn parse(raw: &str) -> Result<PackageVersion, InvalidVersion> {
    let version = NuGetVersion::parse(raw)?;
    let key = version.normalized().to_ascii_lowercase();
    PackageVersion::new(key, version.to_string(), version.sort_key())
}

/// Whether a stored version is a pre-release: nothing else of its key has a hyphen.
pub(crate) fn is_prerelease(version: &PackageVersion) -> bool {
    version.key().contains('-')
}

/// Whether a stored version is one that only clients of SemVer 2.0.0 can read.
pub(crate) fn is_semver2(version: &PackageVersion) -> bool {
    NuGetVersion::parse(version.display()).is_ok_and(|version| version.is_semver2())
}

/// What is stored of a version.
///
/// # Errors
/// [`pakhus_core::RefusalKind::NotFound`] when it is not there.
pub(crate) async fn stored(
    name: &PackageName,
    version: &PackageVersion,
    host: &dyn Host,
) -> Result<VersionRecord> {
    host.version(name, version).await?.ok_or_else(|| no_such_version(name, version))
}

pub(crate) fn no_such_version(name: &PackageName, version: &PackageVersion) -> Refusal {
    let (name, version) = (name.display(), version.display());
    Refusal::not_found(format!("there is no version {version} of {name} here"))
}

/// A number of a version: at most the greatest signed 32-bit one.
fn number(text: &str) -> Option<u32> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_digits.then(|| text.parse::<i32>().ok()).flatten();
    number.map(i32::cast_unsigned)
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests;
