//! Whole numbers in as few bytes as they need.

use super::Damaged;

/// Small negative numbers become small positive ones: 0, -1, 1, -2 → 0, 1, 2, 3.
pub fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

/// The way back from [`zigzag`].
pub fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -(n & 1).cast_signed()
}

/// Seven bits a byte, lowest first; the top bit says that more follow.
pub fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Bytes that [`put`] writes.
pub fn len(n: u64) -> usize {
    (64 - (n | 1).leading_zeros() as usize).div_ceil(7)
}

/// Reads from the front of a slice.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn byte(&mut self) -> Result<u8, Damaged> {
        let (first, rest) = self.0.split_first().ok_or(Damaged("it ends early"))?;
        self.0 = rest;
        Ok(*first)
    }

    pub fn number(&mut self) -> Result<u64, Damaged> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if shift == 63 && part > 1 {
                return Err(Damaged("a number is too long"));
            }
            n |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(Damaged("a number is too long"))
    }

    /// A count of things of which each takes at least one bit, so that damaged bytes can't ask for all the memory there is.
    pub fn count(&mut self, limit: usize) -> Result<usize, Damaged> {
        usize::try_from(self.number()?).ok().filter(|n| *n <= limit).ok_or(Damaged("a count is too large"))
    }

    pub fn signed(&mut self) -> Result<i64, Damaged> {
        Ok(unzigzag(self.number()?))
    }

    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(Damaged("it ends early"))?;
        self.0 = rest;
        Ok(head)
    }

    pub fn end(&self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged("bytes are left over")) }
    }
}
