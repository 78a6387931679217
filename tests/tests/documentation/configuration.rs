//! The keys of the configuration file, read from the structs that it is parsed into.

use std::collections::BTreeMap;

use crate::{files_below, read, root, says};

const PAGE: &str = "docs/reference/configuration.md";

/// A field: the key that it is in the file, and its type.
type Field = (String, String);

/// The structs of the configuration as it is written, by name.
fn sections() -> BTreeMap<String, Vec<Field>> {
    let mut found = BTreeMap::new();
    for path in files_below(&root().join("server/src/config"), ".rs") {
        let text = std::fs::read_to_string(&path).expect("a file of Rust is read");
        for part in text.split("struct ").skip(1) {
            let name: String = part.chars().take_while(|c| c.is_alphanumeric()).collect();
            if !name.ends_with("Section") && name != "ConfigFile" {
                continue;
            }
            let body = part.split_once('{').and_then(|(_, body)| body.split_once("\n}"));
            found.insert(name, fields(body.map_or("", |(body, _)| body)));
        }
    }
    found
}

fn fields(body: &str) -> Vec<Field> {
    let mut renamed = None;
    let mut found = Vec::new();
    for line in body.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[serde(rename = \"") {
            renamed = rest.split_once('"').map(|(name, _)| name.to_owned());
        } else if !line.starts_with("//") && !line.starts_with('#') {
            let line = line.strip_prefix("pub(super) ").unwrap_or(line);
            let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
            if let Some((name, kind)) = line.split_once(": ") {
                found.push((renamed.take().unwrap_or_else(|| name.to_owned()), kind.to_owned()));
            }
        }
    }
    found
}

/// Walks down the sections; gives each key with the heading that it belongs under.
fn keys(
    sections: &BTreeMap<String, Vec<Field>>,
    section: &str,
    path: &[&str],
    is_list: bool,
    found: &mut Vec<(String, String)>,
) {
    let heading = match (path, is_list) {
        ([], _) => "## Top level".to_owned(),
        (path, true) => format!("## `[[{}]]`", path.join(".")),
        (path, false) => format!("## `[{}]`", path.join(".")),
    };
    for (name, kind) in &sections[section] {
        let below = sections.keys().find(|section| kind.contains(section.as_str()));
        match below {
            Some(below) => {
                let path = [path, &[name.as_str()]].concat();
                keys(sections, below, &path, kind.contains("Vec<"), found);
            }
            None => found.push((heading.clone(), name.clone())),
        }
    }
}

#[test]
fn every_key_of_the_configuration_is_explained_under_its_section() {
    let sections = sections();
    let mut found = Vec::new();
    keys(&sections, "ConfigFile", &[], false, &mut found);
    assert!(found.len() > 25, "the keys are found: {found:?}");
    let page = read(PAGE);
    let left_out: Vec<_> = found
        .into_iter()
        .filter(|(heading, key)| {
            let section = page.split_once(&format!("{heading}\n")).map(|(_, rest)| rest);
            let section = section.map(|rest| rest.split("\n## ").next().unwrap_or(rest));
            !section.is_some_and(|section| section.contains(&format!("`{key}`")))
        })
        .map(|(heading, key)| format!("`{key}`, under `{heading}`"))
        .collect();
    says(PAGE, &left_out);
}
