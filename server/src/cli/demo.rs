//! The arguments of `pakhus demo`.

use clap::Args;

/// Run three sites that replicate, to look around in.
///
/// Los Angeles is the hub, Tokyo and Cleveland mirror it, all on loopback addresses. Packages are
/// published at one and read at another; the addresses of their pages are printed. Ctrl-C stops them,
/// and nothing of them stays.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct DemoArguments {}
