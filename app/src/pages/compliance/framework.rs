//! `/admin/compliance/frameworks/{framework}`: every clause with what is behind it.

use super::{attest, words::evidence_of};
use crate::{
    AppError,
    components::{Choice, Empty, EmptyKind},
    format, functions,
    render::PageContext,
    route::Page,
};
use leptos::prelude::*;
use reeve_access::Principal;
use reeve_model::{
    UnixMs,
    compliance::{Clause, ClauseState, Framework, FrameworkView, Human, ScanState},
};
use reeve_ports::PortError;

/// The states in the order shown, with their part's id, title and what they mean.
const PARTS: [(ClauseState, &str, &str, &str); 6] = [
    (ClauseState::Unmet, "unmet", "Unmet", "A critical control fails, or some fail and none passes."),
    (ClauseState::Partly, "partly", "Partly", "Some controls pass; others fail, are unknown or are not assessed."),
    (ClauseState::Unknown, "unknown", "Unknown", "There are controls, and none could be judged."),
    (ClauseState::Met, "met", "Met by evidence", "All controls that are direct evidence pass."),
    (ClauseState::NoEvidence, "no_evidence", "No evidence", "No control is direct evidence; supporting ones can't show a clause."),
    (ClauseState::OnlyPerson, "only_person", "Only a person", "No database can show these."),
];

/// All that the page shows.
pub struct FrameworkData {
    framework: Framework,
    view: Option<FrameworkView>,
    scans: Vec<ScanState>,
}

impl FrameworkData {
    /// The title of the document.
    #[must_use]
    pub fn title(&self) -> String {
        self.framework.title().to_owned()
    }
}

/// Loads the page's data.
///
/// # Errors
/// For those who may see scores and no findings: clauses name the controls that fail.
pub async fn load(framework: Framework) -> Result<FrameworkData, AppError> {
    let overview = functions::compliance_scores().await?;
    if !use_context::<Principal>().is_some_and(|p| p.may("view", "findings")) {
        return Err(AppError(PortError::Denied("You may not view findings. Ask an admin for a role that may.".into())));
    }
    let view = overview.frameworks.into_iter().find(|f| f.framework == framework);
    let scans = overview.targets.into_iter().map(|t| t.scan).collect();
    Ok(FrameworkData { framework, view, scans })
}

/// The page.
pub fn view(data: &FrameworkData, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let body = match &data.view {
        None => view! { <Empty kind=EmptyKind::NothingYet title="Nothing to show yet">"Clauses are judged by the first scan."</Empty> }
            .into_any(),
        Some(f) => {
            let parts = [
                (f.met, "met", " met, "),
                (f.partly, "partly", " partly, "),
                (f.unmet, "unmet", " unmet, "),
                (f.unknown, "unknown", " unknown, "),
                (f.no_evidence, "no_evidence", " without evidence, "),
                (f.only_person, "only_person", " that only a person can show."),
            ];
            let part_of = |(n, id, words): (u32, &'static str, &'static str)| match n {
                0 => view! { <span>"0"{words}</span> }.into_any(),
                _ => view! { <span><a href=format!("#{id}")>{n}</a>{words}</span> }.into_any(),
            };
            view! {
                <p class="answer">
                    {format::plural(f.total as usize, "clause", "clauses")}": "{parts.map(part_of).into_iter().collect_view()}
                    {format!(" At least one control was judged for {} of them; somebody vouches for ", f.evidenced)}<a href="#words">{f.attested}</a>"."
                </p>
                {evidence_of(&data.scans).map(|e| view! { <p class="muted">{e}</p> })}
                <p class="muted">{f.edition.clone()}"."</p>
                {PARTS.iter().map(|p| part(f, p)).collect_view()}
                {words(f, cx, now)}
            }
            .into_any()
        }
    };
    let disclaimer = data.view.as_ref().map(|f| f.disclaimer.clone());
    view! {
        <header class="page-head">
            <h1>{data.title()}</h1>
            <p class="muted">{disclaimer}</p>
        </header>
        {body}
    }
}

fn part(f: &FrameworkView, (state, id, title, meaning): &(ClauseState, &'static str, &'static str, &'static str)) -> impl IntoView + use<> {
    let clauses: Vec<&Clause> = f.clauses.iter().filter(|c| c.state == *state).collect();
    let (id, title, meaning) = (*id, *title, *meaning);
    let heading = format!("{id}-title");
    (!clauses.is_empty()).then(|| {
        let count = clauses.len();
        let rows = clauses.into_iter().map(row).collect_view();
        view! {
            <section class="section" id=id aria-labelledby=heading.clone()>
                <header class="section-head">
                    <h2 id=heading.clone()>{title}" "<span class="muted">{format::whole(i64::try_from(count).ok())}</span></h2>
                    <p class="muted">{meaning}</p>
                </header>
                <div class="table-frame" tabindex="0">
                    <table class="table clauses">
                        <thead><tr><th scope="col">"Clause"</th><th scope="col">"About"</th><th scope="col">"Controls"</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </section>
        }
    })
}

fn row(c: &Clause) -> impl IntoView + use<> {
    let failing: Vec<String> = c.failing.iter().map(|(id, _)| id.clone()).collect();
    let supporting: Vec<String> = c.supporting.iter().filter(|id| !c.supporting_failing.contains(id)).cloned().collect();
    let group = |word: &'static str, ids: &[String]| {
        let links = ids.iter().map(|id| view! { <a href=Page::ControlOf(id.clone()).href()>{id.clone()}</a>" " }).collect_view();
        (!ids.is_empty()).then(|| view! { <span class="controls-of"><span class="muted">{word}" "</span>{links}</span> })
    };
    let word = match c.human {
        _ if c.attested.is_some() => c.attested.as_ref().map(|a| {
            // Given before evidence turned against it.
            let against = if c.contradicted() { ", and evidence contradicts it" } else { "" };
            format!("{} vouches for it until {}{against}", a.by, format::moment(a.expires))
        }),
        Human::Also if c.attestation_missing => Some("a person's word is missing, too".to_owned()),
        // Where evidence contradicts it, nobody's word helps.
        Human::Also if !c.contradicted() => Some("needs a person's word, too".to_owned()),
        _ => None,
    };
    view! {
        <tr>
            <th scope="row" class="cite">{c.citation.clone()}</th>
            <td>{c.title.clone()}{word.map(|w| view! { <span class="mark-word">{w}</span> })}</td>
            <td class="controls-cell">
                {group("fail", &failing)}
                {group("unknown", &c.unknown)}
                {group("pass", &c.passing)}
                {group("not applicable", &c.not_applicable)}
                {group("not assessed", &c.not_assessed)}
                {group("supporting, fail", &c.supporting_failing)}
                {group("supporting", &supporting)}
            </td>
        </tr>
    }
}

/// What persons vouch for, and the form for those who may.
fn words(f: &FrameworkView, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let at = Page::FrameworkOf(f.framework).href();
    let may = cx.may("attest", "clause");
    let given = f.clauses.iter().filter_map(|c| {
        let word = c.attested.as_ref()?;
        let back = may.then(|| attest::withdraw(&at, cx.csrf.clone(), "clause", c.key.clone()));
        Some(view! { <h3>{c.citation.clone()}" "<span class="muted">{c.title.clone()}</span></h3>{attest::told(word, now)}{back} })
    });
    let given: Vec<_> = given.collect();
    // What evidence contradicts is not offered: the service refuses it.
    let open = f.clauses.iter().filter(|c| c.human != Human::No && !c.contradicted());
    let options: Vec<(String, String)> = open.map(|c| (c.key.clone(), format!("{} {}", c.citation, c.title))).collect();
    let form = (may && !options.is_empty()).then(|| {
        let which = view! { <Choice label="Clause" name="clause" options=options/> }.into_any();
        attest::form("Give your word for a clause", &at, cx.csrf.clone(), which)
    });
    let none = given.is_empty().then(|| view! { <p>"Nobody vouches for any of these clauses."</p> });
    view! {
        <section class="section" id="words" aria-labelledby="words-title">
            <header class="section-head">
                <h2 id="words-title">"Persons' words"</h2>
                <p class="muted">"For clauses that evidence can't show, or not alone, and does not contradict. They change no state above."</p>
            </header>
            {none}
            {given}
            {form}
        </section>
    }
}
