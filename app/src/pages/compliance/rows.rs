//! The findings as rows.

use super::words::{finding_href, place, severity, state};
use crate::{components::Age, route::Page};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    compliance::{Finding, FindingPage},
};

pub(super) fn table(page: &FindingPage, now: UnixMs) -> impl IntoView + use<> {
    list(&page.items, now)
}

/// Findings, wherever they stand.
pub(super) fn list(findings: &[Finding], now: UnixMs) -> impl IntoView + use<> {
    view! {
        <div class="table-frame">
            <table class="table findings" data-rows="">
                <thead>
                    <tr>
                        <th scope="col">"Severity"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Where"</th>
                        <th scope="col">"Control"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="num">"First seen"</th>
                    </tr>
                </thead>
                <tbody>{findings.iter().map(|f| row(f, now)).collect_view()}</tbody>
            </table>
        </div>
    }
}

fn row(f: &Finding, now: UnixMs) -> impl IntoView + use<> {
    let control = Page::ControlOf(f.control.clone()).href();
    view! {
        <tr data-life=f.state.word()>
            <td class="how-bad">{severity(f.severity)}</td>
            <th scope="row" class="what">
                <a href=finding_href(f) data-row="">{f.offender.sentence.clone()}</a>
                <span class="object mono">{f.offender.object.clone()}</span>
            </th>
            <td class="where"><span class="mono">{f.target.to_string()}</span><span class="muted">{place(f.offender.database.as_deref())}</span></td>
            <td class="which"><a href=control title=f.title.clone()>{f.control.clone()}</a></td>
            <td class="stands">{state(f.state)}</td>
            <td class="num since"><Age at=f.first_seen now=now/></td>
        </tr>
    }
}
