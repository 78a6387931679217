//! Zip files, with whatever is wrong with them that a test wants.

use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A file to put into an archive.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: Vec<u8>,
    /// How it stands in the archive.
    pub(crate) packed: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) checksum: u32,
    /// How long it says it is, unpacked.
    pub(crate) size: u64,
    /// Whether its numbers are where zip64 has them.
    pub(crate) is_zip64: bool,
}

impl File {
    /// A file as most are.
    pub(crate) fn packed(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        Self { method: 8, packed: encoder.finish().unwrap(), ..Self::stored(name, content) }
    }

    /// A file that is not compressed.
    pub(crate) fn stored(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        let mut checksum = Crc::new();
        checksum.update(content);
        Self {
            name: name.as_ref().to_vec(),
            packed: content.to_vec(),
            method: 0,
            flags: 0,
            checksum: checksum.sum(),
            size: content.len() as u64,
            is_zip64: false,
        }
    }

    fn short(&self, number: u64) -> [u8; 4] {
        let number = if self.is_zip64 { u32::MAX } else { u32::try_from(number).unwrap() };
        number.to_le_bytes()
    }

    fn header(&self, signature: u32, offset: Option<u64>) -> Vec<u8> {
        let mut extra = Vec::new();
        if self.is_zip64 {
            let numbers = [self.size, self.packed.len() as u64];
            let numbers: Vec<u64> = numbers.into_iter().chain(offset).collect();
            extra.extend([1, 0]);
            extra.extend(u16::try_from(8 * numbers.len()).unwrap().to_le_bytes());
            extra.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        }
        let mut header = signature.to_le_bytes().to_vec();
        if offset.is_some() {
            header.extend([45, 0]);
        }
        header.extend([45, 0]);
        header.extend(self.flags.to_le_bytes());
        header.extend(self.method.to_le_bytes());
        header.extend([0; 4]);
        header.extend(self.checksum.to_le_bytes());
        header.extend(self.short(self.packed.len() as u64));
        header.extend(self.short(self.size));
        header.extend(u16::try_from(self.name.len()).unwrap().to_le_bytes());
        header.extend(u16::try_from(extra.len()).unwrap().to_le_bytes());
        if let Some(offset) = offset {
            header.extend([0; 10]);
            header.extend(self.short(offset));
        }
        header.extend(&self.name);
        header.extend(extra);
        header
    }
}

/// An archive of these files; one of zip64 where a file is.
pub(crate) fn archive(files: &[File]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for file in files {
        directory.extend(file.header(0x0201_4b50, Some(archive.len() as u64)));
        archive.extend(file.header(0x0403_4b50, None));
        archive.extend(&file.packed);
    }
    let (offset, size, count) = (archive.len() as u64, directory.len() as u64, files.len());
    archive.extend(directory);
    let is_zip64 = files.iter().any(|file| file.is_zip64);
    if is_zip64 {
        let end = archive.len() as u64;
        archive.extend(0x0606_4b50_u32.to_le_bytes());
        archive.extend(44_u64.to_le_bytes());
        archive.extend([45, 0, 45, 0]);
        archive.extend([0; 8]);
        for number in [count as u64, count as u64, size, offset] {
            archive.extend(number.to_le_bytes());
        }
        archive.extend(0x0706_4b50_u32.to_le_bytes());
        archive.extend([0; 4]);
        archive.extend(end.to_le_bytes());
        archive.extend(1_u32.to_le_bytes());
    }
    let short = |number: u64| match is_zip64 {
        true => u32::MAX.to_le_bytes(),
        false => u32::try_from(number).unwrap().to_le_bytes(),
    };
    let count = if is_zip64 { u16::MAX } else { u16::try_from(count).unwrap() };
    archive.extend(0x0605_4b50_u32.to_le_bytes());
    archive.extend([0; 4]);
    archive.extend(count.to_le_bytes());
    archive.extend(count.to_le_bytes());
    archive.extend(short(size));
    archive.extend(short(offset));
    archive.extend([0; 2]);
    archive
}
