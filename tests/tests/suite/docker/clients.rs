//! Real clients: skopeo, buildah, podman, umoci and ORAS.

use pakhus_tests::containers::{self, Home};
use pakhus_tests::images::{Repository, check_all};
use pakhus_tests::installation;
use pakhus_tests::server::{Server, Setup};

async fn start() -> Server {
    Setup::new().docker_feed("images", "disabled").start().await
}

/// A home whose programs are signed in at the server.
fn signed_in(server: &Server) -> Home {
    let home = Home::default();
    let (key, address) = (server.key(), server.address());
    home.run(&format!("skopeo login --tls-verify=false -u x -p {key} {address}"));
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_signs_in_and_a_wrong_password_does_not() {
    let server = start().await;
    let home = Home::default();
    for program in ["skopeo", "podman", "buildah"] {
        let login = |password: &str| {
            let address = server.address();
            home.try_run(&format!(
                "{program} login --tls-verify=false -u x -p {password} {address}"
            ))
        };
        assert!(!login("wrong").status.success(), "{program}");
        assert!(login(server.key()).status.success(), "{program}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_two_processors_is_pushed_copied_and_pulled_by_digest() {
    let server = start().await;
    let home = signed_in(&server);
    home.build_for(&["amd64", "arm64"]);
    let images = format!("{}/images", server.address());
    for (format, tag) in [("oci", "oci"), ("v2s2", "docker")] {
        home.run(&format!(
            "buildah manifest push --all --format {format} --tls-verify=false localhost/all:1 \
             docker://{images}/team/all:{tag}"
        ));
    }
    for tag in ["oci", "docker"] {
        home.run(&format!(
            "skopeo copy --all --preserve-digests --src-tls-verify=false --dest-tls-verify=false \
             docker://{images}/team/all:{tag} docker://{images}/copied:{tag}"
        ));
        let (from, to) =
            (Repository::new("images", "team/all"), Repository::new("images", "copied"));
        assert_eq!(from.digest(&server, tag).await, to.digest(&server, tag).await);
    }
    let listed = home.run(&format!("skopeo list-tags --tls-verify=false docker://{images}/copied"));
    assert!(listed.contains("docker") && listed.contains("oci"), "{listed}");
    home.run(&format!("podman pull -q --tls-verify=false {images}/team/all:oci"));
    assert_eq!(check_all(&server, "images").await, 12);
    home.run(&format!("skopeo delete --tls-verify=false docker://{images}/copied:oci"));
    let inspect = format!("skopeo inspect --tls-verify=false docker://{images}/copied:oci");
    assert!(!home.try_run(&inspect).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_anybody_may_read_is_pulled_without_credentials() {
    let server = start().await;
    let home = signed_in(&server);
    home.build_for(&["amd64"]);
    let image = format!("{}/images/app:1", server.address());
    home.run(&format!("buildah push -q --tls-verify=false localhost/amd64:1 docker://{image}"));
    let stranger = Home::default();
    stranger.run(&format!("podman pull -q --tls-verify=false {image}"));
    stranger.run(&format!("skopeo inspect --tls-verify=false docker://{image}"));
    let push = format!(
        "skopeo copy --src-tls-verify=false --dest-tls-verify=false docker://{image} docker://{image}2"
    );
    assert!(!stranger.try_run(&push).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_registry_is_copied_by_skopeo_sync() {
    let (from, to) = (start().await, start().await);
    let home = signed_in(&from);
    let address = to.address();
    home.run(&format!("skopeo login --tls-verify=false -u x -p {} {address}", to.key()));
    let repository = Repository::new("images", "app");
    for tag in ["1", "2", "3"] {
        repository.push(&from, tag, &[b"shared", tag.as_bytes()]).await;
    }
    home.run(&format!(
        "skopeo sync --all --preserve-digests --src docker --dest docker --src-tls-verify=false --dest-tls-verify=false \
         {}/images/app {address}/images",
        from.address()
    ));
    assert_eq!(check_all(&to, "images").await, 3);
    for tag in ["1", "2", "3"] {
        assert_eq!(repository.digest(&to, tag).await, repository.digest(&from, tag).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_made_by_umoci_goes_there_and_back() {
    let server = start().await;
    let home = signed_in(&server);
    std::fs::write(home.path().join("large"), vec![5; 3 << 20]).expect("written");
    home.run("umoci init --layout made");
    home.run("umoci new --image made:1");
    home.run("umoci insert --rootless --image made:1 large /large");
    let image = format!("docker://{}/images/deep/er/app:1", server.address());
    home.run(&format!("skopeo copy --dest-tls-verify=false oci:made:1 {image}"));
    home.run(&format!("skopeo copy --src-tls-verify=false {image} oci:back:1"));
    let index = |layout: &str| {
        let text = std::fs::read_to_string(home.path().join(layout).join("index.json"));
        let index: serde_json::Value =
            serde_json::from_str(&text.expect("an index")).expect("JSON");
        index["manifests"][0]["digest"].clone()
    };
    assert_eq!(index("made"), index("back"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_pushed_and_pulled_by_oras() {
    let server = start().await;
    let home = Home::default();
    std::fs::write(home.path().join("note.txt"), "a note").expect("written");
    let (key, address) = (server.key(), server.address());
    let target = format!("{address}/images/notes:1");
    let script = format!(
        "import oras.client\n\
         client = oras.client.OrasClient(hostname='{address}', insecure=True)\n\
         client.login(username='x', password='{key}', hostname='{address}')\n\
         client.push(files=['note.txt:text/plain'], target='{target}')\n\
         client.pull(target='{target}', outdir='out')\n"
    );
    let mut python = home.command("python3");
    python.arg("-c").arg(script).env("PYTHONPATH", containers::oras());
    installation::run(&mut python);
    let pulled = std::fs::read_to_string(home.path().join("out/note.txt"));
    assert_eq!(pulled.expect("it was pulled"), "a note");
}
