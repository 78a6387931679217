//! Tarballs.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The tar file, its headers with the checksums that they should have: most mutations would end there.
pub(crate) fn with_checksums(mut input: Vec<u8>) -> Vec<u8> {
    for block in input.as_chunks_mut::<512>().0 {
        if block[257..262] == *b"ustar" {
            block[148..156].fill(b' ');
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
    input
}

pub(crate) fn compressed(input: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(input).unwrap();
    encoder.finish().unwrap()
}

/// A tarball with this `package.json`.
pub(crate) fn of_manifest(manifest: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(manifest.len() as u64);
    archive.append_data(&mut header, "package/package.json", manifest).unwrap();
    compressed(&archive.into_inner().unwrap())
}
