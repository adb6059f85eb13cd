//! Progress bars of downloads, one for each that is under way.

use std::time::Duration;

use enclair_fetch::{Observer, Transfer};
use indicatif::{ProgressBar, ProgressStyle};

use crate::commands::escape;
use crate::progress::BARS;

/// Draws every transfer below the others.
#[derive(Debug)]
pub(crate) struct Transfers;

/// One bar.
#[derive(Debug)]
struct Bar(ProgressBar);

impl Observer for Transfers {
    fn begin(&self, name: &str, size: Option<u64>) -> Box<dyn Transfer> {
        let (bar, template) = match size {
            Some(size) => (
                ProgressBar::new(size),
                "{msg:28} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{msg:28} {spinner} {bytes} {bytes_per_sec}",
            ),
        };
        let bar = BARS.add(bar);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(escape(name));
        bar.enable_steady_tick(Duration::from_millis(100));
        Box::new(Bar(bar))
    }
}

impl Transfer for Bar {
    fn bytes(&mut self, there: u64) {
        self.0.set_position(there);
    }

    fn retry(&mut self, provider: &str, reason: &str, _wait: Duration) {
        let text = format!("{provider}: {reason}");
        self.0.println(format!("retry  {}", escape(&text)));
    }

    fn done(self: Box<Self>, _provider: Option<&str>) {
        self.0.finish_and_clear();
    }
}
