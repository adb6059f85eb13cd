//! Where control goes: lists, conditions, and jumps out of what is open.
//!
//! A function of this evaluation takes the state before a construct and returns the one after it,
//! or `None` where control does not go on there. A jump (`exit`, `return`, `break`, `continue`)
//! leaves its state at the frame that it goes to, which joins what it gets.

use super::super::command::Certainty;
use super::super::error::ScriptError;
use super::super::syntax::{AndOr, Connector, List, Negation, Pipeline, Runs, Stage};
use super::Evaluator;
use super::state::{Input, OnError, State, Status};

/// The state after a construct; `None` where control does not go on behind it.
pub(super) type Flow = Result<Option<State>, ScriptError>;

/// What a jump goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The end of the script or of a subshell.
    Exit,
    /// The end of a function or of a sourced file.
    Return,
    /// Behind a loop.
    Break,
    /// The next round of a loop.
    Continue,
}

/// Something that is open and that jumps go to.
#[derive(Debug)]
pub(super) struct Frame {
    target: Target,
    /// What the jumps that came here have in common.
    arrived: Option<State>,
    jumps: usize,
}

/// A way that a condition leaves open.
pub(super) type Way<'a, 'b> = &'b mut dyn FnMut(&mut Evaluator<'a>, State) -> Flow;

impl<'a> Evaluator<'a> {
    /// Runs `inner` with a frame for jumps to `target`, and joins them with its end.
    pub(super) fn framed(
        &mut self,
        target: Target,
        state: State,
        inner: impl FnOnce(&mut Self, State) -> Flow,
    ) -> Flow {
        let certainty = state.certainty;
        let before = self.jumps();
        self.frames.push(Frame {
            target,
            arrived: None,
            jumps: 0,
        });
        let end = inner(self, state)?;
        let arrived = self.frames.pop().and_then(|frame| frame.arrived);
        let met = self.meet(end, arrived)?;
        Ok(met.map(|state| self.reached(state, certainty, before)))
    }

    /// Jumps to the frame for `target`, `levels` of its kind up.
    pub(super) fn jump(
        &mut self,
        target: Target,
        levels: usize,
        state: State,
    ) -> Result<(), ScriptError> {
        let mut wanted = levels.max(1);
        let mut place = None;
        for (position, frame) in self.frames.iter().enumerate().rev() {
            if frame.target == target {
                place = Some(position);
                wanted = wanted.saturating_sub(1);
            }
            if wanted == 0 || frame.target == Target::Exit {
                break;
            }
        }
        let Some(arrived) = place
            .and_then(|position| self.frames.get_mut(position))
            .map(|frame| {
                frame.jumps = frame.jumps.saturating_add(1);
                frame.arrived.take()
            })
        else {
            return Err(self.unsupported("something to jump out of", "a jump"));
        };
        let met = self.meet(Some(state), arrived)?;
        if let Some(frame) = place.and_then(|position| self.frames.get_mut(position)) {
            frame.arrived = met;
        }
        Ok(())
    }

    /// How many jumps are under way to frames that are open.
    pub(super) fn jumps(&self) -> usize {
        self.frames
            .iter()
            .fold(0, |sum, frame| sum.saturating_add(frame.jumps))
    }

    /// The state behind a construct that began with `certainty`: as certain as that, unless a way
    /// through it jumped further.
    fn reached(&self, mut state: State, certainty: Certainty, jumps_before: usize) -> State {
        state.certainty = if self.jumps() > jumps_before {
            Certainty::Perhaps
        } else {
            certainty
        };
        state
    }

    /// Joins two ways, each of which may not lead here.
    pub(super) fn meet(&mut self, left: Option<State>, right: Option<State>) -> Flow {
        match (left, right) {
            (Some(left), Some(right)) => Ok(Some(self.join(left, &right)?)),
            (one, other) => Ok(one.or(other)),
        }
    }

    /// Goes the ways that `outcome` leaves open.
    pub(super) fn choose(
        &mut self,
        outcome: Option<bool>,
        state: State,
        yes: Way<'a, '_>,
        no: Way<'a, '_>,
    ) -> Flow {
        match outcome {
            Some(true) => yes(self, state),
            Some(false) => no(self, state),
            None => {
                let certainty = state.certainty;
                let before = self.jumps();
                let mut perhaps = state;
                perhaps.certainty = Certainty::Perhaps;
                let copy = self.copy(&perhaps)?;
                let left = yes(self, copy)?;
                let right = no(self, perhaps)?;
                let met = self.meet(left, right)?;
                Ok(met.map(|state| self.reached(state, certainty, before)))
            }
        }
    }

    /// Commands one after the other.
    pub(super) fn list(&mut self, list: &List, state: State) -> Flow {
        let mut state = state;
        for item in list {
            match self.and_or(item, state)? {
                Some(next) => state = next,
                None => return Ok(None),
            }
        }
        Ok(Some(state))
    }

    fn and_or(&mut self, item: &AndOr, state: State) -> Flow {
        if item.runs == Runs::Background {
            let state =
                self.subshell(state, |evaluator, inner| evaluator.connected(item, inner))?;
            return Ok(state.map(|mut state| {
                state.status = Status::SUCCESS;
                state
            }));
        }
        self.connected(item, state)
    }

    fn connected(&mut self, item: &AndOr, state: State) -> Flow {
        let last = item.rest.len();
        let first = self.tested_if(last > 0, |evaluator| evaluator.pipeline(&item.first, state))?;
        let Some(mut state) = first else {
            return Ok(None);
        };
        for (position, (connector, pipeline)) in item.rest.iter().enumerate() {
            let is_last = position.saturating_add(1) == last;
            let success = state.status.success();
            let (outcome, goes_on) = match connector {
                Connector::And => (success, Status::SUCCESS),
                Connector::Or => (success.map(|success| !success), Status::FAILURE),
            };
            let next = self.choose(
                outcome,
                state,
                &mut |evaluator, mut state| {
                    state.status = goes_on;
                    evaluator.tested_if(!is_last, |evaluator| evaluator.pipeline(pipeline, state))
                },
                &mut |_, mut state| {
                    if outcome.is_none() {
                        state.status = goes_on.negated();
                    }
                    Ok(Some(state))
                },
            )?;
            match next {
                Some(next) => state = next,
                None => return Ok(None),
            }
        }
        Ok(Some(state))
    }

    /// Runs `inner` where a failure ends nothing, if `tested` says so.
    pub(super) fn tested_if<T>(
        &mut self,
        tested: bool,
        inner: impl FnOnce(&mut Self) -> Result<T, ScriptError>,
    ) -> Result<T, ScriptError> {
        let more = u32::from(tested);
        self.tested = self.tested.saturating_add(more);
        let result = inner(self);
        self.tested = self.tested.saturating_sub(more);
        result
    }

    fn pipeline(&mut self, pipeline: &Pipeline, state: State) -> Flow {
        let negated = pipeline.negation == Negation::Negated;
        let end = self.tested_if(negated, |evaluator| match pipeline.stages.as_slice() {
            [only] => evaluator.stage(only, state),
            several => evaluator.stages(several, state),
        })?;
        let Some(mut state) = end else {
            return Ok(None);
        };
        if negated {
            state.status = state.status.negated();
            return Ok(Some(state));
        }
        self.after(state)
    }

    /// The stages of a pipeline: each in a shell of its own, the last one's status counts.
    fn stages(&mut self, commands: &[Stage], state: State) -> Flow {
        let outer = state.input.clone();
        let mut state = state;
        let mut printed = None;
        for (position, command) in commands.iter().enumerate() {
            let before = self.commands.len();
            if position > 0 {
                state.input = Input::of(printed.as_deref());
            }
            if position.saturating_add(1) == commands.len() {
                let end =
                    self.subshell(state, |evaluator, inner| evaluator.stage(command, inner))?;
                self.pipe_into(before, printed);
                return Ok(end.map(|mut end| {
                    end.input = outer;
                    end
                }));
            }
            let (end, text) = self.captured(state, |evaluator, inner| {
                evaluator.tested_if(true, |evaluator| evaluator.stage(command, inner))
            })?;
            self.pipe_into(before, printed);
            printed = text;
            state = end;
        }
        Ok(Some(state))
    }

    /// What follows a command, given how it ended.
    fn after(&mut self, state: State) -> Flow {
        let failed = state.status.success() == Some(false);
        if !failed || self.tested > 0 || state.on_error == OnError::GoesOn {
            return Ok(Some(state));
        }
        self.fail(state)
    }

    /// The script ends here with a failure. That is not what happens on a fresh system, so it
    /// says that a way is not taken, or that the script was not understood.
    pub(super) fn fail(&mut self, state: State) -> Flow {
        if self.is_in_subshell() {
            self.jump(Target::Exit, 1, state)?;
            return Ok(None);
        }
        if self.base.max(state.certainty) == Certainty::Always {
            return Err(ScriptError::Fails { line: self.line });
        }
        Ok(None)
    }

    fn is_in_subshell(&self) -> bool {
        let ends = self
            .frames
            .iter()
            .filter(|frame| frame.target == Target::Exit);
        ends.count() > 1
    }

    /// Whether a function or a sourced file is open, in this shell.
    pub(super) fn can_return(&self) -> bool {
        self.frames
            .iter()
            .rev()
            .take_while(|frame| frame.target != Target::Exit)
            .any(|frame| frame.target == Target::Return)
    }
}
