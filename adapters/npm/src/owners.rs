//! Owners of a package: who is shown as its maintainers.
//!
//! They are names that clients show and nothing else: who may publish is decided by the feed's
//! permissions. They are kept as an attribute of the package, which replicates as others do; as long
//! as nobody set it, whoever published a version is an owner.

use pakhus_core::{Edit, Host, Metadata, PackageName, Refusal, Response, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::document::malformed;
use crate::error::no_such_package;
use crate::json::ObjectWriter;
use crate::metadata::VersionMetadata;
use crate::rev;
use crate::view::View;

/// The attribute of a package whose value is the list of its owners.
pub(crate) const MAINTAINERS: &str = "maintainers";

/// The most owners of a package.
const MAX_OWNERS: usize = 100;

/// The longest name or address, in bytes.
const MAX_TEXT: usize = 254;

/// The most bytes of a request that adds one.
const MAX_BODY: usize = 4 << 10;

/// Somebody, as clients send and read them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) email: String,
}

impl Person {
    /// Somebody of whom the name alone is known.
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), email: String::new() }
    }
}

/// Reads the owners that an attribute's value says, which nobody has checked yet.
pub(crate) fn of_attribute(value: &Metadata) -> Result<Vec<Person>> {
    let owners: Vec<Person> = value.parse().map_err(malformed("the list of maintainers"))?;
    check(&owners)?;
    Ok(owners)
}

/// Checks an attribute of another site.
pub(crate) fn check_attribute(version: Option<&str>, value: &Metadata) -> Result<()> {
    match version {
        Some(_) => Err(Refusal::invalid("a package has maintainers, not a version")),
        None => of_attribute(value).map(drop),
    }
}

/// Answers `PUT /{pkg}/-rev/{rev}` with `maintainers`: those are the owners from now on.
pub(crate) async fn replace(
    name: &PackageName,
    rev: &str,
    maintainers: &RawValue,
    host: &dyn Host,
) -> Result<Response> {
    let owners: Vec<Person> =
        serde_json::from_str(maintainers.get()).map_err(malformed("`maintainers`"))?;
    let contents = rev::unchanged(name, rev, host).await?;
    rev::commit(&contents, vec![set(name, &owners)?], host).await?;
    Ok(changed())
}

/// Answers `PUT /-/package/{pkg}/owners`, by which pnpm adds one.
pub(crate) async fn add(name: &PackageName, host: &dyn Host) -> Result<Response> {
    #[derive(Deserialize)]
    struct Added {
        user: String,
    }
    let body = host.receive_bytes(MAX_BODY).await?;
    let added: Added = serde_json::from_slice(&body).map_err(malformed("the owner"))?;
    let contents = host.contents(name).await?.ok_or_else(|| no_such_package(name))?;
    let mut owners = View::of(&contents).owners()?;
    if owners.iter().all(|owner| owner.name != added.user) {
        owners.push(Person::named(&added.user));
        rev::commit(&contents, vec![set(name, &owners)?], host).await?;
    }
    Ok(changed())
}

/// Answers `GET /-/package/{pkg}/collaborators`.
pub(crate) async fn collaborators(name: &PackageName, host: &dyn Host) -> Result<Response> {
    let contents = host.contents(name).await?.ok_or_else(|| no_such_package(name))?;
    let mut text = String::new();
    let mut object = ObjectWriter::open(&mut text);
    for owner in View::of(&contents).owners()? {
        object.string(&owner.name, "read-write");
    }
    object.close();
    Ok(Response::json(200, text).with_header("cache-control", "private, no-cache"))
}

/// Adds who published a version, if it is known and not there yet.
pub(crate) fn add_publisher(publishers: &mut Vec<Person>, metadata: &VersionMetadata<'_>) {
    if let Some(name) = &metadata.publisher
        && publishers.iter().all(|known| known.name != *name)
    {
        publishers.push(Person::named(name));
    }
}

fn set(name: &PackageName, owners: &[Person]) -> Result<Edit> {
    check(owners)?;
    Ok(Edit::SetAttribute {
        name: name.clone(),
        version: None,
        attribute: MAINTAINERS.to_owned(),
        value: Some(Metadata::from_value(&owners).map_err(Refusal::internal)?),
    })
}

fn check(owners: &[Person]) -> Result<()> {
    if owners.is_empty() || owners.len() > MAX_OWNERS {
        return Err(Refusal::invalid(format!("a package has one to {MAX_OWNERS} maintainers")));
    }
    for (index, Person { name, email }) in owners.iter().enumerate() {
        let is_text = |text: &str| text.len() <= MAX_TEXT && !text.chars().any(char::is_control);
        // Set on a plain object in a JavaScript client, it would not become a member.
        if name.is_empty() || name == "__proto__" || !is_text(name) || !is_text(email) {
            return Err(Refusal::invalid("a maintainer has no name that is one"));
        }
        if owners[..index].iter().any(|other| other.name == *name) {
            return Err(Refusal::invalid(format!("the maintainer `{name}` is there twice")));
        }
    }
    Ok(())
}

fn changed() -> Response {
    Response::json(200, r#"{"ok":"owners changed","success":true}"#)
}
