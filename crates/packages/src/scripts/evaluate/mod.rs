//! What a script would do, found by walking through it without doing any of it.
//!
//! An abstract evaluation: a variable has a value or cannot be known, a command succeeds, fails,
//! or cannot be known to do either. Where a condition is known one way is walked; where it is not,
//! both are, and where they meet only what they agree on is still known. A loop whose end cannot
//! be known is walked until another round finds nothing new.
//!
//! | met | taken as |
//! |---|---|
//! | a command that is not known here, under `set -e` | it succeeds: an installation in which it fails is given up |
//! | `a && b`, `a \|\| b`, `if a`, where `a` is not known | `b` is run perhaps |
//! | `exit` with a failure, in a branch | not taken: the same |
//! | `exit 0` or `return` in a branch that is run perhaps | what follows is run perhaps |
//! | a variable that nothing set | unset: scripts are run with an environment that holds nothing else |
//! | a path that a word does not name whole | it is no path that a later test asks for |

mod arithmetic;
mod builtins;
mod compound;
mod condition;
mod debconf;
mod expand;
mod filters;
mod flow;
mod output;
mod parameter;
mod paths;
mod pattern;
mod programs;
mod record;
mod simple;
mod state;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::call::Call;
use super::command::{Certainty, Command};
use super::error::ScriptError;
use super::facts::Facts;
use super::limits;
use super::parse::{Dialect, Lines, Source, parse};
use super::shell::ShellScript;
use flow::{Flow, Frame, Target};
use output::Output;
use state::{Input, Knowledge, Positional, State, Status, Unset, Value};

pub(super) use state::OnError;

/// What a script would do.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Its commands.
    pub(super) commands: Vec<Command>,
    /// Debconf's answers after it: those that are known.
    pub(super) answers: BTreeMap<String, String>,
}

/// Evaluates `script` for one call.
///
/// # Errors
///
/// It asks for more than the limits, uses what is not understood, or fails.
pub(super) fn evaluate(
    script: &ShellScript,
    call: &Call,
    facts: &dyn Facts,
) -> Result<Outcome, ScriptError> {
    let mut evaluator = Evaluator::new(script.dialect, call, facts);
    let start = start(script.on_error, call);
    let mut end = evaluator.framed(Target::Exit, start, |evaluator, state| {
        evaluator.list(&script.list, state)
    })?;
    if let Some(state) = end {
        end = evaluator.framed(Target::Exit, state, Evaluator::at_exit)?;
    }
    let mut answers = call.answers.clone();
    for (name, value) in end.iter().flat_map(|state| &state.answers) {
        match value {
            Value::Known(text) => answers.insert(name.to_string(), text.to_string()),
            Value::Unknown(_) => answers.remove(&**name),
        };
    }
    Ok(Outcome {
        commands: evaluator.commands,
        answers,
    })
}

/// The state in which a script begins.
fn start(on_error: OnError, call: &Call) -> State {
    let arguments = call.arguments();
    let mut state = State::from(Knowledge {
        variables: BTreeMap::new(),
        positional: Positional::Known(arguments.iter().map(|text| Value::known(text)).collect()),
        functions: BTreeMap::new(),
        changes: BTreeMap::new(),
        answers: BTreeMap::new(),
        unset: Unset::Unset,
        input: Input::Unknown,
        status: Status::SUCCESS,
        on_error,
        certainty: Certainty::Always,
    });
    for (name, value) in [
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("DPKG_ADMINDIR", "/var/lib/dpkg"),
        ("DPKG_MAINTSCRIPT_ARCH", &call.package_architecture),
        ("DPKG_MAINTSCRIPT_NAME", call.script.name()),
        ("DPKG_MAINTSCRIPT_PACKAGE", &call.package),
        ("DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT", "1"),
        ("DPKG_ROOT", ""),
        ("HOME", "/root"),
        ("IFS", " \t\n"),
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        ("PWD", "/"),
    ] {
        state.set(name, Value::known(value));
    }
    for name in ["DPKG_RUNNING_VERSION", "DPKG_FORCE", "PPID", "RANDOM"] {
        state.set(name, Value::unknown(&format!("${name}")));
    }
    state
}

/// One walk through a script.
struct Evaluator<'a> {
    call: &'a Call,
    facts: &'a dyn Facts,
    dialect: Dialect,
    commands: Vec<Command>,
    frames: Vec<Frame>,
    /// What substitutions have printed so far, the innermost last.
    outputs: Vec<Output>,
    /// Files that the compound commands around write.
    written: Vec<record::Inherited>,
    /// The certainty of everything around the innermost substitution.
    base: Certainty,
    /// How many conditions are being evaluated, in which a failure ends nothing.
    tested: u32,
    depth: u32,
    steps: u32,
    line: u32,
    /// What `trap` says is run at the end.
    trap: Option<Value>,
    /// How the last substitution ended, since a command began.
    substituted: Option<Status>,
    /// Variables that the functions around have made their own, the innermost last.
    locals: Vec<BTreeSet<Rc<str>>>,
}

impl<'a> Evaluator<'a> {
    fn new(dialect: Dialect, call: &'a Call, facts: &'a dyn Facts) -> Self {
        Self {
            call,
            facts,
            dialect,
            commands: Vec::new(),
            frames: Vec::new(),
            outputs: Vec::new(),
            written: Vec::new(),
            base: Certainty::Always,
            tested: 0,
            depth: 0,
            steps: 0,
            line: 1,
            trap: None,
            substituted: None,
            locals: Vec::new(),
        }
    }

    /// Counts one step and those that `bytes` of text are.
    fn step(&mut self, bytes: usize) -> Result<(), ScriptError> {
        let more = u32::try_from(bytes / limits::STEP_BYTES).unwrap_or(u32::MAX);
        self.steps = self.steps.saturating_add(more).saturating_add(1);
        if self.steps > limits::STEPS {
            return Err(ScriptError::TooLong {
                line: self.line,
                limit: limits::STEPS,
            });
        }
        Ok(())
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, ScriptError>,
    ) -> Result<T, ScriptError> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > limits::DEPTH {
            return Err(ScriptError::TooDeep {
                line: self.line,
                limit: limits::DEPTH,
            });
        }
        let result = inner(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// A copy of a state, which is counted.
    fn copy(&mut self, state: &State) -> Result<State, ScriptError> {
        self.step(state.size().saturating_mul(4))?;
        Ok(state.clone())
    }

    /// The error that a construct is not understood.
    fn unsupported(&self, expected: &'static str, found: &str) -> ScriptError {
        ScriptError::Syntax {
            line: self.line,
            expected,
            found: format!("`{}`", found.chars().take(64).collect::<String>()),
        }
    }

    /// What is left where two ways meet.
    fn join(&mut self, left: State, right: &State) -> Result<State, ScriptError> {
        self.step(left.size().saturating_add(right.size()).saturating_mul(4))?;
        left.join(right)
            .ok_or_else(|| self.unsupported("one definition of a function", "two of them"))
    }

    /// Parses and evaluates text that the script has made or sourced.
    fn evaluate_text(&mut self, text: &str, state: State) -> Flow {
        self.step(text.len())?;
        // Its commands are where the text is run: that is the line to look at.
        let source = Source {
            line: self.line,
            lines: Lines::Fixed,
            dialect: self.dialect,
        };
        let list = parse(text, source)?;
        self.nested(|evaluator| evaluator.list(&list, state))
    }

    /// What `trap` left to be run when the script ends.
    fn at_exit(&mut self, state: State) -> Flow {
        match self.trap.take() {
            None => Ok(Some(state)),
            Some(Value::Known(text)) => self.evaluate_text(&text, state),
            Some(Value::Unknown(text)) => {
                // What is shown has the parts in it that could not be known; they cannot be now.
                let mut state = state;
                state.forget_variables();
                self.evaluate_text(&text, state)
            }
        }
    }
}
