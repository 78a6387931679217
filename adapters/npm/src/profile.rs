//! `npm profile`: the user who asks.

use pakhus_core::{
    Host, PasswordChange, Profile, ProfileChange, Refusal, Response, Result, Secret,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::account::{MAX_BODY, private};
use crate::document::malformed;
use crate::json::{Members, string};

/// Answers `GET /-/npm/v1/user`.
pub(crate) async fn show(host: &dyn Host) -> Result<Response> {
    Ok(rendered(&host.accounts().profile().await?))
}

/// A change of the password, as npm sends it.
#[derive(Deserialize)]
struct Passwords {
    old: String,
    new: String,
}

/// Answers `POST /-/npm/v1/user`. npm sends back all that it read, with one member changed and what is
/// empty as `null`.
pub(crate) async fn change(host: &dyn Host) -> Result<Response> {
    let body = host.receive_bytes(MAX_BODY).await?;
    let body: Members<'_> = serde_json::from_slice(&body).map_err(malformed("the profile"))?;
    let mut change = ProfileChange::default();
    for (member, value) in &body.0 {
        match member.as_str() {
            "password" => change.password = password(value)?,
            "email" => {
                let email = if is_empty(value) { None } else { string(value) };
                if email.is_none() && !is_empty(value) {
                    return Err(Refusal::invalid("`email` is no text"));
                }
                change.email = Some(email);
            }
            "tfa" if !is_empty(value) => {
                return Err(Refusal::invalid("this registry has no two-factor authentication"));
            }
            _ if !is_empty(value) => {
                let member: String = member.chars().take(80).collect();
                return Err(Refusal::invalid(format!(
                    "this registry keeps no `{member}` of its users, only `email` and `password`"
                )));
            }
            _ => {}
        }
    }
    Ok(rendered(&host.accounts().change_profile(change).await?))
}

fn password(value: &RawValue) -> Result<Option<PasswordChange>> {
    if is_empty(value) {
        return Ok(None);
    }
    let Passwords { old, new } =
        serde_json::from_str(value.get()).map_err(malformed("the password"))?;
    Ok(Some(PasswordChange { old: Secret::new(old), new: Secret::new(new) }))
}

fn is_empty(value: &RawValue) -> bool {
    matches!(value.get(), "null" | "\"\"" | "false")
}

fn rendered(profile: &Profile) -> Response {
    private(200, |object| {
        object.raw("tfa", "false");
        object.string("name", &profile.identity.name);
        object.string("email", profile.identity.email.as_deref().unwrap_or_default());
        // Nobody has looked whether it is theirs.
        object.raw("email_verified", "false");
        object.string("created", &profile.created_at.to_string());
        object.string("updated", &profile.updated_at.to_string());
        object.raw("cidr_whitelist", "null");
        object.string("fullname", "");
    })
}
