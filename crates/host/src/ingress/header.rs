//! Who a client is, in the words of the PROXY protocol, version 2: bytes in front of the first of a
//! connection.
//!
//! | bytes | what |
//! |---|---|
//! | 0 to 11 | `0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a` |
//! | 12 | `21`: version 2, a connection that is passed on |
//! | 13 | `11`: TCP over IPv4; `21`: over IPv6 |
//! | 14, 15 | how many bytes follow: 12 or 36 |
//! | 16.. | the client's address, this machine's, the client's port, this machine's |
//!
//! An enclave that reads it is told so by its parent, and by nobody else.

use std::net::{IpAddr, SocketAddr};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const VERSION_AND_COMMAND: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

/// The header of a connection of `client` to `local`, which are addresses of one family.
pub(super) fn header(client: SocketAddr, local: SocketAddr) -> Vec<u8> {
    let (family, addresses) = match (client.ip(), local.ip()) {
        (IpAddr::V4(client), IpAddr::V4(local)) => {
            (TCP_OVER_IPV4, [client.octets(), local.octets()].concat())
        }
        (client, local) => {
            let octets = |address: IpAddr| match address {
                IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                IpAddr::V6(address) => address.octets(),
            };
            (TCP_OVER_IPV6, [octets(client), octets(local)].concat())
        }
    };
    let ports = [client.port(), local.port()].map(u16::to_be_bytes).concat();
    let length = u16::try_from(addresses.len() + ports.len()).unwrap_or(u16::MAX);
    let mut header = SIGNATURE.to_vec();
    header.extend([VERSION_AND_COMMAND, family]);
    header.extend(length.to_be_bytes());
    header.extend(addresses);
    header.extend(ports);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(client: &str, local: &str) -> String {
        let header = header(client.parse().unwrap(), local.parse().unwrap());
        let digits =
            |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
        header.iter().flat_map(digits).flatten().collect()
    }

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        assert_eq!(
            hex("192.0.2.1:56324", "198.51.100.2:443"),
            "0d0a0d0a000d0a515549540a2111000cc0000201c6336402dc0401bb"
        );
        assert_eq!(
            hex("[2001:db8::1]:256", "[::1]:1"),
            concat!(
                "0d0a0d0a000d0a515549540a21210024",
                "20010db8000000000000000000000001",
                "00000000000000000000000000000001",
                "01000001"
            )
        );
    }
}
