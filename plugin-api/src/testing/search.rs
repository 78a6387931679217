//! Search over all that a feed in memory holds: what the server's index finds, without one.

use std::collections::BTreeSet;

use pakhus_core::{
    FoundPackage, RecentDownloads, Result, Search, SearchEntry, SearchOrder, SearchPage,
};

use super::feed::MemoryFeed;

impl MemoryFeed {
    /// The packages that are looked for, by name: there is no weighing here, and nothing is downloaded.
    pub(super) fn search(&self, asked: &Search) -> Result<SearchPage> {
        let mut found = Vec::new();
        for name in self.names()? {
            let Some(contents) = self.contents(&name)? else { continue };
            let name = contents.package.name.clone();
            let entry = self.search_entry(&contents)?;
            if matches(name.display(), &entry, asked) {
                let downloads = RecentDownloads::default();
                found.push(FoundPackage { name, shown: entry.shown, downloads });
            }
        }
        if asked.order == SearchOrder::NameDescending {
            found.reverse();
        }
        let total = found.len() as u64;
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let found = found.into_iter().skip(number(asked.skip)).take(number(asked.take));
        Ok(SearchPage { total, found: found.collect() })
    }
}

fn matches(name: &str, entry: &SearchEntry, asked: &Search) -> bool {
    let texts = match asked.in_names {
        true => name.to_owned(),
        false => [name, &entry.description, &entry.keywords.join(" ")].join(" "),
    };
    let there: Vec<_> = words(&texts).collect();
    let labels: BTreeSet<_> = entry.labels.iter().map(|label| label.to_lowercase()).collect();
    let has = |label: &String| labels.contains(&label.to_lowercase());
    words(&asked.text).all(|word| there.iter().any(|other| other.starts_with(&word)))
        && asked.labels.iter().all(|labels| labels.iter().any(has))
        && !asked.without.iter().any(has)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}
