//! Passwords: hashed slowly, a few at a time, and not again for every request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use moka::future::Cache;
use pakhus_core::{Digest, Refusal};
use pakhus_db::users::{PasswordHash, User};
use rand::RngExt as _;
use tokio::sync::{OnceCell, Semaphore};

use super::Denied;
use super::throttle::Throttle;

/// How long a password that was right is taken again without a look at its hash. A changed password has
/// another hash, and so is looked at.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How long a password that was wrong is refused again without counting as another try: programs send one
/// many times over, which guesses nothing.
const REMEMBERED_WRONG: Duration = Duration::from_secs(60);
/// The most passwords of either kind that are remembered, each as 32 bytes that tell nothing of it.
const MOST_REMEMBERED: u64 = 10_000;
/// How long somebody waits for a turn.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most hashes that are made at once: each takes 19 MiB and a processor.
const MOST_AT_ONCE: usize = 4;

/// Makes hashes of passwords and checks passwords against them.
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    right: Cache<Digest, ()>,
    wrong: Cache<Digest, ()>,
    /// What makes these digests useless elsewhere.
    key: [u8; 32],
    /// The hash that is checked where there is no user, which must take as long.
    of_nobody: OnceCell<PasswordHash>,
    throttle: Throttle,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new(processors.min(MOST_AT_ONCE))),
            right: remembering(REMEMBERED),
            wrong: remembering(REMEMBERED_WRONG),
            key: rand::rng().random(),
            of_nobody: OnceCell::new(),
            throttle: Throttle::default(),
        }
    }

    /// Makes the hash of a password, with a salt of its own: argon2id with the parameters that OWASP's
    /// Password Storage Cheat Sheet gives first (19 MiB, 2 passes, 1 lane).
    pub(crate) async fn hash(&self, password: &str) -> Result<PasswordHash, Refusal> {
        let password = password.to_owned();
        let made = self.in_turn(move || {
            let made = Argon2::default().hash_password(password.as_bytes());
            made.map(|hash| PasswordHash(hash.to_string()))
        });
        let made = made.await.map_err(|denied| denied.refusal("", ""))?;
        made.map_err(Refusal::internal)
    }

    /// Checks that `password` is that of the user; of nobody (`None`, who called themselves `name`) none
    /// is.
    pub(crate) async fn check(
        &self,
        user: Option<&User>,
        name: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<(), Denied> {
        let hash = match user {
            Some(user) => user.password.clone(),
            None => self.of_nobody().await?,
        };
        let id = user.map_or(0, |user| user.id).to_be_bytes();
        let parts = [&self.key, &id[..], name.as_bytes(), hash.0.as_bytes(), password.as_bytes()];
        let tried = Digest::of_parts(&parts);
        if self.wrong.contains_key(&tried) {
            return Err(Denied::WrongPassword);
        }
        // Who sends many requests at once with the right password has it checked once.
        let checked = self.right.try_get_with(tried, async {
            self.throttle
                .begin(name, address, Instant::now())
                .map_err(|seconds| Denied::TooOften { seconds })?;
            let password = password.to_owned();
            let is_right = self.in_turn(move || is_right(&hash, &password)).await?;
            if user.is_none() || !is_right {
                self.wrong.insert(tried, ()).await;
                return Err(Denied::WrongPassword);
            }
            self.throttle.succeeded(name, address);
            Ok(())
        });
        checked.await.map_err(|denied: Arc<Denied>| *denied)
    }

    async fn of_nobody(&self) -> Result<PasswordHash, Denied> {
        let make = async || self.hash("").await.map_err(|_| Denied::TooOften { seconds: 5 });
        self.of_nobody.get_or_try_init(make).await.cloned()
    }

    /// Does slow work off the threads that answer requests, when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Denied> {
        let busy = Denied::TooOften { seconds: 5 };
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else { return Err(busy) };
        let working = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|_| busy)
    }
}

fn remembering(time: Duration) -> Cache<Digest, ()> {
    Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(time).build()
}

fn is_right(hash: &PasswordHash, password: &str) -> bool {
    Phc::new(&hash.0)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use pakhus_core::Timestamp;
    use pakhus_db::feeds::Origin;

    use super::*;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    async fn user(passwords: &Passwords, password: &str) -> User {
        User {
            id: 1,
            name: "alice".to_owned(),
            email: None,
            scopes: Vec::new(),
            password: passwords.hash(password).await.expect("a hash"),
            origin: Origin::Database,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    #[tokio::test]
    async fn the_right_password_is_taken_and_checked_once() {
        let passwords = Passwords::new();
        let alice = user(&passwords, "correct horse").await;
        assert!(alice.password.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let check = |password| passwords.check(Some(&alice), "alice", password, HOME);
        assert_eq!(check("Correct horse").await, Err(Denied::WrongPassword));
        // More than the throttle would let through, if each were checked.
        for _ in 0..50 {
            assert_eq!(check("correct horse").await, Ok(()));
        }
    }

    #[tokio::test]
    async fn a_changed_password_counts_at_once() {
        let passwords = Passwords::new();
        let before = user(&passwords, "correct horse").await;
        let after = user(&passwords, "battery staple").await;
        assert_eq!(passwords.check(Some(&before), "alice", "correct horse", HOME).await, Ok(()));
        let old = passwords.check(Some(&after), "alice", "correct horse", HOME).await;
        assert_eq!(old, Err(Denied::WrongPassword));
        assert_eq!(passwords.check(Some(&after), "alice", "battery staple", HOME).await, Ok(()));
    }

    #[tokio::test]
    async fn the_same_wrong_password_again_is_no_other_try() {
        let passwords = Passwords::new();
        let alice = user(&passwords, "correct horse").await;
        let check = |password| passwords.check(Some(&alice), "alice", password, HOME);
        for _ in 0..50 {
            assert_eq!(check("battery staple").await, Err(Denied::WrongPassword));
        }
        assert_eq!(check("correct horse").await, Ok(()));
        // Until it is the right one.
        let changed = user(&passwords, "battery staple").await;
        let taken = passwords.check(Some(&changed), "alice", "battery staple", HOME).await;
        assert_eq!(taken, Ok(()));
    }

    #[tokio::test]
    async fn tries_are_throttled_for_users_and_for_names_that_are_none() {
        let passwords = Passwords::new();
        for number in 0..5 {
            let tried = passwords.check(None, "nobody", &format!("guess {number}"), HOME).await;
            assert_eq!(tried, Err(Denied::WrongPassword));
        }
        let tried = passwords.check(None, "nobody", "guess 6", HOME).await;
        assert!(matches!(tried, Err(Denied::TooOften { seconds: 1..=61 })), "{tried:?}");
        // Also the password that the hash of nobody was made of is none.
        let other = passwords.check(None, "other", "", HOME).await;
        assert_eq!(other, Err(Denied::WrongPassword));
    }
}
