//! `[[api_keys]]`.

use serde::Deserialize;
use toml::Spanned;

use super::error::ConfigError;
use super::scope::Scope;
use super::secret::{Secret, SecretSource};
use super::sources::Sources;

/// One of `[[api_keys]]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKeySection {
    /// The key: a literal, `env:NAME` or `file:PATH`. No default.
    pub(super) key: Spanned<SecretSource>,
    /// What it may do: `admin`, or `view`, `publish`, `delete` or `manage`, each with `:FEED` or `:*`.
    /// No default.
    pub(super) scopes: Spanned<Vec<Scope>>,
}

/// An API key that the configuration defines.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    /// The key.
    pub(crate) key: Secret,
    /// What it may do.
    pub(crate) scopes: Vec<Scope>,
}

pub(super) fn resolve(
    sections: Vec<ApiKeySection>,
    sources: &Sources<'_>,
) -> Result<Vec<ApiKey>, ConfigError> {
    let mut keys: Vec<ApiKey> = Vec::with_capacity(sections.len());
    for section in sections {
        let key = sources.secret("api_keys.key", &section.key)?;
        if keys.iter().any(|other| other.key == key) {
            let reason = "this API key is there twice: give one of them all the scopes";
            return Err(sources.refuse(&section.key.span(), reason));
        }
        if section.scopes.get_ref().is_empty() {
            let reason = "an API key needs at least one scope, like `publish:libs`";
            return Err(sources.refuse(&section.scopes.span(), reason));
        }
        keys.push(ApiKey { key, scopes: section.scopes.into_inner() });
    }
    Ok(keys)
}
