//! Permissions: a verb on a noun, each a type, so that a grant for one can't stand in for another.

mod compliance;

pub use compliance::{AcceptFinding, AttestClause, AttestControl, ScanTarget, ViewCompliance, ViewFinding, ViewFindings};

use reeve_model::{
    TargetName,
    activity::SessionOrder,
    backup::{BackupAct, BackupId, NewSchedule},
    table::TableRef,
};

/// A verb on a noun, and what it applies to.
pub trait Permission: Send + Sync + 'static {
    /// What is done.
    const VERB: &'static str;
    /// To what.
    const NOUN: &'static str;
    /// True when it changes something: refused while rights can't be confirmed.
    const CHANGES: bool = false;
    /// The one thing it applies to; carried inside the grant, so that a method can't be handed another.
    type Resource: Send + Sync + Clone + std::fmt::Debug;

    /// The target it applies to, for permissions over one target.
    fn target(_resource: &Self::Resource) -> Option<&TargetName> {
        None
    }
}

/// See the estate: overview, list of targets, verdicts.
#[derive(Debug)]
pub struct ViewEstate;
impl Permission for ViewEstate {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "estate";
    type Resource = ();
}

/// See Reeve's own pools and store.
#[derive(Debug)]
pub struct ViewPools;
impl Permission for ViewPools {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "pools";
    type Resource = ();
}

/// See one target in detail.
#[derive(Debug)]
pub struct ViewTarget;
impl Permission for ViewTarget {
    fn target(resource: &TargetName) -> Option<&TargetName> {
        Some(resource)
    }

    const VERB: &'static str = "view";
    const NOUN: &'static str = "target";
    type Resource = TargetName;
}

/// See the sessions of one target, with their statements.
#[derive(Debug)]
pub struct ViewSessions;
impl Permission for ViewSessions {
    fn target(resource: &TargetName) -> Option<&TargetName> {
        Some(resource)
    }

    const VERB: &'static str = "view";
    const NOUN: &'static str = "sessions";
    type Resource = TargetName;
}

/// Cancel the statement of a session of one target, or end the session.
#[derive(Debug)]
pub struct EndSession;
impl Permission for EndSession {
    fn target(resource: &(TargetName, SessionOrder)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "end";
    const NOUN: &'static str = "session";
    const CHANGES: bool = true;
    type Resource = (TargetName, SessionOrder);
}

/// See the tables of one target.
#[derive(Debug)]
pub struct ViewTables;
impl Permission for ViewTables {
    fn target(resource: &TargetName) -> Option<&TargetName> {
        Some(resource)
    }

    const VERB: &'static str = "view";
    const NOUN: &'static str = "tables";
    type Resource = TargetName;
}

/// See one table.
#[derive(Debug)]
pub struct ViewTable;
impl Permission for ViewTable {
    fn target(resource: &(TargetName, TableRef)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "view";
    const NOUN: &'static str = "table";
    type Resource = (TargetName, TableRef);
}

/// Scrape the metrics of Reeve and all targets.
#[derive(Debug)]
pub struct ReadMetrics;
impl Permission for ReadMetrics {
    const VERB: &'static str = "read";
    const NOUN: &'static str = "metrics";
    type Resource = ();
}

/// See the policy.
#[derive(Debug)]
pub struct ViewPolicy;
impl Permission for ViewPolicy {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "policy";
    type Resource = ();
}

/// See the caller's own account, its sessions and tokens.
#[derive(Debug)]
pub struct ViewOwnAccount;
impl Permission for ViewOwnAccount {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "own account";
    type Resource = ();
}

/// Change the caller's own account: password, sessions, tokens.
#[derive(Debug)]
pub struct ChangeOwnAccount;
impl Permission for ChangeOwnAccount {
    const VERB: &'static str = "change";
    const NOUN: &'static str = "own account";
    const CHANGES: bool = true;
    type Resource = ();
}

/// See all accounts.
#[derive(Debug)]
pub struct ViewAccounts;
impl Permission for ViewAccounts {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "accounts";
    type Resource = ();
}

/// See one account (by id).
#[derive(Debug)]
pub struct ViewAccount;
impl Permission for ViewAccount {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "accounts";
    type Resource = String;
}

/// Make accounts.
#[derive(Debug)]
pub struct ChangeAccounts;
impl Permission for ChangeAccounts {
    const VERB: &'static str = "change";
    const NOUN: &'static str = "accounts";
    const CHANGES: bool = true;
    type Resource = ();
}

/// Change one account (by id).
#[derive(Debug)]
pub struct ChangeAccount;
impl Permission for ChangeAccount {
    const VERB: &'static str = "change";
    const NOUN: &'static str = "accounts";
    const CHANGES: bool = true;
    type Resource = String;
}

/// Search the audit trail.
#[derive(Debug)]
pub struct ViewAudit;
impl Permission for ViewAudit {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "audit";
    type Resource = ();
}

/// Take the audit trail out, with its proofs. Is itself an event, so it needs the store.
#[derive(Debug)]
pub struct ExportAudit;
impl Permission for ExportAudit {
    const VERB: &'static str = "export";
    const NOUN: &'static str = "audit";
    const CHANGES: bool = true;
    type Resource = ();
}

/// See backups, what was proven of them, and jobs.
#[derive(Debug)]
pub struct ViewBackups;
impl Permission for ViewBackups {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "backups";
    type Resource = ();
}

/// See one backup. Which target it is of is known only once it is found, so whoever finds it asks [`Grant::covers`](crate::Grant::covers).
#[derive(Debug)]
pub struct ViewBackup;
impl Permission for ViewBackup {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "backups";
    type Resource = BackupId;
}

/// See one job (by id); as for [`ViewBackup`], its target is asked for once it is found.
#[derive(Debug)]
pub struct ViewBackupJob;
impl Permission for ViewBackupJob {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "backups";
    type Resource = String;
}

/// Back up, verify, drill or restore something of a target.
#[derive(Debug)]
pub struct RunBackup;
impl Permission for RunBackup {
    fn target(resource: &(TargetName, BackupAct)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "run";
    const NOUN: &'static str = "backup";
    const CHANGES: bool = true;
    type Resource = (TargetName, BackupAct);
}

/// End a job (by id) of a target.
#[derive(Debug)]
pub struct CancelBackup;
impl Permission for CancelBackup {
    fn target(resource: &(TargetName, String)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "run";
    const NOUN: &'static str = "backup";
    const CHANGES: bool = true;
    type Resource = (TargetName, String);
}

/// Agree that a backup takes the place of a database of a target, by a job (its id) that somebody else asked for.
#[derive(Debug)]
pub struct ApproveRestore;
impl Permission for ApproveRestore {
    fn target(resource: &(TargetName, String)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "approve";
    const NOUN: &'static str = "restore";
    const CHANGES: bool = true;
    type Resource = (TargetName, String);
}

/// Have something done with a database of a target again and again.
#[derive(Debug)]
pub struct ScheduleBackup;
impl Permission for ScheduleBackup {
    fn target(resource: &(TargetName, NewSchedule)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "run";
    const NOUN: &'static str = "backup";
    const CHANGES: bool = true;
    type Resource = (TargetName, NewSchedule);
}

/// Remove a schedule (by id) of a target.
#[derive(Debug)]
pub struct UnscheduleBackup;
impl Permission for UnscheduleBackup {
    fn target(resource: &(TargetName, String)) -> Option<&TargetName> {
        Some(&resource.0)
    }

    const VERB: &'static str = "run";
    const NOUN: &'static str = "backup";
    const CHANGES: bool = true;
    type Resource = (TargetName, String);
}

/// See which targets there are, where each stands, and what the caller tested.
#[derive(Debug)]
pub struct ViewRegistry;
impl Permission for ViewRegistry {
    const VERB: &'static str = "view";
    const NOUN: &'static str = "registry";
    type Resource = ();
}

/// Test a target, add it, remove a registered one.
#[derive(Debug)]
pub struct ChangeRegistry;
impl Permission for ChangeRegistry {
    const VERB: &'static str = "change";
    const NOUN: &'static str = "registry";
    const CHANGES: bool = true;
    type Resource = ();
}
