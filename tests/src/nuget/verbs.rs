//! What people do with the clients, in the words of each client.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Client, Outcome, Worker};

/// The id and version of a package that a client names.
pub type Named = (String, String);

impl Worker {
    /// Pushes a package file.
    #[must_use]
    pub fn push(&self, file: &Path) -> Outcome {
        self.push_with(file, &[])
    }

    /// Pushes a package file with more arguments.
    ///
    /// # Panics
    /// When the client cannot push.
    #[must_use]
    pub fn push_with(&self, file: &Path, more: &[&str]) -> Outcome {
        // Old clients want to be where the file is.
        let folder = file.parent().expect("a file is in a folder");
        let name = file.file_name().and_then(|name| name.to_str()).expect("text");
        let key = self.key.as_deref();
        let words = match self.client {
            Client::Dotnet => vec!["nuget", "push", name, "--source", "site"],
            Client::NuGet7 => vec!["push", name, "--source", "site"],
            Client::Aspire => panic!("it cannot push"),
            // It pushes over http if it is told to.
            Client::Choco => vec!["push", name, "--source", &self.source, "--force"],
            _ => vec!["push", name, "-Source", "site", "-NonInteractive"],
        };
        self.run(folder, &[&words, &self.key_words(key)[..], more].concat())
    }

    /// Deletes a version.
    ///
    /// # Panics
    /// When the client cannot delete.
    #[must_use]
    pub fn delete(&self, id: &str, version: &str) -> Outcome {
        let words = match self.client {
            Client::Dotnet => {
                vec!["nuget", "delete", id, version, "--source", "site", "--non-interactive"]
            }
            Client::NuGet7 => vec!["delete", id, version, "--source", "site"],
            Client::Aspire | Client::Choco => panic!("it cannot delete"),
            _ => vec!["delete", id, version, "-Source", "site", "-NonInteractive"],
        };
        let key = self.key_words(self.key.as_deref());
        self.run(self.home.path(), &[words, key].concat())
    }

    fn key_words<'k>(&self, key: Option<&'k str>) -> Vec<&'k str> {
        let Some(key) = key else { return Vec::new() };
        match self.client {
            Client::Dotnet | Client::NuGet7 | Client::Choco => vec!["--api-key", key],
            _ => vec!["-ApiKey", key],
        }
    }

    /// The latest release of each package that is found by a text.
    #[must_use]
    pub fn search(&self, text: &str) -> Vec<Named> {
        self.found(text, false)
    }

    /// All versions that are found by a text, pre-releases too; of each package the latest alone where
    /// the client shows no others.
    #[must_use]
    pub fn search_all(&self, text: &str) -> Vec<Named> {
        self.found(text, true)
    }

    fn found(&self, text: &str, all: bool) -> Vec<Named> {
        let home = self.home.path();
        let (words, all_words): (Vec<&str>, &[&str]) = match self.client {
            Client::Dotnet => panic!("it cannot search"),
            Client::NuGet7 => (vec!["search", text, "--source", "site"], &["--prerelease"]),
            Client::Aspire => {
                let home = home.to_str().expect("text");
                (vec!["search", "--query", text, "--working-dir", home], &["--prerelease"])
            }
            Client::Choco => (
                vec!["search", text, "--source", &self.source, "--limit-output"],
                &["--all-versions", "--pre"],
            ),
            _ => (
                vec!["list", text, "-Source", "site", "-NonInteractive"],
                &["-AllVersions", "-Prerelease"],
            ),
        };
        let all_words = if all { all_words } else { &[] };
        let words = [&words, all_words].concat();
        let said = match self.client {
            // It asks for the width of the terminal for ever.
            Client::NuGet28 => self.run_on_terminal(home, &words).good(),
            _ => self.run(home, &words).good(),
        };
        match self.client {
            Client::Aspire => in_json(&said),
            Client::Choco => named(&said, '|'),
            _ => named(&said, ' '),
        }
    }

    /// Installs a package with all that it needs: this version, or the latest release.
    #[must_use]
    pub fn install(&self, id: &str, version: Option<&str>) -> Outcome {
        let home = self.home.path();
        match self.client {
            Client::Dotnet => {
                let folder = self.folder();
                write_project(folder.path(), id, version.unwrap_or("*"));
                self.run(folder.path(), &["restore"])
            }
            Client::NuGet7 => {
                let folder = self.folder();
                let graph = self.graph(folder.path(), id, version.unwrap_or("*"));
                self.run(folder.path(), &["restore", graph.to_str().expect("text")])
            }
            Client::Aspire => {
                let package = format!("{id},{}", version.unwrap_or("*"));
                let home = home.to_str().expect("text");
                let words = ["restore", "-p", &package, "-w", home, "--no-nuget-org"];
                self.run(self.folder().path(), &words)
            }
            Client::Choco => {
                let words = ["install", id, "--source", &self.source, "-y", "--skip-powershell"];
                let version = version.map_or_else(Vec::new, |version| vec!["--version", version]);
                // It installs no pre-release unless it is told to, even by its version.
                let prerelease: &[&str] = if version.is_empty() { &[] } else { &["--pre"] };
                self.run(home, &[&words, &version[..], prerelease].concat())
            }
            _ => {
                let output = self.packages();
                let output = output.to_str().expect("text");
                let words = ["install", id, "-Source", "site", "-OutputDirectory", output];
                let version = version.map_or_else(Vec::new, |version| vec!["-Version", version]);
                self.run(home, &[&words, &version[..], &["-NonInteractive"]].concat())
            }
        }
    }

    /// The package file that was installed.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn installed(&self, id: &str, version: &str) -> Vec<u8> {
        let (lower_id, lower_version) = (id.to_lowercase(), version.to_lowercase());
        let path = match self.client {
            Client::Dotnet | Client::NuGet7 | Client::Aspire => self
                .packages()
                .join(&lower_id)
                .join(&lower_version)
                .join(format!("{lower_id}.{lower_version}.nupkg")),
            Client::Choco => {
                self.home.path().join("choco/lib").join(id).join(format!("{id}.nupkg"))
            }
            _ => {
                let name = format!("{id}.{version}");
                self.packages().join(&name).join(format!("{name}.nupkg"))
            }
        };
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The file that says what a project needs, as MSBuild gives it to NuGet.
    fn graph(&self, folder: &Path, id: &str, version: &str) -> PathBuf {
        let project = folder.join("app.csproj");
        let range = if version.contains('*') { version.to_owned() } else { format!("[{version}]") };
        let dependency = json!({ "target": "Package", "version": range });
        let graph = json!({
            "format": 1,
            "restore": { (project.to_str().expect("text")): {} },
            "projects": { (project.to_str().expect("text")): {
                "version": "1.0.0",
                "restore": {
                    "projectUniqueName": project,
                    "projectName": "app",
                    "projectPath": project,
                    "packagesPath": self.packages(),
                    "outputPath": folder.join("obj"),
                    "projectStyle": "PackageReference",
                    "configFilePaths": [self.home.path().join(".nuget/NuGet/NuGet.Config")],
                    "originalTargetFrameworks": ["net10.0"],
                    "sources": { (self.source.as_str()): {} },
                    "frameworks": { "net10.0": { "projectReferences": {} } },
                    "restoreAuditProperties": {
                        "enableAudit": "true", "auditLevel": "low", "auditMode": "all",
                    },
                },
                "frameworks": { "net10.0": { "dependencies": { id: dependency } } },
            } },
        });
        let file = folder.join("app.nuget.dgspec.json");
        std::fs::write(&file, graph.to_string()).expect("written");
        file
    }
}

/// Writes a project that needs one package.
///
/// # Panics
/// When it cannot be written.
pub fn write_project(folder: &Path, id: &str, version: &str) {
    let project = format!(
        "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    \
         <TargetFramework>netcoreapp3.1</TargetFramework>\n    <OutputType>Exe</OutputType>\n  \
         </PropertyGroup>\n  <ItemGroup>\n    \
         <PackageReference Include=\"{id}\" Version=\"{version}\" />\n  </ItemGroup>\n</Project>\n"
    );
    std::fs::write(folder.join("app.csproj"), project).expect("written");
}

/// What the lines name: an id and a version each.
fn named(said: &str, separator: char) -> Vec<Named> {
    let lines = said.lines().filter_map(|line| {
        let mut words = line.trim().split(separator);
        let (id, version) = (words.next()?, words.next()?);
        let is_version = version.starts_with(|first: char| first.is_ascii_digit());
        is_version.then(|| (id.to_owned(), version.to_owned()))
    });
    lines.collect()
}

fn in_json(said: &str) -> Vec<Named> {
    let line = said.lines().find(|line| line.starts_with('{')).expect("an answer in JSON");
    let answer: Value = serde_json::from_str(line).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let packages = answer["packages"].as_array().expect("a list").iter();
    packages.map(|package| (text(&package["id"]), text(&package["version"]))).collect()
}
