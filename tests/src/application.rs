//! The packages of a real application, as the npm registry has them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// What the application depends on.
const DEPENDENCIES: [(&str, &str); 5] = [
    ("express", "^4.21.0"),
    ("typescript", "^5.6.0"),
    ("@types/express", "^4.17.21"),
    ("commander", "^12.1.0"),
    ("semver", "^7.6.0"),
];

/// A package of the application.
#[derive(Debug, Clone)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its tarball, as `npm pack` fetched it.
    pub tarball: PathBuf,
}

/// A project with a lockfile, and all packages that the lockfile names.
pub struct Application {
    folder: PathBuf,
    /// The packages, those of one name in the order of their versions.
    pub packages: Vec<Packed>,
}

impl Application {
    /// The application, fetched with the machine's npm the first time and kept in the target directory.
    ///
    /// # Panics
    /// When npm cannot fetch it.
    #[must_use]
    pub fn fetched() -> Self {
        let folder = crate::server::binary().with_file_name("test-application");
        if !folder.join("packages.json").exists() {
            fetch(&folder);
        }
        let text = std::fs::read_to_string(folder.join("packages.json")).expect("it was fetched");
        let list: Vec<(String, String, String)> = serde_json::from_str(&text).expect("a list");
        let packages = list
            .into_iter()
            .map(|(name, version, file)| Packed { name, version, tarball: folder.join(file) })
            .collect();
        Self { folder, packages }
    }

    /// Makes a copy of the project, with the lockfile, in `folder`.
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
    let part =
        tempfile::tempdir_in(folder.parent().expect("a target directory")).expect("a folder");
    let dependencies: serde_json::Map<String, Value> =
        DEPENDENCIES.iter().map(|(name, range)| ((*name).to_owned(), json!(range))).collect();
    let manifest =
        json!({ "name": "application", "version": "1.0.0", "dependencies": dependencies });
    std::fs::write(part.path().join("package.json"), manifest.to_string()).expect("written");
    npm(part.path(), &["install", "--package-lock-only", "--no-audit", "--no-fund"]);
    let lock = std::fs::read_to_string(part.path().join("package-lock.json")).expect("a lockfile");
    let mut lock: Value = serde_json::from_str(&lock).expect("JSON");
    let locked = lock["packages"].as_object_mut().expect("packages");
    let mut specs = std::collections::BTreeSet::new();
    for (path, package) in locked {
        let Some((_, name)) = path.rsplit_once("node_modules/") else { continue };
        let version = package["version"].as_str().expect("a version").to_owned();
        assert!(package["integrity"].is_string(), "{name} has no integrity");
        // Where it came from; what is installed from a lockfile without it comes from the registry
        // that npm is set to.
        package.as_object_mut().expect("an object").remove("resolved");
        specs.insert((name.to_owned(), version));
    }
    std::fs::write(part.path().join("package-lock.json"), lock.to_string()).expect("written");
    let mut list = Vec::new();
    let specs: Vec<_> = specs.into_iter().collect();
    for specs in specs.chunks(40) {
        let named: Vec<_> =
            specs.iter().map(|(name, version)| format!("{name}@{version}")).collect();
        let mut arguments = vec!["pack", "--json", "--silent"];
        arguments.extend(named.iter().map(String::as_str));
        let packed: Value = serde_json::from_str(&npm(part.path(), &arguments)).expect("JSON");
        let packed: Vec<&Value> = match &packed {
            Value::Array(list) => list.iter().collect(),
            Value::Object(by_name) => by_name.values().collect(),
            other => panic!("npm pack says {other}"),
        };
        assert_eq!(packed.len(), specs.len());
        for packed in packed {
            let text = |key: &str| packed[key].as_str().expect("a text").to_owned();
            let file = text("filename").replace('@', "").replace('/', "-");
            list.push((text("name"), text("version"), file));
        }
    }
    let list = serde_json::to_string(&list).expect("JSON");
    std::fs::write(part.path().join("packages.json"), list).expect("written");
    // Another test of this run may have been quicker.
    let _ = std::fs::rename(part.path(), folder);
    assert!(folder.join("packages.json").exists(), "{} was not made", folder.display());
}

fn npm(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("npm").args(arguments).current_dir(folder).output();
    let output = output.expect("npm is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "the test's packages cannot be fetched, it needs the npm registry: {said}"
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
