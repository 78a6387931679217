//! Sites in network namespaces of their own, with lines between them that are slow, lose packets and can
//! be cut. Needs root, or sudo without a password.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Networks that this process has made.
static MADE: AtomicU32 = AtomicU32::new(0);

/// Some sites and the switch between them. All of it is gone with this.
pub struct Network {
    name: String,
    sites: usize,
    switch: Option<Child>,
}

impl Network {
    /// A network of so many sites, in which a packet takes `delay_ms` milliseconds from one to another
    /// and `loss_percent` of all packets are lost.
    ///
    /// # Panics
    /// When this is not root, or a program is missing: `tests/run` installs them.
    #[must_use]
    pub fn new(sites: usize, delay_ms: u32, loss_percent: u32) -> Self {
        let number = (std::process::id() * 8 + MADE.fetch_add(1, Ordering::Relaxed)) % 60_000;
        let mut network = Self { name: format!("pk{number}"), sites, switch: None };
        let subnet = format!("10.{}.{}", 100 + number / 256 % 100, number % 256);
        // The tests themselves are a port of the switch too.
        for port in 0..=sites {
            let (inside, outside) = (network.inside(port), network.outside(port));
            root(&["ip", "link", "add", &outside, "type", "veth", "peer", "name", &inside]);
            for interface in [&inside, &outside] {
                // What the switch sees must be packets as they travel, whole and with their checksums.
                root(&["ethtool", "-K", interface, "tx", "off", "gso", "off", "gro", "off"]);
            }
            let address = format!("{subnet}.{}/24", port + 1);
            let within: Vec<&str> = if port == 0 {
                Vec::new()
            } else {
                root(&["ip", "netns", "add", &network.namespace(port)]);
                root(&["ip", "link", "set", &inside, "netns", &network.namespace(port)]);
                vec!["ip", "netns", "exec"]
            };
            let namespace = network.namespace(port);
            let namespace: &[&str] = if port == 0 { &[] } else { &[&namespace] };
            let run = |command: &[&str]| root(&[&within, namespace, command].concat());
            run(&["ip", "address", "add", &address, "dev", &inside]);
            run(&["ip", "link", "set", &inside, "up"]);
            run(&["ip", "link", "set", "lo", "up"]);
            root(&["ip", "link", "set", &outside, "up"]);
        }
        network.start_switch(delay_ms, loss_percent);
        network
    }

    fn start_switch(&mut self, delay_ms: u32, loss_percent: u32) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/switch.py");
        let delay = format!("{:.3}", f64::from(delay_ms) / 1_000.0);
        let loss = format!("{:.3}", f64::from(loss_percent) / 100.0);
        let ports: Vec<_> = (0..=self.sites).map(|port| self.outside(port)).collect();
        let mut command = as_root(&["python3", script, &delay, &loss]);
        let mut switch = command.args(ports).stdout(Stdio::piped()).spawn().expect("it starts");
        let out = switch.stdout.take().expect("its output");
        let ready = BufReader::new(out).lines().next().and_then(Result::ok);
        self.switch = Some(switch);
        assert_eq!(ready.as_deref(), Some("ready"), "the switch works");
    }

    /// The command that runs another within site number `site`, counted from 1.
    #[must_use]
    pub fn within(&self, site: usize) -> Vec<String> {
        let namespace = self.namespace(site);
        let words = ["ip", "netns", "exec", &namespace];
        sudo().iter().chain(&words).map(|word| (*word).to_owned()).collect()
    }

    /// The address of a site.
    #[must_use]
    pub fn address(&self, site: usize) -> String {
        let number: u32 = self.name[2..].parse().unwrap_or_default();
        format!("10.{}.{}.{}", 100 + number / 256 % 100, number % 256, site + 1)
    }

    /// Cuts the line of a site off, for the others; the tests reach it as little.
    pub fn cut(&self, site: usize) {
        root(&["ip", "link", "set", &self.outside(site), "down"]);
    }

    /// Mends the line of a site.
    pub fn mend(&self, site: usize) {
        root(&["ip", "link", "set", &self.outside(site), "up"]);
    }

    fn namespace(&self, port: usize) -> String {
        format!("{}n{port}", self.name)
    }

    fn inside(&self, port: usize) -> String {
        format!("{}i{port}", self.name)
    }

    fn outside(&self, port: usize) -> String {
        format!("{}o{port}", self.name)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        if let Some(mut switch) = self.switch.take() {
            let _ = as_root(&["kill", &switch.id().to_string()]).status();
            let _ = switch.wait();
        }
        for port in 0..=self.sites {
            let _ = as_root(&["ip", "link", "del", &self.outside(port)]).status();
            if port > 0 {
                let _ = as_root(&["ip", "netns", "del", &self.namespace(port)]).status();
            }
        }
    }
}

fn sudo() -> &'static [&'static str] {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n");
    if is_root { &[] } else { &["sudo", "-n"] }
}

fn as_root(command: &[&str]) -> Command {
    let words = [sudo(), command].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Runs a command that only root may run.
///
/// # Panics
/// When it fails.
pub fn root(command: &[&str]) {
    let output = as_root(command).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}
