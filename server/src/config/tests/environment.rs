//! The environment form of the configuration.

use pakhus_db::feeds::Anonymous;

use super::*;

#[test]
fn every_key_has_an_environment_form() {
    let config = load(
        &feed(""),
        &[
            ("PAKHUS__LISTEN", "0.0.0.0:80"),
            ("PAKHUS__INSTANCE_NAME", "1984"),
            ("PAKHUS__DATABASE__URL", "postgres://db/pakhus"),
            ("PAKHUS__PACKAGE_TYPES__ENABLED", "[\"npm\"]"),
            ("PAKHUS__DIAGNOSTICS__MINIMUM_LOG_LEVEL", "10"),
            ("PAKHUS__FEEDS__0__ANONYMOUS", "publish"),
            ("PAKHUS__FEEDS__0__REPLICATION__SERVER__SYNC_TOKENS__0", "31337"),
            ("PAKHUS__FEEDS__1__NAME", "\"tools\""),
            ("PAKHUS__FEEDS__1__TYPE", "npm"),
            ("PAKHUS__API_KEYS", "[{ key = 'k', scopes = ['admin'] }]"),
            ("PAKHUS_SERVER", "http://not.ours"),
        ],
    )
    .expect("taken");
    assert_eq!(config.listen.port(), 80);
    assert_eq!(config.instance_name, "1984");
    assert_eq!(config.database.url.expose(), "postgres://db/pakhus");
    assert_eq!(config.package_types.enabled, ["npm"]);
    assert_eq!(config.diagnostics.minimum_log_level, 10);
    assert_eq!(config.feeds[0].anonymous, Anonymous::Publish);
    assert_eq!(config.feeds[0].replication.server.sync_tokens[0].expose(), "31337");
    assert_eq!(config.feeds[1].name.as_str(), "tools");
    assert_eq!(config.api_keys[0].scopes, [Scope::Admin]);
}

#[test]
fn feeds_in_the_environment_are_ordered_by_number() {
    let mut variables = Vec::new();
    for index in 0..12 {
        variables.push((format!("PAKHUS__FEEDS__{index}__NAME"), format!("feed-{index}")));
        variables.push((format!("PAKHUS__FEEDS__{index}__TYPE"), "npm".to_owned()));
    }
    let environment = variables.into_iter().collect();
    let config = Config::load_from(None, &environment, &Overrides::default(), &BUILT_IN);
    let feeds = config.expect("taken").feeds;
    assert_eq!((feeds[2].name.as_str(), feeds[11].name.as_str()), ("feed-2", "feed-11"));
}

#[test]
fn a_variable_that_is_refused_is_named() {
    for (name, value, expected) in [
        ("PAKHUS__DATABSE__URL", "sqlite:x", "unknown key `databse`, expected one of"),
        ("PAKHUS__DATABASE__URI", "sqlite:x", "unknown key `uri`, expected `url`"),
        ("PAKHUS__DATABASE__URL", "42", "this is no database URL"),
        (
            "PAKHUS__DIAGNOSTICS__MINIMUM_LOG_LEVEL",
            "loud",
            "invalid type: text, expected a whole number",
        ),
        (
            "PAKHUS__DIAGNOSTICS__MINIMUM_LOG_LEVEL",
            "2.5",
            "invalid type: floating point, expected a whole number",
        ),
        ("PAKHUS__PACKAGE_TYPES__ENABLED", "npm", "invalid type: text, expected a list"),
        (
            "PAKHUS__PACKAGE_TYPES__ENABLED",
            "[\"npm\", 5]",
            "invalid type: integer, expected a text",
        ),
        (
            "PAKHUS__FEEDS__0__REPLICATION__SERVER__SYNC_TOKENS",
            "hush",
            "invalid type: text, expected",
        ),
        ("PAKHUS__LISTEN__PORT", "80", "there are no keys below this value"),
        ("PAKHUS__FEEDS__2__NAME", "x", "there is no element 2: the list has 1, counted from 0"),
        ("PAKHUS__FEEDS__NAME", "x", "`name` is below a list: number its element first"),
        ("PAKHUS__FEEDS__0__NAME", "X", "`X` cannot name a feed"),
        ("PAKHUS__FEEDS__0__TYPE", "pypi", "the package type `pypi` is neither built in"),
        ("PAKHUS__FEEDS__0__CONNECTOR__URL", "https://x", "the feed `libs`: connectors come"),
        ("PAKHUS__BLOBS__STORE", "s3", "the blob store `s3` comes in a later version"),
        ("PAKHUS__database__url", "sqlite:x", "the environment form of a key is in upper case"),
        ("PAKHUS__", "x", "it names no key"),
        ("PAKHUS__DATABASE____URL", "x", "it names no key"),
    ] {
        let message = refusal(&format!("listen = \"127.0.0.1:1\"\n{}", feed("")), &[(name, value)]);
        assert!(
            message.starts_with(&format!("environment variable `{name}`: {expected}")),
            "{name}={value}: {message}"
        );
        assert!(!message.contains("hush"), "{message}");
    }
}
