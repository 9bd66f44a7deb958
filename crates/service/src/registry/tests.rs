//! What the registry and the hub keep when targets come, change and go (A6).

use super::*;
use crate::Hub;
use reeve_model::{Environment, Status, TargetKind, UnixMs, Verdict, snapshot::TargetSnapshot};

fn named(name: &str) -> TargetName {
    TargetName::new(name).expect("a name")
}

fn target(name: &str, url: &str) -> TargetSpec {
    let endpoint = Endpoint::parse(url).expect("an address");
    let info = TargetInfo {
        name: named(name),
        kind: TargetKind::Postgres,
        environment: Environment::Dev,
        address: endpoint.redacted(),
        tags: Vec::new(),
        region: None,
        owner: None,
    };
    TargetSpec::new(info, endpoint)
}

#[test]
fn a6_what_stays_the_same_keeps_its_place_and_only_a_change_is_told() {
    let (shop, ledger) = (|| target("shop", "postgres://u:old@h/d"), || target("ledger", "postgres://u:p@h/l"));
    let registry = Registry::new(vec![shop(), ledger()]);
    let (mut changes, before) = (registry.subscribe(), registry.specs());
    registry.set(vec![ledger(), shop()]);
    assert!(!changes.has_changed().expect("open"), "nothing has changed");
    registry.set(vec![target("shop", "postgres://u:new@h/d"), ledger()]);
    assert!(changes.has_changed().expect("open"), "a password has");
    let after = changes.borrow_and_update().clone();
    assert!(!Arc::ptr_eq(&before[&named("shop")], &after[&named("shop")]));
    assert!(Arc::ptr_eq(&before[&named("ledger")], &after[&named("ledger")]));
    registry.set(vec![ledger()]);
    assert!(changes.has_changed().expect("open") && registry.get(&named("shop")).is_none());
}

#[test]
fn a6_the_hub_keeps_what_is_known_of_a_target_that_stays_and_takes_in_nothing_of_one_that_is_gone() {
    let at = UnixMs(1_700_000_000_000);
    let (shop, ledger) = (target("shop", "postgres://u@h/d").info, target("ledger", "postgres://u@h/l").info);
    let hub = Hub::new(vec![(shop.clone(), 1_000), (ledger.clone(), 1_000)], at);
    let critical = Verdict { status: Status::Critical, ..Verdict::not_yet(at) };
    hub.recall(&shop.name, critical.clone());
    let mut told = hub.reshaped();
    let moved = TargetInfo { region: Some("eu-1".to_owned()), ..shop.clone() };
    hub.align(vec![(moved.clone(), 1_000)], at);
    assert!(told.has_changed().expect("open"), "open pages are told");
    assert_eq!(told.borrow_and_update().to_vec(), vec![moved.clone()]);
    assert_eq!(hub.latest(&shop.name).map(|l| l.verdict.status), Some(Status::Critical));
    assert!(hub.take(Arc::new(TargetSnapshot::untried(ledger.name.clone(), at)), at).is_none(), "a late round of what is gone");
    assert!(hub.overview(at).targets.iter().all(|t| t.info == moved));
    hub.align(vec![(moved, 1_000)], at);
    assert!(!told.has_changed().expect("open"), "the same again is no news");
    hub.align(Vec::new(), at);
    assert_eq!((hub.targets().len(), hub.overview(at.plus_ms(2_000)).targets.len()), (0, 0));
}

#[tokio::test]
async fn a6_a_file_that_can_t_be_used_leaves_the_address_as_it_was() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("url");
    let spec = target("shop", "postgres://u:one@h/d");
    let address = Address::File { path: path.clone(), endpoint: spec.endpoint };
    let standing =
        Standing { info: spec.info, place: "reeve.toml".to_owned(), address, cadence: Cadence::default(), databases: Vec::new() };
    let (mut plan, mut files) = (Plan { standing: vec![standing], cadence: Cadence::default() }, files::Files::default());
    let password = |plan: &Plan| {
        let endpoint = plan.standing[0].address.known().expect("a file's");
        endpoint.password().map(|p| p.expose_secret().to_owned())
    };
    let (changed, sentences) = plan.reread(&mut files).await;
    assert!(!changed && sentences.len() == 1 && password(&plan).as_deref() == Some("one"), "{sentences:?}");
    std::fs::write(&path, "postgres://u:hunter2@@h").expect("written");
    let (changed, sentences) = plan.reread(&mut files).await;
    assert!(!changed && !sentences[0].contains("hunter2") && password(&plan).as_deref() == Some("one"), "{sentences:?}");
    for (text, changes) in [("postgres://u:two@h/d\r\n", true), ("postgres://u:two@h/d", false)] {
        std::fs::write(&path, text).expect("written");
        assert_eq!(plan.reread(&mut files).await, (changes, Vec::new()));
        assert_eq!(password(&plan).as_deref(), Some("two"));
    }
}

#[tokio::test]
async fn a6_a_pipe_or_a_directory_in_place_of_a_file_holds_nobody_up() {
    let dir = tempfile::tempdir().expect("a directory");
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let mut files = files::Files::default();
    for path in [pipe.as_path(), dir.path()] {
        let why = files.read(path).await.expect_err("no file");
        assert_eq!(why, "it is not a file");
    }
}
