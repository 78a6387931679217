//! Who asks, and the API keys of the one who asks: what an adapter serves the sign-in of its clients with.

use std::fmt;

use async_trait::async_trait;

use crate::{Identity, Result, Timestamp};

/// What an adapter may ask about people and their API keys. Methods that are about the one who asks
/// refuse somebody who is not known with [`crate::RefusalKind::Unauthorized`].
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Makes a key, called `label`, for the one whose name and password these are. An API key as the
    /// password will do, with any name.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Unauthorized`] when they are not right, and
    /// [`crate::RefusalKind::TooManyRequests`] when they were not too often.
    async fn sign_in(&self, name: &str, password: &str, label: &str) -> Result<SignedIn>;

    /// Ends the key that `secret` is; does nothing when it is none.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Forbidden`] when the key belongs to the instance: operators end those.
    async fn sign_out(&self, secret: &str) -> Result<()>;

    /// Begins a sign-in on a page of the server's, at the end of which stands a key called `label`.
    ///
    /// # Errors
    /// [`crate::RefusalKind::TooManyRequests`] when too many are under way.
    async fn begin_login(&self, label: &str) -> Result<BegunLogin>;

    /// Asks for the key of a sign-in; it is given once.
    ///
    /// # Errors
    /// [`crate::RefusalKind::NotFound`] when there is no such sign-in, or no longer.
    async fn finish_login(&self, ticket: &Secret) -> Result<LoginState>;

    /// The user called `name`, or the one who asks when they are called so. To be told to those alone
    /// who are known.
    async fn user(&self, name: &str) -> Result<Option<Profile>>;

    /// The one who asks.
    async fn profile(&self) -> Result<Profile>;

    /// Changes the user who asks.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Forbidden`] when it is no user, the key that is shown reads only, or the old
    /// password is wrong; [`crate::RefusalKind::Invalid`] when the new values will not do.
    async fn change_profile(&self, change: ProfileChange) -> Result<Profile>;

    /// The keys of the one who asks, in the order in which they were made.
    async fn keys(&self) -> Result<Vec<AccountKey>>;

    /// Makes a key for the one who asks. It never may more than they may.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Forbidden`] when the key that is shown reads only, or the password is wrong;
    /// [`crate::RefusalKind::Invalid`] when the name or a network will not do.
    async fn create_key(&self, new: NewAccountKey) -> Result<CreatedKey>;

    /// Ends a key of the one who asks, by its id or by the key itself; `false` when they have no such
    /// key.
    ///
    /// # Errors
    /// [`crate::RefusalKind::Forbidden`] when the key that is shown reads only, or the key to end belongs
    /// to the instance.
    async fn revoke_key(&self, id_or_secret: &str) -> Result<bool>;
}

/// A text that is not shown when it is printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Who has signed in, and the key that was made for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Who.
    pub identity: Identity,
    /// The key, at most 80 characters of ASCII; it is told this once.
    pub secret: Secret,
}

/// A sign-in that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunLogin {
    /// The page to open in a browser.
    pub url: String,
    /// What the client asks with for its key.
    pub ticket: Secret,
}

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginState {
    /// Nobody has said yet who they are.
    Waiting,
    /// The key.
    Done(Secret),
}

/// Somebody, as adapters tell of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who.
    pub identity: Identity,
    /// Since when they are known.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

/// What changes of a user; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfileChange {
    /// The address of e-mail, or that there is none.
    pub email: Option<Option<String>>,
    /// The password.
    pub password: Option<PasswordChange>,
}

/// A change of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordChange {
    /// The one until now.
    pub old: Secret,
    /// The one from now on.
    pub new: Secret,
}

/// An API key of somebody, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountKey {
    /// What names it; no such text is the beginning of another.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The first characters of the key; empty where they are not known.
    pub beginning: String,
    /// Whether it reads only.
    pub read_only: bool,
    /// The networks that it may be used from, such as `10.0.0.0/8`; none: from anywhere.
    pub networks: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last shown, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A key that is to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewAccountKey {
    /// Its name.
    pub name: String,
    /// Whether it reads only.
    pub read_only: bool,
    /// The networks that it may be used from; none: from anywhere.
    pub networks: Vec<String>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The password of the user who asks; one that is given must be right.
    pub password: Option<Secret>,
}

impl NewAccountKey {
    /// A key of this name that may all that its owner may, without an end.
    pub fn called(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// A key that was made; this once with the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedKey {
    /// What is known of it.
    pub key: AccountKey,
    /// The key, at most 80 characters of ASCII.
    pub secret: Secret,
}
