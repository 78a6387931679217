//! Databases on the PostgreSQL that `tests/run` starts.

use std::process::Command;

/// An empty database, which is gone when this is dropped.
pub struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    /// Makes one.
    ///
    /// # Panics
    /// When there is no PostgreSQL to make it on.
    #[must_use]
    pub fn new() -> Self {
        let server = std::env::var("PAKHUS_TEST_POSTGRES").unwrap_or_else(|_| {
            panic!(
                "PAKHUS_TEST_POSTGRES names no PostgreSQL to test on: use `tests/run`, which starts one"
            )
        });
        let name = format!("pakhus_test_{:032x}", rand::random::<u128>());
        let database = Self { server, name };
        database.administer(&format!("CREATE DATABASE {}", database.name));
        database
    }

    /// Its address.
    ///
    /// # Panics
    /// When the address of the server is none.
    #[must_use]
    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("a URL with a database");
        format!("{server}/{}", self.name)
    }

    fn administer(&self, statement: &str) {
        let output = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--dbname", &self.server, "--command", statement])
            .output()
            .expect("psql is installed");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statement}: {error}");
    }
}

impl Default for Postgres {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.administer(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
