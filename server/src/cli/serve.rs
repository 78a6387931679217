//! The arguments of `pakhus serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use crate::config::{Overrides, parse_listen_address};

const EXAMPLES: &str = "\
Every key of the configuration file has an environment form, PAKHUS__DATABASE__URL and so on, which
stands over the file; --listen and --data-dir stand over both.

Examples:
  pakhus serve
  pakhus serve --config /etc/pakhus.toml
  pakhus serve --listen 0.0.0.0:8624 --data-dir /var/lib/pakhus";

/// Run the server.
///
/// Without a configuration file it starts on embedded defaults, and writes an admin API key to
/// `admin.key` in its data directory when it starts for the first time.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    /// The configuration file [default: none, embedded defaults].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The IP address and port to listen on [default: 127.0.0.1:8624].
    #[arg(long, value_name = "ADDR", value_parser = parse_listen_address)]
    pub(crate) listen: Option<SocketAddr>,
    /// The folder that the instance keeps its data in [default: pakhus-data].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl ServeArguments {
    /// What they say over the configuration file and the environment.
    #[must_use]
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides { listen: self.listen, data_dir: self.data_dir.clone() }
    }
}
