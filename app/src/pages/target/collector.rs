//! What reading a target costs it, probe by probe.

use super::parts::{cell, col, num, table};
use crate::{
    components::{Age, Empty, EmptyKind},
    format,
    pages::health::cost,
};
use leptos::prelude::*;
use reeve_model::{
    Status, TargetDetail, Unit, UnixMs,
    probe::{ProbeOutcome, ProbeRun},
};

pub(super) fn collector(detail: &TargetDetail, now: UnixMs) -> AnyView {
    let row = |p: &ProbeRun| {
        let (status, words) = match &p.outcome {
            ProbeOutcome::Ok => (Status::Healthy, String::new()),
            ProbeOutcome::Partial { sentence } => (Status::Degraded, sentence.clone()),
            ProbeOutcome::Failed { sentence } => (Status::Critical, sentence.clone()),
            ProbeOutcome::Unavailable { sentence } => (Status::Unknown, sentence.clone()),
        };
        let word = match status {
            Status::Healthy => "read",
            Status::Degraded => "partly read",
            Status::Critical => "failed",
            Status::Unknown => "not available",
        };
        view! {
            <tr>
                <th scope="row">{p.title.clone()}</th>
                <td class="mono">{p.database.clone()}</td>
                <td><span class="status" data-status=status.word()><i class="glyph" aria-hidden="true"></i><span>{word}</span></span></td>
                {cell(format::text(Some(p.wall_ms), Unit::Milliseconds))}
                {cell(format::text(p.server_ms, Unit::Milliseconds))}
                {cell(format::whole(i64::try_from(p.rows).ok()))}
                {cell(format::whole(i64::try_from(p.runs).ok()))}
                {cell(crate::age::span(p.every_ms))}
                <td class="num"><Age at=p.at now=now/></td>
                <td class="words">{words}</td>
            </tr>
        }
    };
    let head = view! {
        {col("Probe")}{col("Database")}{col("Newest run")}{num("Wall", "")}{num("Server", "")}{num("Rows", "")}{num("Runs", "")}{num("Every", "")}{num("Ran", "")}{col("What is missing")}
    };
    let body = if detail.probes.is_empty() {
        view! { <Empty kind=EmptyKind::NothingYet title="No probe ran yet">"The first round is on the way."</Empty> }.into_any()
    } else {
        table(head, detail.probes.iter().map(row).collect_view())
    };
    let pooled = detail.pooled.then(|| {
        view! {
            <p class="muted">
                "It is read through a connection pooler, one transaction at a time and with all limits in force. Backups and restores need the server's own address ("<code>"backup_url_file"</code>")."
            </p>
        }
    });
    view! {
        <section class="section compact" id="collector">
            <header class="section-head"><h2>"Collector"</h2>{cost(&detail.probes).map(|cost| view! { <p class="muted">{format!("Reading this target costs {cost}.")}</p> })}</header>
            {pooled}
            {body}
        </section>
    }
    .into_any()
}
