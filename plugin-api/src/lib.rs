//! What third parties write an adapter with: the adapter-facing half of `pakhus-core`, and
//! [`testing`], which runs an adapter without a server.
//!
//! An adapter implements [`PackageType`] and depends on nothing else of ours. It is pure: it does no
//! I/O, reads no clock and starts no thread, and asks everything of the [`Host`].

pub mod testing;

pub use pakhus_core::{
    AccountKey, Accounts, Action, Attribute, BegunLogin, BlobRef, Body, Capabilities, Change,
    Committed, ContentDigest, CreatedKey, Deletes, Descriptor, Digest, Document, Download, Edit,
    FeedPolicy, FoundPackage, Host, Identity, InvalidName, InvalidPath, InvalidVersion, LISTED,
    LiftRule, Lifted, LogStretch, LoginState, Metadata, Method, Mount, NewAccountKey, NewVersion,
    Package, PackageBlobs, PackageContents, PackageName, PackageType, PackageVersion, Packing,
    PasswordChange, PathStep, Precondition, Profile, ProfileChange, ReceiveDocument,
    ReceivedDocument, ReceivedFile, RecentDownloads, Refusal, RefusalKind, Request, RequestHead,
    Response, Result, Route, RoutePath, Search, SearchEntry, SearchPage, Secret, SignedIn, SortKey,
    Tag, Timestamp, VersionChange, VersionChanges, VersionRecord,
};
