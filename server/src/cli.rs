//! The command line: `pakhus`.
//!
//! `serve` and `demo` run a server in this process; every other command speaks the admin API to one
//! that runs. What a command answers goes to standard output; errors, notes and progress go to
//! standard error, so that pipes carry answers alone. An error is one line that says what to do.

mod answers;
mod client;
mod connection;
mod demo;
mod diagnostics;
mod error;
mod execution;
mod feed;
mod garbage;
mod kept;
mod key;
mod level;
mod moment;
mod output;
mod progress;
mod replicate;
mod serve;
mod status;
mod sync;
mod table;
mod token;
mod user;
mod verify;
mod wait;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use demo::DemoArguments;
pub(crate) use serve::ServeArguments;

use connection::Connection;
use error::CommandError;

const EXAMPLES: &str = "\
Examples:
  pakhus serve                              run a server with its data in ./pakhus-data
  pakhus feed create libs --type npm        make a feed
  pakhus key create --name ci --scope publish:libs
  pakhus feed replicate libs --client-mode mirror \\
      --source-url https://hub.example/replication/libs --sync-token env:HUB_TOKEN
  pakhus sync libs                          replicate now, and watch
  pakhus status                             see how replication stands";

/// A package server that replicates.
#[derive(Parser)]
#[command(name = "pakhus", version, arg_required_else_help = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Subcommand)]
enum Command {
    Serve(ServeArguments),
    Demo(DemoArguments),
    #[command(subcommand)]
    Feed(feed::FeedCommand),
    Sync(sync::SyncArguments),
    Verify(verify::VerifyArguments),
    Status(status::StatusArguments),
    Wait(wait::WaitArguments),
    /// List, restore and dismiss what lost a conflict: another site published other content under the
    /// same version, and that stands.
    #[command(subcommand)]
    Conflict(kept::KeptCommand),
    /// List, restore and dismiss what other sites deleted or replaced.
    #[command(subcommand)]
    Trash(kept::KeptCommand),
    #[command(subcommand)]
    Key(key::KeyCommand),
    #[command(subcommand)]
    User(user::UserCommand),
    #[command(subcommand)]
    Execution(execution::ExecutionCommand),
    CollectGarbage(garbage::GarbageArguments),
    Diagnostics(diagnostics::DiagnosticsArguments),
}

/// How a command that could be run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// As it should.
    Done,
    /// With an answer that is no success, and that has been printed.
    Failed,
}

/// Runs the command that the arguments of this process ask for, and says with which code to exit:
/// 0 done, 1 failed, 2 bad arguments. Bad arguments and `--help` end the process right here.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli).await {
        // Whoever read the answer has seen enough: `pakhus feed list | head -1`.
        Ok(Outcome::Done) | Err(CommandError::StdoutClosed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

async fn execute(cli: Cli) -> Result<Outcome, CommandError> {
    let connection = cli.connection;
    match cli.command {
        Command::Serve(arguments) => {
            crate::serve::run(arguments).await.map_err(CommandError::refused)?;
            Ok(Outcome::Done)
        }
        Command::Demo(arguments) => {
            crate::demo::run(arguments).await.map_err(CommandError::refused)?;
            Ok(Outcome::Done)
        }
        Command::Feed(command) => feed::run(command, &connection).await,
        Command::Sync(arguments) => sync::run(&arguments, &connection).await,
        Command::Verify(arguments) => verify::run(&arguments, &connection).await,
        Command::Status(arguments) => status::run(&arguments, &connection).await,
        Command::Wait(arguments) => wait::run(&arguments, &connection).await,
        Command::Conflict(command) => kept::run(command, &connection, "conflicts").await,
        Command::Trash(command) => kept::run(command, &connection, "trash").await,
        Command::Key(command) => key::run(command, &connection).await,
        Command::User(command) => user::run(command, &connection).await,
        Command::Execution(command) => execution::run(command, &connection).await,
        Command::CollectGarbage(arguments) => garbage::run(&arguments, &connection).await,
        Command::Diagnostics(arguments) => diagnostics::run(&arguments, &connection).await,
    }
}
