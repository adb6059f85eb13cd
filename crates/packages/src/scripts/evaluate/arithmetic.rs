//! Arithmetic (XCU 2.6.4): whole numbers with the operators of C that scripts use. Assignments
//! and what does not fit into 64 bits cannot be known.

use super::super::error::ScriptError;
use super::super::syntax::Part;
use super::Evaluator;
use super::expand::Quotes;
use super::state::{State, Value};

/// Parentheses and signs that may be open at once.
const DEPTH: u32 = 32;

impl Evaluator<'_> {
    /// The value of `$(( ))`.
    pub(super) fn arithmetic(
        &mut self,
        parts: &[Part],
        source: &str,
        state: &mut State,
    ) -> Result<Value, ScriptError> {
        let text = self.nested(|evaluator| evaluator.expand_parts(parts, Quotes::Open, state))?;
        let Value::Known(text) = text else {
            return Ok(Value::unknown(source));
        };
        self.step(text.len())?;
        let mut expression = Expression {
            rest: &text,
            depth: 0,
            state,
        };
        let value = expression
            .binary(0)
            .filter(|_| expression.rest.trim().is_empty());
        Ok(match value {
            Some(number) => Value::known(&number.to_string()),
            None => Value::unknown(source),
        })
    }
}

/// An expression while it is read.
struct Expression<'a> {
    rest: &'a str,
    depth: u32,
    state: &'a State,
}

/// Binary operators by how strongly they bind; longer ones before those that they begin with.
const OPERATORS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

impl Expression<'_> {
    fn take(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// An expression of operators that bind at least as strongly as `level`.
    fn binary(&mut self, level: usize) -> Option<i64> {
        let Some(operators) = OPERATORS.get(level) else {
            return self.unary();
        };
        let stronger = level.checked_add(1)?;
        let mut left = self.binary(stronger)?;
        while let Some(operator) = self.operator(operators) {
            let right = self.binary(stronger)?;
            left = apply(operator, left, right)?;
        }
        Some(left)
    }

    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        self.rest = self.rest.trim_start();
        let found = operators
            .iter()
            .find(|operator| self.rest.starts_with(**operator))?;
        let behind = self.rest.strip_prefix(*found)?;
        // `|` is not the start of `||`, nor `<` that of `<<`, nor `+` that of `+=`.
        let longer = OPERATORS.iter().copied().flatten().any(|other| {
            other.len() > found.len() && other.starts_with(*found) && self.rest.starts_with(*other)
        });
        if longer || (behind.starts_with('=') && found.len() == 1) {
            return None;
        }
        self.rest = behind;
        Some(found)
    }

    fn unary(&mut self) -> Option<i64> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth <= DEPTH)?;
        let value = if self.take("(") {
            let value = self.binary(0)?;
            self.take(")").then_some(value)
        } else if self.take("-") {
            self.unary()?.checked_neg()
        } else if self.take("+") {
            self.unary()
        } else if self.take("!") {
            Some(i64::from(self.unary()? == 0))
        } else if self.take("~") {
            Some(!self.unary()?)
        } else {
            self.operand()
        };
        self.depth = self.depth.saturating_sub(1);
        value
    }

    fn operand(&mut self) -> Option<i64> {
        let end = self
            .rest
            .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            return number(word);
        }
        if word.is_empty() {
            return None;
        }
        match self.state.variables.get(word) {
            None => Some(0),
            Some(Value::Known(text)) if text.trim().is_empty() => Some(0),
            Some(Value::Known(text)) => number(text.trim()),
            Some(Value::Unknown(_)) => None,
        }
    }
}

fn number(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return i64::from_str_radix(digits, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(digits) if !digits.is_empty() => i64::from_str_radix(digits, 8).ok(),
        _ => text.parse().ok(),
    }
}

fn apply(operator: &str, left: i64, right: i64) -> Option<i64> {
    let shift = || u32::try_from(right).ok().filter(|bits| *bits < 63);
    match operator {
        "||" => Some(i64::from(left != 0 || right != 0)),
        "&&" => Some(i64::from(left != 0 && right != 0)),
        "|" => Some(left | right),
        "^" => Some(left ^ right),
        "&" => Some(left & right),
        "==" => Some(i64::from(left == right)),
        "!=" => Some(i64::from(left != right)),
        "<=" => Some(i64::from(left <= right)),
        ">=" => Some(i64::from(left >= right)),
        "<" => Some(i64::from(left < right)),
        ">" => Some(i64::from(left > right)),
        "<<" => left.checked_shl(shift()?),
        ">>" => left.checked_shr(shift()?),
        "+" => left.checked_add(right),
        "-" => left.checked_sub(right),
        "*" => left.checked_mul(right),
        "/" => left.checked_div(right),
        "%" => left.checked_rem(right),
        _ => None,
    }
}
