//! How symbols are named.

use pakhus_core::{InvalidName, InvalidVersion, PackageName, PackageVersion, SortKey};

use crate::name;

/// Where packages of symbols are, by the id of the package that they belong to.
const SYMBOLS: &str = ".symbols/";

/// Where PDBs are, by the name of their file.
const PDB: &str = ".pdb/";

/// The longest name of a PDB's file, in bytes.
const MAX_FILE: usize = 200;

/// What identifies one PDB among those of the same file name: the key of symbol servers (SSQP), the
/// 32 digits of a GUID and an age, for portable PDBs `ffffffff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature(String);

impl Signature {
    /// The age of portable PDBs.
    const PORTABLE: &'static str = "ffffffff";

    /// The signature of a portable PDB with this GUID, in the order of its bytes in the file.
    pub(crate) fn portable(guid: [u8; 16]) -> Self {
        let number = |bytes: &[u8]| bytes.iter().rev().map(|byte| format!("{byte:02x}")).collect();
        let parts: [String; 3] = [number(&guid[..4]), number(&guid[4..6]), number(&guid[6..8])];
        let rest: String = guid[8..].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("{}{rest}{}", parts.concat(), Self::PORTABLE))
    }

    /// Reads a key as debuggers write it, in upper or lower case. Some leave the age of portable PDBs
    /// out, or write 1.
    pub(crate) fn parse(raw: &str) -> Option<Self> {
        let key = raw.to_ascii_lowercase();
        let is_key = key.len() >= 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        let guid = key.get(..32).filter(|_| is_key)?;
        match &key[32..] {
            "" | "1" | Self::PORTABLE => Some(Self(format!("{guid}{}", Self::PORTABLE))),
            _ => None,
        }
    }

    /// The version that it is of its file.
    pub(crate) fn version(&self) -> Result<PackageVersion, InvalidVersion> {
        PackageVersion::new(&self.0, &self.0, SortKey::from_bytes(self.0.clone().into_bytes()))
    }
}

/// The package of the symbols of `name`.
pub(crate) fn symbols_name(name: &PackageName) -> Result<PackageName, InvalidName> {
    let (key, display) = (name.key(), name.display());
    PackageName::new(format!("{SYMBOLS}{key}"), format!("{SYMBOLS}{display}"))
}

/// The package of the PDBs whose files are called so.
pub(crate) fn pdb_name(file: &str) -> Result<PackageName, InvalidName> {
    if file.len() > MAX_FILE || file.contains(['/', '\\']) || !has_extension(file) {
        let file: String = file.chars().take(80).collect();
        return Err(InvalidName(format!("`{file}` is no name of a PDB")));
    }
    PackageName::new(format!("{PDB}{}", file.to_lowercase()), format!("{PDB}{file}"))
}

/// Whether a file is a PDB by its name.
pub(crate) fn has_extension(file: &str) -> bool {
    file.to_ascii_lowercase().ends_with(".pdb")
}

/// Parses the name of symbols; `None` when it is none.
pub(crate) fn parse_name(raw: &str) -> Option<Result<PackageName, InvalidName>> {
    if let Some(id) = raw.strip_prefix(SYMBOLS) {
        return Some(name::parse(id).and_then(|name| symbols_name(&name)));
    }
    raw.strip_prefix(PDB).map(pdb_name)
}

/// Parses the version of a PDB; `None` when it is none.
pub(crate) fn parse_version(raw: &str) -> Option<PackageVersion> {
    Signature::parse(raw).filter(|signature| signature.0 == raw)?.version().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_read_as_debuggers_write_it() {
        let guid = "0123456789abcdef0123456789abcdef";
        let whole = format!("{guid}ffffffff");
        for text in [guid.to_owned(), format!("{guid}1"), whole.to_uppercase()] {
            assert_eq!(Signature::parse(&text), Some(Signature(whole.clone())), "{text}");
        }
        for text in ["", "1.0.0", &guid[1..], &format!("{guid}2"), &"g".repeat(40)] {
            assert_eq!(Signature::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_guid_is_written_as_windows_does() {
        let guid = std::array::from_fn(|place| u8::try_from(place).expect("below 16"));
        let key = "030201000504070608090a0b0c0d0e0fffffffff";
        assert_eq!(Signature::portable(guid), Signature(key.to_owned()));
    }
}
