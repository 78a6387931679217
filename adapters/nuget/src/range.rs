//! Ranges of versions, as `NuGet.Versioning` reads and writes them (`VersionRange`).
//!
//! Floating ranges (`1.*`) are for project files: a package cannot depend on one.

use std::cmp::Ordering;

use pakhus_core::{PackageVersion, Refusal, Result};

use crate::version::NuGetVersion;

/// The versions that a dependency is satisfied by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct VersionRange {
    min: Option<Bound>,
    max: Option<Bound>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bound {
    version: NuGetVersion,
    is_included: bool,
}

impl VersionRange {
    /// Parses `1.0` (that or any higher), `[1.0]` (exactly that), or an interval as mathematicians
    /// write it: `[1.0, 2.0)`.
    pub(crate) fn parse(raw: &str) -> Result<Self> {
        let text = raw.trim();
        let invalid = || {
            let shortened: String = raw.chars().take(80).collect();
            Refusal::invalid(format!("`{shortened}` is no range of versions"))
        };
        if text.contains('*') {
            let shortened: String = raw.chars().take(80).collect();
            return Err(Refusal::invalid(format!(
                "the range `{shortened}` floats: a package cannot depend on such a range"
            )));
        }
        let bound = |text: &str, is_included: bool| -> Result<Option<Bound>> {
            if text.trim().is_empty() {
                return Ok(None);
            }
            let version = NuGetVersion::parse(text).map_err(|_| invalid())?;
            Ok(Some(Bound { version, is_included }))
        };
        let Some(inside) = text.strip_prefix(['[', '(']) else {
            let min = bound(text, true)?.ok_or_else(invalid)?;
            return Ok(Self { min: Some(min), max: None });
        };
        let inside = inside.strip_suffix([']', ')']).ok_or_else(invalid)?;
        let (includes_min, includes_max) = (text.starts_with('['), text.ends_with(']'));
        let range = match inside.split_once(',') {
            Some((min, max)) => {
                Self { min: bound(min, includes_min)?, max: bound(max, includes_max)? }
            }
            None => {
                let exactly = bound(inside, true)?.filter(|_| includes_min && includes_max);
                let exactly = exactly.ok_or_else(invalid)?;
                Self { min: Some(exactly.clone()), max: Some(exactly) }
            }
        };
        match (&range.min, &range.max) {
            (Some(min), Some(max)) => {
                let is_fit = match min.version.sort_key().cmp(&max.version.sort_key()) {
                    Ordering::Less => true,
                    Ordering::Equal => min.is_included == max.is_included,
                    Ordering::Greater => false,
                };
                if is_fit { Ok(range) } else { Err(invalid()) }
            }
            _ => Ok(range),
        }
    }

    /// Whether a version is in it.
    pub(crate) fn contains(&self, version: &PackageVersion) -> bool {
        let order = |bound: &Bound| version.sort_key().cmp(&bound.version.sort_key());
        let is_above = |bound: &Bound| match order(bound) {
            Ordering::Equal => bound.is_included,
            order => order.is_gt(),
        };
        let is_below = |bound: &Bound| match order(bound) {
            Ordering::Equal => bound.is_included,
            order => order.is_lt(),
        };
        self.min.as_ref().is_none_or(is_above) && self.max.as_ref().is_none_or(is_below)
    }

    /// Whether a bound is a version that only clients of SemVer 2.0.0 can read.
    pub(crate) fn is_semver2(&self) -> bool {
        [&self.min, &self.max].into_iter().flatten().any(|bound| bound.version.is_semver2())
    }

    /// The form of `ToNormalizedString`: an interval, `[1.0.0, )`.
    pub(crate) fn normalized(&self) -> String {
        let (min, max) = (self.min.as_ref(), self.max.as_ref());
        let text =
            |bound: Option<&Bound>| bound.map_or(String::new(), |it| it.version.normalized());
        let includes = |bound: Option<&Bound>| bound.is_some_and(|bound| bound.is_included);
        format!(
            "{}{}, {}{}",
            if includes(min) { '[' } else { '(' },
            text(min),
            text(max),
            if includes(max) { ']' } else { ')' },
        )
    }
}

#[cfg(test)]
mod tests;
