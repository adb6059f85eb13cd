//! What the agent says of its work: lines on the console, one for each thing that was denied.
//!
//! An application that asks again and again would fill the console, so no more than a few lines are
//! written in a second. What was left out is said with the next line; no timer waits for it.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

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

/// Says that the rules did not allow `target`, and which of them.
pub(crate) fn denied(target: &str, rule: Option<&str>) {
    let lines = SECOND.with_borrow_mut(|second| second.line(Instant::now(), target, rule));
    if let Some(lines) = lines {
        // Whether anybody reads it is not for the agent to care about.
        let _ = std::io::stderr().write_all(lines.as_bytes());
    }
}

impl Second {
    fn line(&mut self, now: Instant, target: &str, rule: Option<&str>) -> Option<String> {
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
        let reason = rule.map_or_else(|| "no rule".to_owned(), |rule| format!("rule {rule}"));
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "enclair-agent: denied {target}: {reason}");
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
        let written = (0..1000)
            .filter_map(|_| second.line(begin, "a.b:1", None))
            .count();
        assert_eq!(written, 10);
        let later = begin + Duration::from_millis(1001);
        assert_eq!(
            second.line(later, "a.b:1", Some("!a.b")).unwrap(),
            "enclair-agent: 990 lines were left out\nenclair-agent: denied a.b:1: rule !a.b\n"
        );
        assert_eq!(
            second.line(later, "a.b:2", None).unwrap(),
            "enclair-agent: denied a.b:2: no rule\n"
        );
    }
}
