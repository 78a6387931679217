//! Calls in paths: `Packages()`, `Packages(Id='…',Version='…')`.

use pakhus_core::{PackageName, PackageVersion, Refusal, Result};

use super::token::{Token, tokens};
use crate::route::{name_of, version_of};

/// A set or function with what is in its brackets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    arguments: Vec<(String, String)>,
}

impl Call {
    /// Reads a segment of a path; nothing when it does not look like a call.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::Invalid`] when there is something else in its brackets than texts
    /// with names.
    pub(super) fn parse(segment: &str) -> Result<Option<Self>> {
        let (name, arguments) = match segment.split_once('(') {
            None => (segment, ""),
            Some((name, rest)) => match rest.strip_suffix(')') {
                None => return Ok(None),
                Some(arguments) => (name, arguments),
            },
        };
        let mut call = Self { name: name.to_owned(), arguments: Vec::new() };
        let tokens = tokens(arguments)?;
        for argument in tokens.split(|token| *token == Token::Comma) {
            match argument {
                [] if tokens.is_empty() => {}
                [Token::Word(name), Token::Is, Token::Text(text)] => {
                    call.arguments.push((name.clone(), text.clone()));
                }
                _ => {
                    return Err(Refusal::invalid(format!(
                        "`{}` takes arguments as Id='…',Version='…'",
                        call.name
                    )));
                }
            }
        }
        Ok(Some(call))
    }

    /// The id and version in its brackets; nothing when they are empty.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::Invalid`] when they are no id and version.
    pub(super) fn key(&self) -> Result<Option<(PackageName, PackageVersion)>> {
        let argument = |name: &str| {
            let found = self.arguments.iter().find(|(known, _)| known == name);
            found.map(|(_, text)| text.as_str())
        };
        match (argument("Id"), argument("Version")) {
            (Some(id), Some(version)) => Ok(Some((name_of(id)?, version_of(version)?))),
            (None, None) if self.arguments.is_empty() => Ok(None),
            _ => Err(Refusal::invalid("a package is named by its Id and its Version")),
        }
    }
}
