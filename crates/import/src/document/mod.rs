//! A document of YAML, TOML or HCL as one kind of tree, and its fields as a list.
//!
//! The three formats differ in nothing that matters here: keys, values, and the line that each
//! stands on. What is peculiar to one of them (anchors, tags, dates, expressions) is refused or kept
//! as text by its reader.

mod field;
mod hcl;
mod toml;
mod yaml;

pub(crate) use field::{Field, Leaf, leaves, nothing, place, place_fields};

use crate::error::Error;
use crate::text::Text;

/// Tables in tables.
const MAX_DEPTH: usize = 32;
/// Values of a document, tables and lists included.
const MAX_NODES: usize = 20_000;
/// Bytes of a key.
const MAX_KEY: usize = 256;

/// A value and the line that it, or its key, stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it is spelled.
    Number(String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the document.
    Table(Vec<(Key, Node)>),
    /// What only the foreign tool can compute, as it is spelled.
    Expression(String),
}

/// The name of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Name(String),
    /// The label of an HCL block, as in `unit "default"`.
    Label,
}

/// Counts what a reader has read, and ends it when that is too much.
#[derive(Debug, Default)]
struct Budget {
    nodes: usize,
}

impl Budget {
    fn node(&mut self, line: usize, depth: usize) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(1);
        let (what, most) = if self.nodes > MAX_NODES {
            ("values", MAX_NODES)
        } else if depth > MAX_DEPTH {
            ("levels of nesting", MAX_DEPTH)
        } else {
            return Ok(());
        };
        Err(Error::Limit { line, what, most })
    }
}

fn check_key(line: usize, key: &str) -> Result<Key, Error> {
    if key.len() > MAX_KEY {
        return Err(Error::Limit {
            line,
            what: "bytes in a key",
            most: MAX_KEY,
        });
    }
    Ok(Key::Name(key.to_owned()))
}

pub(crate) fn read_yaml(text: &Text<'_>) -> Result<Node, Error> {
    top(yaml::read(text)?)
}

pub(crate) fn read_toml(text: &Text<'_>) -> Result<Node, Error> {
    top(toml::read(text)?)
}

pub(crate) fn read_hcl(text: &Text<'_>) -> Result<Node, Error> {
    top(hcl::read(text)?)
}

/// A document is a table.
fn top(node: Node) -> Result<Node, Error> {
    let found = match &node.value {
        Value::Table(entries) if !entries.is_empty() => return Ok(node),
        Value::Null | Value::Table(_) => "nothing",
        Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Expression(_) => "one value",
        Value::List(_) => "a list",
    };
    Err(Error::NotTable {
        line: node.line,
        found,
    })
}
