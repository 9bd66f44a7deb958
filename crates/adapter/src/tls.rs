//! TLS as `sslmode` asks for it, for connections through tokio-postgres.

use crate::{AdapterError, Endpoint, TlsMode};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use std::{path::Path, sync::Arc};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The connector for an endpoint that wants or may have TLS. Reads `sslrootcert`, `sslcert` and `sslkey`; blocks briefly.
pub(crate) fn connector(endpoint: &Endpoint) -> Result<MakeRustlsConnect, AdapterError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| refused(endpoint, e))?
        .dangerous();
    let verifier: Arc<dyn ServerCertVerifier> = match endpoint.tls {
        TlsMode::Disable | TlsMode::Prefer | TlsMode::Require => Arc::new(Unverified(provider)),
        TlsMode::VerifyCa => Arc::new(AnyName(webpki(endpoint, provider)?)),
        TlsMode::VerifyFull => webpki(endpoint, provider)?,
    };
    let builder = builder.with_custom_certificate_verifier(verifier);
    let config = match &endpoint.client_cert {
        None => builder.with_no_client_auth(),
        Some(files) => {
            let unusable = |what: &str, path: &Path, e: &dyn std::fmt::Display| {
                refused(endpoint, format!("{what} {} can't be used: {e}", path.display()))
            };
            let chain = CertificateDer::pem_file_iter(&files.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
            let chain = chain.map_err(|e| unusable("sslcert", &files.certificate, &e))?;
            let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| unusable("sslkey", &files.key, &e))?;
            builder.with_client_auth_cert(chain, key).map_err(|e| unusable("sslcert", &files.certificate, &e))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn refused(endpoint: &Endpoint, why: impl std::fmt::Display) -> AdapterError {
    AdapterError::Certificate { server: endpoint.redacted(), why: why.to_string() }
}

fn webpki(endpoint: &Endpoint, provider: Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, AdapterError> {
    let mut roots = RootCertStore::empty();
    match &endpoint.root_cert {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unreadable = |e: &dyn std::fmt::Display| refused(endpoint, format!("sslrootcert {} can't be used: {e}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| unreadable(&e))? {
                let certificate = certificate.map_err(|e| unreadable(&e))?;
                roots.add(certificate).map_err(|e| unreadable(&e))?;
            }
        }
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(|e| refused(endpoint, e))
}

/// `require`: the line is encrypted, whoever is at the other end.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// `verify-ca`: from a trusted root, for whatever name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        // The chain is checked before the name, so a wrong name means that the rest was right.
        match self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })) => {
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
