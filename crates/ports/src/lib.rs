//! The traits that pages call and `service` implements, one per noun.
//!
//! Pages depend on these and not on `service`, so an edit in one does not rebuild the other.

mod decisions;
mod registry;

pub use decisions::{NewAcceptance, NewWord, Vouching};
pub use registry::{NewTarget, RegistryPort};

use async_trait::async_trait;
use futures::stream::BoxStream;
use reeve_access::{
    Denied, Grant, Principal, Via,
    permission::{
        AcceptFinding, ApproveRestore, CancelBackup, ChangeAccount, ChangeAccounts, ChangeOwnAccount, EndSession, ExportAudit, ReadMetrics,
        RunBackup, ScanTarget, ScheduleBackup, UnscheduleBackup, ViewAccount, ViewAccounts, ViewAudit, ViewBackup, ViewBackupJob,
        ViewBackups, ViewCompliance, ViewEstate, ViewFinding, ViewFindings, ViewOwnAccount, ViewPools, ViewSessions, ViewTable, ViewTables,
        ViewTarget,
    },
};
use reeve_model::{
    Binding, HealthOverview, Origin, TargetDetail,
    account::{AccountDetail, AccountList, InviteOffer, Jwk, MadeSecret, OwnAccount},
    activity::SessionsView,
    audit::{AuditPage, AuditQuery},
    backup::{BackupDetail, BackupHistory, BackupJob, BackupQuery, BackupSchedule},
    compliance::{
        AuditReport, ChangesQuery, ComplianceOverview, ControlDetail, ControlList, ControlQuery, FindingDetail, FindingPage, FindingQuery,
        ScanChanges,
    },
    pool::{PoolReport, StoreRole},
    series::{HistoryAnswer, HistoryQuery},
    table::{TableDetail, TablePage, TableQuery},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Why a port did not answer. Each text is one sentence for a person and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", content = "message", rename_all = "snake_case")]
pub enum PortError {
    /// Nobody is signed in, or the session ended.
    #[error("{0}")]
    Unauthenticated(String),
    /// Signed in, but not allowed.
    #[error("{0}")]
    Denied(String),
    /// No such thing, or not for this caller.
    #[error("{0}")]
    NotFound(String),
    /// The input can't be used.
    #[error("{0}")]
    Invalid(String),
    /// Something it needs is away.
    #[error("{0}")]
    Unavailable(String),
    /// Too much at once, or too many wrong passwords.
    #[error("{0}")]
    TooMany(Wait),
}

/// How long to wait before trying again. Crosses the wire as the sentence it reads as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Wait {
    /// Whole seconds, at least 1.
    pub seconds: u64,
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.seconds {
            1 => f.write_str("Too many attempts. Try again in 1 second."),
            n if n < 120 => write!(f, "Too many attempts. Try again in {n} seconds."),
            n => write!(f, "Too many attempts. Try again in {} minutes.", n.div_ceil(60)),
        }
    }
}

impl From<Wait> for String {
    fn from(wait: Wait) -> Self {
        wait.to_string()
    }
}

impl From<String> for Wait {
    fn from(text: String) -> Self {
        let number: u64 = text.split(' ').find_map(|word| word.parse().ok()).unwrap_or(1);
        Self { seconds: if text.contains("minutes") { number * 60 } else { number } }
    }
}

impl From<std::time::Duration> for Wait {
    fn from(time: std::time::Duration) -> Self {
        Self { seconds: time.as_secs() + u64::from(time.subsec_nanos() > 0).max(u64::from(time.is_zero())) }
    }
}

impl From<Denied> for PortError {
    fn from(denied: Denied) -> Self {
        let sentence = denied.to_string();
        match denied {
            Denied::OutOfScope(_) => Self::NotFound(sentence),
            Denied::NotPermitted { .. } => Self::Denied(sentence),
            // Not that somebody may not: in a moment they may again.
            Denied::Unconfirmed => Self::Unavailable(sentence),
        }
    }
}

/// Health of the estate and its targets. Answers from memory: a dead target or store never delays it.
#[async_trait]
pub trait HealthPort: Send + Sync {
    /// The first screen.
    async fn health_overview(&self, grant: Grant<ViewEstate>) -> Result<Arc<HealthOverview>, PortError>;
    /// All of one target.
    async fn target_detail(&self, grant: Grant<ViewTarget>) -> Result<Arc<TargetDetail>, PortError>;
    /// Yields once for each change that a page could show, at most once a second; the newest only. While a stream is
    /// alive the estate counts as watched and live probes run each second.
    fn changes(&self, grant: Grant<ViewEstate>) -> BoxStream<'static, ()>;
    /// Stored points of one metric.
    async fn history(&self, grant: Grant<ReadMetrics>, query: HistoryQuery) -> Result<HistoryAnswer, PortError>;
    /// Prometheus text of Reeve and every target.
    async fn metrics(&self, grant: Grant<ReadMetrics>) -> Result<String, PortError>;
}

/// Reeve's own pools.
#[async_trait]
pub trait PoolsPort: Send + Sync {
    /// Which roles answer (SPEC A5): a role that isn't set answers what its fallback answers, the read replica then does not.
    async fn databases(&self, grant: Grant<ViewPools>) -> Result<BTreeMap<StoreRole, bool>, PortError>;
    /// The live figures of all pools.
    async fn pool_stats(&self, grant: Grant<ViewPools>) -> Result<PoolReport, PortError>;
}

/// Tables of the targets.
#[async_trait]
pub trait TablesPort: Send + Sync {
    /// One page of the tables of a target.
    async fn table_analytics(&self, grant: Grant<ViewTables>, query: TableQuery) -> Result<TablePage, PortError>;
    /// All of one table.
    async fn table_detail(&self, grant: Grant<ViewTable>) -> Result<TableDetail, PortError>;
}

/// Who is connected to a target. Asks the target itself, while somebody looks.
#[async_trait]
pub trait SessionsPort: Send + Sync {
    /// The newest look, at most two seconds old. A target that does not answer is no error: the view says so.
    async fn sessions(&self, grant: Grant<ViewSessions>) -> Result<Arc<SessionsView>, PortError>;
    /// Cancels a statement or ends a session; written into the audit trail before and after. Answers a sentence.
    async fn end(&self, grant: Grant<EndSession>) -> Result<String, PortError>;
}

/// A new sign-in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The signed access token.
    pub access_token: String,
    /// Seconds until it ends.
    pub expires_in_s: i64,
    /// For programs: the token that gets the next pair, once. None for browsers, whose session renews itself.
    pub refresh_token: Option<String>,
    /// The account's epoch: another one than before means that its rights or password have changed.
    pub epoch: i64,
    /// Who.
    pub principal: Principal,
}

/// Why a stream may not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The session is over: signed out, expired, account disabled, token revoked.
    Session,
    /// The session lives, but its rights are other ones now.
    Rights,
}

/// Sign-in, tokens, sessions. Each method writes what it did, or refused, into the audit trail.
#[async_trait]
pub trait IdentityPort: Send + Sync {
    /// Checks a password. Unknown account and wrong password answer alike, in time too.
    async fn sign_in(&self, email: &str, password: &str, via: Via, origin: &Origin) -> Result<SignedIn, PortError>;
    /// Verifies an access token or an API token and looks up the rights of its account.
    async fn verify(&self, token: &str, via: Via, origin: &Origin) -> Result<Principal, PortError>;
    /// Mints a new token for a browser session that is still good, when the old one is near or past its end.
    async fn renew(&self, session: &str, origin: &Origin) -> Result<SignedIn, PortError>;
    /// Takes a refresh token and gives the next pair. A token that was used before ends its whole family.
    async fn refresh(&self, refresh_token: &str, origin: &Origin) -> Result<SignedIn, PortError>;
    /// Ends the caller's session at once, with its live streams.
    async fn sign_out(&self, principal: &Principal) -> Result<(), PortError>;
    /// Resolves when the session has ended, or when what its account may do has changed: whoever holds a stream open must ask anew.
    async fn ended(&self, principal: &Principal) -> Ended;
    /// The public keys that verify access tokens, newest first.
    fn keys(&self) -> Vec<Jwk>;
}

/// What a new API token is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// A name to know it by, 1 to 80 characters.
    pub name: String,
    /// What it may do at most, each "verb noun" of the policy.
    pub scopes: Vec<String>,
    /// Days until it ends, 1 to 366.
    pub days: u32,
}

/// Who is to be invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInvite {
    /// E-mail.
    pub email: String,
    /// Roles of the new account; at least one.
    pub bindings: Vec<Binding>,
}

/// What someone who uses a link chooses.
#[derive(Clone)]
pub struct Acceptance {
    /// Shown name; ignored for a reset.
    pub display_name: String,
    /// The new password.
    pub password: String,
}

/// Accounts: one's own, and all of them for those who may.
#[async_trait]
pub trait AccountsPort: Send + Sync {
    /// The caller's own account.
    async fn own(&self, grant: Grant<ViewOwnAccount>) -> Result<OwnAccount, PortError>;
    /// Sets a new password; all other sessions of the account end.
    async fn change_password(&self, grant: Grant<ChangeOwnAccount>, current: &str, new: &str) -> Result<(), PortError>;
    /// Ends one of the caller's own sessions.
    async fn end_own_session(&self, grant: Grant<ChangeOwnAccount>, session: &str) -> Result<(), PortError>;
    /// Makes an API token; its secret is answered this once.
    async fn make_token(&self, grant: Grant<ChangeOwnAccount>, new: NewToken) -> Result<MadeSecret, PortError>;
    /// Revokes one of the caller's own API tokens.
    async fn revoke_own_token(&self, grant: Grant<ChangeOwnAccount>, token: &str) -> Result<(), PortError>;
    /// All accounts and open invitations.
    async fn accounts(&self, grant: Grant<ViewAccounts>) -> Result<AccountList, PortError>;
    /// One account with its sessions and tokens.
    async fn account(&self, grant: Grant<ViewAccount>) -> Result<AccountDetail, PortError>;
    /// Invites somebody; the path of the single-use link is answered this once.
    async fn invite(&self, grant: Grant<ChangeAccounts>, new: NewInvite) -> Result<MadeSecret, PortError>;
    /// Takes an invitation or a reset back.
    async fn withdraw_invite(&self, grant: Grant<ChangeAccounts>, invite: &str) -> Result<(), PortError>;
    /// Sets the roles of an account. Its open streams end, its browser sessions get a new id.
    async fn set_bindings(&self, grant: Grant<ChangeAccount>, bindings: Vec<Binding>) -> Result<(), PortError>;
    /// Disables an account, with all its sessions and tokens, or enables it again.
    async fn set_disabled(&self, grant: Grant<ChangeAccount>, disabled: bool) -> Result<(), PortError>;
    /// Makes a single-use link to set a new password. The old one works until then.
    async fn reset(&self, grant: Grant<ChangeAccount>) -> Result<MadeSecret, PortError>;
    /// Ends a session of the account.
    async fn end_session(&self, grant: Grant<ChangeAccount>, session: &str) -> Result<(), PortError>;
    /// Revokes an API token of the account.
    async fn revoke_token(&self, grant: Grant<ChangeAccount>, token: &str) -> Result<(), PortError>;
    /// What a link offers; needs no account, only the secret.
    async fn offer(&self, secret: &str, origin: &Origin) -> Result<InviteOffer, PortError>;
    /// Uses a link, once: makes the account or sets its password, whose e-mail is answered.
    async fn accept(&self, secret: &str, acceptance: Acceptance, origin: &Origin) -> Result<String, PortError>;
}

/// What was refused, as the one who refused it tells the audit trail.
#[derive(Debug, Clone)]
pub struct Refused<'r> {
    /// Who; none for somebody unknown.
    pub principal: Option<&'r Principal>,
    /// From where.
    pub origin: &'r Origin,
    /// What was tried.
    pub verb: &'r str,
    /// On what kind of thing.
    pub noun: &'r str,
    /// On which one.
    pub resource: &'r str,
}

/// The audit trail.
#[async_trait]
pub trait AuditPort: Send + Sync {
    /// One page, newest first. Looking is itself an event.
    async fn search(&self, grant: Grant<ViewAudit>, query: AuditQuery) -> Result<AuditPage, PortError>;
    /// The matching entries with their proofs as lines of JSON, oldest first, in pieces. Exporting is itself an event, written before the first piece.
    async fn export(
        &self,
        grant: Grant<ExportAudit>,
        query: AuditQuery,
    ) -> Result<BoxStream<'static, Result<String, PortError>>, PortError>;
    /// Notes a refusal. Never waits: a flood is counted and written as one.
    fn refused(&self, refused: Refused<'_>);
}

/// Compliance: scores, findings, evidence. Answers from the newest scans in memory; only decisions ask the store.
#[async_trait]
pub trait CompliancePort: Send + Sync {
    /// Scores of the targets in reach, and over all of them. Without findings for those who may not see any.
    async fn scores(&self, grant: Grant<ViewCompliance>) -> Result<Arc<ComplianceOverview>, PortError>;
    /// The whole report of the targets in reach (SPEC E3).
    async fn report(&self, grant: Grant<ViewFindings>) -> Result<AuditReport, PortError>;
    /// One page of findings, the worst first.
    async fn findings(&self, grant: Grant<ViewFindings>, query: FindingQuery) -> Result<FindingPage, PortError>;
    /// Notes that findings leave Reeve as a file: which of them, and in which form.
    fn exported(&self, grant: &Grant<ViewFindings>, query: &FindingQuery, form: &str);
    /// All of one finding.
    async fn finding(&self, grant: Grant<ViewFinding>) -> Result<FindingDetail, PortError>;
    /// The controls, judged or not.
    async fn controls(&self, grant: Grant<ViewFindings>, query: ControlQuery) -> Result<ControlList, PortError>;
    /// One control with its evidence on each target in reach.
    async fn control(&self, grant: Grant<ViewFindings>, id: &str) -> Result<ControlDetail, PortError>;
    /// Asks for a scan now; it runs in its turn.
    async fn scan(&self, grant: Grant<ScanTarget>) -> Result<(), PortError>;
    /// Accepts the risk of a finding; one that was accepted before is accepted anew.
    async fn accept(&self, grant: Grant<AcceptFinding>, new: NewAcceptance) -> Result<(), PortError>;
    /// Takes an acceptance back.
    async fn withdraw(&self, grant: Grant<AcceptFinding>) -> Result<(), PortError>;
    /// Which scans of a target found something else than the one before, and what is different between two of them.
    async fn changes(&self, grant: Grant<ViewFindings>, query: ChangesQuery) -> Result<ScanChanges, PortError>;
    /// Vouches for what no database can show; a former word for it ends.
    async fn attest(&self, vouching: Vouching, word: NewWord) -> Result<(), PortError>;
    /// Takes a word back.
    async fn take_back(&self, vouching: Vouching) -> Result<(), PortError>;
}

/// Backups. Lists answer from what storage was last seen to hold; a dead repository or store never delays them.
#[async_trait]
pub trait BackupsPort: Send + Sync {
    /// Backups, each database's cover, and jobs, as far as the caller's scopes reach.
    async fn backup_history(&self, grant: Grant<ViewBackups>, query: BackupQuery) -> Result<BackupHistory, PortError>;
    /// One backup and what was done with it.
    async fn backup_detail(&self, grant: Grant<ViewBackup>) -> Result<BackupDetail, PortError>;
    /// One job.
    async fn backup_job(&self, grant: Grant<ViewBackupJob>) -> Result<BackupJob, PortError>;
    /// Writes down what is to be done, with its audit event, and answers its job; it begins when its database has no other. Asked again
    /// with the same `key` by the same account it answers the same job.
    async fn ask(&self, grant: Grant<RunBackup>, key: Option<String>) -> Result<BackupJob, PortError>;
    /// Ends a job: one that waits at once, one at work as soon as it has cleared away what it did.
    async fn cancel(&self, grant: Grant<CancelBackup>) -> Result<BackupJob, PortError>;
    /// Lets a job begin that waits for a second person; answers it. Who asked for it is refused.
    async fn approve(&self, grant: Grant<ApproveRestore>) -> Result<BackupJob, PortError>;
    /// Schedules, as far as the caller's scopes reach.
    async fn backup_schedules(&self, grant: Grant<ViewBackups>) -> Result<Vec<BackupSchedule>, PortError>;
    /// Sets a schedule, in the place of one for the same database and deed if there is one; answers it as it stands then.
    async fn set_schedule(&self, grant: Grant<ScheduleBackup>) -> Result<BackupSchedule, PortError>;
    /// Removes a schedule. What it asked for goes on.
    async fn remove_schedule(&self, grant: Grant<UnscheduleBackup>) -> Result<(), PortError>;
}

/// All ports together, as pages and routes find them in their context.
#[derive(Clone)]
pub struct Ports {
    /// Health.
    pub health: Arc<dyn HealthPort>,
    /// Pools.
    pub pools: Arc<dyn PoolsPort>,
    /// Tables.
    pub tables: Arc<dyn TablesPort>,
    /// Sessions of the targets.
    pub sessions: Arc<dyn SessionsPort>,
    /// Which targets there are.
    pub registry: Arc<dyn RegistryPort>,
    /// Identity.
    pub identity: Arc<dyn IdentityPort>,
    /// Accounts.
    pub accounts: Arc<dyn AccountsPort>,
    /// The audit trail.
    pub audit: Arc<dyn AuditPort>,
    /// Compliance.
    pub compliance: Arc<dyn CompliancePort>,
    /// Backups.
    pub backups: Arc<dyn BackupsPort>,
}
