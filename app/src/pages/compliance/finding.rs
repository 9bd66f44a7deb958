//! `/admin/compliance/findings/{name}/{fingerprint}`: one finding: what, why, since when, how to repair it, its evidence, and its risk.

use super::{
    evidence,
    words::{place, severity, state, verdict_of},
};
use crate::{
    components::{Age, Code, Csrf, Field, Moment, Notice, TextArea},
    format,
    render::{Kept, PageContext},
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    Status, UnixMs,
    compliance::{AcceptedRisk, FindingDetail, FindingState},
};

/// Days that the form suggests.
const DAYS: u32 = 30;

/// The page.
pub fn view(d: &FindingDetail, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let f = &d.finding;
    let may = cx.principal.as_ref().is_some_and(|p| p.may_for("accept", "finding", &f.target));
    let unknown = d.state.as_ref().filter(|s| s.word() == "unknown" && f.state != FindingState::Fixed).map(|s| {
        view! {
            <div class="notice" data-status="unknown"><i class="glyph" data-status="unknown" aria-hidden="true"></i>
                <p>"Whether this is still so is not known now: "{s.reason().unwrap_or_default().to_owned()}</p></div>
        }
    });
    let stale = d.scan.fault.clone().map(|fault| {
        view! { <Notice status=Status::Degraded since=fault.since now=now>"The target can't be scanned: "{fault.sentence}</Notice> }
    });
    view! {
        <header class="page-head">
            <h1>{f.offender.object.clone()}</h1>
            {severity(f.severity)}
            {state(f.state)}
        </header>
        {stale}
        {unknown}
        <p class="answer">{f.offender.sentence.clone()}</p>
        {(!d.why.is_empty()).then(|| view! { <p class="why">{d.why.clone()}</p> })}
        <div class="finding-top">
            {facts(d, now)}
            {fix(d)}
        </div>
        <section class="section" id="evidence" aria-labelledby="evidence-title">
            <header class="section-head"><h2 id="evidence-title">"Evidence"</h2></header>
            {d.state.as_ref().map(verdict_of)}
            {evidence::list(&d.evidence, &d.scan, true, now)}
        </section>
        <section class="section" id="clauses" aria-labelledby="clauses-title">
            <header class="section-head"><h2 id="clauses-title">"Clauses"</h2></header>
            {evidence::clauses(&d.clauses)}
        </section>
        {risk(d, may, cx.csrf.clone(), now)}
    }
}

fn facts(d: &FindingDetail, now: UnixMs) -> impl IntoView + use<> {
    let f = &d.finding;
    let control = Page::ControlOf(f.control.clone()).href();
    view! {
        <dl class="facts">
            <dt>"Control"</dt><dd><a href=control>{f.control.clone()}</a>" "{f.title.clone()}</dd>
            <dt>"Where"</dt><dd><span class="mono">{f.target.to_string()}</span>", "{place(f.offender.database.as_deref())}</dd>
            <dt>"First seen"</dt><dd><Moment at=f.first_seen/>" "<span class="muted"><Age at=f.first_seen now=now/></span></dd>
            <dt>"Last seen"</dt><dd><Moment at=f.last_seen/>" "<span class="muted"><Age at=f.last_seen now=now/></span></dd>
            <dt>"Fingerprint"</dt><dd class="hash">{f.fingerprint.clone()}</dd>
        </dl>
    }
}

/// How to repair it, what that locks, and how to take it back. Reeve itself changes nothing on a target.
fn fix(d: &FindingDetail) -> impl IntoView + use<> {
    let f = &d.finding;
    let place =
        f.offender.database.as_ref().map(|name| view! { <p class="muted">"In database "<span class="mono">{name.clone()}</span>":"</p> });
    let undo = (!f.offender.undo.is_empty()).then(|| {
        view! { <details class="more"><summary>"How to take it back"</summary><Code text=f.offender.undo.clone() what="what takes it back"/></details> }
    });
    let lock = (!f.lock.is_empty()).then(|| view! { <p class="muted">{format!("It {}.", f.lock.trim_end_matches('.'))}</p> });
    view! {
        <div class="fix">
            <h2>"Repair"</h2>
            {place}
            <Code text=f.offender.fix.clone() what="repair"/>
            {lock}
            {undo}
        </div>
    }
}

/// The risk: who accepts it, or the form to do so.
fn risk(d: &FindingDetail, may: bool, csrf: Option<String>, now: UnixMs) -> impl IntoView + use<> {
    let f = &d.finding;
    let at = Page::FindingOf(f.target.clone(), f.fingerprint.clone()).href();
    let present = d.risks.iter().find(|r| r.holds(now));
    let past: Vec<&AcceptedRisk> = d.risks.iter().filter(|r| !r.holds(now)).collect();
    let standing = match (f.state, present) {
        (FindingState::Fixed, _) => view! { <p>"It is fixed: there is no risk to accept."</p> }.into_any(),
        (_, Some(risk)) => {
            let withdraw = may.then(|| {
                view! {
                    <form method="post" action=format!("{at}/withdraw")>
                        <Csrf token=csrf.clone()/>
                        <button class="button">"Withdraw"</button>
                    </form>
                }
            });
            view! { {told(risk, now)}{withdraw} }.into_any()
        }
        (_, None) => view! { <p>"Nobody accepts it. Until it is repaired it counts against the score."</p> }.into_any(),
    };
    let form = (may && f.state != FindingState::Fixed).then(|| accept(d, &at, csrf.clone(), present.is_some()));
    let who = (!may).then(|| view! { <p class="muted">"Security officers accept risks, for a time and with a reason."</p> });
    let past = (!past.is_empty()).then(|| {
        view! {
            <details class="more"><summary>{format!("{} before", format::plural(past.len(), "acceptance", "acceptances"))}</summary>
                {past.into_iter().map(|r| told(r, now)).collect_view()}
            </details>
        }
    });
    view! {
        <section class="section" id="risk" aria-labelledby="risk-title">
            <header class="section-head"><h2 id="risk-title">"Risk"</h2></header>
            {standing}
            {who}
            {form}
            {past}
        </section>
    }
}

fn told(risk: &AcceptedRisk, now: UnixMs) -> impl IntoView + use<> {
    let a = &risk.acceptance;
    let until = match &risk.withdrawn {
        Some((at, by)) => format!("ended {} by {by}", format::moment(*at)),
        None if now >= a.expires => format!("ran out {}", format::moment(a.expires)),
        None => format!("until {}", format::moment(a.expires)),
    };
    view! {
        <div class="risk">
            <p><b>{a.by.clone()}</b>" accepts it for "<b>{risk.owner.clone()}</b>", who owns the risk, since "<Moment at=a.at/>", "{until}"."</p>
            <blockquote>{a.reason.clone()}</blockquote>
        </div>
    }
}

fn accept(d: &FindingDetail, at: &str, csrf: Option<String>, again: bool) -> impl IntoView + use<> {
    let suggested = DAYS.min(d.most_days).to_string();
    let title = if again { "Accept anew" } else { "Accept the risk" };
    let most = d.most_days;
    let hint = format!("1 to {most}; then it is open again by itself");
    view! {
        <form class="form panel" method="post" action=format!("{at}/accept") aria-labelledby="accept-title">
            <Csrf token=csrf/>
            <h3 id="accept-title">{title}</h3>
            <p class="muted">"The headline score stays as it is; the decision and its reason go into the audit trail."</p>
            <TextArea label="Reason" name="reason" least=10 most=2000
                hint="Why it can't be repaired now, and what makes up for it; 10 to 2,000 characters"/>
            <div class="fields">
                <Field label="Owner of the risk" name="owner" kind="email" hint="E-mail of another account than yours" required=true autocomplete="off"/>
                <Field label="Days" name="days" value=kept_days(&suggested) hint=hint required=true autocomplete="off"/>
            </div>
            <p class="form-end"><button class="button primary">{title}</button></p>
        </form>
    }
}

fn kept_days(suggested: &str) -> String {
    use_context::<Kept>().and_then(|kept| kept.get("days")).unwrap_or_else(|| suggested.to_owned())
}
