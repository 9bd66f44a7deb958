//! Sequences of numbers that are not whole at any scale: each is written as what differs from the one before, bit by bit.
//!
//! Neighbours share sign, exponent and the first digits, so the difference (exclusive or) has zeros in front, often also
//! behind. Per number: `0`, the same again; `10`, the difference fits the window of the one before; `11`, 5 bits for the zeros
//! in front, 6 bits for the window's width, the window.

use super::{Damaged, bits};

/// Appends `values`; their count is not written.
pub fn encode(values: &[f64], out: &mut Vec<u8>) {
    let mut bits = bits::Writer::default();
    let mut values = values.iter().map(|v| v.to_bits());
    let Some(mut last) = values.next() else { return };
    bits.put(last, 64);
    let mut window: Option<(u32, u32)> = None;
    for value in values {
        let differs = value ^ last;
        last = value;
        if differs == 0 {
            bits.put(0, 1);
            continue;
        }
        let front = differs.leading_zeros().min(31);
        let behind = differs.trailing_zeros();
        match window {
            // A much wider window than needed would cost more than to name a new one.
            Some((f, b)) if front >= f && behind >= b && (front - f) + (behind - b) < 12 => {
                bits.put(0b10, 2);
                bits.put(differs >> b, 64 - f - b);
            }
            _ => {
                bits.put(0b11, 2);
                bits.put(u64::from(front), 5);
                bits.put(u64::from(64 - front - behind) - 1, 6);
                bits.put(differs >> behind, 64 - front - behind);
                window = Some((front, behind));
            }
        }
    }
    out.extend(bits.finish());
}

/// Reads `count` values; all bytes must be used.
pub fn decode(bytes: &[u8], count: usize) -> Result<Vec<f64>, Damaged> {
    let mut values = Vec::with_capacity(count);
    let mut bits = bits::Reader::new(bytes);
    let mut last = 0;
    let mut window: Option<(u32, u32)> = None;
    for i in 0..count {
        if i == 0 {
            last = bits.take(64)?;
        } else if bits.take(1)? == 1 {
            if bits.take(1)? == 1 {
                let front = bits.take(5)? as u32;
                let width = bits.take(6)? as u32 + 1;
                let behind = 64u32.checked_sub(front + width).ok_or(Damaged("a window is too wide"))?;
                window = Some((front, behind));
            }
            let (front, behind) = window.ok_or(Damaged("a window is missing"))?;
            last ^= bits.take(64 - front - behind)? << behind;
        }
        let value = f64::from_bits(last);
        super::check(value).map_err(|_| Damaged("a value is not a number"))?;
        values.push(value);
    }
    bits.end()?;
    Ok(values)
}
