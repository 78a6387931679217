//! Certificates made on the spot.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CertifiedKey, DnType, IsCa, KeyPair,
    generate_simple_self_signed,
};
use tempfile::TempDir;

/// The names of this machine's loopback address.
const NAMES: [&str; 2] = ["127.0.0.1", "localhost"];

/// A certificate of this machine's loopback address with its key, in files: signed by itself, or by an
/// authority of its own.
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

    /// Makes one that an authority has signed: who trusts [`Self::authority_file`] trusts it.
    ///
    /// # Panics
    /// When it cannot be made or written.
    #[must_use]
    pub fn signed() -> Self {
        let certificate = Self { folder: tempfile::tempdir().expect("a folder") };
        let mut authority = CertificateParams::new([]).expect("no names");
        authority.distinguished_name.push(DnType::CommonName, "Acme Authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().expect("a key"))
                .expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let mut own = CertificateParams::new(NAMES.map(str::to_owned)).expect("names");
        own.distinguished_name.push(DnType::CommonName, "localhost");
        let own = own.signed_by(&key, &authority).expect("a certificate");
        std::fs::write(certificate.key_file(), key.serialize_pem()).expect("written");
        std::fs::write(certificate.file(), own.pem()).expect("written");
        std::fs::write(certificate.authority(), authority.pem()).expect("written");
        certificate
    }

    /// Puts another certificate, of another key, into the files.
    ///
    /// # Panics
    /// When it cannot be made or written.
    pub fn replace(&self) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(NAMES.map(str::to_owned)).expect("a certificate");
        std::fs::write(self.key_file(), signing_key.serialize_pem()).expect("written");
        std::fs::write(self.file(), cert.pem()).expect("written");
    }

    /// The file of the certificate.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// The file of what has signed it: an authority, or the certificate itself.
    #[must_use]
    pub fn authority_file(&self) -> PathBuf {
        let authority = self.authority();
        if authority.exists() { authority } else { self.file() }
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
