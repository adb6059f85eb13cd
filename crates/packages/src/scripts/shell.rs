//! A script as a whole: which program runs it, and its text.

use super::error::ScriptError;
use super::evaluate::OnError;
use super::parse::{Dialect, Lines, Source};
use super::syntax::List;
use super::{limits, parse};

/// A script for a shell.
#[derive(Debug)]
pub(super) struct ShellScript {
    pub(super) list: List,
    /// What its first line says of `set -e`.
    pub(super) on_error: OnError,
    /// The language of its text.
    pub(super) dialect: Dialect,
}

/// Parses a script, whose first line says what runs it.
///
/// # Errors
///
/// It is empty, too large, for another program, or not understood.
pub(super) fn parse(script: &[u8]) -> Result<ShellScript, ScriptError> {
    if script.is_empty() {
        return Err(ScriptError::Empty);
    }
    if script.len() > limits::SIZE {
        return Err(ScriptError::TooLarge {
            size: script.len(),
            limit: limits::SIZE,
        });
    }
    // Letters in comments may be in any encoding. What is replaced in a word makes it unknown.
    let text = String::from_utf8_lossy(script);
    let (dialect, on_error) = interpreter(text.lines().next().unwrap_or_default())?;
    let source = Source {
        line: 1,
        lines: Lines::Counted,
        dialect,
    };
    let list = parse::parse(&text, source)?;
    Ok(ShellScript {
        list,
        on_error,
        dialect,
    })
}

/// What a first line such as `#!/bin/sh -e` says.
fn interpreter(line: &str) -> Result<(Dialect, OnError), ScriptError> {
    let other = |interpreter: &str| ScriptError::NotShell {
        interpreter: interpreter.chars().take(64).collect(),
    };
    let Some(command) = line.strip_prefix("#!") else {
        return Err(other(line));
    };
    let mut words = command.split_ascii_whitespace();
    let path = words.next().unwrap_or_default();
    let mut name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    if name == "env" {
        name = words.next().unwrap_or_default();
    }
    let dialect = match name {
        "sh" | "dash" => Dialect::Posix,
        "bash" => Dialect::Bash,
        _ => return Err(other(path)),
    };
    let flags = words.next().unwrap_or_default();
    let on_error = if flags.starts_with('-') && flags.contains('e') {
        OnError::Ends
    } else {
        OnError::GoesOn
    };
    Ok((dialect, on_error))
}
