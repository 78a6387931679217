//! What a manifest is asked for by: a tag or a digest.

use pakhus_core::{
    ContentDigest, Host, InvalidVersion, PackageName, PackageVersion, Refusal, Result, SortKey,
};

use crate::error;

/// A tag or a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// A tag.
    Tag(String),
    /// The digest of the manifest.
    Digest(ContentDigest),
}

impl Reference {
    /// Parses what stands behind `manifests/`. No tag has a colon, and every digest has one.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.contains(':') {
            return digest(text).map(Self::Digest);
        }
        check_tag(text)?;
        Ok(Self::Tag(text.to_owned()))
    }

    /// The version that is meant.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::NotFound`] when the repository has no such tag.
    pub(crate) async fn version(
        &self,
        name: &PackageName,
        host: &dyn Host,
    ) -> Result<PackageVersion> {
        match self {
            Self::Digest(digest) => of_digest(digest),
            Self::Tag(tag) => {
                let key = host.tag(name, tag).await?.ok_or_else(|| {
                    let name = name.display();
                    Refusal::not_found(format!("the repository `{name}` has no tag `{tag}`"))
                        .coded(error::MANIFEST_UNKNOWN)
                })?;
                version(&key).map_err(Refusal::internal)
            }
        }
    }
}

/// Parses a digest that a client names.
pub(crate) fn digest(text: &str) -> Result<ContentDigest> {
    text.parse().map_err(|invalid| Refusal::invalid(invalid).coded(error::DIGEST_INVALID))
}

/// Parses a version: the digest of a manifest. They have no order but that of their texts.
pub(crate) fn version(raw: &str) -> Result<PackageVersion, InvalidVersion> {
    let digest: ContentDigest = raw.parse().map_err(|error| InvalidVersion(format!("{error}")))?;
    PackageVersion::new(digest.to_string(), digest.to_string(), SortKey::from_bytes(Vec::new()))
}

/// The version that a digest is.
pub(crate) fn of_digest(digest: &ContentDigest) -> Result<PackageVersion> {
    version(&digest.to_string()).map_err(Refusal::internal)
}

/// Checks a tag as the specification says: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
pub(crate) fn check_tag(tag: &str) -> Result<()> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let bytes = tag.as_bytes();
    let is_tag = bytes.first().copied().is_some_and(is_word)
        && bytes.len() <= 128
        && bytes.iter().all(|byte| is_word(*byte) || matches!(byte, b'.' | b'-'));
    if is_tag {
        return Ok(());
    }
    let shortened: String = tag.chars().take(80).collect();
    Err(Refusal::invalid(format!(
        "`{shortened}` is no tag: tags are up to 128 letters, digits, `_`, `.` and `-`, and begin \
         with neither of the last two"
    ))
    .coded(error::MANIFEST_INVALID))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_as_the_specification_says() {
        for tag in ["latest", "1.0", "_", "A-b_c.D", &"a".repeat(128)] {
            assert_eq!(Reference::parse(tag), Ok(Reference::Tag(tag.to_owned())));
        }
        for tag in ["", ".a", "-a", "a/b", "ä", "a b", &"a".repeat(129)] {
            assert!(Reference::parse(tag).is_err(), "{tag}");
        }
    }

    #[test]
    fn a_malformed_digest_is_no_tag() {
        let refusal = Reference::parse("sha256:wrong").expect_err("no digest");
        assert_eq!(refusal.code, Some(error::DIGEST_INVALID));
    }
}
