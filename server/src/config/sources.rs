//! Where the configuration comes from, and the way back from a value to the place it is written at.
//!
//! Everything parsed carries its byte range in the file. A variable's values carry the one-byte range
//! that lies as far behind the end of the file as the variable stands in the list, so one number tells
//! them all apart.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::environment::{Environment, Variable};
use super::error::{ConfigError, Place};
use super::secret::{Secret, SecretSource};

/// The file and the environment, read but not understood yet.
pub(super) struct Sources<'a> {
    file: Option<&'a Path>,
    text: String,
    variables: Vec<Variable>,
    environment: &'a Environment,
}

impl<'a> Sources<'a> {
    pub(super) fn gather(
        file: Option<&'a Path>,
        environment: &'a Environment,
    ) -> Result<Self, ConfigError> {
        let text = match file {
            Some(file) => std::fs::read_to_string(file)
                .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?,
            None => String::new(),
        };
        let variables = environment
            .keys()
            .map_err(|(name, reason)| ConfigError::refused(Place::Variable(name), reason))?;
        Ok(Self { file, text, variables, environment })
    }

    /// Understands both as one `T`, the environment over the file.
    pub(super) fn parse<T: for<'de> Deserialize<'de>>(&self) -> Result<T, ConfigError> {
        // `PAKHUS__INSTANCE_NAME=42` reads as a number, and was meant as text. A variable whose value
        // does not fit is tried again as text; when text is wrong there as well, the first refusal is
        // the better one.
        let mut as_text = BTreeMap::new();
        loop {
            let error = match T::deserialize(ValueDeserializer::from(self.layers(&as_text)?)) {
                Ok(parsed) => return Ok(parsed),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_default();
            let refusal = self.refuse(&span, plain_words(error.message()));
            match self.variable(&span) {
                Some(index) if as_text.contains_key(&index) => {
                    let first = as_text.remove(&index).filter(|_| is_about_type(error.message()));
                    return Err(first.unwrap_or(refusal));
                }
                Some(index) if self.variables[index].may_be_text() => {
                    as_text.insert(index, refusal);
                }
                _ => return Err(refusal),
            }
        }
    }

    fn layers(
        &self,
        as_text: &BTreeMap<usize, ConfigError>,
    ) -> Result<Spanned<DeValue<'_>>, ConfigError> {
        let table = DeTable::parse(&self.text).map_err(|error| {
            self.refuse(&error.span().unwrap_or_default(), plain_words(error.message()))
        })?;
        let mut root = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
        for (index, variable) in self.variables.iter().enumerate() {
            let start = self.text.len() + 1 + index;
            let span = start..start + 1;
            variable
                .lay_over(&mut root, &span, as_text.contains_key(&index))
                .map_err(|reason| self.refuse(&span, reason))?;
        }
        Ok(root)
    }

    fn variable(&self, span: &Range<usize>) -> Option<usize> {
        let index = span.start.checked_sub(self.text.len() + 1)?;
        (index < self.variables.len()).then_some(index)
    }

    /// Where something with this span is written.
    pub(super) fn place(&self, span: &Range<usize>) -> Place {
        if let Some(index) = self.variable(span) {
            return Place::Variable(self.variables[index].name.clone());
        }
        match self.file {
            Some(file) => {
                let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                Place::Line { file: file.to_owned(), line }
            }
            None => Place::Defaults,
        }
    }

    /// Refuses what is written at `span`.
    pub(super) fn refuse(
        &self,
        span: &Range<usize>,
        reason: impl std::fmt::Display,
    ) -> ConfigError {
        ConfigError::refused(self.place(span), reason)
    }

    /// Whether there is a configuration file.
    pub(super) const fn has_file(&self) -> bool {
        self.file.is_some()
    }

    /// The folder that paths beside the file are relative to.
    pub(super) fn folder(&self) -> PathBuf {
        self.file.and_then(Path::parent).map(Path::to_owned).unwrap_or_default()
    }

    /// Fetches a secret from where `source` says it is; `key` names it in the refusal.
    pub(super) fn secret(
        &self,
        key: &str,
        source: &Spanned<SecretSource>,
    ) -> Result<Secret, ConfigError> {
        source
            .get_ref()
            .resolve(&self.folder(), self.environment)
            .map_err(|reason| self.refuse(&source.span(), format!("`{key}`: {reason}")))
    }
}

/// Whether a parser's message says that a value is of the wrong type.
fn is_about_type(message: &str) -> bool {
    message.starts_with("invalid type: ")
}

/// A parser's message in the words of the documentation, on one line.
fn plain_words(message: &str) -> String {
    let mut message = message.to_owned();
    // A value of the wrong type is not repeated: it may be a secret, out of its quotes or its list.
    if is_about_type(&message)
        && let Some(expected) = message.rfind(", expected")
        && let Some(value) = message[..expected].find(['`', '"'])
    {
        let end = message[..value].trim_end().len();
        message.replace_range(end..expected, "");
    }
    message
        .replace("unknown field", "unknown key")
        .replace("missing field", "missing key")
        .replace("unknown variant", "unknown value")
        .replace("expected a sequence", "expected a list")
        .replace("expected a string", "expected a text")
        .replace("expected i64", "expected a whole number")
        .replace("invalid type: sequence", "invalid type: list")
        .replace("invalid type: string", "invalid type: text")
        .replace("invalid type: map", "invalid type: table")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
