//! Backups that are made up, in every state, one of them of a database with a hostile name.

use super::{HOSTILE, Scenario, name, ports::Fake};
use async_trait::async_trait;
use reeve_access::{
    Grant,
    permission::{ApproveRestore, CancelBackup, RunBackup, ScheduleBackup, UnscheduleBackup, ViewBackup, ViewBackupJob, ViewBackups},
};
use reeve_model::{
    UnixMs,
    backup::{
        AmcheckOutcome, Backup, BackupAct, BackupCopy, BackupDatabase, BackupDetail, BackupEntry, BackupHistory, BackupId, BackupJob,
        BackupKind, BackupQuery, BackupSchedule, BackupTable, Cover, DatabaseCopy, DatabaseCover, Drill, DrillOutcome, DrillTarget,
        JobPhase, JobProgress, JobState, RepositoryState, RestoreReport, ScheduledRun, ScheduledWhat, TableDifference, Verification,
        VerificationFault, VerificationLevel,
    },
};
use reeve_ports::{BackupsPort, PortError};

const MINUTE: i64 = 60_000;
pub const DAMAGED: &str = "20261124T020000Z-00000004";
pub const RESTORED: &str = "20261126T020000Z-00000001";

/// One moment for a whole run: what is said twice must be the same.
fn moment() -> UnixMs {
    static MOMENT: std::sync::OnceLock<UnixMs> = std::sync::OnceLock::new();
    *MOMENT.get_or_init(UnixMs::now)
}

pub fn id(text: &str) -> BackupId {
    BackupId::new(text).expect("an id")
}

fn backup(now: UnixMs, text: &str, database: &str, minutes: i64) -> Backup {
    let table = |schema: &str, name: &str, rows| BackupTable {
        schema: schema.into(),
        name: name.into(),
        rows: Some(rows),
        digest: Some("9f86d081884c7d65".into()),
    };
    Backup {
        id: id(text),
        timestamp: now.plus_ms(-minutes * MINUTE),
        size_bytes: 14_680_064,
        tables: vec![table("public", "orders", 120_400), table("public", "customers", 5_012), table("audit", HOSTILE, 7)],
        kind: BackupKind::Scheduled,
        checksum: "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8".into(),
        target: name("findawise"),
        database: BackupDatabase {
            name: database.into(),
            encoding: "UTF8".into(),
            collate: "C".into(),
            ctype: "C".into(),
            size_bytes: 96_000_000,
            properties: None,
        },
        whole: true,
        server_version: "15.18".into(),
        server_major: 15,
        tool_version: "15.18".into(),
        tool_major: 15,
        started_at: now.plus_ms(-minutes * MINUTE - 4_000),
        duration_ms: 6_400,
        plain_bytes: 61_000_000,
        encrypted_to: Vec::new(),
        copies: vec![BackupCopy { location: "/srv/backups".into(), verified_at: Some(now.plus_ms(-minutes * MINUTE)) }],
        notes: vec!["It is not encrypted: no recipients are configured.".into()],
    }
}

fn drill(now: UnixMs, of: &str, outcome: DrillOutcome) -> Drill {
    let failed = outcome == DrillOutcome::Failed;
    Drill {
        backup: id(of),
        at: now.plus_ms(-30 * MINUTE),
        outcome,
        failure: None,
        rto: Some(DrillTarget { measured_ms: 9_300, target_ms: 900_000 }),
        duration_ms: 14_000,
        server_version: Some("15.18".into()),
        tables_compared: 3,
        rows_compared: 125_419,
        differences: if failed {
            vec![TableDifference {
                schema: "public".into(),
                name: "orders".into(),
                sentence: "120,399 rows came back, 120,400 were backed up.".into(),
            }]
        } else {
            Vec::new()
        },
        amcheck: AmcheckOutcome::Passed,
        notes: Vec::new(),
    }
}

fn verification(now: UnixMs, of: &str, sound: bool) -> Verification {
    let fault = VerificationFault { object: "dump/3.dat.zst".into(), sentence: "Its SHA-256 differs.".into() };
    Verification {
        backup: id(of),
        at: now.plus_ms(-50 * MINUTE),
        level: VerificationLevel::Full,
        duration_ms: 2_100,
        objects: 12,
        bytes: 14_680_064,
        faults: if sound { Vec::new() } else { vec![fault] },
    }
}

pub fn entries(now: UnixMs) -> Vec<BackupEntry> {
    let plain =
        |text: &str, database: &str, minutes| BackupEntry { backup: backup(now, text, database, minutes), verification: None, drill: None };
    let mut list = vec![
        plain(RESTORED, "shop", 90),
        plain("20261125T020000Z-00000002", "shop", 1530),
        plain("20261125T010000Z-00000003", HOSTILE, 1590),
        plain(DAMAGED, "shop", 2970),
        plain("20261123T020000Z-00000005", "shop", 4410),
    ];
    list[0].drill = Some(drill(now, RESTORED, DrillOutcome::Passed));
    list[1].verification = Some(verification(now, "20261125T020000Z-00000002", true));
    list[3].verification = Some(verification(now, DAMAGED, false));
    list[4].drill = Some(drill(now, "20261123T020000Z-00000005", DrillOutcome::Failed));
    list
}

pub fn job(now: UnixMs, n: u32, act: BackupAct, state: JobState) -> BackupJob {
    let open = state.open();
    BackupJob {
        id: format!("00000000-0000-4000-8000-00000000000{n}"),
        target: name("findawise"),
        database: "shop".into(),
        backup: act.backup().cloned(),
        act,
        kind: BackupKind::Manual,
        state,
        progress: (state == JobState::Running).then_some(JobProgress {
            phase: JobPhase::Store,
            done_bytes: 4_000_000,
            total_bytes: Some(61_000_000),
            rate_bytes_per_s: Some(2_000_000.0),
            left_s: Some(28.5),
            at: now,
        }),
        sentence: (!open).then(|| format!("What came of it, {HOSTILE}.")),
        restored: None,
        cancelling: false,
        asked_by: "bo.operator@example.org".into(),
        asked_at: now.plus_ms(-i64::from(n) * MINUTE),
        agreed: None,
        started_at: (!matches!(state, JobState::Queued | JobState::Waiting)).then(|| now.plus_ms(-i64::from(n) * MINUTE + 900)),
        ended_at: (!open).then(|| now.plus_ms(-i64::from(n) * MINUTE + 9_000)),
    }
}

pub fn jobs(now: UnixMs) -> Vec<BackupJob> {
    let act = |what: &str| match what {
        "backup" => BackupAct::Backup { database: "shop".into(), tables: Vec::new() },
        "drill" => BackupAct::Drill { backup: id(RESTORED) },
        "verify" => BackupAct::Verify { backup: id(DAMAGED), level: VerificationLevel::Digests },
        "replace" => BackupAct::Replace { backup: id(RESTORED), typed: "shop".into() },
        _ => BackupAct::Restore { backup: id(RESTORED), into: Some("shop_tuesday".into()) },
    };
    let mut list = vec![
        job(now, 1, act("backup"), JobState::Running),
        job(now, 2, act("drill"), JobState::Queued),
        job(now, 3, act("restore"), JobState::Done),
        job(now, 4, act("verify"), JobState::Failed),
        job(now, 5, act("backup"), JobState::Cancelled),
        job(now, 6, act("replace"), JobState::Waiting),
        job(now, 7, act("replace"), JobState::Done),
    ];
    list[6].agreed = Some(("ann.admin@example.org".into(), now));
    list[6].restored = Some(RestoreReport {
        backup: id(RESTORED),
        at: now,
        database: "shop".into(),
        kept_as: Some("shop_before_20261126".into()),
        duration_ms: 8_000,
        tables_compared: 3,
        rows_compared: 125_419,
        differences: Vec::new(),
        notes: Vec::new(),
    });
    list[2].restored = Some(RestoreReport {
        backup: id(RESTORED),
        at: now,
        database: "shop_tuesday".into(),
        kept_as: None,
        duration_ms: 8_000,
        tables_compared: 3,
        rows_compared: 125_419,
        differences: Vec::new(),
        notes: Vec::new(),
    });
    list
}

fn covers(now: UnixMs) -> Vec<DatabaseCover> {
    let one = |database: &str, cover, minutes: Option<i64>, proven: bool| DatabaseCover {
        target: name("findawise"),
        database: database.into(),
        there: database != "gone",
        size_bytes: Some(96_000_000),
        cover,
        backups: if minutes.is_some() { 4 } else { 0 },
        last_good: minutes.map(|_| id(RESTORED)),
        last_good_at: minutes.map(|m| now.plus_ms(-m * MINUTE)),
        proven_at: proven.then(|| now.plus_ms(-30 * MINUTE)),
        proven: proven.then(|| id(RESTORED)),
        last_drill: proven.then_some(DrillOutcome::Passed),
        job: None,
        next_run: proven.then(|| now.plus_ms(150 * MINUTE)),
    };
    let mut list = vec![
        one("billing", Cover::Damaged, None, false),
        one("blog", Cover::Missing, None, false),
        one(HOSTILE, Cover::Unproven, Some(1590), false),
        one("gone", Cover::Unproven, Some(9000), false),
        one("shop", Cover::Proven, Some(90), true),
    ];
    list[4].job = jobs(now).into_iter().next();
    list
}

pub fn schedules(now: UnixMs) -> Vec<BackupSchedule> {
    let one = |n: u32, database: &str, what, cron: &str, words: &str, next: Option<i64>| BackupSchedule {
        id: format!("00000000-0000-4000-9000-00000000000{n}"),
        target: name("findawise"),
        database: database.into(),
        what,
        cron: cron.into(),
        words: words.into(),
        time_zone: "Europe/Berlin".into(),
        enabled: next.is_some(),
        set_by: "bo.operator@example.org".into(),
        set_at: now.plus_ms(-9_000 * MINUTE),
        next_at: next.map(|minutes| now.plus_ms(minutes * MINUTE + 30_000)),
        next_local: next.map(|_| "2026-11-27 02:30 Europe/Berlin".into()),
        last: None,
        note: None,
    };
    let mut list = vec![
        one(1, HOSTILE, ScheduledWhat::Backup, "0 4 L * *", "monthly on the last day at 04:00", None),
        one(2, "shop", ScheduledWhat::Backup, "30 2 * * *", "daily at 02:30", Some(150)),
        one(3, "shop", ScheduledWhat::Drill, "0 3 * * 0", "weekly on Sunday at 03:00", Some(3_000)),
    ];
    list[1].last = Some(ScheduledRun {
        job: "00000000-0000-4000-8000-000000000003".into(),
        at: now.plus_ms(-90 * MINUTE),
        state: JobState::Failed,
        sentence: Some(format!("It stopped at {HOSTILE}.")),
    });
    list[2].note = Some("There was no good backup to drill.".into());
    list
}

fn repository(scenario: Scenario, now: UnixMs) -> RepositoryState {
    match scenario {
        Scenario::Calm => RepositoryState::Read { location: "/srv/backups".into(), at: now.plus_ms(-12_000) },
        Scenario::Trouble => RepositoryState::Unreachable {
            location: "/srv/backups".into(),
            since: now.plus_ms(-9 * MINUTE),
            sentence: "The directory is not mounted.".into(),
            last: Some(now.plus_ms(-10 * MINUTE)),
        },
        Scenario::Empty => RepositoryState::NotConfigured,
    }
}

#[async_trait]
impl BackupsPort for Fake {
    async fn backup_history(&self, grant: Grant<ViewBackups>, query: BackupQuery) -> Result<BackupHistory, PortError> {
        let now = moment();
        let mut history = BackupHistory {
            at: now,
            repository: repository(self.0, now),
            databases: covers(now),
            copies: vec![DatabaseCopy {
                target: name("findawise"),
                database: "findawise_restored_20261126T020000".into(),
                of: "findawise".into(),
                size_bytes: Some(150_000_000),
            }],
            jobs: jobs(now),
            schedules: if self.0 == Scenario::Calm { schedules(now) } else { Vec::new() },
            jobs_fault: (self.0 == Scenario::Trouble).then(|| "Reeve's own database is away.".into()),
            items: entries(now),
            matching: 0,
            total: 5,
            damaged: vec![("20261120T020000Z-0000000f".into(), format!("it is cut off {HOSTILE}"))],
            next: None,
        };
        // Said by the address, because an estate can be in all of these states.
        match query.database.as_deref() {
            Some("never read") => history.repository = RepositoryState::NotRead,
            Some("never reached") => {
                let sentence = "It refuses the connection.".to_owned();
                history.repository = RepositoryState::Unreachable { location: "/srv/backups".into(), since: now, sentence, last: None };
            }
            Some("nothing yet") => (history.items, history.jobs, history.schedules, history.total) = Default::default(),
            _ => {}
        }
        if self.0 == Scenario::Empty || history.repository == RepositoryState::NotRead {
            (history.items, history.jobs, history.databases, history.damaged, history.total) = Default::default();
        }
        let within = grant.covers(&name("findawise"));
        history.databases.retain(|_| within);
        history.jobs.retain(|_| within);
        history.schedules.retain(|_| within);
        let wanted = query.database.as_deref().filter(|d| !d.starts_with('n'));
        history.items.retain(|e| {
            within
                && wanted.is_none_or(|d| d == e.backup.database.name)
                && query.trust.is_none_or(|t| t == e.trust())
                && query.cursor.as_ref().is_none_or(|cursor| e.backup.id < *cursor)
        });
        history.matching = history.items.len() as u64;
        if query.cursor.is_none() && history.items.len() > 3 {
            history.items.truncate(3);
            history.next = history.items.last().map(|e| e.backup.id.clone());
        }
        Ok(history)
    }

    async fn backup_detail(&self, grant: Grant<ViewBackup>) -> Result<BackupDetail, PortError> {
        let now = moment();
        let entry = entries(now).into_iter().find(|e| e.backup.id == *grant.resource() && grant.covers(&e.backup.target));
        let entry = entry.ok_or_else(|| PortError::NotFound("There is no such backup.".into()))?;
        let jobs = jobs(now).into_iter().filter(|j| j.backup.as_ref() == Some(&entry.backup.id)).collect();
        let gone = if self.0 == Scenario::Trouble { vec!["shop_tuesday".to_owned()] } else { Vec::new() };
        let jobs_fault = (self.0 == Scenario::Trouble).then(|| "Reeve's own database is away.".into());
        Ok(BackupDetail { at: now, repository: repository(self.0, now), entry, jobs, missing: vec![1], gone, jobs_fault })
    }

    async fn backup_job(&self, grant: Grant<ViewBackupJob>) -> Result<BackupJob, PortError> {
        let job = jobs(moment()).into_iter().find(|j| j.id == *grant.resource());
        job.ok_or_else(|| PortError::NotFound("There is no such job.".into()))
    }

    async fn ask(&self, _: Grant<RunBackup>, _: Option<String>) -> Result<BackupJob, PortError> {
        Err(PortError::Unavailable("Nothing is done here.".into()))
    }

    async fn cancel(&self, _: Grant<CancelBackup>) -> Result<BackupJob, PortError> {
        Err(PortError::Unavailable("Nothing is done here.".into()))
    }

    async fn approve(&self, _: Grant<ApproveRestore>) -> Result<BackupJob, PortError> {
        Err(PortError::Unavailable("Nothing is done here.".into()))
    }

    async fn backup_schedules(&self, grant: Grant<ViewBackups>) -> Result<Vec<BackupSchedule>, PortError> {
        let within = grant.covers(&name("findawise"));
        Ok(schedules(UnixMs::now()).into_iter().filter(|_| within).collect())
    }

    async fn set_schedule(&self, _: Grant<ScheduleBackup>) -> Result<BackupSchedule, PortError> {
        Err(PortError::Unavailable("Nothing is done here.".into()))
    }

    async fn remove_schedule(&self, _: Grant<UnscheduleBackup>) -> Result<(), PortError> {
        Err(PortError::Unavailable("Nothing is done here.".into()))
    }
}
