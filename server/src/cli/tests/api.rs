//! The commands against an admin API that is only as real as they need.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::*;

/// Serves `api` below `/api/v1`, and says where.
async fn serve(api: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let api = Router::new().nest("/api/v1", api);
    tokio::spawn(async move { axum::serve(listener, api).await });
    format!("http://{address}")
}

async fn run(server: &str, line: &str) -> Result<Outcome, CommandError> {
    let line = format!("{line} --server {server} --api-key good");
    execute(parse(&line).unwrap_or_else(|error| panic!("{error}"))).await
}

fn problem(status: StatusCode, detail: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (status, kind, json!({ "status": status.as_u16(), "detail": detail }).to_string())
        .into_response()
}

#[tokio::test]
async fn all_pages_of_a_listing_are_read_as_one() {
    let server = serve(Router::new().route(
        "/feeds",
        get(|uri: Uri| async move {
            Json(match uri.query() {
                None => json!({ "feeds": [{ "name": "a" }], "next": "a b" }),
                Some("after=a+b") => json!({ "feeds": [{ "name": "c" }], "next": null }),
                Some(other) => json!({ "unexpected": other }),
            })
        }),
    ))
    .await;
    let cli = parse(&format!("pakhus feed list --server {server}"));
    let client = cli.unwrap_or_else(|error| panic!("{error}")).connection.client();
    let answer = client.expect("a client").all_pages(&["feeds"], "feeds").await.expect("a listing");
    assert_eq!(answer, json!({ "feeds": [{ "name": "a" }, { "name": "c" }], "next": null }));
    assert_eq!(run(&server, "pakhus feed list").await.expect("listed"), Outcome::Done);
}

#[tokio::test]
async fn what_the_server_refuses_is_told_in_its_words() {
    let server = serve(Router::new().route(
        "/feeds",
        post(|headers: HeaderMap| async move {
            match headers.get(header::AUTHORIZATION) {
                Some(key) if key == "Bearer good" => {
                    problem(StatusCode::CONFLICT, "there is a feed `libs` already")
                }
                _ => problem(StatusCode::UNAUTHORIZED, "no key"),
            }
        }),
    ))
    .await;
    let error = run(&server, "pakhus feed create libs --type npm").await.expect_err("refused");
    assert_eq!(
        (error.exit_code(), error.to_string().as_str()),
        (1, "there is a feed `libs` already")
    );
    let error = run(&server, "pakhus status").await.expect_err("refused");
    assert!(error.to_string().contains("does not answer as a Pakhus server"), "{error}");
}

/// An API with one execution, which ends as `ending` says the second time it is asked for.
async fn server_with_execution(ending: &'static str) -> String {
    let asked = std::sync::atomic::AtomicBool::new(false);
    let asked = std::sync::Arc::new(asked);
    let show = move |Path(id): Path<String>| async move {
        let ended = asked.swap(true, std::sync::atomic::Ordering::Relaxed);
        let status = if ended { ending } else { "running" };
        let log =
            [json!({ "at": "2026-11-24T12:00:00Z", "level": 10, "text": "pulled 3 records" })];
        Json(json!({ "id": id, "status": status, "summary": "the hub is away", "log": log }))
    };
    let start = |Json(body): Json<Value>| async move {
        assert_eq!(body, json!({ "dry_run": false, "full": true, "allow_deletes": false }));
        (StatusCode::ACCEPTED, Json(json!({ "execution_id": 7 })))
    };
    serve(Router::new().route("/feeds/libs/sync", post(start)).route("/executions/{id}", get(show)))
        .await
}

#[tokio::test]
async fn a_sync_is_watched_until_it_is_done() {
    let server = server_with_execution("done").await;
    let outcome = run(&server, "pakhus sync libs --full").await.expect("watched");
    assert_eq!(outcome, Outcome::Done);
}

#[tokio::test]
async fn a_sync_that_fails_is_an_error_with_its_summary() {
    let server = server_with_execution("failed").await;
    let error = run(&server, "pakhus sync libs --full").await.expect_err("failed");
    assert_eq!(error.exit_code(), 1);
    assert_eq!(
        error.to_string(),
        "replicating `libs` failed: the hub is away (see `pakhus execution show 7`)"
    );
}

#[tokio::test]
async fn settings_that_do_not_fit_are_saved_and_fail() {
    let answer = || async {
        Json(json!({
            "server": { "mode": "disabled", "sync_tokens": [] },
            "client": { "mode": "mirror", "source_url": null, "interval": "60s" },
            "verdict": { "state": "invalid", "reasons": ["no source"] },
        }))
    };
    let api = Router::new().route("/feeds/libs/replication", get(answer).put(answer));
    let server = serve(api).await;
    let shown = run(&server, "pakhus feed replicate libs").await.expect("shown");
    let saved = run(&server, "pakhus feed replicate libs --interval 5m").await.expect("saved");
    assert_eq!((shown, saved), (Outcome::Done, Outcome::Failed));
}

#[tokio::test]
async fn a_wait_goes_on_until_the_time_is_over_and_says_where_the_version_is_not() {
    let wait = || async { problem(StatusCode::GATEWAY_TIMEOUT, "not within 0 seconds") };
    let server = serve(Router::new().route("/feeds/libs/wait", get(wait))).await;
    let line = "pakhus wait libs tool 1.0.0 --timeout 100ms";
    let error = run(&server, line).await.expect_err("it is not there");
    assert_eq!(error.exit_code(), 1);
    assert!(
        error.to_string().starts_with(&format!("tool 1.0.0 is not at {server} after")),
        "{error}"
    );
}
