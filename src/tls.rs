//! TLS from files that may be replaced while we serve: certificates are renewed more often than daemons are restarted.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::der::Decode;

/// Why TLS cannot be served from these files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or holds something else.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// They do not belong together, or are of no use.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Certificate and key, as they are in their files.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

/// What is served with now.
#[derive(Debug)]
struct Current {
    stamp: Stamp,
    config: Arc<ServerConfig>,
    ends: Option<Timestamp>,
}

/// When both files were last written, and how long they are.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// Reads the certificate with its chain, and the key, both in PEM.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let stamp = stamp(certificate, key);
        let (config, ends) = read(certificate, key)?;
        let current = RwLock::new(Current { stamp, config, ends });
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// What is served with now.
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner).config)
    }

    /// When the first of the certificates that are served with now ends; none where that cannot be read of them.
    pub fn ends(&self) -> Option<Timestamp> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// Reads the files again if they have changed. Whether they had; where they cannot be used, what was served before
    /// is served on, and the error is answered at each look until they can be.
    pub fn refresh(&self) -> Result<bool, TlsError> {
        let now = stamp(&self.certificate, &self.key);
        if self.current.read().unwrap_or_else(PoisonError::into_inner).stamp == now {
            return Ok(false);
        }
        let (config, ends) = read(&self.certificate, &self.key)?;
        let current = Current { stamp: now, config, ends };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        Ok(true)
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let found = std::fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    })
}

/// What is served with, and when the first certificate of the chain ends.
fn read(certificate: &Path, key: &Path) -> Result<(Arc<ServerConfig>, Option<Timestamp>), TlsError> {
    let unusable = |path: &Path, why: String| TlsError::File { path: path.to_owned(), why };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(|found| found.collect::<Result<Vec<_>, _>>())
        .map_err(|error| unusable(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(certificate, "there is no certificate in it".to_owned()));
    }
    let ends = chain.iter().filter_map(end).min();
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error.to_string()))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), ends))
}

/// `notAfter` of a certificate (RFC 5280, 4.1.2.5).
fn end(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let parsed = x509_cert::Certificate::from_der(certificate).ok()?;
    let seconds = parsed.tbs_certificate.validity.not_after.to_unix_duration().as_secs();
    Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
}
