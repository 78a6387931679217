//! A real Docker engine. It mounts file systems, so these tests need root.

use pakhus_tests::containers::{Engine, Home};
use pakhus_tests::images::check_all;
use pakhus_tests::server::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_builds_pushes_pulls_and_runs() {
    let server = Setup::new().docker_feed("images", "disabled").start().await;
    let home = Home::default();
    let _engine = Engine::start(&home);
    let address = server.address();
    let login =
        |password: &str| home.try_run(&format!("docker login -u x -p {password} {address}"));
    assert!(!login("wrong").status.success());
    assert!(login(server.key()).status.success());
    let context = home.path().join("context");
    std::fs::create_dir(&context).expect("a folder");
    std::fs::copy("/bin/busybox", context.join("busybox")).expect("busybox-static is installed");
    let steps = "FROM scratch\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \
                 \"/bin\"]\nRUN head -c 5000000 /dev/urandom > /random\n";
    std::fs::write(context.join("Dockerfile"), steps).expect("written");
    let image = format!("{address}/images/team/app:1");
    home.run(&format!("docker build -q --network=none -t {image} context"));
    let id = home.run(&format!("docker image inspect -f {{{{.Id}}}} {image}"));
    home.run(&format!("docker push -q {image}"));
    home.run(&format!("docker rmi -f {id}"));
    home.run(&format!("docker pull -q {image}"));
    assert_eq!(home.run(&format!("docker image inspect -f {{{{.Id}}}} {image}")), id);
    let ran = home.run(&format!("docker run --rm --network=none {image} wc -c /random"));
    assert!(ran.starts_with("5000000"), "{ran}");
    home.run("docker logout");
    home.run(&format!("docker rmi -f {id}"));
    home.run(&format!("docker logout {address}"));
    // Anybody may read it, and who does not say who they are may not push.
    home.run(&format!("docker pull -q {image}"));
    assert!(!home.try_run(&format!("docker push {image}")).status.success());
    assert_eq!(check_all(&server, "images").await, 1);
}
