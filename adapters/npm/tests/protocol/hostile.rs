use serde_json::{Value, json};

use crate::support::{assert_refused, feed, publish_document, put};

fn refused(edit: impl FnOnce(&mut Value), message: &str) {
    let mut document = publish_document("left-pad", "1.0.0", &["latest"]);
    edit(&mut document);
    assert_refused(&put(&feed(), "left-pad", &document), 400, message);
}

/// Publishes a document with `text` for the value of the manifest's member `x`.
fn publish_text(text: &str) -> (u16, String) {
    let mut document = publish_document("left-pad", "1.0.0", &["latest"]);
    document["versions"]["1.0.0"]["x"] = json!("HERE");
    let body = document.to_string().replace("\"HERE\"", text);
    let answer = feed().request("PUT", "/left-pad").by("alice").body(body).send();
    (answer.status, answer.text().to_owned())
}

#[test]
fn deep_nesting_is_refused_however_deep() {
    for depth in [70, 1_000, 200_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let (status, body) = publish_text(&text);
        assert_eq!(status, 400, "{body}");
        assert!(body.contains("nested"), "{body}");
    }
    assert_eq!(publish_text("[[[[[[]]]]]]").0, 201);
}

#[test]
fn what_parsers_read_differently_is_refused() {
    assert_eq!(publish_text(r#"{"__proto__":{}}"#).0, 400);
    assert_eq!(publish_text(r#"1,"version":"1.0.0""#).0, 400);
    assert_eq!(publish_text(r#""\ud800""#).0, 400);
    assert_eq!(publish_text("1e999").0, 400);
}

#[test]
fn documents_with_a_member_twice_are_refused() {
    let document = publish_document("left-pad", "1.0.0", &["latest"]).to_string();
    for (member, double) in [
        ("\"name\":\"left-pad\"", "\"name\":\"left-pad\",\"name\":\"left-pad\""),
        ("\"1.0.0\":{", "\"1.0.0\":{},\"1.0.0\":{"),
        ("\"latest\":\"1.0.0\"", "\"latest\":\"1.0.0\",\"latest\":\"1.0.0\""),
    ] {
        assert!(document.contains(member));
        let body = document.replacen(member, double, 1);
        let answer = feed().request("PUT", "/left-pad").by("alice").body(body).send();
        assert_eq!(answer.status, 400, "{double}: {}", answer.text());
    }
}

#[test]
fn what_is_kept_of_a_version_is_bounded() {
    let long = "x".repeat(2 << 20);
    refused(|document| document["versions"]["1.0.0"]["x"] = json!(long), "manifest is longer");
    refused(
        |document| {
            let bundle = json!({ "x": long }).to_string();
            document["_attachments"]["x.sigstore"] = json!({ "data": bundle });
        },
        "provenance is longer",
    );
}

#[test]
fn names_that_mean_something_to_javascript_are_data() {
    let feed = feed();
    for name in ["constructor", "hasownproperty", "tostring"] {
        let mut document = publish_document(name, "1.0.0", &["latest", "constructor"]);
        document["versions"]["1.0.0"]["dependencies"] = json!({"constructor": "^1.0.0"});
        assert_eq!(put(&feed, name, &document).status, 201);
    }
    refused(
        |document| {
            let manifest = &mut document["versions"]["1.0.0"];
            manifest["dependencies"] = json!({"__proto__": "^1.0.0"});
        },
        "`__proto__`",
    );
}
