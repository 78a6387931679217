//! A package of a gigabyte: published, pushed, pulled and read without memory growing with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use sha1::Sha1;
use sha2::{Digest as _, Sha512};

/// How much of the tarball is made at a time: whole groups of base64.
const PIECE: usize = 3 * 1024 * 1024;

/// How many pieces the tarball has: 1 GiB and a little.
const PIECES: u64 = 342;

/// The most memory of a server: what it needs for a small package, and buffers.
const MEMORY: u64 = 150 * 1024 * 1024;

/// A tarball that is made while it is read. No two pieces are equal and none can be compressed.
struct Tarball {
    /// A whole small package, which the first piece begins with.
    package: Vec<u8>,
    random: Vec<u8>,
    encoded: Vec<u8>,
}

impl Tarball {
    fn new() -> Self {
        let mut random = vec![0; PIECE];
        rand::rngs::StdRng::seed_from_u64(1).fill_bytes(&mut random);
        let encoded = STANDARD.encode(&random).into_bytes();
        let mut package = Package::new("large", "1.0.0").tarball;
        // To whole groups of base64.
        package.resize(package.len().next_multiple_of(3), 0);
        Self { package, random, encoded }
    }

    /// What stands at the beginning of a piece: its number, and before all a package. What follows the
    /// end of an archive is looked at by nobody.
    fn beginning(&self, number: u64) -> Vec<u8> {
        match number {
            0 => self.package.clone(),
            _ => [[0; 4].as_slice(), &number.to_be_bytes()].concat(),
        }
    }

    fn encoded_piece(&self, number: u64) -> Bytes {
        let mut piece = self.encoded.clone();
        let beginning = STANDARD.encode(self.beginning(number));
        piece[..beginning.len()].copy_from_slice(beginning.as_bytes());
        piece.into()
    }

    /// Its subresource integrity, and its SHA-1 in hexadecimal.
    fn hashes(&self) -> (String, String) {
        let (mut sha512, mut sha1) = (Sha512::new(), Sha1::new());
        for number in 0..PIECES {
            let beginning = self.beginning(number);
            for bytes in [&beginning[..], &self.random[beginning.len()..]] {
                sha512.update(bytes);
                sha1.update(bytes);
            }
        }
        let shasum = sha1.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (format!("sha512-{}", STANDARD.encode(sha512.finalize())), shasum)
    }

    /// The document that `npm publish` sends, as a stream.
    fn document(self, integrity: &str, shasum: &str) -> reqwest::Body {
        let size = PIECE as u64 * PIECES;
        let before = format!(
            r#"{{"_id":"large","name":"large","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":{{
            "name":"large","version":"1.0.0","dist":{{"integrity":"{integrity}","shasum":"{shasum}"}}}}}},
            "_attachments":{{"large-1.0.0.tgz":{{"length":{size},"data":""#
        );
        let pieces = stream::iter(0..PIECES).map(move |number| self.encoded_piece(number));
        let document = stream::iter([Bytes::from(before)])
            .chain(pieces)
            .chain(stream::iter([Bytes::from_static(b"\"}}}")]));
        reqwest::Body::wrap_stream(document.map(Ok::<_, std::convert::Infallible>))
    }
}

/// Reads the tarball as a client does, and returns its subresource integrity.
async fn read(server: &Server) -> String {
    let response = server.get("/npm/libs/large/-/large-1.0.0.tgz").await;
    assert_eq!(response.status(), 200);
    let mut bytes = response.bytes_stream();
    let mut hash = Sha512::new();
    while let Some(piece) = bytes.next().await {
        hash.update(piece.expect("the tarball comes whole"));
    }
    format!("sha512-{}", STANDARD.encode(hash.finalize()))
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_flat_while_a_gigabyte_is_published_pushed_pulled_and_read() {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let mirror =
        Setup::new().npm_feed("libs", "disabled").client_of(&hub, "libs", "mirror").start().await;
    let tarball = Tarball::new();
    let (integrity, shasum) = tarball.hashes();
    let document = tarball.document(&integrity, &shasum);
    let publish = mirror.request(Method::PUT, "/npm/libs/large").body(document);
    let answer = publish.send().await.expect("the mirror answers");
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap_or_default());
    let puller = Setup::new()
        .npm_feed("libs", "disabled")
        .client_of(&hub, "libs", "pull-only")
        .start()
        .await;
    for client in [&mirror, &puller] {
        let execution = client.sync("libs").await;
        assert_eq!(execution["status"], "done", "{execution}");
    }
    for server in [&mirror, &hub, &puller] {
        assert_eq!(read(server).await, integrity);
    }
    for (what, server) in [("mirror", &mirror), ("hub", &hub), ("puller", &puller)] {
        let peak = server.peak_memory();
        assert!(peak < MEMORY, "{what}: {} MiB", peak >> 20);
    }
}
