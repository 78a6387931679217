//! The server killed in the middle of pushes and of the collection of garbage.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pakhus_tests::images::{Repository, check_all, digest, image};
use pakhus_tests::server::Setup;
use reqwest::Client;

/// Pushes images of 1 MiB until the server is gone, and notes those that were acknowledged.
async fn push_on(root: String, key: String, worker: usize, pushed: Arc<Mutex<Vec<String>>>) {
    let client = Client::new();
    let send = async |method: &str, path: String, body: Vec<u8>| {
        let method = method.parse().expect("a method");
        let request = client.request(method, format!("{root}{path}")).bearer_auth(&key).body(body);
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    };
    let repository = Repository::new("images", &format!("app-{worker}"));
    for number in 0_usize.. {
        // Every second layer is one that the other workers push too.
        let shared = if number.is_multiple_of(2) { 0 } else { worker + 1 };
        let layer = [number.to_be_bytes(), shared.to_be_bytes()].concat().repeat(1 << 16);
        let blobs = [b"{}".to_vec(), layer.clone()];
        for blob in blobs {
            let digest = pakhus_core::Digest::of(&blob);
            let path = repository.path(&format!("blobs/uploads/?digest={digest}"));
            if !send("POST", path, blob).await {
                return;
            }
        }
        let image = image(&[&layer]);
        let path = repository.path(&format!("manifests/v{number}"));
        if !send("PUT", path, image.to_string().into_bytes()).await {
            return;
        }
        pushed.lock().expect("no panic").push(digest(&image));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_image_that_was_acknowledged_is_lost_or_incomplete_when_the_server_is_killed() {
    let blobs = "[blobs]\nkeep_unused = \"1s\"\ncollect_interval = \"100ms\"";
    let setup = Setup::new().config(blobs).docker_feed("images", "disabled");
    let mut server = setup.start().await;
    let pushed = Arc::new(Mutex::new(Vec::new()));
    for round in 0..4 {
        let workers: Vec<_> = (0..3)
            .map(|worker| {
                let (root, key) = (server.url(""), server.key().to_owned());
                tokio::spawn(push_on(root, key, 3 * round + worker, Arc::clone(&pushed)))
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        server.kill();
        for worker in workers {
            worker.await.expect("no panic");
        }
        server.restart().await;
        check_all(&server, "images").await;
    }
    let held: Vec<_> = server.holdings("images").await.into_iter().map(|(_, held)| held).collect();
    let pushed = pushed.lock().expect("no panic").clone();
    assert!(pushed.len() > 4, "{} images were pushed", pushed.len());
    assert!(pushed.iter().all(|digest| held.contains(digest)));
}
