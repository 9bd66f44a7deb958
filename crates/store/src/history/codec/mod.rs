//! How samples become bytes and bytes become the same samples, bit for bit. Pure: no I/O, no clock.
//!
//! Three kinds of bytes: a [`round`] (all series at one moment), a [`clock`] (the moments of an hour) and a [`chunk`]
//! (one series over the moments of a clock). See docs in each. Unused bits are zero and refused when they aren't, so that a
//! later form can use them.

mod bits;
pub mod chunk;
pub mod clock;
mod floats;
mod ints;
pub mod round;
mod varint;

/// Bytes that this program did not write, or that were damaged since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Stored history can't be read: {0}.")]
pub struct Damaged(&'static str);

impl Damaged {
    /// A chunk without the moments it stands for.
    pub(super) fn no_clock() -> Self {
        Self("its clock is missing")
    }

    /// A moment that isn't on its clock.
    pub(super) fn unknown_moment() -> Self {
        Self("a moment is not on its clock")
    }
}

/// Values that can't be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not a number that can be stored")]
pub struct NotFinite(pub NotFiniteKind);

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFiniteKind {
    /// Not a number.
    Nan,
    /// Infinite.
    Infinite,
}

impl std::fmt::Display for NotFiniteKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nan => "NaN",
            Self::Infinite => "infinity",
        })
    }
}

/// Refuses what is not finite.
///
/// # Errors
/// [`NotFinite`] for NaN and both infinities.
pub fn check(value: f64) -> Result<(), NotFinite> {
    if value.is_finite() { Ok(()) } else { Err(NotFinite(if value.is_nan() { NotFiniteKind::Nan } else { NotFiniteKind::Infinite })) }
}

/// The integer `value * scale`, if dividing it by `scale` gives back exactly `value`.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn exact(value: f64, scale: f64) -> Option<i64> {
    let scaled = (value * scale).round();
    // Beyond 2^63 the cast saturates; beyond 2^53 a scaled value can be off. The way back decides.
    let whole = scaled as i64;
    ((whole as f64 / scale).to_bits() == value.to_bits()).then_some(whole)
}

/// The way back from [`exact`].
#[allow(clippy::cast_precision_loss)]
fn inexact(whole: i64, scale: f64) -> f64 {
    whole as f64 / scale
}

#[cfg(test)]
mod tests;
