//! adapters/npm
