//! Portable PDBs (the format of ECMA-335 metadata, with a `#Pdb` stream).

use pakhus_core::{BlobRef, Host, Refusal, Result};

use super::Signature;

/// What a portable PDB begins with.
const PORTABLE: &[u8] = b"BSJB";

/// What a Windows PDB begins with.
const WINDOWS: &[u8] = b"Microsoft C/C++ MSF 7.00";

/// The stream with the GUID.
const STREAM: &[u8] = b"#Pdb\0";

/// How much of a file has all its stream headers: the text of its version has at most 255 bytes, and
/// compilers write six streams with names of at most 32.
const HEAD: usize = 1024;

/// Reads what identifies the PDB `file`.
pub(super) async fn signature(file: &str, blob: &BlobRef, host: &dyn Host) -> Result<Signature> {
    let invalid = |reason: &str| {
        let file: String = file.chars().take(80).collect();
        Refusal::invalid(format!("`{file}` in the package {reason}"))
    };
    let head = host.read_blob(&blob.digest, 0, HEAD).await?;
    if head.starts_with(WINDOWS) {
        return Err(invalid("is a Windows PDB: only portable PDBs are served here"));
    }
    let broken = || invalid("is no portable PDB");
    let stream = stream_at(&head).filter(|_| head.starts_with(PORTABLE)).ok_or_else(broken)?;
    let guid = host.read_blob(&blob.digest, stream.into(), 16).await?;
    guid[..].try_into().map(Signature::portable).map_err(|_| broken())
}

/// Where the stream with the GUID begins (ECMA-335 II.24.2.1 and 2).
fn stream_at(head: &[u8]) -> Option<u32> {
    let number = |at: usize| {
        let bytes = head.get(at..at + 4)?;
        bytes.try_into().ok().map(u32::from_le_bytes)
    };
    let length = usize::try_from(number(12)?).ok().filter(|length| *length <= 255)?;
    let counted_at = 16 + length + 2;
    let count = u16::from_le_bytes(head.get(counted_at..counted_at + 2)?.try_into().ok()?);
    let mut at = counted_at + 2;
    for _ in 0..count {
        let name = head.get(at + 8..)?;
        if name.starts_with(STREAM) {
            return number(at);
        }
        let end = name.iter().position(|byte| *byte == 0)?;
        at += 8 + (end + 1).next_multiple_of(4);
    }
    None
}
