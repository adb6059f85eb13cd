//! The one place that writes to the terminal.

use std::io::{self, ErrorKind, IsTerminal, Stderr, Stdout, Write};

use serde::Serialize;

/// What it means when nobody reads stdout any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClosedPipe {
    /// The reader has seen enough: `enclair inspect X | head`.
    Enough,
    /// The result is lost, and that is an error.
    Lost,
}

/// Writes results to stdout and messages to stderr.
#[derive(Debug)]
pub(crate) struct Printer {
    out: Stdout,
    messages: Stderr,
    closed_pipe: ClosedPipe,
}

impl Printer {
    pub(crate) fn new(closed_pipe: ClosedPipe) -> Self {
        Self {
            out: io::stdout(),
            messages: io::stderr(),
            closed_pipe,
        }
    }

    /// Whether a person is watching, so that progress is drawn.
    pub(crate) fn shows_progress(&self) -> bool {
        self.messages.is_terminal()
    }

    /// Writes a result.
    pub(crate) fn result(&self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes bytes of a result.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut out = self.out.lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if self.is_enough(&error) => Ok(()),
            written => written,
        }
    }

    fn is_enough(&self, error: &io::Error) -> bool {
        error.kind() == ErrorKind::BrokenPipe && self.closed_pipe == ClosedPipe::Enough
    }

    /// Writes a result as JSON.
    pub(crate) fn json(&self, document: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(document)?;
        text.push('\n');
        Ok(self.result(&text)?)
    }

    /// Writes text that brings its own newlines, as a console does.
    pub(crate) fn pass(&self, text: &str) {
        drop(self.messages.lock().write_all(text.as_bytes()));
    }

    /// Writes a message for a person. When stderr is gone there is nobody to tell.
    pub(crate) fn note(&self, text: &str) {
        drop(writeln!(self.messages.lock(), "{text}"));
    }
}
