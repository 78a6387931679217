//! Images at two sites.

use pakhus_tests::images::{Repository, check_all, digest, index, signature};
use pakhus_tests::server::{Server, Setup};
use reqwest::StatusCode;

async fn hub() -> Server {
    Setup::new().docker_feed("images", "read-write").start().await
}

async fn mirror(of: &Server) -> Server {
    let setup = Setup::new().docker_feed("images", "disabled");
    let url = of.url("/replication/images");
    setup.client_of_url(&url, "mirror", "1h").start().await
}

async fn sync(server: &Server) {
    let execution = server.sync("images").await;
    assert_eq!(execution["status"], "done", "{execution}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_images_arrive_whole_and_a_layer_that_they_share_once() {
    let hub = hub().await;
    let shared = vec![1; 1 << 20];
    for number in 0..50_u8 {
        let repository = Repository::new("images", &format!("team/app-{}", number % 10));
        repository.push(&hub, &format!("v{number}"), &[&shared, &[number; 1000]]).await;
    }
    let mirror = mirror(&hub).await;
    let execution = mirror.sync("images").await;
    assert_eq!(check_all(&mirror, "images").await, 50);
    assert_eq!(mirror.holdings("images").await, hub.holdings("images").await);
    let log = mirror.executions("images").await;
    let bytes: u64 = log.iter().filter_map(|run| run["counts"]["bytes"].as_u64()).sum();
    assert!((1 << 20..2 << 20).contains(&bytes), "{bytes} bytes travelled: {execution} {log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_run_says_once_that_deletions_do_not_travel() {
    let hub = hub().await;
    let mirror = mirror(&hub).await;
    sync(&mirror).await;
    sync(&mirror).await;
    let mut said = Vec::new();
    for execution in mirror.executions("images").await {
        let log = mirror.log_of(&execution).await;
        said.push(log.iter().filter(|line| line.contains("deletions of this package")).count());
    }
    assert_eq!(said.pop(), Some(1), "in the first run");
    assert_eq!(said.iter().sum::<usize>(), 0, "in the runs after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_comes_with_its_images_and_their_signatures() {
    let hub = hub().await;
    let repository = Repository::new("images", "app");
    let amd64 = repository.push(&hub, "amd64", &[b"amd64"]).await;
    let arm64 = repository.push(&hub, "arm64", &[b"arm64"]).await;
    let list = index(&[&amd64, &arm64]);
    repository.pushed(&hub, "latest", &list).await;
    for image in [&amd64, &arm64] {
        let signature = signature(image, "good");
        repository.pushed(&hub, &digest(&signature), &signature).await;
    }
    let mirror = mirror(&hub).await;
    sync(&mirror).await;
    assert_eq!(repository.digest(&mirror, "latest").await, Some(digest(&list)));
    assert_eq!(check_all(&mirror, "images").await, 5);
    for image in [&amd64, &arm64] {
        let path = format!("referrers/{}", digest(image));
        let (here, there) =
            (repository.get(&mirror, &path).await, repository.get(&hub, &path).await);
        let (here, there) = (here.text().await.expect("text"), there.text().await.expect("text"));
        assert!(here.contains("vnd.example.signature"), "{here}");
        assert_eq!(here, there);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_moved_at_both_sites_leads_to_the_same_image_after_they_met() {
    let hub = hub().await;
    let mut mirror = mirror(&hub).await;
    let repository = Repository::new("images", "app");
    repository.push(&hub, "latest", &[b"first"]).await;
    sync(&mirror).await;
    // The line is cut for as long as the mirror does not run: what both do meanwhile meets later.
    mirror.kill();
    repository.push(&hub, "latest", &[b"of the hub"]).await;
    mirror.restart().await;
    repository.push(&mirror, "latest", &[b"of the mirror"]).await;
    sync(&mirror).await;
    sync(&mirror).await;
    let tag = repository.digest(&hub, "latest").await;
    assert!(tag.is_some());
    assert_eq!(tag, repository.digest(&mirror, "latest").await);
    assert_eq!((check_all(&hub, "images").await, check_all(&mirror, "images").await), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_at_one_site_stays_at_the_other_and_does_not_come_back() {
    let hub = hub().await;
    let mirror = mirror(&hub).await;
    let repository = Repository::new("images", "app");
    let one = repository.push(&hub, "one", &[b"one"]).await;
    let two = repository.push(&hub, "two", &[b"two"]).await;
    repository.pushed(&hub, "tagged", &two).await;
    sync(&mirror).await;
    assert_eq!(repository.delete(&hub, &digest(&one)).await, StatusCode::ACCEPTED);
    assert_eq!(repository.delete(&mirror, &digest(&two)).await, StatusCode::ACCEPTED);
    for options in [serde_json::json!({}), serde_json::json!({ "full": true })] {
        let execution = mirror.sync_with("images", options).await;
        assert_eq!(execution["status"], "done", "{execution}");
        for (server, gone, there) in [(&hub, &one, &two), (&mirror, &two, &one)] {
            assert_eq!(repository.digest(server, &digest(gone)).await, None);
            assert_eq!(repository.digest(server, &digest(there)).await, Some(digest(there)));
        }
        assert_eq!(repository.digest(&hub, "one").await, None);
        assert_eq!(repository.digest(&hub, "tagged").await, Some(digest(&two)));
        assert_eq!(repository.digest(&mirror, "tagged").await, None);
    }
    repository.push(&hub, "one", &[b"one"]).await;
    repository.push(&mirror, "two", &[b"two"]).await;
    sync(&mirror).await;
    for server in [&hub, &mirror] {
        assert_eq!(repository.digest(server, "one").await, Some(digest(&one)));
        assert_eq!(repository.digest(server, "two").await, Some(digest(&two)));
    }
}
