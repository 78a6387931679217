//! The package types this server knows.

use std::collections::BTreeMap;
use std::sync::Arc;

use pakhus_core::{FeedName, Mount, PackageType};

/// The adapters that ship with Pakhus. The one place that names them.
pub(crate) fn built_in() -> Vec<Arc<dyn PackageType>> {
    vec![
        Arc::new(pakhus_npm::Npm::default()),
        Arc::new(pakhus_nuget::NuGet::default()),
        Arc::new(pakhus_docker::Docker::default()),
    ]
}

/// The names of the adapters that ship with Pakhus.
pub(crate) fn built_in_names() -> Vec<String> {
    built_in().iter().map(|adapter| adapter.descriptor().name.clone()).collect()
}

/// The URL of a feed of this type, without a trailing slash. `root` is the server's.
pub(crate) fn feed_url(root: &str, package_type: &dyn PackageType, feed: &FeedName) -> String {
    let descriptor = package_type.descriptor();
    match descriptor.capabilities.mount {
        Mount::Feed => format!("{root}/{}/{feed}", descriptor.name),
        Mount::V2 => format!("{root}/v2/{feed}"),
    }
}

/// The enabled package types, by name.
#[derive(Clone)]
pub(crate) struct PackageTypes {
    by_name: Arc<BTreeMap<String, Arc<dyn PackageType>>>,
}

impl PackageTypes {
    /// Those of the built-in types that `enabled` names.
    pub(crate) fn enabled(enabled: &[String]) -> Self {
        let by_name = built_in()
            .into_iter()
            .map(|adapter| (adapter.descriptor().name.clone(), adapter))
            .filter(|(name, _)| enabled.contains(name))
            .collect();
        Self { by_name: Arc::new(by_name) }
    }

    /// The type called `name`, if it is enabled.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn PackageType>> {
        self.by_name.get(name).map(Arc::clone)
    }

    /// All enabled types, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<dyn PackageType>> {
        self.by_name.values()
    }
}
