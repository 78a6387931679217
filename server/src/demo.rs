//! `pakhus demo`: three sites in one process, replicating before one's eyes.

mod package;

use std::io;
use std::time::{Duration, Instant};

use pakhus_core::FeedName;
use pakhus_core::replication::{ClientMode, ServerMode};
use pakhus_db::feeds::Anonymous;
use reqwest::{Client, Response};

use crate::cli::DemoArguments;
use crate::config::{
    Config, ConfigError, Environment, Feed, Overrides, Replication, ReplicationClient,
    ReplicationServer, Secret,
};
use crate::package_types::built_in_names;
use crate::serve::{ServeError, Site, asked_to_stop, say};

/// Why the demo ends early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("a request of the demo failed: {0}")]
    Request(#[from] reqwest::Error),
    #[error("the demo went wrong: {0}")]
    Unexpected(String),
}

const FEED: &str = "libs";
/// How long a change may take to arrive before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a site is, for clients.
struct Address {
    name: &'static str,
    url: String,
    key: String,
}

/// Runs the demo until Ctrl-C.
pub(crate) async fn run(_: DemoArguments) -> Result<(), DemoError> {
    let folder = tempfile::tempdir()?;
    let token = crate::secrets::new_sync_token();
    let mut servers = tokio::task::JoinSet::new();
    let mut stops: Vec<Box<dyn Fn() + Send>> = Vec::new();
    let mut addresses: Vec<Address> = Vec::new();
    for name in ["Los Angeles", "Tokyo", "Cleveland"] {
        let hub = addresses.first().map(|hub| hub.url.as_str());
        let data = folder.path().join(name.replace(' ', "-").to_lowercase());
        let config = site_config(name, data, hub, &token)?;
        let site = Site::open(&config).await?;
        let key = tokio::fs::read_to_string(&site.admin_key).await?.trim().to_owned();
        addresses.push(Address { name, url: site.url.clone(), key });
        stops.push(Box::new(site.stopper()));
        servers.spawn(site.serve());
    }
    let shown = show(&addresses);
    let ended = tokio::select! {
        shown = shown => match shown {
            Ok(()) => {
                asked_to_stop().await;
                Ok(())
            }
            Err(error) => Err(error),
        },
        () = asked_to_stop() => Ok(()),
    };
    for stop in stops {
        stop();
    }
    while servers.join_next().await.is_some() {}
    ended
}

/// The hub takes changes from everybody; the others mirror it.
fn site_config(
    name: &str,
    data_dir: std::path::PathBuf,
    hub: Option<&str>,
    token: &str,
) -> Result<Config, DemoError> {
    let listen = Some(([127, 0, 0, 1], 0).into());
    let overrides = Overrides { listen, data_dir: Some(data_dir) };
    let names = built_in_names();
    let built_in: Vec<_> = names.iter().map(String::as_str).collect();
    let nothing: [(&str, &str); 0] = [];
    let mut config =
        Config::load_from(None, &Environment::from_iter(nothing), &overrides, &built_in)?;
    let secret = Secret::new(token).map_err(|reason| DemoError::Unexpected(reason.to_owned()))?;
    let unexpected = |error: String| DemoError::Unexpected(error);
    let replication = match hub {
        None => Replication {
            server: ReplicationServer { mode: ServerMode::ReadWrite, sync_tokens: vec![secret] },
            ..Replication::default()
        },
        Some(hub) => {
            let source = format!("{hub}/replication/{FEED}");
            let source_url =
                source.parse().map_err(|_| unexpected(format!("{source} is no source URL")))?;
            Replication {
                client: ReplicationClient {
                    mode: ClientMode::Mirror,
                    source_url: Some(source_url),
                    sync_token: Some(secret),
                    ..ReplicationClient::default()
                },
                ..Replication::default()
            }
        }
    };
    name.clone_into(&mut config.instance_name);
    config.starter_feeds.clear();
    let feed = FEED.parse::<FeedName>().map_err(|error| unexpected(error.to_string()))?;
    let feed = Feed::new(feed, "npm".to_owned());
    config.feeds = vec![Feed { anonymous: Anonymous::View, replication, ..feed }];
    Ok(config)
}

/// Publishes at one site and reads at the others; deletes at another and sees it go everywhere.
async fn show(sites: &[Address]) -> Result<(), DemoError> {
    say(format_args!(
        "Three sites, one npm feed `{FEED}`: Los Angeles is the hub, Tokyo and Cleveland mirror it.\n"
    ))?;
    for site in sites {
        let registry = registry(site);
        say(format_args!("  {:<12} {registry}", site.name))?;
        say(format_args!("  {:<12} API key {}", "", site.key))?;
    }
    say(format_args!(""))?;
    let client = Client::new();
    let [los_angeles, tokyo, cleveland] = sites else {
        return Err(DemoError::Unexpected("there are not three sites".to_owned()));
    };
    publish(&client, los_angeles, "left-shelf", "1.0.0").await?;
    let (at_tokyo, at_cleveland) = tokio::join!(
        wait(&client, tokyo, "left-shelf/1.0.0", true),
        wait(&client, cleveland, "left-shelf/1.0.0", true),
    );
    for (site, took) in [(tokyo, at_tokyo?), (cleveland, at_cleveland?)] {
        say(format_args!(
            "  left-shelf 1.0.0, published at Los Angeles, is at {} after {took:.2?}",
            site.name
        ))?;
    }
    publish(&client, tokyo, "right-shelf", "2.0.0").await?;
    let took = wait(&client, cleveland, "right-shelf/2.0.0", true).await?;
    say(format_args!(
        "  right-shelf 2.0.0, published at Tokyo, is at Cleveland after {took:.2?}, by the hub"
    ))?;
    delete(&client, cleveland, "left-shelf").await?;
    let took = wait(&client, tokyo, "left-shelf/1.0.0", false).await?;
    say(format_args!(
        "  left-shelf, unpublished at Cleveland, is gone at Tokyo after {took:.2?}\n"
    ))?;
    let (from, to) = (registry(los_angeles), registry(tokyo));
    let auth = from.trim_start_matches("http:");
    say(format_args!("Try it, in the folder of any npm package:\n"))?;
    say(format_args!("  npm publish --registry {from} '--{auth}:_authToken={}'", los_angeles.key))?;
    say(format_args!("  npm view right-shelf --registry {to}"))?;
    say(format_args!("  pakhus status --server {} --api-key {}\n", tokyo.url, tokyo.key))?;
    say(format_args!("Ctrl-C stops all three and removes their data."))?;
    Ok(())
}

fn registry(site: &Address) -> String {
    format!("{}/npm/{FEED}/", site.url)
}

async fn publish(
    client: &Client,
    site: &Address,
    name: &str,
    version: &str,
) -> Result<(), DemoError> {
    let document = package::publish_document(name, version)?;
    let url = format!("{}{name}", registry(site));
    let request = client.put(url).bearer_auth(&site.key).json(&document);
    accepted(request.send().await?).await
}

async fn delete(client: &Client, site: &Address, name: &str) -> Result<(), DemoError> {
    let url = format!("{}{name}", registry(site));
    let document: serde_json::Value =
        client.get(format!("{url}?write=true")).send().await?.json().await?;
    let revision = document["_rev"].as_str().unwrap_or_default();
    let request = client.delete(format!("{url}/-rev/{revision}")).bearer_auth(&site.key);
    accepted(request.send().await?).await
}

async fn accepted(response: Response) -> Result<(), DemoError> {
    if response.status().is_success() {
        return Ok(());
    }
    let (status, text) = (response.status(), response.text().await?);
    Err(DemoError::Unexpected(format!("{status}: {text}")))
}

/// Waits until the site answers `path` with success, or no longer does.
async fn wait(
    client: &Client,
    site: &Address,
    path: &str,
    there: bool,
) -> Result<Duration, DemoError> {
    let started = Instant::now();
    let url = format!("{}{path}", registry(site));
    while started.elapsed() < PATIENCE {
        if client.get(&url).send().await?.status().is_success() == there {
            return Ok(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let name = site.name;
    Err(DemoError::Unexpected(format!("the change did not arrive at {name} in {PATIENCE:?}")))
}
