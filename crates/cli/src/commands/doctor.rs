//! `enclair doctor`.

use std::path::Path;
use std::process::ExitCode;

use enclair_host::doctor::{Check, Found, examine};
use enclair_sandbox::{Job, SandboxError};
use enclair_tree::{MemorySpool, Metadata, Tree};

use super::escape;
use super::run::search;
use crate::archives;
use crate::arguments::Doctor;
use crate::environment;
use crate::printer::Printer;
use crate::run_documents::DoctorDocument;

/// Says what this machine can do; the status says whether an enclave can be run.
pub(crate) fn run(arguments: &Doctor, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut checks = examine(&search(&arguments.qemu), Path::new("."));
    checks.extend(archives::checks(&archives::read(
        &environment::apt_sources(),
    )));
    checks.push(sandbox());
    let runs = checks.iter().all(|check| check.found != Found::Missing);
    if arguments.json {
        printer.json(&DoctorDocument::new(&checks, runs))?;
    } else {
        for check in &checks {
            let found = match check.found {
                Found::Ok => "ok",
                Found::Missing => "missing",
                Found::Without => "without",
            };
            printer.result(&format!("{found:<8} {}\n", escape(&check.text)))?;
            if let Some(hint) = check.hint {
                printer.result(&format!("         hint: {hint}\n"))?;
            }
        }
    }
    Ok(ExitCode::from(u8::from(!runs)))
}

/// Whether scripts of packages could be run: a sandbox without any is made.
fn sandbox() -> Check {
    let (id, subject) = ("sandbox", "`scripts = \"sandbox\"` for packages");
    match try_sandbox() {
        Ok(()) => Check {
            id,
            found: Found::Ok,
            text: format!("{subject}: namespaces, ids and tracing are there"),
            hint: None,
        },
        Err(error) => Check {
            id,
            found: Found::Without,
            text: format!("{subject}: {error}"),
            hint: error.hint(),
        },
    }
}

fn try_sandbox() -> Result<(), SandboxError> {
    let job = Job {
        scripts: Vec::new(),
        time: 0,
        limit: 1 << 20,
        entries: 1 << 10,
    };
    let program = std::env::current_exe().map_err(SandboxError::Start)?;
    let tree = Tree::new(Metadata::new(0o755));
    enclair_sandbox::run(&program, &job, (&tree, &mut MemorySpool::new())).map(drop)
}
