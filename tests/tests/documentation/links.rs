//! Links within the tree.

use std::path::Path;

use crate::{files_below, root};

/// The targets of the links of a page.
fn targets(text: &str) -> Vec<&str> {
    let after = text.match_indices("](").map(|(at, found)| &text[at + found.len()..]);
    after.filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

/// The anchors of a page: its headings, as pages that show it name them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| {
        let words = line.trim_start_matches('#');
        (words.len() < line.len() && words.starts_with(' ')).then(|| words.trim())
    });
    let anchor = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    headings.map(anchor).collect()
}

fn leads_nowhere(page: &Path, target: &str) -> bool {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = page.parent().expect("a page is in a folder");
    let file = if file.is_empty() { page.to_owned() } else { folder.join(file) };
    if !file.exists() {
        return true;
    }
    let has_anchor = || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        anchors(&text).iter().any(|known| known == anchor)
    };
    !anchor.is_empty() && !has_anchor()
}

#[test]
fn links_lead_somewhere() {
    let mut pages = files_below(&root().join("docs"), ".md");
    for entry in std::fs::read_dir(root()).expect("the workspace is read").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    assert!(pages.len() > 10, "the pages are found");
    let mut broken = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).expect("a page is read");
        let within = targets(&text).into_iter().filter(|target| !target.contains("://"));
        let nowhere = within.filter(|target| leads_nowhere(&page, target));
        broken.extend(nowhere.map(|target| format!("{}: {target}", page.display())));
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n  {}", broken.join("\n  "));
}
