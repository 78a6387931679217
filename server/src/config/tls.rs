//! `[tls]`.

use std::fs::File;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::error::ConfigError;
use super::sources::Sources;

/// `[tls]` as it is written. Left out: plain http.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsSection {
    /// The file of the certificate and those that vouch for it, in PEM, relative to the configuration
    /// file. Read again when it changes. No default.
    pub(super) certificate: Spanned<PathBuf>,
    /// The file of its private key, in PEM, relative to the configuration file. Read again when it
    /// changes. No default.
    pub(super) key: Spanned<PathBuf>,
}

/// The certificate to serve https with.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    /// The file of the certificate, in PEM.
    pub(crate) certificate: PathBuf,
    /// The file of its private key, in PEM.
    pub(crate) key: PathBuf,
}

impl TlsSection {
    pub(super) fn resolve(self, sources: &Sources<'_>) -> Result<Tls, ConfigError> {
        let readable = |path: Spanned<PathBuf>| {
            let span = path.span();
            let path = sources.folder().join(path.into_inner());
            File::open(&path).map_err(|error| {
                sources.refuse(&span, format!("cannot read {}: {error}", path.display()))
            })?;
            Ok(path)
        };
        Ok(Tls { certificate: readable(self.certificate)?, key: readable(self.key)? })
    }
}
