//! Frames of the live stream: the full state of a page's moving nodes, and what changed between two of them.
//!
//! A frame is made by the same functions that render the page, so a node reads alike before and after it moves.
//! The stream sends [`frame`] once, then [`diff`]s of it; a client that reconnects starts with a whole one.

pub mod key;

use crate::{
    AppError, age,
    chart::{Extent, spark_path},
    components::{charts_shape, reasons_shape},
    format, functions,
    pages::{
        health::{column_extent, column_scale, columns, facts, facts_words, in_use, own_backups, own_pools, own_scores},
        target::figures_shown,
    },
    render::{PageContext, owner},
    route::Page,
};
use leptos::reactive::computed::ScopedFuture;
use reeve_model::{
    Figure, HealthOverview, Reach, StoreState, TargetDetail, TargetName, TargetSummary, UnixMs, Verdict,
    activity::SessionsView,
    backup::{BackupDetail, BackupEntry, BackupHistory, BackupJob, BackupSchedule, DatabaseCover, RepositoryState},
    compliance::{ComplianceOverview, TargetCompliance},
    live::{LiveFrame, LiveNode},
    pool::{PoolReport, RoleState},
    table::{TableDetail, TablePage},
};
use std::collections::HashMap;

/// The full frame of a page for the caller in `cx`; none for pages that don't move.
///
/// # Errors
/// As the server functions that feed the page: an ended session, a right taken away, a target that is gone.
pub async fn frame(page: Page, cx: &PageContext) -> Result<Option<LiveFrame>, AppError> {
    let owner = owner(cx);
    let work = owner.with(|| {
        ScopedFuture::new(async move {
            let now = UnixMs::now();
            let overview = functions::health_overview().await?;
            let mut frame = match page {
                Page::Health => {
                    let (scores, backups) = (own_scores().await, own_backups().await);
                    let beside = facts_words(&facts(backups.as_ref(), scores.as_ref()));
                    let mut frame = overview_frame(&overview, own_pools().await.transpose()?.as_ref(), &beside, now);
                    if let Some(Ok(scores)) = scores
                        && !overview.targets.is_empty()
                    {
                        frame.set.push(shape(key::part::SECURITY, security_shape(&scores)));
                    }
                    if let Some(Ok(history)) = backups {
                        frame.set.push(shape(key::part::COVER, cover_shape(&history)));
                    }
                    frame
                }
                Page::Compliance(_) => {
                    let shown = security_shape(&functions::compliance_scores().await?);
                    let set = vec![shape(key::part::COMPLIANCE, shown.clone()), shape(key::part::FINDINGS, shown)];
                    LiveFrame { at: now, set }
                }
                Page::Backups(view) => backups_frame(&functions::backup_history(view.query).await?, now),
                Page::Backup(view) => backup_frame(&functions::backup_detail(view.id).await?, now),
                Page::Target(name) => target_frame(&functions::target_detail(name).await?, now),
                Page::Sessions(name, _) => {
                    let shown = sessions_shape(&functions::sessions(name).await?);
                    LiveFrame { at: now, set: vec![shape(key::part::SESSIONS, shown)] }
                }
                Page::Tables(name, view) => tables_frame(&functions::table_analytics(name, view.port_query()).await?, now),
                Page::Table(name, table) => table_frame(&functions::table_detail(name, *table).await?, now),
                _ => return Ok(None),
            };
            shell(&mut frame, &overview);
            Ok(Some(frame))
        })
    });
    let result = work.await;
    owner.cleanup();
    result
}

/// What of `next` differs from `prev`; a node is sent whole.
#[must_use]
pub fn diff(prev: &LiveFrame, next: &LiveFrame) -> LiveFrame {
    let before: HashMap<&str, &LiveNode> = prev.set.iter().map(|n| (n.k.as_str(), n)).collect();
    let set = next.set.iter().filter(|n| before.get(n.k.as_str()) != Some(n)).cloned().collect();
    LiveFrame { at: next.at, set }
}

/// The side bar's statuses and the age of the newest data, which every page has.
fn shell(frame: &mut LiveFrame, overview: &HealthOverview) {
    for t in &overview.targets {
        if !frame.set.iter().any(|n| n.k == key::target(&t.info.name)) {
            frame.set.push(status(key::target(&t.info.name), t.verdict.status));
        }
    }
    if let Some(at) = overview.targets.iter().filter_map(|t| t.last_round).max() {
        frame.set.push(moment(key::NEWEST.into(), at));
    }
}

/// The first screen; without pools for those who may not see them. `beside`: what is wrong beside the servers' health, in words.
#[must_use]
pub fn overview_frame(overview: &HealthOverview, pools: Option<&PoolReport>, beside: &str, now: UnixMs) -> LiveFrame {
    let mut set = Vec::new();
    verdict(&mut set, key::ESTATE, &overview.estate);
    let store = match &overview.store {
        StoreState::Up => "up".to_owned(),
        StoreState::Down { since, .. } => format!("down-{}", since.0),
    };
    set.push(shape(key::part::STORE, store));
    set.push(shape(key::part::TARGETS, answer_shape(overview, beside)));
    for (id, unit, _) in columns(overview) {
        let scale = column_scale(overview, &id, unit);
        let extent = column_extent(overview, &id);
        set.push(text(key::column_unit(&id), scale.label));
        for t in &overview.targets {
            if let Some(f) = t.figures.iter().find(|f| f.id == id) {
                let mut nodes = figure(&t.info.name, f, scale.show(f.value), extent);
                // The header carries the unit.
                let keys = key::figure(&t.info.name, &f.id);
                nodes.retain(|n| n.k != keys.unit && n.k != keys.why);
                set.append(&mut nodes);
            }
        }
    }
    for t in &overview.targets {
        summary(&mut set, t);
    }
    if let Some(pools) = pools {
        pool_nodes(&mut set, pools);
    }
    LiveFrame { at: now, set }
}

/// One target.
#[must_use]
pub fn target_frame(detail: &TargetDetail, now: UnixMs) -> LiveFrame {
    let mut set = Vec::new();
    let s = &detail.summary;
    summary(&mut set, s);
    for f in &figures_shown(s) {
        set.append(&mut figure(&s.info.name, f, format::figure(f.value, f.unit).text, Extent::of(&f.trend)));
    }
    set.push(shape(key::part::VERDICT, verdict_shape(s)));
    set.push(shape(key::part::CHARTS, charts_shape(&detail.charts)));
    set.push(shape(key::part::DETAIL, detail_shape(detail)));
    LiveFrame { at: now, set }
}

/// A page of tables: drawn anew when it was read anew.
#[must_use]
pub fn tables_frame(page: &TablePage, now: UnixMs) -> LiveFrame {
    LiveFrame { at: now, set: vec![shape(key::part::ROWS, tables_shape(page))] }
}

/// One table: drawn anew when it was read anew.
#[must_use]
pub fn table_frame(detail: &TableDetail, now: UnixMs) -> LiveFrame {
    LiveFrame { at: now, set: vec![shape(key::part::TABLE, table_shape(detail))] }
}

/// Changes when the list of targets must be drawn anew.
#[must_use]
pub fn overview_shape(overview: &HealthOverview) -> String {
    let one = |t: &TargetSummary| format!("{}.{}.{}", t.info.name, verdict_shape(t), t.figures.len());
    hash(&overview.targets.iter().map(one).collect::<Vec<_>>().join(" "))
}

/// Changes when the answer with what stands `beside` it, or the list of targets below it, must be drawn anew.
#[must_use]
pub fn answer_shape(overview: &HealthOverview, beside: &str) -> String {
    hash(&format!("{} {beside}", overview_shape(overview)))
}

/// Changes when scores or findings must be drawn anew.
#[must_use]
pub fn security_shape(overview: &ComplianceOverview) -> String {
    let one = |t: &TargetCompliance| {
        let s = &t.scan;
        let score = t.score.as_ref().map(|s| (s.proven.map(f64::to_bits), s.upper.map(f64::to_bits), s.passed, s.failed, s.unknown));
        format!("{:?} {:?} {:?} {} {} {:?} {}", s.target, s.scanned_at, s.fault, s.stale, s.scanning, score, t.accepted)
    };
    hash(&overview.targets.iter().map(one).collect::<Vec<_>>().join(" "))
}

/// Changes when a target's verdict, reach or version must be drawn anew.
#[must_use]
pub fn verdict_shape(t: &TargetSummary) -> String {
    let reach = match &t.reach {
        Reach::Untried => "untried".into(),
        Reach::Up { since } => format!("up{}", since.0),
        Reach::Down { since, sentence, .. } => format!("down{}{sentence}", since.0),
    };
    let over: Vec<_> = t.over.iter().map(|o| (&o.id, o.until.0)).collect();
    hash(&format!("{}{reach}{:?}{over:?}", reasons_shape(&t.verdict), t.version))
}

/// Changes when the tables of a target's page were read anew: every ten seconds at most.
#[must_use]
pub fn detail_shape(detail: &TargetDetail) -> String {
    let at = |t: Option<UnixMs>| t.map_or(0, |t| t.0 / 10_000);
    let locks = detail.locks.value().map_or(0, |l| l.waits.len());
    let newest = detail.probes.iter().map(|p| p.at.0 / 10_000).max().unwrap_or(0);
    format!("{}-{}-{locks}-{newest}", at(detail.statements.at()), at(detail.databases.at()))
}

/// Changes when the sessions were looked at anew.
#[must_use]
pub fn sessions_shape(view: &SessionsView) -> String {
    format!("{}-{}", view.at().map_or(0, |t| t.0), view.fault.is_some())
}

/// Changes when the rows of a page of tables were read anew.
#[must_use]
pub fn tables_shape(page: &TablePage) -> String {
    format!("{}-{}-{}", page.read.at().map_or(0, |t| t.0), page.read.fault.is_some(), page.matching)
}

/// Changes when one table was read anew.
#[must_use]
pub fn table_shape(detail: &TableDetail) -> String {
    format!("{}-{}-{}", detail.read.at().map_or(0, |t| t.0), detail.read.fault.is_some(), charts_shape(&detail.charts))
}

/// The list of backups.
#[must_use]
pub fn backups_frame(history: &BackupHistory, now: UnixMs) -> LiveFrame {
    let set = vec![
        shape(key::part::COVER, cover_shape(history)),
        shape(key::part::JOBS, jobs_shape(&history.jobs)),
        shape(key::part::SCHEDULES, schedules_shape(history)),
        shape(key::part::BACKUPS, backups_shape(history)),
    ];
    LiveFrame { at: now, set }
}

/// One backup.
#[must_use]
pub fn backup_frame(detail: &BackupDetail, now: UnixMs) -> LiveFrame {
    LiveFrame { at: now, set: vec![shape(key::part::BACKUP, backup_shape(detail))] }
}

/// Changes when a database became safer or less safe, or a job about it moved on.
#[must_use]
pub fn cover_shape(history: &BackupHistory) -> String {
    let one = |c: &DatabaseCover| {
        let job = c.job.as_ref().map(job_shape);
        let next = c.next_run.map(|at| age::until(at.ms_since(history.at)));
        format!("{} {:?} {:?} {:?} {:?} {} {job:?} {next:?}", c.target, c.database, c.cover, c.last_good, c.proven_at, c.backups)
    };
    let fault = matches!(history.repository, RepositoryState::Unreachable { .. });
    let copies: Vec<_> = history.copies.iter().map(|c| (&c.target, &c.database)).collect();
    hash(&format!("{fault} {:?} {copies:?} {}", history.jobs_fault, history.databases.iter().map(one).collect::<Vec<_>>().join("|")))
}

/// Changes when a schedule was set or removed, asked for a job that came to its end, or comes nearer by what is shown.
#[must_use]
pub fn schedules_shape(history: &BackupHistory) -> String {
    let one = |s: &BackupSchedule| {
        let next = s.next_at.map(|at| (at, age::until(at.ms_since(history.at))));
        format!("{} {:?} {} {next:?} {:?} {:?}", s.id, s.set_at, s.enabled, s.last.as_ref().map(|l| (&l.job, l.state)), s.note)
    };
    hash(&format!("{:?} {}", history.jobs_fault, history.schedules.iter().map(one).collect::<Vec<_>>().join("|")))
}

/// Changes when a job came, went or moved on.
#[must_use]
pub fn jobs_shape(jobs: &[BackupJob]) -> String {
    hash(&jobs.iter().map(job_shape).collect::<Vec<_>>().join("|"))
}

fn job_shape(job: &BackupJob) -> String {
    let at = job.progress.as_ref().map(|p| (p.phase, p.done_bytes));
    format!("{} {:?} {} {at:?}", job.id, job.state, job.cancelling)
}

/// Changes when the list of backups, or what is proven of one, changed.
#[must_use]
pub fn backups_shape(history: &BackupHistory) -> String {
    let one = |e: &BackupEntry| format!("{}{}", e.backup.id, e.trust().word());
    let items = history.items.iter().map(one).collect::<Vec<_>>().join(" ");
    hash(&format!("{} {} {} {items}", history.matching, history.total, history.damaged.len()))
}

/// Changes when something was done with a backup.
#[must_use]
pub fn backup_shape(detail: &BackupDetail) -> String {
    let proofs = (detail.entry.verification.as_ref().map(|v| v.at), detail.entry.drill.as_ref().map(|d| d.at));
    hash(&format!("{proofs:?} {:?} {:?} {}", detail.missing, detail.gone, jobs_shape(&detail.jobs)))
}

fn hash(text: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("{:x}", hasher.finish())
}

fn verdict(set: &mut Vec<LiveNode>, of: &str, v: &Verdict) {
    set.push(status(of.into(), v.status));
    set.push(text(format!("{of}.word"), v.status.word()));
    set.push(text(key::score(of), &score(v)));
    set.push(text(key::measured(of), &measured(v)));
    set.push(moment(key::since(of), v.since));
}

/// The score as shown: whole points, rounded down, so that 100 means all of it.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn score(v: &Verdict) -> String {
    v.score.filter(|s| s.is_finite()).map_or_else(|| format::UNKNOWN.into(), |s| (s.clamp(0.0, 100.0).floor() as i64).to_string())
}

/// The measured share as shown.
#[must_use]
pub fn measured(v: &Verdict) -> String {
    let percent = (v.measured_ratio.clamp(0.0, 1.0) * 100.0).floor();
    format!("{percent:.0}\u{a0}%")
}

fn summary(set: &mut Vec<LiveNode>, t: &TargetSummary) {
    verdict(set, &key::target(&t.info.name), &t.verdict);
    if let Some(at) = t.last_round {
        set.push(moment(key::round(&t.info.name), at));
    }
}

fn figure(target: &TargetName, f: &Figure, value: String, extent: Extent) -> Vec<LiveNode> {
    let keys = key::figure(target, &f.id);
    let mut nodes = vec![
        LiveNode { k: keys.cell, s: f.status, stale: Some(f.stale), ..LiveNode::default() },
        LiveNode { k: keys.value, t: Some(value), ..LiveNode::default() },
        text(keys.unit, format::figure(f.value, f.unit).unit),
        LiveNode { k: keys.spark, d: Some(spark_path(&f.trend, extent)), ..LiveNode::default() },
    ];
    nodes.push(text(keys.why, f.why.as_deref().unwrap_or_default()));
    nodes.extend(f.at.map(|at| moment(keys.age, at)));
    nodes
}

fn pool_nodes(set: &mut Vec<LiveNode>, report: &PoolReport) {
    let state = |r: &RoleState| format!("{}{}{}{}{:?}", r.role.word(), r.configured, r.answers, r.served_by.word(), r.reduced);
    let circuits: Vec<_> = report.pools.iter().map(|p| format!("{:?}{:?}", p.circuit, p.failing_since)).collect();
    let shape_of = report.roles.iter().map(state).chain(circuits).chain(report.warning.clone()).collect::<Vec<_>>().join(" ");
    set.push(shape(key::part::POOLS, hash(&shape_of)));
    for p in &report.pools {
        for (column, value) in [("total", p.total), ("idle", p.idle), ("waiting", p.waiting), ("used", in_use(p))] {
            set.push(text(key::pool(p.role, column), &format::whole(Some(value.into()))));
        }
        for (column, value) in [("p50", p.acquire_p50_ms), ("p99", p.acquire_p99_ms)] {
            set.push(text(key::pool(p.role, column), &format::Scale::of(reeve_model::Unit::Milliseconds, []).show(value)));
        }
    }
}

/// The shape of the pools' part, as the page writes it.
#[must_use]
pub fn pools_shape(report: &PoolReport) -> String {
    let mut set = Vec::new();
    pool_nodes(&mut set, report);
    set.into_iter().find_map(|n| n.t.filter(|_| n.k.starts_with("shape:"))).unwrap_or_default()
}

fn text(k: String, t: &str) -> LiveNode {
    LiveNode { k, t: Some(t.into()), ..LiveNode::default() }
}

fn status(k: String, s: reeve_model::Status) -> LiveNode {
    LiveNode { k, s: Some(s), ..LiveNode::default() }
}

fn moment(k: String, at: UnixMs) -> LiveNode {
    LiveNode { k, at: Some(at), ..LiveNode::default() }
}

fn shape(part: &str, t: String) -> LiveNode {
    LiveNode { k: format!("shape:{part}"), t: Some(t), ..LiveNode::default() }
}
