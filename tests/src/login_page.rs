//! The page on which somebody signs in, as a browser without scripts uses it.

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Response};

/// A page that was opened: its form can be sent.
pub struct LoginPage {
    client: Client,
    url: String,
    cookie: String,
    token: String,
    /// The page's text.
    pub html: String,
}

impl LoginPage {
    /// Opens the page.
    ///
    /// # Panics
    /// When it is none with a form.
    pub async fn open(client: &Client, url: &str) -> Self {
        let answer = client.get(url).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert!(answer.headers().get(LOCATION).is_none());
        let cookie = answer.headers()[SET_COOKIE].to_str().expect("a text").to_owned();
        for attribute in ["HttpOnly", "SameSite=Strict"] {
            assert!(cookie.contains(attribute), "{cookie}");
        }
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        let html = answer.text().await.expect("a body");
        let (_, token) = html.split_once("name=\"token\" value=\"").expect("a hidden field");
        let token = token.split('"').next().expect("its value").to_owned();
        Self { client: client.clone(), url: url.to_owned(), cookie, token, html }
    }

    /// Sends the form with these fields.
    pub async fn send(&self, fields: &[(&str, &str)]) -> Response {
        let url = reqwest::Url::parse(&self.url).expect("a URL");
        self.send_from(&url.origin().ascii_serialization(), fields).await
    }

    /// Sends the form as from a page of another site.
    pub async fn send_from(&self, origin: &str, fields: &[(&str, &str)]) -> Response {
        let mut url = reqwest::Url::parse("form:").expect("a URL");
        url.query_pairs_mut().append_pair("token", &self.token).extend_pairs(fields);
        let body = url.query().unwrap_or_default().to_owned();
        let request = self.client.post(&self.url).header(COOKIE, &self.cookie);
        let request = request.header(ORIGIN, origin).body(body);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.send().await.expect("an answer")
    }
}
