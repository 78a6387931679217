//! The words of OData expressions: those of `$filter`, `$orderby` and of the keys in paths.

use pakhus_core::{Refusal, Result, Timestamp};

/// The longest expression, in bytes.
const LONGEST: usize = 8 * 1024;

/// One word of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A name: of a property, a function, an operator, or `true`, `false` and `null`.
    Word(String),
    Text(String),
    Number(i64),
    Moment(Timestamp),
    Open,
    Close,
    Comma,
    /// `=`, which stands in keys alone.
    Is,
}

/// Takes an expression apart (OData 2.0: texts are in single quotes, a quote in one is written twice).
///
/// # Errors
/// [`pakhus_core::RefusalKind::Invalid`] when it is longer than 8 KiB, or has what is no word.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>> {
    if text.len() > LONGEST {
        return Err(Refusal::invalid(format!("an expression is longer than {LONGEST} bytes")));
    }
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '=' => (Token::Is, 1),
            '\'' => {
                let (text, length) = quoted(rest)?;
                (Token::Text(text), length)
            }
            '-' | '0'..='9' => number(rest)?,
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let length = word(rest);
                match (&rest[..length], rest[length..].starts_with('\'')) {
                    ("datetime", true) => {
                        let (text, quotes) = quoted(&rest[length..])?;
                        (Token::Moment(moment(&text)?), length + quotes)
                    }
                    (word, _) => (Token::Word(word.to_owned()), length),
                }
            }
            other => {
                return Err(Refusal::invalid(format!("an expression cannot have `{other}` in it")));
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// The text that `rest` begins with, and the length of it as it is written.
fn quoted(rest: &str) -> Result<(String, usize)> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        if character == '\'' && characters.next_if(|(_, next)| *next == '\'').is_none() {
            return Ok((text, at + 1));
        }
        text.push(character);
    }
    Err(Refusal::invalid("a text of an expression has no `'` at its end"))
}

fn word(rest: &str) -> usize {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    rest.find(|character| !is_word(character)).unwrap_or(rest.len())
}

/// A whole number; `L` marks those of 64 bits.
fn number(rest: &str) -> Result<(Token, usize)> {
    let length = 1 + word(&rest[1..]);
    let digits = rest[..length].trim_end_matches(['L', 'l']);
    let number = digits.parse();
    let number = number
        .map_err(|_| Refusal::invalid(format!("`{}` is no whole number", &rest[..length])))?;
    Ok((Token::Number(number), length))
}

/// A moment in UTC, as `2026-01-31T12:00:00`, with or without parts of a second and a `Z`.
fn moment(text: &str) -> Result<Timestamp> {
    let text = text.trim_end_matches('Z');
    let parsed = Timestamp::parse(&format!("{text}Z"));
    parsed
        .ok_or_else(|| Refusal::invalid(format!("`{text}` is no date, as 2026-01-31T12:00:00 is")))
}
