//! The real clients of NuGet, which `tests/clients/nuget/install` installs once for each target
//! directory.

mod feed;
mod package;
mod verbs;
mod zip;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

pub use self::feed::Feed;
pub use self::package::Package;
pub use self::verbs::{Named, write_project};
use crate::installation;

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The .NET SDK 3.1, which has NuGet 5.4.
    Dotnet,
    /// The libraries of NuGet 7.6.
    NuGet7,
    /// The NuGet 7.6 in Microsoft's Aspire, which reads alone.
    Aspire,
    /// nuget.exe 6.0.
    NuGet60,
    /// nuget.exe 5.8.
    NuGet58,
    /// nuget.exe 4.9.
    NuGet49,
    /// nuget.exe 4.5.
    NuGet45,
    /// nuget.exe 3.4.
    NuGet34,
    /// nuget.exe 2.8.
    NuGet28,
    /// Chocolatey 2.7.
    Choco,
}

/// A protocol of NuGet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OData.
    V2,
    /// JSON by a service index.
    V3,
}

/// Somebody at work with a client: a home, and one source of packages.
pub struct Worker {
    client: Client,
    home: TempDir,
    source: String,
    key: Option<String>,
    password: Option<String>,
    trusted: Option<PathBuf>,
}

/// What a client said, and whether it was content.
#[derive(Debug)]
pub struct Outcome {
    /// All that it printed.
    pub said: String,
    /// Whether it ended with success.
    pub is_good: bool,
}

const SOURCES: [&str; 3] = [
    include_str!("../clients/nuget/install"),
    include_str!("../clients/nuget/runtime.py"),
    include_str!("../clients/nuget/nuget7.cs"),
];

impl Client {
    /// The program.
    fn program(self) -> PathBuf {
        let name = match self {
            Self::Dotnet => "dotnet",
            Self::NuGet7 => "nuget7",
            Self::Aspire => "aspire-nuget",
            Self::NuGet60 => "nuget-6.0",
            Self::NuGet58 => "nuget-5.8",
            Self::NuGet49 => "nuget-4.9",
            Self::NuGet45 => "nuget-4.5",
            Self::NuGet34 => "nuget-3.4",
            Self::NuGet28 => "nuget-2.8",
            Self::Choco => "choco",
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/nuget/install");
        let folder = installation::installed(&SOURCES, |folder| {
            installation::run(Command::new(script).arg(folder));
        });
        folder.join("bin").join(name)
    }

    /// Whether it runs on Mono, which has certificates of its own.
    fn is_of_mono(self) -> bool {
        !matches!(self, Self::Dotnet | Self::NuGet7 | Self::Aspire)
    }
}

impl Outcome {
    /// What it said.
    ///
    /// # Panics
    /// When it was not content.
    #[must_use]
    pub fn good(self) -> String {
        assert!(self.is_good, "{}", self.said);
        self.said
    }

    /// What it said.
    ///
    /// # Panics
    /// When it was content.
    #[must_use]
    pub fn bad(self) -> String {
        assert!(!self.is_good, "it should fail:\n{}", self.said);
        self.said
    }
}

impl Worker {
    /// Somebody who uses the source with this address.
    #[must_use]
    pub fn new(client: Client, source: &str) -> Self {
        let worker = Self {
            client,
            home: tempfile::tempdir().expect("a folder"),
            source: source.to_owned(),
            key: None,
            password: None,
            trusted: None,
        };
        worker.settle_in();
        worker
    }

    /// Pushes and deletes with this API key.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Answers with this password where the source asks for one.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self.settle_in();
        if self.client == Client::Choco {
            let source = format!("--source={}", self.source);
            let password = format!("--password={password}");
            let words = ["source", "add", "--name=site", &source, "--user=anybody", &password];
            let _ = self.run(self.home.path(), &words).good();
        }
        self
    }

    /// Trusts the authority in `file`, and no other.
    #[must_use]
    pub fn trusting(mut self, file: &Path) -> Self {
        self.trusted = Some(file.to_owned());
        if self.client.is_of_mono() {
            let mut sync = Command::new("cert-sync");
            self.at_home(sync.args(["--user", "--quiet"]).arg(file));
            installation::run(&mut sync);
        }
        self
    }

    /// Writes the settings of the client to where it looks for those of its user.
    fn settle_in(&self) {
        let mut config = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n  <packageSources>\n    \
             <clear />\n    <add key=\"site\" value=\"{}\" allowInsecureConnections=\"true\" />\n  \
             </packageSources>\n",
            self.source
        );
        if let Some(password) = &self.password {
            let _ = write!(
                config,
                "  <packageSourceCredentials>\n    <site>\n      \
                 <add key=\"Username\" value=\"anybody\" />\n      \
                 <add key=\"ClearTextPassword\" value=\"{password}\" />\n    </site>\n  \
                 </packageSourceCredentials>\n"
            );
        }
        config.push_str("</configuration>\n");
        let settings = if self.client.is_of_mono() { "config" } else { ".nuget" };
        let folder = self.home.path().join(settings).join("NuGet");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("NuGet.Config"), config).expect("written");
    }

    /// A folder of this somebody.
    #[must_use]
    pub fn folder(&self) -> TempDir {
        tempfile::tempdir_in(self.home.path()).expect("a folder")
    }

    /// What runs the client in `folder`.
    #[must_use]
    pub fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.client.program());
        command.args(arguments).current_dir(folder);
        self.at_home(&mut command);
        command
    }

    fn at_home(&self, command: &mut Command) {
        let home = self.home.path();
        if let Some(file) = &self.trusted {
            command.env("SSL_CERT_FILE", file).env("SSL_CERT_DIR", home.join("no-certificates"));
        }
        command
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("DOTNET_CLI_HOME", home)
            .env("NUGET_PACKAGES", self.packages())
            .env("NUGET_HTTP_CACHE_PATH", home.join("http-cache"))
            .env("ChocolateyInstall", home.join("choco"))
            .env("TMPDIR", home)
            .env("TERM", "dumb")
            .env_remove("CI");
    }

    /// Where packages are restored to.
    fn packages(&self) -> PathBuf {
        self.home.path().join("packages")
    }

    /// Runs the client in `folder`.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn run(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        outcome(self.command(folder, arguments))
    }

    /// Runs the client in `folder` on a terminal, without which some print nothing.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn run_on_terminal(&self, folder: &Path, arguments: &[&str]) -> Outcome {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/terminal.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(self.client.program()).args(arguments).current_dir(folder);
        command.env("ANSWERS", "[]");
        self.at_home(&mut command);
        // On a terminal that can do nothing, some wait for ever.
        command.env("TERM", "xterm");
        let Outcome { said, is_good } = outcome(command);
        Outcome { said: without_controls(&said), is_good }
    }
}

fn outcome(mut command: Command) -> Outcome {
    let output = command.stdin(std::process::Stdio::null()).output().expect("the client runs");
    let said = [output.stdout, output.stderr].concat();
    let said = format!("{command:?}\n{}", String::from_utf8_lossy(&said));
    Outcome { said, is_good: output.status.success() }
}

/// A text without what moves the cursor and sets colours.
fn without_controls(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_end = |character: char| character.is_ascii_alphabetic();
        plain.push_str(part.split_once(is_end).map_or("", |(_, rest)| rest));
    }
    plain.replace("\u{1b}=", "").replace("\u{1b}>", "")
}
