//! A package type, taught to the server by an adapter.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    Host, InvalidName, InvalidVersion, Metadata, NewVersion, PackageContents, PackageName,
    PackageVersion, Refusal, Request, RequestHead, Response, Result, Route, SearchEntry,
};

/// A kind of package: its names, its versions, what a version is made of, and the protocol its
/// clients speak.
///
/// Implementations are pure: the same question has the same answer, and all I/O is asked of the
/// [`Host`]. They may be called from any thread.
#[async_trait]
pub trait PackageType: Send + Sync + 'static {
    /// Says what this type is and what it can do. Constant for the life of the process.
    fn descriptor(&self) -> &Descriptor;

    /// Parses the name of a package as clients, other sites and the database write it. Equal keys
    /// mean the same package; the key itself parses to the same key.
    ///
    /// # Errors
    /// When it cannot name a package that exists anywhere. Rules for new names alone belong to the
    /// protocol's publish.
    fn parse_name(&self, raw: &str) -> Result<PackageName, InvalidName>;

    /// Parses a version. Equal keys mean the same version.
    ///
    /// # Errors
    /// When it is no version.
    fn parse_version(&self, raw: &str) -> Result<PackageVersion, InvalidVersion>;

    /// Checks that a version that another site sends is what this type's publish could have made:
    /// that the metadata has the right shape, says the same name and version, and needs exactly the
    /// blobs listed.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Invalid`] with the reason.
    fn check_version(&self, version: &NewVersion) -> Result<()>;

    /// Checks a tag that another site sends: that this type's protocol could have made it.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Invalid`] with the reason.
    fn check_tag(&self, tag: &str) -> Result<()>;

    /// Checks the value of an attribute that another site sends, of a package or of one of its
    /// versions: that this type's protocol could have set it.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Invalid`] with the reason. An attribute that this version does not know
    /// passes: a site that is newer may, behind this one.
    fn check_attribute(
        &self,
        attribute: &str,
        version: Option<&str>,
        value: &Metadata,
    ) -> Result<()>;

    /// What the package is found by, beside its name. The same at every site that holds the same.
    ///
    /// # Errors
    /// When what is stored of it cannot be read.
    fn search_entry(&self, _contents: &PackageContents) -> Result<SearchEntry> {
        Ok(SearchEntry {
            keywords: Vec::new(),
            description: String::new(),
            labels: Vec::new(),
            shown: Metadata::from_value(&()).map_err(Refusal::internal)?,
        })
    }

    /// Recognises a request by its head.
    ///
    /// # Errors
    /// [`crate::RefusalKind::NotFound`] or [`crate::RefusalKind::MethodNotAllowed`] when the protocol
    /// has no such endpoint, [`crate::RefusalKind::Invalid`] when the path names nothing that can be.
    fn route(&self, head: &RequestHead) -> Result<Route>;

    /// Answers a request that [`Self::route`] recognised and that was authorised for its action.
    ///
    /// # Errors
    /// A refusal, which [`Self::refuse`] renders.
    async fn serve(&self, request: Request, host: &dyn Host) -> Result<Response>;

    /// Renders a refusal in the words of the protocol.
    fn refuse(&self, refusal: &Refusal) -> Response;
}

/// What a package type is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Descriptor {
    /// Its name in configuration, URLs and the API.
    pub name: String,
    /// The adapter's own version.
    pub version: String,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What a package type can do, as far as storage and replication need to know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// A delete leaves a tombstone that replicates; without it, absence at another site means "not
    /// yet copied".
    pub tracks_deletions: bool,
    /// The publish date belongs to the version and travels with it; without it, each site stamps its
    /// own.
    pub syncs_publish_date: bool,
    /// Download counts travel.
    pub syncs_download_count: bool,
    /// What clients may do to versions that are there is for the feed to say: [`crate::FeedPolicy`].
    pub has_policy: bool,
    /// Where its API is mounted.
    pub mount: Mount,
}

/// Where the API of a package type is mounted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mount {
    /// Below `/TYPE/FEED/`.
    #[default]
    Feed,
    /// Below `/v2/FEED/`, where OCI clients look.
    V2,
}
