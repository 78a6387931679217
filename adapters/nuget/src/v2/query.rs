//! What a client asks of a set of packages: the options and arguments in the query of a URL.

use pakhus_core::{Refusal, RequestHead, Result};
use url::form_urlencoded;

use super::expression::Expression;
use super::property::Property;

/// The most rows of one answer where the client does not say, as at the public gallery.
const PAGE: u64 = 100;

/// The most rows of one answer: so many does PowerShell ask for at once, and it follows no links.
const LARGEST_PAGE: u64 = 6_000;

/// The most pairs of a query.
const MOST_PAIRS: usize = 100;

/// What is asked for.
#[derive(Debug)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    /// What must all hold.
    pub(super) filter: Vec<Expression>,
    /// What is ordered by, and whether the greatest comes first.
    pub(super) order: Vec<(Expression, bool)>,
    /// How many rows are left out.
    pub(super) skip: u64,
    /// How many rows are wanted in all.
    top: Option<u64>,
    /// What is answered of each row; nothing stands for everything.
    pub(super) select: Option<Vec<&'static Property>>,
    /// Whether the number of all rows is asked for.
    pub(super) is_counted: bool,
    /// Whether the client can read SemVer 2.0.0.
    pub(super) semver2: bool,
    /// Whether JSON is wanted, not Atom.
    pub(super) is_json: bool,
    /// How many packages earlier pages have done with.
    pub(super) done: u64,
}

impl Query {
    /// Reads the query of a request.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::Invalid`] when an option cannot be read.
    pub(super) fn of(head: &RequestHead) -> Result<Self> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(head.query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .take(MOST_PAIRS + 1)
            .collect();
        if pairs.len() > MOST_PAIRS {
            return Err(Refusal::invalid("the query has too many parameters"));
        }
        let mut query = Self {
            pairs,
            filter: Vec::new(),
            order: Vec::new(),
            skip: 0,
            top: None,
            select: None,
            is_counted: false,
            semver2: false,
            is_json: false,
            done: 0,
        };
        let filter = query.option("$filter").map(Expression::parse_filter).transpose()?;
        query.filter = filter.map(Expression::into_conjuncts).unwrap_or_default();
        query.order =
            query.option("$orderby").map(Expression::parse_order).transpose()?.unwrap_or_default();
        query.skip = query.number("$skip")?.unwrap_or(0);
        query.top = query.number("$top")?;
        query.done = query.number("$skiptoken")?.unwrap_or(0);
        query.select =
            query.option("$select").filter(|text| *text != "*").map(select).transpose()?;
        query.is_counted = match query.option("$inlinecount") {
            None | Some("none") => false,
            Some("allpages") => true,
            Some(_) => return Err(Refusal::invalid("`$inlinecount` is `allpages` or `none`")),
        };
        // Any level from 2.0.0 on, as at the public gallery.
        query.semver2 =
            query.option("semVerLevel").is_some_and(|level| level.trim_start().starts_with('2'));
        query.is_json = match query.option("$format") {
            Some(format) => format.to_ascii_lowercase().contains("json"),
            None => head.header("accept").is_some_and(|accept| {
                accept.contains("application/json") && !accept.contains("xml")
            }),
        };
        Ok(query)
    }

    /// The argument of a function: a text in quotes, or as some clients have it, without.
    pub(super) fn argument(&self, name: &str) -> Option<String> {
        let value = self.option(name)?;
        let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
        Some(quoted.map_or_else(|| value.to_owned(), |text| text.replace("''", "'")))
    }

    /// An argument that is true or false; false where there is none.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::Invalid`] when it is neither.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.argument(name).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "false" => Ok(false),
            "true" => Ok(true),
            _ => Err(Refusal::invalid(format!("`{name}` is neither `true` nor `false`"))),
        }
    }

    /// The most rows of this answer.
    pub(super) fn page(&self) -> u64 {
        self.top.unwrap_or(PAGE).min(LARGEST_PAGE)
    }

    /// The query of the rest, after `rows` were answered: from the package on that comes after `done`
    /// packages, without the first `skip` rows. Nothing when all that was wanted is answered.
    pub(super) fn rest(&self, rows: u64, done: u64, skip: u64) -> Option<String> {
        let top = self.top.map(|top| top.saturating_sub(rows));
        if top == Some(0) {
            return None;
        }
        let replaced = ["$skip", "$top", "$skiptoken"];
        let kept = self.pairs.iter().filter(|(name, _)| !replaced.contains(&name.as_str()));
        let mut rest = form_urlencoded::Serializer::new(String::new());
        rest.extend_pairs(kept);
        for (name, number) in [("$skiptoken", Some(done)), ("$skip", Some(skip)), ("$top", top)] {
            if let Some(number) = number {
                rest.append_pair(name, &number.to_string());
            }
        }
        Some(rest.finish())
    }

    /// The value of an option. Clients write some names in another case.
    fn option(&self, name: &str) -> Option<&str> {
        let found = self.pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    fn number(&self, name: &str) -> Result<Option<u64>> {
        let number = self.option(name).map(|text| text.trim().parse());
        number.transpose().map_err(|_| Refusal::invalid(format!("`{name}` is no whole number")))
    }
}

fn select(text: &str) -> Result<Vec<&'static Property>> {
    text.split(',').map(|name| Property::named(name.trim())).collect()
}
