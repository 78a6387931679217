//! `[diagnostics]`.

use serde::Deserialize;
use toml::Spanned;

use super::error::ConfigError;
use super::sources::Sources;

/// `[diagnostics]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DiagnosticsSection {
    /// The least severe level that the Diagnostic Center records: 0 debug, 10 info, 20 warning,
    /// 30 error. Default: 20.
    pub(super) minimum_log_level: Option<Spanned<i64>>,
}

/// What the Diagnostic Center keeps.
#[derive(Debug, Clone)]
pub(crate) struct Diagnostics {
    /// The least severe level that it records: 0 debug, 10 info, 20 warning, 30 error.
    pub(crate) minimum_log_level: u8,
}

impl DiagnosticsSection {
    pub(super) fn resolve(self, sources: &Sources<'_>) -> Result<Diagnostics, ConfigError> {
        let Some(level) = self.minimum_log_level else {
            return Ok(Diagnostics { minimum_log_level: 20 });
        };
        match u8::try_from(*level.get_ref()) {
            Ok(minimum_log_level @ 0..=30) => Ok(Diagnostics { minimum_log_level }),
            _ => Err(sources.refuse(
                &level.span(),
                format!(
                    "`{level}` is no log level: use 0 (debug), 10 (info), 20 (warning) or 30 (error)"
                ),
            )),
        }
    }
}
