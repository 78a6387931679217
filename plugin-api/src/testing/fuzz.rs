//! Fuzzing: a target is fed with mutations of known inputs.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// The longest input that is made, in bytes.
const MAX_BYTES: usize = 64 << 10;

/// The longest that one input may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that must hold for whatever it is fed with: it must not panic, and not take longer than 5
/// seconds.
pub struct Fuzz<'w> {
    name: &'static str,
    target: fn(&[u8]),
    words: &'w [&'w str],
}

impl<'w> Fuzz<'w> {
    /// Feeds `target`, with inputs in which `words` are put that mean something to it.
    #[must_use]
    pub const fn new(name: &'static str, target: fn(&[u8]), words: &'w [&'w str]) -> Self {
        Self { name, target, words }
    }

    /// Feeds it with one input.
    ///
    /// # Panics
    /// When it fails, with the name of a file beside the test's program that the input is in then.
    pub fn check(&self, input: &[u8]) {
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.target)(input)));
        if outcome.is_ok() && started.elapsed() < PATIENCE {
            return;
        }
        let name = self.name;
        let program = std::env::current_exe().expect("the path of this test");
        let path = program.with_file_name(format!("{name}-that-failed"));
        std::fs::write(&path, input).expect("the input is written");
        panic!("{name}: an input failed after {:?}: {}", started.elapsed(), path.display());
    }

    /// Feeds it with mutations of `seeds`, each after `finish` made them fit for it, for as many seconds
    /// as the environment variable `PAKHUS_FUZZ_SECONDS` says; not at all without it.
    ///
    /// # Panics
    /// When it fails, or the variable is no number.
    pub fn run(&self, seeds: &[Vec<u8>], finish: fn(Vec<u8>) -> Vec<u8>) {
        let Ok(seconds) = std::env::var("PAKHUS_FUZZ_SECONDS") else { return };
        let duration = Duration::from_secs(seconds.parse().expect("a number of seconds"));
        let mut random = Random::new();
        let (started, mut inputs) = (Instant::now(), 0_u64);
        while started.elapsed() < duration {
            let mut input = seeds[random.below(seeds.len())].clone();
            for _ in 0..random.below(5) + 1 {
                self.mutate(&mut input, seeds, &mut random);
                input.truncate(MAX_BYTES);
            }
            self.check(&finish(input));
            inputs += 1;
        }
        assert!(inputs > 100, "{}: only {inputs} inputs in {duration:?}", self.name);
    }

    fn mutate(&self, input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
        let start = random.below(input.len() + 1);
        let end = (start + random.below(64)).min(input.len());
        match random.below(8) {
            0 | 1 if start < input.len() => input[start] ^= 1 << random.below(8),
            2 if start < input.len() => input[start] = random.byte(),
            3 => drop(input.drain(start..end)),
            4 => {
                let piece = input[start..end].to_vec();
                let at = random.below(input.len() + 1);
                drop(input.splice(at..at, piece));
            }
            5 => {
                let word = self.words[random.below(self.words.len())];
                let end = if random.below(2) == 0 { end } else { start };
                drop(input.splice(start..end, word.bytes()));
            }
            6 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len() + 1);
                input.truncate(start);
                input.extend_from_slice(&other[from..]);
            }
            _ => {
                let bytes = if random.below(2) == 0 { 0xff } else { b'0' };
                input[start..end].fill(bytes);
            }
        }
    }
}

/// Numbers that are another each time: a failing input is kept as such (SplitMix64).
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(RandomState::new().build_hasher().finish())
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let limit = u64::try_from(limit).expect("a length is a number of 64 bits");
        usize::try_from((mixed ^ (mixed >> 31)) % limit).expect("it is less than a length")
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).expect("below 256")
    }
}
