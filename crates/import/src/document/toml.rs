//! TOML, with the lines that its keys stand on.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use super::{Budget, Key, Node, Value, check_key};
use crate::error::{Error, SyntaxError};
use crate::text::Text;

/// Parts of a dotted key. The library limits how deep brackets are nested, and makes a table of each
/// part of a key however many there are.
const MAX_PARTS: usize = 16;

pub(super) fn read(text: &Text<'_>) -> Result<Node, Error> {
    check_keys(text)?;
    let table = DeTable::parse(text.as_str()).map_err(|error| Error::Syntax {
        line: text.line_of(error.span().map_or(0, |span| span.start)),
        language: "TOML",
        source: SyntaxError::new(error.message()),
    })?;
    let mut reader = Reader {
        text,
        budget: Budget::default(),
    };
    reader.table(1, table.get_ref(), 0)
}

/// Looks at the tokens of a document, before anything is made of them.
fn check_keys(text: &Text<'_>) -> Result<(), Error> {
    let mut dots = 0_usize;
    for token in toml_parser::Source::new(text.as_str()).lex() {
        let is_key = matches!(
            token.kind(),
            TokenKind::Atom
                | TokenKind::Whitespace
                | TokenKind::LiteralString
                | TokenKind::BasicString
        );
        if token.kind() == TokenKind::Dot {
            dots = dots.saturating_add(1);
        } else if !is_key {
            dots = 0;
        }
        if dots >= MAX_PARTS {
            return Err(Error::Limit {
                line: text.line_of(token.span().start()),
                what: "parts in a key",
                most: MAX_PARTS,
            });
        }
    }
    Ok(())
}

struct Reader<'a, 'b> {
    text: &'a Text<'b>,
    budget: Budget,
}

impl Reader<'_, '_> {
    fn table(&mut self, line: usize, table: &DeTable<'_>, depth: usize) -> Result<Node, Error> {
        self.budget.node(line, depth)?;
        // The library sorts by key; a reader of notes expects the order of the file.
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut read: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let line = self.text.line_of(key.span().start);
            let name = check_key(line, key.get_ref())?;
            read.push((name, self.value(line, value, depth.saturating_add(1))?));
        }
        let value = Value::Table(read);
        Ok(Node { line, value })
    }

    fn value(
        &mut self,
        line: usize,
        value: &Spanned<DeValue<'_>>,
        depth: usize,
    ) -> Result<Node, Error> {
        self.budget.node(line, depth)?;
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Integer(number) => Value::Number(number.to_string()),
            DeValue::Float(number) => Value::Number(number.to_string()),
            DeValue::Boolean(flag) => Value::Bool(*flag),
            DeValue::Datetime(time) => Value::Text(time.to_string()),
            DeValue::Array(items) => self.list(items, depth)?,
            DeValue::Table(table) => return self.table(line, table, depth),
        };
        Ok(Node { line, value })
    }

    fn list(&mut self, items: &DeArray<'_>, depth: usize) -> Result<Value, Error> {
        let mut nodes = Vec::with_capacity(items.len());
        for item in items {
            let line = self.text.line_of(item.span().start);
            nodes.push(self.value(line, item, depth.saturating_add(1))?);
        }
        Ok(Value::List(nodes))
    }
}
