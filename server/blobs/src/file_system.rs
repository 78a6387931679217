//! Syncing a whole file system, where that is known to do what syncing each file would.

use std::io;
use std::path::Path;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(crate) use linux::FileSystem;
#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
pub(crate) use other::FileSystem;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod linux {
    use std::fs::{self, File};
    use std::sync::LazyLock;

    use rustix::fs::FsWord;

    use super::{Path, io};

    /// Linux tells of what could not be written since version 5.8.
    static TELLS_OF_FAILURES: LazyLock<bool> = LazyLock::new(|| {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let mut numbers = release.split('.').map_while(|number| number.parse::<u32>().ok());
        (numbers.next(), numbers.next()) >= (Some(5), Some(8))
    });

    /// ext2 to ext4, XFS, Btrfs, F2FS, tmpfs. Those that are not listed may do less: FUSE writes what
    /// it holds to a program, and asks nothing of that program.
    const KNOWN: [FsWord; 5] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0x0102_1994];

    /// A file system that can be synced as a whole.
    #[derive(Debug)]
    pub(crate) struct FileSystem(File);

    impl FileSystem {
        /// That of `path`; `None` when it cannot.
        pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
            let file = File::open(path)?;
            let kind = rustix::fs::fstatfs(&file)?.f_type;
            let can = *TELLS_OF_FAILURES && KNOWN.contains(&kind);
            Ok(can.then_some(Self(file)))
        }

        /// Writes everything to the disk that was written to it. Fails when something could not be,
        /// since this was opened, whoever wrote it.
        pub(crate) fn sync(&self) -> io::Result<()> {
            Ok(rustix::fs::syncfs(&self.0)?)
        }
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod other {
    use super::{Path, io};

    /// None can be synced as a whole.
    #[derive(Debug)]
    pub(crate) enum FileSystem {}

    impl FileSystem {
        pub(crate) fn open(_: &Path) -> io::Result<Option<Self>> {
            Ok(None)
        }

        pub(crate) fn sync(&self) -> io::Result<()> {
            match *self {}
        }
    }
}
