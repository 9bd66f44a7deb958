//! `/admin/db-health`: is anything wrong, since when, what do I do? Then figures, pools and tables.

mod backups;
mod facts;
mod pools;
mod security;
mod tables;
mod targets;

pub use facts::{Fact, facts, facts_words};
pub use targets::{column_extent, column_scale, columns, cost, reach as targets_words};

use crate::{
    AppError,
    components::{Age, Notice, Reasons, StatusGlyph},
    functions, live,
    live::key::{self, part},
    render::PageContext,
};
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_model::{
    HealthOverview, Reach, Status, StoreState, TargetName, TargetSummary, UnixMs,
    backup::{BackupHistory, BackupQuery},
    compliance::ComplianceOverview,
    pool::{PoolFigures, PoolReport},
    probe::ProbeRun,
    table::{IndexFault, TablePage, TableQuery, TableSort},
};

/// How many targets show their top tables here, worst first; the others link to theirs.
const TARGETS_WITH_TABLES: usize = 6;
/// Rows of each short list.
const TOP: u32 = 5;

/// The three short lists of one target, or why they can't be had.
pub struct TopTables {
    /// Which target.
    pub target: TargetName,
    /// Largest first.
    pub largest: Result<TablePage, AppError>,
    /// Fastest growing first.
    pub growing: Result<TablePage, AppError>,
    /// Most and worst faults first.
    pub faulty: Result<TablePage, AppError>,
}

/// All that the page shows.
pub struct HealthData {
    /// The estate and its targets.
    pub overview: HealthOverview,
    /// Whether the caller's rights reach the whole estate.
    pub everywhere: bool,
    /// Reeve's own pools; none for those who may not see them.
    pub pools: Option<Result<PoolReport, AppError>>,
    /// Compliance scores; none for those who may not see them.
    pub scores: Option<Result<ComplianceOverview, AppError>>,
    /// Short lists of tables.
    pub tables: Vec<TopTables>,
    /// The collector's newest runs by target.
    pub probes: Vec<(TargetName, Vec<ProbeRun>)>,
    /// Backups in brief; none for those who may not see them.
    pub backups: Option<Result<BackupHistory, AppError>>,
}

impl HealthData {
    /// What is wrong beside the servers' health.
    fn facts(&self) -> Vec<Fact> {
        facts(self.backups.as_ref(), self.scores.as_ref())
    }
}

/// Connections of a pool that work right now.
#[must_use]
pub fn in_use(pool: &PoolFigures) -> u32 {
    pool.total.saturating_sub(pool.idle)
}

/// Reeve's own pools; none, and nothing asked, for those who may not see them.
pub async fn own_pools() -> Option<Result<PoolReport, AppError>> {
    if use_context::<Principal>().is_some_and(|p| p.may("view", "pools")) { Some(functions::pool_stats().await) } else { None }
}

/// Compliance scores; none, and nothing asked, for those who may not see them.
pub async fn own_scores() -> Option<Result<ComplianceOverview, AppError>> {
    let may = use_context::<Principal>().is_some_and(|p| p.may("view", "compliance"));
    if may { Some(functions::compliance_scores().await) } else { None }
}

/// Backups in brief; none, and nothing asked, for those who may not see them.
pub async fn own_backups() -> Option<Result<BackupHistory, AppError>> {
    let may = use_context::<Principal>().is_some_and(|p| p.may("view", "backups"));
    if may { Some(functions::backup_history(BackupQuery { limit: 1, ..BackupQuery::default() }).await) } else { None }
}

/// Loads the page's data.
///
/// # Errors
/// When the estate may not be seen. Parts that can't be had say so in their place.
pub async fn load() -> Result<HealthData, AppError> {
    let overview = functions::health_overview().await?;
    let pools = own_pools().await;
    let scores = own_scores().await;
    let backups = own_backups().await;
    let everywhere = use_context::<Principal>().is_some_and(|p| p.everywhere("view", "estate"));
    let mut tables = Vec::new();
    let mut probes = Vec::new();
    for t in overview.targets.iter().take(TARGETS_WITH_TABLES) {
        let target = t.info.name.clone();
        let top = |sort| functions::table_analytics(target.clone(), TableQuery { sort, limit: TOP, ..TableQuery::default() });
        let (largest, growing, faulty) = (top(TableSort::Size).await, top(TableSort::Growth).await, top(TableSort::Health).await);
        if let Ok(detail) = functions::target_detail(target.clone()).await {
            probes.push((target.clone(), detail.probes));
        }
        tables.push(TopTables { target, largest, growing, faulty });
    }
    Ok(HealthData { overview, everywhere, pools, scores, tables, probes, backups })
}

/// The page.
pub fn view(data: &HealthData, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let overview = &data.overview;
    let store = match &overview.store {
        StoreState::Up => None,
        StoreState::Down { since, sentence } => {
            let (since, sentence) = (*since, sentence.clone());
            Some(view! {
                <Notice status=Status::Degraded since=since now=now>
                    {sentence}" What you see is what Reeve holds in memory; nothing can be changed until its store is back."
                </Notice>
            })
        }
    };
    let store_shape = match &overview.store {
        StoreState::Up => "up".to_owned(),
        StoreState::Down { since, .. } => format!("down-{}", since.0),
    };
    view! {
        <div id=part::STORE data-shape=store_shape>{store}</div>
        {targets::part(data, now)}
        // Nothing to scan is said once, by the list of targets.
        {data.scores.as_ref().filter(|_| !overview.targets.is_empty()).map(|scores| security::part(scores, cx, now))}
        {data.backups.as_ref().map(|b| backups::part(b, cx, now))}
        {match &data.pools {
            None => ().into_any(),
            Some(Ok(report)) => pools::part(report, now).into_any(),
            Some(Err(error)) => view! { <section class="section"><h2>"Reeve's own pools"</h2><p class="muted">{error.to_string()}</p></section> }.into_any(),
        }}
        {tables::part(data)}
    }
}

/// The estate's answer in one sentence, with its reasons.
fn band(data: &HealthData, now: UnixMs) -> impl IntoView + use<> {
    let overview = &data.overview;
    let v = overview.estate.clone();
    let facts = data.facts();
    let headline = headline(overview, data.everywhere, !facts.is_empty());
    // Of an only target the answer gives all its reasons; of several the first of each.
    let reasons = match &overview.targets[..] {
        [only] if !only.verdict.reasons.is_empty() => only.verdict.reasons.clone(),
        _ => v.reasons.clone(),
    };
    let steps = reasons.len();
    let only = match &overview.targets[..] {
        [only] => Some(only.info.name.clone()),
        _ => None,
    };
    let firsts = overview.targets.iter().filter_map(|t| Some((t.info.name.clone(), t.verdict.reasons.first()?.id.clone())));
    let firsts: Vec<_> = if only.is_some() { Vec::new() } else { firsts.collect() };
    view! {
        <section class="band" data-status=v.status.word() data-live=key::ESTATE aria-labelledby="answer">
            <StatusGlyph status=v.status live=key::ESTATE/>
            <div class="band-words">
                <h1 id="answer">{headline}</h1>
                {facts::line(facts)}
                <p class="band-sub">
                    <span data-live=format!("{}.word", key::ESTATE)>{v.status.word()}</span>
                    " for " <Age at=v.since now=now span=true live=key::since(key::ESTATE)/>
                    <span class="dot"></span>"score " <b data-live=key::score(key::ESTATE)>{live::score(&v)}</b>" of 100"
                    <span class="dot"></span><b data-live=key::measured(key::ESTATE)>{live::measured(&v)}</b>" measured"
                    {(steps > 1).then(|| view! { <span class="dot"></span>{format!("{steps} reasons, worst first")} })}
                </p>
            </div>
            <Reasons reasons=reasons target=only firsts=firsts now=now/>
        </section>
    }
}

/// The first sentence of the page: what is worst and how many are concerned, then the rest in the same breath. It counts
/// what the caller may see, and `everywhere` says that this is all there is. `beside`: something else is wrong and is told below, so that
/// nobody must read "nothing is wrong" above it.
#[must_use]
pub fn headline(overview: &HealthOverview, everywhere: bool, beside: bool) -> String {
    let all = overview.targets.len();
    let the = if everywhere { "the" } else { "your" };
    let is_down = |t: &TargetSummary| matches!(t.reach, Reach::Down { .. });
    let down = overview.targets.iter().filter(|t| is_down(t)).count();
    let with = |s: Status| overview.targets.iter().filter(|t| t.verdict.status == s && !is_down(t)).count();
    let troubles = [
        (down, "does not answer", "do not answer"),
        (with(Status::Critical), "is critical", "are critical"),
        (with(Status::Degraded), "needs attention", "need attention"),
    ];
    let mut parts = troubles.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| (n, if n == 1 { one } else { many }));
    match (overview.estate.status, parts.next()) {
        _ if all == 0 && everywhere => "No target is registered yet.".into(),
        _ if all == 0 => "Your rights reach no target.".into(),
        (Status::Healthy, _) if all == 1 && beside => "Nothing is wrong with the server's health.".into(),
        (Status::Healthy, _) if all == 1 => "Nothing is wrong.".into(),
        (Status::Healthy, _) if beside => format!("Nothing is wrong with the health of any of {the} {all} targets."),
        (Status::Healthy, _) => format!("Nothing is wrong on any of {the} {all} targets."),
        (_, Some((_, words))) if all == 1 && everywhere => format!("The only target {words}."),
        (_, Some((_, words))) if all == 1 => format!("Your only target {words}."),
        (_, Some((n, words))) => {
            let rest: String = parts.map(|(n, words)| format!(", {n} {words}")).collect();
            let first = if n == all { format!("All {all} targets {words}") } else { format!("{n} of {all} targets {words}") };
            format!("{first}{rest}.")
        }
        (Status::Unknown, None) => "Too little is measured yet to say that nothing is wrong.".into(),
        (_, None) => "Something needs attention.".into(),
    }
}

/// The address of a target's tables, ordered or filtered.
fn tables_href(target: &TargetName, sort: TableSort, fault: Option<IndexFault>) -> String {
    let mut view = crate::route::TablesView::default();
    view.query.sort = sort;
    view.query.fault = fault;
    crate::route::Page::Tables(target.clone(), Box::new(view)).href()
}
