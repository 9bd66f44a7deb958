//! The moments of an hour's rounds: their count, one byte for the form, the moments in milliseconds. Regular moments cost nearly nothing.

use super::{
    Damaged,
    ints::{self, Form},
    varint,
};

/// More moments than an hour has milliseconds can't be.
const LIMIT: usize = 3_600_000;

/// The bytes of `moments` (milliseconds since 1970), which rise.
#[must_use]
pub fn encode(moments: &[i64]) -> Vec<u8> {
    let mut numbers = Vec::new();
    let form = ints::encode(moments, &mut numbers);
    let mut out = Vec::with_capacity(numbers.len() + 4);
    varint::put(&mut out, moments.len() as u64);
    out.push(form.order | u8::from(form.rice) << 2);
    out.extend(numbers);
    out
}

/// The moments.
///
/// # Errors
/// [`Damaged`], also when they don't rise.
pub fn decode(bytes: &[u8]) -> Result<Vec<i64>, Damaged> {
    let mut input = varint::Reader(bytes);
    let count = input.count(LIMIT)?;
    let tag = input.byte()?;
    if tag & 0b1111_1000 != 0 || tag & 3 == 3 {
        return Err(Damaged("it is of a newer form"));
    }
    let moments = ints::decode(input.0, count, Form { order: tag & 3, rice: tag & 4 != 0 })?;
    if moments.windows(2).all(|w| w[0] < w[1]) { Ok(moments) } else { Err(Damaged("its moments don't rise")) }
}
