//! One series over the moments of a clock.
//!
//! First byte: bits 0–1 the order of the prediction (3: not whole, see `floats`), bits 2–4 the decimal scale, bit 5 rice, bit 6 has
//! gaps. With gaps follow the number of runs and for each the moments to skip and the moments that have a value. Then the
//! values. A constant is 2 to 10 bytes, however long.

use super::{
    Damaged, NotFinite, check, exact, floats, inexact,
    ints::{self, Form},
    varint,
};

/// Numbers that are whole after one of these; the first that fits all values is taken.
const SCALES: [f64; 6] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e6];

/// The bytes of one series; `None` where the moment has no value.
///
/// # Errors
/// [`NotFinite`] when a value is.
pub fn encode(slots: &[Option<f64>]) -> Result<Vec<u8>, NotFinite> {
    let values: Vec<f64> = slots.iter().flatten().copied().collect();
    values.iter().try_for_each(|v| check(*v))?;
    let mut out = vec![0];
    let mut tag = 0;
    if values.len() < slots.len() {
        tag |= 1 << 6;
        let runs = runs(slots);
        varint::put(&mut out, runs.len() as u64);
        for (skip, take) in runs {
            varint::put(&mut out, skip as u64);
            varint::put(&mut out, take as u64);
        }
    }
    let whole = SCALES.iter().enumerate().find_map(|(i, scale)| {
        let numbers: Option<Vec<i64>> = values.iter().map(|v| exact(*v, *scale)).collect();
        numbers.map(|n| (i as u8, n))
    });
    if let Some((scale, numbers)) = whole {
        let form = ints::encode(&numbers, &mut out);
        tag |= form.order | scale << 2 | u8::from(form.rice) << 5;
    } else {
        floats::encode(&values, &mut out);
        tag |= 3;
    }
    out[0] = tag;
    Ok(out)
}

/// The values of one series at the `moments` moments of its clock.
///
/// # Errors
/// [`Damaged`].
pub fn decode(bytes: &[u8], moments: usize) -> Result<Vec<Option<f64>>, Damaged> {
    let mut input = varint::Reader(bytes);
    let tag = input.byte()?;
    if tag & 0x80 != 0 {
        return Err(Damaged("it is of a newer form"));
    }
    let mut slots = vec![None; moments];
    let mut places: Vec<usize> = Vec::with_capacity(moments);
    if tag & (1 << 6) == 0 {
        places.extend(0..moments);
    } else {
        let mut place = 0usize;
        for _ in 0..input.count(moments)? {
            place += input.count(moments)?;
            let take = input.count(moments)?;
            if place + take > moments {
                return Err(Damaged("a run is too long"));
            }
            places.extend(place..place + take);
            place += take;
        }
    }
    let order = tag & 3;
    let values = if order == 3 {
        floats::decode(input.0, places.len())?
    } else {
        let scale = *SCALES.get(usize::from(tag >> 2 & 7)).ok_or(Damaged("its scale is unknown"))?;
        let numbers = ints::decode(input.0, places.len(), Form { order, rice: tag & (1 << 5) != 0 })?;
        numbers.into_iter().map(|n| inexact(n, scale)).collect()
    };
    for (place, value) in places.into_iter().zip(values) {
        slots[place] = Some(value);
    }
    Ok(slots)
}

/// Runs of moments with a value: how many to skip before it, how many it has.
fn runs(slots: &[Option<f64>]) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut rest = slots;
    while !rest.is_empty() {
        let skip = rest.iter().take_while(|s| s.is_none()).count();
        let take = rest[skip..].iter().take_while(|s| s.is_some()).count();
        if take > 0 {
            runs.push((skip, take));
        }
        rest = &rest[skip + take..];
    }
    runs
}
