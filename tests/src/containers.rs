//! Programs that build, push, pull and run images, with a home of their own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::installation;

/// Somebody who works with images.
pub struct Home {
    folder: TempDir,
}

impl Default for Home {
    fn default() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let storage = folder.path().join("storage.conf");
        let text = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/graph\"\nrunroot = \"{0}/run\"\n",
            folder.path().display()
        );
        std::fs::write(storage, text).expect("written");
        std::fs::write(folder.path().join("auth.json"), "{}").expect("written");
        std::fs::write(folder.path().join("engine.json"), "{}").expect("written");
        Self { folder }
    }
}

impl Home {
    /// A folder for files.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// What runs a program here.
    #[must_use]
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home = self.path();
        command
            .current_dir(home)
            .env("HOME", home)
            .env("CONTAINERS_STORAGE_CONF", home.join("storage.conf"))
            .env("STORAGE_DRIVER", "vfs")
            .env("REGISTRY_AUTH_FILE", home.join("auth.json"))
            .env("XDG_RUNTIME_DIR", home)
            .env("DOCKER_CONFIG", home.join("docker"))
            .env("DOCKER_HOST", format!("unix://{}", home.join("engine.sock").display()));
        command
    }

    /// Runs a program here, its words parted by spaces.
    ///
    /// # Panics
    /// When it cannot be started: `tests/run` installs it.
    #[must_use]
    pub fn try_run(&self, line: &str) -> Output {
        let mut words = line.split_whitespace();
        let program = words.next().expect("a program");
        let output = self.command(program).args(words).stdin(Stdio::null()).output();
        output.unwrap_or_else(|error| panic!("{program} cannot be started: {error}"))
    }

    /// Runs a program that must do what it is to do; returns what it wrote to standard output.
    ///
    /// # Panics
    /// When it fails.
    pub fn run(&self, line: &str) -> String {
        let output = self.try_run(line);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {}: {errors}", output.status);
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// Makes an image of one file for each of these processors, and a list of them: `localhost/all:1`.
    pub fn build_for(&self, processors: &[&str]) {
        self.run("buildah manifest create localhost/all:1");
        for processor in processors {
            let container = self.run(&format!("buildah from --arch {processor} scratch"));
            std::fs::write(self.path().join("file"), processor).expect("written");
            self.run(&format!("buildah config --os linux --arch {processor} {container}"));
            self.run(&format!("buildah add {container} file /file"));
            let name = format!("localhost/{processor}:1");
            self.run(&format!("buildah commit --rm {container} {name}"));
            self.run(&format!("buildah manifest add localhost/all:1 containers-storage:{name}"));
        }
    }
}

/// The folder of the ORAS client, as Python finds it.
///
/// # Panics
/// When it cannot be installed.
#[must_use]
pub fn oras() -> PathBuf {
    const ORAS: &str = "oras==0.2.43";
    installation::installed(&[ORAS], |folder| {
        let install = ["-m", "pip", "install", "--quiet", "--target"];
        installation::run(Command::new("python3").args(install).arg(folder).arg(ORAS));
    })
}

/// A Docker engine of its own.
pub struct Engine<'h> {
    home: &'h Home,
    process: Child,
}

impl<'h> Engine<'h> {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start within a minute.
    #[must_use]
    pub fn start(home: &'h Home) -> Self {
        let at = |name: &str| home.path().join(name);
        let log = std::fs::File::create(at("engine.log")).expect("a file");
        let process = home
            .command("dockerd")
            .arg("-H")
            .arg(format!("unix://{}", at("engine.sock").display()))
            .arg("--data-root")
            .arg(at("engine"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("-p")
            .arg(at("engine.pid"))
            .arg("--config-file")
            .arg(at("engine.json"))
            .args(["--iptables=false", "--ip6tables=false", "--bridge=none"])
            .args(["--ip-forward=false", "--ip-masq=false"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("dockerd is started");
        let engine = Self { home, process };
        let since = Instant::now();
        while !home.try_run("docker version").status.success() {
            let log = std::fs::read_to_string(at("engine.log")).unwrap_or_default();
            assert!(since.elapsed() < Duration::from_secs(60), "no engine: {log}");
            std::thread::sleep(Duration::from_millis(200));
        }
        engine
    }
}

impl Drop for Engine<'_> {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.process.wait();
        // What it left mounted would keep the folder from being removed.
        let _ = Command::new("umount").arg("-R").arg(self.home.path().join("engine")).output();
    }
}
