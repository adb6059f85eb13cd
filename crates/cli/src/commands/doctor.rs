//! `enclair doctor`.

use std::path::Path;
use std::process::ExitCode;

use enclair_host::doctor::{Found, examine};

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
