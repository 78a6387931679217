//! Users: `/api/v1/users`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use pakhus_db::users::{self, NewUser, PasswordHash, User, UserChange};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::super::problem::{Input, PathOf, Problem, QueryOf, Result};
use super::{Authenticated, Paging};
use crate::app::{App, now};
use crate::config::Scope;
use crate::secrets::new_password;
use crate::users::{Email, InvalidUser, NewPassword, UserName};

pub(super) async fn list(
    State(app): State<App>,
    caller: Authenticated,
    QueryOf(paging): QueryOf<Paging>,
) -> Result<Json<Value>> {
    caller.admin()?;
    let limit = paging.limit();
    let users = users::list(&app.database, paging.after.as_deref(), limit + 1).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX).min(users.len());
    let next = (users.len() > shown).then(|| users[..shown].last().map(|user| &user.name));
    let shapes: Vec<_> = users[..shown].iter().map(shape).collect();
    Ok(Json(json!({ "users": shapes, "next": next })))
}

pub(super) async fn show(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<Json<Value>> {
    caller.admin()?;
    Ok(Json(shape(&find(&app, &name).await?)))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserInput {
    name: String,
    email: Option<String>,
    scopes: Vec<String>,
    password: Option<String>,
}

pub(super) async fn create(
    State(app): State<App>,
    caller: Authenticated,
    Input(new): Input<UserInput>,
) -> Result<(StatusCode, Json<Value>)> {
    caller.admin()?;
    let name: UserName = new.name.parse().map_err(|error| refused(&error))?;
    let email = email_of(new.email)?;
    let scopes = scopes_of(new.scopes)?;
    // Before the slow part: a name that is taken is refused at once.
    if users::find(&app.database, name.as_str()).await?.is_some() {
        return Err(taken(&name));
    }
    let (password, told) = Wanted::of(new.password)?.hash(&app).await?;
    let new = NewUser { name: name.to_string(), email, scopes, password };
    let user = users::create(&app.database, &new, now()).await?.ok_or_else(|| taken(&name))?;
    Ok((StatusCode::CREATED, Json(with_password(shape(&user), told))))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ChangeInput {
    /// `null` removes it; left out, it stays.
    #[serde(deserialize_with = "given")]
    email: Option<Option<String>>,
    scopes: Option<Vec<String>>,
    password: Option<String>,
    generate_password: bool,
}

/// A value that is there, also when it is `null`.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub(super) async fn update(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
    Input(change): Input<ChangeInput>,
) -> Result<Json<Value>> {
    caller.admin()?;
    let user = find(&app, &name).await?;
    let email = change.email.map(email_of).transpose()?;
    let scopes = change.scopes.map(scopes_of).transpose()?;
    let wanted = match (change.password, change.generate_password) {
        (Some(_), true) => {
            return Err(Problem::bad_request("give a password or have one generated, not both"));
        }
        (None, false) => None,
        (password, _) => Some(Wanted::of(password)?),
    };
    let (password, told) = match wanted {
        None => (None, None),
        Some(wanted) => {
            let (hash, told) = wanted.hash(&app).await?;
            (Some(hash), told)
        }
    };
    let change = UserChange { email, scopes, password };
    let changed = users::update(&app.database, user.id, change, now()).await?;
    let changed = changed.ok_or_else(|| no_such_user(&name))?;
    Ok(Json(with_password(shape(&changed), told)))
}

pub(super) async fn delete(
    State(app): State<App>,
    caller: Authenticated,
    PathOf(name): PathOf<String>,
) -> Result<StatusCode> {
    caller.admin()?;
    if users::delete(&app.database, &name).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_such_user(&name))
    }
}

/// A password that somebody chose, or one that is made here and told once.
enum Wanted {
    Chosen(NewPassword),
    Made(String),
}

impl Wanted {
    fn of(chosen: Option<String>) -> Result<Self> {
        match chosen {
            Some(chosen) => chosen.parse().map(Self::Chosen).map_err(|error| refused(&error)),
            None => Ok(Self::Made(new_password())),
        }
    }

    /// Its hash, and what is told.
    async fn hash(self, app: &App) -> Result<(PasswordHash, Option<String>)> {
        match self {
            Self::Chosen(chosen) => Ok((app.passwords.hash(chosen.expose()).await?, None)),
            Self::Made(made) => Ok((app.passwords.hash(&made).await?, Some(made))),
        }
    }
}

async fn find(app: &App, name: &str) -> Result<User> {
    users::find(&app.database, name).await?.ok_or_else(|| no_such_user(name))
}

fn email_of(email: Option<String>) -> Result<Option<String>> {
    let email =
        email.map(|email| email.parse::<Email>()).transpose().map_err(|error| refused(&error))?;
    Ok(email.map(Email::into_string))
}

fn scopes_of(scopes: Vec<String>) -> Result<Vec<String>> {
    for scope in &scopes {
        scope.parse::<Scope>().map_err(|error| Problem::bad_request(error.to_string()))?;
    }
    Ok(scopes)
}

fn refused(error: &InvalidUser) -> Problem {
    Problem::bad_request(error.to_string())
}

fn no_such_user(name: &str) -> Problem {
    let name: String = name.chars().take(80).collect();
    Problem::not_found(format!("there is no user called `{name}`"))
}

fn taken(name: &UserName) -> Problem {
    Problem::conflict(format!("there is a user called `{name}` already"))
}

fn with_password(mut shape: Value, told: Option<String>) -> Value {
    if let Some(password) = told {
        shape["password"] = Value::String(password);
    }
    shape
}

fn shape(user: &User) -> Value {
    json!({
        "name": user.name,
        "email": user.email,
        "scopes": user.scopes,
        "origin": user.origin,
        "created_at": user.created_at.to_string(),
        "updated_at": user.updated_at.to_string(),
    })
}
