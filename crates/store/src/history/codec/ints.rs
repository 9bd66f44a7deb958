//! Sequences of whole numbers.
//!
//! A prediction is taken off each number, and what remains (small, if the prediction is good) is written. Three predictions:
//! order 0, always the same number; order 1, the number before; order 2, the number before plus the step before. Two ways to
//! write what remains: *sparse* lists the places where it isn't zero, *rice* gives each number the same few low bits and
//! counts the rest in ones. All six are tried and the shortest is kept. Arithmetic wraps, so nothing overflows.

use super::{
    Damaged, bits,
    varint::{self, unzigzag, zigzag},
};

/// Ones in a row that mean: the number follows in full.
const ESCAPE: u64 = 24;

/// How a sequence was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// Order of the prediction, 0 to 2.
    pub order: u8,
    /// Rice, else sparse.
    pub rice: bool,
}

/// What remains after prediction, with the numbers the prediction starts from.
struct Residuals {
    seeds: Vec<i64>,
    rest: Vec<u64>,
}

fn residuals(numbers: &[i64], order: u8) -> Residuals {
    match order {
        0 => {
            let mut sorted = numbers.to_vec();
            let middle = sorted.len() / 2;
            let base = if sorted.is_empty() { 0 } else { *sorted.select_nth_unstable(middle).1 };
            Residuals { seeds: vec![base], rest: numbers.iter().map(|n| zigzag(n.wrapping_sub(base))).collect() }
        }
        1 => Residuals {
            seeds: numbers.first().copied().into_iter().collect(),
            rest: numbers.windows(2).map(|w| zigzag(w[1].wrapping_sub(w[0]))).collect(),
        },
        _ => {
            let mut seeds: Vec<i64> = numbers.first().copied().into_iter().collect();
            seeds.extend(numbers.get(..2).map(|w| w[1].wrapping_sub(w[0])));
            let step = |w: &[i64]| w[2].wrapping_sub(w[1]).wrapping_sub(w[1].wrapping_sub(w[0]));
            Residuals { seeds, rest: numbers.windows(3).map(|w| zigzag(step(w))).collect() }
        }
    }
}

/// The low bits that make `rest` shortest, and its length in bits.
fn best_rice(rest: &[u64]) -> (u32, u64) {
    let mut sorted = rest.to_vec();
    let middle = sorted.len() / 2;
    let median = if sorted.is_empty() { 0 } else { *sorted.select_nth_unstable(middle).1 };
    let guess = 63 - (median | 1).leading_zeros();
    (guess.saturating_sub(2)..=(guess + 3).min(63))
        .map(|k| (k, rest.iter().map(|n| rice_bits(*n, k)).sum()))
        .min_by_key(|(_, bits)| *bits)
        .unwrap_or((0, 0))
}

fn rice_bits(n: u64, k: u32) -> u64 {
    let high = n >> k;
    if high < ESCAPE { high + 1 + u64::from(k) } else { ESCAPE + 6 + u64::from(width(n)) }
}

/// Bits that `n` needs, at least one.
fn width(n: u64) -> u32 {
    64 - (n | 1).leading_zeros()
}

fn sparse(rest: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut gap = 0;
    for n in rest {
        if *n == 0 {
            gap += 1;
        } else {
            varint::put(&mut out, gap);
            varint::put(&mut out, *n);
            gap = 0;
        }
    }
    out
}

/// Appends the shortest form of `numbers` and says which it is. Their count and the form are not written: the caller keeps them.
pub fn encode(numbers: &[i64], out: &mut Vec<u8>) -> Form {
    let mut best: Option<(usize, Form, Residuals, u32)> = None;
    for order in 0..=2 {
        let found = residuals(numbers, order);
        let seeds: usize = found.seeds.iter().map(|s| varint::len(zigzag(*s))).sum();
        let (k, bits) = best_rice(&found.rest);
        let rice = seeds + 1 + usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
        let sparse = seeds + sparse(&found.rest).len();
        let (size, form) = if sparse <= rice { (sparse, Form { order, rice: false }) } else { (rice, Form { order, rice: true }) };
        if best.as_ref().is_none_or(|b| size < b.0) {
            best = Some((size, form, found, k));
        }
    }
    let Some((_, form, found, k)) = best else { return Form { order: 0, rice: false } };
    for seed in &found.seeds {
        varint::put(out, zigzag(*seed));
    }
    if form.rice {
        out.push(k as u8);
        let mut bits = bits::Writer::default();
        for n in &found.rest {
            let high = n >> k;
            if high < ESCAPE {
                bits.put((1 << (high + 1)) - 2, high as u32 + 1);
                bits.put(*n, k);
            } else {
                bits.put((1 << ESCAPE) - 1, ESCAPE as u32);
                bits.put(u64::from(width(*n)) - 1, 6);
                bits.put(*n, width(*n));
            }
        }
        out.extend(bits.finish());
    } else {
        out.extend(sparse(&found.rest));
    }
    form
}

/// Reads `count` numbers of the given form; all bytes must be used.
pub fn decode(bytes: &[u8], count: usize, form: Form) -> Result<Vec<i64>, Damaged> {
    let mut input = varint::Reader(bytes);
    let seeds = match form.order {
        0 => 1,
        order => count.min(usize::from(order)),
    };
    let seeds = (0..seeds).map(|_| input.signed()).collect::<Result<Vec<_>, _>>()?;
    let left = if form.order == 0 { count } else { count - seeds.len() };
    let rest = if form.rice { read_rice(&mut input, left)? } else { read_sparse(&mut input, left)? };
    let mut numbers = Vec::with_capacity(count);
    match form.order {
        0 => numbers.extend(rest.into_iter().map(|r| seeds[0].wrapping_add(unzigzag(r)))),
        1 => {
            numbers.extend(&seeds);
            let mut last = seeds.first().copied().unwrap_or(0);
            for r in rest {
                last = last.wrapping_add(unzigzag(r));
                numbers.push(last);
            }
        }
        _ => {
            let mut last = seeds.first().copied().unwrap_or(0);
            numbers.extend(seeds.first());
            let mut step = seeds.get(1).copied().unwrap_or(0);
            if seeds.len() == 2 {
                last = last.wrapping_add(step);
                numbers.push(last);
            }
            for r in rest {
                step = step.wrapping_add(unzigzag(r));
                last = last.wrapping_add(step);
                numbers.push(last);
            }
        }
    }
    Ok(numbers)
}

fn read_sparse(input: &mut varint::Reader<'_>, count: usize) -> Result<Vec<u64>, Damaged> {
    let mut rest = vec![0; count];
    let mut place = 0usize;
    while !input.0.is_empty() {
        place = place.checked_add(input.count(count)?).ok_or(Damaged("a gap is too large"))?;
        *rest.get_mut(place).ok_or(Damaged("a gap is too large"))? = input.number()?;
        place += 1;
    }
    Ok(rest)
}

fn read_rice(input: &mut varint::Reader<'_>, count: usize) -> Result<Vec<u64>, Damaged> {
    let k = u32::from(input.byte()?);
    if k > 63 {
        return Err(Damaged("a width is impossible"));
    }
    let mut bits = bits::Reader::new(input.0);
    let mut rest = Vec::with_capacity(count);
    for _ in 0..count {
        let high = bits.ones(ESCAPE)?;
        rest.push(if high == ESCAPE {
            let width = bits.take(6)? as u32 + 1;
            bits.take(width)?
        } else {
            (high << k) | bits.take(k)?
        });
    }
    bits.end()?;
    Ok(rest)
}
