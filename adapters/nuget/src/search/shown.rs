//! What the index keeps of a package for answers.

use pakhus_core::{Metadata, Refusal, Result, VersionRecord};
use serde::{Deserialize, Serialize};

use super::card::Card;
use crate::metadata::VersionMetadata;
use crate::version;
use crate::view::{Filter, View};

/// A package, as the index keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Shown {
    /// Its id.
    pub(super) id: String,
    /// The latest versions.
    cards: Vec<Card>,
    /// Which of them is the latest for each filter, by [`Filter::number`].
    latest: [Option<usize>; 4],
    /// The listed versions, in their order, and whether only clients of SemVer 2.0.0 can read them.
    versions: Vec<(String, bool)>,
}

impl Shown {
    /// Puts together what is kept. `latest` are places among `listed`.
    pub(super) fn of(
        view: &View<'_>,
        listed: &[(&VersionRecord, VersionMetadata)],
        latest: [Option<usize>; 4],
    ) -> Result<Metadata> {
        let id = view.contents.package.name.key();
        let mut places: Vec<_> = latest.iter().copied().flatten().collect();
        places.sort_unstable();
        places.dedup();
        let cards = places.iter().map(|place| {
            let (record, metadata) = &listed[*place];
            Card::of(id, record, metadata)
        });
        let shown = Self {
            id: view.id().to_owned(),
            cards: cards.collect(),
            latest: latest.map(|place| places.iter().position(|known| Some(*known) == place)),
            versions: listed
                .iter()
                .map(|(record, metadata)| {
                    (record.version.display().to_owned(), metadata.nuspec.is_semver2)
                })
                .collect(),
        };
        Metadata::from_value(&shown).map_err(Refusal::internal)
    }

    /// What a client sees as the latest version.
    pub(super) fn latest(&self, filter: Filter) -> Option<&Card> {
        self.cards.get(self.latest[filter.number()]?)
    }

    /// The versions that a client sees.
    pub(super) fn versions(
        &self,
        filter: Filter,
    ) -> impl Iterator<Item = pakhus_core::PackageVersion> {
        let versions = self
            .versions
            .iter()
            .filter_map(|(text, is_semver2)| Some((version::parse(text).ok()?, *is_semver2)));
        versions
            .filter(move |(version, is_semver2)| filter.passes(version, *is_semver2))
            .map(|(version, _)| version)
    }
}
