//! What substitutions print.

use super::super::command::Certainty;
use super::super::error::ScriptError;
use super::super::limits;
use super::super::syntax::List;
use super::Evaluator;
use super::flow::Flow;
use super::record::Opened;
use super::state::{State, Value};

/// What the commands of a substitution have printed so far.
#[derive(Debug)]
pub(super) enum Output {
    Text(String),
    Unknown,
    /// It goes elsewhere.
    Hidden,
}

impl Evaluator<'_> {
    /// Prints `text`, or what cannot be known, to the substitution around, if there is one.
    pub(super) fn print(&mut self, text: Option<&str>, state: &State) {
        let Some(output) = self.outputs.last_mut() else {
            return;
        };
        match (&mut *output, text) {
            (Output::Hidden | Output::Unknown, _) => {}
            (Output::Text(printed), Some(text))
                if state.certainty == Certainty::Always
                    && printed.len().saturating_add(text.len()) <= limits::VALUE =>
            {
                printed.push_str(text);
            }
            (Output::Text(_), _) => *output = Output::Unknown,
        }
    }

    /// Something is printed that cannot be known.
    pub(super) fn print_unknown(&mut self) {
        if let Some(output @ Output::Text(_)) = self.outputs.last_mut() {
            *output = Output::Unknown;
        }
    }

    /// Prints by a command whose redirections are `opened`; keeps the command if it writes a file.
    pub(super) fn print_by(
        &mut self,
        words: &[Value],
        text: Option<&str>,
        opened: Opened,
        state: &mut State,
    ) -> Result<(), ScriptError> {
        if opened.is_plain() {
            self.print(text, state);
        } else if opened.prints() {
            self.print_unknown();
        }
        if opened.writes() || self.is_written() {
            self.record(words, opened, state)?;
        }
        Ok(())
    }

    /// Runs `inner` as a substitution or as a stage of a pipeline that is not the last: in a
    /// shell of its own, with its output taken. `None` where that cannot be known.
    pub(super) fn captured(
        &mut self,
        state: State,
        inner: impl FnOnce(&mut Self, State) -> Flow,
    ) -> Result<(State, Option<String>), ScriptError> {
        let (certainty, base) = (state.certainty, self.base);
        self.base = base.max(certainty);
        self.outputs.push(Output::Text(String::new()));
        let written = std::mem::take(&mut self.written);
        let mut state = state;
        state.certainty = Certainty::Always;
        let original = self.copy(&state)?;
        let end = self.subshell(state, inner)?;
        self.base = base;
        self.written = written;
        let printed = match self.outputs.pop() {
            Some(Output::Text(text)) => Some(text),
            Some(Output::Unknown | Output::Hidden) | None => None,
        };
        let mut state = end.unwrap_or(original);
        state.certainty = certainty;
        Ok((state, printed))
    }

    /// The value of `$( )`.
    pub(super) fn substitution(
        &mut self,
        list: &List,
        source: &str,
        state: &mut State,
    ) -> Result<Value, ScriptError> {
        let line = self.line;
        let copy = self.copy(state)?;
        let (end, printed) = self.nested(|evaluator| {
            evaluator.captured(copy, |evaluator, inner| evaluator.list(list, inner))
        })?;
        self.line = line;
        self.substituted = Some(end.status);
        state.changes.clone_from(&end.changes);
        state.answers.clone_from(&end.answers);
        Ok(match printed {
            Some(text) => Value::known(text.trim_end_matches('\n')),
            None => Value::unknown(source),
        })
    }
}
