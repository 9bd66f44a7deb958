//! Signing keys in the store: sealed, also those that an earlier version left unsealed.
#![allow(clippy::unwrap_used)]

use reeve_adapter::{Endpoint, RoleConfig, RolePools, RoleSettings};
use reeve_cluster::testing::TestCluster;
use reeve_model::{UnixMs, pool::StoreRole};
use reeve_service::{
    tokens,
    vault::{Vault, VaultKey, key_id, secrets::Secrets, signing},
};
use reeve_store::{Domain, Store, accounts::DEFAULT_ORG, migrate};

fn vault() -> Vault {
    Vault::new(vec![VaultKey::parse(&VaultKey::generate().unwrap()).unwrap()]).unwrap()
}

#[tokio::test]
async fn at_40_unsealed_signing_keys_of_an_earlier_version_are_sealed_in_place() {
    let cluster = TestCluster::start(&[]).await.unwrap();
    let endpoint = Endpoint::parse(&cluster.url("postgres")).unwrap();
    let options = endpoint.to_sqlx("reeve/test").unwrap();
    let mut owner = sqlx::ConnectOptions::connect(&options).await.unwrap();
    migrate::up(&mut owner, Domain::Main, "postgres").await.unwrap();
    let role = RoleSettings::with_defaults(StoreRole::Main, endpoint);
    let store = Store::new(RolePools::new(RoleConfig::new([(StoreRole::Main, role)].into())).unwrap(), DEFAULT_ORG);

    let (vault, now) = (vault(), UnixMs::now());
    let (old, old_der) = tokens::generate().unwrap();
    store.add_signing_key(&old, &old_der, now.plus_ms(60_000), now).await.unwrap();
    let secrets = Secrets::new(store.clone(), vault.clone());
    secrets.verify().await.expect("an unsealed one keeps nobody from starting");
    assert_eq!(secrets.rotate("root").await.unwrap(), 0, "it is not this that seals it");
    let opened = signing::current(&store, &vault).await.unwrap();
    assert_eq!((opened[0].kid.as_str(), opened[0].der()), (old.as_str(), old_der.as_slice()));
    assert_eq!(key_id(&store.signing_keys().await.unwrap()[0].private_key), Some(vault.sealing_key()));

    let (new, new_der) = tokens::generate().unwrap();
    let sealed = signing::seal(&store, &vault, &new, &new_der).unwrap();
    store.add_signing_key(&new, &sealed, now.plus_ms(60_000), UnixMs::now().plus_ms(1_000)).await.unwrap();
    let opened = signing::current(&store, &vault).await.unwrap();
    let kids: Vec<_> = opened.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, [old.as_str(), new.as_str()], "oldest first");
    assert!(!format!("{opened:?}").contains(&format!("{:?}", &new_der[16..24])), "a key must not be printable");
    // Another key opens none of them, and says which.
    let error = signing::current(&store, &self::vault()).await.expect_err("another key").to_string();
    assert!(error.contains(&format!("signing-key/{old}")), "{error}");
    store.pools().close().await;
}
