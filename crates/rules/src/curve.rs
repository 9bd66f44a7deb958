//! Piecewise-linear penalties: no steps, so a score never jumps when a value creeps over a line.

/// Breakpoints (value, penalty) with rising values; flat before the first and after the last.
#[derive(Debug, Clone, Copy)]
pub struct Curve(pub &'static [(f64, f64)]);

impl Curve {
    /// The penalty for a value, 0 to 100.
    #[must_use]
    pub fn at(self, value: f64) -> f64 {
        let points = self.0;
        let Some(&(first_value, first_penalty)) = points.first() else { return 0.0 };
        if value <= first_value {
            return first_penalty;
        }
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            if value <= x1 {
                return y0 + (y1 - y0) * (value - x0) / (x1 - x0);
            }
        }
        points.last().map_or(0.0, |&(_, penalty)| penalty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b1_a_curve_is_flat_outside_and_straight_between() {
        let curve = Curve(&[(10.0, 0.0), (20.0, 50.0), (30.0, 100.0)]);
        for (value, penalty) in [(-1.0, 0.0), (10.0, 0.0), (15.0, 25.0), (20.0, 50.0), (29.0, 95.0), (1e12, 100.0)] {
            assert!((curve.at(value) - penalty).abs() < 1e-9, "{value}");
        }
    }
}
