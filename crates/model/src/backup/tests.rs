use super::*;

fn entry() -> BackupEntry {
    let id = BackupId::new("20261126T131845Z-7f3a9c01").expect("an id");
    let table = |name: &str, rows| BackupTable { schema: "public".into(), name: name.into(), rows, digest: rows.map(|r| r.to_string()) };
    let backup = Backup {
        id,
        timestamp: UnixMs(1_000),
        size_bytes: 10,
        tables: vec![table("a", Some(1)), table("b", Some(2))],
        kind: BackupKind::Manual,
        checksum: "00".into(),
        target: TargetName::new("orders").expect("a name"),
        database: BackupDatabase {
            name: "orders".into(),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "C".into(),
            size_bytes: 100,
            properties: None,
        },
        whole: true,
        server_version: "15.18".into(),
        server_major: 15,
        tool_version: "15.18".into(),
        tool_major: 15,
        started_at: UnixMs(900),
        duration_ms: 500,
        plain_bytes: 50,
        encrypted_to: Vec::new(),
        copies: Vec::new(),
        notes: Vec::new(),
    };
    BackupEntry { backup, verification: None, drill: None }
}

fn verification(at: i64, level: VerificationLevel, good: bool) -> Verification {
    let fault = VerificationFault { object: "x".into(), sentence: "It is gone.".into() };
    let faults = if good { Vec::new() } else { vec![fault] };
    Verification { backup: entry().backup.id, at: UnixMs(at), level, duration_ms: 1, objects: 1, bytes: 1, faults }
}

fn drill(at: i64, outcome: DrillOutcome) -> Drill {
    Drill {
        backup: entry().backup.id,
        at: UnixMs(at),
        outcome,
        failure: None,
        rto: Some(DrillTarget { measured_ms: 2, target_ms: 1 }),
        duration_ms: 3,
        server_version: None,
        tables_compared: 0,
        rows_compared: 0,
        differences: Vec::new(),
        amcheck: AmcheckOutcome::Passed,
        notes: Vec::new(),
    }
}

#[test]
fn d4_the_newest_proof_speaks_and_a_failed_one_outweighs_an_older_good_one() {
    use VerificationLevel::{Digests, Full};
    let trust = |verification, drill| BackupEntry { verification, drill, ..entry() }.trust();
    assert_eq!(trust(None, None), BackupTrust::Written);
    assert_eq!(trust(Some(verification(1, Digests, true)), None), BackupTrust::Intact);
    assert_eq!(trust(Some(verification(1, Full, true)), None), BackupTrust::Verified);
    assert_eq!(trust(Some(verification(1, Full, true)), Some(drill(2, DrillOutcome::Late))), BackupTrust::Drilled);
    assert_eq!(trust(Some(verification(2, Full, false)), Some(drill(1, DrillOutcome::Passed))), BackupTrust::Failed);
    assert_eq!(trust(Some(verification(1, Full, true)), Some(drill(2, DrillOutcome::Failed))), BackupTrust::Failed);
}

#[test]
fn d1_rows_are_unknown_when_one_table_was_not_counted() {
    let mut backup = entry().backup;
    assert_eq!(backup.rows(), Some(3));
    backup.tables[1].rows = None;
    assert_eq!(backup.rows(), None);
}
