//! Documents come compressed as the client asks.

use std::io::Read as _;

use flate2::read::GzDecoder;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ETAG, IF_NONE_MATCH};
use reqwest::{Method, Response};

async fn packument(server: &Server, accept: &str, known: &str) -> Response {
    let request = server.request(Method::GET, "/npm/libs/tool");
    let request = request.header(ACCEPT_ENCODING, accept).header(IF_NONE_MATCH, known);
    request.send().await.expect("an answer")
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> Option<String> {
    Some(response.headers().get(name)?.to_str().expect("text").to_owned())
}

#[tokio::test]
async fn a_packument_is_the_same_in_every_coding_and_each_has_its_own_entity_tag() {
    let server = Setup::new().npm_feed("libs", "disabled").start().await;
    server.publish("libs", &Package::new("tool", "1.0.0")).await;
    let mut texts = Vec::new();
    let mut etags = Vec::new();
    for (accept, coding) in
        [("identity", None), ("gzip, deflate", Some("gzip")), ("gzip, deflate, br", Some("br"))]
    {
        let response = packument(&server, accept, "\"other\"").await;
        assert_eq!(header(&response, CONTENT_ENCODING).as_deref(), coding);
        let etag = header(&response, ETAG).expect("an entity tag");
        let bytes = response.bytes().await.expect("a body");
        let mut text = String::new();
        match coding {
            Some("br") => brotli::Decompressor::new(&bytes[..], 4096).read_to_string(&mut text),
            Some(_) => GzDecoder::new(&bytes[..]).read_to_string(&mut text),
            None => (&bytes[..]).read_to_string(&mut text),
        }
        .expect("it is compressed as it says");
        assert_eq!(packument(&server, accept, &etag).await.status(), 304);
        texts.push(text);
        etags.push(etag);
    }
    assert!(texts[0].contains("\"tool\""));
    assert!(texts.iter().all(|text| *text == texts[0]));
    etags.sort();
    etags.dedup();
    assert_eq!(etags.len(), 3);
}
