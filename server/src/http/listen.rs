//! The listening socket, plain or TLS.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use axum::{Extension, Router};
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};

/// On requests that came over TLS.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Secure;

/// Where the certificate and its key are.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The certificate in use, and where it came from.
struct Tls {
    config: RustlsConfig,
    files: TlsFiles,
    changed_at: ChangedAt,
}

/// When the certificate and its key were changed last.
type ChangedAt = [Option<SystemTime>; 2];

/// A socket that is bound, and not yet served.
pub(crate) struct Listening {
    listener: TcpListener,
    tls: Option<Tls>,
    handle: Handle<SocketAddr>,
}

/// How long running requests may take when the server is asked to stop.
const GRACE: Duration = Duration::from_secs(30);

/// How often the certificate's files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Binds `address`; with `tls`, reads the certificate and its key.
///
/// # Errors
/// When the address cannot be bound or the files are no certificate and key.
pub(crate) async fn listen(address: SocketAddr, tls: Option<TlsFiles>) -> io::Result<Listening> {
    let listener = TcpListener::bind(address).map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })?;
    listener.set_nonblocking(true)?;
    let tls = match tls {
        None => None,
        Some(files) => {
            // Before they are read: a change in between must not be missed.
            let changed_at = changed_at(&files).await;
            let config = RustlsConfig::from_pem_file(&files.certificate, &files.key)
                .await
                .map_err(|error| {
                    let (certificate, key) = (files.certificate.display(), files.key.display());
                    io::Error::new(
                        error.kind(),
                        format!(
                            "cannot use the certificate {certificate} with the key {key}: {error}"
                        ),
                    )
                })?;
            Some(Tls { config, files, changed_at })
        }
    };
    Ok(Listening { listener, tls, handle: Handle::new() })
}

impl Listening {
    /// Where clients reach the socket.
    pub(crate) fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.local_addr()?))
    }

    /// What stops the serving: at once for new connections, after a while for running requests.
    pub(crate) fn stopper(&self) -> impl Fn() + Send + 'static {
        let handle = self.handle.clone();
        move || handle.graceful_shutdown(Some(GRACE))
    }

    /// Serves until stopped. Small packets are not held back (`TCP_NODELAY`): an answer's head and its
    /// streamed body are two, and the second would wait for the first to be acknowledged.
    pub(crate) async fn serve(self, router: Router) -> io::Result<()> {
        match self.tls {
            None => {
                axum_server::from_tcp(self.listener)?
                    .acceptor(NoDelayAcceptor::new())
                    .handle(self.handle)
                    .serve(router.into_make_service_with_connect_info::<SocketAddr>())
                    .await
            }
            Some(tls) => {
                let config = tls.config.clone();
                let watching = tokio::spawn(reload_when_changed(tls));
                let served = axum_server::from_tcp(self.listener)?
                    .acceptor(RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new()))
                    .handle(self.handle)
                    .serve(
                        router
                            .layer(Extension(Secure))
                            .into_make_service_with_connect_info::<SocketAddr>(),
                    )
                    .await;
                watching.abort();
                served
            }
        }
    }
}

/// Reads the certificate again when its files change. Files that make no pair (one is written, the
/// other not yet) leave the old one in use.
async fn reload_when_changed(tls: Tls) {
    let Tls { config, files, changed_at: mut known } = tls;
    loop {
        tokio::time::sleep(LOOK).await;
        let latest = changed_at(&files).await;
        if latest == known {
            continue;
        }
        match config.reload_from_pem_file(&files.certificate, &files.key).await {
            Ok(()) => {
                known = latest;
                tracing::info!("the TLS certificate was read again");
            }
            Err(error) => tracing::warn!(%error, "the changed TLS certificate cannot be used yet"),
        }
    }
}

async fn changed_at(files: &TlsFiles) -> ChangedAt {
    async fn of(path: &Path) -> Option<SystemTime> {
        tokio::fs::metadata(path).await.ok()?.modified().ok()
    }
    [of(&files.certificate).await, of(&files.key).await]
}
