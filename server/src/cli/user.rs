//! `pakhus user`.

use std::io::{self, BufRead as _, IsTerminal as _};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::answers::{ChangedUser, User};
use super::client::{Client, read, read_list};
use super::connection::Connection;
use super::error::CommandError;
use super::output::{Paint, note, print, print_json};
use super::table::{Cell, Column, Table};
use super::{Outcome, moment};
use crate::config::Scope;
use crate::users::{NewPassword, UserName};

/// List, make, change and delete users, who sign in with a name and a password.
#[derive(Subcommand)]
pub(super) enum UserCommand {
    List(ListArguments),
    Create(CreateArguments),
    Update(UpdateArguments),
    Password(PasswordArguments),
    Delete(DeleteArguments),
}

/// List all users.
#[derive(Args)]
pub(super) struct ListArguments {
    /// Print the answer of the server as JSON.
    #[arg(long)]
    json: bool,
}

/// Make a user. The password is asked for, or read from standard input where that is no terminal.
#[derive(Args)]
#[command(after_help = "\
Examples:
  pakhus user create alice --scope publish:libs --email alice@example.org
  pakhus user create ci --scope 'view:*' --generate > ci.password
  pakhus user create bob --scope view:libs < bob.password")]
pub(super) struct CreateArguments {
    /// The name: a-z, 0-9, `.`, `_` and `-`.
    name: UserName,
    /// What they may do, as of API keys, once for each.
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<Scope>,
    /// Their address of e-mail.
    #[arg(long)]
    email: Option<String>,
    #[command(flatten)]
    password: PasswordSource,
}

/// Change what a user may do, or their address.
#[derive(Args)]
pub(super) struct UpdateArguments {
    /// The user's name.
    name: UserName,
    /// What they may do from now on, once for each; their API keys may no more.
    #[arg(long = "scope", value_name = "SCOPE", required_unless_present = "email")]
    scopes: Vec<Scope>,
    /// Their address of e-mail; empty for none.
    #[arg(long)]
    email: Option<String>,
}

/// Give a user another password.
#[derive(Args)]
pub(super) struct PasswordArguments {
    /// The user's name.
    name: UserName,
    #[command(flatten)]
    password: PasswordSource,
}

/// Delete a user; their API keys end with them.
#[derive(Args)]
pub(super) struct DeleteArguments {
    /// The user's name.
    name: UserName,
}

/// Where a password comes from.
#[derive(Args)]
struct PasswordSource {
    /// Have the server make a password, and print it this once.
    #[arg(long)]
    generate: bool,
}

pub(super) async fn run(
    command: UserCommand,
    connection: &Connection,
) -> Result<Outcome, CommandError> {
    let client = connection.client()?;
    match command {
        UserCommand::List(arguments) => list(&arguments, &client).await,
        UserCommand::Create(arguments) => create(&arguments, &client).await,
        UserCommand::Update(arguments) => update(&arguments, &client).await,
        UserCommand::Password(arguments) => password(&arguments, &client).await,
        UserCommand::Delete(arguments) => delete(&arguments, &client).await,
    }
}

async fn list(arguments: &ListArguments, client: &Client) -> Result<Outcome, CommandError> {
    let answer = client.all_pages(&["users"], "users").await?;
    let users: Vec<User> = read_list(client, &answer, "users")?;
    if arguments.json {
        print_json(&answer)?;
    } else if users.is_empty() {
        note("no users yet: make one with `pakhus user create NAME --scope publish:FEED`");
    } else {
        print(&users_table(&users).render(Paint::stdout()))?;
    }
    Ok(Outcome::Done)
}

fn users_table(users: &[User]) -> Table {
    let now = moment::now();
    let mut table = Table::new([
        Column::Left("NAME"),
        Column::Left("EMAIL"),
        Column::Left("SCOPES"),
        Column::Left("CREATED"),
    ]);
    for user in users {
        let created = user.created_at.as_deref().map(|at| moment::relative(at, now));
        table.row([
            Cell::new(&user.name),
            Cell::optional(user.email.as_deref()),
            Cell::new(user.scopes.join(" ")),
            Cell::optional(created),
        ]);
    }
    table
}

async fn create(arguments: &CreateArguments, client: &Client) -> Result<Outcome, CommandError> {
    let name = arguments.name.as_str();
    let mut body = json!({ "name": name, "scopes": arguments.scopes, "email": arguments.email });
    if let Some(password) = arguments.password.read()? {
        body["password"] = Value::String(password);
    }
    let answer = client.post(&["users"], &body).await?;
    let made: ChangedUser = read(client, &answer)?;
    match made.password {
        None => print(&format!("made the user `{name}`"))?,
        Some(password) => {
            note(&format!("made the user `{name}` with this password, shown only now"));
            print(&password)?;
        }
    }
    Ok(Outcome::Done)
}

async fn update(arguments: &UpdateArguments, client: &Client) -> Result<Outcome, CommandError> {
    let name = arguments.name.as_str();
    let mut body = json!({});
    if !arguments.scopes.is_empty() {
        body["scopes"] = json!(arguments.scopes);
    }
    if let Some(email) = &arguments.email {
        body["email"] = json!(Some(email).filter(|email| !email.is_empty()));
    }
    client.patch(&["users", name], &body).await?;
    print(&format!("changed the user `{name}`"))?;
    Ok(Outcome::Done)
}

async fn password(arguments: &PasswordArguments, client: &Client) -> Result<Outcome, CommandError> {
    let name = arguments.name.as_str();
    let body = match arguments.password.read()? {
        Some(password) => json!({ "password": password }),
        None => json!({ "generate_password": true }),
    };
    let answer = client.patch(&["users", name], &body).await?;
    let changed: ChangedUser = read(client, &answer)?;
    match changed.password {
        None => print(&format!("`{name}` has another password"))?,
        Some(password) => {
            note(&format!("`{name}` has this password, shown only now"));
            print(&password)?;
        }
    }
    Ok(Outcome::Done)
}

async fn delete(arguments: &DeleteArguments, client: &Client) -> Result<Outcome, CommandError> {
    let name = arguments.name.as_str();
    client.delete(&["users", name]).await?;
    print(&format!("deleted the user `{name}` and their API keys"))?;
    Ok(Outcome::Done)
}

impl PasswordSource {
    /// The password; `None` when the server is to make one.
    fn read(&self) -> Result<Option<String>, CommandError> {
        if self.generate {
            return Ok(None);
        }
        let password = if io::stdin().is_terminal() { asked_for()? } else { first_line()? };
        let password = password.parse::<NewPassword>().map_err(CommandError::usage)?;
        Ok(Some(password.expose().to_owned()))
    }
}

/// Asks at the terminal, twice, since what is typed is not seen.
fn asked_for() -> Result<String, CommandError> {
    let ask = |question: &str| {
        rpassword::prompt_password(question)
            .map_err(|error| CommandError::usage(format!("cannot ask for a password: {error}")))
    };
    let password = ask("Password: ")?;
    if ask("The same again: ")? == password {
        Ok(password)
    } else {
        Err(CommandError::usage("these are two passwords: try again"))
    }
}

/// The first line of standard input.
fn first_line() -> Result<String, CommandError> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|error| CommandError::usage(format!("cannot read the password: {error}")))?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(CommandError::usage(
            "there is no password on standard input: write one there, or use --generate",
        ));
    }
    Ok(line.to_owned())
}
