//! What the tests of this crate share.
#![allow(clippy::unwrap_used, dead_code)]

use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::testing::TestCluster;
use reeve_model::pool::StoreRole;
use std::{future::Future, path::PathBuf, time::Duration};

pub fn endpoint(cluster: &TestCluster) -> Endpoint {
    Endpoint::parse(&cluster.url("postgres")).unwrap()
}

pub fn settings(cluster: &TestCluster, max: u32) -> RoleSettings {
    RoleSettings { endpoint: endpoint(cluster), max, acquire_timeout: Duration::from_secs(10), region: None }
}

pub fn pools<const N: usize>(roles: [(StoreRole, RoleSettings); N]) -> RolePools {
    let mut config = RoleConfig::new(roles.into());
    config.connect_timeout = Duration::from_secs(2);
    RolePools::new(config).unwrap()
}

/// Looks every few milliseconds until it is so; after 60 s the test has failed.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(tokio::time::Instant::now() < until, "not so after 60 s: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Lets TCP reach a cluster that has only a socket. Answers the port; ends with the test's runtime.
pub async fn tcp_door(cluster: &TestCluster) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = socket_of(cluster);
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let socket = socket.clone();
            tokio::spawn(async move {
                let mut inside = tokio::net::UnixStream::connect(socket).await.unwrap();
                tokio::io::copy_bidirectional(&mut outside, &mut inside).await.ok();
            });
        }
    });
    port
}

pub fn socket_of(cluster: &TestCluster) -> PathBuf {
    cluster.socket_dir().join(format!(".s.PGSQL.{}", cluster.port()))
}

/// The superuser's password, as the URL has it.
pub fn password(cluster: &TestCluster) -> String {
    cluster.url("postgres").split("password=").nth(1).unwrap().to_owned()
}
