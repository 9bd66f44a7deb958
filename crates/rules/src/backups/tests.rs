use super::*;
use reeve_model::backup::{
    AmcheckOutcome, Backup, BackupCopy, BackupDatabase, BackupId, BackupKind, Drill, Verification, VerificationFault, VerificationLevel,
};

fn shop() -> TargetName {
    TargetName::new("shop").expect("a name")
}

fn entry(minute: i64, database: &str) -> BackupEntry {
    let id = BackupId::new(format!("20261126T13{minute:02}00Z-7f3a9c01")).expect("an id");
    let at = UnixMs(minute * 60_000);
    let backup = Backup {
        id,
        timestamp: at,
        size_bytes: 1,
        tables: Vec::new(),
        kind: BackupKind::Manual,
        checksum: String::new(),
        target: shop(),
        database: BackupDatabase {
            name: database.into(),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "C".into(),
            size_bytes: 1,
            properties: None,
        },
        whole: true,
        server_version: "15.18".into(),
        server_major: 15,
        tool_version: "15.18".into(),
        tool_major: 15,
        started_at: at,
        duration_ms: 1,
        plain_bytes: 1,
        encrypted_to: Vec::new(),
        copies: vec![BackupCopy { location: "/b".into(), verified_at: None }],
        notes: Vec::new(),
    };
    BackupEntry { backup, verification: None, drill: None }
}

fn drilled(mut entry: BackupEntry, at: i64, outcome: DrillOutcome) -> BackupEntry {
    entry.drill = Some(Drill {
        backup: entry.backup.id.clone(),
        at: UnixMs(at * 60_000),
        outcome,
        failure: None,
        rto: None,
        duration_ms: 1,
        server_version: None,
        tables_compared: 1,
        rows_compared: 1,
        differences: Vec::new(),
        amcheck: AmcheckOutcome::Passed,
        notes: Vec::new(),
    });
    entry
}

fn damaged(mut entry: BackupEntry, at: i64) -> BackupEntry {
    entry.verification = Some(Verification {
        backup: entry.backup.id.clone(),
        at: UnixMs(at * 60_000),
        level: VerificationLevel::Digests,
        duration_ms: 1,
        objects: 1,
        bytes: 1,
        faults: vec![VerificationFault { object: "o".into(), sentence: "It differs.".into() }],
    });
    entry
}

fn found(database: &str, empty: bool) -> Found {
    Found { target: shop(), database: database.into(), size_bytes: Some(7), empty, copied_here: false }
}

fn covers(found: &[Found], entries: &[BackupEntry]) -> Vec<(String, Cover)> {
    cover(found, entries, &[]).into_iter().map(|c| (c.database, c.cover)).collect()
}

#[test]
fn d1_a_database_without_a_backup_is_said_so_and_an_empty_one_is_not() {
    let all = [found("orders", false), found("postgres", true)];
    assert_eq!(covers(&all, &[]), [("orders".to_owned(), Cover::Missing)]);
    let partial = BackupEntry { backup: Backup { whole: false, ..entry(1, "orders").backup }, ..entry(1, "orders") };
    assert_eq!(covers(&all, &[partial])[0].1, Cover::Missing, "chosen tables are not the database");
    let dropped = cover(&[], &[entry(1, "gone")], &[]);
    assert!(!dropped[0].there && dropped[0].cover == Cover::Unproven, "what was dropped can still be restored");
}

#[test]
fn d1_what_a_standby_holds_is_backed_up_at_its_primary() {
    let standby = Found { copied_here: true, ..found("orders", false) };
    assert_eq!(covers(std::slice::from_ref(&standby), &[]), []);
    assert_eq!(covers(&[standby], &[entry(1, "orders")])[0].1, Cover::Unproven, "a backup that was taken there is shown all the same");
}

#[test]
fn d5_only_a_restore_proves_and_a_failed_check_speaks_louder() {
    let all = [found("orders", false)];
    let one = |entries: &[BackupEntry]| cover(&all, entries, &[]).remove(0);
    assert_eq!(one(&[entry(1, "orders")]).cover, Cover::Unproven);
    let proven = one(&[drilled(entry(1, "orders"), 5, DrillOutcome::Late), entry(9, "orders")]);
    assert_eq!((proven.cover, proven.proven_at, proven.last_good_at), (Cover::Proven, Some(UnixMs(300_000)), Some(UnixMs(540_000))));
    assert_eq!(at_risk_s(&proven, UnixMs(600_000)), Some(60.0));
    let failed = one(&[drilled(entry(1, "orders"), 5, DrillOutcome::Failed)]);
    assert_eq!((failed.cover, failed.last_good, failed.last_drill), (Cover::Damaged, None, Some(DrillOutcome::Failed)));
    let newest_is_bad = one(&[drilled(entry(1, "orders"), 5, DrillOutcome::Passed), damaged(entry(9, "orders"), 10)]);
    assert_eq!((newest_is_bad.cover, newest_is_bad.last_good_at), (Cover::Damaged, Some(UnixMs(60_000))), "the older good one is named");
    let flipped_later = one(&[damaged(drilled(entry(1, "orders"), 5, DrillOutcome::Passed), 10)]);
    assert_eq!((flipped_later.cover, flipped_later.proven_at), (Cover::Damaged, None), "what was proven then is not what lies there now");
}
