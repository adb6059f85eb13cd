//! HCL: blocks become tables, and blocks of one name that stand more than once become a list.
//!
//! Nothing is evaluated. An expression that is no literal is kept as it is spelled.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Array, Expression, Object, ObjectKey};
use hcl_edit::structure::{Block, Body, Structure};

use super::{Budget, Key, Node, Value, check_key};
use crate::error::{Error, Shown, SyntaxError};
use crate::text::Text;

pub(super) fn read(text: &Text<'_>) -> Result<Node, Error> {
    let body = hcl_edit::parser::parse_body(text.as_str()).map_err(|error| Error::Syntax {
        line: error.location().line(),
        language: "HCL",
        source: SyntaxError::new(error.message()),
    })?;
    let mut reader = Reader {
        text,
        budget: Budget::default(),
    };
    let value = Value::Table(reader.body(&body, 0)?);
    Ok(Node { line: 1, value })
}

/// What stands under one name in a body.
enum Named {
    Attribute(Node),
    Blocks(Vec<Node>),
}

struct Reader<'a, 'b> {
    text: &'a Text<'b>,
    budget: Budget,
}

impl Reader<'_, '_> {
    fn line(&self, span: Option<Range<usize>>) -> usize {
        self.text.line_of(span.map_or(0, |span| span.start))
    }

    fn body(&mut self, body: &Body, depth: usize) -> Result<Vec<(Key, Node)>, Error> {
        let mut order: Vec<&str> = Vec::new();
        let mut named: BTreeMap<&str, Named> = BTreeMap::new();
        for structure in body {
            let (name, line, node) = match structure {
                Structure::Attribute(attribute) => {
                    let line = self.line(attribute.span());
                    let node = self.expression(line, &attribute.value, depth)?;
                    (attribute.key.as_str(), line, Named::Attribute(node))
                }
                Structure::Block(block) => {
                    let line = self.line(block.span());
                    let node = self.block(line, block, depth)?;
                    (block.ident.as_str(), line, Named::Blocks(vec![node]))
                }
            };
            match (named.get_mut(name), node) {
                (None, node) => {
                    order.push(name);
                    named.insert(name, node);
                }
                (Some(Named::Blocks(before)), Named::Blocks(more)) => before.extend(more),
                (Some(_), _) => {
                    return Err(Error::Duplicate {
                        line,
                        key: Shown::new(name),
                    });
                }
            }
        }
        collect(order, named)
    }

    fn block(&mut self, line: usize, block: &Block, depth: usize) -> Result<Node, Error> {
        let depth = depth.saturating_add(1);
        self.budget.node(line, depth)?;
        let mut entries = Vec::new();
        for label in &block.labels {
            let value = Value::Text(label.as_str().to_owned());
            entries.push((Key::Label, Node { line, value }));
        }
        entries.extend(self.body(&block.body, depth)?);
        let value = Value::Table(entries);
        Ok(Node { line, value })
    }

    fn expression(
        &mut self,
        line: usize,
        expression: &Expression,
        depth: usize,
    ) -> Result<Node, Error> {
        let depth = depth.saturating_add(1);
        self.budget.node(line, depth)?;
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(flag) => Value::Bool(*flag.value()),
            Expression::Number(number) => Value::Number(number.value().to_string()),
            Expression::String(text) => Value::Text(text.value().clone()),
            Expression::Array(items) => self.list(line, items, depth)?,
            Expression::Object(object) => self.object(line, object, depth)?,
            Expression::StringTemplate(_)
            | Expression::HeredocTemplate(_)
            | Expression::Parenthesis(_)
            | Expression::Variable(_)
            | Expression::Conditional(_)
            | Expression::FuncCall(_)
            | Expression::Traversal(_)
            | Expression::UnaryOp(_)
            | Expression::BinaryOp(_)
            | Expression::ForExpr(_) => self.spelled(expression),
        };
        Ok(Node { line, value })
    }

    fn spelled(&self, expression: &Expression) -> Value {
        let span = expression.span().unwrap_or(0..0);
        Value::Expression(self.text.slice(span).trim().to_owned())
    }

    fn list(&mut self, line: usize, items: &Array, depth: usize) -> Result<Value, Error> {
        let mut nodes = Vec::new();
        for item in items {
            let line = item.span().map_or(line, |span| self.line(Some(span)));
            nodes.push(self.expression(line, item, depth)?);
        }
        Ok(Value::List(nodes))
    }

    fn object(&mut self, line: usize, object: &Object, depth: usize) -> Result<Value, Error> {
        let mut entries = Vec::new();
        for (key, value) in object {
            let (name, span) = match key {
                ObjectKey::Ident(name) => (name.as_str(), name.span()),
                ObjectKey::Expression(Expression::String(name)) => {
                    (name.value().as_str(), name.span())
                }
                ObjectKey::Expression(_) => {
                    let construct = "a key that is no text";
                    return Err(Error::Unsupported { line, construct });
                }
            };
            let line = span.map_or(line, |span| self.line(Some(span)));
            let name = check_key(line, name)?;
            entries.push((name, self.expression(line, value.expr(), depth)?));
        }
        let mut names: Vec<&Key> = entries.iter().map(|(name, _)| name).collect();
        names.sort();
        if names.windows(2).any(|pair| pair.first() == pair.get(1)) {
            let key = Shown::new("a key of an object");
            return Err(Error::Duplicate { line, key });
        }
        Ok(Value::Table(entries))
    }
}

/// Names with what stands under them, in the order of their first appearance.
fn collect(order: Vec<&str>, mut named: BTreeMap<&str, Named>) -> Result<Vec<(Key, Node)>, Error> {
    let mut entries = Vec::with_capacity(order.len());
    for name in order {
        let node = match named.remove(name) {
            Some(Named::Attribute(node)) => node,
            Some(Named::Blocks(mut blocks)) if blocks.len() == 1 => match blocks.pop() {
                Some(block) => block,
                None => continue,
            },
            Some(Named::Blocks(blocks)) => Node {
                line: blocks.first().map_or(1, |block| block.line),
                value: Value::List(blocks),
            },
            None => continue,
        };
        entries.push((check_key(node.line, name)?, node));
    }
    Ok(entries)
}
