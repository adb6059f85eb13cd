//! Whom an application may call: the rules of the key `egress`.
//!
//! A rule of `egress` is one line of text, because people write it, an error repeats it and a log
//! names it:
//!
//! | text | who |
//! |---|---|
//! | `api.example.org:443` | this name, at this port |
//! | `*.example.org:443` | every name below it, not itself |
//! | `.example.org:80,443` | itself and every name below it |
//! | `10.0.0.0/8:5432`, `[fd00::/8]:1000-2000` | addresses that are asked for as addresses |
//! | `host:8080` | the parent's own loopback |
//! | `*` | everything, at every port |
//! | `!internal.example.org` | the same with `!` in front: denied |
//!
//! Rules are asked in their order, the first that fits decides, and what fits none is denied. A
//! rule about addresses says nothing about names: who answers at a name is the parent's word, and
//! a comparison with it would protect nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::error::Found;

/// Bytes of the longest DNS name.
const MAX_NAME: usize = 253;
/// Bytes of the longest label of a DNS name.
const MAX_LABEL: usize = 63;
/// The word that stands for the parent.
const PARENT: &str = "host";

/// Whom somebody wants to reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A DNS name, in lower case and without a dot at its end.
    Name(String),
    /// An address that was asked for as one.
    Address(IpAddr),
    /// The parent's loopback: `host`.
    Parent,
}

impl From<IpAddr> for Host {
    /// An address of IPv4 that is written as one of IPv6 is the same address.
    fn from(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }
}

impl FromStr for Host {
    type Err = WrongRule;

    /// Reads a name or an address; IPv6 with or without brackets.
    fn from_str(text: &str) -> Result<Self, WrongRule> {
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let Ok(address) = bare.unwrap_or(text).parse::<IpAddr>() {
            return Ok(address.into());
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        match name.as_str() {
            PARENT => Ok(Self::Parent),
            name if is_name(name) => Ok(Self::Name(name.to_owned())),
            _ => Err(wrong(text, "a name or an address")),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
            Self::Parent => f.write_str(PARENT),
        }
    }
}

/// Whether `name` is a DNS name of lower case. One whose last label is a number is none: resolvers
/// read `127.1` and `0x7f000001` as addresses, and a rule about names would let them pass.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last.strip_prefix("0x").is_some_and(|digits| {
        let mut digits = digits.bytes();
        digits.all(|byte| byte.is_ascii_hexdigit())
    });
    let number = hexadecimal || last.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= MAX_NAME && name.split('.').all(label) && !number
}

/// Which hosts a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    Any,
    Parent,
    Name(String),
    Below(String),
    Within(String),
    Network { address: IpAddr, prefix: u32 },
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Any);
        }
        let name = |name: &str| is_name(name).then(|| name.to_owned());
        if let Some(rest) = text.strip_prefix("*.") {
            return name(rest).map(Self::Below);
        }
        if let Some(rest) = text.strip_prefix('.') {
            return name(rest).map(Self::Within);
        }
        if let Some(rest) = text.strip_prefix('[') {
            let network = network(rest.strip_suffix(']')?)?;
            return matches!(network, Self::Network { address, .. } if address.is_ipv6())
                .then_some(network);
        }
        if let Some(network) = network(text) {
            return matches!(network, Self::Network { address, .. } if address.is_ipv4())
                .then_some(network);
        }
        if text == PARENT {
            return Some(Self::Parent);
        }
        name(text).map(Self::Name)
    }

    fn fit(&self, host: &Host) -> bool {
        let below = |name: &str, top: &str| {
            name.strip_suffix(top)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        match (self, host) {
            (Self::Any, Host::Name(_) | Host::Address(_)) | (Self::Parent, Host::Parent) => true,
            (Self::Name(own), Host::Name(name)) => own == name,
            (Self::Below(top), Host::Name(name)) => below(name, top),
            (Self::Within(top), Host::Name(name)) => name == top || below(name, top),
            (Self::Network { address, prefix }, Host::Address(found)) => {
                masked(*found, *prefix) == Some(*address)
            }
            // The parent's own services are not part of "everything": they are asked for by name.
            (Self::Any, Host::Parent)
            | (
                Self::Parent
                | Self::Name(_)
                | Self::Below(_)
                | Self::Within(_)
                | Self::Network { .. },
                _,
            ) => false,
        }
    }
}

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Parent => f.write_str(PARENT),
            Self::Name(name) => f.write_str(name),
            Self::Below(top) => write!(f, "*.{top}"),
            Self::Within(top) => write!(f, ".{top}"),
            Self::Network { address, prefix } => match (address, prefix) {
                (IpAddr::V4(address), 32) => write!(f, "{address}"),
                (IpAddr::V4(address), prefix) => write!(f, "{address}/{prefix}"),
                (IpAddr::V6(address), 128) => write!(f, "[{address}]"),
                (IpAddr::V6(address), prefix) => write!(f, "[{address}/{prefix}]"),
            },
        }
    }
}

/// `ADDRESS[/PREFIX]`, whose bits behind the prefix are 0.
fn network(text: &str) -> Option<Hosts> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(number(prefix)?)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.map_or(most, u32::from);
    (prefix <= most && masked(address, prefix) == Some(address))
        .then_some(Hosts::Network { address, prefix })
}

/// The address with the bits behind the prefix at 0; `None` for a prefix that is too long for it.
fn masked(address: IpAddr, prefix: u32) -> Option<IpAddr> {
    Some(match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shl(32_u32.checked_sub(prefix)?)
                .unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shl(128_u32.checked_sub(prefix)?)
                .unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    })
}

/// A number without a sign or a leading zero.
pub(crate) fn number(text: &str) -> Option<u16> {
    let canonical =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    canonical.then(|| text.parse().ok()).flatten()
}

/// One rule of `egress`. Its text is its only form: what is read is written back to the byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressRule {
    allow: bool,
    hosts: Hosts,
    /// Every port when there is none.
    ports: Vec<RangeInclusive<u16>>,
}

impl EgressRule {
    /// Whether what fits is allowed.
    pub const fn allows(&self) -> bool {
        self.allow
    }

    /// Whether the rule decides about `host` at `port`.
    pub fn fits(&self, host: &Host, port: u16) -> bool {
        self.hosts.fit(host) && self.fits_port(port)
    }

    /// Whether the rule decides about `host` at some port.
    pub fn concerns(&self, host: &Host) -> bool {
        self.hosts.fit(host)
    }

    fn fits_port(&self, port: u16) -> bool {
        self.ports.is_empty() || self.ports.iter().any(|range| range.contains(&port))
    }

    /// The single ports that the rule names for `host`; those of ranges are left out.
    pub fn named_ports(&self, host: &Host) -> impl Iterator<Item = u16> {
        let fits = self.allow && self.hosts.fit(host);
        let ports = self.ports.iter().filter(move |_| fits);
        ports
            .filter(|range| range.start() == range.end())
            .map(|range| *range.start())
    }
}

/// The rule that decides about `host` at `port`; `None` is the last one, which denies.
pub fn deciding_rule<'a>(
    rules: &'a [EgressRule],
    host: &Host,
    port: u16,
) -> Option<&'a EgressRule> {
    rules.iter().find(|rule| rule.fits(host, port))
}

impl FromStr for EgressRule {
    type Err = WrongRule;

    fn from_str(text: &str) -> Result<Self, WrongRule> {
        let (allow, rest) = match text.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, text),
        };
        // A colon inside of brackets belongs to an address.
        let colon = rest.rfind(':').filter(|colon| {
            let behind = rest.get(*colon..).unwrap_or_default();
            !behind.contains(']')
        });
        let (hosts, ports) = match colon.and_then(|colon| rest.split_at_checked(colon)) {
            Some((hosts, ports)) => (hosts, ports.strip_prefix(':')),
            None => (rest, None),
        };
        let hosts = Hosts::parse(hosts).ok_or_else(|| {
            let expected = "a name, an address or a network; IPv6 in brackets, names in lower case";
            wrong(text, expected)
        })?;
        let ports = ports.map(|ports| {
            read_ports(ports).ok_or_else(|| {
                wrong(
                    text,
                    "ports from 1 to 65535 as in `443`, `80,443` or `1000-2000`, ascending",
                )
            })
        });
        let ports = ports.transpose()?.unwrap_or_default();
        Ok(Self {
            allow,
            hosts,
            ports,
        })
    }
}

/// Ports and ranges with commas between them, ascending.
fn read_ports(text: &str) -> Option<Vec<RangeInclusive<u16>>> {
    let mut before = 0;
    let ranges = text.split(',').map(|item| {
        let (first, last) = match item.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(item)?, number(item)?),
        };
        let ascending = first > before && first <= last && (item.contains('-') == (first < last));
        before = last;
        ascending.then_some(first..=last)
    });
    ranges.collect()
}

impl fmt::Display for EgressRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deny = if self.allow { "" } else { "!" };
        write!(f, "{deny}{}", self.hosts)?;
        for (index, range) in self.ports.iter().enumerate() {
            let before = if index == 0 { ':' } else { ',' };
            match (range.start(), range.end()) {
                (first, last) if first == last => write!(f, "{before}{first}")?,
                (first, last) => write!(f, "{before}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// Text that is no rule, no host and no pair of ports.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct WrongRule {
    expected: &'static str,
    found: Found,
}

pub(crate) fn wrong(text: &str, expected: &'static str) -> WrongRule {
    WrongRule {
        expected,
        found: Found::new(text),
    }
}
