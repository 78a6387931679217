//! Zip files, written entry by entry.

use flate2::Crc;

/// A zip file of entries that are stored as they are.
#[derive(Debug, Default)]
pub(super) struct Zip {
    files: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    /// Adds a file.
    pub(super) fn add(&mut self, path: &str, bytes: &[u8]) {
        let mut crc = Crc::new();
        crc.update(bytes);
        let offset = length(&self.files);
        // What both headers have: version 2.0, no flags, stored, midnight of 2020-01-01, sum and sizes.
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x50];
        common.extend(crc.sum().to_le_bytes());
        common.extend([length(bytes); 2].map(u32::to_le_bytes).concat());
        common.extend(short(path.len()));
        self.files.extend(b"PK\x03\x04");
        self.files.extend(&common);
        self.files.extend([0, 0]);
        self.files.extend(path.as_bytes());
        self.files.extend(bytes);
        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(&common);
        self.directory.extend([0; 12]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(path.as_bytes());
        self.count += 1;
    }

    /// The bytes of the zip file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let (directory, offset) = (length(&self.directory), length(&self.files));
        self.files.extend(self.directory);
        self.files.extend(b"PK\x05\x06\0\0\0\0");
        self.files.extend([self.count; 2].map(u16::to_le_bytes).concat());
        self.files.extend(directory.to_le_bytes());
        self.files.extend(offset.to_le_bytes());
        self.files.extend([0, 0]);
        self.files
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("less than 4 GiB")
}

fn short(number: usize) -> [u8; 2] {
    u16::try_from(number).expect("a short path").to_le_bytes()
}
