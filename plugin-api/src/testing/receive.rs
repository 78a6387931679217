//! Receiving a file, or a document with its blobs lifted out.

use std::fmt;
use std::io::Read as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use flate2::read::DeflateDecoder;
use pakhus_core::FormFile;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha1::{Digest as _, Sha1};
use sha2::Sha512;

use crate::{
    BlobRef, Digest, Lifted, Packing, PathStep, ReceiveDocument, ReceivedDocument, ReceivedFile,
    Refusal, RefusalKind, Result,
};

/// Reads `body` as a JSON document and lifts out what `rules` name. Everything else of the text
/// stays as it was sent, as in the server.
pub(super) fn document(
    body: &[u8],
    rules: &ReceiveDocument,
) -> Result<(ReceivedDocument, Vec<(Digest, Bytes)>)> {
    let root: &RawValue = serde_json::from_slice(body)
        .map_err(|error| Refusal::invalid(format!("the body is not JSON: {error}")))?;
    let mut lifting = Lifting {
        rules,
        json: String::new(),
        path: Vec::new(),
        lifted: Vec::new(),
        blobs: Vec::new(),
    };
    lifting.value(root, &rules.lift.path)?;
    let Lifting { json, lifted, blobs, .. } = lifting;
    if json.len() > rules.max_document {
        return Err(too_large(format!("the document is longer than {} bytes", rules.max_document)));
    }
    Ok((ReceivedDocument { json: json.into(), lifted }, blobs))
}

struct Lifting<'r> {
    rules: &'r ReceiveDocument,
    json: String,
    path: Vec<String>,
    lifted: Vec<Lifted>,
    blobs: Vec<(Digest, Bytes)>,
}

impl Lifting<'_> {
    fn value(&mut self, value: &RawValue, steps: &[PathStep]) -> Result<()> {
        let text = value.get();
        let Some((step, rest)) = steps.split_first() else {
            if text.starts_with('"') {
                return self.lift(text);
            }
            self.json.push_str(text);
            return Ok(());
        };
        let Ok(Members(members)) = serde_json::from_str(text) else {
            // Not an object: nothing in it is at the end of the path.
            self.json.push_str(text);
            return Ok(());
        };
        self.json.push('{');
        for (index, (name, value)) in members.into_iter().enumerate() {
            if index > 0 {
                self.json.push(',');
            }
            self.json.push_str(&serde_json::to_string(&name).map_err(Refusal::internal)?);
            self.json.push(':');
            let is_on_the_way = match step {
                PathStep::Member(member) => name == *member,
                PathStep::MemberEndingIn(end) => name.ends_with(end),
            };
            if is_on_the_way {
                self.path.push(name);
                self.value(value, rest)?;
                self.path.pop();
            } else {
                self.json.push_str(value.get());
            }
        }
        self.json.push('}');
        Ok(())
    }

    fn lift(&mut self, text: &str) -> Result<()> {
        let encoded: String = serde_json::from_str(text).map_err(Refusal::invalid)?;
        let bytes = STANDARD.decode(encoded).map_err(|error| {
            Refusal::invalid(format!("{} is not base64: {error}", self.path.join("/")))
        })?;
        if self.lifted.len() == self.rules.max_blobs {
            return Err(Refusal::invalid(format!(
                "the document has more than {} attachments",
                self.rules.max_blobs
            )));
        }
        let size = bytes.len() as u64;
        if size > self.rules.max_blob {
            return Err(too_large(format!(
                "{} is longer than {} bytes",
                self.path.join("/"),
                self.rules.max_blob
            )));
        }
        let bytes = Bytes::from(bytes);
        let file = received(&bytes);
        self.blobs.push((file.blob.digest, bytes));
        self.lifted.push(Lifted { path: self.path.clone(), file });
        self.json.push_str("\"\"");
        Ok(())
    }
}

/// Takes the file that `body` is, or that the form of this type has in it.
pub(super) fn file(
    content_type: &str,
    body: &Bytes,
    max: u64,
) -> Result<(ReceivedFile, (Digest, Bytes))> {
    let file = match FormFile::new(content_type).transpose().map_err(Refusal::invalid)? {
        None => body.clone(),
        Some(mut form) => {
            let mut file = BytesMut::new();
            form.feed(body, &mut |piece| file.extend_from_slice(&piece))
                .map_err(Refusal::invalid)?;
            form.finish().map_err(Refusal::invalid)?;
            file.freeze()
        }
    };
    if file.len() as u64 > max {
        return Err(too_large(format!("the body is longer than {max} bytes")));
    }
    let received = received(&file);
    let blob = (received.blob.digest, file);
    Ok((received, blob))
}

/// Unpacks a part of a blob.
pub(super) fn unpacked(
    blob: &Bytes,
    part: &Range<u64>,
    packing: Packing,
    max: u64,
) -> Result<Bytes> {
    let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(blob.len());
    let packed = blob.slice(within(part.start)..within(part.end));
    let bytes = match packing {
        Packing::Stored => packed,
        Packing::Deflate => {
            let mut bytes = Vec::new();
            let decoder = DeflateDecoder::new(&*packed);
            let taken = decoder.take(max.saturating_add(1)).read_to_end(&mut bytes);
            taken.map_err(|error| Refusal::invalid(format!("it does not unpack: {error}")))?;
            bytes.into()
        }
    };
    if bytes.len() as u64 > max {
        return Err(too_large(format!("more than {max} bytes come of it")));
    }
    Ok(bytes)
}

pub(super) fn received(bytes: &Bytes) -> ReceivedFile {
    let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
    ReceivedFile {
        blob: BlobRef { digest, size, role: String::new(), sha512: None },
        sha512: Sha512::digest(bytes).into(),
        sha1: Sha1::digest(bytes).into(),
        first_bytes: bytes.slice(..bytes.len().min(1024)),
    }
}

fn too_large(message: String) -> Refusal {
    Refusal::new(RefusalKind::TooLarge, message)
}

/// The members of an object in their order, doubles included, so that an adapter under test gets
/// what a hostile client sends.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
