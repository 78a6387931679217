//! What clients check a tarball by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_core::digest::hex;
use pakhus_core::{ReceivedFile, Refusal, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::document::malformed;

/// The hashes of a tarball, in the form of a manifest's `dist`, without its URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Dist {
    /// SHA-1, in hexadecimal digits.
    pub(crate) shasum: String,
    /// SHA-512, as Subresource Integrity writes it.
    pub(crate) integrity: String,
    /// How many files the publisher says are in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file_count: Option<u64>,
    /// How many bytes the publisher says they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unpacked_size: Option<u64>,
}

/// The parts of a published `dist` that say something of the tarball.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claimed {
    shasum: Option<String>,
    integrity: Option<String>,
    file_count: Option<u64>,
    unpacked_size: Option<u64>,
}

impl Dist {
    /// Computes the hashes of the tarball that was received, and refuses one that is not what the
    /// publisher says it is: stored, it would fail at every install.
    pub(crate) fn verified(claimed: Option<&RawValue>, tarball: &ReceivedFile) -> Result<Self> {
        let claimed: Claimed = match claimed {
            Some(claimed) => {
                serde_json::from_str(claimed.get()).map_err(malformed("the `dist`"))?
            }
            None => Claimed::default(),
        };
        let shasum = hex(&tarball.sha1);
        if claimed.shasum.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(&shasum)) {
            return Err(corrupt("SHA-1", "shasum"));
        }
        if let Some(integrity) = &claimed.integrity {
            verify_integrity(integrity, tarball)?;
        }
        Ok(Self {
            shasum,
            integrity: format!("sha512-{}", STANDARD.encode(tarball.sha512)),
            file_count: claimed.file_count,
            unpacked_size: claimed.unpacked_size,
        })
    }

    /// Checks that the hashes have the form that [`Self::verified`] gives them.
    pub(crate) fn check(&self) -> Result<()> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if self.shasum.len() != 40 || !self.shasum.bytes().all(is_digit) {
            return Err(Refusal::invalid("`dist.shasum` is no SHA-1 in hexadecimal digits"));
        }
        let encoded = self.integrity.strip_prefix("sha512-");
        match encoded.and_then(|encoded| STANDARD.decode(encoded).ok()) {
            Some(bytes) if bytes.len() == 64 => Ok(()),
            _ => Err(Refusal::invalid("`dist.integrity` is no SHA-512 in base64")),
        }
    }
}

/// Verifies a Subresource Integrity text. It may list several hashes, even several of one algorithm;
/// of each algorithm that we know, one must fit. Others are passed over, as the standard says.
fn verify_integrity(integrity: &str, tarball: &ReceivedFile) -> Result<()> {
    let known: [(&str, &str, &[u8]); 3] = [
        ("sha512", "SHA-512", &tarball.sha512),
        ("sha256", "SHA-256", tarball.blob.digest.as_bytes()),
        ("sha1", "SHA-1", &tarball.sha1),
    ];
    for (algorithm, written, hash) in known {
        let encoded = STANDARD.encode(hash);
        let mut listed = integrity
            .split_ascii_whitespace()
            .filter_map(|hash| hash.strip_prefix(algorithm)?.strip_prefix('-'))
            .map(|hash| hash.split_once('?').map_or(hash, |(hash, _options)| hash))
            .peekable();
        if listed.peek().is_some() && !listed.any(|hash| hash == encoded) {
            return Err(corrupt(written, "integrity"));
        }
    }
    Ok(())
}

fn corrupt(algorithm: &str, field: &str) -> Refusal {
    Refusal::invalid(format!(
        "the tarball is damaged: its {algorithm} is not what `dist.{field}` says"
    ))
}
