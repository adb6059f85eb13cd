//! `enclair run --detach`: a process of its own looks after the enclave.
//!
//! ```text
//! enclair run --detach       place and lock made, this program started again with its own arguments
//!                            and --kept-in
//!   its standard input       | the lock: who has it looks after the enclave
//!   its standard output      | one word when the application runs, or is ready
//!   its standard error       | messages, which are told if that word does not come
//! ```
//!
//! The second process has a session of its own, so that it does not end with a terminal.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, anyhow, bail};
use enclair_host::{Entry, KeptConsole, Publish, RegistryError, Report, Request};

use super::local::{registry, state};
use crate::arguments::Run;
use crate::environment;
use crate::local_documents::{LocalDocument, Phase};
use crate::printer::Printer;

/// What the second process says when the enclave can be left alone.
const WORD: &str = "up";

/// Starts the second process and waits for its word.
pub(super) fn start(arguments: &Run, pcr0: &str, printer: &Printer) -> anyhow::Result<ExitCode> {
    let (entry, lock) = place(arguments.name.as_deref(), pcr0)?;
    let spawn = || {
        Command::new(env::current_exe()?)
            .args(env::args_os().skip(1).take(1))
            .arg("--kept-in")
            .arg(entry.directory())
            .args(env::args_os().skip(2))
            .stdin(lock)
            .stdout(Stdio::piped())
            .stderr(entry.messages_file().map_err(std::io::Error::other)?)
            .spawn()
    };
    let child = spawn().context("no process can be started to look after the enclave");
    let child = child.inspect_err(|_| drop(entry.remove()))?;
    if waits_for_word(child) {
        let name = entry.name();
        if arguments.parent.json {
            let state = state(&entry).ok_or_else(|| anyhow!("`{name}` has no state"))?;
            printer.json(&state)?;
        } else {
            printer.result(&format!("{name}\n"))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let status = state(&entry).and_then(|state| state.status).unwrap_or(125);
    let show = |bytes: &[u8]| {
        printer.pass(&String::from_utf8_lossy(bytes));
        Ok(())
    };
    // One that has not come so far has no console.
    let _ = entry.read_console(false, show);
    printer.pass(&entry.messages());
    entry.remove()?;
    if status == 0 {
        bail!("the application ended before it was ready");
    }
    Ok(ExitCode::from(status))
}

/// A place, under the name that is asked for or a new one.
fn place(name: Option<&str>, pcr0: &str) -> anyhow::Result<(Entry, std::fs::File)> {
    let registry = registry()?;
    if let Some(name) = name {
        return Ok(registry.create(name)?);
    }
    let short = pcr0.get(..12).unwrap_or(pcr0);
    let names = (2..).map(|number: u32| format!("{short}-{number}"));
    for name in std::iter::once(short.to_owned()).chain(names) {
        match registry.create(&name) {
            Err(RegistryError::Taken { .. }) => {}
            result => return Ok(result?),
        }
    }
    Err(anyhow!("there is no name left"))
}

fn waits_for_word(mut child: Child) -> bool {
    let mut line = String::new();
    if let Some(output) = child.stdout.take() {
        // Its end is that of a process that has failed.
        let _ = BufReader::new(output).read_line(&mut line);
    }
    if line.trim_end() == WORD {
        return true;
    }
    let _ = child.wait();
    false
}

/// What the second process keeps of the enclave.
#[derive(Debug)]
pub(super) struct Kept {
    entry: Entry,
    state: Mutex<LocalDocument>,
    /// Whether the word is said only when the application is ready.
    waits_until_ready: bool,
}

impl Kept {
    /// Begins to look after the enclave. Gives where its console goes, too.
    pub(super) fn begin(
        directory: &Path,
        arguments: &Run,
        published: &[Publish],
        request: &Request,
    ) -> anyhow::Result<(Self, KeptConsole)> {
        let name = directory.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default().to_owned();
        let image = std::path::absolute(&arguments.file)?.display().to_string();
        let since = environment::now().unwrap_or_default();
        let state = LocalDocument::new(&name, image, since, published, request);
        let entry = Entry::adopt(name, directory.to_owned());
        enclair_host::leave_terminal().context("the terminal cannot be left")?;
        entry.claim()?;
        let console = entry.console()?;
        let kept = Self {
            entry,
            state: Mutex::new(state),
            waits_until_ready: request.ready_timeout.is_some(),
        };
        kept.write(&kept.state())?;
        Ok((kept, console))
    }

    fn state(&self) -> MutexGuard<'_, LocalDocument> {
        // A state that a panic left is still the last that is known.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, state: &LocalDocument) -> anyhow::Result<()> {
        Ok(self.entry.write_state(&serde_json::to_vec(state)?)?)
    }

    fn change(&self, change: impl FnOnce(&mut LocalDocument)) {
        let mut state = self.state();
        change(&mut state);
        // On a full disk what was written before stays. One that has ended is then called lost.
        let _ = self.write(&state);
    }

    /// The application has come so far.
    pub(super) fn reached(&self, phase: Phase) {
        self.change(|state| state.phase = phase);
        if phase == Phase::Ready || !self.waits_until_ready {
            // Whoever waited may have gone.
            let _ = writeln!(std::io::stdout(), "{WORD}");
        }
    }

    /// The enclave has ended.
    pub(super) fn end(&self, report: &Report) {
        self.change(|state| state.end(report));
    }
}
