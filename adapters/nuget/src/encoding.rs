//! Bytes of an XML document, made into text as XML 1.0 says (appendix F).

use pakhus_core::{Refusal, Result};

/// Decodes a document: UTF-8, UTF-16 or Latin-1.
///
/// # Errors
/// When it says that it is in another encoding, or is not in the one that it says.
pub(crate) fn decode(bytes: &[u8]) -> Result<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        let text = rest.is_empty().then(|| String::from_utf16(&units).ok()).flatten();
        text.ok_or_else(|| broken("UTF-16"))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [b'<', 0, ..] => utf16(bytes, u16::from_le_bytes),
        [0, b'<', ..] => utf16(bytes, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        bytes => match declared(bytes) {
            None => utf8(bytes),
            Some(name) => match name.to_ascii_lowercase().as_str() {
                "utf-8" | "us-ascii" | "ascii" => utf8(bytes),
                "iso-8859-1" | "latin1" => Ok(bytes.iter().copied().map(char::from).collect()),
                name if name.starts_with("utf-16") => Err(Refusal::invalid(
                    "the nuspec says that it is in UTF-16, which it is not: save it in UTF-8",
                )),
                _ => {
                    let name: String = name.chars().take(40).collect();
                    Err(Refusal::invalid(format!(
                        "the nuspec is in the encoding `{name}`, which is not read here: save it \
                         in UTF-8"
                    )))
                }
            },
        },
    }
}

fn utf8(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| broken("UTF-8"))
}

fn broken(encoding: &str) -> Refusal {
    Refusal::invalid(format!("the nuspec is not valid {encoding}: save it in UTF-8"))
}

/// The encoding that the declaration at the beginning says.
fn declared(bytes: &[u8]) -> Option<String> {
    let rest = bytes.strip_prefix(b"<?xml")?;
    let end = rest.iter().position(|byte| *byte == b'>')?;
    let declaration = String::from_utf8_lossy(&rest[..end]);
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    Some(value[1..].split_once(quote)?.0.to_owned())
}
