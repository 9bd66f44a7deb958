//! TLS of Reeve's own: a certificate and its key from two files, which may be renewed while Reeve runs.

use crate::config::TlsFiles;
use reeve_runtime::Supervisor;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fs::{self, Metadata},
    io::{Error, ErrorKind},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};
use tokio::{
    net::TcpStream,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A handshake must be done within this time.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the files are looked at. A renewal has weeks, so nothing is lost by looking seldom.
const LOOK: Duration = Duration::from_secs(10);

/// Accepts TLS connections with the newest good certificate. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Tls {
    files: Arc<TlsFiles>,
    pair: Arc<Current>,
    acceptor: TlsAcceptor,
}

/// The pair in use. Connections keep the one they began with.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Tls {
    /// Reads the files. Blocks briefly.
    ///
    /// # Errors
    /// One sentence that names the file and what is wrong with it.
    pub fn load(files: &TlsFiles) -> Result<Self, String> {
        let pair = Arc::new(Current(RwLock::new(Arc::new(read(files)?))));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS can't be set up ({error})."))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&pair) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { files: Arc::new(files.clone()), pair, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The handshake, within a time.
    ///
    /// # Errors
    /// When the client is too slow or doesn't speak TLS.
    pub async fn accept(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Error> {
        let slow = |_| Error::new(ErrorKind::TimedOut, "the TLS handshake was not done in time");
        timeout(HANDSHAKE, self.acceptor.accept(stream)).await.map_err(slow)?
    }

    /// Takes a renewed pair into use, without a restart and without touching open connections. A pair that can't be used is warned about
    /// once and the old one stays.
    pub fn watch(&self, supervisor: &Supervisor) {
        let tls = self.clone();
        supervisor.spawn("tls certificate", move |stop| {
            let tls = tls.clone();
            async move {
                let mut looked_at = tls.marks().await;
                let mut every = interval(LOOK);
                every.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        _ = every.tick() => {}
                    }
                    let now = tls.marks().await;
                    if now != looked_at {
                        looked_at = now;
                        tls.renew().await;
                    }
                }
            }
        });
    }

    async fn renew(&self) {
        let files = Arc::clone(&self.files);
        let read = tokio::task::spawn_blocking(move || read(&files)).await;
        match read.unwrap_or_else(|error| Err(format!("The certificate could not be read ({error})."))) {
            Ok(pair) => {
                *self.pair.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
                tracing::info!("the renewed TLS certificate is in use");
            }
            Err(sentence) => tracing::warn!("{sentence} The certificate from before stays in use."),
        }
    }

    async fn marks(&self) -> [Option<Mark>; 2] {
        let files = Arc::clone(&self.files);
        let look = move || [mark(&files.certificate), mark(&files.key)];
        tokio::task::spawn_blocking(look).await.unwrap_or_default()
    }
}

/// What changes when a file does, whether it is written anew or another takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

fn mark(path: &Path) -> Option<Mark> {
    let of = |meta: Metadata| Mark { modified: meta.modified().ok(), length: meta.len(), inode: meta.ino() };
    fs::metadata(path).ok().map(of)
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, String> {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    let chain = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| format!("The TLS certificate {certificate} can't be used: {}.", why(&error)))?;
    if chain.is_empty() {
        return Err(format!("The TLS certificate {certificate} can't be used: it holds no certificate in PEM form."));
    }
    let secret = PrivateKeyDer::from_pem_file(&files.key);
    let secret = secret.map_err(|error| format!("The TLS key {key} can't be used: {}.", why(&error)))?;
    if fs::metadata(&files.key).is_ok_and(|meta| meta.mode() & 0o007 != 0) {
        tracing::warn!("The TLS key {key} can be read by every user of this machine; take that right away (chmod o= {key}).");
    }
    CertifiedKey::from_der(chain, secret, &ring::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => format!("The TLS key {key} does not belong to the first certificate in {certificate}."),
        error => format!("The TLS certificate {certificate} with the key {key} can't be used ({error})."),
    })
}

fn why(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::NoItemsFound => "it holds nothing of its kind in PEM form".to_owned(),
        // Others may repeat a line of the file, which may be a secret one.
        _ => "it is not well-formed PEM".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn g4_a_pair_that_cannot_be_used_is_named_and_not_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = TlsFiles { certificate: dir.path().join("cert.pem"), key: dir.path().join("key.pem") };
        let (good, other) = (made(), made());
        let attempt = |certificate: Option<&str>, key: Option<&str>| {
            for (path, text) in [(&files.certificate, certificate), (&files.key, key)] {
                match text {
                    Some(text) => fs::write(path, text).expect("written"),
                    None => drop(fs::remove_file(path)),
                }
            }
            Tls::load(&files).map(drop)
        };
        assert_eq!(attempt(Some(&good.0), Some(&good.1)), Ok(()));
        let broken = good.1.replace('M', "!");
        for (certificate, key, words) in [
            (None, Some(&good.1), "cert.pem can't be used"),
            (Some(&good.0), None, "key.pem can't be used"),
            (Some(&good.1), Some(&good.1), "holds no certificate"),
            (Some(&good.0), Some(&good.0), "key.pem can't be used"),
            (Some(&good.0), Some(&other.1), "does not belong to"),
            (Some(&good.0), Some(&broken), "key.pem can't be used"),
            (Some(&String::new()), Some(&good.1), "holds no certificate"),
        ] {
            let said = attempt(certificate.map(String::as_str), key.map(String::as_str)).expect_err(words);
            assert!(said.contains(words) && said.ends_with('.') && said.lines().count() == 1, "{words}: {said}");
            let secret = good.1.lines().nth(1).expect("a line of the key");
            assert!(!said.contains(secret), "{said}");
        }
    }
}
