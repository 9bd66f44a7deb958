//! Charts, drawn on the server as SVG whose colours come from the style sheet.

mod backend;
mod lines;
mod metrics;
mod spark;

pub use lines::{draw, scale};
pub use spark::{Extent, SPARK_HEIGHT, SPARK_WIDTH, path as spark_path};

/// How far apart two points may stand before the line between them is left out: three times the usual step. A
/// gap in history is shown as a gap.
pub(crate) fn gap_ms(points: &[reeve_model::series::Point]) -> i64 {
    let mut steps: Vec<i64> = points.windows(2).map(|w| w[1].at.ms_since(w[0].at)).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).map_or(i64::MAX, |usual| (usual * 3).max(3000))
}

#[cfg(test)]
mod tests;
