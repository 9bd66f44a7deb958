//! G3, AT-43: whatever is done to the log by somebody who can do anything to its database, the check names the place.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Bench, event};
use reeve_model::audit::{AuditEvent, AuditProblem, AuditVerdict};
use reeve_store::{
    Store,
    accounts::DEFAULT_ORG,
    audit::{self, Head, RecordedHead, seal},
};
use sqlx::{AssertSqlSafe, PgConnection};
use time::OffsetDateTime;
use uuid::Uuid;

/// A log of 20 entries, and who can do anything to it.
struct Scene {
    bench: Bench,
    store: Store,
    root: PgConnection,
    head: Head,
}

impl Scene {
    async fn new() -> Self {
        let bench = Bench::migrated().await;
        let store = Store::new(bench.pools(false), DEFAULT_ORG);
        let mut head = None;
        for n in 0..4 {
            let events: Vec<AuditEvent> = (0..5).map(|m| event("change", "account", &format!("{n}{m}@example.org"))).collect();
            audit::write_all(&mut bench.runtime("one").await, &events).await.unwrap();
            head = store.relay_audit(100).await.unwrap().heads.pop();
        }
        let root = bench.superuser("one").await;
        let this = Self { bench, store, root, head: head.unwrap() };
        assert_eq!(this.verdict(&[]).await.problems, []);
        this
    }

    async fn does(&mut self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.root).await.unwrap();
    }

    async fn verdict(&self, recorded: &[RecordedHead]) -> AuditVerdict {
        self.store.verify_audit(recorded).await.unwrap().remove(0).verdict
    }

    /// The end of the log as somebody outside noted it.
    fn anchor(&self) -> RecordedHead {
        RecordedHead { by: "the anchor file".to_owned(), log: self.head.log, seq: self.head.seq, hash: self.head.hash }
    }

    /// Computes the chain anew from `first` on, as somebody would who knows how it is made.
    async fn reseal(&mut self, first: i64) {
        let log: Uuid = sqlx::query_scalar("SELECT id FROM compliance.audit_origin").fetch_one(&mut self.root).await.unwrap();
        let rows: Vec<(i64, OffsetDateTime, Vec<u8>, Vec<u8>)> =
            sqlx::query_as("SELECT seq, sealed_at, leaf, hash FROM compliance.audit_log ORDER BY seq")
                .fetch_all(&mut self.root)
                .await
                .unwrap();
        let mut before = seal::beginning(log, DEFAULT_ORG);
        for (seq, sealed_at, leaf, hash) in rows {
            if seq < first {
                before = hash.try_into().unwrap();
                continue;
            }
            let micros = i64::try_from(sealed_at.unix_timestamp_nanos() / 1000).unwrap();
            before = seal::hash(&before, seq, micros, &leaf.try_into().unwrap());
            sqlx::query("UPDATE compliance.audit_log SET hash = $2 WHERE seq = $1")
                .bind(seq)
                .bind(&before[..])
                .execute(&mut self.root)
                .await
                .unwrap();
        }
    }
}

#[tokio::test]
async fn at_43_a_changed_entry_is_named_whatever_was_changed() {
    let mut scene = Scene::new().await;
    for change in [
        "actor = 'mallory'",
        "verb = 'view'",
        "outcome = 'refused'",
        "at = at + interval '1 microsecond'",
        "at = at - interval '1 hour'",
        "address = '192.0.2.8'",
        "address = '192.0.2.7/24'",
        "address = NULL",
        "account = '00000000-0000-0000-0000-000000000007'",
        "before = ''",
        "after = '{}'",
        "count = 2",
        "id = gen_random_uuid()",
        "salt = decode(repeat('00', 32), 'hex')",
        "salt = NULL",
        "actor = NULL",
        "leaf = decode(repeat('00', 32), 'hex')",
    ] {
        scene.does("CREATE TABLE kept AS SELECT * FROM compliance.audit_log").await;
        scene.does(&format!("UPDATE compliance.audit_log SET {change} WHERE seq = 8")).await;
        let verdict = scene.verdict(&[]).await;
        assert!(verdict.problems.contains(&AuditProblem::Changed { seq: 8 }), "{change}: {verdict:?}");
        assert_eq!((verdict.good_to, verdict.checked), (7, 20), "{change}");
        scene.does("DELETE FROM compliance.audit_log; INSERT INTO compliance.audit_log SELECT * FROM kept; DROP TABLE kept").await;
        assert_eq!(scene.verdict(&[]).await.problems, []);
    }
    // Its proof fitted to the change: then the next one doesn't follow.
    scene.does("UPDATE compliance.audit_log SET hash = decode(repeat('00', 32), 'hex') WHERE seq = 8").await;
    assert_eq!(scene.verdict(&[]).await.problems, [AuditProblem::Broken { seq: 8 }, AuditProblem::Broken { seq: 9 }]);
}

#[tokio::test]
async fn at_43_a_removed_entry_is_named() {
    let mut scene = Scene::new().await;
    scene.does("DELETE FROM compliance.audit_log WHERE seq IN (1, 8, 9, 15)").await;
    let verdict = scene.verdict(&[]).await;
    let removed = |from, to| AuditProblem::Removed { from, to };
    assert_eq!(verdict.problems, [removed(1, 1), removed(8, 9), removed(15, 15)]);
    assert_eq!((verdict.good_to, verdict.checked), (0, 16));
}

#[tokio::test]
async fn at_43_an_inserted_entry_is_named() {
    let mut scene = Scene::new().await;
    let copy = "INSERT INTO compliance.audit_log SELECT (l).* FROM (
        SELECT jsonb_populate_record(l, jsonb_build_object('sealed_at', sealed_at + interval '1 microsecond', 'id', gen_random_uuid())) AS l
        FROM compliance.audit_log l WHERE seq = 10) AS forged";
    scene.does(copy).await;
    let verdict = scene.verdict(&[]).await;
    assert!(verdict.problems.contains(&AuditProblem::Broken { seq: 10 }), "{verdict:?}");
    assert_eq!((verdict.good_to, verdict.checked), (10, 21));
    // Numbers moved up to make room for it.
    let mut scene = Scene::new().await;
    scene.does("UPDATE compliance.audit_log SET seq = seq + 1001 WHERE seq > 10").await;
    scene.does("UPDATE compliance.audit_log SET seq = seq - 1000 WHERE seq > 1000").await;
    scene.does(&copy.replace("jsonb_build_object(", "jsonb_build_object('seq', 11, ")).await;
    let verdict = scene.verdict(&[]).await;
    assert_eq!((verdict.good_to, verdict.problems.contains(&AuditProblem::Broken { seq: 11 })), (10, true), "{verdict:?}");
}

#[tokio::test]
async fn at_43_two_swapped_entries_are_named() {
    let mut scene = Scene::new().await;
    scene.does("CREATE TABLE kept AS SELECT * FROM compliance.audit_log").await;
    // What they say.
    let columns = "(id, at, actor, resource, salt)";
    let swap = |columns: &str| {
        let named = columns.trim_matches(['(', ')']).split(", ").map(|c| format!("k.{c}")).collect::<Vec<_>>().join(", ");
        format!("UPDATE compliance.audit_log l SET {columns} = ROW({named}) FROM kept k WHERE l.seq IN (7, 8) AND k.seq = 15 - l.seq")
    };
    scene.does(&swap(columns)).await;
    let changed = [AuditProblem::Changed { seq: 7 }, AuditProblem::Changed { seq: 8 }];
    assert_eq!(scene.verdict(&[]).await.problems, changed);
    // Their proofs as well.
    scene.does(&swap("(leaf, hash)")).await;
    let verdict = scene.verdict(&[]).await;
    assert_eq!(verdict.good_to, 6);
    assert_eq!(verdict.problems, [AuditProblem::Broken { seq: 7 }, AuditProblem::Broken { seq: 8 }, AuditProblem::Broken { seq: 9 }]);
    // Their moments, so that they stand the other way round.
    scene.does("DELETE FROM compliance.audit_log; INSERT INTO compliance.audit_log SELECT * FROM kept").await;
    scene.does("UPDATE compliance.audit_log SET sealed_at = sealed_at + interval '1 microsecond' WHERE seq = 7").await;
    let verdict = scene.verdict(&[]).await;
    assert_eq!((verdict.good_to, verdict.problems.is_empty()), (6, false), "{verdict:?}");
}

#[tokio::test]
async fn at_43_a_tail_that_was_cut_off_is_named_by_main_and_by_an_anchor() {
    let mut scene = Scene::new().await;
    scene.does("DELETE FROM compliance.audit_log WHERE seq > 15").await;
    let cut = |by: &str| AuditProblem::CutOff { ends_at: 15, recorded: 20, by: by.to_owned() };
    let verdict = scene.verdict(&[scene.anchor()]).await;
    assert_eq!(verdict.problems, [cut("the anchor file"), cut(audit::head::MAIN)]);
    assert_eq!(verdict.good_to, 15);
    // The next relay tells, and goes on without touching main's record.
    audit::write(&mut scene.bench.runtime("one").await, &event("view", "audit", "")).await.unwrap();
    let done = scene.store.relay_audit(100).await.unwrap();
    assert_eq!((done.sealed, &done.problems[..]), (1, &[cut(audit::head::MAIN)][..]));
    for n in 0..9 {
        audit::write(&mut scene.bench.runtime("one").await, &event("view", "audit", &n.to_string())).await.unwrap();
    }
    scene.store.relay_audit(100).await.unwrap();
    let rewritten = |by: &str| AuditProblem::Rewritten { seq: 20, by: by.to_owned() };
    let verdict = scene.verdict(&[scene.anchor()]).await;
    assert_eq!(verdict.problems, [rewritten("the anchor file"), rewritten(audit::head::MAIN)]);
    // Who could change main as well still can't reach the anchor.
    scene.does("DELETE FROM main.audit_head").await;
    assert_eq!(scene.verdict(&[]).await.problems, []);
    assert_eq!(scene.verdict(&[scene.anchor()]).await.problems, [rewritten("the anchor file")]);
    scene.does("DELETE FROM compliance.audit_log").await;
    let all = AuditProblem::CutOff { ends_at: 0, recorded: 20, by: "the anchor file".to_owned() };
    assert_eq!(scene.verdict(&[scene.anchor()]).await.problems, [all]);
}

#[tokio::test]
async fn at_43_a_log_that_was_rewritten_from_a_place_on_is_named() {
    let mut scene = Scene::new().await;
    let early: Vec<u8> =
        sqlx::query_scalar("SELECT hash FROM compliance.audit_log WHERE seq = 5").fetch_one(&mut scene.root).await.unwrap();
    let early = RecordedHead { seq: 5, hash: early.try_into().unwrap(), ..scene.anchor() };
    // Entry 12 is gone without a trace: those behind it moved up and everything from there on was sealed anew.
    scene.does("DELETE FROM compliance.audit_log WHERE seq = 12").await;
    for seq in 13..=20 {
        scene.does(&format!("UPDATE compliance.audit_log SET seq = {} WHERE seq = {seq}", seq - 1)).await;
    }
    audit::write(&mut scene.bench.runtime("one").await, &event("view", "audit", "")).await.unwrap();
    scene.reseal(12).await;
    let done = scene.store.relay_audit(100).await.unwrap();
    assert_eq!(done.problems, [AuditProblem::CutOff { ends_at: 19, recorded: 20, by: audit::head::MAIN.to_owned() }]);
    let verdict = scene.verdict(&[scene.anchor(), early.clone()]).await;
    let rewritten = |by: &str| AuditProblem::Rewritten { seq: 20, by: by.to_owned() };
    assert_eq!(verdict.problems, [rewritten("the anchor file"), rewritten(audit::head::MAIN)]);
    // Good is only what a record still confirms.
    assert_eq!((verdict.good_to, verdict.head), (5, hex::encode(early.hash)));
    // The whole chain, from the first entry on.
    scene.does("UPDATE compliance.audit_log SET leaf = decode(repeat('00', 32), 'hex'), salt = NULL, actor = NULL, via = NULL, verb = NULL, noun = NULL, resource = NULL, outcome = NULL, agent = NULL, request = NULL, count = NULL, id = NULL, at = NULL, address = NULL WHERE seq = 1").await;
    scene.reseal(1).await;
    let verdict = scene.verdict(&[early]).await;
    assert_eq!(verdict.problems[0], AuditProblem::Rewritten { seq: 5, by: "the anchor file".to_owned() });
    assert_eq!((verdict.good_to, verdict.erased), (0, 1));
}

#[tokio::test]
async fn at_43_a_log_in_ruins_is_read_until_a_hundred_problems() {
    let mut scene = Scene::new().await;
    let events: Vec<AuditEvent> = (0..300).map(|n| event("change", "account", &n.to_string())).collect();
    audit::write_all(&mut scene.bench.runtime("one").await, &events).await.unwrap();
    scene.store.relay_audit(1000).await.unwrap();
    scene.does("UPDATE compliance.audit_log SET actor = 'x' WHERE seq > 20").await;
    let verdict = scene.verdict(&[]).await;
    assert_eq!((verdict.problems.len(), verdict.good_to, verdict.checked), (100, 20, 120));
}
