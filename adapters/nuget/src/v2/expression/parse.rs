//! Parsing expressions, and checking what they compare.

use std::iter::Peekable;
use std::vec::IntoIter;

use pakhus_core::{Refusal, Result};

use super::{Comparison, Expression, Function};
use crate::v2::property::Property;
use crate::v2::token::{Token, tokens};
use crate::v2::value::{Kind, Value};
use crate::version;

/// How deep an expression may be nested.
const DEEPEST: usize = 64;

impl Expression {
    /// Parses the text of a `$filter`.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::Invalid`] when it is no expression, or none that is true or false.
    pub(in crate::v2) fn parse_filter(text: &str) -> Result<Self> {
        let mut parser = Parser::new(text)?;
        let filter = parser.any_of()?;
        parser.end()?;
        condition(filter)
    }

    /// Parses the text of a `$orderby`: what is ordered by, and whether the greatest comes first.
    ///
    /// # Errors
    /// [`pakhus_core::RefusalKind::Invalid`] when it is no list of expressions.
    pub(in crate::v2) fn parse_order(text: &str) -> Result<Vec<(Self, bool)>> {
        let mut parser = Parser::new(text)?;
        let mut order = Vec::new();
        loop {
            let by = parser.any_of()?;
            let is_descending = parser.word("desc");
            if !is_descending {
                parser.word("asc");
            }
            order.push((by, is_descending));
            if !parser.sign(&Token::Comma) {
                parser.end()?;
                return Ok(order);
            }
        }
    }
}

struct Parser {
    tokens: Peekable<IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self> {
        Ok(Self { tokens: tokens(text)?.into_iter().peekable(), depth: 0 })
    }

    /// Takes this sign, if it is next.
    fn sign(&mut self, sign: &Token) -> bool {
        self.tokens.next_if_eq(sign).is_some()
    }

    /// Takes this word, if it is next.
    fn word(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| matches!(token, Token::Word(next) if next == word)).is_some()
    }

    fn end(&mut self) -> Result<()> {
        match self.tokens.next() {
            None => Ok(()),
            Some(token) => Err(unexpected(Some(token))),
        }
    }

    fn any_of(&mut self) -> Result<Expression> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refusal::invalid(format!("an expression is nested {DEEPEST} times")));
        }
        let mut found = self.all_of()?;
        while self.word("or") {
            let two = condition(self.all_of()?)?;
            found = Expression::Or(Box::new(condition(found)?), Box::new(two));
        }
        self.depth -= 1;
        Ok(found)
    }

    fn all_of(&mut self) -> Result<Expression> {
        let mut found = self.negated()?;
        while self.word("and") {
            let two = condition(self.negated()?)?;
            found = Expression::And(Box::new(condition(found)?), Box::new(two));
        }
        Ok(found)
    }

    fn negated(&mut self) -> Result<Expression> {
        let mut negations = 0_usize;
        while self.word("not") {
            negations += 1;
        }
        let found = self.compared()?;
        match negations {
            0 => Ok(found),
            _ if negations.is_multiple_of(2) => condition(found),
            _ => Ok(Expression::Not(Box::new(condition(found)?))),
        }
    }

    fn compared(&mut self) -> Result<Expression> {
        let one = self.operand()?;
        let comparison = self.tokens.peek().and_then(comparison);
        let Some(comparison) = comparison else { return Ok(one) };
        self.tokens.next();
        let two = self.operand()?;
        compare(comparison, one, two)
    }

    fn operand(&mut self) -> Result<Expression> {
        let value = match self.tokens.next() {
            Some(Token::Open) => {
                let inner = self.any_of()?;
                return self.closed(inner);
            }
            Some(Token::Text(text)) => Value::Text(text.into()),
            Some(Token::Number(number)) => Value::Number(number),
            Some(Token::Moment(moment)) => Value::Moment(moment),
            Some(Token::Word(word)) => match word.as_str() {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                "null" => Value::Null,
                name if self.sign(&Token::Open) => return self.call(name),
                name => return Property::named(name).map(Expression::Property),
            },
            other => return Err(unexpected(other)),
        };
        Ok(Expression::Literal(value))
    }

    fn call(&mut self, name: &str) -> Result<Expression> {
        let function = Function::named(name)
            .ok_or_else(|| Refusal::invalid(format!("there is no function `{name}` here")))?;
        let mut arguments = vec![self.any_of()?];
        while self.sign(&Token::Comma) {
            arguments.push(self.any_of()?);
        }
        let takes_texts = arguments
            .iter()
            .all(|argument| matches!(argument.kind(), Kind::Text | Kind::Version | Kind::Null));
        if arguments.len() != function.arguments() || !takes_texts {
            return Err(Refusal::invalid(format!(
                "`{name}` needs {} of text",
                match function.arguments() {
                    1 => "one argument".to_owned(),
                    number => format!("{number} arguments"),
                }
            )));
        }
        self.closed(Expression::Call(function, arguments))
    }

    fn closed(&mut self, inner: Expression) -> Result<Expression> {
        match self.tokens.next() {
            Some(Token::Close) => Ok(inner),
            other => Err(unexpected(other)),
        }
    }
}

fn comparison(token: &Token) -> Option<Comparison> {
    let Token::Word(word) = token else { return None };
    Some(match word.as_str() {
        "eq" => Comparison::Equal,
        "ne" => Comparison::NotEqual,
        "lt" => Comparison::Less,
        "le" => Comparison::LessOrEqual,
        "gt" => Comparison::Greater,
        "ge" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn compare(comparison: Comparison, one: Expression, two: Expression) -> Result<Expression> {
    let (one, two) = match (one.kind(), two.kind()) {
        (Kind::Version, Kind::Text) => (one, as_version(two)?),
        (Kind::Text, Kind::Version) => (as_version(one)?, two),
        _ => (one, two),
    };
    let (first, second) = (one.kind(), two.kind());
    let compares = first == second || first == Kind::Null || second == Kind::Null;
    let orders = first != Kind::Boolean && second != Kind::Boolean;
    if !compares || comparison.orders() && !orders {
        return Err(Refusal::invalid(format!(
            "an expression compares what does not compare: {first:?} and {second:?}"
        )));
    }
    Ok(Expression::Compare(comparison, Box::new(one), Box::new(two)))
}

/// What a version is compared to: a text that is a version.
fn as_version(expression: Expression) -> Result<Expression> {
    let Expression::Literal(Value::Text(text)) = expression else {
        return Err(Refusal::invalid("a version compares to a text in quotes alone"));
    };
    let parsed = version::parse(&text).map_err(Refusal::invalid)?;
    Ok(Expression::Literal(Value::Version { text, version: std::borrow::Cow::Owned(parsed) }))
}

fn condition(expression: Expression) -> Result<Expression> {
    match expression.kind() {
        Kind::Boolean => Ok(expression),
        _ => {
            Err(Refusal::invalid("an expression is used as a condition that is not true or false"))
        }
    }
}

fn unexpected(token: Option<Token>) -> Refusal {
    match token {
        None => Refusal::invalid("an expression ends too early"),
        Some(token) => Refusal::invalid(format!("an expression has {token:?} where it cannot be")),
    }
}
