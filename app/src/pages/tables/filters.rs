//! The filters: a form that gets this page, the schemas as links, and what is set as chips that can be taken off.

use super::TablesData;
use crate::{format, route::TablesView};
use leptos::prelude::*;
use reeve_model::table::{IndexFault, TableSort};

pub(super) fn form(data: &TablesData) -> impl IntoView + use<> {
    let q = &data.view.query;
    let action = crate::route::Page::Tables(data.target.clone(), Box::default()).href();
    let option = |value: &str, label: String, chosen: bool| view! { <option value=value.to_owned() selected=chosen>{label}</option> };
    let databases = data.page.databases.iter().map(|d| option(d, d.clone(), q.database.as_ref() == Some(d))).collect_view();
    let mut names: Vec<&String> = data.page.schemas.iter().map(|s| &s.schema).collect();
    names.sort_unstable();
    names.dedup();
    // A schema that the address names stays chosen even when it is gone.
    if let Some(chosen) = &q.schema
        && !names.contains(&chosen)
    {
        names.push(chosen);
    }
    let schemas = names.into_iter().map(|s| option(s, s.clone(), q.schema.as_ref() == Some(s))).collect_view();
    let faults = IndexFault::ALL.map(|f| option(f.word(), f.title().into(), q.fault == Some(f))).into_iter().collect_view();
    // One database needs no choice, unless the address has made one.
    let several = data.several() || q.database.is_some();
    view! {
        <form class="filters" method="get" action=action role="search">
            <input type="search" name="search" value=q.search.clone() placeholder="schema.table" aria-label="Part of schema.table" data-search=""
                autocomplete="off" spellcheck="false"/>
            {several.then(|| view! {
                <select name="database" aria-label="Database"><option value="">"Any database"</option>{databases}</select>
            })}
            <select name="schema" aria-label="Schema"><option value="">"Any schema"</option>{schemas}</select>
            <select name="fault" aria-label="Fault"><option value="">"Any health"</option>{faults}</select>
            <label class="check"><input type="checkbox" name="group" value="schema" checked=data.view.by_schema/>"Group by schema"</label>
            {(q.sort != TableSort::default()).then(|| view! { <input type="hidden" name="sort" value=q.sort.word()/> })}
            {q.reverse.then(|| view! { <input type="hidden" name="reverse" value="1"/> })}
            {(q.limit != 0).then(|| view! { <input type="hidden" name="limit" value=q.limit/> })}
            <button class="button">"Apply"</button>
        </form>
    }
}

pub(super) fn chips(data: &TablesData) -> impl IntoView + use<> {
    let q = &data.view.query;
    let off = |label: String, change: fn(&mut TablesView)| {
        let href = data.href(data.view.with(change));
        view! { <a class="chip" href=href><span class="visually-hidden">"Take off the filter "</span>{label}<span aria-hidden="true">" ×"</span></a> }
    };
    let set = [
        q.search.as_ref().map(|s| off(format!("name holds “{s}”"), |v| v.query.search = None)),
        q.database.as_ref().map(|d| off(format!("database {d}"), |v| v.query.database = None)),
        q.schema.as_ref().map(|s| off(format!("schema {s}"), |v| v.query.schema = None)),
        q.fault.map(|f| off(f.title().into(), |v| v.query.fault = None)),
    ];
    let filtered = data.view.filtered();
    let matching = if filtered {
        format!("{} of {}", format::whole(Some(data.page.matching.into())), format::plural(data.page.total as usize, "table", "tables"))
    } else {
        format::plural(data.page.total as usize, "table", "tables")
    };
    let several = data.several();
    let schema = |s: &reeve_model::table::SchemaGroup| {
        let chosen = q.schema.as_ref() == Some(&s.schema) && (!several || q.database.is_none() || q.database.as_ref() == Some(&s.database));
        let (database, name) = (s.database.clone(), s.schema.clone());
        let href = data.href(data.view.with(|v| {
            if chosen {
                v.query.schema = None;
            } else {
                v.query.schema = Some(name);
                if several {
                    v.query.database = Some(database);
                }
            }
        }));
        let hint = format!(
            "{}, {} rows, {} with faults",
            format::size(Some(s.bytes)),
            format::text(Some(s.rows), reeve_model::Unit::Count),
            s.faulty
        );
        let label = if several { format!("{}.{}", s.database, s.schema) } else { s.schema.clone() };
        view! { <a href=href title=hint aria-current=chosen.then_some("true")>{label}<b>{format::whole(Some(s.tables.into()))}</b></a> }
    };
    view! {
        <div class="chips">
            <span class="chips-count">{matching}</span>
            {set.into_iter().flatten().collect_view()}
            <nav class="schemas" aria-label="Schemas">{data.page.schemas.iter().take(24).map(schema).collect_view()}</nav>
        </div>
    }
}
