//! One unit for a whole column, so that its header can carry it and the digits line up.

use super::{BYTE_UNITS, UNKNOWN, figure, grouped, per_second, percent_digits, signed};
use reeve_model::Unit;

/// The unit of a column and how many decimals its numbers have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    unit: Unit,
    /// What values are divided by.
    by: f64,
    decimals: usize,
    /// The unit's name for the header; empty for plain counts and lengths of time that carry their own.
    pub label: &'static str,
}

impl Scale {
    /// The scale that shows the largest of `values` in three or four digits.
    pub fn of(unit: Unit, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let top = values.into_iter().flatten().filter(|v| v.is_finite()).fold(0.0_f64, |a, v| a.max(v.abs()));
        let (by, decimals, label) = match unit {
            Unit::Bytes | Unit::BytesPerSecond => {
                let (by, label) = byte_unit(top);
                let decimals = if by == 1.0 {
                    0
                } else if top / by < 100.0 {
                    2
                } else {
                    1
                };
                (by, decimals, if unit == Unit::Bytes { label } else { per_second(label) })
            }
            Unit::Milliseconds if top >= 10_000.0 => (1000.0, 2, "s"),
            Unit::Milliseconds => (1.0, if top < 100.0 { 2 } else { 1 }, "ms"),
            Unit::PerSecond => (
                1.0,
                if top < 10.0 {
                    2
                } else if top < 1000.0 {
                    1
                } else {
                    0
                },
                "/s",
            ),
            Unit::Ratio => (1.0, 1, "%"),
            Unit::Count | Unit::Transactions => (1.0, 0, ""),
            Unit::Seconds if top < 120.0 => (1.0, if top < 10.0 { 2 } else { 1 }, "s"),
            Unit::Seconds => (1.0, 0, ""),
        };
        Self { unit, by, decimals, label }
    }

    /// The same with no more digits than a difference deserves: sizes change in whole pages, so bytes and
    /// kilobytes stay whole and larger units have one decimal.
    pub fn calm(unit: Unit, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let scale = Self::of(unit, values);
        if !matches!(unit, Unit::Bytes | Unit::BytesPerSecond) {
            return scale;
        }
        Self { decimals: usize::from(scale.by > 1024.0), ..scale }
    }

    /// A value of the column, without unit.
    #[must_use]
    pub fn show(&self, value: Option<f64>) -> String {
        let Some(v) = value.filter(|v| v.is_finite()) else { return UNKNOWN.into() };
        match self.unit {
            Unit::Ratio => percent_digits(v),
            Unit::Transactions | Unit::Seconds if self.label.is_empty() => figure(value, self.unit).joined(),
            _ => {
                let scaled = v.abs() / self.by;
                let digits = format!("{scaled:.*}", self.decimals);
                if v != 0.0 && !digits.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
                    return match self.decimals {
                        0 => "<1".into(),
                        1 => "<0.1".into(),
                        _ => "<0.01".into(),
                    };
                }
                let (whole, rest) = digits.split_once('.').map_or((digits.as_str(), None), |(w, r)| (w, Some(r)));
                let whole = grouped(whole.into(), false);
                signed(rest.map_or(whole.clone(), |r| format!("{whole}.{r}")), v)
            }
        }
    }

    /// A value in the column's unit as a plain number, for an axis.
    #[must_use]
    pub fn plain(&self, value: f64) -> f64 {
        if self.unit == Unit::Ratio { value * 100.0 } else { value / self.by }
    }

    /// A tick of an axis in the column's unit: as few digits as it needs.
    #[must_use]
    pub fn tick(v: f64) -> String {
        let digits = format!("{:.2}", v.abs());
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        let (whole, rest) = digits.split_once('.').map_or((digits, None), |(w, r)| (w, Some(r)));
        let whole = grouped(whole.into(), false);
        signed(rest.map_or(whole.clone(), |r| format!("{whole}.{r}")), v)
    }

    /// The same for whole numbers.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn whole(&self, value: Option<i64>) -> String {
        self.show(value.map(|v| v as f64))
    }

    /// A difference with its sign; zero has none.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn change(&self, value: Option<i64>) -> String {
        match value {
            Some(0) => "0".into(),
            Some(v) if v > 0 => match self.show(Some(v as f64)) {
                small if small.starts_with('<') => small,
                text => format!("+{text}"),
            },
            other => self.whole(other),
        }
    }
}

fn byte_unit(top: f64) -> (f64, &'static str) {
    let mut by = 1.0;
    for (i, unit) in BYTE_UNITS.iter().enumerate() {
        // 999 rather than 1024, so that a column never shows four digits before the point.
        if top / by < 999.5 || i + 1 == BYTE_UNITS.len() {
            return (by, unit);
        }
        by *= 1024.0;
    }
    (by, BYTE_UNITS[BYTE_UNITS.len() - 1])
}
