//! The rules of the configuration, each with the line that a person reads when it is broken.

use std::path::{Path, PathBuf};

use pakhus_core::replication::{ClientMode, ServerMode};

use pakhus_db::feeds::Anonymous;

use super::*;

mod environment;

const BUILT_IN: [&str; 3] = ["npm", "nuget", "docker"];

/// The example of the documentation, whole but for the connector.
const EXAMPLE: &str = r#"
listen = "127.0.0.1:8624"
data_dir = "pakhus-data"
public_url = "http://la.example:8624"   # default: from the request's Host
instance_name = "Los Angeles"

[database]
url = "sqlite:pakhus-data/pakhus.db"    # or postgres://…

[blobs]
store = "disk"                          # or "s3" (a later issue)
path = "pakhus-data/blobs"              # disk

[tls]                                   # left out: plain http
certificate = "server.pem"
key = "server.key"                      # both are read again when they change

[package_types]
enabled = ["npm", "nuget", "docker"]    # a type left out has no routes and no feeds
plugins = ["plugins/libpakhus_pypi.so"] # a relative path is relative to this file

[diagnostics]
minimum_log_level = 20                  # 0 debug, 10 info, 20 warning, 30 error

[[feeds]]
name = "libs"
type = "npm"
anonymous = "view"                      # none | view | publish
  [feeds.replication.server]
  mode = "read-write"                   # disabled | read-only | read-write
  sync_tokens = ["env:LA_SYNC_TOKEN"]   # a literal, env:NAME or file:PATH
  [feeds.replication.client]
  mode = "mirror"                       # disabled | pull-only | push-only | mirror
  source_url = "http://hub.example:8624/replication/libs"
  sync_token = "file:hub.token"
  interval = "60s"

[[api_keys]]
key = "env:CI_KEY"
scopes = ["publish:libs"]               # view | publish | delete | manage, each ":FEED" or ":*"; or "admin"
"#;

/// A folder with a `pakhus.toml`, gone when the test is.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(text: &str) -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.write("pakhus.toml", text);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("written");
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Config, String> {
        let environment = variables.iter().copied().collect();
        let file = self.path("pakhus.toml");
        Config::load_from(Some(&file), &environment, &Overrides::default(), &BUILT_IN)
            .map_err(|error| self.without_folder(&error))
    }

    fn without_folder(&self, error: &ConfigError) -> String {
        error.to_string().replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    Folder::with(text).load(variables)
}

fn refusal(text: &str, variables: &[(&str, &str)]) -> String {
    load(text, variables).expect_err("a refusal")
}

/// A file with one feed that has these lines, the first of which is line 5.
fn feed(lines: &str) -> String {
    format!("\n[[feeds]]\nname = \"libs\"\ntype = \"npm\"\n{lines}\n")
}

#[test]
fn the_example_of_the_documentation_is_taken() {
    let folder = Folder::with(EXAMPLE);
    folder.write("server.pem", "");
    folder.write("server.key", "");
    folder.write("hub.token", "hub-secret\n");
    let config =
        folder.load(&[("LA_SYNC_TOKEN", "la-secret"), ("CI_KEY", "ci-secret")]).expect("taken");

    assert_eq!(config.listen.to_string(), "127.0.0.1:8624");
    assert_eq!(config.data_dir, Path::new("pakhus-data"));
    assert_eq!(config.public_url.as_ref().map(PublicUrl::as_str), Some("http://la.example:8624"));
    assert_eq!(config.instance_name, "Los Angeles");
    assert_eq!(config.database.url.expose(), "sqlite:pakhus-data/pakhus.db");
    assert_eq!(config.blobs.path, Path::new("pakhus-data/blobs"));
    assert_eq!(config.tls.as_ref().expect("TLS").certificate, folder.path("server.pem"));
    assert_eq!(config.package_types.enabled, BUILT_IN);
    assert_eq!(config.package_types.plugins, [folder.path("plugins/libpakhus_pypi.so")]);
    assert_eq!(config.diagnostics.minimum_log_level, 20);
    let [feed] = config.feeds.as_slice() else { panic!("one feed: {:?}", config.feeds) };
    assert_eq!((feed.name.as_str(), feed.package_type.as_str()), ("libs", "npm"));
    assert_eq!(feed.anonymous, Anonymous::View);
    assert_eq!(feed.replication.server.mode, ServerMode::ReadWrite);
    assert_eq!(feed.replication.server.sync_tokens[0].expose(), "la-secret");
    let client = &feed.replication.client;
    assert_eq!(client.mode, ClientMode::Mirror);
    assert_eq!(client.sync_token.as_ref().map(Secret::expose), Some("hub-secret"));
    assert_eq!(client.interval.to_string(), "60s");
    assert_eq!(config.api_keys[0].key.expose(), "ci-secret");
    assert_eq!(config.api_keys[0].scopes[0].to_string(), "publish:libs");
    assert!(config.starter_feeds.is_empty());
    let shown = format!("{config:?}");
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn without_a_file_there_are_embedded_defaults() {
    let overrides = Overrides::default();
    let config = Config::load_from(None, &Environment::default(), &overrides, &["npm", "nuget"])
        .expect("defaults");
    assert_eq!(config.listen.to_string(), "127.0.0.1:8624");
    assert_eq!(config.database.url.expose(), "sqlite:pakhus-data/pakhus.db");
    assert_eq!(config.blobs.path, Path::new("pakhus-data/blobs"));
    assert_eq!(config.diagnostics.minimum_log_level, 20);
    assert_eq!(config.package_types.enabled, ["npm", "nuget"]);
    assert!(config.public_url.is_none() && config.tls.is_none() && config.feeds.is_empty());
    assert!(!config.instance_name.is_empty());
    let starters: Vec<_> = config.starter_feeds.iter().map(|feed| feed.name.as_str()).collect();
    assert_eq!(starters, ["npm", "nuget"]);
}

#[test]
fn an_empty_file_has_no_feeds_to_start_with() {
    let config = load("", &[]).expect("taken");
    assert!(config.feeds.is_empty() && config.starter_feeds.is_empty());
}

#[test]
fn the_command_line_stands_over_the_environment_and_that_over_the_file() {
    let folder = Folder::with("listen = \"127.0.0.1:1\"\ndata_dir = \"file\"\n");
    let variables = [("PAKHUS__LISTEN", "127.0.0.1:2"), ("PAKHUS__DATA_DIR", "environment")];
    let config = folder.load(&variables).expect("taken");
    assert_eq!((config.listen.port(), config.data_dir), (2, PathBuf::from("environment")));

    let overrides = Overrides {
        listen: Some(([127, 0, 0, 1], 3).into()),
        data_dir: Some(PathBuf::from("command line")),
    };
    let environment = variables.into_iter().collect();
    let file = folder.path("pakhus.toml");
    let config =
        Config::load_from(Some(&file), &environment, &overrides, &BUILT_IN).expect("taken");
    assert_eq!((config.listen.port(), config.data_dir), (3, PathBuf::from("command line")));
    assert_eq!(config.database.url.expose(), "sqlite:command line/pakhus.db");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_known_ones() {
    let message = refusal("listen = \"127.0.0.1:1\"\n\n[blob]\npath = \"x\"\n", &[]);
    assert!(message.starts_with("pakhus.toml:3: unknown key `blob`, expected one of `listen`"));
    let message = refusal(&feed("[feeds.replication.client]\nurl = \"x\""), &[]);
    assert!(message.starts_with("pakhus.toml:6: unknown key `url`, expected one of `mode`"));
}

#[test]
fn a_bad_value_is_refused_with_its_line() {
    let replication = |line: &str| feed(&format!("[feeds.replication.client]\n{line}"));
    for (text, expected) in [
        ("listen = 8624".to_owned(), "pakhus.toml:1: invalid type: integer, expected a text"),
        ("\nlisten = \"localhost\"".to_owned(), "pakhus.toml:2: `localhost` is no address"),
        ("public_url = \"la\"".to_owned(), "pakhus.toml:1: `la` is no public URL"),
        ("data_dir = \"\"".to_owned(), "pakhus.toml:1: the data directory is empty"),
        ("instance_name = \" \"".to_owned(), "pakhus.toml:1: an instance name has 1 to 100"),
        ("[database]\nurl = \"mysql://x\"".to_owned(), "pakhus.toml:2: this is no database URL"),
        ("[blobs]\nstore = \"tape\"".to_owned(), "pakhus.toml:2: unknown value `tape`"),
        ("[diagnostics]\nminimum_log_level = 31".to_owned(), "pakhus.toml:2: `31` is no log level"),
        ("[diagnostics]\nminimum_log_level = -1".to_owned(), "pakhus.toml:2: `-1` is no log level"),
        ("[[feeds]]\nname = \"Libs\"".to_owned(), "pakhus.toml:2: `Libs` cannot name a feed"),
        ("[[feeds]]\nname = \"libs\"".to_owned(), "pakhus.toml:1: missing key `type`"),
        (feed("anonymous = \"all\""), "pakhus.toml:5: unknown value `all`, expected one of `none`"),
        (replication("mode = \"both\""), "pakhus.toml:6: unknown value `both`"),
        (replication("interval = \"1\""), "pakhus.toml:6: `1` is no interval"),
        (
            replication("source_url = \"http://hub\""),
            "pakhus.toml:6: `http://hub` is no source URL",
        ),
        (
            "[[api_keys]]\nkey = \"k\"\nscopes = [\"read:x\"]".to_owned(),
            "pakhus.toml:3: `read:x` is",
        ),
        ("[[api_keys]]\nkey = \"k\"\nscopes = []".to_owned(), "pakhus.toml:3: an API key needs"),
        (
            "[[api_keys]]\nkey = 12345".to_owned(),
            "pakhus.toml:2: invalid type: integer, expected a text",
        ),
    ] {
        let message = refusal(&text, &[]);
        assert!(message.starts_with(expected), "{text:?}: {message}");
        assert!(!message.contains('\n') && !message.contains("12345"), "{message}");
    }
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    for text in ["\n\nlisten = ", "\n\nlisten", "\n\n[feeds", "a = 1\n\na = 2"] {
        let message = refusal(text, &[]);
        assert!(message.starts_with("pakhus.toml:3: ") && !message.contains('\n'), "{message}");
    }
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let file = Path::new("nowhere/pakhus.toml");
    let error = Config::load(Some(file), &Overrides::default(), &BUILT_IN).expect_err("refused");
    assert!(error.to_string().starts_with("nowhere/pakhus.toml: cannot be read: No such file"));
}

#[test]
fn a_feed_defined_twice_is_refused() {
    let message = refusal(&(feed("") + &feed("")), &[]);
    assert_eq!(message, "pakhus.toml:8: the feed `libs` is defined twice, first at pakhus.toml:3");
}

#[test]
fn what_comes_later_is_refused_by_its_line() {
    assert_eq!(
        refusal("[blobs]\nbucket = \"b\"\nstore = \"s3\"\n", &[]),
        "pakhus.toml:3: the blob store `s3` comes in a later version: use `disk`"
    );
    assert_eq!(
        refusal("[blobs]\nsecret_access_key = \"hush\"\n", &[]),
        "pakhus.toml:2: `secret_access_key` is a key of the blob store `s3`, not of `disk`"
    );
    let message = refusal(&feed("[feeds.connector]\nurl = \"https://upstream.example/\""), &[]);
    assert!(message.starts_with("pakhus.toml:5: the feed `libs`: connectors come in a later"));
}

#[test]
fn a_client_that_calls_needs_a_source_and_a_token() {
    let client = |lines: &str| feed(&format!("[feeds.replication.client]\n{lines}"));
    let source = "source_url = \"http://hub/replication/libs\"\n";
    assert_eq!(
        refusal(&client("mode = \"mirror\""), &[]),
        "pakhus.toml:6: the client mode `mirror` needs a `source_url`"
    );
    assert_eq!(
        refusal(&client(&format!("{source}mode = \"pull-only\"")), &[]),
        "pakhus.toml:7: the client mode `pull-only` needs a `sync_token`"
    );
    assert!(load(&client(source), &[]).is_ok(), "a disabled client needs neither");
}

#[test]
fn a_secret_that_is_missing_is_refused_by_its_key() {
    let server = |token: &str| {
        feed(&format!("[feeds.replication.server]\nsync_tokens = [\n\"one\",\n\"{token}\"]"))
    };
    assert_eq!(
        refusal(&server("env:NOWHERE"), &[]),
        "pakhus.toml:8: `feeds.replication.server.sync_tokens`: the environment variable `NOWHERE` is not set"
    );
    let message = refusal(&server("file:nowhere"), &[]);
    assert!(message.contains("sync_tokens`: cannot read nowhere: No such file"), "{message}");
    let message = refusal(&server("env:EMPTY"), &[("EMPTY", " ")]);
    assert!(message.ends_with("the environment variable `EMPTY`: it is empty"), "{message}");
}

#[test]
fn an_api_key_written_twice_is_refused() {
    let text = "[[api_keys]]\nkey = \"hush\"\nscopes = [\"admin\"]\n";
    let message = refusal(&text.repeat(2), &[]);
    assert!(message.starts_with("pakhus.toml:5: this API key is there twice"), "{message}");
}

#[test]
fn a_certificate_that_is_not_there_is_refused() {
    let message = refusal("[tls]\ncertificate = \"server.pem\"\nkey = \"server.key\"\n", &[]);
    assert!(
        message.starts_with("pakhus.toml:2: cannot read server.pem: No such file"),
        "{message}"
    );
    let message = refusal("[tls]\ncertificate = \"server.pem\"\n", &[]);
    assert_eq!(message, "pakhus.toml:1: missing key `key`");
}

#[test]
fn package_types_that_are_not_there_are_refused() {
    assert_eq!(
        refusal("[package_types]\nenabled = [\"npm\",\n\"pypi\"]\n", &[]),
        "pakhus.toml:3: the package type `pypi` is neither built in (npm, nuget, docker) nor added by a plugin"
    );
    assert!(
        refusal("[package_types]\nenabled = [\"npm\", \"npm\"]", &[]).contains("enabled twice")
    );
    let disabled = feed("") + "[package_types]\nenabled = [\"nuget\"]\n";
    assert_eq!(
        refusal(&disabled, &[]),
        "pakhus.toml:4: the feed `libs` holds npm packages, a type that `package_types.enabled` leaves out"
    );
}

#[test]
fn types_that_plugins_add_are_settled_when_they_are_known() {
    let text =
        "[package_types]\nplugins = [\"pypi.so\"]\n[[feeds]]\nname = \"py\"\ntype = \"pypi\"\n";
    let config = load(text, &[]).expect("not settled yet");
    let mut with_plugin = config.clone();
    with_plugin.settle_package_types(&["pypi"]).expect("known now");
    assert_eq!(with_plugin.package_types.enabled, ["npm", "nuget", "docker", "pypi"]);
    let error = config.clone().settle_package_types(&["cargo"]).expect_err("unknown");
    assert!(error.to_string().contains(":5: the package type `pypi` is neither"), "{error}");
}
