//! The database, on SQLite and on PostgreSQL: each behaviour is a function, and runs on both.

mod bench;
mod vocabulary;

/// Makes a test `sqlite::NAME` and a test `postgres::NAME` of each function.
macro_rules! on_both_backends {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::bench::run(crate::bench::Backend::Sqlite, super::$name).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::bench::run(crate::bench::Backend::Postgres, super::$name).await;
                }
            )+
        }
    };
}

mod api_keys;
mod apply;
mod attributes;
mod blobs;
mod changes;
mod concurrency;
mod convergence;
mod delete;
mod diagnostics;
mod downloads;
mod executions;
mod feeds;
mod fingerprint;
mod kept;
mod leases;
mod links;
mod log;
mod logins;
mod opening;
mod owned_keys;
mod package_blobs;
mod packages;
mod pruning;
mod publish;
mod registers;
mod search;
mod settings;
mod stamps;
mod sync_tokens;
mod tags;
mod tree;
mod users;
mod version_changes;

#[test]
fn no_file_of_this_suite_is_forgotten() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite");
    for file in std::fs::read_dir(folder).expect("the folder of this file") {
        let path = file.expect("a file of it").path();
        let module = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let listed =
            module == "main" || include_str!("main.rs").contains(&format!("mod {module};"));
        assert!(listed, "main.rs does not say `mod {module};`");
    }
}
