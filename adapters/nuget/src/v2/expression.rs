//! Expressions over the properties of a package: `$filter` and `$orderby`.
//!
//! An expression is checked when it is parsed, so that evaluating it cannot fail: every property is
//! one that there is, and every comparison is of values that compare.

mod parse;

use std::cmp::Ordering;

use super::property::Property;
use super::row::Row;
use super::value::{Kind, Value, folded};

/// An expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    Literal(Value<'static>),
    Property(&'static Property),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Compare(Comparison, Box<Self>, Box<Self>),
    Call(Function, Vec<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The functions that clients call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    ToLower,
    ToUpper,
    /// Whether the first text is somewhere in the second one.
    SubstringOf,
    StartsWith,
    EndsWith,
    Concat,
}

impl Expression {
    /// What its values are.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Literal(value) => value.kind(),
            Self::Property(property) => property.kind,
            Self::Not(_) | Self::And(..) | Self::Or(..) | Self::Compare(..) => Kind::Boolean,
            Self::Call(function, _) => function.kind(),
        }
    }

    /// Its value for one version of a package.
    pub(super) fn value<'r>(&'r self, row: &'r Row) -> Value<'r> {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Property(property) => property.of(row),
            Self::Not(inner) => Value::Boolean(!inner.holds(row)),
            Self::And(one, two) => Value::Boolean(one.holds(row) && two.holds(row)),
            Self::Or(one, two) => Value::Boolean(one.holds(row) || two.holds(row)),
            Self::Compare(comparison, one, two) => {
                Value::Boolean(comparison.holds(one.value(row).compare(&two.value(row))))
            }
            Self::Call(function, arguments) => {
                let values: Vec<_> = arguments.iter().map(|argument| argument.value(row)).collect();
                let texts: Option<Vec<_>> = values.iter().map(Value::text).collect();
                texts.map_or(Value::Null, |texts| function.call(&texts))
            }
        }
    }

    /// Whether it is true for one version of a package.
    pub(super) fn holds(&self, row: &Row) -> bool {
        self.value(row).is_true()
    }

    /// The expressions that must all hold for this one to hold.
    pub(super) fn into_conjuncts(self) -> Vec<Self> {
        match self {
            Self::And(one, two) => [one.into_conjuncts(), two.into_conjuncts()].concat(),
            // `f(…) eq true` says no more than `f(…)`.
            Self::Compare(Comparison::Equal, inner, literal)
                if *literal == Self::Literal(Value::Boolean(true)) =>
            {
                inner.into_conjuncts()
            }
            other => vec![other],
        }
    }

    /// The one id that a package must have for this to hold, where it says so: `Id eq 'x'`,
    /// `tolower(Id) eq 'x'`.
    pub(super) fn id(&self) -> Option<&str> {
        let Self::Compare(Comparison::Equal, one, two) = self else { return None };
        let of = match &**one {
            Self::Call(Function::ToLower | Function::ToUpper, arguments) => &arguments[0],
            other => other,
        };
        match (of, &**two) {
            (Self::Property(property), Self::Literal(Value::Text(id))) if property.name == "Id" => {
                Some(id)
            }
            _ => None,
        }
    }

    /// Whether it is this property, and nothing else.
    pub(super) fn is_property(&self, name: &str) -> bool {
        matches!(self, Self::Property(property) if property.name == name)
    }
}

impl Comparison {
    fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Greater => order.is_some_and(Ordering::is_gt),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        }
    }

    /// Whether it asks which of two values comes first, not only whether they are the same.
    fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "tolower" => Self::ToLower,
            "toupper" => Self::ToUpper,
            "substringof" => Self::SubstringOf,
            "startswith" => Self::StartsWith,
            "endswith" => Self::EndsWith,
            "concat" => Self::Concat,
            _ => return None,
        })
    }

    fn arguments(self) -> usize {
        match self {
            Self::ToLower | Self::ToUpper => 1,
            Self::SubstringOf | Self::StartsWith | Self::EndsWith | Self::Concat => 2,
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::ToLower | Self::ToUpper | Self::Concat => Kind::Text,
            Self::SubstringOf | Self::StartsWith | Self::EndsWith => Kind::Boolean,
        }
    }

    fn call(self, texts: &[&str]) -> Value<'static> {
        let lower = |text: &str| folded(text).collect::<String>();
        match (self, texts) {
            (Self::ToLower, [text]) => Value::Text(text.to_lowercase().into()),
            (Self::ToUpper, [text]) => Value::Text(text.to_uppercase().into()),
            (Self::SubstringOf, [part, text]) => Value::Boolean(lower(text).contains(&lower(part))),
            (Self::StartsWith, [text, part]) => {
                Value::Boolean(lower(text).starts_with(&lower(part)))
            }
            (Self::EndsWith, [text, part]) => Value::Boolean(lower(text).ends_with(&lower(part))),
            (Self::Concat, [one, two]) => Value::Text(format!("{one}{two}").into()),
            _ => Value::Null,
        }
    }
}
