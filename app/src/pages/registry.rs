//! `/admin/registry`: which targets there are, and adding one that was tested first.

use crate::{
    components::{Age, Choice, Code, Csrf, Empty, EmptyKind, Field, target_href},
    format,
    render::{PageContext, typed_again},
    route::Page,
};
use leptos::prelude::*;
use reeve_model::{
    Environment, TargetInfo, TargetName, UnixMs,
    registration::{Candidate, Gap, RegistryRow, RegistryView},
};

/// The page.
pub fn view(list: &RegistryView, change: Option<&TargetName>, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let changes = cx.may("change", "registry");
    let count = format::plural(list.rows.len(), "target", "targets");
    let candidate = list.candidate.as_ref().filter(|_| changes).map(|c| candidate(c, cx, now));
    // One at a time: what was tested is decided on first, unless somebody asks to change another.
    let changed = list.rows.iter().find(|r| r.place.is_none() && Some(&r.info.name) == change);
    let form = (changes && (changed.is_some() || list.candidate.is_none())).then(|| form(changed, cx));
    view! {
        <header class="page-head"><h1 id="registry-title">"Targets"</h1><p class="muted">{count}</p></header>
        {candidate}
        {table(&list.rows, changes, now)}
        {form}
        {changed.filter(|_| changes).map(|r| remove(&r.info.name, cx))}
    }
}

fn table(rows: &[RegistryRow], changes: bool, now: UnixMs) -> AnyView {
    if rows.is_empty() {
        return view! { <Empty kind=EmptyKind::NotConfigured title="No target">"Add the first one below, with `reeve target add`, or in reeve.toml."</Empty> }
            .into_any();
    }
    let row = |r: &RegistryRow| row(r, changes, now);
    view! {
        <div class="table-frame" tabindex="0">
            <table role="table" class="table cards registry" data-rows="" aria-labelledby="registry-title">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Target"</th>
                        <th role="columnheader" scope="col">"Environment"</th>
                        <th role="columnheader" scope="col">"Region"</th>
                        <th role="columnheader" scope="col">"Owner"</th>
                        <th role="columnheader" scope="col">"Tags"</th>
                        <th role="columnheader" scope="col">"Stands in"</th>
                        {changes.then(|| view! { <th role="columnheader" scope="col"><span class="visually-hidden">"Change or remove it"</span></th> })}
                    </tr>
                </thead>
                <tbody role="rowgroup">{rows.iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(r: &RegistryRow, changes: bool, now: UnixMs) -> impl IntoView + use<> {
    let name = r.info.name.clone();
    let stands = match (&r.place, r.changed_at) {
        (Some(place), _) => view! { {place.clone()} }.into_any(),
        (None, Some(at)) => view! { "registered, changed "<Age at=at now=now/> }.into_any(),
        (None, None) => view! { "registered" }.into_any(),
    };
    let remove = changes.then(|| {
        let name = r.info.name.clone();
        let link = r.place.is_none().then(move || {
            let label = format!("Change or remove {name}");
            let href = format!("{}#add", Page::Registry(Some(name)).href());
            view! { <a href=href aria-label=label>"Change"</a> }
        });
        view! { <td role="cell" class="act">{link}</td> }
    });
    view! {
        <tr role="row">
            <th role="rowheader" scope="row" class="who">
                <a href=target_href(&name) data-row="">{name.to_string()}</a>
                <span class="about">{r.info.address.clone()}</span>
                {r.fault.clone().map(|why| view! { <span class="about evidence-missing">{why}</span> })}
            </th>
            <td role="cell" data-label="Environment">{r.info.environment.word()}</td>
            <td role="cell" data-label="Region">{r.info.region.clone()}</td>
            <td role="cell" data-label="Owner">{r.info.owner.clone()}</td>
            <td role="cell" data-label="Tags">{r.info.tags.join(", ")}</td>
            <td role="cell" data-label="Stands in">{stands}</td>
            {remove}
        </tr>
    }
}

/// The form that removes one.
fn remove(name: &TargetName, cx: &PageContext) -> impl IntoView + use<> {
    view! {
        <section class="section" id="remove">
            <form class="form panel" method="post" action="/admin/registry/remove" aria-labelledby="remove-title">
                <Csrf token=cx.csrf.clone()/>
                <h2 id="remove-title">"Remove "{name.to_string()}</h2>
                <p class="muted">"It is watched no more. Its history and its backups stay; its stored address does not."</p>
                <input type="hidden" name="target" value=name.to_string()/>
                <Field label="Name of the target" name="typed" most=63 required=true autocomplete="off" hint=format!("Type {name} to say that you mean it")/>
                <p class="form-end"><button class="button danger">"Remove"</button></p>
            </form>
        </section>
    }
}

/// What the test found, and the choice of what becomes of it.
fn candidate(c: &Candidate, cx: &PageContext, now: UnixMs) -> impl IntoView + use<> {
    let t = &c.trial;
    let good = t.fault.is_none();
    let fact = |name: &'static str, text: Option<String>| text.map(|text| view! { <dt>{name}</dt><dd>{text}</dd> });
    let encrypted = t.latency_ms.map(|_| if t.tls { "with TLS" } else { "without TLS: what is read can be read on the way" }.to_owned());
    let version = t.version.clone().map(|v| if t.standby { format!("{v}, a standby") } else { v });
    let gap = |g: &Gap| {
        let without = g.without.join(", ");
        let remedy = g.remedy.clone().map(|sql| view! { <code>{sql}</code> });
        view! { <li>{remedy}<p>{g.because.clone()}</p><p class="muted">"Keeps away: "{without}</p></li> }
    };
    let missing = match (good, t.missing.is_empty()) {
        (false, _) => ().into_any(),
        (true, true) => view! { <p>"Nothing is missing; every panel and every control has what it needs."</p> }.into_any(),
        (true, false) => {
            let count = format::plural(t.missing.len(), "thing", "things");
            view! { <h3>{count}" missing, and what that keeps away"</h3><ul class="gaps">{t.missing.iter().map(gap).collect_view()}</ul> }
                .into_any()
        }
    };
    let sql = (!t.sql.is_empty()).then(|| {
        view! { <h3>"What a superuser of that server can run first"</h3><Code text=t.sql.join("\n") what="SQL"/> }
    });
    let fault = t.fault.clone().map(|why| view! { <p class="evidence-missing">"It can't be watched: "{why}"."</p> });
    let (anyway, words) = match (good, c.known) {
        (true, false) => ("", "Add it"),
        (true, true) => ("", "Change it"),
        (false, false) => ("1", "Add it all the same"),
        (false, true) => ("1", "Change it all the same"),
    };
    let not_yet = if c.known { "not changed yet" } else { "not registered yet" };
    view! {
        <section class="section candidate" id="candidate" aria-labelledby="candidate-title">
            <header class="section-head">
                <h2 id="candidate-title">"Tested: "<span class="mono">{c.name.to_string()}</span></h2>
                <p class="muted">"tested "<Age at=c.at now=now/>", kept for ten minutes, "{not_yet}</p>
            </header>
            {fault}
            <dl class="facts">
                {fact("Address", Some(c.address.clone()))}
                {fact("Environment", Some(c.environment.word().to_owned()))}
                {fact("Answers in", t.latency_ms.map(|ms| format::text(Some(ms), reeve_model::Unit::Milliseconds)))}
                {fact("Server", version)}
                {fact("Role", t.user.clone())}
                {fact("Connection", encrypted)}
                {fact("Pooler", t.pooled.clone())}
            </dl>
            {sql}
            <div class="do">
                <form method="post" action="/admin/registry/add">
                    <Csrf token=cx.csrf.clone()/>
                    <input type="hidden" name="anyway" value=anyway/>
                    <button class=if good { "button primary" } else { "button" }>{words}</button>
                </form>
                <form method="post" action="/admin/registry/discard">
                    <Csrf token=cx.csrf.clone()/>
                    <button class="button quiet">"Discard it"</button>
                </form>
            </div>
            {missing}
        </section>
    }
}

/// The form that tests one: a new one, or a registered one with what stands of it.
fn form(changed: Option<&RegistryRow>, cx: &PageContext) -> impl IntoView + use<> {
    let info = changed.map(|r| r.info.clone());
    let known = info.is_some();
    let title = info.as_ref().map_or_else(|| "Add a target".to_owned(), |info| format!("Change {}", info.name));
    let of = |read: &dyn Fn(&TargetInfo) -> Option<String>| info.as_ref().and_then(read);
    let name = match of(&|i| Some(i.name.to_string())) {
        Some(name) => view! { <input type="hidden" name="name" value=name/><input type="hidden" name="known" value="1"/> }.into_any(),
        None => view! { <Field label="Name" name="name" most=63 required=true autocomplete="off" hint="a-z, 0-9, - and _"/> }.into_any(),
    };
    let environment = of(&|i| Some(i.environment.word().to_owned())).unwrap_or_else(|| "prod".to_owned());
    let text = |read: &dyn Fn(&TargetInfo) -> Option<String>| of(read).unwrap_or_default();
    let (region, owner, tags) = (text(&|i| i.region.clone()), text(&|i| i.owner.clone()), text(&|i| Some(i.tags.join(", "))));
    let databases = changed.map(|r| r.databases.join(", ")).unwrap_or_default();
    let leave = known.then(|| view! { <a class="button quiet" href=Page::Registry(None).href()>"Leave it as it is"</a> });
    let environments = Environment::ALL.map(|e| (e.word().to_owned(), e.word().to_owned())).to_vec();
    let again = if typed_again("name") { "Type it again: it was not kept. " } else { "" };
    let stays = if known { "Empty: the stored one stays. " } else { "" };
    let hint =
        format!("{again}{stays}postgres://user:password@host:5432/database?sslmode=verify-full. It is sealed, and never shown again.");
    view! {
        <section class="section" id="add">
            <form class="form panel" method="post" action="/admin/registry/test" aria-labelledby="add-title">
                <Csrf token=cx.csrf.clone()/>
                <h2 id="add-title">{title}</h2>
                <p class="muted">"It is tested first: you see what is missing, what that costs, and the SQL that helps, before anything is changed."</p>
                <div class="fields">
                    {name}
                    <Choice label="Environment" name="environment" options=environments chosen=environment/>
                    <Field label="Region" name="region" value=region most=100 autocomplete="off" hint="Where it runs, like eu-central-1"/>
                    <Field label="Owner" name="owner" value=owner most=100 autocomplete="off" hint="Who answers for it"/>
                    <Field label="Tags" name="tags" value=tags most=500 autocomplete="off" hint="Words, with commas between them"/>
                    <Field label="Only these databases" name="databases" value=databases most=2000 autocomplete="off" hint="With commas between them; empty: all"/>
                </div>
                <Field label="Address" name="url" kind="password" most=4000 required=!known autocomplete="off" hint=hint/>
                <p class="form-end"><button class="button primary">"Test it"</button>{leave}<span class="muted">"Takes a few seconds; nothing is changed yet."</span></p>
            </form>
        </section>
    }
}
