//! Reeve's own five roles and the pools behind them.

use super::in_use;
use crate::{
    components::{Age, Notice, StatusBadge},
    format::{self, Scale},
    live,
    live::key::{self, part as parts},
};
use leptos::prelude::*;
use reeve_model::{
    Status, Unit, UnixMs,
    pool::{Circuit, PoolFigures, PoolReport, RoleState},
};

pub(super) fn part(report: &PoolReport, now: UnixMs) -> impl IntoView + use<> {
    let warning = report.warning.clone().map(|w| view! { <Notice status=Status::Degraded now=now>{w}</Notice> });
    let rows = report.roles.iter().map(|r| row(r, report.pools.iter().find(|p| p.role == r.role), now)).collect_view();
    view! {
        <section class="section" id=parts::POOLS data-shape=live::pools_shape(report) aria-labelledby="pools">
            <header class="section-head">
                <h2 id="pools">"Reeve's own pools"</h2>
                <p class="muted">"Where Reeve keeps its state: five roles, each its own database or served by main."</p>
            </header>
            {warning}
            <div class="table-frame" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Role"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Served by"</th>
                            <th scope="col" class="num">"In use"</th>
                            <th scope="col" class="num">"Idle"</th>
                            <th scope="col" class="num">"Total"</th>
                            <th scope="col" class="num">"Max"</th>
                            <th scope="col" class="num">"Waiting"</th>
                            <th scope="col" class="num">"Acquire p50 " <span class="unit">"ms"</span></th>
                            <th scope="col" class="num">"p99 " <span class="unit">"ms"</span></th>
                            <th scope="col">"Circuit"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

fn status(role: &RoleState, pool: Option<&PoolFigures>) -> Status {
    match pool {
        _ if !role.answers => Status::Critical,
        _ if role.reduced.is_some() || (role.configured && role.served_by != role.role) => Status::Degraded,
        // Somebody waiting means that the pool is too small or its work too slow.
        Some(p) if p.circuit != Circuit::Closed || p.failing_since.is_some() || p.waiting > 0 => Status::Degraded,
        _ => Status::Healthy,
    }
}

fn row(role: &RoleState, pool: Option<&PoolFigures>, now: UnixMs) -> impl IntoView + use<> {
    let by = role.served_by.word();
    let trouble = role.reduced.clone().or_else(|| pool.and_then(|p| p.failure.clone()));
    let since = pool.and_then(|p| p.failing_since);
    // A role that nobody set up is neither healthy nor ill: whoever serves it has its own line.
    let state = match status(role, pool) {
        status if role.configured || status == Status::Critical => view! { <StatusBadge status=status/> }.into_any(),
        _ => view! { <span class="muted">"not set"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="mono">{role.role.word()}</th>
            <td>{state}</td>
            <td class="muted">{by}</td>
            {figures(role, pool)}
        </tr>
        {trouble.map(|sentence| view! {
            <tr class="row-words">
                <td colspan="11">
                    {sentence}
                    {since.map(|at| view! { " For " <Age at=at now=now span=true/> "." })}
                </td>
            </tr>
        })}
    }
}

fn figures(role: &RoleState, pool: Option<&PoolFigures>) -> AnyView {
    let Some(p) = pool else {
        let words = if role.configured {
            "opens with its first use".to_owned()
        } else {
            format!("no pool of its own; {} sets one up", role.role.variable())
        };
        return view! { <td colspan="8" class="muted">{words}</td> }.into_any();
    };
    let count =
        |column: &str, value: u32| view! { <td class="num" data-live=key::pool(p.role, column)>{format::whole(Some(value.into()))}</td> };
    let ms = Scale::of(Unit::Milliseconds, []);
    let time = |column: &str, value: Option<f64>| view! { <td class="num" data-live=key::pool(p.role, column)>{ms.show(value)}</td> };
    let circuit = match p.circuit {
        Circuit::Closed => "closed",
        Circuit::Open => "open: calls fail at once",
        Circuit::HalfOpen => "half open: one call is trying",
    };
    view! {
        {count("used", in_use(p))}
        {count("idle", p.idle)}
        {count("total", p.total)}
        <td class="num">{format::whole(Some(p.max.into()))}</td>
        {count("waiting", p.waiting)}
        {time("p50", p.acquire_p50_ms)}
        {time("p99", p.acquire_p99_ms)}
        <td>{circuit}</td>
    }
    .into_any()
}
