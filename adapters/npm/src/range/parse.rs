//! Parsing ranges: each form is turned into the bounds that it stands for.

use super::{Comparator, Operator, Options};
use crate::node_version::{Identifier, NodeVersion, Scanner, is_identifier};

/// The longest range, in bytes. Node has no limit; no manifest is near this one.
const MAX_BYTES: usize = 1 << 10;

/// Why a text is no comparator.
#[derive(Debug)]
enum Error {
    /// It is not written like one: loosely, it is passed over.
    Malformed,
    /// It has a number that versions cannot have: the whole range is none.
    TooGreat,
}

type Result<T, E = Error> = std::result::Result<T, E>;

/// A version of which parts may be left open.
struct Partial {
    /// Major, minor and patch, as far as they are given.
    given: [Option<u64>; 3],
    /// A number follows a wildcard, as in `1.x.5`.
    is_out_of_order: bool,
    pre_release: Vec<Identifier>,
    /// It is written as the standard says, but for a leading `v`.
    is_plain: bool,
}

/// The alternatives of a range.
pub(super) fn alternatives(text: &str, options: Options) -> Option<Vec<Vec<Comparator>>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let mut alternatives = Vec::new();
    for alternative in text.split("||") {
        let comparators = comparators(alternative, options)?;
        if !comparators.is_empty() {
            alternatives.push(comparators);
        }
    }
    let first = alternatives.first().cloned()?;
    if alternatives.len() > 1 {
        alternatives.retain(|comparators| !comparators.iter().any(Comparator::is_nothing));
        if alternatives.is_empty() {
            alternatives.push(first);
        }
        if alternatives.iter().any(|comparators| *comparators == [Comparator::Any]) {
            alternatives = vec![vec![Comparator::Any]];
        }
    }
    Some(alternatives)
}

/// The comparators of one alternative; none when, read loosely, there is not a single one.
fn comparators(text: &str, options: Options) -> Option<Vec<Comparator>> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = match hyphen(&text, options) {
        Some(bounds) => bounds.ok()?,
        None => {
            let mut found = Vec::new();
            for part in joined(&text).split(' ') {
                match comparator(part, options) {
                    Ok(bounds) => found.extend(bounds),
                    Err(Error::Malformed) if options.loose => {}
                    Err(_) => return None,
                }
            }
            found
        }
    };
    let mut kept: Vec<Comparator> = Vec::new();
    for comparator in found {
        let comparator = comparator.without_lowest(options);
        if comparator.is_nothing() {
            return Some(vec![comparator]);
        }
        if !kept.contains(&comparator) {
            kept.push(comparator);
        }
    }
    if kept.len() > 1 {
        kept.retain(|comparator| *comparator != Comparator::Any);
    }
    Some(kept)
}

/// `1.2 - 2.3.4`; `None` when the text is not of that form.
fn hyphen(text: &str, options: Options) -> Option<Result<Vec<Comparator>>> {
    let (from, to) = text.split_once(" - ")?;
    let (from, to) = (Partial::parse(from, options)?, Partial::parse(to, options)?);
    // The whole versions go through the rules of a comparator, which are stricter.
    let is_plain = |partial: &Partial| partial.is_plain || options.loose;
    let is_whole = |partial: &Partial| partial.given[2].is_some();
    if (is_whole(&from) && !is_plain(&from))
        || (is_whole(&to) && to.pre_release.is_empty() && !is_plain(&to))
    {
        return Some(Err(Error::Malformed));
    }
    let lower = match from.given {
        [None, ..] => Ok(Comparator::Any),
        [Some(_), _, Some(_)] if !from.pre_release.is_empty() => {
            bound(Operator::GreaterOrEqual, from.numbers(), from.pre_release)
        }
        _ => from_lowest(from.numbers(), options),
    };
    let upper = match to.given {
        [None, ..] => Ok(Comparator::Any),
        [Some(_), _, Some(_)] if !to.pre_release.is_empty() => {
            bound(Operator::LessOrEqual, to.numbers(), to.pre_release)
        }
        [Some(_), _, Some(_)] if !options.include_pre_release => {
            bound(Operator::LessOrEqual, to.numbers(), Vec::new())
        }
        _ => below(to.next()),
    };
    Some(lower.and_then(|lower| Ok(vec![lower, upper?])))
}

/// The text without the spaces between an operator and its version.
fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        joined.push(character);
        rest = after;
        match character {
            '~' => {
                let operand = after.strip_prefix('>').unwrap_or(after);
                if operand.starts_with(' ') {
                    rest = operand.trim_start();
                }
            }
            '^' => rest = after.trim_start(),
            '<' | '>' | '=' => {
                if character != '='
                    && let Some(after) = rest.strip_prefix('=')
                {
                    joined.push('=');
                    rest = after;
                }
                let operand = rest.trim_start();
                let version = operand.trim_start_matches(['v', '=', ' ']);
                if version.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'x' | 'X' | '*'))
                {
                    // What stands before the number stays as it is.
                    joined.push_str(&operand[..operand.len() - version.len()]);
                    rest = version;
                }
            }
            _ => {}
        }
    }
    joined
}

/// One comparator, or what is short for several.
fn comparator(text: &str, options: Options) -> Result<Vec<Comparator>> {
    if text.is_empty() {
        return Ok(vec![Comparator::Any]);
    }
    let text = without_build(text);
    if let Some(operand) = text.strip_prefix('^')
        && let Some(partial) = Partial::parse(operand, options)
    {
        return caret(partial, options);
    }
    if let Some(operand) = text.strip_prefix("~>").or_else(|| text.strip_prefix('~'))
        && let Some(partial) = Partial::parse(operand, options)
    {
        return tilde(partial, options);
    }
    let (operator, operand) = operator(&text);
    match Partial::parse(operand, options) {
        Some(partial) => compared(operator, partial, options),
        None if text.contains('*') => comparator(&without_stars(&text), options),
        None => Err(Error::Malformed),
    }
}

/// `^1.2.3`: what changes nothing left of the first number that is not zero.
fn caret(partial: Partial, options: Options) -> Result<Vec<Comparator>> {
    let [major, minor, patch] = partial.numbers();
    let upper = match partial.given {
        [None, ..] => return Ok(vec![Comparator::Any]),
        [Some(0), Some(0), Some(_)] => [0, 0, patch.saturating_add(1)],
        [Some(0), Some(_), _] => [0, minor.saturating_add(1), 0],
        _ => [major.saturating_add(1), 0, 0],
    };
    Ok(vec![partial.lower(options)?, below(upper)?])
}

/// `~1.2.3`: what changes at most the patch.
fn tilde(partial: Partial, options: Options) -> Result<Vec<Comparator>> {
    let [major, minor, _] = partial.numbers();
    let upper = match partial.given {
        [None, ..] => return Ok(vec![Comparator::Any]),
        [_, None, _] => [major.saturating_add(1), 0, 0],
        _ => [major, minor.saturating_add(1), 0],
    };
    Ok(vec![partial.lower(options)?, below(upper)?])
}

/// `>=1.2`, `1.x`, `1.2.3`.
fn compared(operator: Operator, partial: Partial, options: Options) -> Result<Vec<Comparator>> {
    if partial.is_out_of_order {
        return Err(Error::Malformed);
    }
    let numbers = partial.numbers();
    if partial.given[2].is_some() {
        if !partial.is_plain && !options.loose {
            return Err(Error::Malformed);
        }
        return Ok(vec![bound(operator, numbers, partial.pre_release)?]);
    }
    if partial.given[0].is_none() {
        return match operator {
            Operator::Less | Operator::Greater => Ok(vec![below([0; 3])?]),
            _ => Ok(vec![Comparator::Any]),
        };
    }
    let next = partial.next();
    Ok(match operator {
        Operator::Greater => vec![from_lowest(next, options)?],
        Operator::GreaterOrEqual => vec![from_lowest(numbers, options)?],
        Operator::Less => vec![below(numbers)?],
        Operator::LessOrEqual => vec![below(next)?],
        Operator::Equal => vec![from_lowest(numbers, options)?, below(next)?],
    })
}

fn operator(text: &str) -> (Operator, &str) {
    let operators = [
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("=", Operator::Equal),
    ];
    operators
        .into_iter()
        .find_map(|(written, operator)| Some((operator, text.strip_prefix(written)?)))
        .unwrap_or((Operator::Equal, text))
}

/// The text without its first build metadata.
fn without_build(text: &str) -> String {
    let mut scanner = Scanner { rest: text, loose: false };
    loop {
        scanner.take_while(|c| c != '+');
        let start = text.len() - scanner.rest.len();
        if scanner.rest.is_empty() {
            return text.to_owned();
        }
        if scanner.rest[1..].starts_with(is_identifier) {
            scanner.take('+');
            scanner.take_while(is_identifier);
            while scanner.rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(is_identifier))
            {
                scanner.dot();
                scanner.take_while(is_identifier);
            }
            return format!("{}{}", &text[..start], scanner.rest);
        }
        scanner.take('+');
    }
}

/// The text without its stars and the operators before them: each stands for every version.
fn without_stars(text: &str) -> String {
    let mut kept = String::new();
    let mut parts = text.split('*').peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let part = match is_last {
            true => part,
            false => {
                let part = part.strip_suffix('=').unwrap_or(part);
                part.strip_suffix(['<', '>']).unwrap_or(part)
            }
        };
        kept.push_str(part);
    }
    kept
}

fn bound(
    operator: Operator,
    numbers: [u64; 3],
    pre_release: Vec<Identifier>,
) -> Result<Comparator> {
    let version = NodeVersion::new(numbers, pre_release).ok_or(Error::TooGreat)?;
    Ok(Comparator::Bound(operator, version))
}

/// Below a version and all its pre-releases.
fn below(numbers: [u64; 3]) -> Result<Comparator> {
    bound(Operator::Less, numbers, vec![Identifier::Number(0)])
}

/// From a version on; from its lowest pre-release on, when those are included.
fn from_lowest(numbers: [u64; 3], options: Options) -> Result<Comparator> {
    let lowest = options.include_pre_release.then_some(Identifier::Number(0));
    bound(Operator::GreaterOrEqual, numbers, lowest.into_iter().collect())
}

impl Comparator {
    /// `>=0.0.0` is every version, and so is `>=0.0.0-0` when pre-releases are included.
    fn without_lowest(self, options: Options) -> Self {
        let lowest = match options.include_pre_release {
            true => NodeVersion::lowest([0; 3]),
            false => NodeVersion::release([0; 3]),
        };
        match &self {
            Self::Bound(Operator::GreaterOrEqual, version) if Some(version) == lowest.as_ref() => {
                Self::Any
            }
            _ => self,
        }
    }
}

impl Partial {
    /// Parses one to three numbers or wildcards, the third with a pre-release or not.
    fn parse(text: &str, options: Options) -> Option<Self> {
        let operand = text.trim_start_matches(['v', '=', ' ']);
        let prefix = &text[..text.len() - operand.len()];
        let mut scanner = Scanner { rest: operand, loose: options.loose };
        let mut written = [None; 3];
        for (index, position) in written.iter_mut().enumerate() {
            if index > 0 && !scanner.dot() {
                break;
            }
            *position = Some(match scanner.rest.starts_with(['x', 'X', '*']) {
                true => {
                    scanner.rest = &scanner.rest[1..];
                    None
                }
                false => Some(scanner.number()?),
            });
        }
        let mut pre_release = Vec::new();
        if written[2].is_some() {
            pre_release = scanner.pre_release()?;
            scanner.build();
        }
        if !scanner.rest.is_empty() {
            return None;
        }
        let [major, minor, patch] = written.map(Option::flatten);
        let minor_given = major.and(minor);
        Some(Self {
            given: [major, minor_given, minor_given.and(patch)],
            is_out_of_order: (major.is_none() && minor.is_some())
                || (minor.is_none() && patch.is_some()),
            pre_release,
            is_plain: matches!(prefix, "" | "v"),
        })
    }

    /// Its numbers, zero where they are left open.
    fn numbers(&self) -> [u64; 3] {
        self.given.map(Option::unwrap_or_default)
    }

    /// The lowest version above all that it leaves open.
    fn next(&self) -> [u64; 3] {
        match self.given {
            [Some(major), Some(minor), Some(patch)] => [major, minor, patch.saturating_add(1)],
            [Some(major), Some(minor), None] => [major, minor.saturating_add(1), 0],
            [major, ..] => [major.unwrap_or_default().saturating_add(1), 0, 0],
        }
    }

    /// The lower bound of a caret or tilde range.
    fn lower(self, options: Options) -> Result<Comparator> {
        match self.given[2] {
            Some(_) => bound(Operator::GreaterOrEqual, self.numbers(), self.pre_release),
            None => from_lowest(self.numbers(), options),
        }
    }
}
