//! Schedules: what is made again and again, when next, what came of the last one, and the form that adds one.

use super::words;
use crate::{
    components::{Age, Ahead, Choice, Csrf, Empty, EmptyKind, Field},
    live,
    live::key::part,
    render::{Kept, PageContext},
    route::{BackupsView, Page},
};
use leptos::prelude::*;
use reeve_model::{
    UnixMs,
    backup::{BackupHistory, BackupSchedule, DatabaseCover, ScheduledWhat},
};

/// How often, by word and by name, as the form offers it.
const OFTEN: [(&str, &str); 4] = [("daily", "Daily"), ("weekly", "Weekly"), ("monthly", "Monthly"), ("cron", "As cron says")];
/// Days of the week, Monday first.
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
/// The last day of a month that every month has.
const SAFE_DAY: u8 = 28;

/// The section. The table is drawn anew when something in it changed; the form never is, so nothing that is typed is lost.
pub(super) fn section(history: &BackupHistory, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let able = history.jobs_fault.is_none();
    let choices: Vec<&DatabaseCover> = history.databases.iter().filter(|c| able && c.there && may(cx, c)).collect();
    let form = (!choices.is_empty()).then(|| form(&choices, history.schedules.is_empty(), cx));
    view! {
        <section class="section" aria-labelledby="schedules-title">
            <header class="section-head">
                <h2 id="schedules-title">"Schedules"</h2>
                <p class="muted">"What was missed while Reeve was down is made up for once."</p>
            </header>
            <div id=part::SCHEDULES data-shape=live::schedules_shape(history)>{table(history, !choices.is_empty(), cx, now)}</div>
            {form}
        </section>
    }
}

fn may(cx: &PageContext, c: &DatabaseCover) -> bool {
    cx.principal.as_ref().is_some_and(|p| p.may_for("run", "backup", &c.target))
}

fn table(history: &BackupHistory, adds: bool, cx: &PageContext, now: UnixMs) -> AnyView {
    if history.schedules.is_empty() {
        return match &history.jobs_fault {
            Some(_) => view! {
                <Empty kind=EmptyKind::Unreachable title="Not to be had right now">"Schedules show as soon as Reeve's own database answers again."</Empty>
            }
            .into_any(),
            None if adds => view! {
                <Empty kind=EmptyKind::NothingYet title="Nothing is planned">
                    "Backups are made only when somebody asks. Add a schedule below: a backup each day and a drill each week are a good beginning."
                </Empty>
            }
            .into_any(),
            None => view! {
                <Empty kind=EmptyKind::NothingYet title="Nothing is planned">"Backups are made only when somebody asks. Operators add schedules here."</Empty>
            }
            .into_any(),
        };
    }
    let rows = history.schedules.iter().map(|s| row(s, history.jobs_fault.is_none(), cx, now)).collect_view();
    view! {
        <div class="table-frame" tabindex="0">
            <table role="table" class="table cards schedules" aria-label="Schedules by database">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Database"</th>
                        <th role="columnheader" scope="col">"What"</th>
                        <th role="columnheader" scope="col">"When"</th>
                        <th role="columnheader" scope="col">"Next run"</th>
                        <th role="columnheader" scope="col">"Last run"</th>
                        <th role="columnheader" scope="col"><span class="visually-hidden">"Change"</span></th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(s: &BackupSchedule, able: bool, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let href = Page::Backups(Box::new(BackupsView::of(&s.target, &s.database))).href();
    let next = match s.next_at {
        Some(at) => view! { <Ahead at=at now=now/><span class="about">{s.next_local.clone()}</span> }.into_any(),
        None if s.enabled => view! { <span class="muted">"never"</span> }.into_any(),
        None => view! { <span class="muted">"paused"</span> }.into_any(),
    };
    let last = s.last.as_ref().map(|last| {
        let sentence = last.sentence.clone().map(|sentence| view! { <span class="about">{sentence}</span> });
        view! { {words::state(last.state, false)}" "<Age at=last.at now=now/>{sentence} }
    });
    let none = s.last.is_none().then(|| view! { <span class="muted">"not yet"</span> });
    let passed = if s.last.is_some() { "The one after it was passed over." } else { "It was passed over." };
    let note = s.note.clone().map(|note| view! { <span class="about">{format!("{passed} {note}")}</span> });
    let allowed = able && cx.principal.as_ref().is_some_and(|p| p.may_for("run", "backup", &s.target));
    let label = format!("Remove the schedule: {} {} of {}", s.words, s.what.word(), s.database);
    let remove = allowed.then(|| {
        view! {
            <form method="post" action="/admin/backups/schedules/remove">
                <Csrf token=cx.csrf.clone()/>
                <input type="hidden" name="schedule" value=s.id.clone()/>
                <button class="button" aria-label=label>"Remove"</button>
            </form>
        }
    });
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" class="who"><a href=href>{s.database.clone()}</a><span class="about">{format!("on {}", s.target)}</span></th>
            <td role="cell" data-label="What">{s.what.title()}<span class="about">{format!("set by {}", s.set_by)}</span></td>
            <td role="cell" data-label="When">{s.words.clone()}<span class="about"><span class="mono">{s.cron.clone()}</span>" "{s.time_zone.clone()}</span></td>
            <td role="cell" data-label="Next run">{next}</td>
            <td role="cell" data-label="Last run" class="came">{last}{none}{note}</td>
            <td role="cell" class="act">{remove}</td>
        </tr>
    }
}

/// Adds a schedule. It shows all its fields where styles or scripts are missing; those that the choice leaves out are not read.
fn form(choices: &[&DatabaseCover], first: bool, cx: &PageContext) -> impl IntoView + use<> {
    let kept = use_context::<Kept>().unwrap_or_default();
    let typed = |name: &str, else_: &str| kept.get(name).unwrap_or_else(|| else_.to_owned());
    let open = first || kept.get("often").is_some();
    let databases = choices.iter().map(|c| (format!("{}/{}", c.target, c.database), format!("{} on {}", c.database, c.target))).collect();
    let whats = ScheduledWhat::ALL.map(|w| (w.word().to_owned(), w.title().to_owned())).to_vec();
    let often = OFTEN.map(|(word, name)| (word.to_owned(), name.to_owned())).to_vec();
    let weekdays = WEEKDAYS.map(|day| (day.to_lowercase(), day.to_owned())).to_vec();
    let days =
        (1..=SAFE_DAY).map(|day| (day.to_string(), day.to_string())).chain([("last".to_owned(), "the last day".to_owned())]).collect();
    let (time, zone) = (typed("time", "02:30"), typed("zone", "UTC"));
    view! {
        <details class="more plan" id="add-schedule" open=open>
            <summary>"Add a schedule"</summary>
            <form class="form panel" method="post" action="/admin/backups/schedules/set" aria-label="Add a schedule">
                <Csrf token=cx.csrf.clone()/>
                <p class="muted">"A database has one schedule for backups and one for drills: another one takes the place of the one there is."</p>
                <div class="fields">
                    <Choice label="Database" name="of" options=databases/>
                    <Choice label="What" name="what" options=whats/>
                    <Choice label="How often" name="often" options=often/>
                    <div class="only" data-for="weekly"><Choice label="Day of the week" name="weekday" options=weekdays/></div>
                    <div class="only" data-for="monthly"><Choice label="Day of the month" name="day" options=days/></div>
                    <div class="only" data-for="at"><Field label="Time" name="time" kind="time" value=time/></div>
                    <div class="only" data-for="cron"><Field label="Cron" name="cron" most=100 autocomplete="off" hint="Minute, hour, day, month, weekday: 30 2 * * 1-5"/></div>
                    <Field label="Time zone" name="zone" value=zone most=100 autocomplete="off" hint="Such as UTC or Europe/Berlin"/>
                </div>
                <p class="form-end"><button class="button primary">"Add the schedule"</button></p>
            </form>
        </details>
    }
}
