//! A line chart: one unit, one scale, time to the right.

use super::{
    backend::{Role, Svg, escape, role},
    gap_ms,
};
use crate::format;
use plotters::{
    prelude::{AreaSeries, ChartBuilder, IntoDrawingArea, IntoFont, LineSeries},
    style::{Color, TextStyle},
};
use reeve_model::{UnixMs, health::Chart, series::Point};

const WIDTH: u32 = 560;
const HEIGHT: u32 = 168;
const FONT: i32 = 11;

/// The chart as an `<svg>` with title and description; none when there is nothing to draw yet.
#[must_use]
pub fn draw(chart: &Chart) -> Option<String> {
    let points = || chart.lines.iter().flat_map(|l| &l.points).filter(|p| p.value.is_finite());
    let (from, to) = (points().map(|p| p.at.0).min()?, points().map(|p| p.at.0).max()?);
    if from == to {
        return None;
    }
    let low = points().map(|p| p.value).fold(0.0_f64, f64::min);
    let high = points().map(|p| p.value).fold(0.0_f64, f64::max);
    let (low, high) = if high > low { (low, high + (high - low) * 0.06) } else { (0.0, 1.0) };
    let high = if chart.unit == reeve_model::Unit::Ratio { high.min(1.0).max(0.01) } else { high };

    let mut body = String::new();
    // A chart that can't be laid out is left out; its table of values still stands on the page.
    plot(chart, (from, to), (low, high), &mut body).ok()?;
    let summary = escape(&describe(chart));
    let (id, title) = (escape(&chart.id), escape(&chart.title));
    Some(format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="c-{id}-t c-{id}-d"><title id="c-{id}-t">{title}</title><desc id="c-{id}-d">{summary}</desc>{body}</svg>"#
    ))
}

fn plot(chart: &Chart, (from, to): (i64, i64), (low, high): (f64, f64), body: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let root = Svg::new(body, WIDTH, HEIGHT).into_drawing_area();
    let text: TextStyle<'_> = ("sans-serif", FONT).into_font().color(&role(Role::Text));
    let widest = [low, high].map(|v| super::metrics::width(&format::text(Some(v), chart.unit), f64::from(FONT)));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let left = (widest[0].max(widest[1]) + 14.0).clamp(36.0, 90.0) as u32;
    let mut area = ChartBuilder::on(&root)
        .margin_top(8)
        .margin_right(14)
        .x_label_area_size(20)
        .y_label_area_size(left)
        .build_cartesian_2d(from..to, low..high)
        .map_err(|e| e.to_string())?;
    area.configure_mesh()
        .disable_x_mesh()
        .x_labels(6)
        .y_labels(4)
        .bold_line_style(role(Role::Grid))
        .light_line_style(role(Role::Grid).mix(0.0))
        .axis_style(role(Role::Axis))
        .x_label_formatter(&|ms| format::clock(UnixMs(*ms)))
        .y_label_formatter(&|v| format::text(Some(*v), chart.unit))
        .label_style(text)
        .draw()
        .map_err(|e| e.to_string())?;
    let alone = chart.lines.len() == 1;
    for (n, line) in (0u8..6).cycle().zip(&chart.lines) {
        for run in runs(&line.points) {
            let at = || run.iter().map(|p| (p.at.0, p.value));
            if alone {
                area.draw_series(AreaSeries::new(at(), 0.0_f64.max(low), role(Role::Area(n)))).map_err(|e| e.to_string())?;
            }
            area.draw_series(LineSeries::new(at(), role(Role::Line(n)).stroke_width(2))).map_err(|e| e.to_string())?;
        }
    }
    root.present().map_err(|e| e.to_string())?;
    Ok(())
}

/// The points in runs without gaps.
fn runs(points: &[Point]) -> Vec<&[Point]> {
    let gap = gap_ms(points);
    points.chunk_by(|a, b| b.at.ms_since(a.at) <= gap && a.value.is_finite() && b.value.is_finite()).collect()
}

/// The chart in words: the newest, lowest and highest value of each line.
fn describe(chart: &Chart) -> String {
    let line = |l: &reeve_model::series::Trend| {
        let values = || l.points.iter().map(|p| p.value).filter(|v| v.is_finite());
        let show = |v: Option<f64>| format::text(v, chart.unit);
        format!(
            "{}: now {}, lowest {}, highest {}.",
            l.title,
            show(values().last()),
            show(values().reduce(f64::min)),
            show(values().reduce(f64::max))
        )
    };
    chart.lines.iter().map(line).collect::<Vec<_>>().join(" ")
}
