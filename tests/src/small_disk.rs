//! A file system of its own in memory, which is soon full. Needs root, or sudo without a password.

use std::path::Path;

use tempfile::TempDir;

use crate::network::root;

/// A small file system. It is gone with this.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// One of so many megabytes.
    ///
    /// # Panics
    /// When this is not root.
    #[must_use]
    pub fn new(megabytes: u32) -> Self {
        let disk = Self { folder: tempfile::tempdir().expect("a folder") };
        let size = format!("size={megabytes}m,mode=0777");
        root(&["mount", "-t", "tmpfs", "-o", &size, "tmpfs", disk.text()]);
        disk
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Makes it larger, while it is in use.
    ///
    /// # Panics
    /// When this is not root.
    pub fn grow(&self, megabytes: u32) {
        root(&["mount", "-o", &format!("remount,size={megabytes}m"), self.text()]);
    }

    fn text(&self) -> &str {
        self.folder.path().to_str().expect("a path that is text")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A panic here, on the way out of one, would hide why the test failed.
        let unmount = ["umount", "-l", self.text()];
        if std::thread::panicking() {
            let _ = std::panic::catch_unwind(|| root(&unmount));
        } else {
            root(&unmount);
        }
    }
}
