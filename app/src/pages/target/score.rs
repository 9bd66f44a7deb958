//! The score's arithmetic, so that a person can check it.

use crate::{format, live};
use leptos::prelude::*;
use reeve_model::{CategoryScore, Unit, Verdict};

pub(super) fn arithmetic(v: &Verdict) -> impl IntoView + use<> {
    let measured: f64 = v.categories.iter().filter(|c| c.score.is_some()).map(|c| c.weight).sum();
    let points = |c: &CategoryScore| c.score.filter(|_| measured > 0.0).map(|s| s * c.weight / measured);
    let weighted: f64 = v.categories.iter().filter_map(points).sum();
    let one = |value: Option<f64>| value.map_or_else(|| format::UNKNOWN.to_owned(), |v| format!("{v:.1}"));
    let row = |c: &CategoryScore| {
        view! {
            <tr data-stale=c.score.is_none().to_string()>
                <th scope="row">{c.title.clone()}</th>
                <td class="num">{format::figure(Some(c.weight), Unit::Ratio).text}</td>
                <td class="num">{one(c.score)}</td>
                <td class="num">{one(points(c))}</td>
                <td>{c.detail.clone()}</td>
            </tr>
        }
    };
    let sum = (measured > 0.0).then(|| format!("{weighted:.1}"));
    view! {
        <section class="section" id="score">
            <header class="section-head">
                <h2>"Score"</h2>
                <p class="muted">{format!("Formula {}. What could not be measured is left out, and its weight goes to the rest; {} was measured.", v.formula, live::measured(v))}</p>
            </header>
            <div class="table-frame" tabindex="0">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Category"</th>
                            <th scope="col" class="num">"Weight " <span class="unit">"%"</span></th>
                            <th scope="col" class="num">"Score " <span class="unit">"of 100"</span></th>
                            <th scope="col" class="num">"Points"</th>
                            <th scope="col">"What was read"</th>
                        </tr>
                    </thead>
                    <tbody>{v.categories.iter().map(row).collect_view()}</tbody>
                    <tfoot>
                        <tr><th scope="row">"Sum"</th><td></td><td></td><td class="num">{sum.unwrap_or_else(|| format::UNKNOWN.into())}</td><td></td></tr>
                        {v.cap.clone().map(|cap| view! {
                            <tr><th scope="row">"Capped"</th><td></td><td></td><td class="num">{one(v.score)}</td><td>{cap}</td></tr>
                        })}
                    </tfoot>
                </table>
            </div>
        </section>
    }
}
