//! Finding packages by words and labels.
//!
//! An adapter says of each package what it is found by ([`SearchEntry`]); the server keeps that in an
//! index and brings it up to date whenever the package changes, wherever the change came from.

use std::collections::BTreeMap;

use crate::{Metadata, PackageName};

/// What a package is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchEntry {
    /// Words that say what it is about; they count more than those of the description.
    pub keywords: Vec<String>,
    /// A text about it; the first words of it count.
    pub description: String,
    /// What it can be narrowed down by, each in a form of the adapter's making, as `scope:acme`.
    /// Compared without regard to upper and lower case.
    pub labels: Vec<String>,
    /// What the adapter says of it in an answer.
    pub shown: Metadata,
}

/// What is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Its name, keywords or description have words that begin with each of the words of this text. An
    /// empty text finds all.
    pub text: String,
    /// Whether the words are looked for in its name alone.
    pub in_names: bool,
    /// It has at least one label of each of these lists.
    pub labels: Vec<Vec<String>>,
    /// It has none of these labels.
    pub without: Vec<String>,
    /// Which of those found come first.
    pub order: SearchOrder,
    /// How many of those found are left out, from the first on.
    pub skip: u64,
    /// The most that are returned.
    pub take: u64,
}

/// What the packages that are found are ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchOrder {
    /// How well they are what is looked for: the best first.
    #[default]
    Best,
    /// The bytes of their names.
    Name,
    /// The same, the last first.
    NameDescending,
    /// How often they were downloaded: the most often first.
    Downloads,
}

/// Some of what was found, in the order that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchPage {
    /// How many were found in all, up to a number beyond which nobody counts.
    pub total: u64,
    /// Those that were asked for.
    pub found: Vec<FoundPackage>,
}

/// A package that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPackage {
    /// The package.
    pub name: PackageName,
    /// What the adapter says of it.
    pub shown: Metadata,
    /// How often it was downloaded, at all sites together.
    pub downloads: RecentDownloads,
}

/// How often a package was downloaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecentDownloads {
    /// Ever.
    pub total: u64,
    /// On the last seven days, today among them (UTC).
    pub week: u64,
    /// On the last 30 days, today among them (UTC).
    pub month: u64,
    /// Ever, by the keys of the versions; those that nobody downloaded are left out.
    pub by_version: BTreeMap<String, u64>,
}
