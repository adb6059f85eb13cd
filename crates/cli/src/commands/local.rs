//! `enclair ps`, `stop` and `logs`: enclaves that run in the background.

use std::fmt::Write as _;
use std::time::Duration;

use enclair_host::{Entry, Registry, RegistryError};

use super::escape;
use crate::arguments::{Logs, Ps, Stop};
use crate::environment;
use crate::local_documents::{LocalDocument, Phase, PsDocument};
use crate::printer::Printer;

/// The registry of this user.
pub(super) fn registry() -> anyhow::Result<Registry> {
    Ok(Registry::open(environment::enclaves()?)?)
}

/// What is known of an enclave; `None` before it has said anything.
pub(super) fn state(entry: &Entry) -> Option<LocalDocument> {
    // Asked first: one that ends in between has said so by then.
    let runs = entry.runs();
    let mut state: LocalDocument = serde_json::from_slice(&entry.state()?).ok()?;
    if !runs && state.phase != Phase::Ended {
        state.phase = Phase::Lost;
    }
    Some(state)
}

/// Lists all.
pub(crate) fn ps(arguments: &Ps, printer: &Printer) -> anyhow::Result<()> {
    let mut states = Vec::new();
    for entry in registry()?.entries()? {
        match state(&entry) {
            Some(state) => states.push(state),
            None => stateless(&entry, printer),
        }
    }
    if arguments.json {
        return printer.json(&PsDocument::new(states));
    }
    let text: String = states.iter().map(row).collect();
    Ok(printer.result(&text)?)
}

/// Says of an enclave of which nothing is known that it is there: its name is taken.
fn stateless(entry: &Entry, printer: &Printer) {
    let name = entry.name();
    printer.note(&if entry.runs() {
        format!("{name}  is being started, and has not said anything yet")
    } else {
        format!(
            "{name}  has no state that can be read, and does not run\n\
             hint: `enclair stop {name}` forgets it"
        )
    });
}

fn row(state: &LocalDocument) -> String {
    let mut text = format!("{}  {}", state.name, state.phase.name());
    // Writing to a String cannot fail.
    let _ = match (state.status, &state.message) {
        (Some(status), Some(message)) => write!(text, " with {status}: {}", escape(message)),
        (Some(status), None) => write!(text, " with {status}"),
        (None, _) => Ok(()),
    };
    let pcr0 = &state.measurements.pcr0;
    let _ = writeln!(
        text,
        "\n    {}\n    PCR0 {}...",
        escape(&state.image),
        escape(pcr0.get(..16).unwrap_or(pcr0))
    );
    for published in &state.published {
        let _ = writeln!(text, "    {published}");
    }
    text
}

/// Ends and forgets those that are named.
pub(crate) fn stop(arguments: &Stop, printer: &Printer) -> anyhow::Result<()> {
    let registry = registry()?;
    let entries = arguments.names.iter().map(|name| registry.entry(name));
    // All of them are looked for before the first is ended.
    let entries = entries.collect::<Result<Vec<_>, RegistryError>>()?;
    for entry in entries {
        entry.stop(Duration::from_secs(arguments.timeout))?;
        let state = state(&entry);
        entry.remove()?;
        let name = entry.name();
        printer.note(&match state.and_then(|state| state.status) {
            Some(status) => format!("{name} has ended with status {status}"),
            None => format!("{name} has ended without a status"),
        });
    }
    Ok(())
}

/// Shows a console.
pub(crate) fn logs(arguments: &Logs, printer: &Printer) -> anyhow::Result<()> {
    let entry = registry()?.entry(&arguments.name)?;
    let show = |bytes: &[u8]| printer.bytes(bytes);
    Ok(entry.read_console(arguments.follow, show)?)
}
