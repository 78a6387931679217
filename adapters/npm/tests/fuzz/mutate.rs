//! Mutations.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// The longest input that is made.
const MAX_BYTES: usize = 64 << 10;

/// Texts that mean something to the code under test.
const WORDS: [&str; 22] = [
    "\"_attachments\":",
    "\"versions\":{",
    "\"dist-tags\":{",
    "\"maintainers\":[",
    "\"users\":{}",
    "\"deprecated\":",
    "\"__proto__\":",
    "\"1.0.0\":",
    "\"latest\":",
    "null",
    "-1",
    "1e999",
    "9007199254740993",
    "\\ud800",
    "{\"a\":",
    "[[[[[[[[",
    "\"\"",
    "../",
    "package.json",
    "binding.gyp",
    "0000000",
    "77777777777",
];

/// Makes inputs out of others. What it does follows from its seed, which is another each time: a failing
/// input is kept as such.
pub(crate) struct Mutator {
    seeds: Vec<Vec<u8>>,
    random: StdRng,
}

impl Mutator {
    pub(crate) fn new(seeds: Vec<Vec<u8>>) -> Self {
        Self { seeds, random: StdRng::seed_from_u64(rand::random()) }
    }

    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut input = self.seeds[self.random.random_range(0..self.seeds.len())].clone();
        for _ in 0..self.random.random_range(1..6) {
            self.mutate(&mut input);
            input.truncate(MAX_BYTES);
        }
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let start = random.random_range(0..=input.len());
        let end = (start + random.random_range(0..64_usize)).min(input.len());
        match random.random_range(0..8) {
            0 | 1 if start < input.len() => input[start] ^= 1 << random.random_range(0..8),
            2 if start < input.len() => input[start] = random.random(),
            3 => drop(input.drain(start..end)),
            4 => {
                let piece = input[start..end].to_vec();
                let at = random.random_range(0..=input.len());
                drop(input.splice(at..at, piece));
            }
            5 => {
                let word = WORDS[random.random_range(0..WORDS.len())];
                let end = if random.random() { end } else { start };
                drop(input.splice(start..end, word.bytes()));
            }
            6 => {
                let other = &self.seeds[random.random_range(0..self.seeds.len())];
                let from = random.random_range(0..=other.len());
                input.truncate(start);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let bytes = if random.random() { 0xff } else { b'0' };
                input[start..end].fill(bytes);
            }
        }
    }
}

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
pub(crate) fn archive(manifest: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(manifest.len() as u64);
    archive.append_data(&mut header, "package/package.json", manifest).unwrap();
    compressed(&archive.into_inner().unwrap())
}
