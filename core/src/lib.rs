//! What a package server is, in types: identities, records, changes, and replication as pure
//! functions.
//!
//! Nothing here does I/O, reads a clock or knows a package type by name. Adapters (npm, …) implement
//! [`PackageType`] and ask everything of a [`Host`]; the server implements [`Host`] and stores what
//! [`Change`]s say. [`replication`] decides what a feed becomes when sites meet.

pub mod accounts;
pub mod blob;
pub mod change;
pub mod content_digest;
pub mod digest;
pub mod error;
pub mod feed;
pub mod form;
pub mod host;
pub mod log;
pub mod name;
pub mod package_blobs;
pub mod package_type;
pub mod record;
pub mod replication;
pub mod request;
pub mod response;
pub mod route;
pub mod search;
pub mod timestamp;
pub mod version;

pub use accounts::{
    AccountKey, Accounts, BegunLogin, CreatedKey, LoginState, NewAccountKey, PasswordChange,
    Profile, ProfileChange, Secret, SignedIn,
};
pub use blob::BlobRef;
pub use change::{Change, Committed, Edit, NewVersion, Precondition};
pub use content_digest::ContentDigest;
pub use digest::Digest;
pub use error::{Refusal, RefusalKind, Result};
pub use feed::{Deletes, FeedName, FeedPolicy};
pub use form::{FormFile, InvalidForm};
pub use host::{
    Document, Host, LiftRule, Lifted, Packing, PathStep, ReceiveDocument, ReceivedDocument,
    ReceivedFile,
};
pub use log::{LogStretch, VersionChange, VersionChanges};
pub use name::{InvalidName, PackageName};
pub use package_blobs::PackageBlobs;
pub use package_type::{Capabilities, Descriptor, Mount, PackageType};
pub use record::{Attribute, LISTED, Metadata, Package, PackageContents, Tag, VersionRecord};
pub use request::{Identity, Request, RequestHead};
pub use response::{Body, Download, Response};
pub use route::{Action, InvalidPath, Method, Route, RoutePath};
pub use search::{FoundPackage, RecentDownloads, Search, SearchEntry, SearchOrder, SearchPage};
pub use timestamp::Timestamp;
pub use version::{InvalidVersion, PackageVersion, SortKey};
