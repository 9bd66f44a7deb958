//! G3: finding things in the log, and taking it out to be checked elsewhere.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, event, numbered, write};
use futures::TryStreamExt;
use reeve_model::{
    UnixMs,
    audit::{AuditEvent, AuditProblem, AuditQuery, Outcome},
    pool::StoreRole,
};
use reeve_store::{
    Domain, Store, StoreError,
    accounts::DEFAULT_ORG,
    audit::{self, seal},
    migrate,
};
use uuid::Uuid;

#[tokio::test]
async fn g3_a_log_that_got_its_own_database_is_shown_with_that_of_before() {
    let bench = Bench::migrated().await;
    migrate::up(&mut bench.owner("two").await, Domain::Compliance, Bench::RUNTIME).await.unwrap();
    let (before, after) =
        (Store::new(bench.pools(false), DEFAULT_ORG), Store::new(bench.pools_with(Some(StoreRole::Compliance)), DEFAULT_ORG));
    let events = numbered(9);
    write(&bench, &events[..4]).await;
    before.relay_audit(100).await.unwrap();
    write(&bench, &events[4..]).await;
    after.relay_audit(100).await.unwrap();
    let mut found = Vec::new();
    let mut query = AuditQuery { limit: 2, ..AuditQuery::default() };
    loop {
        let page = after.search_audit(query.clone()).await.unwrap();
        assert_eq!(page.head, Some(5));
        found.extend(page.items.into_iter().map(|e| (e.seq.unwrap(), e.event.unwrap())));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => break,
        }
    }
    found.reverse();
    let wanted: Vec<(i64, AuditEvent)> = [1, 2, 3, 4, 1, 2, 3, 4, 5].into_iter().zip(events).collect();
    assert_eq!(found, wanted);
    let verdicts = after.verify_audit(&[]).await.unwrap();
    assert_eq!(
        verdicts.iter().map(|v| (v.place, v.verdict.good_to)).collect::<Vec<_>>(),
        [(Some(StoreRole::Compliance), 5), (Some(StoreRole::Main), 4)]
    );
    let text = export(&after, AuditQuery::default()).await;
    assert_eq!(text.lines().count(), 13);
    check(&text);
    // The new database is lost: what main recorded of it says so.
    let lost = before.verify_audit(&[]).await.unwrap();
    let by = audit::head::MAIN.to_owned();
    assert_eq!((lost[1].place, &lost[1].verdict.problems[..]), (None, &[AuditProblem::CutOff { ends_at: 0, recorded: 5, by }][..]));
}

#[tokio::test]
async fn g3_each_filter_finds_what_it_says_and_a_bad_query_gets_a_sentence() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let now = UnixMs::now();
    let mut events = Vec::new();
    for n in 0..60_i64 {
        let mut e = event(
            ["sign_in", "change", "view"][usize::try_from(n % 3).unwrap()],
            ["session", "account"][usize::try_from(n % 2).unwrap()],
            "",
        );
        e.resource = format!("db_{}%", n % 10);
        e.actor = format!("{}_{}@example.org", ["Ann", "bob"][usize::try_from(n / 30).unwrap()], n % 4);
        e.account = (n % 4 == 0).then(|| Uuid::from_u128(7).to_string());
        e.outcome = Outcome::ALL[usize::try_from(n % 4).unwrap()];
        // Some happened long before they are sealed.
        e.at = now.plus_ms((n - 60) * if n < 20 { 3_600_000 } else { 1000 });
        events.push(e);
    }
    write(&bench, &events).await;
    store.relay_audit(1000).await.unwrap();
    let query = |set: &dyn Fn(&mut AuditQuery)| {
        let mut query = AuditQuery { limit: 7, ..AuditQuery::default() };
        set(&mut query);
        query
    };
    type Matches = Box<dyn Fn(&AuditEvent) -> bool>;
    let (from, to) = (now.plus_ms(-45 * 3_600_000), now.plus_ms(-30_000));
    let cases: Vec<(AuditQuery, Matches)> = vec![
        (query(&|_| {}), Box::new(|_| true)),
        (query(&|q| q.verb = Some("view".into())), Box::new(|e| e.verb == "view")),
        (query(&|q| q.noun = Some("account".into())), Box::new(|e| e.noun == "account")),
        (query(&|q| q.outcome = Some(Outcome::Alarm)), Box::new(|e| e.outcome == Outcome::Alarm)),
        (query(&|q| q.resource = Some("db_7".into())), Box::new(|e| e.resource == "db_7%")),
        (query(&|q| q.resource = Some("db_7%".into())), Box::new(|e| e.resource == "db_7%")),
        (query(&|q| q.resource = Some("%".into())), Box::new(|_| false)),
        (query(&|q| q.resource = Some("db.7".into())), Box::new(|_| false)),
        (query(&|q| q.actor = Some("ANN".into())), Box::new(|e| e.actor.starts_with("Ann"))),
        (query(&|q| q.actor = Some("n_3@".into())), Box::new(|e| e.actor == "Ann_3@example.org")),
        (query(&|q| q.actor = Some("%".into())), Box::new(|_| false)),
        (query(&|q| q.actor = Some("nobody".into())), Box::new(|_| false)),
        (query(&|q| q.actor = Some(Uuid::from_u128(7).to_string())), Box::new(|e| e.account.is_some())),
        (query(&|q| q.from = Some(from)), Box::new(move |e| e.at.0 >= from.0)),
        (query(&|q| q.to = Some(to)), Box::new(move |e| e.at.0 < to.0)),
        (
            query(&|q| (q.from, q.to, q.verb) = (Some(from), Some(to), Some("change".into()))),
            Box::new(move |e| e.at.0 >= from.0 && e.at.0 < to.0 && e.verb == "change"),
        ),
        (
            query(&|q| (q.actor, q.to, q.noun) = (Some("bob".into()), Some(to), Some("account".into()))),
            Box::new(move |e| e.actor.starts_with("bob") && e.at.0 < to.0 && e.noun == "account"),
        ),
    ];
    for (mut query, matches) in cases {
        let wanted: Vec<&AuditEvent> = events.iter().rev().filter(|e| matches(e)).collect();
        let mut found = Vec::new();
        let asked = query.clone();
        loop {
            let page = store.search_audit(query.clone()).await.unwrap();
            assert!(page.items.len() == 7 || page.next.is_none(), "{asked:?}");
            found.extend(page.items.into_iter().map(|e| e.event.unwrap()));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{asked:?}");
        let text = export(&store, asked.clone()).await;
        assert_eq!(check(&text), wanted.iter().rev().map(|e| e.id.clone()).collect::<Vec<_>>(), "{asked:?}");
    }
    for bad in ["", "x", "1-1", "1-1-9", "ffffffffffffffff-1-1", "7fffffffffffffff-1-1", "1-1-1' OR true --"] {
        let error = store.search_audit(query(&|q| q.cursor = Some(bad.to_owned()))).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)), "{bad}: {error}");
    }
    assert!(matches!(store.search_audit(query(&|q| q.limit = 501)).await, Err(StoreError::Invalid(_))));
    assert_eq!(store.search_audit(query(&|q| q.limit = 0)).await.unwrap().items.len(), 50);
    assert!(store.search_audit(query(&|q| q.verb = Some("\0".to_owned()))).await.unwrap().items.is_empty());
    // Another organisation sees nothing of it.
    let other = Store::new(bench.pools(false), Uuid::from_u128(2));
    assert!(other.search_audit(query(&|_| {})).await.unwrap().items.is_empty());
}

async fn export(store: &Store, query: AuditQuery) -> String {
    store.export_audit(query).unwrap().try_fold(String::new(), |text, piece| async move { Ok(text + &piece) }).await.unwrap()
}

/// Checks an export with nothing but what it holds. Answers the ids of its events.
fn check(text: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let bytes = |v: &serde_json::Value| <[u8; 32]>::try_from(hex::decode(v.as_str().unwrap()).unwrap()).unwrap();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line.get("log").is_some() || line.get("end").is_some() {
            continue;
        }
        let event: AuditEvent = serde_json::from_value(line["event"].clone()).unwrap();
        assert_eq!(seal::leaf(&bytes(&line["salt"]), &event), bytes(&line["leaf"]));
        let (seq, at) = (line["seq"].as_i64().unwrap(), line["sealed_at_us"].as_i64().unwrap());
        assert_eq!(seal::hash(&bytes(&line["previous"]), seq, at, &bytes(&line["leaf"])), bytes(&line["hash"]));
        if seq == 1 {
            assert!(text.lines().filter(|l| l.starts_with("{\"log\"")).any(|header| {
                let header: serde_json::Value = serde_json::from_str(header).unwrap();
                let id = |key: &str| Uuid::parse_str(header[key].as_str().unwrap()).unwrap();
                seal::beginning(id("log"), id("org")) == bytes(&line["previous"]) && header["previous"] == line["previous"]
            }));
        }
        ids.push(event.id);
    }
    ids
}

#[tokio::test]
async fn g3_an_export_of_many_pieces_is_one_chain() {
    let bench = Bench::migrated().await;
    let store = Store::new(bench.pools(false), DEFAULT_ORG);
    let events = numbered(2500);
    write(&bench, &events).await;
    while store.relay_audit(400).await.unwrap().waiting > 0 {}
    let text = export(&store, AuditQuery { limit: 3, ..AuditQuery::default() }).await;
    assert_eq!(check(&text), events.iter().map(|e| e.id.clone()).collect::<Vec<_>>());
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(lines[1..2501].windows(2).all(|two| two[0]["hash"] == two[1]["previous"]));
    assert_eq!(lines.len(), 2502);
    assert_eq!((&lines[0]["whole"], &lines[2501]), (&serde_json::json!(true), &serde_json::json!({ "end": 2500 })));
    let part = export(&store, AuditQuery { verb: Some("nothing has it".to_owned()), ..AuditQuery::default() }).await;
    let lines: Vec<serde_json::Value> = part.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!((&lines[0]["whole"], &lines[1]), (&serde_json::json!(false), &serde_json::json!({ "end": 0 })));
}
