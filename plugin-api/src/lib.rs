//! What third parties write an adapter with: the adapter-facing half of `pakhus-core`, and
//! [`testing`], which runs an adapter without a server.
//!
//! An adapter implements [`PackageType`] and depends on nothing else of ours. It is pure: it does no
//! I/O, reads no clock and starts no thread, and asks everything of the [`Host`].

pub mod testing;

pub use pakhus_core::{
    Action, Attribute, BlobRef, Body, Capabilities, Change, Committed, Descriptor, Digest,
    Document, Download, Edit, FoundPackage, Host, Identity, InvalidName, InvalidPath,
    InvalidVersion, LiftRule, Lifted, Metadata, Method, Mount, NewVersion, Package,
    PackageContents, PackageName, PackageType, PackageVersion, PathStep, Precondition,
    ReceiveDocument, ReceivedDocument, RecentDownloads, Refusal, RefusalKind, Request, RequestHead,
    Response, Result, Route, RoutePath, Search, SearchEntry, SearchPage, SortKey, Tag, Timestamp,
    VersionRecord,
};
