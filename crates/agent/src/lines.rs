//! What the agent says of its work: lines on the console, one for each thing that was denied.
//!
//! An application that asks again and again would fill the console, so no more than a few lines are
//! written in a second. What was left out is said with the next line; no timer waits for it.
//!
//! A line is made of a host and a rule, which have no control characters, and of no bytes that
//! somebody sent.

use std::cell::RefCell;
use std::fmt::{self, Write as _};
use std::io::Write as _;
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

/// Says what the rules did not allow, and which of them.
pub(crate) fn denied(asked: Asked<'_>, rule: Option<&EgressRule>) {
    let lines = SECOND.with_borrow_mut(|second| second.line(Instant::now(), asked, rule));
    if let Some(lines) = lines {
        // Whether anybody reads it is not for the agent to care about.
        let _ = std::io::stderr().write_all(lines.as_bytes());
    }
}

impl Second {
    fn line(
        &mut self,
        now: Instant,
        asked: Asked<'_>,
        rule: Option<&EgressRule>,
    ) -> Option<String> {
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
        let reason = match rule {
            None => "no rule".to_owned(),
            // Only of names: a connection is not denied by a rule that allows it.
            Some(rule) if rule.allows() => format!("rule {rule} has no single port"),
            Some(rule) => format!("rule {rule}"),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "enclair-agent: denied {asked}: {reason}");
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
        let host: Host = "a.b".parse().unwrap();
        let target = Target {
            host: host.clone(),
            port: 1,
        };
        let asked = Asked::Connect(&target);
        let written = (0..1000)
            .filter_map(|_| second.line(begin, asked, None))
            .count();
        assert_eq!(written, 10);
        let later = begin + Duration::from_millis(1001);
        let rule = "!a.b".parse().unwrap();
        assert_eq!(
            second.line(later, asked, Some(&rule)).unwrap(),
            "enclair-agent: 990 lines were left out\n\
             enclair-agent: denied connect a.b:1: rule !a.b\n"
        );
        assert_eq!(
            second.line(later, Asked::Name(&host), None).unwrap(),
            "enclair-agent: denied name a.b: no rule\n"
        );
        let rule = "a.b:1-2".parse().unwrap();
        assert_eq!(
            second.line(later, Asked::Name(&host), Some(&rule)).unwrap(),
            "enclair-agent: denied name a.b: rule a.b:1-2 has no single port\n"
        );
    }
}
