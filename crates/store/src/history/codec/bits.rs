//! Bits, highest first, packed into bytes; the last byte is filled with zeros.

use super::Damaged;

#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
    used: u32,
}

impl Writer {
    /// Appends the lowest `count` bits (0 to 64) of `value`, highest first.
    pub fn put(&mut self, value: u64, count: u32) {
        let mut left = count;
        while left > 0 {
            if self.used == 0 {
                self.bytes.push(0);
            }
            let room = 8 - self.used;
            let now = room.min(left);
            let part = (value >> (left - now)) & ((1 << now) - 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= (part << (room - now)) as u8;
            }
            self.used = (self.used + now) % 8;
            left -= now;
        }
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` bits (0 to 64).
    pub fn take(&mut self, count: u32) -> Result<u64, Damaged> {
        if self.at + count as usize > self.bytes.len() * 8 {
            return Err(Damaged("it ends early"));
        }
        let mut value = 0u64;
        let mut left = count;
        while left > 0 {
            let room = 8 - (self.at % 8) as u32;
            let now = room.min(left);
            let byte = u64::from(self.bytes[self.at / 8]);
            value = (value << now) | ((byte >> (room - now)) & ((1 << now) - 1));
            self.at += now as usize;
            left -= now;
        }
        Ok(value)
    }

    /// Counts ones up to a zero (which is consumed), or up to `limit` ones (then no zero follows).
    pub fn ones(&mut self, limit: u64) -> Result<u64, Damaged> {
        let mut n = 0;
        while n < limit && self.take(1)? == 1 {
            n += 1;
        }
        Ok(n)
    }

    /// What is left must be less than a byte of zeros.
    pub fn end(mut self) -> Result<(), Damaged> {
        let left = self.bytes.len() * 8 - self.at;
        if left < 8 && self.take(left as u32)? == 0 { Ok(()) } else { Err(Damaged("bits are left over")) }
    }
}
