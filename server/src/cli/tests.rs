//! What arguments the command line takes.

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

mod api;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

fn refusal(line: &str) -> clap::Error {
    match parse(line) {
        Ok(_) => panic!("`{line}` was taken"),
        Err(error) => error,
    }
}

#[test]
fn the_definitions_hold_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_a_sentence_of_help() {
    fn check(command: &clap::Command, path: &str) {
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path} {}", argument.get_id());
            }
            check(command, &path);
        }
    }
    check(&Cli::command(), "pakhus");
}

#[test]
fn the_commands_of_the_documentation_are_taken() {
    for line in [
        "pakhus serve",
        "pakhus serve --config pakhus.toml --listen 127.0.0.1:0 --data-dir data",
        "pakhus demo",
        "pakhus feed list --json",
        "pakhus feed show libs",
        "pakhus feed create libs --type npm",
        "pakhus feed delete libs --yes",
        "pakhus feed replicate libs",
        "pakhus feed replicate libs --server-mode read-write --client-mode mirror \
         --source-url http://hub.example:8624/replication/libs --sync-token env:T --interval 60s",
        "pakhus feed replicate libs --max-deletes 5 --max-deletes-percent 50 --bandwidth 10MB/s \
         --concurrency 8 --keep-trash 7d --keep-deleted 365d",
        "pakhus feed pause libs",
        "pakhus feed resume libs",
        "pakhus wait libs @acme/ui 2.0.0 --at https://tokyo.example --timeout 5m",
        "pakhus conflict list libs --json",
        "pakhus conflict restore libs 3",
        "pakhus trash dismiss libs 4",
        "pakhus sync libs --dry-run --full",
        "pakhus status --json",
        "pakhus key list",
        "pakhus key create --name ci --scope publish:libs --scope view:*",
        "pakhus key create --name ci --scope view:* --expires 30d --read-only --network 10.0.0.0/8",
        "pakhus key create --name operator --scope admin --standalone",
        "pakhus key create --name ci --scope view:* --expires 2027-01-31T00:00:00Z",
        "pakhus key revoke 3",
        "pakhus user list --json",
        "pakhus user create alice --scope publish:libs --scope view:* --email a@b.c --generate",
        "pakhus user update alice --scope view:* --email a@b.c",
        "pakhus user password alice --generate",
        "pakhus user delete alice",
        "pakhus execution list --feed libs --status failed",
        "pakhus execution show 7",
        "pakhus diagnostics --min-level warning",
    ] {
        if let Err(error) = parse(line) {
            panic!("`{line}`: {error}");
        }
    }
}

#[test]
fn the_server_can_be_named_before_and_after_the_command() {
    for line in [
        "pakhus --server http://la:1 --api-key k feed list",
        "pakhus feed --server http://la:1 list --api-key k",
        "pakhus status --server http://la:1 --api-key k",
    ] {
        let cli = parse(line).unwrap_or_else(|error| panic!("`{line}`: {error}"));
        let client = cli.connection.client().expect("a client");
        assert_eq!(client.server(), "http://la:1");
    }
}

#[test]
fn bad_arguments_are_refused_with_exit_code_2() {
    for (line, kind) in [
        ("pakhus", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("pakhus mirror libs", ErrorKind::InvalidSubcommand),
        ("pakhus sync", ErrorKind::MissingRequiredArgument),
        ("pakhus sync Libs", ErrorKind::ValueValidation),
        ("pakhus feed create libs", ErrorKind::MissingRequiredArgument),
        ("pakhus feed replicate libs --client-mode both", ErrorKind::InvalidValue),
        ("pakhus feed replicate libs --interval 1", ErrorKind::ValueValidation),
        ("pakhus feed replicate libs --source-url http://hub", ErrorKind::ValueValidation),
        ("pakhus feed replicate libs --bandwidth fast", ErrorKind::ValueValidation),
        ("pakhus feed replicate libs --concurrency 0", ErrorKind::ValueValidation),
        ("pakhus wait libs left-pad", ErrorKind::MissingRequiredArgument),
        ("pakhus key create --name ci", ErrorKind::MissingRequiredArgument),
        ("pakhus key create --name ci --scope read:libs", ErrorKind::ValueValidation),
        ("pakhus key create --name ci --scope view:* --expires soon", ErrorKind::ValueValidation),
        ("pakhus user create alice", ErrorKind::MissingRequiredArgument),
        ("pakhus user create Alice --scope view:*", ErrorKind::ValueValidation),
        ("pakhus user update alice", ErrorKind::MissingRequiredArgument),
        ("pakhus serve --listen 8624", ErrorKind::ValueValidation),
    ] {
        let error = refusal(line);
        assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{line}: {error}");
    }
}

#[tokio::test]
async fn removing_a_feed_needs_a_yes() {
    let cli = parse("pakhus feed delete libs").unwrap_or_else(|error| panic!("{error}"));
    let error = execute(cli).await.expect_err("refused");
    assert_eq!(error.exit_code(), 2);
    assert_eq!(
        error.to_string(),
        "this removes the feed `libs` and all its packages for good: repeat it with --yes to do so"
    );
}
