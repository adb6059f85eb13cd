//! The first line of a stream to the port of egress: bytes in, a target out.
//!
//! The form is strict, because a line that two readers understand differently is a way around what
//! one of them has allowed. Nothing is resolved here, and nothing is refused for where it leads.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of a line, with its newline.
pub(super) const MAX_LINE: usize = 300;
/// Bytes of a name.
const MAX_NAME: usize = 253;
/// Bytes of one label of a name.
const MAX_LABEL: usize = 63;
/// The word for the parent's own loopback.
const PARENT: &str = "host";

/// Where a connection is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

/// The machine of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// The parent's own loopback.
    Parent,
    /// A name that the parent resolves.
    Name(String),
    /// An address.
    Address(IpAddr),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.port;
        match &self.host {
            Host::Parent => write!(f, "{PARENT}:{port}"),
            Host::Name(name) => write!(f, "{name}:{port}"),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}:{port}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{port}"),
        }
    }
}

/// What has come of a line.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<u8>);

/// How far a line has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress<'a> {
    /// Not to its end.
    Begun,
    /// To its end, with what came behind it.
    Whole(Target, &'a [u8]),
    /// To where no valid line comes to.
    Malformed,
}

impl Line {
    /// Takes the next bytes. There may be none before the end of the line, and none after it.
    pub(super) fn push<'a>(&mut self, bytes: &'a [u8]) -> Progress<'a> {
        let room = MAX_LINE.saturating_sub(self.0.len());
        let within = bytes.get(..room).unwrap_or(bytes);
        let Some(end) = within.iter().position(|byte| *byte == b'\n') else {
            // No byte of a valid line can be where only the newline may.
            if bytes.len() >= room {
                return Progress::Malformed;
            }
            self.0.extend_from_slice(bytes);
            return Progress::Begun;
        };
        self.0
            .extend_from_slice(within.get(..end).unwrap_or(within));
        let rest = bytes.get(end.saturating_add(1)..).unwrap_or_default();
        match parse_line(&self.0) {
            Some(target) => Progress::Whole(target, rest),
            None => Progress::Malformed,
        }
    }

    /// Bytes that are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.0.len()
    }
}

/// The target of a line without its newline.
fn parse_line(line: &[u8]) -> Option<Target> {
    let line = std::str::from_utf8(line).ok()?;
    let (host, port) = line.strip_prefix("connect ")?.split_once(' ')?;
    Some(Target {
        host: parse_host(host)?,
        port: parse_port(port)?,
    })
}

/// 1 to 65535 without a sign or a leading zero.
fn parse_port(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| plain)
}

fn parse_host(text: &str) -> Option<Host> {
    if text == PARENT {
        return Some(Host::Parent);
    }
    if text.contains(':') {
        let address: Ipv6Addr = text.parse().ok()?;
        return Some(Host::Address(address.into()));
    }
    if is_numeric(text) {
        let address: Ipv4Addr = text.parse().ok()?;
        return Some(Host::Address(address.into()));
    }
    is_name(text).then(|| Host::Name(text.to_owned()))
}

/// Whether the last label is a number, as in no name: what a resolver takes for an address must
/// be one in its only usual form, so `127.1` and `0x7f000001` are not passed on as names.
fn is_numeric(text: &str) -> bool {
    let whole = text.strip_suffix('.').unwrap_or(text);
    let last = whole.rsplit('.').next().unwrap_or(whole);
    match last.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Labels of lower-case letters, digits, `-` and `_`; a dot may be behind the last.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let whole = text.strip_suffix('.').unwrap_or(text);
    text.len() <= MAX_NAME
        && whole
            .split('.')
            .all(|label| (1..=MAX_LABEL).contains(&label.len()) && label.bytes().all(is_letter))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn push(bytes: &[u8]) -> Progress<'_> {
        Line::default().push(bytes)
    }

    fn target(text: &str) -> Option<String> {
        match push(text.as_bytes()) {
            Progress::Whole(target, b"") => Some(target.to_string()),
            Progress::Whole(_, rest) => panic!("{rest:?} is left"),
            Progress::Begun | Progress::Malformed => None,
        }
    }

    #[test]
    fn a_line_names_a_target() {
        let longest = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
        assert_eq!(longest.len(), MAX_NAME);
        for (host, port, expected) in [
            ("host", "1", "host:1"),
            ("example.com", "443", "example.com:443"),
            ("example.com.", "65535", "example.com.:65535"),
            ("_srv.a-b.4c", "80", "_srv.a-b.4c:80"),
            ("0xyz", "80", "0xyz:80"),
            ("host.", "80", "host.:80"),
            ("10.0.0.1", "80", "10.0.0.1:80"),
            ("::1", "80", "[::1]:80"),
            ("2001:DB8::1", "80", "[2001:db8::1]:80"),
            ("::ffff:10.0.0.1", "80", "[::ffff:10.0.0.1]:80"),
            (&longest, "80", &format!("{longest}:80")),
        ] {
            let found = target(&format!("connect {host} {port}\n"));
            assert_eq!(found.as_deref(), Some(expected), "{host}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_line_is_none() {
        let long = format!("connect {} 1", "a.".repeat(127));
        for line in [
            "",
            "\r",
            "connect",
            "connect ",
            "connect host",
            "connect host ",
            "connect  host 80",
            "connect host  80",
            "connect host 80 ",
            " connect host 80",
            "connect host 80\r",
            "connect host\t80",
            "Connect host 80",
            "connect HOST 80",
            "connect Example.com 80",
            "connect ex\0ample.com 80",
            "connect exämple.com 80",
            "connect example..com 80",
            "connect .example.com 80",
            "connect . 80",
            "connect host:80 80",
            "connect [::1] 80",
            "connect ::1%lo 80",
            "connect fe80::1%1 80",
            "connect 127.1 80",
            "connect 127.0.0.01 80",
            "connect 127.0.0.1. 80",
            "connect 2130706433 80",
            "connect 0x7f000001 80",
            "connect 0x7f.0x1 80",
            "connect a/b 80",
            "connect a@b 80",
            "connect host 0",
            "connect host 080",
            "connect host +80",
            "connect host -1",
            "connect host 65536",
            "connect host 99999999999999999999",
            "connect host 8o",
            "connect host 80 80",
            &long,
        ] {
            assert_eq!(
                push(format!("{line}\n").as_bytes()),
                Progress::Malformed,
                "{line:?}"
            );
        }
        assert_eq!(push(b"connect \xff 80\n"), Progress::Malformed);
    }

    #[test]
    fn a_line_may_come_in_pieces_and_has_an_end() {
        let mut line = Line::default();
        for byte in b"connect host 80" {
            assert_eq!(line.push(&[*byte]), Progress::Begun);
        }
        let expected = Target {
            host: Host::Parent,
            port: 80,
        };
        assert_eq!(line.push(b"\nrest\n"), Progress::Whole(expected, b"rest\n"));
        // The newline may be the last byte of the bound, and nothing else may.
        let mut line = Line::default();
        assert_eq!(line.push(&[b'a'; MAX_LINE - 1]), Progress::Begun);
        assert_eq!(line.push(b"a"), Progress::Malformed);
        assert_eq!(push(&[b'a'; MAX_LINE]), Progress::Malformed);
        let mut late = vec![b'a'; MAX_LINE];
        late.push(b'\n');
        assert_eq!(push(&late), Progress::Malformed);
    }

    proptest! {
        /// How a line is cut changes nothing, and no more of it is kept than there may be.
        #[test]
        fn pieces_give_what_the_whole_gives(
            text in "(connect )?[a-z0-9.:x ]{0,300} [0-9]{0,6}\n?[a-z\n]{0,9}",
            piece in 1..400_usize,
        ) {
            let whole = push(text.as_bytes());
            let mut line = Line::default();
            let mut found = Progress::Begun;
            let mut left = text.as_bytes();
            while found == Progress::Begun && !left.is_empty() {
                let (bytes, rest) = left.split_at(piece.min(left.len()));
                found = line.push(bytes);
                left = rest;
                prop_assert!(line.kept() < MAX_LINE);
            }
            match (whole, found) {
                (Progress::Whole(whole, _), Progress::Whole(found, _)) => {
                    prop_assert_eq!(whole, found);
                }
                (whole, found) => prop_assert_eq!(whole, found),
            }
        }

        #[test]
        fn no_bytes_make_a_line_panic_or_grow(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..8),
        ) {
            let mut line = Line::default();
            for piece in &pieces {
                if line.push(piece) != Progress::Begun {
                    break;
                }
                prop_assert!(line.kept() < MAX_LINE);
            }
        }
    }
}
