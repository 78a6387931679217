//! Many packages of very different sizes, published fast.

use std::sync::Arc;

use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use crate::package::Package;
use crate::server::Server;

/// Publishes under way at once.
const PARALLEL: usize = 8;
/// What tarballs are filled with is made once and repeated; nothing compresses it on the way.
const NOISE: usize = 1 << 20;

/// Packages to publish.
pub struct Crowd {
    sizes: Vec<usize>,
    noise: Vec<u8>,
}

impl Crowd {
    /// `count` packages: most of 1 KiB, every 20th of 300 KiB, every 200th of 4 MiB, every 1,000th of
    /// 50 MiB.
    #[must_use]
    pub fn of(count: usize) -> Self {
        let size = |number: usize| match number {
            number if number % 1_000 == 500 => 50 << 20,
            number if number % 200 == 100 => 4 << 20,
            number if number % 20 == 10 => 300 << 10,
            _ => 1 << 10,
        };
        let mut noise = vec![0; NOISE];
        rand::rngs::StdRng::seed_from_u64(1).fill_bytes(&mut noise);
        Self { sizes: (0..count).map(size).collect(), noise }
    }

    /// How many bytes all tarballs have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.sizes.iter().map(|size| *size as u64).sum()
    }

    /// How many packages there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.sizes.len()
    }

    fn package(&self, number: usize) -> Package {
        // What follows the end of the archive is looked at by nobody.
        let mut package = Package::new(&format!("package-{number:05}"), "1.0.0");
        let missing = self.sizes[number].saturating_sub(package.tarball.len());
        package.tarball.extend(self.noise.iter().copied().cycle().take(missing));
        package
    }

    /// Publishes all of them.
    ///
    /// # Panics
    /// When one is refused.
    pub async fn publish(self: &Arc<Self>, server: &Server, feed: &str) {
        let mut publishing = JoinSet::new();
        for number in 0..self.count() {
            if publishing.len() >= PARALLEL {
                publishing.join_next().await.expect("one runs").expect("it is published");
            }
            let (crowd, publisher, feed) = (Arc::clone(self), server.publisher(), feed.to_owned());
            publishing.spawn(async move {
                let package = crowd.package(number);
                publisher.publish(&feed, &package).await;
            });
        }
        while let Some(published) = publishing.join_next().await {
            published.expect("it is published");
        }
    }
}
