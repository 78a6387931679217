//! The one place that writes to the terminal.

use std::fmt;
use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use super::error::CommandError;

/// What a stretch of text means, where colours can show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is well.
    Good,
    /// Something to mind.
    Warning,
    /// Something is wrong.
    Bad,
    /// Beside the point.
    Dim,
}

/// Whether to use colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint(bool);

impl Paint {
    /// As standard output wants it.
    pub(super) fn stdout() -> Self {
        Self::when(io::stdout().is_terminal())
    }

    /// As standard error wants it.
    pub(super) fn stderr() -> Self {
        Self::when(io::stderr().is_terminal())
    }

    /// Never.
    #[cfg(test)]
    pub(super) const fn off() -> Self {
        Self(false)
    }

    fn when(terminal: bool) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self(terminal && !refused)
    }

    /// The text in the colour of its tone.
    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Good => 32,
            Tone::Warning => 33,
            Tone::Bad => 31,
            Tone::Dim => 2,
        };
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Writes an answer to standard output, with a line end where it has none.
pub(super) fn print(text: &str) -> Result<(), CommandError> {
    if text.is_empty() {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write!(stdout, "{text}{end}").and_then(|()| stdout.flush()).map_err(|error| {
        match error.kind() {
            io::ErrorKind::BrokenPipe => CommandError::StdoutClosed,
            _ => CommandError::Stdout(error),
        }
    })
}

/// Writes JSON to standard output.
pub(super) fn print_json(value: &Value) -> Result<(), CommandError> {
    print(&format!("{value:#}"))
}

/// Says something beside the answer, on standard error.
pub(super) fn note(text: &str) {
    // When nobody listens there, there is nobody to tell either.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says what went wrong, on standard error, in one line.
pub(super) fn complain(error: &dyn fmt::Display) {
    let error = one_line(&error.to_string());
    note(&format!("{} {error}", Paint::stderr().tone(Tone::Bad, "error:")));
}

/// A text of a server's as it may go to a terminal: one line, no control characters.
pub(super) fn one_line(text: &str) -> String {
    let clean = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.trim().chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_cannot_steer_the_terminal() {
        assert_eq!(one_line("two\nlines\u{1b}[2J "), "two lines\u{fffd}[2J");
    }

    #[test]
    fn colours_are_left_out_where_they_are_off() {
        assert_eq!(Paint::off().tone(Tone::Good, "valid"), "valid");
        assert_eq!(Paint(true).tone(Tone::Good, "valid"), "\u{1b}[32mvalid\u{1b}[0m");
    }
}
