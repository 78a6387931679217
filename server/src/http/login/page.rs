//! The HTML of the page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pakhus_core::Digest;
use pakhus_db::logins::Login;

const STYLE: &str = include_str!("style.css");

/// What the page may load and do: its own style, and send its form here.
pub(super) fn content_security_policy() -> String {
    let style = STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

/// The form in which somebody says who they are.
pub(super) struct Form<'a> {
    instance: &'a str,
    login: &'a Login,
    token: String,
    message: Option<&'a str>,
    name: &'a str,
    /// Whether an API key was sent the last time.
    pub(super) by_key: bool,
}

impl<'a> Form<'a> {
    pub(super) const fn new(instance: &'a str, login: &'a Login, token: String) -> Self {
        Self { instance, login, token, message: None, name: "", by_key: false }
    }

    /// Says what was wrong.
    pub(super) const fn saying(mut self, message: &'a str) -> Self {
        self.message = Some(message);
        self
    }

    /// Fills in the name that was sent.
    pub(super) const fn with_name(mut self, name: &'a str) -> Self {
        self.name = name;
        self
    }

    pub(super) fn render(&self) -> String {
        let Login { package_type, feed, address, created_at, .. } = self.login;
        let begun: String = created_at.to_string().chars().skip(11).take(5).collect();
        let message = self.message.map_or_else(String::new, |message| {
            format!("<p class=\"wrong\" role=\"alert\" id=\"wrong\">{}</p>\n", escaped(message))
        });
        let described = if self.message.is_some() { " aria-describedby=\"wrong\"" } else { "" };
        let (of_password, of_key) = if self.by_key { ("", described) } else { (described, "") };
        // The cursor is where the next thing is to be typed.
        let (on_name, on_password) = match (self.by_key, self.name.is_empty()) {
            (true, _) => ("", ""),
            (false, true) => (" autofocus", ""),
            (false, false) => ("", " autofocus"),
        };
        let token = &self.token;
        let name = escaped(self.name);
        let open = if self.by_key { " open" } else { "" };
        let body = format!(
            r#"<h1>Sign in</h1>
<p>A command line wants to act in your name.</p>
<dl>
<div><dt>Feed</dt><dd>{feed} <span>({package_type})</span></dd></div>
<div><dt>Server</dt><dd>{instance}</dd></div>
<div><dt>Asked from</dt><dd>{address} <span>at {begun} UTC</span></dd></div>
</dl>
{message}<form method="post">
<input type="hidden" name="token" value="{token}">
<label for="name">User name</label>
<input id="name" name="name" value="{name}" autocomplete="username" autocapitalize="none" spellcheck="false" required{on_name}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required{of_password}{on_password}>
<button>Sign in</button>
</form>
<details{open}>
<summary>Use an API key instead</summary>
<form method="post">
<input type="hidden" name="token" value="{token}">
<label for="key">API key</label>
<input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required{of_key}>
<button>Sign in with the key</button>
</form>
</details>
<p class="note">Go on only if you have just begun this yourself. Whoever began it can do all that you may, until the key that it gets is revoked.</p>"#,
            feed = escaped(feed),
            package_type = escaped(package_type),
            instance = escaped(self.instance),
            address = escaped(address),
        );
        document("Sign in", &body)
    }
}

/// Somebody has signed in.
pub(super) fn done() -> String {
    short("You are signed in", "Close this page and go back to your terminal.")
}

/// There is no such sign-in.
pub(super) fn over() -> String {
    short(
        "This sign-in is over",
        "It took longer than ten minutes, or it is done already. Begin again in your terminal.",
    )
}

/// What was sent is no answer to the form.
pub(super) fn broken() -> String {
    short("This form was not understood", "Go back, and try again.")
}

/// The server failed.
pub(super) fn failed() -> String {
    short("The server failed", "Try again later; its log says why.")
}

fn short(title: &str, text: &str) -> String {
    document(title, &format!("<h1>{title}</h1>\n<p role=\"status\">{text}</p>"))
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<meta name=\"robots\" content=\"noindex\">
<title>{title} – Pakhus</title>
<style>{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"
    )
}

/// A text as it may stand in an element or in an attribute.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use pakhus_core::Timestamp;

    use super::*;

    fn login() -> Login {
        Login {
            label: "npm login".to_owned(),
            package_type: "npm".to_owned(),
            feed: "libs".to_owned(),
            address: "192.0.2.1".to_owned(),
            created_at: Timestamp::parse("2026-11-24T09:41:00Z").expect("a moment"),
            is_approved: false,
        }
    }

    #[test]
    fn the_form_says_who_will_be_signed_in_where() {
        let login = login();
        let html = Form::new("Los Angeles", &login, "t0k3n".to_owned()).render();
        for said in ["libs", "Los Angeles", "192.0.2.1", "at 09:41 UTC", "value=\"t0k3n\""] {
            assert!(html.contains(said), "{said}");
        }
        assert!(!html.contains("<script") && !html.contains("role=\"alert\""));
    }

    #[test]
    fn what_others_wrote_is_text_and_no_markup() {
        let login = login();
        let form = Form::new("<b>\"&", &login, String::new());
        let html = form.with_name("\"><script>'").saying("<i>").render();
        assert!(html.contains("&lt;b&gt;&quot;&amp;"));
        assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;&#39;\""));
        assert!(!html.contains("<script") && !html.contains("<i>"));
    }

    #[test]
    fn the_style_that_may_be_used_is_the_one_of_the_page() {
        assert!(content_security_policy().contains("style-src 'sha256-"));
        assert!(done().contains(&format!("<style>{STYLE}</style>")));
    }
}
