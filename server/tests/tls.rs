//! TLS of Reeve's own, with a real client (G4).
#![allow(clippy::unwrap_used)]

mod common;

use common::{EMAIL, PASSWORD, PATIENCE, Running, dir};
use rustls::{
    ClientConfig, ProtocolVersion, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A new self-signed pair in the two files; the certificate in DER.
fn write_pair(dir: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    // The key first: a certificate without its key would be warned about, which is right but noise here.
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()
}

/// A client that trusts exactly one certificate, as a browser trusts an authority.
async fn connect(
    reeve: &Running,
    trusted: &CertificateDer<'static>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(reeve.base.strip_prefix("https://").unwrap()).await?;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// One request and its whole answer on a connection that stays open.
async fn ask(stream: &mut TlsStream<TcpStream>, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    loop {
        let read = timeout(PATIENCE, stream.read_buf(&mut said)).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&said).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
            if body.len() >= length {
                return text;
            }
        }
        assert!(read > 0, "closed in the middle: {text}");
    }
}

const LIVE: &str = "GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn g4_tls_of_its_own_and_a_renewed_certificate_without_a_restart() {
    let data = dir();
    let first = write_pair(data.path());
    let (certificate, key) = (data.path().join("cert.pem"), data.path().join("key.pem"));
    let files = [("REEVE_TLS_CERTIFICATE", certificate.to_str().unwrap()), ("REEVE_TLS_KEY", key.to_str().unwrap())];
    let mut reeve = Running::begin(data.path(), &files).await;
    assert!(reeve.base.starts_with("https://"), "{}", reeve.base);

    for (versions, spoken) in
        [(&[&rustls::version::TLS12], ProtocolVersion::TLSv1_2), (&[&rustls::version::TLS13], ProtocolVersion::TLSv1_3)]
    {
        let mut stream = connect(&reeve, &first, versions).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(spoken));
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
        assert!(ask(&mut stream, LIVE).await.starts_with("HTTP/1.1 200 "));
    }
    // Signing in: the cookie is bound to this host and to TLS.
    let mut browser = connect(&reeve, &first, rustls::DEFAULT_VERSIONS).await.unwrap();
    let form = format!("email={EMAIL}&password={}", PASSWORD.replace(' ', "+"));
    let sign_in = format!(
        "POST /sign-in HTTP/1.1\r\nhost: localhost\r\norigin: https://localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    let said = ask(&mut browser, &sign_in).await;
    assert!(said.starts_with("HTTP/1.1 303 ") && said.contains("set-cookie: __Host-reeve=") && said.contains("; Secure"), "{said}");
    assert!(said.contains("strict-transport-security: max-age=31536000"), "{said}");

    // Plain HTTP, noise and silence on this port harm nobody.
    let host = reeve.base.strip_prefix("https://").unwrap().to_owned();
    let mut mute = TcpStream::connect(&host).await.unwrap();
    for noise in [LIVE.as_bytes(), b"\x16\x03\x01\xff\xff\x01", b"\0\0\0\0"] {
        let mut plain = TcpStream::connect(&host).await.unwrap();
        plain.write_all(noise).await.unwrap();
        plain.shutdown().await.unwrap();
        let mut said = Vec::new();
        let _ = timeout(PATIENCE, plain.read_to_end(&mut said)).await.expect("it is closed");
        assert!(!said.starts_with(b"HTTP/1.1 200"), "no answer without TLS");
    }
    let begun = Instant::now();
    assert!(ask(&mut connect(&reeve, &first, rustls::DEFAULT_VERSIONS).await.unwrap(), LIVE).await.starts_with("HTTP/1.1 200 "));
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for somebody else's handshake");
    let silent = timeout(PATIENCE, mute.read(&mut [0; 16])).await.expect("a handshake that never begins is cut off");
    assert!(matches!(silent, Ok(0) | Err(_)), "{silent:?}");

    // A broken renewal changes nothing but the log.
    std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n").unwrap();
    wait_for(&mut reeve, "The certificate from before stays in use").await;
    assert!(ask(&mut connect(&reeve, &first, rustls::DEFAULT_VERSIONS).await.unwrap(), LIVE).await.starts_with("HTTP/1.1 200 "));

    // A good one is served to new connections, while the old connection goes on.
    let mut old = connect(&reeve, &first, rustls::DEFAULT_VERSIONS).await.unwrap();
    assert!(ask(&mut old, LIVE).await.starts_with("HTTP/1.1 200 "));
    let second = write_pair(data.path());
    wait_for(&mut reeve, "the renewed TLS certificate is in use").await;
    assert!(ask(&mut connect(&reeve, &second, rustls::DEFAULT_VERSIONS).await.unwrap(), LIVE).await.starts_with("HTTP/1.1 200 "));
    assert!(connect(&reeve, &first, rustls::DEFAULT_VERSIONS).await.is_err(), "the old one is no longer shown");
    assert!(ask(&mut old, LIVE).await.starts_with("HTTP/1.1 200 "), "a connection from before is not dropped");
    assert_eq!(reeve.stop().await, Some(0));
}

async fn wait_for(reeve: &mut Running, words: &str) {
    let heard = timeout(PATIENCE, async {
        let mut every = tokio::time::interval(Duration::from_millis(50));
        loop {
            every.tick().await;
            if reeve.heard().iter().any(|line| line.contains(words)) {
                return;
            }
        }
    });
    heard.await.unwrap_or_else(|_| panic!("it never said: {words}"));
}
