//! Secrets that this server makes.

use rand::RngExt as _;
use rand::distr::Alphanumeric;

/// Random letters and digits: 238 bits of chance.
fn random() -> String {
    rand::rng().sample_iter(Alphanumeric).take(40).map(char::from).collect()
}

/// A new API key. Its prefix lets scanners of source code recognise one that leaked.
pub(crate) fn new_api_key() -> String {
    format!("pakhus_{}", random())
}

/// A new password, which is typed once and then changed, or kept by a program.
pub(crate) fn new_password() -> String {
    random().chars().take(20).collect()
}

/// What names a sign-in that is under way, to the browser or to the client.
pub(crate) fn new_ticket() -> String {
    random()
}

/// A new sync token.
pub(crate) fn new_sync_token() -> String {
    format!("pakhus_sync_{}", random())
}
