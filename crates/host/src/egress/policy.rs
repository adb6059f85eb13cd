//! What the parent itself refuses to connect to, whatever the image allows.
//!
//! | refused | why |
//! |---|---|
//! | loopback | services of this machine that trust it; the word `host` is how an image says that it means them |
//! | link-local, 169.254.169.254, `fd00:ec2::254` | credentials of this machine are given out there |
//! | unspecified | another way to write loopback |
//! | multicast, broadcast | no connection can be made there |
//!
//! This guards the parent and not the enclave, whose own rules are measured. Other addresses that
//! this machine has are not refused: what listens there says so itself.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// Where cloud instances ask for their credentials.
const METADATA_V4: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether the enclave may call out, and what the parent's rules are lifted for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Egress {
    /// No calls.
    #[default]
    Off,
    /// Calls to everything but what the parent refuses by itself; that, too, if it is in one of
    /// these networks.
    On(Vec<Network>),
}

impl Egress {
    /// Whether a connection to this address may be made for a name or an address.
    pub(super) fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Off => false,
            Self::On(lifted) => {
                !is_refused(address) || lifted.iter().any(|network| network.contains(address))
            }
        }
    }
}

/// Whether an address, which is not a mapped one, is in the table above.
fn is_refused(address: IpAddr) -> bool {
    let by_any = address.is_loopback() || address.is_unspecified() || address.is_multicast();
    by_any
        || match address {
            IpAddr::V4(address) => {
                address.is_link_local() || address.is_broadcast() || address == METADATA_V4
            }
            IpAddr::V6(address) => address.is_unicast_link_local() || address == METADATA_V6,
        }
}

/// Addresses that begin with the same bits, as in `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether an address is in it. One that is mapped into IPv6 is in none.
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                (bits(self.address) ^ bits(address)) & mask(self.prefix) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// The bits of an address, from the highest on.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The highest `prefix` bits.
fn mask(prefix: u8) -> u128 {
    let low = 128_u32.saturating_sub(u32::from(prefix));
    u128::MAX.checked_shl(low).unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Text that is no network.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// It has another form.
    #[error("expected ADDRESS/BITS, as in 10.0.0.0/8 or fd00::/8")]
    Form,
    /// More bits than an address of its kind has.
    #[error("expected at most {most} bits, found {found}")]
    Bits {
        /// Bits of an address.
        most: u8,
        /// What stands there.
        found: u8,
    },
    /// An address that is not the first of its network.
    #[error("the address has bits behind the first {prefix}; expected `{expected}`")]
    NotFirst {
        /// What stands behind the slash.
        prefix: u8,
        /// The network that was probably meant.
        expected: Network,
    },
    /// IPv4 in the clothes of IPv6.
    #[error("an IPv4 address is written as one, as in 10.0.0.0/8")]
    Mapped,
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').ok_or(NetworkError::Form)?;
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Form)?;
        let plain = prefix.bytes().all(|byte| byte.is_ascii_digit());
        let found = prefix.parse().ok().filter(|_| plain);
        let found: u8 = found.ok_or(NetworkError::Form)?;
        if address.to_canonical() != address {
            return Err(NetworkError::Mapped);
        }
        let most = if address.is_ipv4() { 32 } else { 128 };
        if found > most {
            return Err(NetworkError::Bits { most, found });
        }
        let prefix = found;
        let expected = Self {
            address: first(address, prefix),
            prefix,
        };
        if expected.address != address {
            return Err(NetworkError::NotFirst { prefix, expected });
        }
        Ok(expected)
    }
}

/// The first address of the network that `address` is in.
fn first(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let kept = u32::try_from(mask(prefix) >> 96).unwrap_or(u32::MAX);
            Ipv4Addr::from_bits(address.to_bits() & kept).into()
        }
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & mask(prefix)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(egress: &Egress, address: &str) -> bool {
        egress.allows(address.parse().unwrap())
    }

    fn lifted(networks: &[&str]) -> Egress {
        Egress::On(networks.iter().map(|text| text.parse().unwrap()).collect())
    }

    const REFUSED: [&str; 22] = [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "169.254.0.0",
        "169.254.169.254",
        "169.254.255.255",
        "224.0.0.1",
        "239.255.255.255",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "febf:ffff::1",
        "ff02::1",
        "ff00::",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "::ffff:169.254.169.254",
        "::ffff:169.254.1.1",
        "::ffff:224.0.0.1",
        "::ffff:255.255.255.255",
    ];

    #[test]
    fn the_parent_refuses_what_is_its_own() {
        for address in REFUSED {
            assert!(!allows(&lifted(&[]), address), "{address}");
        }
        for address in [
            "1.1.1.1",
            "10.0.0.1",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "192.168.0.255",
            "223.255.255.255",
            "::2",
            "2001:db8::1",
            "fd00:ec2::253",
            "fe7f::1",
            "fec0::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(allows(&lifted(&[]), address), "{address}");
            assert!(!allows(&Egress::Off, address), "{address}");
        }
    }

    #[test]
    fn a_network_lifts_the_rules_for_its_addresses_alone() {
        let all = lifted(&["0.0.0.0/0", "::/0"]);
        for address in REFUSED {
            assert!(allows(&all, address), "{address}");
        }
        let some = lifted(&["169.254.169.253/32", "fe80::/64", "127.0.0.0/8"]);
        for address in [
            "169.254.169.253",
            "::ffff:169.254.169.253",
            "fe80::1:2",
            "127.1.2.3",
        ] {
            assert!(allows(&some, address), "{address}");
        }
        for address in ["169.254.169.254", "169.254.169.252", "fe80:0:0:1::", "::1"] {
            assert!(!allows(&some, address), "{address}");
        }
        // Networks of one kind have no addresses of the other.
        assert!(!allows(&lifted(&["::/0"]), "127.0.0.1"));
        assert!(!allows(&lifted(&["0.0.0.0/0"]), "::1"));
    }

    #[test]
    fn a_network_is_written_in_one_way() {
        for text in ["0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32", "::/0", "::1/128"] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), text);
        }
        let error = |text: &str| text.parse::<Network>().unwrap_err().to_string();
        for text in [
            "",
            "/",
            "10.0.0.0",
            "10.0.0.0/",
            "/8",
            "10/8",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/256",
            "host/8",
            "10.0.0.0/8/8",
            "[::]/0",
            " ::/0",
        ] {
            assert_eq!(error(text), NetworkError::Form.to_string(), "{text}");
        }
        assert_eq!(error("10.0.0.0/33"), "expected at most 32 bits, found 33");
        assert_eq!(error("::/129"), "expected at most 128 bits, found 129");
        assert_eq!(
            error("10.0.0.1/8"),
            "the address has bits behind the first 8; expected `10.0.0.0/8`"
        );
        assert!(error("fe80::1/10").ends_with("expected `fe80::/10`"));
        assert_eq!(
            error("::ffff:10.0.0.0/104"),
            NetworkError::Mapped.to_string()
        );
    }
}
