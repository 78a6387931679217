//! Certificates made on the spot.

use std::path::PathBuf;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

/// A certificate of this machine's loopback address, signed by itself, with its key, in files.
pub struct Certificate {
    folder: TempDir,
}

impl Certificate {
    /// Makes one.
    #[must_use]
    pub fn new() -> Self {
        let certificate = Self { folder: tempfile::tempdir().expect("a folder") };
        certificate.replace();
        certificate
    }

    /// Puts another certificate, of another key, into the files.
    ///
    /// # Panics
    /// When it cannot be made or written.
    pub fn replace(&self) {
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).expect("a certificate");
        std::fs::write(self.key_file(), signing_key.serialize_pem()).expect("written");
        std::fs::write(self.file(), cert.pem()).expect("written");
    }

    /// The file of the certificate.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    /// The file of its key.
    #[must_use]
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("server.key")
    }

    /// The certificate as it is now.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn pem(&self) -> Vec<u8> {
        std::fs::read(self.file()).expect("a certificate")
    }

    /// The lines of configuration that serve with it.
    #[must_use]
    pub fn config(&self) -> String {
        let (certificate, key) = (self.file(), self.key_file());
        format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"", certificate.display(), key.display())
    }
}

impl Default for Certificate {
    fn default() -> Self {
        Self::new()
    }
}
