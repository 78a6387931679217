//! The files of Rust in the tree, and the words and texts in them, without comments.

use std::path::Path;

use crate::root;

/// A file of Rust.
pub(crate) struct Source {
    /// Its path, relative to the top of the tree.
    pub(crate) path: String,
    /// What is in it.
    pub(crate) text: String,
}

/// A piece of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// The line that it begins in, counted from 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) kind: Kind,
    /// How it is written; a text without its quotes.
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier, a keyword or a number.
    Word,
    /// A string literal.
    Text,
    /// One character of anything else.
    Sign,
}

/// All files of Rust, in order.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for part in ["adapters", "core", "docs", "plugin-api", "server", "tests"] {
        collect(&root().join(part), &mut found);
    }
    found.sort_by(|one: &Source, other| one.path.cmp(&other.path));
    assert!(found.len() > 100, "the files of the tree are found");
    found
}

fn collect(folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if !["target", "node_modules"].iter().any(|name| path.ends_with(name)) {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("a file of Rust is read");
            let path = path.strip_prefix(root()).expect("inside the tree");
            found.push(Source { path: path.to_string_lossy().into_owned(), text });
        }
    }
}

impl Source {
    /// Whether it is somewhere in `folder`.
    pub(crate) fn is_in(&self, folder: &Path) -> bool {
        Path::new(&self.path).starts_with(folder)
    }

    /// Where something is, for a message.
    pub(crate) fn at(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }

    /// Its tokens.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        tokens(&self.text)
    }

    /// Its tokens without those of tests: none of a file that is made of tests.
    pub(crate) fn tokens_outside_tests(&self) -> Vec<Token> {
        let path = Path::new(&self.path).with_extension("");
        if path.components().any(|part| part.as_os_str() == "tests") {
            return Vec::new();
        }
        without_tests(&self.tokens())
    }
}

/// Leaves out every item that is marked `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        let begin = rest.iter().take(MARK.len()).map(|token| token.text.as_str());
        if begin.eq(MARK) {
            rest = after_item(&rest[MARK.len()..]);
        } else {
            kept.push(first.clone());
            rest = &rest[1..];
        }
    }
    kept
}

/// What follows an item: it ends with its first block, or with a semicolon before that.
fn after_item(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match (token.kind, token.text.as_str()) {
            (Kind::Sign, "{" | "(" | "[") => depth += 1,
            (Kind::Sign, ")" | "]") => depth = depth.saturating_sub(1),
            (Kind::Sign, "}") if depth <= 1 => return &tokens[index + 1..],
            (Kind::Sign, "}") => depth -= 1,
            (Kind::Sign, ";") if depth == 0 => return &tokens[index + 1..],
            _ => {}
        }
    }
    &[]
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let (mut rest, mut line) = (text, 1);
    while let Some(first) = rest.chars().next() {
        let (length, found) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (block_comment(rest), None)
        } else if let Some((length, inside)) = string(rest) {
            (length, Some((Kind::Text, inside)))
        } else if let Some(length) = character(rest) {
            (length, None)
        } else if first.is_alphanumeric() || first == '_' {
            let word = |character: char| character.is_alphanumeric() || character == '_';
            let length = rest.find(|character| !word(character)).unwrap_or(rest.len());
            (length, Some((Kind::Word, &rest[..length])))
        } else if first.is_whitespace() {
            (first.len_utf8(), None)
        } else {
            (first.len_utf8(), Some((Kind::Sign, &rest[..first.len_utf8()])))
        };
        if let Some((kind, text)) = found {
            tokens.push(Token { line, kind, text: text.to_owned() });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// The length of the comment that `text` begins with; comments are nested.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length and the inside of the string literal that `text` begins with.
fn string(text: &str) -> Option<(usize, &str)> {
    let body = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let prefix = text.len() - body.len();
    if let Some(raw) = body.strip_prefix('r') {
        let quoted = raw.trim_start_matches('#');
        let hashes = raw.len() - quoted.len();
        let inside = quoted.strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = inside.find(&end).unwrap_or(inside.len());
        let whole = prefix + 1 + hashes + 1 + length + end.len();
        return Some((whole.min(text.len()), &inside[..length]));
    }
    let inside = body.strip_prefix('"')?;
    let mut escaped = false;
    for (at, character) in inside.char_indices() {
        match character {
            '"' if !escaped => return Some((prefix + 1 + at + 1, &inside[..at])),
            _ => escaped = character == '\\' && !escaped,
        }
    }
    Some((text.len(), inside))
}

/// The length of the character literal that `text` begins with, which a lifetime is not.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('b').unwrap_or(text);
    let prefix = text.len() - body.len();
    let inside = body.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    if first == '\\' {
        let escaped = inside[1..].chars().next()?.len_utf8();
        return Some(prefix + 1 + 1 + escaped + inside[1 + escaped..].find('\'')? + 1);
    }
    let after = &inside[first.len_utf8()..];
    after.starts_with('\'').then(|| prefix + 1 + first.len_utf8() + 1)
}

#[test]
fn comments_and_tests_are_told_from_code() {
    let code = r##"
        //! npm
        /* a /* nested */ npm */
        fn name<'a>(quote: char) -> &'a str { if quote == '"' || quote == '\'' { "in \"text\"" } else { r#"raw "x""# } }
        #[cfg(test)]
        mod tests { fn it() { let _ = [1]; unsafe {} } }
        #[cfg(test)] mod more;
        const AFTER: u8 = b'{';
    "##;
    let found = without_tests(&tokens(code));
    let texts: Vec<_> = found.iter().filter(|token| token.kind == Kind::Text).collect();
    let texts: Vec<_> = texts.iter().map(|token| (token.line, token.text.as_str())).collect();
    assert_eq!(texts, [(4, r#"in \"text\""#), (4, r#"raw "x""#)]);
    let said: Vec<_> = found.iter().map(|token| token.text.as_str()).collect();
    assert!(said.ends_with(&["const", "AFTER", ":", "u8", "=", ";"]), "{said:?}");
    for hidden in ["npm", "unsafe", "more", "it"] {
        assert!(!said.contains(&hidden), "{hidden}");
    }
}
