//! A real application: its lockfile, and every package that the lockfile names, as the npm registry
//! has them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use semver::Version;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What the application depends on. Express brings most of the packages, some in two versions.
const DEPENDENCIES: [(&str, &str); 5] = [
    ("express", "^4.21.0"),
    ("typescript", "^5.6.0"),
    ("@types/express", "^4.17.21"),
    ("commander", "^12.1.0"),
    ("semver", "^7.6.0"),
];

/// How many packages one call of `npm pack` fetches.
const PACKED_AT_ONCE: usize = 40;

/// The list of packages in the folder of the application.
const LIST: &str = "packages.json";

/// A package of the application.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The integrity of its tarball by the lockfile.
    pub integrity: String,
    /// Its tarball, as `npm pack` fetched it.
    pub tarball: PathBuf,
}

/// A project with a lockfile, and all packages that the lockfile names.
pub struct Application {
    folder: PathBuf,
    /// The packages, those of one name together and in the order of their versions.
    pub packages: Vec<Packed>,
}

impl Application {
    /// The application, fetched with the machine's npm the first time and kept in the target directory.
    ///
    /// # Panics
    /// When npm cannot fetch it.
    #[must_use]
    pub fn fetched() -> Self {
        let binary = crate::server::binary();
        let target = binary.parent().and_then(Path::parent).expect("a target directory");
        let specs = DEPENDENCIES.map(|(name, range)| format!("{name}@{range}")).join(" ");
        let hash: String =
            Sha256::digest(specs).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let folder = target.join("test-packages").join(hash);
        if !folder.join(LIST).exists() {
            fetch(&folder);
        }
        let text = std::fs::read_to_string(folder.join(LIST)).expect("it was fetched");
        let list: Vec<Value> = serde_json::from_str(&text).expect("a list");
        let mut packages: Vec<_> = list
            .into_iter()
            .map(|package| Packed {
                name: text_of(&package, "name"),
                version: text_of(&package, "version").parse().expect("a version"),
                integrity: text_of(&package, "integrity"),
                tarball: folder.join(text_of(&package, "file")),
            })
            .collect();
        packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        Self { folder, packages }
    }

    /// Makes a copy of the project, with the lockfile and without its packages, in `folder`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn copy_to(&self, folder: &Path) {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(self.folder.join(file), folder.join(file)).expect("copied");
        }
    }
}

/// Fetches into a folder beside and renames it: a fetch that is cut off leaves nothing to be taken for
/// the whole.
fn fetch(folder: &Path) {
    let beside = folder.parent().expect("a folder of packages");
    std::fs::create_dir_all(beside).expect("a folder of packages");
    let part = tempfile::tempdir_in(beside).expect("a folder");
    let locked = lock(part.path());
    let mut list = Vec::new();
    for package in pack(part.path(), &locked) {
        let (name, version) = (text_of(&package, "name"), text_of(&package, "version"));
        let (_, _, integrity) = locked
            .iter()
            .find(|(locked, at, _)| (locked, at) == (&name, &version))
            .expect("what was asked for");
        let file = text_of(&package, "filename");
        assert!(part.path().join(&file).exists(), "{file} is not there");
        list.push(
            json!({ "name": name, "version": version, "integrity": integrity, "file": file }),
        );
    }
    std::fs::write(part.path().join(LIST), Value::from(list).to_string()).expect("written");
    // Another test of this run may have been quicker.
    let _ = std::fs::rename(part.path(), folder);
    assert!(folder.join(LIST).exists(), "{} was not made", folder.display());
}

/// Makes the project and its lockfile; returns the names, versions and integrities that it locks.
fn lock(folder: &Path) -> BTreeSet<(String, String, String)> {
    let dependencies: serde_json::Map<String, Value> =
        DEPENDENCIES.iter().map(|(name, range)| ((*name).to_owned(), json!(range))).collect();
    let manifest =
        json!({ "name": "application", "version": "1.0.0", "dependencies": dependencies });
    std::fs::write(folder.join("package.json"), manifest.to_string()).expect("written");
    npm(folder, &["install", "--package-lock-only", "--no-audit", "--no-fund"]);
    let file = folder.join("package-lock.json");
    let text = std::fs::read_to_string(&file).expect("a lockfile");
    let mut lock: Value = serde_json::from_str(&text).expect("JSON");
    let mut locked = BTreeSet::new();
    for (path, package) in lock["packages"].as_object_mut().expect("packages") {
        let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
        // Where it came from: without it, npm takes the package from the registry that it is set to.
        package.as_object_mut().expect("an object").remove("resolved");
        locked.insert((
            name.to_owned(),
            text_of(package, "version"),
            text_of(package, "integrity"),
        ));
    }
    std::fs::write(file, lock.to_string()).expect("written");
    locked
}

/// Fetches the tarballs, and returns what npm says of each.
fn pack(folder: &Path, locked: &BTreeSet<(String, String, String)>) -> Vec<Value> {
    let specs: Vec<_> =
        locked.iter().map(|(name, version, _)| format!("{name}@{version}")).collect();
    let mut all = Vec::new();
    for specs in specs.chunks(PACKED_AT_ONCE) {
        let mut arguments = vec!["pack", "--json", "--silent"];
        arguments.extend(specs.iter().map(String::as_str));
        // A list, or an object by name and version, as npm's version has it.
        match serde_json::from_str(&npm(folder, &arguments)).expect("JSON") {
            Value::Array(packed) => all.extend(packed),
            Value::Object(packed) => all.extend(packed.into_iter().map(|(_, packed)| packed)),
            other => panic!("npm pack says {other}"),
        }
    }
    assert_eq!(all.len(), specs.len(), "npm packs what it was asked for");
    all
}

fn text_of(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}")).to_owned()
}

/// Runs the machine's npm, as it is configured.
fn npm(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("npm").args(arguments).current_dir(folder).output();
    let output = output.expect("npm is installed");
    let (out, error) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.success(),
        "the packages of the application cannot be fetched; the npm registry is needed once:\n\
         npm {}\n{out}\n{error}",
        arguments.join(" ")
    );
    out.into_owned()
}
