//! What init says, and where: every event goes to the console and, while there is one, to the
//! status channel.

use crate::console;
use crate::status::{Channel, Event};

/// Console and status channel together.
#[derive(Debug, Default)]
pub(crate) struct Report {
    channel: Option<Channel>,
}

impl Report {
    /// Opens the status channel. Without a listener there, the console is all there is.
    pub(crate) fn connect(&mut self) {
        match Channel::open() {
            Ok(channel) => self.channel = Some(channel),
            Err(errno) => console::say(&format!("no status channel: {errno}")),
        }
    }

    /// Says an event. A channel that fails is not used again.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        console::say(&event.sentence());
        if let Some(channel) = &self.channel
            && let Err(errno) = channel.send(event)
        {
            self.channel = None;
            console::say(&format!("status channel lost: {errno}"));
        }
    }

    /// Ends the status channel, after the last event.
    pub(crate) fn finish(&mut self) {
        if let Some(Err(errno)) = self.channel.take().map(Channel::finish) {
            console::say(&format!("status channel not closed by the parent: {errno}"));
        }
    }
}
