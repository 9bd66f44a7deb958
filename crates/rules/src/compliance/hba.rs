//! The rules for signing in, as PostgreSQL reads them: first match wins.

use super::look::Row;
use core::net::IpAddr;

/// From where a rule lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// The local socket.
    Socket,
    /// Any address.
    Anywhere,
    /// A network.
    Net(Net),
    /// The server's own addresses.
    SameHost,
    /// The networks the server is in.
    SameNet,
    /// A name, or what can't be read.
    Name(String),
}

/// A network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    v6: bool,
    bits: u128,
    prefix: u32,
}

const fn v4(a: u8, b: u8, prefix: u32) -> Net {
    Net { v6: false, bits: ((a as u128) << 24) | ((b as u128) << 16), prefix }
}

const fn v6(high: u16, prefix: u32) -> Net {
    Net { v6: true, bits: (high as u128) << 112, prefix }
}

/// Networks that the Internet does not route: private, carrier-grade, link-local, this machine.
const PRIVATE: [Net; 8] =
    [v4(10, 0, 8), v4(172, 16, 12), v4(192, 168, 16), v4(100, 64, 10), v4(169, 254, 16), v4(127, 0, 8), v6(0xfc00, 7), v6(0xfe80, 10)];
const LOOPBACK: [Net; 2] = [v4(127, 0, 8), Net { v6: true, bits: 1, prefix: 128 }];

impl Net {
    /// From the address and mask that the server shows; `address/bits` without a mask.
    pub fn read(address: &str, mask: &str) -> Option<Self> {
        let (address, bits) = address.split_once('/').map_or((address, None), |(a, b)| (a, b.parse().ok()));
        let (v6, bits_of) = bits_of(address)?;
        let width = if v6 { 128 } else { 32 };
        let prefix = match bits {
            Some(bits) => bits,
            None if mask.is_empty() => width,
            None => self::bits_of(mask)?.1.count_ones(),
        };
        (prefix <= width).then_some(Self { v6, bits: bits_of, prefix })
    }

    /// Whether the other network lies within this one.
    pub fn holds(&self, other: &Self) -> bool {
        let width = if self.v6 { 128 } else { 32 };
        let shift = width - self.prefix;
        let top = |bits: u128| if shift >= 128 { 0 } else { bits >> shift };
        self.v6 == other.v6 && self.prefix <= other.prefix && top(self.bits) == top(other.bits)
    }

    /// Whole Internet of one family.
    pub fn everything(&self) -> bool {
        self.prefix == 0
    }

    /// Not routed by the Internet.
    pub fn private(&self) -> bool {
        PRIVATE.iter().chain(&LOOPBACK).any(|p| p.holds(self))
    }
}

fn bits_of(address: &str) -> Option<(bool, u128)> {
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(a) => Some((false, u128::from(u32::from(a)))),
        IpAddr::V6(a) => Some((true, u128::from(a))),
    }
}

/// Whether a line can't be read. A line that asks for TLS on a server without it is read all the same: it only never matches.
pub fn unreadable(row: &Row<'_>) -> bool {
    row.opt("error").is_some_and(|error| !error.contains("cannot match because"))
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule<'a> {
    /// `pg_hba.conf:42`.
    pub place: String,
    /// `local`, `host`, `hostssl`, `hostnossl`, `hostgssenc`, `hostnogssenc`.
    pub kind: &'a str,
    /// Databases, as written.
    pub databases: Vec<&'a str>,
    /// Roles, as written.
    pub users: Vec<&'a str>,
    /// From where.
    pub from: From,
    /// As the file says it, for a person.
    pub shown: String,
    /// How one proves who one is.
    pub method: &'a str,
}

impl<'a> Rule<'a> {
    /// Reads the rows that are rules; rows with an error are none.
    pub fn read(rows: &[Row<'a>]) -> Vec<Self> {
        rows.iter().filter(|r| r.opt("error").is_none() && !r.text("method").is_empty()).map(Self::one).collect()
    }

    fn one(row: &Row<'a>) -> Self {
        let (kind, address, mask) = (row.text("type"), row.text("address"), row.text("netmask"));
        let from = match address {
            _ if kind == "local" => From::Socket,
            "all" => From::Anywhere,
            "samehost" => From::SameHost,
            "samenet" => From::SameNet,
            other => Net::read(other, mask).map_or_else(|| From::Name(other.to_owned()), From::Net),
        };
        let shown = match &from {
            From::Socket => "the local socket".to_owned(),
            From::Net(net) => format!("{}/{}", address.split('/').next().unwrap_or_default(), net.prefix),
            _ => address.to_owned(),
        };
        let place = format!("{}:{}", row.text("file"), row.text("line"));
        Self { place, kind, databases: row.parts("databases"), users: row.parts("users"), from, shown, method: row.text("method") }
    }

    /// Lets nobody in.
    pub fn rejects(&self) -> bool {
        self.method == "reject"
    }

    /// Over TCP.
    pub fn network(&self) -> bool {
        self.kind != "local"
    }

    /// Over TCP and from another machine.
    pub fn remote(&self) -> bool {
        match &self.from {
            From::Socket | From::SameHost => false,
            From::Net(net) => !LOOPBACK.iter().any(|l| l.holds(net)),
            _ => true,
        }
    }

    /// Only over an encrypted connection.
    pub fn encrypted(&self) -> bool {
        matches!(self.kind, "hostssl" | "hostgssenc")
    }

    /// For every database, replication aside.
    pub fn all_databases(&self) -> bool {
        self.databases.contains(&"all")
    }

    /// Whether it could be meant for this role, a member of `groups`. What can't be decided (a pattern) could.
    pub fn could_match(&self, role: &str, groups: &[&str]) -> bool {
        self.users
            .iter()
            .any(|u| *u == "all" || *u == role || u.starts_with('/') || u.strip_prefix('+').is_some_and(|g| groups.contains(&g)))
    }

    /// Whether it surely is meant for this role.
    fn must_match(&self, role: &str) -> bool {
        self.users.iter().any(|u| *u == "all" || *u == role)
    }

    /// Whether this rule, standing before, takes everything that the other would get for the role.
    pub fn shadows(&self, later: &Self, role: &str) -> bool {
        let kinds = match self.kind {
            "host" => later.network(),
            kind => kind == later.kind,
        };
        let from = match (&self.from, &later.from) {
            (From::Anywhere, f) => *f != From::Socket,
            (From::Socket, From::Socket) => true,
            (From::Net(a), From::Net(b)) => a.holds(b),
            (a, b) => a == b,
        };
        // `all` leaves out physical replication.
        let databases = (self.all_databases() && !later.databases.contains(&"replication"))
            || later.databases.iter().all(|d| self.databases.contains(d) || (self.all_databases() && *d != "replication"));
        kinds && from && databases && self.must_match(role)
    }

    /// Who and whence, for a sentence.
    pub fn sentence(&self) -> String {
        format!("{} lets {} into {} from {} by {}", self.place, self.users.join(", "), self.databases.join(", "), self.shown, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        Net::read(text, "").expect("a network")
    }

    #[test]
    fn e1_networks_are_compared_by_their_bits() {
        assert_eq!(Net::read("10.1.0.0", "255.255.0.0"), Some(net("10.1.0.0/16")));
        assert!(net("10.0.0.0/8").holds(&net("10.1.0.0/16")) && !net("10.1.0.0/16").holds(&net("10.0.0.0/8")));
        assert!(net("0.0.0.0/0").everything() && net("0.0.0.0/0").holds(&net("8.8.8.8/32")) && !net("0.0.0.0/0").holds(&net("::1/128")));
        assert!(net("::/0").holds(&net("2001:db8::/32")) && !net("0.0.0.0/1").private() && !net("0.0.0.0/1").everything());
        assert!(
            ["10.2.3.4/32", "192.168.0.0/24", "172.31.0.0/16", "fd00::/8", "::1/128", "100.64.0.0/10"].iter().all(|n| net(n).private())
        );
        assert!(["172.32.0.0/16", "11.0.0.0/8", "2001:db8::/32", "192.0.0.0/8"].iter().all(|n| !net(n).private()));
        assert_eq!(Net::read("host.example", ""), None);
        assert_eq!(Net::read("10.0.0.0/33", ""), None);
    }
}
