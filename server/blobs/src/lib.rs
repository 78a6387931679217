//! server/blobs
