//! Other programs: run with their output on stderr, or asked for one line.

use std::io;
use std::process::{Command, Stdio};

use crate::error::Error;

/// The search path of programs that decide bytes: Debian's own, whatever the caller has.
pub(crate) const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs a program to its end; what it prints goes to stderr.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let name = name(command);
    command.stdin(Stdio::null()).stdout(io::stderr());
    let status = command.status().map_err(|source| Error::Start {
        program: name.clone(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed {
        program: name,
        status,
    })
}

/// What a program prints. What it says on stderr is part of the error when it fails.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let name = name(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Start {
            program: name.clone(),
            source,
        })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Error::FailedSaying {
        program: name,
        status: output.status,
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// The first line that a program prints.
pub(crate) fn first_line(command: &mut Command) -> Result<String, Error> {
    let output = output(command)?;
    Ok(output.lines().next().unwrap_or_default().trim().to_owned())
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_named_with_its_status_and_words() {
        let error = output(Command::new("sh").args(["-c", "echo why >&2; exit 3"])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("`sh` failed: exit status: 3"), "{text}");
        assert!(text.ends_with("why"), "{text}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert!(matches!(error, Error::Start { program, .. } if program == "no-such-program"));
    }

    #[test]
    fn one_line_is_the_first() {
        let line = first_line(Command::new("printf").arg(r"one\ntwo\n")).unwrap();
        assert_eq!(line, "one");
    }
}
