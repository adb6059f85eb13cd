//! Compound commands.

use std::rc::Rc;

use super::super::command::Certainty;
use super::super::error::ScriptError;
use super::super::limits;
use super::super::syntax::{Arm, Case, For, If, List, Negation, Node, Stage, While};
use super::Evaluator;
use super::expand::Splitting;
use super::flow::{Flow, Target};
use super::state::{Positional, State, Status, Value};

impl Evaluator<'_> {
    /// One command with its redirections.
    pub(super) fn stage(&mut self, command: &Stage, state: State) -> Flow {
        self.line = command.line;
        self.step(0)?;
        if let Node::Simple(simple) = &command.node {
            return self.nested(|evaluator| evaluator.simple(simple, &command.redirections, state));
        }
        let mut state = state;
        let opened = self.redirections(&command.redirections, &mut state)?;
        let outer = state.input.clone();
        if let Some(input) = self.opened_input(&opened, &state) {
            state.input = input;
        }
        let replaced = state.input != outer;
        self.inherit(opened);
        let end = self.nested(|evaluator| evaluator.node(&command.node, state));
        self.disinherit();
        Ok(end?.map(|mut state| {
            if replaced {
                state.input = outer;
            }
            state
        }))
    }

    fn node(&mut self, node: &Node, state: State) -> Flow {
        match node {
            Node::Simple(_) => Ok(Some(state)),
            Node::Brace(list) => self.list(list, state),
            Node::Subshell(list) => {
                self.subshell(state, |evaluator, inner| evaluator.list(list, inner))
            }
            Node::If(clause) => self.if_clause(clause, state),
            Node::Case(clause) => self.case_clause(clause, state),
            Node::For(clause) => self.for_clause(clause, state),
            Node::While(clause) => self.while_clause(clause, state),
            Node::Function { name, body } => {
                let mut state = state;
                state
                    .functions
                    .insert(Rc::from(name.as_str()), Rc::clone(body));
                state.status = Status::SUCCESS;
                Ok(Some(state))
            }
            Node::Conditional(words) => self.conditional(words, state).map(Some),
            Node::Arithmetic => {
                let mut state = state;
                state.status = Status::Unknown;
                Ok(Some(state))
            }
        }
    }

    /// Runs `inner` in a shell of its own, whose state is lost but for its status and for what
    /// it did to files.
    pub(super) fn subshell(
        &mut self,
        state: State,
        inner: impl FnOnce(&mut Self, State) -> Flow,
    ) -> Flow {
        let copy = self.copy(&state)?;
        let end = self.framed(Target::Exit, copy, inner)?;
        // Where no way leads to its end, it fails on every one that is taken.
        Ok(end.map(|end| {
            let mut state = state;
            state.status = end.status;
            state.changes.clone_from(&end.changes);
            state.answers.clone_from(&end.answers);
            state
        }))
    }

    fn if_clause(&mut self, clause: &If, state: State) -> Flow {
        self.if_arms(&clause.arms, &clause.otherwise, state)
    }

    fn if_arms(&mut self, arms: &[(List, List)], otherwise: &List, state: State) -> Flow {
        let Some(((condition, body), rest)) = arms.split_first() else {
            let mut state = state;
            if otherwise.is_empty() {
                state.status = Status::SUCCESS;
            }
            return self.list(otherwise, state);
        };
        let tested = self.tested_if(true, |evaluator| evaluator.list(condition, state))?;
        let Some(state) = tested else {
            return Ok(None);
        };
        self.choose(
            state.status.success(),
            state,
            &mut |evaluator, state| evaluator.list(body, state),
            &mut |evaluator, state| {
                evaluator.nested(|evaluator| evaluator.if_arms(rest, otherwise, state))
            },
        )
    }

    fn case_clause(&mut self, clause: &Case, state: State) -> Flow {
        let mut state = state;
        let subject = self.expand_one(&clause.subject, &mut state)?;
        self.arms(&clause.arms, &subject, state)
    }

    fn arms(&mut self, arms: &[Arm], subject: &Value, state: State) -> Flow {
        let mut state = state;
        for (position, arm) in arms.iter().enumerate() {
            let matched = self.arm_matches(arm, subject, &mut state)?;
            if matched == Some(false) {
                continue;
            }
            let rest = arms.get(position.saturating_add(1)..).unwrap_or_default();
            state.status = Status::SUCCESS;
            return self.choose(
                matched,
                state,
                &mut |evaluator, state| evaluator.list(&arm.body, state),
                &mut |evaluator, state| {
                    evaluator.nested(|evaluator| evaluator.arms(rest, subject, state))
                },
            );
        }
        state.status = Status::SUCCESS;
        Ok(Some(state))
    }

    fn arm_matches(
        &mut self,
        arm: &Arm,
        subject: &Value,
        state: &mut State,
    ) -> Result<Option<bool>, ScriptError> {
        let mut outcome = Some(false);
        for pattern in &arm.patterns {
            let pattern = self.expand_pattern(pattern, state)?;
            self.step(pattern.len())?;
            let matched = match subject {
                Value::Known(text) => pattern.matches(text),
                Value::Unknown(_) if pattern.matches_all() => Some(true),
                Value::Unknown(_) => None,
            };
            match matched {
                Some(true) => return Ok(Some(true)),
                Some(false) => {}
                None => outcome = None,
            }
        }
        Ok(outcome)
    }

    fn for_clause(&mut self, clause: &For, state: State) -> Flow {
        let mut state = state;
        let items: Option<Vec<Value>> = match &clause.words {
            Some(words) => {
                let words = self.expand(words, Splitting::Fields, &mut state)?;
                words
                    .iter()
                    .all(|word| matches!(word, Value::Known(_)))
                    .then_some(words)
            }
            None => match &state.positional {
                Positional::Known(values) => Some(values.to_vec()),
                Positional::Unknown => None,
            },
        };
        state.status = Status::SUCCESS;
        let source = format!("${}", clause.name);
        self.framed(Target::Break, state, |evaluator, state| match items {
            Some(items) if items.len() <= limits::ROUNDS => {
                evaluator.for_each(clause, items, state)
            }
            _ => evaluator.any_rounds(state, &mut |evaluator, mut state| {
                state.set(&clause.name, Value::unknown(&source));
                evaluator.round(&clause.body, state)
            }),
        })
    }

    fn for_each(&mut self, clause: &For, items: Vec<Value>, state: State) -> Flow {
        let mut state = state;
        for item in items {
            state.set(&clause.name, item);
            match self.round(&clause.body, state)? {
                Some(next) => state = next,
                None => return Ok(None),
            }
        }
        Ok(Some(state))
    }

    /// One round of a loop's body.
    fn round(&mut self, body: &List, state: State) -> Flow {
        self.framed(Target::Continue, state, |evaluator, state| {
            evaluator.list(body, state)
        })
    }

    fn while_clause(&mut self, clause: &While, state: State) -> Flow {
        self.framed(Target::Break, state, |evaluator, state| {
            evaluator.while_rounds(clause, state)
        })
    }

    /// Rounds as long as the condition is known, and then any number of them.
    fn while_rounds(&mut self, clause: &While, state: State) -> Flow {
        let Some(mut state) = self.condition(clause, state)? else {
            return Ok(None);
        };
        for round in 0..limits::ROUNDS {
            match state.status.success() {
                Some(false) => {
                    state.status = Status::SUCCESS;
                    return Ok(Some(state));
                }
                None => break,
                Some(true) => {}
            }
            let before = self.copy(&state)?;
            let commands = self.commands.len();
            match self.while_round(clause, state)? {
                Some(next) => state = next,
                None => return Ok(None),
            }
            if state.is_settled(&before) {
                // This round is kept as one of any number, but for the first: that is certain.
                if round > 0 {
                    self.commands.truncate(commands);
                }
                break;
            }
        }
        self.any_rounds(state, &mut |evaluator, state| {
            evaluator.while_round(clause, state)
        })
    }

    /// The body, and the condition of the next round.
    fn while_round(&mut self, clause: &While, state: State) -> Flow {
        match self.round(&clause.body, state)? {
            Some(state) => self.condition(clause, state),
            None => Ok(None),
        }
    }

    fn condition(&mut self, clause: &While, state: State) -> Flow {
        let tested = self.tested_if(true, |evaluator| evaluator.list(&clause.condition, state))?;
        Ok(tested.map(|mut state| {
            if clause.negation == Negation::Negated {
                state.status = state.status.negated();
            }
            state
        }))
    }

    /// Rounds of a loop that is run any number of times: until one finds nothing new.
    ///
    /// Only the commands of the last round are kept.
    fn any_rounds(
        &mut self,
        state: State,
        round: &mut dyn FnMut(&mut Self, State) -> Flow,
    ) -> Flow {
        let certainty = state.certainty;
        let jumps = self.jumps();
        let mut before = state;
        before.certainty = Certainty::Perhaps;
        before.status = Status::Unknown;
        loop {
            let commands = self.commands.len();
            let copy = self.copy(&before)?;
            let after = round(self, copy)?;
            let copy = self.copy(&before)?;
            let Some(mut met) = self.meet(Some(copy), after)? else {
                return Ok(None);
            };
            if met.is_settled(&before) {
                met.certainty = if self.jumps() > jumps {
                    Certainty::Perhaps
                } else {
                    certainty
                };
                return Ok(Some(met));
            }
            self.commands.truncate(commands);
            before = met;
        }
    }
}
