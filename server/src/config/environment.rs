//! The environment form of every key: `PAKHUS__DATABASE__URL` is `url` of `[database]`,
//! `PAKHUS__FEEDS__0__NAME` is `name` of the first of `[[feeds]]`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

const PREFIX: &str = "PAKHUS__";

/// Environment variables. The process has one; tests make their own.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

impl Environment {
    /// The variables of this process.
    #[must_use]
    pub(crate) fn of_process() -> Self {
        Self { variables: std::env::vars_os().collect() }
    }

    /// The value of a variable; `None` when it is not set, or not UTF-8.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(OsStr::new(name))?.to_str()
    }

    /// The variables that are keys of the configuration, in the order to lay them over it: a list
    /// before its elements, and elements by number.
    ///
    /// # Errors
    /// The name of a variable that cannot be one, with the reason.
    pub(super) fn keys(&self) -> Result<Vec<Variable>, (String, &'static str)> {
        let mut keys = Vec::new();
        for (name, value) in &self.variables {
            let name = name.to_string_lossy();
            let Some(path) = name.strip_prefix(PREFIX) else { continue };
            let refuse = |reason| Err((name.clone().into_owned(), reason));
            let Some(value) = value.to_str() else { return refuse("its value is not UTF-8") };
            if path.chars().any(|c| c.is_ascii_lowercase()) {
                return refuse("the environment form of a key is in upper case");
            }
            let path: Vec<Step> = path.split("__").map(Step::parse).collect();
            if path.iter().any(|step| matches!(step, Step::Key(key) if key.is_empty())) {
                return refuse("it names no key: write `__` between a section and its key, once");
            }
            keys.push(Variable { name: name.into_owned(), path, value: value.to_owned() });
        }
        keys.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(keys)
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values may be secrets.
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self { variables: variables.collect() }
    }
}

/// One variable that is a key of the configuration.
pub(super) struct Variable {
    pub(super) name: String,
    path: Vec<Step>,
    value: String,
}

/// One level on the way to a key. Numbers sort before names, and by their value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Index(usize),
    Key(String),
}

impl Step {
    fn parse(text: &str) -> Self {
        match text.parse() {
            Ok(index) if text.chars().all(|c| c.is_ascii_digit()) => Self::Index(index),
            _ => Self::Key(text.to_ascii_lowercase()),
        }
    }
}

impl Variable {
    /// Whether its value, read as TOML, is a number, a boolean or a date: what a person may have
    /// meant as text, since the shell has no quotes to tell them apart.
    pub(super) fn may_be_text(&self) -> bool {
        !matches!(
            self.parse().as_ref().map(Spanned::get_ref),
            Some(DeValue::String(_) | DeValue::Array(_) | DeValue::Table(_)) | None
        )
    }

    /// Puts its value where its path says. Everything it adds gets `span`, by which errors find back
    /// to it.
    ///
    /// # Errors
    /// Why there is no such place.
    pub(super) fn lay_over<'i>(
        &'i self,
        root: &mut Spanned<DeValue<'i>>,
        span: &Range<usize>,
        as_text: bool,
    ) -> Result<(), String> {
        let mut place = root;
        for (depth, step) in self.path.iter().enumerate() {
            let empty = || Spanned::new(span.clone(), container(self.path.get(depth + 1)));
            // A number below a table is a key like any other: an unknown one, refused as such.
            place = match (place.get_mut(), step) {
                (DeValue::Array(list), Step::Index(index)) => {
                    if *index == list.len() {
                        list.push(empty());
                    }
                    let length = list.len();
                    list.get_mut(*index).ok_or_else(|| {
                        format!(
                            "there is no element {index}: the list has {length}, counted from 0"
                        )
                    })?
                }
                (DeValue::Table(table), step) => {
                    let key = match step {
                        Step::Key(key) => key.clone(),
                        Step::Index(index) => index.to_string(),
                    };
                    let key = Spanned::new(span.clone(), key.into());
                    table.entry(key).or_insert_with(empty)
                }
                (DeValue::Array(_), Step::Key(key)) => {
                    return Err(format!("`{key}` is below a list: number its element first"));
                }
                _ => return Err("there are no keys below this value".to_owned()),
            };
        }
        *place = self.value(span, as_text);
        Ok(())
    }

    fn parse(&self) -> Option<Spanned<DeValue<'_>>> {
        DeValue::parse(&self.value).ok()
    }

    fn value(&self, span: &Range<usize>, as_text: bool) -> Spanned<DeValue<'_>> {
        match self.parse() {
            Some(value) if !as_text => respan(value.into_inner(), span),
            _ => Spanned::new(span.clone(), DeValue::String(self.value.as_str().into())),
        }
    }
}

/// What holds the next step of a path; the value itself takes the place of the last.
fn container(next: Option<&Step>) -> DeValue<'static> {
    match next {
        Some(Step::Index(_)) => DeValue::Array(DeArray::new()),
        _ => DeValue::Table(DeTable::new()),
    }
}

/// Gives a value, and everything in it, the span that errors find back to its variable by.
fn respan<'i>(value: DeValue<'i>, span: &Range<usize>) -> Spanned<DeValue<'i>> {
    let value = match value {
        DeValue::Array(list) => {
            let items = list.into_iter().map(|item| respan(item.into_inner(), span));
            DeValue::Array(items.collect())
        }
        DeValue::Table(table) => {
            let entries = table.into_iter().map(|(key, value)| {
                (Spanned::new(span.clone(), key.into_inner()), respan(value.into_inner(), span))
            });
            DeValue::Table(entries.collect())
        }
        scalar => scalar,
    };
    Spanned::new(span.clone(), value)
}
