//! Indexes, columns and keys, as the catalogue has them.

use super::TableData;
use crate::{
    components::{Code, Empty, EmptyKind, ReadingNote, StatusGlyph, table_href},
    format::{self, Scale},
};
use leptos::prelude::*;
use reeve_model::{
    Status, Unit, UnixMs,
    table::{Column, ForeignKey, IndexStats, TableDetail},
};

pub(super) fn indexes(d: &TableDetail) -> impl IntoView + use<> {
    let size = Scale::of(Unit::Bytes, d.indexes.iter().map(|i| i.bytes.map(|b| b as f64)));
    let definition = |name: &str| {
        let all = d.definition.value().map(|v| &v.index_definitions[..]).unwrap_or_default();
        all.iter().find(|(n, _)| n == name).map(|(_, sql)| sql.clone())
    };
    let row = |i: &IndexStats| {
        let double =
            d.indexes.iter().find(|o| o.oid != i.oid && o.signature == i.signature).map(|o| format!("does the same work as {}", o.name));
        let unused = (i.scans == 0 && !i.constraint && i.valid).then(|| "never used since statistics began".to_owned());
        let invalid = (!i.valid).then(|| "invalid: a failed build left it behind".to_owned());
        let words: Vec<_> = [invalid, double, unused].into_iter().flatten().collect();
        let kind = match (i.primary, i.unique, i.constraint) {
            (true, ..) => "primary key",
            (_, true, true) => "unique constraint",
            (_, true, _) => "unique",
            (.., true) => "constraint",
            _ => "",
        };
        let health = if words.is_empty() {
            view! { <span class="muted">"fine"</span> }.into_any()
        } else {
            view! { <span class="fault-words"><StatusGlyph status=Status::Degraded/>{words.join(", ")}</span> }.into_any()
        };
        view! {
            <tr>
                <th scope="row" class="mono">{i.name.clone()}</th>
                <td class="mono">{i.columns.join(", ")}</td>
                <td>{kind}</td>
                <td class="num">{size.whole(i.bytes)}</td>
                <td class="num">{format::whole(Some(i.scans))}</td>
                <td>{health}</td>
                <td class="sql">{definition(&i.name).map(|sql| view! { <details id=format!("sql-{}", i.oid)><summary>"SQL"</summary><Code text=sql what="definition"/></details> })}</td>
            </tr>
        }
    };
    let body = if d.indexes.is_empty() {
        view! { <Empty kind=EmptyKind::None title="No index">"Every read of this table scans all of it."</Empty> }.into_any()
    } else {
        view! {
            <div class="table-frame" tabindex="0"><table class="table">
                <thead><tr>
                    <th scope="col">"Index"</th><th scope="col">"Columns"</th><th scope="col">"Kind"</th>
                    <th scope="col" class="num">"Size " <span class="unit">{size.label}</span></th>
                    <th scope="col" class="num">"Scans"</th><th scope="col">"Health"</th><th scope="col">"Definition"</th>
                </tr></thead>
                <tbody>{d.indexes.iter().map(row).collect_view()}</tbody>
            </table></div>
        }
        .into_any()
    };
    view! { <section class="section" id="indexes"><header class="section-head"><h2>"Indexes"</h2></header>{body}</section> }
}

pub(super) fn columns(d: &TableDetail, now: UnixMs) -> impl IntoView + use<> {
    let row = |c: &Column| {
        view! {
            <tr>
                <th scope="row" class="mono">{c.name.clone()}</th>
                <td class="mono">{c.data_type.clone()}</td>
                <td>{if c.nullable { "may be null" } else { "not null" }}</td>
                <td class="mono">{c.default.clone()}</td>
                <td>{c.primary.then_some("primary key")}</td>
            </tr>
        }
    };
    let body = match (d.definition.value(), d.definition.why()) {
        (Some(definition), _) => view! {
            <div class="table-frame" tabindex="0"><table class="table">
                <thead><tr><th scope="col">"Column"</th><th scope="col">"Type"</th><th scope="col">"Null"</th><th scope="col">"Default"</th><th scope="col">"Key"</th></tr></thead>
                <tbody>{definition.columns.iter().map(row).collect_view()}</tbody>
            </table></div>
        }
        .into_any(),
        (None, Some(_)) => view! { <Empty kind=EmptyKind::Unreachable title="The catalogue could not be read">"The reason stands above; open the page again to try anew."</Empty> }.into_any(),
        (None, None) => view! { <Empty kind=EmptyKind::NothingYet title="Not read yet">"The catalogue is read when somebody looks."</Empty> }.into_any(),
    };
    view! {
        <section class="section" id="columns">
            <header class="section-head"><h2>"Columns"</h2><ReadingNote at=d.definition.at() fault=d.definition.fault.clone() now=now/></header>
            {body}
        </section>
    }
}

/// A name as SQL takes it, whatever is in it: always quoted, as reserved words must be too.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn keys(data: &TableData) -> impl IntoView + use<> {
    let d = &data.detail;
    let all = d.definition.value().map(|v| &v.foreign_keys[..]).unwrap_or_default();
    let row = |k: &ForeignKey| {
        let other = match k.other_table.split_once('.') {
            Some((schema, table)) => {
                let href = table_href(&data.target, &d.table.database, schema, table);
                view! { <a class="mono" href=href>{k.other_table.clone()}</a> }.into_any()
            }
            None => view! { <span class="mono">{k.other_table.clone()}</span> }.into_any(),
        };
        let (columns, referenced) = (k.columns.join(", "), k.referenced_columns.join(", "));
        let (here, there) = if k.outgoing { (columns, referenced) } else { (referenced, columns) };
        let index = if k.indexed {
            view! { <span class="muted">"indexed"</span> }.into_any()
        } else {
            let advice = k.outgoing.then(|| {
                let columns = k.columns.iter().map(|c| identifier(c)).collect::<Vec<_>>().join(", ");
                let sql =
                    format!("CREATE INDEX CONCURRENTLY ON {}.{} ({columns});", identifier(&d.table.schema), identifier(&d.table.table));
                view! { <details id=format!("fix-{}", k.name)><summary>"SQL"</summary><Code text=sql what="SQL"/></details> }
            });
            view! { <span class="fault-words"><StatusGlyph status=Status::Degraded/>"no index leads with these columns"</span>{advice} }
                .into_any()
        };
        view! {
            <tr>
                <td>{if k.outgoing { "references" } else { "referenced by" }}</td>
                <td>{other}</td>
                <td class="mono">{here}</td>
                <td class="mono">{there}</td>
                <th scope="row" class="mono">{k.name.clone()}</th>
                <td class="sql">{index}</td>
            </tr>
        }
    };
    let body = match d.definition.value() {
        None => ().into_any(),
        Some(_) if all.is_empty() => view! { <Empty kind=EmptyKind::None title="No foreign keys">"No table references this one and it references none."</Empty> }.into_any(),
        Some(_) => view! {
            <div class="table-frame" tabindex="0"><table class="table">
                <thead><tr>
                    <th scope="col">"Direction"</th><th scope="col">"Other table"</th><th scope="col">"Columns here"</th><th scope="col">"Columns there"</th>
                    <th scope="col">"Constraint"</th><th scope="col">"Index on the referencing side"</th>
                </tr></thead>
                <tbody>{all.iter().map(row).collect_view()}</tbody>
            </table></div>
        }
        .into_any(),
    };
    d.definition.value().is_some().then(|| {
        view! { <section class="section" id="keys"><header class="section-head"><h2>"Foreign keys"</h2></header>{body}</section> }
    })
}
