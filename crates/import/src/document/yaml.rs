//! YAML, read event by event, so that nothing is built that was not counted.
//!
//! Aliases and tags are refused: an alias makes a document larger than it is, a tag makes a value
//! something that this reader does not know, and no real manifest has either.

use std::collections::BTreeSet;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::{Budget, Key, Node, Value, check_key};
use crate::error::{Error, Shown, SyntaxError};
use crate::text::Text;

/// A list or table whose end has not come yet.
enum Open {
    List {
        line: usize,
        items: Vec<Node>,
    },
    Table {
        line: usize,
        entries: Vec<(Key, Node)>,
        seen: BTreeSet<String>,
        /// The key whose value comes next, and its line.
        key: Option<(usize, Key)>,
    },
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    budget: Budget,
    root: Option<Node>,
    documents: usize,
}

pub(super) fn read(text: &Text<'_>) -> Result<Node, Error> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text.as_str()) {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        reader.take(event, span)?;
    }
    Ok(reader.root.unwrap_or(Node {
        line: 1,
        value: Value::Null,
    }))
}

fn syntax(error: &ScanError) -> Error {
    Error::Syntax {
        line: error.marker().line(),
        language: "YAML",
        source: SyntaxError::new(error.info()),
    }
}

impl Reader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let line = span.start.line();
        let unsupported = |construct| Err(Error::Unsupported { line, construct });
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    return unsupported("a second document");
                }
                Ok(())
            }
            Event::Alias(_) => unsupported("an alias"),
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => unsupported("a tag"),
            Event::Scalar(text, style, _, None) => self.scalar(line, &text, style),
            Event::SequenceStart(_, None) => {
                let line = self.begin(line)?;
                let items = Vec::new();
                self.open.push(Open::List { line, items });
                Ok(())
            }
            Event::MappingStart(_, None) => {
                let line = self.begin(line)?;
                self.open.push(Open::Table {
                    line,
                    entries: Vec::new(),
                    seen: BTreeSet::new(),
                    key: None,
                });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    /// A list or table begins: its line is that of its key.
    fn begin(&mut self, line: usize) -> Result<usize, Error> {
        self.budget.node(line, self.open.len())?;
        match self.open.last() {
            Some(Open::Table { key: None, .. }) => Err(Error::Unsupported {
                line,
                construct: "a key that is no text",
            }),
            Some(Open::Table {
                key: Some((key_line, _)),
                ..
            }) => Ok(*key_line),
            Some(Open::List { .. }) | None => Ok(line),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        let node = match self.open.pop() {
            Some(Open::List { line, items }) => Node {
                line,
                value: Value::List(items),
            },
            Some(Open::Table { line, entries, .. }) => Node {
                line,
                value: Value::Table(entries),
            },
            None => return Ok(()),
        };
        self.put(node)
    }

    fn scalar(&mut self, line: usize, text: &str, style: ScalarStyle) -> Result<(), Error> {
        self.budget.node(line, self.open.len())?;
        if let Some(Open::Table {
            key: key @ None,
            seen,
            ..
        }) = self.open.last_mut()
        {
            if !seen.insert(text.to_owned()) {
                return Err(Error::Duplicate {
                    line,
                    key: Shown::new(text),
                });
            }
            *key = Some((line, check_key(line, text)?));
            return Ok(());
        }
        let value = match style {
            ScalarStyle::Plain => plain(text),
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Value::Text(text.to_owned()),
        };
        self.put(Node { line, value })
    }

    /// Gives a finished value to the list or table that it is in.
    fn put(&mut self, node: Node) -> Result<(), Error> {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Table { entries, key, .. }) => {
                let Some((line, name)) = key.take() else {
                    return Err(Error::Unsupported {
                        line: node.line,
                        construct: "a key that is no text",
                    });
                };
                let value = node.value;
                entries.push((name, Node { line, value }));
            }
        }
        Ok(())
    }
}

/// The core schema of YAML 1.2, as far as a manifest needs it.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if text.parse::<i64>().is_ok() => Value::Number(text.to_owned()),
        _ => Value::Text(text.to_owned()),
    }
}
