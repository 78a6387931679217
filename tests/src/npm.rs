//! The real npm.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// An npm client with a home of its own.
pub struct Npm {
    home: TempDir,
    registry: String,
}

impl Npm {
    /// An npm that uses `registry`, with `key` if there is one.
    #[must_use]
    pub fn new(registry: &str, key: Option<&str>) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let mut settings = format!("registry={registry}\nfund=false\nupdate-notifier=false\n");
        if let Some(key) = key {
            let (_, address) = registry.split_once(':').expect("a URL");
            settings.push_str(&format!("{address}:_authToken={key}\n"));
        }
        std::fs::write(home.path().join(".npmrc"), settings).expect("written");
        Self { home, registry: registry.to_owned() }
    }

    /// Trusts the certificate in `file` alone.
    ///
    /// # Panics
    /// When its settings cannot be written.
    #[must_use]
    pub fn trusting(self, file: &Path) -> Self {
        let path = self.home.path().join(".npmrc");
        let mut settings = std::fs::read_to_string(&path).expect("its settings");
        settings.push_str(&format!("cafile={}\n", file.display()));
        std::fs::write(path, settings).expect("written");
        self
    }

    /// The registry that it uses.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Its settings, with the tokens that it has.
    ///
    /// # Panics
    /// When they cannot be read.
    #[must_use]
    pub fn settings(&self) -> String {
        std::fs::read_to_string(self.home.path().join(".npmrc")).expect("its settings")
    }

    /// Replaces its settings.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn set_settings(&self, settings: &str) {
        std::fs::write(self.home.path().join(".npmrc"), settings).expect("written");
    }

    /// What runs npm in `folder`.
    #[must_use]
    pub fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("npm");
        command
            .args(arguments)
            .current_dir(folder)
            .env("HOME", self.home.path())
            .env("npm_config_userconfig", self.home.path().join(".npmrc"))
            .env("npm_config_cache", self.home.path().join("cache"))
            .env("npm_config_fetch_retries", "0")
            .env_remove("npm_config_registry")
            .env_remove("NPM_CONFIG_REGISTRY");
        command
    }

    /// Runs npm in `folder`.
    #[must_use]
    pub fn try_run(&self, folder: &Path, arguments: &[&str]) -> Output {
        self.command(folder, arguments).output().expect("npm is installed")
    }

    /// Runs npm in `folder`, and returns what it printed.
    ///
    /// # Panics
    /// When npm fails.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.try_run(folder, arguments);
        let (out, error) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "npm {}\n{out}\n{error}", arguments.join(" "));
        out.into_owned()
    }

    /// Runs npm, which must fail, and returns what it said.
    ///
    /// # Panics
    /// When npm does not fail.
    #[must_use]
    pub fn fails(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.try_run(folder, arguments);
        assert!(!output.status.success(), "npm {} should fail", arguments.join(" "));
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}
