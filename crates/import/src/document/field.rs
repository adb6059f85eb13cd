//! The fields of a document, each with what becomes of it.
//!
//! A field is a value that is no table: a scalar, or a list of scalars. Each is visited once and
//! has one note, so nothing can be forgotten, and nothing is noted twice.

use super::{Key, Node, Value};
use crate::error::{Error, Shown};
use crate::note::{Note, NoteKind};

/// Fields of a document.
const MAX_FIELDS: usize = 4096;

/// A field of a document.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// As the file spells it: `ingress[1].tls.key_file`.
    pub(crate) field: String,
    /// Without positions in lists: `ingress.tls.key_file`.
    name: String,
    /// The last key, as it is: that of a variable in `env`.
    pub(crate) key: String,
    pub(crate) line: usize,
    value: Value,
}

/// What becomes of a field of that name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<P: 'static> {
    /// Its name; `*` at the end stands for any key.
    pub(crate) name: &'static str,
    pub(crate) rule: Rule<P>,
}

/// A field that a recipe has no place for.
pub(crate) const fn nothing<P>(name: &'static str, why: &'static str) -> Field<P> {
    let rule = Rule::Nothing(why);
    Field { name, rule }
}

/// A field with a place in a recipe.
pub(crate) const fn place<P: Copy>(name: &'static str, place: P) -> Field<P> {
    let rule = Rule::Place(place);
    Field { name, rule }
}

/// What becomes of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule<P> {
    /// It has a place, which the importer of the format knows.
    Place(P),
    /// It has no meaning here, for this reason.
    Nothing(&'static str),
}

/// The fields of a document, in its order.
pub(crate) fn leaves(root: &Node) -> Result<Vec<Leaf>, Error> {
    let mut found = Vec::new();
    collect(root, &Path::default(), &mut found)?;
    Ok(found)
}

/// Where a value stands.
#[derive(Debug, Clone, Default)]
struct Path {
    field: String,
    name: String,
    key: String,
}

impl Path {
    /// What stands under `key`. A key that is not bare is quoted, so that `"a.b"` is never taken
    /// for `b` in `a`.
    fn below(&self, key: &Key, value: &Node) -> Self {
        let Key::Name(key) = key else {
            return Self {
                field: format!("{} {}", self.field, quoted(&shown(&value.value))),
                name: format!("{}.(label)", self.name),
                key: String::new(),
            };
        };
        let spelled = if is_bare(key) {
            key.clone()
        } else {
            quoted(key)
        };
        let join = |parent: &str| {
            if parent.is_empty() {
                spelled.clone()
            } else {
                format!("{parent}.{spelled}")
            }
        };
        Self {
            field: join(&self.field),
            name: join(&self.name),
            key: key.clone(),
        }
    }

    fn item(&self, position: usize) -> Self {
        Self {
            field: format!("{}[{position}]", self.field),
            name: self.name.clone(),
            key: self.key.clone(),
        }
    }
}

fn collect(node: &Node, path: &Path, found: &mut Vec<Leaf>) -> Result<(), Error> {
    match &node.value {
        Value::Table(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                collect(value, &path.below(key, value), found)?;
            }
        }
        Value::List(items) if items.iter().any(is_nested) => {
            for (position, item) in items.iter().enumerate() {
                collect(item, &path.item(position), found)?;
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Table(_)
        | Value::Expression(_) => found.push(leaf(node, path, found.len())?),
    }
    Ok(())
}

fn leaf(node: &Node, path: &Path, before: usize) -> Result<Leaf, Error> {
    if before >= MAX_FIELDS {
        return Err(Error::Limit {
            line: node.line,
            what: "fields",
            most: MAX_FIELDS,
        });
    }
    Ok(Leaf {
        field: path.field.clone(),
        name: path.name.clone(),
        key: path.key.clone(),
        line: node.line,
        value: node.value.clone(),
    })
}

fn is_nested(node: &Node) -> bool {
    matches!(node.value, Value::Table(_) | Value::List(_))
}

fn is_bare(key: &str) -> bool {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    !key.is_empty() && key.bytes().all(bare)
}

fn quoted(text: &str) -> String {
    format!("{:?}", Shown::new(text).as_str())
}

/// A value on one line, as it could stand in a document.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(text) | Value::Text(text) | Value::Expression(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(&item.value)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Table(_) => "{}".to_owned(),
    }
}

impl Leaf {
    /// Its value, for people.
    pub(crate) fn shown(&self) -> String {
        shown(&self.value)
    }

    pub(crate) fn is_expression(&self) -> bool {
        match &self.value {
            Value::Expression(_) => true,
            Value::List(items) => items
                .iter()
                .any(|item| matches!(item.value, Value::Expression(_))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Table(_) => {
                false
            }
        }
    }

    fn is_empty(&self) -> bool {
        match &self.value {
            Value::Null => true,
            Value::List(items) => items.is_empty(),
            Value::Table(entries) => entries.is_empty(),
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Expression(_) => false,
        }
    }

    pub(crate) fn wrong(&self, expected: &'static str) -> Error {
        Error::Type {
            line: self.line,
            field: self.field.clone(),
            expected,
            found: Shown::new(&self.shown()),
        }
    }

    /// Text; a number is text too where a document has no quotes.
    pub(crate) fn text(&self) -> Result<&str, Error> {
        match &self.value {
            Value::Text(text) | Value::Number(text) if !text.is_empty() => Ok(text),
            Value::Text(_)
            | Value::Number(_)
            | Value::Null
            | Value::Bool(_)
            | Value::List(_)
            | Value::Table(_)
            | Value::Expression(_) => Err(self.wrong("text")),
        }
    }

    /// Whether this is the field with that name, wherever in a list it stands.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name == name
    }

    /// One value, as text.
    pub(crate) fn scalar(&self) -> Result<String, Error> {
        match &self.value {
            Value::Text(text) | Value::Number(text) => Ok(text.clone()),
            Value::Bool(flag) => Ok(flag.to_string()),
            Value::Null | Value::List(_) | Value::Table(_) | Value::Expression(_) => {
                Err(self.wrong("one value"))
            }
        }
    }

    /// A port, as a number or as text.
    pub(crate) fn port(&self) -> Result<u16, Error> {
        let port = self.text().ok().and_then(|text| text.parse().ok());
        port.filter(|port| *port > 0)
            .ok_or_else(|| self.wrong("a port"))
    }

    pub(crate) fn flag(&self) -> Result<bool, Error> {
        match self.value {
            Value::Bool(flag) => Ok(flag),
            Value::Null
            | Value::Number(_)
            | Value::Text(_)
            | Value::List(_)
            | Value::Table(_)
            | Value::Expression(_) => Err(self.wrong("true or false")),
        }
    }

    /// A list of texts; one text is a list of one.
    pub(crate) fn texts(&self) -> Result<Vec<&str>, Error> {
        let items = match &self.value {
            Value::List(items) => items,
            Value::Text(text) | Value::Number(text) => return Ok(vec![text]),
            Value::Null | Value::Bool(_) | Value::Table(_) | Value::Expression(_) => {
                return Err(self.wrong("a list of texts"));
            }
        };
        let text = |item: &'_ Node| match &item.value {
            Value::Text(_) | Value::Number(_) => true,
            Value::Null
            | Value::Bool(_)
            | Value::List(_)
            | Value::Table(_)
            | Value::Expression(_) => false,
        };
        if !items.iter().all(text) {
            return Err(self.wrong("a list of texts"));
        }
        Ok(items
            .iter()
            .filter_map(|item| match &item.value {
                Value::Text(text) | Value::Number(text) => Some(text.as_str()),
                Value::Null
                | Value::Bool(_)
                | Value::List(_)
                | Value::Table(_)
                | Value::Expression(_) => None,
            })
            .collect())
    }

    fn note(&self, kind: NoteKind) -> Note {
        Note::new(&self.field, self.line, kind, &self.shown())
    }
}

/// Visits every field once. `unknown` is why a field without a rule is not taken.
pub(crate) fn place_fields<P: Copy>(
    leaves: &[Leaf],
    fields: &[Field<P>],
    unknown: &str,
    mut place: impl FnMut(P, &Leaf) -> Result<NoteKind, Error>,
) -> Result<Vec<Note>, Error> {
    let mut notes = Vec::with_capacity(leaves.len());
    for leaf in leaves {
        let kind = match fields.iter().find(|field| matches(field.name, &leaf.name)) {
            _ if leaf.is_empty() && is_known(fields, &leaf.name) => {
                NoteKind::nothing("there is nothing in it")
            }
            Some(Field {
                rule: Rule::Place(at),
                ..
            }) => place(*at, leaf)?,
            Some(Field {
                rule: Rule::Nothing(why),
                ..
            }) => NoteKind::nothing(*why),
            None => NoteKind::nothing(unknown),
        };
        notes.push(leaf.note(kind));
    }
    Ok(notes)
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.strip_prefix(start).is_some_and(|key| !key.is_empty()),
        None => pattern == name,
    }
}

/// Whether the name is that of a known field, or of a table that known fields are in.
fn is_known<P>(fields: &[Field<P>], name: &str) -> bool {
    fields.iter().any(|field| {
        matches(field.name, name)
            || field
                .name
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}
