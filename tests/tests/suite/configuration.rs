//! Configurations that no server starts with: each is told in one line that says where and why.

use pakhus_tests::server::Setup;

/// The server does not start, and says these words in one line, which is returned.
async fn is_refused(setup: Setup, words: &[&str]) -> String {
    let (status, said) = setup.fails_to_start().await;
    assert!(!status.success());
    assert_eq!(said.lines().count(), 1, "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_named_with_its_file_and_line() {
    let setup = Setup::new().config("instance_name = \"Here\"\npublic_ulr = \"http://here\"");
    is_refused(setup, &["pakhus.toml:2", "public_ulr"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_of_a_feed_is_named_with_its_line() {
    let setup = Setup::new().npm_feed("libs", "read-only").config("[feeds.replication.sever]");
    is_refused(setup, &["pakhus.toml:", "sever"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_fit_is_told_with_its_line() {
    let setup = Setup::new().config("[diagnostics]\nminimum_log_level = \"loud\"");
    is_refused(setup, &["pakhus.toml:2", "whole number"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_toml_is_named_with_its_line() {
    is_refused(Setup::new().config("instance_name = \n"), &["pakhus.toml:1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_feeds_of_one_name_are_refused() {
    let setup = Setup::new().npm_feed("libs", "read-only").npm_feed("libs", "read-only");
    is_refused(setup, &["pakhus.toml:", "libs"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_for_deletes_are_refused_where_the_package_type_has_its_own() {
    let setup = Setup::new().feed("libs", "npm", "read-only", "deletes = \"remove\"");
    is_refused(setup, &["pakhus.toml:5", "`libs`", "leave `deletes`"]).await;
    let setup = Setup::new().feed("libs", "nuget", "read-only", "deletes = \"all\"");
    is_refused(setup, &["pakhus.toml:5", "all"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_environment_does_not_have_is_named() {
    let setup =
        Setup::new().config("[[api_keys]]\nkey = \"env:NO_SUCH_KEY\"\nscopes = [\"admin\"]");
    is_refused(setup, &["pakhus.toml:2", "NO_SUCH_KEY"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_no_setting_has_is_named() {
    let setup = Setup::new().environment("PAKHUS__DATABASE__ULR", "sqlite:x.db");
    is_refused(setup, &["PAKHUS__DATABASE__ULR"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_unknown_kind_is_told_without_its_password() {
    let setup = Setup::new().database("oracle://someone:secret@here/db");
    let said = is_refused(setup, &["pakhus.toml:1", "sqlite:", "postgres:"]).await;
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_there_is_named() {
    let setup = Setup::new().config("[tls]\ncertificate = \"none.pem\"\nkey = \"none.key\"");
    is_refused(setup, &["none.pem"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named() {
    let other = Setup::new().start().await;
    let setup = Setup::new().listen(other.address());
    is_refused(setup, &[other.address(), "listen"]).await;
}
