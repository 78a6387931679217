//! The Diagnostic Center: what an operator should see, kept in the database and logged.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pakhus_db::{Database, Result, diagnostics, settings};

use crate::app::now;

/// How much a message matters.
pub(crate) mod level {
    /// It went as it should.
    pub(crate) const INFO: i64 = 10;
    /// It went, but somebody should look.
    pub(crate) const WARNING: i64 = 20;
    /// It did not go.
    pub(crate) const ERROR: i64 = 30;
}

/// The name of the setting of the least level that is kept.
const MINIMUM_LEVEL: &str = "diagnostics.minimum_log_level";

/// The Diagnostic Center.
#[derive(Clone)]
pub(crate) struct DiagnosticCenter {
    database: Database,
    minimum_level: Arc<AtomicI64>,
}

impl DiagnosticCenter {
    /// Opens it. What an operator set last counts; `configured` until one does.
    pub(crate) async fn open(database: Database, configured: i64) -> Result<Self> {
        let set = settings::get(&database, MINIMUM_LEVEL).await?;
        let level = set.and_then(|text| text.parse().ok()).unwrap_or(configured);
        Ok(Self { database, minimum_level: Arc::new(AtomicI64::new(level)) })
    }

    /// The least level that is kept.
    pub(crate) fn minimum_level(&self) -> i64 {
        self.minimum_level.load(Ordering::Relaxed)
    }

    /// Changes the least level that is kept, at once and for good.
    pub(crate) async fn set_minimum_level(&self, level: i64) -> Result<()> {
        settings::set(&self.database, MINIMUM_LEVEL, &level.to_string()).await?;
        self.minimum_level.store(level, Ordering::Relaxed);
        Ok(())
    }

    /// Adds a message. A database that cannot take it is logged: the work that the message is about
    /// goes on.
    pub(crate) async fn add(&self, category: &str, level: i64, text: &str) {
        match level {
            level::ERROR.. => tracing::error!(category, "{text}"),
            level::WARNING.. => tracing::warn!(category, "{text}"),
            _ => tracing::info!(category, "{text}"),
        }
        if level < self.minimum_level() {
            return;
        }
        if let Err(error) = diagnostics::add(&self.database, category, level, text, now()).await {
            tracing::error!(%error, "a diagnostic message could not be kept");
        }
    }
}
