//! Names of packages.
//!
//! What may be published anew is stricter than what exists: the registry has names from before its
//! rules (`JSONStream`, `@x/_y`), which clients ask for and other sites send.

use pakhus_core::{InvalidName, PackageName};

/// The longest name of a new package, its scope included.
const MAX_NEW_CHARACTERS: usize = 214;

/// Paths that servers and clients have other uses for.
const RESERVED: [&str; 2] = ["node_modules", "favicon.ico"];

/// The modules of node itself, of which a package of the same name is never loaded (`node:module`,
/// `builtinModules` of node 24). Packages of these names from before the rule go on.
const CORE_MODULES: [&str; 42] = [
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Parses the name of a package that may exist somewhere. Its key is the name itself: case matters.
pub(crate) fn parse(raw: &str) -> Result<PackageName, InvalidName> {
    let invalid = |reason: &str| Err(InvalidName(format!("`{}` {reason}", shortened(raw))));
    let (scope, base) = match raw.strip_prefix('@') {
        Some(rest) => match rest.split_once('/') {
            Some((scope, base)) => (Some(scope), base),
            None => return invalid("is a scope without a name: write `@scope/name`"),
        },
        None => (None, raw),
    };
    if base.is_empty() || scope == Some("") {
        return invalid("has an empty part");
    }
    if !scope.unwrap_or_default().bytes().chain(base.bytes()).all(is_url_safe) {
        return invalid("has characters that are not URL-safe");
    }
    if scope.is_none() {
        if base.starts_with(['.', '_']) {
            return invalid("starts with `.` or `_`");
        }
        // `/-/` is where the API lies.
        if base == "-" || RESERVED.iter().any(|name| name.eq_ignore_ascii_case(base)) {
            return invalid("is reserved");
        }
    }
    PackageName::new(raw, raw)
}

/// Checks the rules for names that nobody has yet: `validForNewPackages` of
/// `validate-npm-package-name`, which the public registry enforces.
pub(crate) fn check_new(name: &PackageName) -> Result<(), InvalidName> {
    let raw = name.key();
    let base = unscoped(name);
    let reason = if raw.len() > MAX_NEW_CHARACTERS {
        "is longer than 214 characters"
    } else if raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
        "has capital letters"
    } else if raw.contains(['~', '\'', '!', '(', ')', '*']) {
        "has one of the characters ~'!()*"
    } else if raw.starts_with(['.', '_', '-']) || base.starts_with('.') {
        "starts with `.`, `_` or `-`"
    } else if CORE_MODULES.contains(&raw) {
        "is the name of a module of node itself; put it into a scope"
    } else {
        return Ok(());
    };
    Err(InvalidName(format!("`{}` {reason}", shortened(raw))))
}

/// The name without its scope.
pub(crate) fn unscoped(name: &PackageName) -> &str {
    name.key().rsplit_once('/').map_or(name.key(), |(_, base)| base)
}

/// The characters that `encodeURIComponent` leaves alone.
const fn is_url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')')
}

fn shortened(raw: &str) -> String {
    raw.chars().take(80).collect()
}
