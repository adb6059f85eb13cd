//! What the shell knows at one point of a script, and what is left of it where two ways meet.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use super::super::command::{Certainty, UMASK, Word};
use super::super::limits;
use super::super::syntax::Stage;

const UMASK_VARIABLE: &str = "umask()";

/// The value of a variable or parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Known(Rc<str>),
    /// Cannot be known, with the source text that stands for it.
    Unknown(Rc<str>),
}

impl Value {
    /// A value that is known, unless it is longer than values may be.
    pub(super) fn known(text: &str) -> Self {
        if text.len() > limits::VALUE {
            return Self::unknown(text);
        }
        Self::Known(Rc::from(text))
    }

    /// A value that cannot be known, shown as `source`.
    pub(super) fn unknown(source: &str) -> Self {
        let shown: String = source.chars().take(limits::SHOWN).collect();
        Self::Unknown(Rc::from(shown))
    }

    /// The text, or the source text that stands for it.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Known(text) | Self::Unknown(text) => text,
        }
    }
}

impl From<&Value> for Word {
    fn from(value: &Value) -> Self {
        match value {
            Value::Known(text) => Self::Known(text.to_string()),
            Value::Unknown(text) => Self::Unknown(text.to_string()),
        }
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// With this exit status.
    Known(u8),
    Unknown,
}

impl Status {
    /// Success.
    pub(super) const SUCCESS: Self = Self::Known(0);
    /// A failure.
    pub(super) const FAILURE: Self = Self::Known(1);

    /// The status of a test with this outcome.
    pub(super) fn of(outcome: Option<bool>) -> Self {
        match outcome {
            Some(true) => Self::SUCCESS,
            Some(false) => Self::FAILURE,
            None => Self::Unknown,
        }
    }

    /// Whether it means success, if that is known.
    pub(super) fn success(self) -> Option<bool> {
        match self {
            Self::Known(status) => Some(status == 0),
            Self::Unknown => None,
        }
    }

    /// What `!` makes of it.
    pub(super) fn negated(self) -> Self {
        Self::of(self.success().map(|success| !success))
    }
}

/// The positional parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Positional {
    Known(Rc<[Value]>),
    /// Not even their number is known.
    Unknown,
}

/// What a path is after what the script did to it, where this is not what [`Facts`] say.
///
/// [`Facts`]: super::super::facts::Facts
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// There is a directory.
    Directory,
    /// There is a regular file; its content is not known.
    File,
    /// There is nothing.
    Absent,
    /// It is what it was, but may be executable or not.
    Permissions,
    /// Something was done that is not understood.
    Unknown,
}

/// What the shell knows. It is handed from construct to construct, and boxed for that: the stack
/// holds one for each that is open.
#[derive(Debug, Clone)]
pub(super) struct State(Box<Knowledge>);

impl Deref for State {
    type Target = Knowledge;

    fn deref(&self) -> &Knowledge {
        &self.0
    }
}

impl DerefMut for State {
    fn deref_mut(&mut self) -> &mut Knowledge {
        &mut self.0
    }
}

impl From<Knowledge> for State {
    fn from(knowledge: Knowledge) -> Self {
        Self(Box::new(knowledge))
    }
}

/// Everything that the shell knows.
#[derive(Debug, Clone)]
pub(super) struct Knowledge {
    pub(super) variables: BTreeMap<Rc<str>, Value>,
    pub(super) positional: Positional,
    pub(super) functions: BTreeMap<Rc<str>, Rc<Stage>>,
    /// Paths that commands before this point changed.
    pub(super) changes: BTreeMap<Rc<str>, Change>,
    /// Debconf's answers; a question that is not here has the answer of the call.
    pub(super) answers: BTreeMap<Rc<str>, Value>,
    /// What a variable is that is not among them.
    pub(super) unset: Unset,
    /// What the next command reads.
    pub(super) input: Input,
    pub(super) status: Status,
    pub(super) on_error: OnError,
    /// Whether this point is reached for certain.
    pub(super) certainty: Certainty,
}

/// The standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// This text, from this byte on.
    Text {
        text: Rc<str>,
        from: usize,
    },
    Unknown,
}

impl Input {
    /// The whole of a text.
    pub(super) fn of(text: Option<&str>) -> Self {
        text.map_or(Self::Unknown, |text| Self::Text {
            text: Rc::from(text),
            from: 0,
        })
    }

    /// What is left to be read.
    pub(super) fn rest(&self) -> Option<&str> {
        match self {
            Self::Text { text, from } => text.get(*from..),
            Self::Unknown => None,
        }
    }

    /// Takes a line without its end; `None` at the end of the text, and [`Input::Unknown`] as it
    /// is.
    pub(super) fn take_line(&mut self) -> Option<String> {
        let rest = self.rest()?;
        let end = rest.find('\n')?;
        let line = rest.get(..end)?.to_owned();
        if let Self::Text { from, .. } = self {
            *from = from.saturating_add(end).saturating_add(1);
        }
        Some(line)
    }
}

/// What a variable is that nothing is known to have set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unset {
    Unset,
    /// Something may have set it that is not understood.
    Unknown,
}

/// What the shell does after a command that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scripts) enum OnError {
    GoesOn,
    /// `set -e`.
    Ends,
}

impl State {
    /// What is left where this way and another meet: whatever both agree on.
    ///
    /// `None` where a function has one definition on one way and another on the other.
    pub(super) fn join(mut self, other: &Self) -> Option<Self> {
        self.0.meet(other).then_some(self)
    }

    /// Whether another round of a loop from here would find nothing new.
    pub(super) fn is_settled(&self, before: &Self) -> bool {
        let same_functions = self.functions.len() == before.functions.len()
            && self
                .functions
                .iter()
                .zip(&before.functions)
                .all(|((a, left), (b, right))| a == b && Rc::ptr_eq(left, right));
        same_functions
            && self.variables == before.variables
            && self.positional == before.positional
            && self.changes == before.changes
            && self.answers == before.answers
            && self.unset == before.unset
            && self.input == before.input
            && self.status == before.status
            && self.on_error == before.on_error
    }

    /// Gives a variable a value.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.variables.insert(Rc::from(name), value);
    }

    /// Takes the mask of modes from the operands of `umask`. It is kept as a variable that no
    /// script can name, so that it is joined as they are.
    pub(super) fn set_umask(&mut self, operands: &[Value]) {
        let Some(mask) = operands.last() else {
            return;
        };
        self.set(UMASK_VARIABLE, mask.clone());
        if self.umask() == Some(UMASK) {
            self.variables.remove(UMASK_VARIABLE);
        }
    }

    /// The mask of modes, where it is known.
    pub(super) fn umask(&self) -> Option<u16> {
        match self.variables.get(UMASK_VARIABLE) {
            None => Some(UMASK),
            Some(Value::Known(mask)) => u16::from_str_radix(mask, 8).ok(),
            Some(Value::Unknown(_)) => None,
        }
    }

    /// Takes every variable to be another now.
    pub(super) fn forget_variables(&mut self) {
        for (name, value) in &mut self.variables {
            *value = Value::unknown(&format!("${name}"));
        }
        self.unset = Unset::Unknown;
    }

    /// How much it holds, in entries: what a copy costs.
    pub(super) fn size(&self) -> usize {
        [
            self.variables.len(),
            self.functions.len(),
            self.changes.len(),
            self.answers.len(),
        ]
        .into_iter()
        .fold(1, usize::saturating_add)
    }
}

impl Knowledge {
    /// Keeps what `other` agrees on; false where the two cannot meet.
    fn meet(&mut self, other: &Self) -> bool {
        join_values(&mut self.variables, &other.variables);
        join_values(&mut self.answers, &other.answers);
        if self.positional != other.positional {
            self.positional = Positional::Unknown;
        }
        for (path, change) in &other.changes {
            if self.changes.get(path) != Some(change) {
                self.changes.insert(Rc::clone(path), Change::Unknown);
            }
        }
        for (path, change) in &mut self.changes {
            if !other.changes.contains_key(path) {
                *change = Change::Unknown;
            }
        }
        for (name, body) in &other.functions {
            match self.functions.get(name) {
                None => drop(self.functions.insert(Rc::clone(name), Rc::clone(body))),
                Some(mine) if Rc::ptr_eq(mine, body) => {}
                Some(_) => return false,
            }
        }
        if self.input != other.input {
            self.input = Input::Unknown;
        }
        if self.status != other.status {
            self.status = Status::Unknown;
        }
        if other.unset == Unset::Unknown {
            self.unset = Unset::Unknown;
        }
        if other.on_error == OnError::Ends {
            self.on_error = OnError::Ends;
        }
        self.certainty = self.certainty.max(other.certainty);
        true
    }
}

fn join_values(mine: &mut BTreeMap<Rc<str>, Value>, other: &BTreeMap<Rc<str>, Value>) {
    for (name, value) in &mut *mine {
        if other.get(name) != Some(value) {
            *value = Value::unknown(&format!("${name}"));
        }
    }
    for name in other.keys() {
        mine.entry(Rc::clone(name))
            .or_insert_with(|| Value::unknown(&format!("${name}")));
    }
}
