//! Speaks TLS with the certificate of the settings, and takes a new one while it serves.
//!
//! Both files are read again now and then. What cannot be used is logged once and changes nothing:
//! connections go on with the pair before.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at. A renewed certificate has days left.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// A chain of certificates is some kilobytes; larger files are something else.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("{path} cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not of its kind.
    #[error("{path} holds no {what} in PEM form: {source}", path = path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// Why.
        source: pem::Error,
    },
    /// The key does not belong to the certificate, or is of a kind that is not known.
    #[error("{certificate} and {key} cannot be used together: {source}",
        certificate = certificate.display(), key = key.display())]
    Unusable {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of its key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

/// A server's side of TLS.
pub struct Tls {
    acceptor: TlsAcceptor,
    pair: Arc<Pair>,
    certificate: PathBuf,
    key: PathBuf,
    /// What the files held when they were last looked at, used or not.
    seen: ArcSwap<[u8; 32]>,
}

/// The certificate in force.
struct Pair(ArcSwap<CertifiedKey>);

impl fmt::Debug for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pair")
    }
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Tls {
    /// With the chain of certificates and the key in these files.
    ///
    /// # Errors
    /// When a file cannot be read, or what is in them cannot be used.
    pub fn open(certificate: &Path, key: &Path) -> Result<Tls, TlsError> {
        let files = Files::read(certificate, key)?;
        let pair = Arc::new(Pair(ArcSwap::from_pointee(files.pair(certificate, key)?)));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        let versions = builder.with_safe_default_protocol_versions();
        let versions = versions.map_err(|e| unusable(certificate, key, e))?;
        let pair_in_force = Arc::<Pair>::clone(&pair);
        let mut config = versions.with_no_client_auth().with_cert_resolver(pair_in_force);
        config.alpn_protocols = [&b"h2"[..], b"http/1.1"].map(<[u8]>::to_vec).to_vec();
        Ok(Tls {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            pair,
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            seen: ArcSwap::from_pointee(files.digest()),
        })
    }

    /// What shakes hands with clients.
    pub(super) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Takes what is in the files now, if it is new and good.
    pub fn look(&self) {
        let (certificate, key) = (&self.certificate, &self.key);
        let files = match Files::read(certificate, key) {
            Ok(files) => files,
            Err(error) => return self.refuse([0; 32], &error),
        };
        let digest = files.digest();
        if **self.seen.load() == digest {
            return;
        }
        match files.pair(certificate, key) {
            Ok(pair) => {
                self.pair.0.store(Arc::new(pair));
                self.seen.store(Arc::new(digest));
                tracing::info!(certificate = %certificate.display(), "a new certificate is served");
            }
            Err(error) => self.refuse(digest, &error),
        }
    }

    /// Logs once that files as they are now are of no use.
    fn refuse(&self, digest: [u8; 32], error: &TlsError) {
        if **self.seen.load() != digest {
            self.seen.store(Arc::new(digest));
            tracing::error!(%error, "the certificate before goes on being served");
        }
    }

    /// Looks at the files for ever.
    pub async fn watch(self: Arc<Tls>) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let tls = Arc::clone(&self);
            // A panic was logged where it happened.
            let _ = tokio::task::spawn_blocking(move || tls.look()).await;
        }
    }
}

/// What is in the two files.
struct Files {
    certificate: Vec<u8>,
    key: zeroize::Zeroizing<Vec<u8>>,
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Files, TlsError> {
        Ok(Files { certificate: read(certificate)?, key: read(key)?.into() })
    }

    fn digest(&self) -> [u8; 32] {
        let length = self.certificate.len().to_le_bytes();
        let all = Sha256::new().chain_update(length).chain_update(&self.certificate);
        all.chain_update(&*self.key).finalize().into()
    }

    fn pair(&self, certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
        let not_pem = |path: &Path, what| {
            let path = path.to_owned();
            move |source| TlsError::NotPem { path, what, source }
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<_, _>>()
            .map_err(not_pem(certificate, "certificate"))?;
        if chain.is_empty() {
            return Err(not_pem(certificate, "certificate")(pem::Error::NoItemsFound));
        }
        let secret =
            PrivateKeyDer::from_pem_slice(&self.key).map_err(not_pem(key, "private key"))?;
        CertifiedKey::from_der(chain, secret, &aws_lc_rs::default_provider())
            .map_err(|e| unusable(certificate, key, e))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read;
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn unusable(certificate: &Path, key: &Path, source: rustls::Error) -> TlsError {
    TlsError::Unusable { certificate: certificate.to_owned(), key: key.to_owned(), source }
}
