//! `sslmode` honoured by both drivers (SPEC A6), against a TLS door before a real server.
#![allow(clippy::unwrap_used)]

mod common;

use common::{password, pools, socket_of};
use reeve_adapter::{AdapterError, Endpoint, RoleSettings, WireOptions, wire};
use reeve_cluster::testing::TestCluster;
use reeve_model::pool::StoreRole;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn certificate(name: &str) -> String {
    format!("{}/tests/certificates/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Speaks TLS outside, as a server with `ssl = on` does, and passes on to the cluster's socket. Answers the port.
async fn tls_door(cluster: &TestCluster) -> u16 {
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(certificate("server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, socket) = (listener.local_addr().unwrap().port(), socket_of(cluster));
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let (acceptor, socket) = (acceptor.clone(), socket.clone());
            tokio::spawn(async move {
                // The eight bytes of an SSLRequest; anything else is a client that wants no TLS.
                let mut asked = [0; 8];
                outside.peek(&mut asked).await.ok()?;
                let mut inside = tokio::net::UnixStream::connect(socket).await.ok()?;
                if asked[4..] == 80_877_103_u32.to_be_bytes() {
                    outside.read_exact(&mut asked).await.ok()?;
                    outside.write_all(b"S").await.ok()?;
                    let mut outside = acceptor.accept(outside).await.ok()?;
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await.ok()
                } else {
                    tokio::io::copy_bidirectional(&mut outside, &mut inside).await.ok()
                }
            });
        }
    });
    port
}

/// What each driver makes of it: whether the wire is encrypted, and whether the pool got in.
async fn both(url: &str) -> (Result<bool, AdapterError>, Result<(), AdapterError>) {
    let endpoint = Endpoint::parse(url).unwrap();
    let by_wire = wire::connect(&endpoint, WireOptions::new("reeve/test")).await.map(|c| c.is_encrypted());
    let role = RoleSettings::with_defaults(StoreRole::Main, endpoint);
    let by_pool = pools([(StoreRole::Main, role)]).acquire(StoreRole::Main).await.map(|_| ());
    (by_wire, by_pool)
}

#[tokio::test]
async fn a6_each_sslmode_does_what_it_says() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let (port, secret) = (tls_door(&cluster).await, password(&cluster));
    let url = |host: &str, rest: &str| format!("postgresql://postgres:{secret}@{host}:{port}/postgres?{rest}");
    let (root, other) = (certificate("root.pem"), certificate("other-root.pem"));

    for (host, rest, encrypted) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), false),
        ("127.0.0.1", String::new(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={root}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={root}"), true),
        ("localhost", format!("sslrootcert={root}"), true),
    ] {
        let (by_wire, by_pool) = both(&url(host, &rest)).await;
        assert_eq!(by_wire.unwrap_or_else(|e| panic!("{rest}: {e}")), encrypted, "{rest}");
        by_pool.unwrap_or_else(|e| panic!("{rest}: {e}"));
    }
    for (host, rest) in [
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={root}")),
        ("localhost", format!("sslmode=verify-full&sslrootcert={other}")),
        ("localhost", format!("sslmode=verify-ca&sslrootcert={other}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("localhost", "sslmode=verify-full&sslrootcert=/nowhere.pem".to_owned()),
    ] {
        let (by_wire, by_pool) = both(&url(host, &rest)).await;
        for error in [by_wire.map(|_| ()).unwrap_err(), by_pool.unwrap_err()] {
            assert!(matches!(error, AdapterError::Certificate { .. }), "{rest}: {error:?}");
            assert!(!error.to_string().contains(&secret), "{error}");
        }
    }
}

/// The cancelling connection is encrypted too.
#[tokio::test]
async fn b3_cancelling_works_through_tls() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let url = format!("postgresql://postgres:{}@127.0.0.1:{}/postgres?sslmode=require", password(&cluster), tls_door(&cluster).await);
    let client = wire::connect(&Endpoint::parse(&url).unwrap(), WireOptions::new("reeve/test")).await.unwrap();
    let limit = std::time::Duration::from_millis(100);
    client.within(limit, client.batch_execute("select pg_sleep(60)")).await.unwrap_err();
    client.within(limit * 50, client.batch_execute("select 1")).await.expect("the connection is good for more");
}
