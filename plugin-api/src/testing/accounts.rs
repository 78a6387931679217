//! People and their API keys, held in memory.

use async_trait::async_trait;

use super::host::MemoryHost;
use crate::{
    AccountKey, Accounts, BegunLogin, CreatedKey, Identity, LoginState, NewAccountKey, Profile,
    ProfileChange, Refusal, RefusalKind, Result, Secret, SignedIn, Timestamp,
};

/// The users, keys and sign-ins of a feed in memory.
#[derive(Debug, Default)]
pub(super) struct Everybody {
    pub(super) users: Vec<MemoryUser>,
    keys: Vec<(String, AccountKey, Secret)>,
    logins: Vec<MemoryLogin>,
}

#[derive(Debug)]
pub(super) struct MemoryUser {
    pub(super) name: String,
    pub(super) password: String,
    pub(super) email: Option<String>,
    pub(super) since: Timestamp,
}

#[derive(Debug)]
struct MemoryLogin {
    url: String,
    ticket: Secret,
    label: String,
    approved_by: Option<String>,
}

impl Everybody {
    /// Who somebody called `name` is.
    pub(super) fn identity(&self, name: &str) -> Identity {
        let user = self.users.iter().find(|user| user.name == name);
        let email = user.and_then(|user| user.email.clone());
        Identity { name: name.to_owned(), is_user: user.is_some(), email }
    }

    /// Lets somebody sign in on the page at `url`.
    pub(super) fn approve(&mut self, url: &str, name: &str) {
        let login = self.logins.iter_mut().find(|login| login.url == url);
        login.expect("a sign-in was begun there").approved_by = Some(name.to_owned());
    }

    fn profile(&self, name: &str) -> Option<Profile> {
        let user = self.users.iter().find(|user| user.name == name)?;
        let identity = self.identity(name);
        Some(Profile { identity, created_at: user.since, updated_at: user.since })
    }

    fn make_key(&mut self, owner: &str, new: NewAccountKey, now: Timestamp) -> CreatedKey {
        let number = self.keys.len() + 1;
        let secret = Secret::new(format!("memory_{number:08}_{}", "x".repeat(24)));
        let key = AccountKey {
            id: format!("{number:08x}{}", "0".repeat(24)),
            name: new.name,
            beginning: secret.expose().chars().take(15).collect(),
            read_only: new.read_only,
            networks: new.networks,
            created_at: now,
            expires_at: new.expires_at,
            last_used_at: None,
        };
        self.keys.push((owner.to_owned(), key.clone(), secret.clone()));
        CreatedKey { key, secret }
    }
}

impl MemoryHost<'_> {
    fn asker(&self) -> Result<&Identity> {
        let unknown = || Refusal::new(RefusalKind::Unauthorized, "nobody is signed in");
        self.identity.as_ref().ok_or_else(unknown)
    }

    fn everybody<T>(&self, ask: impl FnOnce(&mut Everybody) -> T) -> T {
        ask(&mut self.feed.everybody())
    }
}

#[async_trait]
impl Accounts for MemoryHost<'_> {
    async fn sign_in(&self, name: &str, password: &str, label: &str) -> Result<SignedIn> {
        let answer = self.everybody(|everybody| {
            let fits = |(_, _, secret): &&(String, AccountKey, Secret)| secret.expose() == password;
            let by_key = everybody.keys.iter().find(fits).map(|(owner, ..)| owner.clone());
            let is_right = |user: &&MemoryUser| user.name == name && user.password == password;
            let by_password = everybody.users.iter().find(is_right).map(|user| user.name.clone());
            let who = by_key.or(by_password).ok_or_else(|| {
                Refusal::new(RefusalKind::Unauthorized, "no such user, or the password is wrong")
            })?;
            let made = everybody.make_key(&who, NewAccountKey::called(label), self.now());
            Ok(SignedIn { identity: everybody.identity(&who), secret: made.secret })
        });
        self.note(&format!("sign_in {name}, {label}"), answer, |done| done.identity.name.clone())
    }

    async fn sign_out(&self, secret: &str) -> Result<()> {
        self.everybody(|everybody| everybody.keys.retain(|(.., kept)| kept.expose() != secret));
        self.note("sign_out", Ok(()), |()| "done".to_owned())
    }

    async fn begin_login(&self, label: &str) -> Result<BegunLogin> {
        let begun = self.everybody(|everybody| {
            let number = everybody.logins.len() + 1;
            let url = format!("https://pakhus.test/login/{number}");
            let ticket = Secret::new(format!("ticket {number}"));
            let (label, approved_by) = (label.to_owned(), None);
            let login =
                MemoryLogin { url: url.clone(), ticket: ticket.clone(), label, approved_by };
            everybody.logins.push(login);
            BegunLogin { url, ticket }
        });
        self.note(&format!("begin_login {label}"), Ok(begun), |begun| begun.url.clone())
    }

    async fn finish_login(&self, ticket: &Secret) -> Result<LoginState> {
        let answer = self.everybody(|everybody| {
            let found = everybody.logins.iter().position(|login| login.ticket == *ticket);
            let found = found.ok_or_else(|| Refusal::not_found("this sign-in is over"))?;
            let Some(name) = everybody.logins[found].approved_by.clone() else {
                return Ok(LoginState::Waiting);
            };
            let label = everybody.logins.remove(found).label;
            let made = everybody.make_key(&name, NewAccountKey::called(label), self.now());
            Ok(LoginState::Done(made.secret))
        });
        self.note("finish_login", answer, |state| match state {
            LoginState::Waiting => "waiting".to_owned(),
            LoginState::Done(_) => "done".to_owned(),
        })
    }

    async fn user(&self, name: &str) -> Result<Option<Profile>> {
        let answer = Ok(self.everybody(|everybody| everybody.profile(name)));
        self.note(&format!("user {name}"), answer, |user| {
            user.as_ref().map_or_else(|| "nobody".to_owned(), |user| user.identity.name.clone())
        })
    }

    async fn profile(&self) -> Result<Profile> {
        let answer =
            self.asker().map(|asker| {
                let epoch = Timestamp::EPOCH;
                self.everybody(|everybody| everybody.profile(&asker.name)).unwrap_or_else(|| {
                    Profile { identity: asker.clone(), created_at: epoch, updated_at: epoch }
                })
            });
        self.note("profile", answer, |profile| profile.identity.name.clone())
    }

    async fn change_profile(&self, change: ProfileChange) -> Result<Profile> {
        let answer = self.asker().and_then(|asker| {
            self.everybody(|everybody| {
                let user = everybody.users.iter_mut().find(|user| user.name == asker.name);
                let user = user.ok_or_else(|| forbidden("this is no user"))?;
                if let Some(password) = &change.password {
                    if password.old.expose() != user.password {
                        return Err(forbidden("the password is wrong"));
                    }
                    password.new.expose().clone_into(&mut user.password);
                }
                if let Some(email) = change.email {
                    user.email = email;
                }
                everybody.profile(&asker.name).ok_or_else(|| forbidden("this is no user"))
            })
        });
        self.note("change_profile", answer, |profile| profile.identity.name.clone())
    }

    async fn keys(&self) -> Result<Vec<AccountKey>> {
        let answer = self.asker().map(|asker| {
            self.everybody(|everybody| {
                let own = everybody.keys.iter().filter(|(owner, ..)| *owner == asker.name);
                own.map(|(_, key, _)| key.clone()).collect::<Vec<_>>()
            })
        });
        self.note("keys", answer, |keys| keys.len().to_string())
    }

    async fn create_key(&self, new: NewAccountKey) -> Result<CreatedKey> {
        let name = new.name.clone();
        let answer = self.asker().and_then(|asker| {
            self.everybody(|everybody| {
                let user = everybody.users.iter().find(|user| user.name == asker.name);
                if let (Some(user), Some(password)) = (user, &new.password)
                    && user.password != password.expose()
                {
                    return Err(forbidden("the password is wrong"));
                }
                Ok(everybody.make_key(&asker.name, new, self.now()))
            })
        });
        self.note(&format!("create_key {name}"), answer, |made| made.key.id.clone())
    }

    async fn revoke_key(&self, id_or_secret: &str) -> Result<bool> {
        let answer = self.asker().map(|asker| {
            self.everybody(|everybody| {
                let before = everybody.keys.len();
                everybody.keys.retain(|(owner, key, secret)| {
                    let named = key.id == id_or_secret || secret.expose() == id_or_secret;
                    *owner != asker.name || !named
                });
                everybody.keys.len() < before
            })
        });
        self.note("revoke_key", answer, ToString::to_string)
    }
}

fn forbidden(message: &str) -> Refusal {
    Refusal::new(RefusalKind::Forbidden, message)
}
