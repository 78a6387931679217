//! `[blobs]`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::error::ConfigError;
use super::interval::Interval;
use super::secret::SecretSource;
use super::sources::Sources;

/// `[blobs]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BlobsSection {
    /// `disk`, or `s3`, which this version cannot do yet. Default: `disk`.
    pub(super) store: Option<Spanned<StoreKind>>,
    /// The folder of the `disk` store, relative to the working directory. Default:
    /// `{data_dir}/blobs`.
    pub(super) path: Option<PathBuf>,
    /// How long a blob is kept that no package needs: also what was just uploaded. Default: `24h`.
    pub(super) keep_unused: Option<Interval>,
    /// How often such blobs are removed. Default: `24h`.
    pub(super) collect_interval: Option<Interval>,
    /// The bucket of the `s3` store. No default.
    pub(super) bucket: Option<Spanned<String>>,
    /// The URL of the `s3` store. Default: the one of the region.
    pub(super) endpoint: Option<Spanned<String>>,
    /// The region of the `s3` store. No default.
    pub(super) region: Option<Spanned<String>>,
    /// The name of the `s3` store's key: a literal, `env:NAME` or `file:PATH`. No default.
    pub(super) access_key_id: Option<Spanned<SecretSource>>,
    /// The `s3` store's key: a literal, `env:NAME` or `file:PATH`. No default.
    pub(super) secret_access_key: Option<Spanned<SecretSource>>,
    /// Whether the `s3` store may be spoken to without TLS. Default: false.
    pub(super) allow_http: Option<Spanned<bool>>,
}

/// Where blobs are kept.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreKind {
    Disk,
    S3,
}

/// The blob store: a folder.
#[derive(Debug, Clone)]
pub(crate) struct Blobs {
    /// The folder.
    pub(crate) path: PathBuf,
    /// How long a blob is kept that nothing names.
    pub(crate) keep_unused: Interval,
    /// How often such blobs are removed.
    pub(crate) collect_interval: Interval,
}

impl BlobsSection {
    pub(super) fn resolve(
        self,
        sources: &Sources<'_>,
        data_dir: &Path,
    ) -> Result<Blobs, ConfigError> {
        if let Some(store) = &self.store
            && matches!(store.get_ref(), StoreKind::S3)
        {
            let reason = "the blob store `s3` comes in a later version: use `disk`";
            return Err(sources.refuse(&store.span(), reason));
        }
        let of_s3 = [
            ("bucket", self.bucket.map(|key| key.span())),
            ("endpoint", self.endpoint.map(|key| key.span())),
            ("region", self.region.map(|key| key.span())),
            ("access_key_id", self.access_key_id.map(|key| key.span())),
            ("secret_access_key", self.secret_access_key.map(|key| key.span())),
            ("allow_http", self.allow_http.map(|key| key.span())),
        ];
        for (key, span) in of_s3 {
            if let Some(span) = span {
                let reason = format!("`{key}` is a key of the blob store `s3`, not of `disk`");
                return Err(sources.refuse(&span, reason));
            }
        }
        let day = Interval::from_millis(24 * 60 * 60 * 1_000);
        Ok(Blobs {
            path: self.path.unwrap_or_else(|| data_dir.join("blobs")),
            keep_unused: self.keep_unused.unwrap_or(day),
            collect_interval: self.collect_interval.unwrap_or(day),
        })
    }
}
