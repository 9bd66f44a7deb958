//! How figures are written: the only place. Renders and live frames both come through here, so a figure reads
//! alike before and after it moves. What is not known is [`UNKNOWN`], never 0.
//!
//! Rules: three significant digits; a value that is not zero is never written as zero; a value that rounds up to
//! the next unit is written in it (never `1024 KB`); a share below 1 is never written as 100 %; no `-0`. Bytes
//! count in steps of 1024, as PostgreSQL does.

mod scale;
mod when;

pub use scale::Scale;
pub use when::{clock, from_local, iso, local, minutes, moment, stamp};

use reeve_model::Unit;

/// Shown for what is not known.
pub const UNKNOWN: &str = "—";

/// A number and its unit, apart, because pages set them apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The number, or [`UNKNOWN`].
    pub text: String,
    /// The unit; empty for plain counts and for what is unknown.
    pub unit: &'static str,
}

impl Shown {
    fn new(text: impl Into<String>, unit: &'static str) -> Self {
        Self { text: text.into(), unit }
    }

    /// Number and unit in one text.
    #[must_use]
    pub fn joined(&self) -> String {
        if self.unit.is_empty() { self.text.clone() } else { format!("{}\u{a0}{}", self.text, self.unit) }
    }
}

/// One figure on its own, in the unit that fits it.
#[must_use]
pub fn figure(value: Option<f64>, unit: Unit) -> Shown {
    let Some(v) = value.filter(|v| v.is_finite()) else { return Shown::new(UNKNOWN, "") };
    match unit {
        Unit::Bytes => bytes(v),
        Unit::BytesPerSecond => {
            let Shown { text, unit } = bytes(v);
            Shown::new(text, per_second(unit))
        }
        Unit::Count | Unit::Transactions => count(v),
        Unit::PerSecond => Shown::new(three_digits(v), "/s"),
        Unit::Milliseconds => milliseconds(v),
        Unit::Seconds => seconds(v),
        Unit::Ratio => Shown::new(percent_digits(v), "%"),
    }
}

/// Number and unit of [`figure`] in one text.
#[must_use]
pub fn text(value: Option<f64>, unit: Unit) -> String {
    figure(value, unit).joined()
}

/// A whole number with its thousands set apart: `1,234,567`; unknown is a dash.
#[must_use]
pub fn whole(value: Option<i64>) -> String {
    value.map_or_else(|| UNKNOWN.into(), |v| grouped(v.unsigned_abs().to_string(), v < 0))
}

/// Bytes in the unit that fits: `8.00 KB`.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn size(value: Option<i64>) -> String {
    text(value.map(|v| v as f64), Unit::Bytes)
}

/// A difference in bytes with its sign: `+1.50 MB`, `−8.00 KB`, `0 B`.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn growth(value: Option<i64>) -> String {
    match value {
        Some(v) if v > 0 => format!("+{}", size(Some(v))),
        other => size(other),
    }
}

/// A length of time in seconds, in the units that fit.
#[must_use]
pub fn length(value: Option<f64>) -> String {
    text(value, Unit::Seconds)
}

/// The length of a window of time, in whole units: `58 s`, `4 min`, `2 h 05 min`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn window(seconds: f64) -> String {
    crate::age::span((seconds.clamp(0.0, 9e12) * 1000.0).round() as i64)
}

/// `1 table`, `2 tables`.
#[must_use]
pub fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", whole(i64::try_from(n).ok()), if n == 1 { one } else { many })
}

pub(crate) const BYTE_UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];

pub(crate) fn per_second(unit: &'static str) -> &'static str {
    match unit {
        "B" => "B/s",
        "KB" => "KB/s",
        "MB" => "MB/s",
        "GB" => "GB/s",
        "TB" => "TB/s",
        "PB" => "PB/s",
        other => other,
    }
}

fn bytes(v: f64) -> Shown {
    let mut scaled = v.abs();
    for (i, unit) in BYTE_UNITS.iter().enumerate() {
        let last = i + 1 == BYTE_UNITS.len();
        let rounded = if i == 0 { scaled.round() } else { round_three(scaled) };
        if rounded < 1024.0 || last {
            let digits = if i == 0 { format!("{rounded:.0}") } else { digits_of(scaled) };
            return Shown::new(signed(digits, v), unit);
        }
        scaled /= 1024.0;
    }
    Shown::new(UNKNOWN, "")
}

fn count(v: f64) -> Shown {
    let whole = v.abs().round();
    let (scaled, unit) = match whole {
        w if w < 1e7 => return Shown::new(signed(grouped(format!("{w:.0}"), false), v), ""),
        w if round_three(w / 1e6) < 1000.0 => (w / 1e6, "M"),
        w if round_three(w / 1e9) < 1000.0 => (w / 1e9, "G"),
        w => (w / 1e12, "T"),
    };
    Shown::new(signed(digits_of(scaled), v), unit)
}

fn milliseconds(v: f64) -> Shown {
    if round_three(v.abs()) < 1000.0 { Shown::new(three_digits(v), "ms") } else { seconds(v / 1000.0) }
}

#[allow(clippy::cast_possible_truncation)]
fn seconds(v: f64) -> Shown {
    if round_three(v.abs()) < 120.0 {
        Shown::new(three_digits(v), "s")
    } else {
        let span = crate::age::span((v.abs().min(9e15) * 1000.0) as i64);
        Shown::new(if v < 0.0 { format!("\u{2212}{span}") } else { span }, "")
    }
}

/// A share of 0 to 1 as per cent with one decimal.
pub(crate) fn percent_digits(v: f64) -> String {
    let percent = v * 100.0;
    let rounded = (percent * 10.0).round() / 10.0;
    if percent > 0.0 && rounded == 0.0 {
        "<0.1".into()
    } else if percent < 100.0 && rounded >= 100.0 {
        "99.9".into()
    } else {
        signed(format!("{:.1}", rounded.abs()), rounded)
    }
}

/// Three significant digits, no fewer than none after the point; small values as `<0.01`.
pub(crate) fn three_digits(v: f64) -> String {
    let a = v.abs();
    if a > 0.0 && a < 0.005 { if v < 0.0 { ">\u{2212}0.01".into() } else { "<0.01".into() } } else { signed(digits_of(a), v) }
}

fn digits_of(a: f64) -> String {
    if a == 0.0 {
        "0".into()
    } else if (a * 100.0).round() < 1000.0 {
        format!("{a:.2}")
    } else if (a * 10.0).round() < 1000.0 {
        format!("{a:.1}")
    } else {
        grouped(format!("{a:.0}"), false)
    }
}

/// The value that [`digits_of`] shows.
fn round_three(a: f64) -> f64 {
    if (a * 100.0).round() < 1000.0 {
        (a * 100.0).round() / 100.0
    } else if (a * 10.0).round() < 1000.0 {
        (a * 10.0).round() / 10.0
    } else {
        a.round()
    }
}

/// Puts a true minus before digits that are not all zero.
pub(crate) fn signed(digits: String, v: f64) -> String {
    if v < 0.0 && digits.bytes().any(|b| (b'1'..=b'9').contains(&b)) { format!("\u{2212}{digits}") } else { digits }
}

/// Sets the thousands of plain digits apart.
pub(crate) fn grouped(digits: String, negative: bool) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 3);
    if negative {
        out.push('\u{2212}');
    }
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests;
