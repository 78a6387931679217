//! The crates of the workspace and what they depend on, as cargo resolves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What cargo knows of the workspace.
pub(crate) struct Crates {
    /// The workspace's own, in the order of `Cargo.toml`.
    pub(crate) members: Vec<Member>,
    names: BTreeMap<String, String>,
    normal: BTreeMap<String, Vec<String>>,
}

/// One crate of the workspace.
pub(crate) struct Member {
    /// Its name.
    pub(crate) name: String,
    /// Its folder, relative to the top.
    pub(crate) folder: PathBuf,
    /// The crates that its manifest names, and whether for its own code (not tests or build scripts).
    pub(crate) named: Vec<(String, bool)>,
    id: String,
}

impl Member {
    /// Whether it teaches Pakhus a package type.
    pub(crate) fn is_adapter(&self) -> bool {
        self.folder.starts_with("adapters")
    }

    /// The crates that its own code is built with.
    pub(crate) fn normal(&self) -> impl Iterator<Item = &str> {
        self.named.iter().filter(|(_, normal)| *normal).map(|(name, _)| name.as_str())
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text, in the answer of cargo metadata").to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().expect("a list, in the answer of cargo metadata").iter()
}

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(arguments).current_dir(super::root()).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}: {errors}", arguments.join(" "));
    output.stdout
}

impl Crates {
    /// Asks cargo, which needs no network for it.
    pub(crate) fn read() -> Self {
        // Crates of other platforms may not be there to be read.
        let about = String::from_utf8(cargo(&["-vV"])).expect("text");
        let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
        let arguments = ["metadata", "--format-version=1", "--offline", "--locked"];
        let answer = cargo(&[&arguments[..], &["--filter-platform", host]].concat());
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        let own: BTreeSet<String> = list(&answer["workspace_members"]).map(text).collect();
        let names = list(&answer["packages"])
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let members = list(&answer["packages"])
            .filter(|package| own.contains(&text(&package["id"])))
            .map(member)
            .collect();
        let normal = list(&answer["resolve"]["nodes"])
            .map(|node| {
                let needed = list(&node["deps"])
                    .filter(|needed| list(&needed["dep_kinds"]).any(|kind| kind["kind"].is_null()));
                (text(&node["id"]), needed.map(|needed| text(&needed["pkg"])).collect())
            })
            .collect();
        Self { members, names, normal }
    }

    /// How `member` comes to each crate that its code is built with, near and far: `a -> b -> c`.
    pub(crate) fn paths_from(&self, member: &Member) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut waiting = vec![(member.id.clone(), member.name.clone())];
        while let Some((id, path)) = waiting.pop() {
            for needed in self.normal.get(&id).into_iter().flatten() {
                let name = &self.names[needed];
                let path = format!("{path} -> {name}");
                if found.insert(name.clone(), path.clone()).is_none() {
                    waiting.push((needed.clone(), path));
                }
            }
        }
        found
    }

    /// The members whose manifests name a crate that `is_it`, with that crate.
    pub(crate) fn naming(&self, is_it: impl Fn(&str) -> bool) -> Vec<(&Member, &str)> {
        let mut found = Vec::new();
        for member in &self.members {
            let named = member.named.iter().map(|(name, _)| name.as_str());
            found.extend(named.filter(|name| is_it(name)).map(|name| (member, name)));
        }
        found
    }
}

fn member(package: &Value) -> Member {
    let manifest = text(&package["manifest_path"]);
    let folder = Path::new(&manifest).parent().expect("a manifest is in a folder");
    let named = list(&package["dependencies"])
        .map(|needed| (text(&needed["name"]), needed["kind"].is_null()))
        .collect();
    Member {
        name: text(&package["name"]),
        folder: folder.strip_prefix(super::root()).expect("inside the workspace").to_owned(),
        named,
        id: text(&package["id"]),
    }
}
