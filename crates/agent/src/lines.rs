//! What the agent says of its work: lines on the console, one for each thing that was denied or
//! that there was no room for.
//!
//! An application that asks again and again would fill the console, so no more than a few lines are
//! written in a second. What was left out is said with the next line; no timer waits for it.
//!
//! A line is made of a host and a rule, which have no control characters, and of no bytes that
//! somebody sent.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use enclair_configuration::{EgressRule, Host};

use crate::egress::Target;

/// Lines in a second.
const MAX_LINES: u32 = 10;

/// The lines of the current second.
#[derive(Debug, Default)]
struct Second {
    begin: Option<Instant>,
    written: u32,
    left_out: u64,
}

thread_local! {
    static SECOND: RefCell<Second> = RefCell::default();
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// A connection.
    Connect(&'a Target),
    /// The address of a name.
    Name(&'a Host),
}

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(target) => write!(f, "connect {target}"),
            Self::Name(host) => write!(f, "name {host}"),
        }
    }
}

/// Why a name that the rules allow has no address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NoRoom<'a> {
    /// As many as there may be have one, or listen.
    TooMany,
    /// The kernel does not let the agent listen at this port, or at any.
    Port(u16, &'a io::Error),
}

impl fmt::Display for NoRoom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => f.write_str("too many names have one"),
            Self::Port(port, error) if error.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "something else listens at port {port}")
            }
            Self::Port(port, error) => write!(f, "port {port}: {error}"),
        }
    }
}

/// Says what the rules did not allow, and which of them.
pub(crate) fn denied(asked: Asked<'_>, rule: Option<&EgressRule>) {
    say(&denial(asked, rule));
}

/// Says that a name has no address, although the rules allow it.
pub(crate) fn no_room(host: &Host, reason: NoRoom<'_>) {
    say(&format!("no address for {host}: {reason}"));
}

/// Says that connections from outside do not arrive at a port.
pub(crate) fn not_listening(port: u16, error: &io::Error) {
    say(&format!(
        "nothing arrives at the vsock port {port}: {error}"
    ));
}

/// Says what is wrong with the time that somebody told.
pub(crate) fn clock(text: fmt::Arguments<'_>) {
    say(&format!("clock: {text}"));
}

fn say(text: &str) {
    let lines = SECOND.with_borrow_mut(|second| second.line(Instant::now(), text));
    if let Some(lines) = lines {
        // Whether anybody reads it is not for the agent to care about.
        let _ = std::io::stderr().write_all(lines.as_bytes());
    }
}

fn denial(asked: Asked<'_>, rule: Option<&EgressRule>) -> String {
    match rule {
        None => format!("denied {asked}: no rule"),
        // Only of names: a connection is not denied by a rule that allows it.
        Some(rule) if rule.allows() => format!("denied {asked}: rule {rule} has no single port"),
        Some(rule) => format!("denied {asked}: rule {rule}"),
    }
}

impl Second {
    fn line(&mut self, now: Instant, text: &str) -> Option<String> {
        let same = self
            .begin
            .is_some_and(|begin| now.duration_since(begin) < Duration::from_secs(1));
        if !same {
            self.begin = Some(now);
            self.written = 0;
        }
        if self.written == MAX_LINES {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.written += 1;
        let mut lines = String::new();
        if self.left_out > 0 {
            lines = format!("enclair-agent: {} lines were left out\n", self.left_out);
            self.left_out = 0;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "enclair-agent: {text}");
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_a_number() {
        let mut second = Second::default();
        let begin = Instant::now();
        let written = (0..1000).filter_map(|_| second.line(begin, "x")).count();
        assert_eq!(written, 10);
        let later = begin + Duration::from_millis(1001);
        assert_eq!(
            second.line(later, "x").unwrap(),
            "enclair-agent: 990 lines were left out\nenclair-agent: x\n"
        );
        assert_eq!(second.line(later, "y").unwrap(), "enclair-agent: y\n");
    }

    #[test]
    fn a_line_names_what_was_asked_for_and_the_reason() {
        let host: Host = "a.b".parse().unwrap();
        let target = Target {
            host: host.clone(),
            port: 1,
        };
        let (deny, range) = ("!a.b".parse().unwrap(), "a.b:1-2".parse().unwrap());
        let name = Asked::Name(&host);
        for (found, expected) in [
            (
                denial(Asked::Connect(&target), Some(&deny)),
                "denied connect a.b:1: rule !a.b",
            ),
            (denial(name, None), "denied name a.b: no rule"),
            (
                denial(name, Some(&range)),
                "denied name a.b: rule a.b:1-2 has no single port",
            ),
            (
                NoRoom::Port(443, &io::ErrorKind::AddrInUse.into()).to_string(),
                "something else listens at port 443",
            ),
            (NoRoom::TooMany.to_string(), "too many names have one"),
        ] {
            assert_eq!(found, expected);
        }
    }
}
