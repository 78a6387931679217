//! Reading a blob that is sealed and not stored yet.

use bytes::Bytes;
use pakhus_blobs::{BlobStore, Hashes, WriterOptions};

#[tokio::test]
async fn any_part_of_a_sealed_blob_is_read() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let store = BlobStore::open(directory.path()).await.expect("the store works");
    // In memory, on the disk with a rest in memory, and about as large as a buffer.
    for size in [0, 1, 1000, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (5 << 19) + 7] {
        let bytes: Vec<u8> = (0..size).map(|n: usize| (n % 251) as u8).collect();
        let options = WriterOptions { max_size: u64::MAX, hashes: Hashes::Sha256 };
        let mut writer = store.writer(options);
        for piece in bytes.chunks(100_000) {
            writer.write(Bytes::copy_from_slice(piece)).await.expect("the store works");
        }
        let sealed = writer.seal(None).await.expect("the store works");
        for (offset, length) in [
            (0, size),
            (0, 10),
            (size / 2, 7),
            (size.saturating_sub(3), 10),
            (size, 1),
            (0, size + 9),
            ((1 << 20) - 5, 10),
            (usize::MAX, 1),
        ] {
            let read = sealed.read(offset as u64, length).await.expect("the store works");
            let start = offset.min(size);
            let expected = &bytes[start..start.saturating_add(length).min(size)];
            assert!(read == expected, "{length} bytes from {offset} of {size}");
        }
        let written = sealed.keep().await.expect("the store works");
        assert_eq!(written.size, size as u64);
    }
}
