//! `/admin/compliance`: how much is proven, what each law's clauses have behind them, and what is wrong. Filters and page stand in the address.

mod attest;
pub mod changes;
pub mod control;
pub mod controls;
mod evidence;
mod filters;
pub mod finding;
pub mod framework;
mod rows;
pub mod scores;
pub mod words;

use crate::{
    AppError,
    components::{Empty, EmptyKind, Notice},
    format, functions, live,
    live::key::part,
    render::PageContext,
    route::{ControlsView, FindingsView, Page},
};
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_model::{
    Status, UnixMs,
    compliance::{ComplianceOverview, DISCLAIMER, FindingPage, FrameworkView},
};
use reeve_ports::PortError;

/// All that the page shows.
pub struct ComplianceData {
    /// Scores and frameworks.
    pub overview: ComplianceOverview,
    /// What the address asks for.
    pub view: FindingsView,
    /// The findings; none for those who may not see any.
    pub page: Option<FindingPage>,
    /// Why the filters can't be used.
    pub trouble: Option<String>,
}

impl ComplianceData {
    fn href(view: FindingsView) -> String {
        Page::Compliance(Box::new(view)).href()
    }
}

/// Loads the page's data.
///
/// # Errors
/// When scores may not be seen.
pub async fn load(view: FindingsView) -> Result<ComplianceData, AppError> {
    let overview = functions::compliance_scores().await?;
    if !use_context::<Principal>().is_some_and(|p| p.may("view", "findings")) {
        return Ok(ComplianceData { overview, view, page: None, trouble: None });
    }
    match functions::findings(view.query.clone()).await {
        Ok(page) => Ok(ComplianceData { overview, view, page: Some(page), trouble: None }),
        // Said beside the filters, so that they can be mended.
        Err(AppError(PortError::Invalid(sentence))) => {
            let page = FindingPage { at: UnixMs::now(), items: Vec::new(), matching: 0, total: 0, next: None, scans: Vec::new() };
            Ok(ComplianceData { overview, view, page: Some(page), trouble: Some(sentence) })
        }
        Err(error) => Err(error),
    }
}

/// The page.
pub fn view(data: &ComplianceData, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let overview = &data.overview;
    let unrecorded = overview.unrecorded.clone().map(|why| view! { <Notice status=Status::Degraded now=now>{why}</Notice> });
    let capped = overview.score.as_ref().and_then(words::cap).filter(|_| overview.targets.len() > 1);
    let accepted = overview.score.as_ref().filter(|s| s.accepted > 0).map(|s| {
        format!(
            "Leaving out the {} whose risk is accepted it would be {}; that is for information and counts nowhere.",
            format::plural(s.accepted as usize, "control", "controls"),
            words::points(s.with_accepted)
        )
    });
    let coverage = overview.score.as_ref().map(|score| words::coverage(score, overview.total));
    view! {
        <header class="page-head">
            <h1>"Compliance"</h1>
            <p class="muted">{DISCLAIMER}</p>
        </header>
        <div id=part::COMPLIANCE data-shape=live::security_shape(overview)>
        {unrecorded}
        <p class="answer">{words::sentence(overview)}</p>
        {coverage.map(|c| view! { <p>{c}</p> })}
        {words::evidence_of(overview.targets.iter().map(|t| &t.scan)).map(|e| view! { <p class="muted">{e}</p> })}
        {capped.zip(overview.score.as_ref()).map(|(c, score)| view! { <p class="muted">{words::linked(c, words::cap_of(score))}</p> })}
        {accepted.map(|a| view! { <p class="muted">{a}</p> })}
        <section class="section" aria-labelledby="scores-title">
            <header class="section-head">
                <h2 id="scores-title">"Targets"</h2>
                {data.page.is_some().then(|| view! {
                    <nav class="also" aria-label="Also">
                        <a href=Page::Changes(Box::default()).href()>"What changed"</a>
                        <a href=Page::Controls(Box::<ControlsView>::default()).href()>{format!("All {} controls", overview.total)}</a>
                    </nav>
                })}
            </header>
            {scores::table(overview, cx, "compliance", now)}
        </section>
        {frameworks(overview, data.page.is_some())}
        </div>
        {findings(data, now)}
    }
}

/// The laws and standards: counts of clauses, never a lone percentage.
pub(crate) fn frameworks(overview: &ComplianceOverview, sees: bool) -> AnyView {
    let body = if overview.frameworks.is_empty() {
        view! { <Empty kind=EmptyKind::NothingYet title="Nothing to show yet">"Clauses are judged by the first scan."</Empty> }.into_any()
    } else {
        let rows = overview.frameworks.iter().map(|f| framework_row(f, sees)).collect_view();
        let edition = overview.frameworks.first().map(|f| f.edition.clone());
        view! {
            <div class="table-frame" tabindex="0">
                <table class="table frameworks">
                    <thead>
                        <tr>
                            <th scope="col">"Framework"</th>
                            <th scope="col" class="num" title="All controls that are direct evidence pass">"Met"</th>
                            <th scope="col" class="num" title="Some pass; others fail, are unknown or not assessed">"Partly"</th>
                            <th scope="col" class="num" title="A critical control fails, or none passes">"Unmet"</th>
                            <th scope="col" class="num" title="There are controls, and none could be judged">"Unknown"</th>
                            <th scope="col" class="num" title="No control is direct evidence">"No evidence"</th>
                            <th scope="col" class="num" title="No database can show it">"Only a person"</th>
                            <th scope="col" class="num">"Clauses"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <p class="fine">{edition}". Counts are of clauses, over all targets within your rights."</p>
        }
        .into_any()
    };
    view! {
        <section class="section" aria-labelledby="frameworks-title">
            <header class="section-head"><h2 id="frameworks-title">"Frameworks"</h2></header>
            {body}
        </section>
    }
    .into_any()
}

fn framework_row(f: &FrameworkView, sees: bool) -> impl IntoView + use<> {
    let href = Page::FrameworkOf(f.framework).href();
    let cell = |n: u32, part: &str| {
        let shown = format::whole(Some(n.into()));
        let inner = match n {
            // No part of the page is for what is not there; its clauses stand in the other parts.
            0 if sees => view! { <a class="muted" href=href.clone()>{shown}</a> }.into_any(),
            _ if sees => view! { <a href=format!("{href}#{part}")>{shown}</a> }.into_any(),
            _ => view! { <span>{shown}</span> }.into_any(),
        };
        view! { <td class="num">{inner}</td> }
    };
    let title = if sees {
        view! { <a href=href.clone()>{f.title.clone()}</a> }.into_any()
    } else {
        view! { <span>{f.title.clone()}</span> }.into_any()
    };
    view! {
        <tr>
            <th scope="row">{title}</th>
            {cell(f.met, "met")}
            {cell(f.partly, "partly")}
            {cell(f.unmet, "unmet")}
            {cell(f.unknown, "unknown")}
            {cell(f.no_evidence, "no_evidence")}
            {cell(f.only_person, "only_person")}
            {cell(f.total, "main")}
        </tr>
    }
}

fn findings(data: &ComplianceData, now: UnixMs) -> impl IntoView + use<> {
    let body = match &data.page {
        None => view! {
            <Empty kind=EmptyKind::NoPermission title="Findings are not for your role">
                "What is wrong, and its evidence, is shown to admins, operators and security officers. "
                <a href=Page::Access.href()>"Who may do what"</a>
            </Empty>
        }
        .into_any(),
        Some(page) if page.items.is_empty() => view! { {filters::form(data)}{filters::chips(data)}{listed(data, nothing(data))} }.into_any(),
        Some(page) => view! { {filters::form(data)}{filters::chips(data)}{listed(data, view! { {rows::table(page, now)}{pages(data, page)} }.into_any())} }
            .into_any(),
    };
    view! {
        <section class="section" id="findings" aria-labelledby="findings-title">
            <header class="section-head">
                <h2 id="findings-title">"Findings"</h2>
                {data.page.as_ref().filter(|p| p.matching > 0).map(|_| filters::ways_out(&data.view))}
            </header>
            {body}
        </section>
    }
}

/// The rows as a part that is drawn anew after a scan; the filters above keep what was chosen in them.
fn listed(data: &ComplianceData, rows: AnyView) -> impl IntoView + use<> {
    view! { <div id=part::FINDINGS data-shape=live::security_shape(&data.overview)>{rows}</div> }
}

fn nothing(data: &ComplianceData) -> AnyView {
    let all = ComplianceData::href(FindingsView::default());
    if let Some(sentence) = data.trouble.clone() {
        return view! { <Empty kind=EmptyKind::FilteredOut title="These filters can't be used">{sentence}" "<a href=all>"Show all"</a></Empty> }.into_any();
    }
    if data.view.query.offset > 0 {
        let first = ComplianceData::href(data.view.from_row(0));
        return view! { <Empty kind=EmptyKind::FilteredOut title="No findings this far down">"The list ends earlier. "<a href=first>"Go to its start"</a></Empty> }.into_any();
    }
    if data.view.filtered() {
        return view! { <Empty kind=EmptyKind::FilteredOut title="No finding matches">"None passes these filters. "<a href=all>"Show all"</a></Empty> }.into_any();
    }
    let scans = || data.overview.targets.iter().map(|t| &t.scan);
    if scans().all(|s| s.scanned_at.is_none()) {
        if let Some(fault) = scans().find_map(|s| s.fault.clone()) {
            return view! { <Empty kind=EmptyKind::Unreachable title="Nothing could be scanned">{fault.sentence}</Empty> }.into_any();
        }
        return view! { <Empty kind=EmptyKind::NothingYet title="Nothing is scanned yet">"The first scan begins moments after the start."</Empty> }.into_any();
    }
    view! {
        <Empty kind=EmptyKind::None title="No findings">"What could be judged gives no reason to object. What could not is counted above as unknown."</Empty>
    }
    .into_any()
}

/// Which rows these are, and the ways to the others.
fn pages(data: &ComplianceData, page: &FindingPage) -> impl IntoView + use<> {
    let offset = data.view.query.offset;
    let shown = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
    let step = if data.view.query.limit == 0 { 50 } else { data.view.query.limit };
    let at = |view: FindingsView| ComplianceData::href(view) + "#findings";
    let previous = (offset > 0).then(|| at(data.view.from_row(offset.saturating_sub(step))));
    let next = page.next.map(|n| at(data.view.from_row(n)));
    let count = format!("{} to {} of {}", offset + 1, offset + shown, page.matching);
    view! {
        <nav class="pager" aria-label="Findings">
            <span class="pager-count">{count}</span>
            {previous.map(|href| view! { <a class="button" rel="prev" href=href>"Previous"</a> })}
            {next.map(|href| view! { <a class="button" rel="next" href=href>"Next"</a> })}
        </nav>
    }
}
