//! A script as a value: the constructs of the POSIX shell language (XCU, chapter 2), and those of
//! bash that maintainer scripts use.
//!
//! What bash has and this tree does not (arrays as values, substrings, replacement) is kept as
//! [`Part::Unsupported`], whose value cannot be known, or refused by the parser.

use std::cell::OnceCell;
use std::rc::Rc;

/// Commands one after the other.
pub(super) type List = Vec<AndOr>;

/// Pipelines joined by `&&` and `||`.
#[derive(Debug)]
pub(super) struct AndOr {
    pub(super) first: Pipeline,
    pub(super) rest: Vec<(Connector, Pipeline)>,
    pub(super) runs: Runs,
}

/// Whether the shell waits for a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runs {
    /// `;` or the end of the line.
    Foreground,
    /// `&`.
    Background,
}

/// What joins two pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connector {
    /// `&&`.
    And,
    /// `||`.
    Or,
}

/// Stages joined by `|`.
#[derive(Debug)]
pub(super) struct Pipeline {
    pub(super) negation: Negation,
    pub(super) stages: Vec<Stage>,
}

/// Whether `!` stands before a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Negation {
    /// It does not.
    Plain,
    /// It does.
    Negated,
}

/// One command with its redirections.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) line: u32,
    pub(super) node: Node,
    pub(super) redirections: Vec<Redirection>,
}

/// What a command is.
#[derive(Debug)]
pub(super) enum Node {
    Simple(Simple),
    Brace(List),
    Subshell(List),
    If(If),
    Case(Case),
    For(For),
    While(While),
    Function {
        name: String,
        body: Rc<Stage>,
    },
    /// `[[ .. ]]`: the words between the brackets.
    Conditional(Vec<Word>),
    /// `(( .. ))`: never known.
    Arithmetic,
}

/// Assignments and words.
#[derive(Debug, Default)]
pub(super) struct Simple {
    pub(super) assignments: Vec<Assignment>,
    pub(super) words: Vec<Word>,
}

/// `name=value`.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) name: String,
    /// `None` for what is not understood: an array, an element of one, `+=`.
    pub(super) value: Option<Word>,
}

/// `if`, with its `elif`s.
#[derive(Debug)]
pub(super) struct If {
    /// Conditions and what follows each, in order.
    pub(super) arms: Vec<(List, List)>,
    pub(super) otherwise: List,
}

/// `case`.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) subject: Word,
    pub(super) arms: Vec<Arm>,
}

/// One arm of a `case`.
#[derive(Debug)]
pub(super) struct Arm {
    pub(super) patterns: Vec<Word>,
    pub(super) body: List,
}

/// `for`.
#[derive(Debug)]
pub(super) struct For {
    pub(super) name: String,
    /// `None` for the positional parameters.
    pub(super) words: Option<Vec<Word>>,
    pub(super) body: List,
}

/// `while` and `until`.
#[derive(Debug)]
pub(super) struct While {
    /// [`Negation::Negated`] for `until`.
    pub(super) negation: Negation,
    pub(super) condition: List,
    pub(super) body: List,
}

/// A redirection of one descriptor.
#[derive(Debug)]
pub(super) struct Redirection {
    pub(super) descriptor: u32,
    pub(super) operator: Operator,
}

/// What a redirection does.
#[derive(Debug)]
pub(super) enum Operator {
    Read(Word),
    Write(Word),
    Append(Word),
    ReadWrite(Word),
    /// `<&` and `>&`: another descriptor, or `-`.
    Duplicate(Word),
    /// A here-document: its body is read after the line that names it.
    Here(Rc<OnceCell<Word>>),
}

/// One word before expansion.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub(super) parts: Vec<Part>,
}

/// A part of a word.
#[derive(Debug)]
pub(super) enum Part {
    /// Unquoted text: may be a pattern.
    Literal(String),
    /// Text that is quoted by `\` or `'`.
    Quoted(String),
    /// `"`.
    Double(Vec<Part>),
    /// `~` at the start of a word.
    Home,
    Parameter(Parameter),
    /// `$( )` and backquotes.
    Substitution {
        list: Rc<List>,
        source: String,
    },
    /// `$(( ))`.
    Arithmetic {
        parts: Vec<Part>,
        source: String,
    },
    /// What is not understood.
    Unsupported(String),
}

/// `$name` and `${name..}`.
#[derive(Debug)]
pub(super) struct Parameter {
    /// A name, a number, or one of `@*#?-$!`.
    pub(super) name: String,
    pub(super) operation: Operation,
    pub(super) source: String,
}

/// What is done with a parameter's value.
#[derive(Debug)]
pub(super) enum Operation {
    Plain,
    /// `${#name}`.
    Length,
    /// `${name-word}` and its like.
    Unset {
        action: WhenUnset,
        empty: WhenEmpty,
        word: Word,
    },
    /// `${name%pattern}` and its like.
    Trim {
        end: End,
        extent: Extent,
        pattern: Word,
    },
}

/// What `${name?word}` does with `word`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenUnset {
    /// `-`: the word instead.
    Default,
    /// `=`: the word instead, and assigned.
    Assign,
    /// `?`: the shell ends.
    Fail,
    /// `+`: the word where there is a value.
    Alternative,
}

/// Whether an empty value counts as none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenEmpty {
    /// With `:`.
    Counts,
    /// Without.
    IsValue,
}

/// Which end of a value a pattern is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `#`.
    Start,
    /// `%`.
    End,
}

/// How much of a value a pattern takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// `#`, `%`.
    Shortest,
    /// `##`, `%%`.
    Longest,
}
