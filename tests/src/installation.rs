//! Programs that the tests install for themselves, once for each target directory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

/// The folder of a program that is installed from these `sources`: by `install`, which is given an
/// empty folder, unless that was done before. Other tests that need it wait meanwhile.
///
/// # Panics
/// When it cannot be installed.
pub fn installed(sources: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
    let binary = crate::server::binary();
    let target = binary.parent().and_then(Path::parent).expect("a target directory");
    let mut hash = Sha256::new();
    sources.iter().for_each(|source| hash.update(source));
    let hash: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let all = target.join("test-clients");
    std::fs::create_dir_all(&all).expect("a folder of clients");
    let folder = all.join(&hash);
    if !folder.exists() {
        let alone = File::create(all.join(format!("{hash}.lock"))).expect("a file to lock");
        alone.lock().expect("the lock");
        if !folder.exists() {
            // Beside it, and renamed: an installation that is cut off is not taken for a whole one.
            let part = tempfile::tempdir_in(&all).expect("a folder");
            install(part.path());
            std::fs::rename(part.path(), &folder).expect("the folder is where it belongs");
        }
    }
    folder
}

/// Runs a command that installs something.
///
/// # Panics
/// When it fails, with all that it said.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&said));
}
