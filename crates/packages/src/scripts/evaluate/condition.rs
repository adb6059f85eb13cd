//! `test`, `[` and the simpler forms of `[[`.

use super::super::command::Word as Known;
use super::super::error::ScriptError;
use super::super::syntax::{Part, Word};
use super::Evaluator;
use super::state::{State, Status, Value};

/// Levels of `!` and `(` that are followed; behind them the outcome cannot be known.
const DEPTH: u32 = 16;

/// What is left of the operands of a test.
struct Operands<'a> {
    rest: &'a [Value],
    depth: u32,
}

impl<'a> Operands<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a str> {
        match self.rest.get(ahead)? {
            Value::Known(text) => Some(text),
            Value::Unknown(_) => None,
        }
    }

    fn next(&mut self) -> Option<&'a Value> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.peek(0) == Some(text);
        if found {
            self.next();
        }
        found
    }
}

/// Whether a test could be understood, and its outcome if that is known.
type Outcome = Result<Option<bool>, NotUnderstood>;

/// A test that is none, or whose operators cannot be known.
struct NotUnderstood;

impl Evaluator<'_> {
    /// The status of `test` with `operands`.
    pub(super) fn test(&mut self, operands: &[Value], state: &State) -> Status {
        let mut operands = Operands {
            rest: operands,
            depth: 0,
        };
        if operands.rest.is_empty() {
            return Status::FAILURE;
        }
        match self.either(&mut operands, state) {
            Ok(outcome) if operands.rest.is_empty() => Status::of(outcome),
            Ok(_) | Err(NotUnderstood) => Status::Unknown,
        }
    }

    /// `a -o b`.
    fn either(&mut self, operands: &mut Operands<'_>, state: &State) -> Outcome {
        let mut outcome = self.both(operands, state)?;
        while operands.take("-o") {
            let right = self.both(operands, state)?;
            outcome = or(outcome, right);
        }
        Ok(outcome)
    }

    /// `a -a b`.
    fn both(&mut self, operands: &mut Operands<'_>, state: &State) -> Outcome {
        let mut outcome = self.one(operands, state)?;
        while operands.take("-a") {
            let right = self.one(operands, state)?;
            outcome = and(outcome, right);
        }
        Ok(outcome)
    }

    fn one(&mut self, operands: &mut Operands<'_>, state: &State) -> Outcome {
        operands.depth = operands.depth.saturating_add(1);
        if operands.depth > DEPTH {
            return Err(NotUnderstood);
        }
        let outcome = self.primary(operands, state);
        operands.depth = operands.depth.saturating_sub(1);
        outcome
    }

    fn primary(&mut self, operands: &mut Operands<'_>, state: &State) -> Outcome {
        let binary = operands.peek(1).is_some_and(is_binary) && operands.rest.len() >= 3;
        if !binary && operands.rest.len() > 1 {
            if operands.take("!") {
                return Ok(self.one(operands, state)?.map(|outcome| !outcome));
            }
            if operands.take("(") {
                let outcome = self.either(operands, state)?;
                return operands.take(")").then_some(outcome).ok_or(NotUnderstood);
            }
        }
        let first = operands.next().ok_or(NotUnderstood)?;
        if binary {
            let operator = operands.next().ok_or(NotUnderstood)?;
            let right = operands.next().ok_or(NotUnderstood)?;
            return Ok(compare(operator.text(), first, right));
        }
        let ends = matches!(operands.peek(0), Some("-a" | "-o" | ")"));
        match first {
            Value::Known(operator) if is_unary(operator) && !operands.rest.is_empty() && !ends => {
                let operand = operands.next().ok_or(NotUnderstood)?;
                Ok(self.unary(operator, operand, state))
            }
            Value::Known(text) => Ok(Some(!text.is_empty())),
            Value::Unknown(_) => Ok(None),
        }
    }

    fn unary(&mut self, operator: &str, operand: &Value, state: &State) -> Option<bool> {
        match (operator, operand) {
            // Nobody is there to answer.
            ("-t", _) => Some(false),
            ("-n", Value::Known(text)) => Some(!text.is_empty()),
            ("-z", Value::Known(text)) => Some(text.is_empty()),
            ("-n" | "-z", Value::Unknown(_)) => None,
            _ => self.test_path(operator.chars().nth(1)?, operand, state),
        }
    }

    /// `[[ .. ]]` without parentheses.
    pub(super) fn conditional(
        &mut self,
        words: &[Word],
        state: State,
    ) -> Result<State, ScriptError> {
        let mut state = state;
        let mut any = Some(false);
        for alternative in words.split(|word| is_operator(word, "||")) {
            let mut all = Some(true);
            for condition in alternative.split(|word| is_operator(word, "&&")) {
                let outcome = self.simple_condition(condition, &mut state)?;
                all = and(all, outcome);
            }
            any = or(any, all);
        }
        state.status = Status::of(any);
        Ok(state)
    }

    fn simple_condition(
        &mut self,
        words: &[Word],
        state: &mut State,
    ) -> Result<Option<bool>, ScriptError> {
        match words {
            [not, rest @ ..] if is_operator(not, "!") && !rest.is_empty() => {
                let outcome = self.nested(|evaluator| evaluator.simple_condition(rest, state))?;
                Ok(outcome.map(|outcome| !outcome))
            }
            [left, operator, right]
                if is_operator(operator, "==")
                    || is_operator(operator, "=")
                    || is_operator(operator, "!=") =>
            {
                let subject = Known::from(&self.expand_one(left, state)?);
                let pattern = self.expand_pattern(right, state)?;
                let wanted = !is_operator(operator, "!=");
                let matched = subject.known().and_then(|text| pattern.matches(text));
                Ok(matched.map(|matched| matched == wanted))
            }
            _ => {
                let mut operands = Vec::new();
                for word in words {
                    operands.push(self.expand_one(word, state)?);
                }
                Ok(self.test(&operands, state).success())
            }
        }
    }
}

fn is_operator(word: &Word, operator: &str) -> bool {
    matches!(word.parts.as_slice(), [Part::Literal(text)] if text == operator)
}

fn and(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn is_unary(text: &str) -> bool {
    let mut letters = text.chars();
    letters.next() == Some('-')
        && letters
            .next()
            .is_some_and(|letter| "bcdefghkLnOGprsStuwxz".contains(letter))
        && letters.next().is_none()
}

fn is_binary(text: &str) -> bool {
    matches!(
        text,
        "=" | "=="
            | "!="
            | "<"
            | ">"
            | "-eq"
            | "-ne"
            | "-lt"
            | "-le"
            | "-gt"
            | "-ge"
            | "-nt"
            | "-ot"
            | "-ef"
            | "=~"
    )
}

fn compare(operator: &str, left: &Value, right: &Value) -> Option<bool> {
    let (Value::Known(left), Value::Known(right)) = (left, right) else {
        return None;
    };
    match operator {
        "=" | "==" => return Some(left == right),
        "!=" => return Some(left != right),
        "<" => return Some(left < right),
        ">" => return Some(left > right),
        _ => {}
    }
    let (left, right): (i64, i64) = (left.trim().parse().ok()?, right.trim().parse().ok()?);
    match operator {
        "-eq" => Some(left == right),
        "-ne" => Some(left != right),
        "-lt" => Some(left < right),
        "-le" => Some(left <= right),
        "-gt" => Some(left > right),
        "-ge" => Some(left >= right),
        _ => None,
    }
}
