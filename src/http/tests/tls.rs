//! TLS by files that are replaced while we serve.

use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::*;
use crate::http::serve;
use crate::tls::Tls;

/// Certificates for localhost that are of no use anywhere else, each with its key.
const FIRST: (&str, &str) = (include_str!("tls/first-cert.pem"), include_str!("tls/first-key.pem"));
const SECOND: (&str, &str) = (include_str!("tls/second-cert.pem"), include_str!("tls/second-key.pem"));

/// Puts a certificate and its key into the files that are served from; answers the certificate.
fn renew(folder: &Path, (certificate, key): (&'static str, &str)) -> &'static str {
    std::fs::write(folder.join("cert.pem"), certificate).unwrap();
    std::fs::write(folder.join("key.pem"), key).unwrap();
    certificate
}

/// What is answered to a client that trusts this certificate alone.
async fn ask(address: std::net::SocketAddr, trusted: &str) -> std::io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    // A server that closes without a word has said all the same.
    let _unclean = stream.read_to_string(&mut answer).await;
    Ok(answer)
}

#[tokio::test]
async fn a_renewed_certificate_is_served_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let first = renew(folder.path(), FIRST);
    let tls = Arc::new(Tls::open(&certificate, &key).unwrap());
    let server = Server::new(&loopback());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(serve(listener, server.router.clone(), Some(Arc::clone(&tls)), stop.clone()));
    assert!(ask(address, first).await.unwrap().starts_with("HTTP/1.1 200"));
    // Who does not speak TLS gets no answer, and holds nobody up.
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    std::fs::write(&certificate, "no certificate").unwrap();
    assert!(tls.refresh().is_err());
    assert!(ask(address, first).await.unwrap().starts_with("HTTP/1.1 200"), "the former one is served on");
    let second = renew(folder.path(), SECOND);
    assert_eq!(tls.ends(), Some("2126-11-04T12:48:55Z".parse().unwrap()), "as `openssl x509 -enddate` says");
    assert!(tls.refresh().unwrap());
    assert_eq!(tls.ends(), Some("2126-11-04T12:48:57Z".parse().unwrap()));
    assert!(
        !server.get("/metrics").await.text.contains("orgwatch_certificate_expiry"),
        "without TLS nothing ends"
    );
    server.metrics.serving_with(Arc::clone(&tls));
    let line = "orgwatch_certificate_expiry_timestamp_seconds 4949470137";
    assert!(server.get("/metrics").await.text.lines().any(|one| one == line));
    assert!(ask(address, second).await.unwrap().starts_with("HTTP/1.1 200"));
    assert!(ask(address, first).await.is_err(), "the former one is no longer served");
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

#[test]
fn key_and_certificate_must_belong_together() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    renew(one.path(), FIRST);
    renew(other.path(), SECOND);
    let open =
        |certificate: &Path, key: &Path| Tls::open(&certificate.join("cert.pem"), &key.join("key.pem"));
    assert!(open(one.path(), one.path()).is_ok());
    assert!(open(one.path(), other.path()).is_err());
    let swapped = Tls::open(&one.path().join("key.pem"), &one.path().join("cert.pem")).unwrap_err();
    assert!(swapped.to_string().contains("key.pem"), "{swapped}");
}
