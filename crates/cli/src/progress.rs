//! Progress bars for a person at a terminal.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::Duration;

use enclair_build::{Progress, Silent};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::printer::Printer;

/// Everything that is drawn: a stage and the downloads that go on meanwhile are lines of one block.
pub(crate) static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// What the library reports to: a bar at a terminal, nothing in a pipe.
pub(crate) fn progress(printer: &Printer) -> Box<dyn Progress> {
    if printer.shows_progress() {
        Box::new(Bar::default())
    } else {
        Box::new(Silent)
    }
}

/// Draws the current stage.
#[derive(Debug, Default)]
struct Bar {
    current: RefCell<Option<ProgressBar>>,
}

impl Progress for Bar {
    fn stage(&self, name: &'static str, bytes: Option<u64>) {
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{msg:20} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{msg:20} {spinner} {bytes} {bytes_per_sec}",
            ),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name);
        self.clear();
        let bar = BARS.add(bar);
        bar.enable_steady_tick(Duration::from_millis(100));
        *self.current.borrow_mut() = Some(bar);
    }

    fn advance(&self, bytes: u64) {
        if let Some(bar) = self.current.borrow().as_ref() {
            bar.inc(bytes);
        }
    }
}

impl Bar {
    fn clear(&self) {
        if let Some(bar) = self.current.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}
