//! `/admin/gallery`: the component set in its states, light and dark. In debug builds only.

use crate::components::{Charts, Code, Confirm, Empty, EmptyKind, Field, FigureGroups, Notice, StatusBadge};
use leptos::prelude::*;
use reeve_model::{
    Figure, FigureGroup, Status, TargetName, Unit, UnixMs,
    health::Chart,
    series::{Point, Trend},
};

const STATUSES: [Status; 4] = [Status::Healthy, Status::Unknown, Status::Degraded, Status::Critical];
const EMPTIES: [EmptyKind; 6] = [
    EmptyKind::NotConfigured,
    EmptyKind::NothingYet,
    EmptyKind::FilteredOut,
    EmptyKind::NoPermission,
    EmptyKind::Unreachable,
    EmptyKind::None,
];

/// The page.
pub fn view() -> impl IntoView {
    view! {
        <header class="page-head"><h1>"Gallery"</h1><p class="muted">"Every component in every state, in both themes."</p></header>
        <div class="gallery">
            {["light", "dark"].map(|theme| view! { <div class="gallery-side" data-theme=theme>{set(theme)}</div> }).into_iter().collect_view()}
        </div>
    }
}

fn set(theme: &'static str) -> impl IntoView {
    let now = UnixMs::now();
    let badges = STATUSES.map(|s| view! { <StatusBadge status=s/> }).into_iter().collect_view();
    let notices = STATUSES
        .map(|s| view! { <Notice status=s since=now.plus_ms(-200_000) now=now>{format!("A notice that says what is {} and what to do.", s.word())}</Notice> })
        .into_iter()
        .collect_view();
    let empties = EMPTIES.map(|k| view! { <Empty kind=k title=k.word()>"What would fill this place."</Empty> }).into_iter().collect_view();
    let swatches = (0..6).map(|n| view! { <i class=format!("swatch s{n}")></i> }).collect_view();
    let figure = |title: &str, value: Option<f64>, unit: Unit, change: fn(&mut Figure)| {
        let trend = (0..24_i64).map(|n| Point { at: now.plus_ms((n - 24) * 5000), value: 40.0 + ((n * 7) % 11) as f64 }).collect();
        let mut figure = Figure {
            id: format!("gallery.{theme}.{title}"),
            title: title.into(),
            group: FigureGroup::Performance,
            unit,
            value,
            at: Some(now.plus_ms(-2000)),
            stale: false,
            why: None,
            note: None,
            status: None,
            max: None,
            trend,
        };
        change(&mut figure);
        figure
    };
    let figures = vec![
        figure("Plain", Some(41.4), Unit::PerSecond, |_| {}),
        figure("With a limit", Some(5.0), Unit::Count, |f| f.max = Some(60.0)),
        figure("With a note", Some(0.25), Unit::Milliseconds, |f| f.note = Some("How to read it, for those who open it.".into())),
        figure("Degraded", Some(0.92), Unit::Ratio, |f| f.status = Some(Status::Degraded)),
        figure("Critical", Some(0.99), Unit::Ratio, |f| f.status = Some(Status::Critical)),
        figure("Stale", Some(166e6), Unit::Bytes, |f| {
            f.stale = true;
            f.at = f.at.map(|at| at.plus_ms(-240_000));
        }),
        figure("Unknown", None, Unit::Seconds, |f| {
            f.why = Some("No standby streams from this server.".into());
            f.trend = Vec::new();
        }),
    ];
    let target = TargetName::new("gallery").ok();
    let figures = target.map(|target| view! { <FigureGroups figures=figures target=target now=now/> });
    let line = |title: &str, times: f64| Trend {
        title: title.into(),
        points: (0..48_i64).map(|n| Point { at: now.plus_ms((n - 48) * 60_000), value: times * (20.0 + ((n * 13) % 17) as f64) }).collect(),
    };
    let chart = Chart {
        id: format!("gallery-{theme}"),
        title: "A chart".into(),
        unit: Unit::PerSecond,
        lines: vec![line("first", 1.0), line("second", 0.5), line("third", 0.2)],
    };
    let confirm_id = if theme == "light" { "confirm-light" } else { "confirm-dark" };
    view! {
        <h2>{theme}</h2>
        <h3>"Statuses"</h3><p class="row">{badges}</p>
        <h3>"Notices"</h3>{notices}
        <h3>"Type"</h3>
        <p class="type-24">"24 The estate's answer"</p><p class="type-20">"20 A figure"</p><p class="type-16">"16 A section"</p>
        <p class="type-14">"14 A sentence"</p><p class="type-13">"13 A table"</p><p class="type-12">"12 A note"</p><p class="mono">"mono 0/16B3748"</p>
        <h3>"Figures"</h3>{figures}
        <h3>"Chart"</h3><Charts charts=vec![chart]/>
        <h3>"Series"</h3><p class="row">{swatches}</p>
        <h3>"Forms"</h3>
        <form class="form">
            <Field scope=theme label="Field" name="plain" value="value" hint="What to type, said before it is typed."/>
            <Field scope=theme label="Disabled" name="disabled" value="value" disabled=true/>
            <Field scope=theme label="Refused" name="refused" value="5433x" error="A port is a number from 1 to 65535."/>
            <Field scope=theme label="Required" name="required" required=true/>
            <label class="check"><input type="checkbox" checked/>"Check"</label>
            <p class="row"><button type="button" class="button primary">"Primary"</button><button type="button" class="button">"Plain"</button>
                <button type="button" class="button danger">"Danger"</button><button type="button" class="button quiet">"Quiet"</button><button type="button" class="button" disabled>"Disabled"</button></p>
        </form>
        <h3>"Code"</h3><Code text="VACUUM (ANALYZE, VERBOSE) core.session_heartbeats;" what="SQL"/>
        <h3>"Dialog"</h3>
        <Confirm id=confirm_id verb="Drop index" name="core.ix_events_at"
            consequence="The index is gone at once; building it again takes about 4 minutes. Nothing is done from this gallery."
            sql="DROP INDEX CONCURRENTLY core.ix_events_at;"/>
        <h3>"Toast"</h3><p class="toast">"Copied"</p>
        <h3>"Table"</h3>
        <table class="table">
            <thead><tr><th scope="col">"Name"</th><th scope="col" class="num" aria-sort="descending"><a href="#">"Size"</a>" "<span class="unit">"MB"</span></th></tr></thead>
            <tbody>
                <tr><th scope="row" class="mono">"core.accounts"</th><td class="num">"20.40"</td></tr>
                <tr data-stale="true"><th scope="row" class="mono">"core.ledger"<span class="mark-word locked">"locked"</span></th><td class="num">"—"</td></tr>
            </tbody>
        </table>
        <h3>"Empty places"</h3>{empties}
    }
}
