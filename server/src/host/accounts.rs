//! Who asks, their API keys, and signing in: the server's side of [`pakhus_core::Accounts`].

use std::net::IpAddr;

use async_trait::async_trait;
use pakhus_core::{
    AccountKey, Accounts, BegunLogin, CreatedKey, LoginState, NewAccountKey, PasswordChange,
    Profile, ProfileChange, Refusal, RefusalKind, Result, Secret, SignedIn, Timestamp,
};
use pakhus_db::api_keys::{self, ApiKey, NewKey, Owner};
use pakhus_db::logins::{self, NewLogin, Polled};
use pakhus_db::users::{self, User, UserChange};

use super::RequestHost;
use crate::auth::{self, Caller, Network, Shown};
use crate::secrets::{new_api_key, new_ticket};
use crate::users::{Email, NewPassword};

/// Who asks, and from where.
pub(crate) struct Asker {
    /// Who; `None` for somebody who did not say.
    pub(crate) caller: Option<Caller>,
    /// The address of the socket.
    pub(crate) address: IpAddr,
    /// The URL of the server as the client sees it, without a trailing slash.
    pub(crate) root: String,
}

/// How long somebody has to sign in on the page.
const LOGIN_MS: i64 = 10 * 60 * 1_000;

#[async_trait]
impl Accounts for RequestHost {
    async fn sign_in(&self, name: &str, password: &str, label: &str) -> Result<SignedIn> {
        let shown = Shown { name: Some(name.to_owned()), secret: password.to_owned() };
        let caller = auth::recognise(&self.app, &shown, self.asker.address).await?;
        let unknown = "no user can be called so, and the password is no API key";
        let caller = caller.map_err(|denied| denied.refusal(unknown, unknown))?;
        let made = self.make_key(&caller, NewAccountKey::called(label)).await?;
        Ok(SignedIn { identity: caller.identity(), secret: made.secret })
    }

    async fn sign_out(&self, secret: &str) -> Result<()> {
        match api_keys::find(&self.app.database, secret, self.now).await? {
            None => Ok(()),
            Some(key) => self.revoke(&key).await,
        }
    }

    async fn begin_login(&self, label: &str) -> Result<BegunLogin> {
        let (page, poll) = (new_ticket(), new_ticket());
        let new = NewLogin {
            page: page.clone(),
            poll: poll.clone(),
            label: label.to_owned(),
            package_type: self.feed.settings.package_type.clone(),
            feed: self.feed.name().to_string(),
            address: self.asker.address.to_string(),
            expires_at: Timestamp::from_millis(self.now.millis() + LOGIN_MS),
        };
        if !logins::begin(&self.app.database, &new, self.now).await? {
            return Err(Refusal::new(
                RefusalKind::TooManyRequests { retry_after: 60 },
                "too many that sign in are not done: finish those, or wait ten minutes",
            ));
        }
        let url = format!("{}/login/{page}", self.asker.root);
        Ok(BegunLogin { url, ticket: Secret::new(poll) })
    }

    async fn finish_login(&self, ticket: &Secret) -> Result<LoginState> {
        let secret = new_api_key();
        let polled = logins::poll(&self.app.database, ticket.expose(), &secret, self.now).await?;
        match polled {
            Polled::Waiting => Ok(LoginState::Waiting),
            Polled::Made(_) => Ok(LoginState::Done(Secret::new(secret))),
            Polled::Unknown => Err(Refusal::not_found(
                "this sign-in is over: it took longer than ten minutes, or its key was taken already",
            )),
        }
    }

    async fn user(&self, name: &str) -> Result<Option<Profile>> {
        if let Some(user) = users::find(&self.app.database, name).await? {
            return Ok(Some(profile_of(&Caller::of_user(user))));
        }
        let caller = self.asker.caller.as_ref().filter(|caller| caller.identity().name == name);
        Ok(caller.map(profile_of))
    }

    async fn profile(&self) -> Result<Profile> {
        self.caller().map(profile_of)
    }

    async fn change_profile(&self, change: ProfileChange) -> Result<Profile> {
        let caller = self.changing_caller()?;
        let Some(user) = caller.user().filter(|_| caller.identity().is_user) else {
            return Err(forbidden("an API key has no profile to change: only users have"));
        };
        let email = change.email.map(|email| email.map(|email| email.parse::<Email>()).transpose());
        let email = email.transpose().map_err(Refusal::invalid)?;
        let password = match change.password {
            None => None,
            Some(PasswordChange { old, new }) => {
                let new: NewPassword = new.expose().parse().map_err(Refusal::invalid)?;
                self.check_password(user, &old).await?;
                Some(self.app.passwords.hash(new.expose()).await?)
            }
        };
        let email = email.map(|email| email.map(Email::into_string));
        let change = UserChange { email, scopes: None, password };
        let changed = users::update(&self.app.database, user.id, change, self.now).await?;
        let changed = changed.ok_or_else(|| forbidden("this user was removed"))?;
        Ok(profile_of(&Caller::of_user(changed)))
    }

    async fn keys(&self) -> Result<Vec<AccountKey>> {
        let keys = self.own_keys(self.caller()?).await?;
        Ok(keys.into_iter().map(account_key).collect())
    }

    async fn create_key(&self, new: NewAccountKey) -> Result<CreatedKey> {
        let caller = self.changing_caller()?;
        if let (Some(user), Some(password)) = (caller.user(), &new.password)
            && caller.identity().is_user
        {
            self.check_password(user, password).await?;
        }
        self.make_key(caller, new).await
    }

    async fn revoke_key(&self, id_or_secret: &str) -> Result<bool> {
        let caller = self.changing_caller()?;
        let shown = api_keys::find(&self.app.database, id_or_secret, self.now).await?;
        let names_it = |key: &ApiKey| {
            key.handle == id_or_secret || shown.as_ref().is_some_and(|shown| shown.id == key.id)
        };
        match self.own_keys(caller).await?.into_iter().find(names_it) {
            None => Ok(false),
            Some(key) => self.revoke(&key).await.map(|()| true),
        }
    }
}

impl RequestHost {
    fn caller(&self) -> Result<&Caller> {
        self.asker.caller.as_ref().ok_or_else(|| {
            let message =
                "nobody is signed in: this needs an API key, or a user's name and password";
            Refusal::new(RefusalKind::Unauthorized, message)
        })
    }

    /// The one who asks, who may change something of theirs.
    fn changing_caller(&self) -> Result<&Caller> {
        let caller = self.caller()?;
        if caller.reads_only() { Err(forbidden("this API key only reads")) } else { Ok(caller) }
    }

    /// Checks the password of the user who asks. A wrong one is no reason to doubt who asks, which 401
    /// would say.
    async fn check_password(&self, user: &User, password: &Secret) -> Result<()> {
        let (passwords, address) = (&self.app.passwords, self.asker.address);
        let checked = passwords.check(Some(user), &user.name, password.expose(), address).await;
        checked.map_err(|denied| match denied {
            auth::Denied::WrongPassword => forbidden("the password is wrong"),
            denied => denied.refusal("", ""),
        })
    }

    /// The keys of somebody: of a user all of theirs, of a key itself and those that it made.
    async fn own_keys(&self, caller: &Caller) -> Result<Vec<ApiKey>> {
        let mut keys = api_keys::list_owned(&self.app.database, caller.account()).await?;
        if let Some(shown) = caller.key()
            && !keys.iter().any(|key| key.id == shown.id)
        {
            keys.insert(0, shown.clone());
        }
        Ok(keys)
    }

    async fn make_key(&self, caller: &Caller, new: NewAccountKey) -> Result<CreatedKey> {
        let name = new.name.trim();
        if name.is_empty() || name.len() > 100 {
            return Err(Refusal::invalid("give the key a name of 1 to 100 bytes"));
        }
        if new.expires_at.is_some_and(|end| end <= self.now) {
            return Err(Refusal::invalid("the key would have ended already"));
        }
        let mut networks = Vec::new();
        for network in &new.networks {
            networks.push(network.parse::<Network>().map_err(Refusal::invalid)?.to_string());
        }
        let owner = caller.as_owner().ok_or_else(|| {
            forbidden("this API key was made by one that was made by one, and so on: use another")
        })?;
        let secret = new_api_key();
        let new = NewKey {
            name: name.to_owned(),
            secret: secret.clone(),
            scopes: Vec::new(),
            read_only: new.read_only,
            networks,
            owner,
            expires_at: new.expires_at,
        };
        let key = api_keys::add(&self.app.database, &new, self.now).await?;
        Ok(CreatedKey { key: account_key(key), secret: Secret::new(secret) })
    }

    async fn revoke(&self, key: &ApiKey) -> Result<()> {
        if key.owner == Owner::default() {
            return Err(forbidden(
                "this API key belongs to the operator of the server, who alone ends it",
            ));
        }
        api_keys::revoke(&self.app.database, key.id).await?;
        Ok(())
    }
}

fn forbidden(message: &str) -> Refusal {
    Refusal::new(RefusalKind::Forbidden, message)
}

fn profile_of(caller: &Caller) -> Profile {
    let (identity, key) = (caller.identity(), caller.key());
    let (created_at, updated_at) = match (caller.user(), key) {
        (Some(user), _) => (user.created_at, user.updated_at),
        (None, Some(key)) => (key.created_at, key.created_at),
        (None, None) => (Timestamp::EPOCH, Timestamp::EPOCH),
    };
    Profile { identity, created_at, updated_at }
}

fn account_key(key: ApiKey) -> AccountKey {
    AccountKey {
        id: key.handle,
        name: key.name,
        beginning: key.beginning,
        read_only: key.read_only,
        networks: key.networks,
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
    }
}
