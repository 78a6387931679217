//! Tags and attributes of a feed in memory, read by themselves.

use pakhus_core::replication::{RecordKey, RegisterState, State};

use super::feed::MemoryFeed;
use crate::{Attribute, PackageName, Refusal, Result};

impl MemoryFeed {
    pub(super) fn tag(&self, name: &PackageName, tag: &str) -> Result<Option<String>> {
        let key = RecordKey::Tag { name: name.key().to_owned(), tag: tag.to_owned() };
        match self.store().records.get(&key).map(|stored| &stored.state) {
            Some(State::Register(RegisterState { value: Some(version), .. })) => {
                version.parse().map(Some).map_err(Refusal::internal)
            }
            _ => Ok(None),
        }
    }

    pub(super) fn attributes(
        &self,
        name: &PackageName,
        attribute: &str,
        after: Option<&str>,
        limit: u64,
    ) -> Vec<Attribute> {
        let store = self.store();
        let attributes = store.of_package(name).filter_map(|(key, stored)| {
            let RecordKey::Attribute { version: Some(version), attribute: name, .. } = key else {
                return None;
            };
            let State::Register(state) = &stored.state else { return None };
            let is_asked = name == attribute && after.is_none_or(|after| version.as_str() > after);
            let value = state.value.clone().filter(|_| is_asked)?;
            let (name, version) = (name.clone(), Some(version.clone()));
            Some(Attribute { name, version, value, at: state.at })
        });
        attributes.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
    }
}
