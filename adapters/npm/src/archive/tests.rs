use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// An archive of zeros with this header before them.
fn zeros(path: &str, size: u64, written: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut header = tar::Header::new_gnu();
    header.set_path(path).expect("short");
    header.set_size(size);
    header.set_cksum();
    encoder.write_all(header.as_bytes()).expect("written to memory");
    let block = vec![0; 1 << 20];
    for _ in 0..written >> 20 {
        encoder.write_all(&block).expect("written to memory");
    }
    encoder.finish().expect("written to memory")
}

fn read(bytes: &[u8], piece: usize) -> (Result<Found>, usize) {
    let mut reader = Reader::new();
    let mut taken = 0;
    for piece in bytes.chunks(piece) {
        taken += piece.len();
        match reader.push(piece) {
            Ok(false) => {}
            Ok(true) => return (reader.finish(), taken),
            Err(refusal) => return (Err(refusal), taken),
        }
    }
    (reader.finish(), taken)
}

fn small(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, path, *content).expect("written to memory");
    }
    archive.into_inner().expect("written").finish().expect("written")
}

#[test]
fn pieces_of_any_size_say_the_same() {
    let bytes = small(&[
        ("package/readme", &[b'x'; 2000]),
        ("package/package.json", b"{}"),
        ("package/binding.gyp", b""),
    ]);
    let expected = Found { manifest: b"{}".to_vec(), has_binding: true };
    for piece in [1, 2, 7, 100, bytes.len()] {
        assert_eq!(read(&bytes, piece).0, Ok(expected.clone()), "{piece}");
    }
}

#[test]
fn looking_around_ends_early() {
    let mut bytes = small(&[("package/package.json", b"{}")]);
    // Without the two blocks of zeros: a second member goes on where the first ends.
    let mut first = GzEncoder::new(Vec::new(), Compression::fast());
    let mut header = tar::Header::new_gnu();
    header.set_path("package/package.json").expect("short");
    header.set_size(2);
    header.set_cksum();
    first.write_all(header.as_bytes()).expect("written");
    let mut block = [0; 512];
    block[..2].copy_from_slice(b"{}");
    first.write_all(&block).expect("written");
    bytes.clear();
    bytes.extend(first.finish().expect("written"));
    bytes.extend(zeros("package/large", 100 << 20, 100 << 20));
    let (found, taken) = read(&bytes, 32 << 10);
    assert_eq!(found.map(|found| found.manifest), Ok(b"{}".to_vec()));
    assert!(taken < bytes.len(), "it was read to its end");
}

#[test]
fn lengths_that_no_file_has_are_no_trouble() {
    for size in [u64::MAX, u64::MAX - 511, 1 << 62] {
        let (found, _) = read(&zeros("package/x", size, 1 << 20), 1000);
        assert!(found.expect_err("it is cut off").message.contains("damaged"));
    }
}
