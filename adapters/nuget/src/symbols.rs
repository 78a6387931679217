//! Symbols: packages of debugging symbols that belong to others, and the symbol server that debuggers
//! ask.
//!
//! Both are kept as companions of the packages ([`pakhus_core::PackageName::is_companion`]): the package
//! of symbols as a version of `.symbols/ID`, and each PDB in it as a version of `.pdb/FILE` whose version
//! is its signature, by which debuggers ask for it.

mod identity;
mod pdb;
mod push;
mod record;
mod serve;

pub(crate) use self::identity::{Signature, parse_name, parse_version, pdb_name, symbols_name};
pub(crate) use self::push::{SYMBOLS_PACKAGE, publish};
pub(crate) use self::record::{check, removal};
pub(crate) use self::serve::{package, pdb};
