//! `pakhus serve`: from the configuration to a server that answers.

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use pakhus_blobs::BlobStore;
use pakhus_core::replication::InstanceInfo;
use pakhus_db::Database;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::{App, Parts, now};
use crate::auth::{KnownKeys, Passwords};
use crate::bootstrap::{BootstrapError, bootstrap, first_admin_key};
use crate::cli::ServeArguments;
use crate::collection::{Collector, keep_collecting};
use crate::config::{Config, ConfigError};
use crate::diagnostics::DiagnosticCenter;
use crate::downloads::{DownloadCounter, keep_downloads, write_downloads};
use crate::feeds::FeedDirectory;
use crate::host::{DocumentCache, Known, read_documents, write_documents};
use crate::housekeeping::keep_house;
use crate::http::{Listening, SmallBlobs, TlsFiles, listen, router};
use crate::metrics::Metrics;
use crate::package_types::{PackageTypes, built_in_names, feed_url};
use crate::rendering::{BaseUrls, keep_documents};
use crate::replication::{Replicator, keep_node, keep_schedule, leave, look_after_nodes};
use crate::search::{Indexes, keep_indexes};
use crate::telemetry;

/// Why a server does not start, or stops by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot make the data directory {}: {source}", path.display())]
    DataDir { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Database(#[from] pakhus_db::Error),
    #[error("the blob store cannot be opened: {0}")]
    Blobs(#[from] pakhus_blobs::Error),
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How often feeds are read again, to see what other nodes of the instance changed.
const RELOAD: Duration = Duration::from_secs(2);

/// A server that is ready to answer.
pub(crate) struct Site {
    pub(crate) app: App,
    pub(crate) admin_key: PathBuf,
    pub(crate) url: String,
    /// Where rendered documents are while the server is down.
    documents: PathBuf,
    listening: Listening,
}

/// Runs a server until it is asked to stop.
pub(crate) async fn run(arguments: ServeArguments) -> Result<(), ServeError> {
    telemetry::start();
    let names = built_in_names();
    let built_in: Vec<_> = names.iter().map(String::as_str).collect();
    let mut config = Config::load(arguments.config.as_deref(), &arguments.overrides(), &built_in)?;
    config.settle_package_types(&[])?;
    let site = Site::open(&config).await?;
    for plugin in &config.package_types.plugins {
        let text = format!(
            "the plugin {} is not loaded: this version of Pakhus cannot load plugins yet",
            plugin.display()
        );
        site.app.diagnostics.add("plugins", crate::diagnostics::level::WARNING, &text).await;
    }
    announce(&site)?;
    let stop = site.stopper();
    tokio::spawn(async move {
        asked_to_stop().await;
        tracing::info!("stopping: running requests may end");
        stop();
    });
    site.serve().await
}

impl Site {
    /// Opens everything and binds the socket.
    pub(crate) async fn open(config: &Config) -> Result<Self, ServeError> {
        // Fails when it is set already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        tokio::fs::create_dir_all(&config.data_dir)
            .await
            .map_err(|source| ServeError::DataDir { path: config.data_dir.clone(), source })?;
        let package_types = PackageTypes::enabled(&config.package_types.enabled);
        let database = Database::open(config.database.url.expose()).await?;
        let blobs = BlobStore::open(&config.blobs.path).await?;
        config.check_policies(|name| {
            package_types.get(name).is_some_and(|it| it.descriptor().capabilities.has_policy)
        })?;
        bootstrap(&database, config).await?;
        let admin_key = first_admin_key(&database, &config.data_dir).await?;
        let id = pakhus_db::instance::id(&database, now()).await?;
        let tls = config
            .tls
            .as_ref()
            .map(|tls| TlsFiles { certificate: tls.certificate.clone(), key: tls.key.clone() });
        let listening = listen(config.listen, tls).await?;
        let level = config.diagnostics.minimum_log_level;
        let app = App::new(Parts {
            instance: InstanceInfo { id, name: config.instance_name.clone() },
            node: uuid::Uuid::new_v4().to_string(),
            public_url: config.public_url.as_ref().map(|url| url.as_str().to_owned()),
            blobs,
            package_types,
            feeds: FeedDirectory::load(database.clone()).await?,
            known: Known::new(database.clone()),
            known_keys: KnownKeys::new(),
            documents: DocumentCache::new(),
            base_urls: BaseUrls::default(),
            small_blobs: SmallBlobs::new(),
            indexes: Indexes::default(),
            downloads: DownloadCounter::default(),
            diagnostics: DiagnosticCenter::open(database.clone(), level.into()).await?,
            metrics: Metrics::new(),
            passwords: Passwords::new(),
            replicator: Replicator::default(),
            collector: Collector::new(
                config.blobs.keep_unused.duration(),
                config.blobs.collect_interval.duration(),
            ),
            stopping: CancellationToken::new(),
            database,
        });
        let documents = config.data_dir.join("documents");
        read_documents(&app, documents.clone()).await;
        look_after_nodes(&app).await?;
        let url = match &app.public_url {
            Some(url) => url.clone(),
            None => listening.url()?,
        };
        Ok(Self { app, admin_key, url, documents, listening })
    }

    /// What stops [`Self::serve`].
    pub(crate) fn stopper(&self) -> impl Fn() + Send + 'static {
        let (stopping, stop) = (self.app.stopping.clone(), self.listening.stopper());
        move || {
            stopping.cancel();
            stop();
        }
    }

    /// Answers and replicates until stopped.
    pub(crate) async fn serve(self) -> Result<(), ServeError> {
        let app = self.app;
        let background = [
            tokio::spawn(keep_schedule(app.clone())),
            tokio::spawn(keep_feeds_fresh(app.clone())),
            tokio::spawn(keep_house(app.clone())),
            tokio::spawn(keep_downloads(app.clone())),
            tokio::spawn(keep_indexes(app.clone())),
            tokio::spawn(keep_documents(app.clone())),
            tokio::spawn(keep_collecting(app.clone())),
            tokio::spawn(keep_node(app.clone())),
        ];
        let served = self.listening.serve(router(app.clone())).await;
        for task in background {
            task.abort();
        }
        write_downloads(&app).await;
        write_documents(&app, self.documents).await;
        leave(&app).await;
        app.database.clone().close().await;
        Ok(served?)
    }
}

async fn keep_feeds_fresh(app: App) {
    loop {
        tokio::time::sleep(RELOAD).await;
        if let Err(error) = app.feeds.reload().await {
            tracing::warn!(%error, "the feeds could not be read again");
        }
    }
}

/// Waits for Ctrl-C or a polite kill.
pub(crate) async fn asked_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Says where the server is and how to begin.
fn announce(site: &Site) -> io::Result<()> {
    say(format_args!("Pakhus {} is listening on {}", crate::app::VERSION, site.url))?;
    say(format_args!("  admin API key   {}", site.admin_key.display()))?;
    for feed in site.app.feeds.all().values() {
        let name = &feed.settings.package_type;
        let Some(package_type) = site.app.package_types.get(name) else { continue };
        let url = feed_url(&site.url, &*package_type, feed.name());
        let what = format!("{name} feed");
        say(format_args!("  {what:<15} {url}/"))?;
    }
    Ok(())
}

/// Writes a line to standard output, at once.
pub(crate) fn say(line: fmt::Arguments<'_>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
