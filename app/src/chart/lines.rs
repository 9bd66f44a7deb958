//! A line chart: one unit, one scale, time to the right.

use super::{
    backend::{Role, Svg, escape, role},
    gap_ms,
};
use crate::format::{self, Scale};
use plotters::{
    coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter},
    prelude::{AreaSeries, ChartBuilder, IntoDrawingArea, IntoFont, LineSeries},
    style::{Color, TextStyle},
};
use reeve_model::{UnixMs, health::Chart, series::Point};
use std::ops::Range;

const WIDTH: u32 = 360;
const HEIGHT: u32 = 144;
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
    let high = if high > low { high + (high - low) * 0.06 } else { low + 1.0 };
    let high = if chart.unit == reeve_model::Unit::Ratio { high.clamp(0.01, 1.0) } else { high };
    let scale = scale(chart);

    let mut body = String::new();
    // A chart that can't be laid out is left out; its table of values still stands on the page.
    plot(chart, scale, from..to, (low, high), &mut body).ok()?;
    let summary = escape(&describe(chart));
    let (id, title) = (escape(&chart.id), escape(&chart.title));
    Some(format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="c-{id}-t c-{id}-d"><title id="c-{id}-t">{title}</title><desc id="c-{id}-d">{summary}</desc>{body}</svg>"#
    ))
}

/// The unit of the y axis; the chart's title carries its label.
#[must_use]
pub fn scale(chart: &Chart) -> Scale {
    Scale::of(chart.unit, chart.lines.iter().flat_map(|l| &l.points).map(|p| Some(p.value)))
}

/// Time to the right, with ticks at round minutes and hours.
struct TimeAxis(Range<i64>);

impl Ranged for TimeAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = i64;

    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    fn map(&self, value: &i64, limit: (i32, i32)) -> i32 {
        let share = (value - self.0.start) as f64 / (self.0.end - self.0.start).max(1) as f64;
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<H: KeyPointHint>(&self, hint: H) -> Vec<i64> {
        const MINUTE: i64 = 60_000;
        let most = i64::try_from(hint.max_num_points().max(1)).unwrap_or(6);
        let steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map(|m| m * MINUTE);
        let span = self.0.end - self.0.start;
        let step = steps.into_iter().find(|s| span / s <= most).unwrap_or(span.max(MINUTE));
        let first = (self.0.start + step - 1).div_euclid(step) * step;
        (0..=most).map(|n| first + n * step).take_while(|at| *at <= self.0.end).collect()
    }

    fn range(&self) -> Range<i64> {
        self.0.clone()
    }
}

impl ValueFormatter<i64> for TimeAxis {
    fn format(at: &i64) -> String {
        format::clock(UnixMs(*at))
    }
}

fn plot(
    chart: &Chart,
    scale: Scale,
    time: Range<i64>,
    (low, high): (f64, f64),
    body: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let root = Svg::new(body, WIDTH, HEIGHT).into_drawing_area();
    let text: TextStyle<'_> = ("sans-serif", FONT).into_font().color(&role(Role::Text));
    let (low, high) = (scale.plain(low), scale.plain(high));
    let widest = super::metrics::width(&Scale::tick(high * 0.987), f64::from(FONT));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let left = (widest + 16.0).clamp(32.0, 90.0) as u32;
    let mut area = ChartBuilder::on(&root)
        .margin_top(8)
        .margin_right(18)
        .x_label_area_size(20)
        .y_label_area_size(left)
        .build_cartesian_2d(TimeAxis(time), low..high)
        .map_err(|e| e.to_string())?;
    area.configure_mesh()
        .disable_x_mesh()
        .x_labels(7)
        .y_labels(4)
        .bold_line_style(role(Role::Grid))
        .light_line_style(role(Role::Grid).mix(0.0))
        .axis_style(role(Role::Axis))
        .y_label_formatter(&|v| Scale::tick(*v))
        .label_style(text)
        .draw()
        .map_err(|e| e.to_string())?;
    let alone = chart.lines.len() == 1;
    for (n, line) in (0u8..6).cycle().zip(&chart.lines) {
        for run in runs(&line.points) {
            let at = || run.iter().map(|p| (p.at.0, scale.plain(p.value)));
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
            show(values().next_back()),
            show(values().reduce(f64::min)),
            show(values().reduce(f64::max))
        )
    };
    chart.lines.iter().map(line).collect::<Vec<_>>().join(" ")
}
