//! How much the agent has done: numbers that only grow, and who is told when one has.
//!
//! Nothing is counted of what connections carry: the parent sees their bytes itself. A number that
//! does not change wakes nobody.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    /// Connections from outside that were passed on to the application.
    Connections,
    /// Calls to outside that the rules allow.
    Calls,
    /// Calls and names that they do not.
    Denied,
    /// Documents of the security module, for everybody and for the application.
    Documents,
    /// Requests from outside that were more than are answered in a second.
    Limited,
    /// Bytes of the application's output that nobody took and that are lost.
    OutputLost,
}

/// Every counter, with its key in the line for the parent.
const NAMES: [(Counter, &str); 6] = [
    (Counter::Connections, "connections"),
    (Counter::Calls, "calls"),
    (Counter::Denied, "denied"),
    (Counter::Documents, "documents"),
    (Counter::Limited, "limited"),
    (Counter::OutputLost, "output_lost"),
];

static VALUES: [AtomicU64; 6] = [const { AtomicU64::new(0) }; 6];
static CHANGED: Notify = Notify::const_new();

const fn value(counter: Counter) -> &'static AtomicU64 {
    let [connections, calls, denied, documents, limited, output_lost] = &VALUES;
    match counter {
        Counter::Connections => connections,
        Counter::Calls => calls,
        Counter::Denied => denied,
        Counter::Documents => documents,
        Counter::Limited => limited,
        Counter::OutputLost => output_lost,
    }
}

/// Counts one.
pub(crate) fn count(counter: Counter) {
    add(counter, 1);
}

/// Counts `number` of them.
pub(crate) fn add(counter: Counter, number: u64) {
    // One thread counts, so no order between threads matters.
    value(counter).fetch_add(number, Ordering::Relaxed);
    CHANGED.notify_one();
}

/// Waits until a number has changed since this was asked last.
pub(crate) async fn changed() {
    CHANGED.notified().await;
}

/// The line for the parent, with its newline.
pub(crate) fn line() -> String {
    let numbers = NAMES.map(|(counter, name)| {
        let number = value(counter).load(Ordering::Relaxed);
        format!(",\"{name}\":{number}")
    });
    let numbers = numbers.concat();
    format!("{{\"schema\":1,\"event\":\"counters\"{numbers}}}\n")
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn the_line_is_json_with_every_number() {
        // Other tests count at the same time, in this process.
        add(Counter::OutputLost, 7);
        let line = line();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["event"], "counters");
        assert!(value["output_lost"].as_u64().unwrap() >= 7);
        assert_eq!(value.as_object().unwrap().len(), 2 + NAMES.len());
        assert!(line.len() <= 512, "{}", line.len());
    }

    #[test]
    fn who_waits_is_told() {
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(async {
            count(Counter::Calls);
            changed().await;
        });
    }
}
