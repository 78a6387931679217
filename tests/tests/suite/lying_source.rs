//! A source that lies: nothing of it becomes visible, one line of the log says what is wrong, and what
//! is true goes on.

mod lengths;
mod one_blob;

use pakhus_core::Digest;
use pakhus_tests::liar::Liar;
use pakhus_tests::package::Package;
use pakhus_tests::server::{Server, Setup};
use pakhus_tests::wait::until;
use serde_json::Value;

struct Sites {
    hub: Server,
    liar: Liar,
    leaf: Server,
}

/// A hub, a liar in front of it, and a leaf that pulls from the liar when it is told to, not by itself
/// before. The leaf has another feed, with a package that the hub has not.
async fn sites() -> Sites {
    let hub = Setup::new().npm_feed("libs", "read-write").start().await;
    let liar = Liar::in_front_of(&hub).await;
    let leaf = Setup::new()
        .npm_feed("private", "disabled")
        .npm_feed("libs", "disabled")
        .client_of_url(&liar.url("/replication/libs"), "pull-only", "168h")
        .start()
        .await;
    leaf.publish("private", &Package::new("secret", "1.0.0")).await;
    hub.publish("libs", &Package::new("before", "1.0.0")).await;
    until("the truth arrives", async || shows(&leaf, "before").await.then_some(())).await;
    // What changes from here on is pulled by the runs of the test alone.
    pause(&leaf, "pause").await;
    Sites { hub, liar, leaf }
}

async fn pause(leaf: &Server, what: &str) {
    let path = format!("/api/v1/feeds/libs/replication/{what}");
    leaf.request(reqwest::Method::POST, &path).send().await.expect("an answer");
}

async fn shows(server: &Server, name: &str) -> bool {
    server.get(&format!("/npm/libs/{name}")).await.status().is_success()
}

/// Lets the leaf run, and returns the first execution after that, with its log as one text.
async fn run(leaf: &Server) -> (Value, String) {
    let listing = "/api/v1/executions?feed=libs&limit=20";
    let newest = leaf.json(listing).await["executions"][0]["id"].as_i64();
    pause(leaf, "resume").await;
    let id = until("a run ends", async || {
        let executions = leaf.json(listing).await;
        let executions = executions["executions"].as_array().expect("a list").iter();
        let first = executions.rev().find(|execution| execution["id"].as_i64() > newest)?;
        (first["status"] != "running").then(|| first["id"].clone())
    })
    .await;
    pause(leaf, "pause").await;
    let execution = leaf.json(&format!("/api/v1/executions/{id}")).await;
    let log = execution["log"].as_array().expect("a log").iter();
    let log = log.map(|line| line["text"].as_str().expect("a text").to_owned() + "\n").collect();
    (execution, log)
}

/// Replaces the first occurrence in the bodies of one endpoint.
fn replacing(
    endpoint: &'static str,
    from: &'static str,
    to: String,
) -> impl Fn(&str, Vec<u8>) -> Vec<u8> {
    move |path, body| {
        if !path.ends_with(endpoint) {
            return body;
        }
        let text = String::from_utf8(body).expect("text");
        text.replacen(from, &to, 1).into_bytes()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_bytes_under_a_digest_are_set_aside_and_the_rest_goes_on() {
    let Sites { hub, liar, leaf } = sites().await;
    hub.publish("libs", &Package::new("falsified", "1.0.0")).await;
    hub.publish("libs", &Package::new("true", "1.0.0")).await;
    liar.lies(|path, mut body| {
        if path.ends_with("/blobs/batch")
            && let Some(byte) = body.get_mut(60)
        {
            *byte ^= 1;
        }
        body
    });
    let (execution, log) = run(&leaf).await;
    assert_eq!(execution["status"], "done", "{execution}");
    assert_eq!(execution["counts"]["set_aside"], 1, "{execution}");
    assert!(log.contains("1.0.0 is set aside after 1 attempts"), "{log}");
    let shown = [shows(&leaf, "falsified").await, shows(&leaf, "true").await];
    assert_eq!(shown.iter().filter(|shown| **shown).count(), 1, "{shown:?}");
    liar.repents();
    pause(&leaf, "resume").await;
    leaf.sync_with("libs", serde_json::json!({ "full": true })).await;
    assert!(shows(&leaf, "falsified").await && shows(&leaf, "true").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_with_a_reason_when_the_answer_is_none_of_the_protocol() {
    let Sites { hub, liar, leaf } = sites().await;
    hub.publish("libs", &Package::new("next", "1.0.0")).await;
    type Lies = Box<dyn Fn(&str, Vec<u8>) -> Vec<u8> + Send + Sync>;
    let of = |endpoint: &'static str, change: fn(Vec<u8>) -> Vec<u8>| -> Lies {
        Box::new(move |path, body| if path.ends_with(endpoint) { change(body) } else { body })
    };
    let lies: [(&str, Lies); 7] = [
        ("breaks off", of("/blobs/batch", |body| body[..body.len() / 2].to_vec())),
        (
            "larger",
            of("/blobs/batch", |mut body| {
                body[32..40].copy_from_slice(&(1_u64 << 60).to_be_bytes());
                body
            }),
        ),
        (
            "other blobs",
            of("/blobs/batch", |mut body| {
                body[0] ^= 1;
                body
            }),
        ),
        (
            "broke off",
            of("/changes", |body| {
                let page = String::from_utf8(body).expect("text");
                page.lines()
                    .filter(|line| !line.contains("\"end\""))
                    .map(|line| format!("{line}\n"))
                    .collect::<String>()
                    .into()
            }),
        ),
        ("more than", of("/changes", |_| vec![b'x'; 50 << 20])),
        (
            "get on",
            of("/changes", |_| {
                let chain = Digest::ZERO;
                format!(
                "{{\"end\":{{\"through\":900,\"seq\":1000,\"chain\":\"{chain}\",\"more\":true}}}}\n"
            )
            .into()
            }),
        ),
        ("protocol", of("/changes", |_| format!("{}{}", "[".repeat(200_000), "\n").into())),
    ];
    for (reason, lie) in lies {
        println!("{reason}");
        liar.lies(lie);
        let (execution, log) = run(&leaf).await;
        assert_eq!(execution["status"], "failed", "{reason}: {execution}");
        let summary = execution["summary"].as_str().expect("a text");
        assert!(summary.contains(reason), "{reason}: {summary}");
        assert!(summary.len() < 400, "one line says it: {summary}");
        assert_eq!(log.matches(summary).count(), 1, "{log}");
        assert!(!shows(&leaf, "next").await);
        assert_eq!(leaf.get("/npm/private/secret").await.status(), 200);
    }
    let peak = leaf.peak_memory();
    assert!(peak < 250 << 20, "{} MiB", peak >> 20);
    liar.repents();
    assert_eq!(run(&leaf).await.0["status"], "done");
    assert!(shows(&leaf, "next").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_lies_is_left_out_with_a_line_of_the_log_and_the_others_come() {
    let lies = [
        ("\"name\":\"evil\"", "\"name\":\"../evil\"".to_owned()),
        ("\"name\":\"evil\"", format!("\"name\":\"{}\"", "x".repeat(1 << 20))),
        ("\"version\":\"1.0.0\"", "\"version\":\"9.9.9\"".to_owned()),
        ("\"size\":", "\"size\":999999999999999".to_owned()),
        ("\"incarnation\":1", "\"incarnation\":18446744073709551615".to_owned()),
        ("\"metadata\":", format!("\"metadata\":{}{},\"x\":", "[".repeat(500), "]".repeat(500))),
    ];
    for (from, to) in lies {
        println!("{from} {}", to.chars().take(60).collect::<String>());
        let Sites { hub, liar, leaf } = sites().await;
        hub.publish("libs", &Package::new("evil", "1.0.0")).await;
        hub.publish("libs", &Package::new("good", "1.0.0")).await;
        liar.lies(replacing("/changes", from, to));
        let (execution, log) = run(&leaf).await;
        assert_eq!(execution["status"], "done", "{execution}");
        assert!(log.contains("is left out"), "{log}");
        assert!(log.lines().all(|line| line.len() < 1_000), "no line is endless");
        assert!(shows(&leaf, "good").await);
        assert!(!shows(&leaf, "evil").await);
        let held = leaf.holdings("libs").await;
        assert_eq!(held.len(), 2, "{held:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_cannot_name_what_only_another_feed_here_has() {
    let Sites { hub, liar, leaf } = sites().await;
    let digest = |tarball: &[u8]| Digest::of(tarball).to_string();
    let stolen = digest(&Package::new("secret", "1.0.0").tarball);
    let package = Package::new("thief", "1.0.0");
    let own = digest(&package.tarball);
    hub.publish("libs", &package).await;
    liar.lies(move |path, body| match String::from_utf8(body) {
        Ok(text) if path.ends_with("/changes") => text.replace(&own, &stolen).into_bytes(),
        Ok(text) => text.into_bytes(),
        Err(bytes) => bytes.into_bytes(),
    });
    let (execution, log) = run(&leaf).await;
    assert!(log.contains("the source has it no longer") || log.contains("left out"), "{log}");
    assert_eq!(execution["status"], "done", "{execution}");
    assert!(!shows(&leaf, "thief").await);
}
