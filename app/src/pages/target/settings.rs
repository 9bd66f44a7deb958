//! A target's settings: first those that somebody chose or that wait, the defaults behind them.

use super::parts::{col, section, table};
use leptos::prelude::*;
use reeve_model::{TargetDetail, UnixMs, snapshot::Setting};

pub(super) fn settings(detail: &TargetDetail, now: UnixMs) -> AnyView {
    let reasons = &detail.summary.verdict.reasons;
    let named = |s: &Setting| reasons.iter().any(|r| r.sentence.contains(&s.name) || r.next.contains(&s.name));
    section("settings", "Settings", &detail.settings, now, |list| {
        let (first, rest): (Vec<&Setting>, Vec<&Setting>) =
            list.iter().partition(|s| s.pending_restart || s.source != "default" || named(s));
        let behind = (!rest.is_empty()).then(|| {
            let count = if first.is_empty() {
                format!("All {} at their defaults", rest.len())
            } else {
                format!("{} more at their defaults", rest.len())
            };
            view! { <details class="more" id="settings-defaults"><summary>{count}</summary>{grid(&rest)}</details> }
        });
        view! { {(!first.is_empty()).then(|| grid(&first))}{behind} }.into_any()
    })
}

/// Two tables side by side: names and values are short.
fn grid(list: &[&Setting]) -> impl IntoView + use<> {
    let row = |s: &&Setting| {
        let raw = s.unit.as_ref().map(|u| format!("{} × {u}", s.value));
        view! {
            <tr>
                <th scope="row" class="mono">{s.name.clone()}</th>
                <td class="mono" title=raw>{shown(s)}</td>
                <td>{s.source.clone()}{s.pending_restart.then(|| view! { <span class="mark-word locked">"waits for a restart"</span> })}</td>
            </tr>
        }
    };
    let half = |part: &[&Setting]| table(view! { {col("Setting")}{col("Value")}{col("Source")} }, part.iter().map(row).collect_view());
    let (left, right) = list.split_at(list.len().div_ceil(2));
    view! { <div class="halves compact">{half(left)}{(!right.is_empty()).then(|| half(right))}</div> }
}

/// A value in the largest unit that it fills exactly, as `SHOW` writes it: `524288` of `8kB` is `4 GB`.
fn shown(s: &Setting) -> String {
    const BYTES: [(&str, i64); 5] = [("B", 1), ("kB", 1 << 10), ("MB", 1 << 20), ("GB", 1 << 30), ("TB", 1 << 40)];
    const TIME: [(&str, i64); 6] =
        [("us", 1), ("ms", 1000), ("s", 1_000_000), ("min", 60_000_000), ("h", 3_600_000_000), ("d", 86_400_000_000)];
    let (Some(unit), Ok(value)) = (s.unit.as_deref(), s.value.parse::<i64>()) else { return s.value.clone() };
    // Zero and negative values are switches, and mean no length or size.
    if value <= 0 {
        return s.value.clone();
    }
    let digits = unit.len() - unit.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (times, name) = unit.split_at(digits);
    let times = times.parse::<i64>().unwrap_or(1);
    for scale in [&BYTES[..], &TIME[..]] {
        let Some(size) = scale.iter().find(|(n, _)| *n == name).map(|(_, size)| *size) else { continue };
        let Some(whole) = value.checked_mul(times).and_then(|v| v.checked_mul(size)) else { break };
        if let Some((n, size)) = scale.iter().rev().find(|(_, size)| whole % size == 0) {
            return format!("{}\u{a0}{n}", whole / size);
        }
    }
    format!("{value} × {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_shown_in_the_largest_unit_it_fills() {
        let show = |value: &str, unit: &str| {
            let unit = (!unit.is_empty()).then(|| unit.to_owned());
            shown(&Setting { name: String::new(), value: value.into(), unit, source: String::new(), pending_restart: false })
        };
        for (value, unit, text) in [
            ("524288", "8kB", "4\u{a0}GB"),
            ("65536", "kB", "64\u{a0}MB"),
            ("1023", "8kB", "8184\u{a0}kB"),
            ("300", "s", "5\u{a0}min"),
            ("90", "s", "90\u{a0}s"),
            ("-1", "MB", "-1"),
            ("0", "ms", "0"),
            ("0.2", "", "0.2"),
            ("on", "", "on"),
            ("7", "turns", "7 × turns"),
        ] {
            assert_eq!(show(value, unit), text);
        }
    }
}
