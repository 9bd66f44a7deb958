//! All series of one topic at one moment.
//!
//! The count, the series' ids as steps (ids rise, so mostly 1), then the values: whole numbers (low bits `00`) and thousandths (`01`) as
//! varint, all others as `11` and eight bytes.

use super::{
    Damaged, NotFinite, check, exact, inexact,
    varint::{self, unzigzag, zigzag},
};

const WHOLE: u64 = 0b00;
const MILLI: u64 = 0b01;
const RAW: u64 = 0b11;

/// The bytes of a round. `samples` must rise by series id.
///
/// # Errors
/// [`NotFinite`] when a value is.
pub fn encode(samples: &[(i32, f64)]) -> Result<Vec<u8>, NotFinite> {
    let mut out = Vec::with_capacity(4 + samples.len() * 5);
    varint::put(&mut out, samples.len() as u64);
    let mut last = 0i64;
    for (series, _) in samples {
        varint::put(&mut out, zigzag(i64::from(*series) - last));
        last = i64::from(*series);
    }
    for (_, value) in samples {
        check(*value)?;
        let small = |n: &i64| n.unsigned_abs() < 1 << 60;
        if let Some(n) = exact(*value, 1.0).filter(small) {
            varint::put(&mut out, zigzag(n) << 2 | WHOLE);
        } else if let Some(n) = exact(*value, 1e3).filter(small) {
            varint::put(&mut out, zigzag(n) << 2 | MILLI);
        } else {
            varint::put(&mut out, RAW);
            out.extend(value.to_bits().to_le_bytes());
        }
    }
    Ok(out)
}

/// The samples of a round, rising by series id.
///
/// # Errors
/// [`Damaged`].
pub fn decode(bytes: &[u8]) -> Result<Vec<(i32, f64)>, Damaged> {
    let mut input = varint::Reader(bytes);
    let count = input.count(bytes.len())?;
    let mut samples = Vec::with_capacity(count);
    let mut last = 0i64;
    for i in 0..count {
        let step = input.signed()?;
        if i > 0 && step <= 0 {
            return Err(Damaged("its series don't rise"));
        }
        last = last.checked_add(step).ok_or(Damaged("a series is impossible"))?;
        samples.push((i32::try_from(last).map_err(|_| Damaged("a series is impossible"))?, 0.0));
    }
    for (_, value) in &mut samples {
        let n = input.number()?;
        *value = match n & 3 {
            WHOLE => inexact(unzigzag(n >> 2), 1.0),
            MILLI => inexact(unzigzag(n >> 2), 1e3),
            RAW if n == RAW => {
                let raw: [u8; 8] = input.take(8)?.try_into().map_err(|_| Damaged("it ends early"))?;
                f64::from_bits(u64::from_le_bytes(raw))
            }
            _ => return Err(Damaged("it is of a newer form")),
        };
        check(*value).map_err(|_| Damaged("a value is not a number"))?;
    }
    input.end()?;
    Ok(samples)
}
