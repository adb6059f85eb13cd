//! Simple commands: what their first word is decides what is done.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::syntax::{Redirection, Simple, Stage};
use super::Evaluator;
use super::expand::Splitting;
use super::flow::{Flow, Target};
use super::record::Opened;
use super::state::{Positional, State, Status, Value};

/// What came of offering a command to something that may know it.
pub(super) enum Handled {
    /// It was carried out; control goes on in this state, or does not.
    Done(Option<State>),
    /// It is not known there.
    NotKnown(State, Opened),
}

impl Evaluator<'_> {
    /// A simple command.
    pub(super) fn simple(
        &mut self,
        simple: &Simple,
        redirections: &[Redirection],
        state: State,
    ) -> Flow {
        let mut state = state;
        let line = self.line;
        self.substituted = None;
        let words = self.expand(&simple.words, Splitting::Fields, &mut state)?;
        let opened = self.redirections(redirections, &mut state)?;
        let mut replaced = Vec::new();
        for assignment in &simple.assignments {
            let value = match &assignment.value {
                Some(value) => self.expand_one(value, &mut state)?,
                None => Value::unknown(&format!("${}", assignment.name)),
            };
            let name = assignment.name.as_str();
            replaced.push((name, state.variables.get(name).cloned()));
            state.set(name, value);
        }
        self.line = line;
        if words.is_empty() {
            // Assignments alone stay, and the last substitution's status counts.
            state.status = self.substituted.unwrap_or(Status::SUCCESS);
            if !opened.is_empty() && opened.writes() {
                self.record(&[], opened, &mut state)?;
            }
            return Ok(Some(state));
        }
        let end = self.run(&words, opened, state)?;
        self.line = line;
        Ok(end.map(|mut state| {
            for (name, value) in replaced {
                match value {
                    Some(value) => state.set(name, value),
                    None => drop(state.variables.remove(name)),
                }
            }
            state
        }))
    }

    /// Runs a command that is known here, or keeps it.
    pub(super) fn run(&mut self, words: &[Value], opened: Opened, state: State) -> Flow {
        let Some(Value::Known(name)) = words.first() else {
            return self.keep(words, opened, state);
        };
        let name = Rc::clone(name);
        let (state, opened) = match self.special(&name, words, opened, state)? {
            Handled::Done(end) => return Ok(end),
            Handled::NotKnown(state, opened) => (state, opened),
        };
        if let Some(body) = state.functions.get(&name).map(Rc::clone) {
            return self.call_function(&body, words, opened, state);
        }
        self.run_program(&name, words, opened, state)
    }

    /// Runs a builtin or a program whose doing is known here, or keeps it.
    pub(super) fn run_program(
        &mut self,
        name: &str,
        words: &[Value],
        opened: Opened,
        state: State,
    ) -> Flow {
        let (state, opened) = match self.builtin(name, words, opened, state)? {
            Handled::Done(end) => return Ok(end),
            Handled::NotKnown(state, opened) => (state, opened),
        };
        let (state, opened) = match self.debconf(name, words, opened, state)? {
            Handled::Done(end) => return Ok(end),
            Handled::NotKnown(state, opened) => (state, opened),
        };
        match self.program(name, words, opened, state)? {
            Handled::Done(end) => Ok(end),
            Handled::NotKnown(state, opened) => self.keep(words, opened, state),
        }
    }

    /// Keeps a command of which nothing is known.
    pub(super) fn keep(&mut self, words: &[Value], opened: Opened, state: State) -> Flow {
        let mut state = state;
        if opened.prints() {
            self.print_unknown();
        }
        self.record(words, opened, &mut state)?;
        state.status = Status::Unknown;
        Ok(Some(state))
    }

    fn call_function(
        &mut self,
        body: &Stage,
        words: &[Value],
        opened: Opened,
        state: State,
    ) -> Flow {
        let mut state = state;
        let before = self.copy(&state)?;
        state.positional = Positional::Known(words.iter().skip(1).cloned().collect());
        self.locals.push(BTreeSet::new());
        self.inherit(opened);
        let end = self.framed(Target::Return, state, |evaluator, state| {
            evaluator.stage(body, state)
        });
        self.disinherit();
        let locals = self.locals.pop().unwrap_or_default();
        Ok(end?.map(|mut state| {
            state.positional = before.positional.clone();
            for name in locals {
                match before.variables.get(&name) {
                    Some(value) => drop(state.variables.insert(name, value.clone())),
                    None => drop(state.variables.remove(&name)),
                }
            }
            state
        }))
    }
}
