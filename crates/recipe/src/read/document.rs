//! Tables, arrays and scalars of a document, each with its path and its place.

use std::borrow::Cow;

use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

use crate::diagnostic::{Diagnostic, Diagnostics, quoted};
use crate::read::keys;
use crate::read::text::{Checked, Complaint};
use crate::span::{Span, Spanned};

/// Bytes of the longest document.
const MAX_BYTES: usize = 1 << 20;
/// Parts of the longest dotted key. The library limits how deep brackets are nested, but not this.
const MAX_KEY_PARTS: usize = 16;

/// Syntax errors that are looked at.
const MAX_SYNTAX: usize = 100;
/// Problems that are kept before they are sorted.
const MAX_KEPT: usize = 1000;
/// Items of an array with which a further one is compared.
const MAX_COMPARED: usize = 1000;

/// A value of the document and what it is called.
#[derive(Debug, Clone)]
pub(crate) struct Field<'d> {
    /// Its key with the tables that it is in, as in `source.files[2].to`.
    pub(crate) path: String,
    /// Where the key stands; for an item of an array, where the item stands.
    pub(crate) key: Span,
    /// Where the value stands.
    pub(crate) span: Span,
    value: &'d DeValue<'d>,
}

/// A table of the document, with known keys only.
#[derive(Debug)]
pub(crate) struct Table<'d> {
    /// What it is called; empty for the document itself.
    path: String,
    /// Where it begins.
    pub(crate) span: Span,
    entries: &'d DeTable<'d>,
}

/// Collects problems.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    problems: Vec<Diagnostic>,
}

/// Reads a document as a table with the keys `known`, and gives it to `read`.
pub(crate) fn read_document<T>(
    document: &str,
    known: &[&str],
    read: impl FnOnce(&mut Reader, &Table<'_>) -> Option<T>,
) -> Result<T, Diagnostics> {
    check_size(document)?;
    let (root, errors) = DeTable::parse_recoverable(document);
    let root = root.get_ref();
    if let Some(problems) = syntax_problems(document, root, &errors) {
        return Err(problems);
    }
    let mut reader = Reader::default();
    let table = Table {
        path: String::new(),
        span: Span::default(),
        entries: root,
    };
    reader.check_keys(&table, known);
    let value = read(&mut reader, &table);
    match (Diagnostics::new(reader.problems), value) {
        (None, Some(value)) => Ok(value),
        (Some(problems), _) => Err(problems),
        // What gives no value says why; should one forget, the document is still not taken.
        (None, None) => Err(Diagnostic::new("the document cannot be read", Span::default()).into()),
    }
}

/// The limits that hold before the library builds anything.
fn check_size(document: &str) -> Result<(), Diagnostics> {
    let found = document.len();
    if found > MAX_BYTES {
        let message = format!("the document has {found} bytes, and at most {MAX_BYTES} are read");
        return Err(Diagnostic::new(message, Span::default()).into());
    }
    match depth_problem(document) {
        Some(span) => {
            let message = format!("a key has more than {MAX_KEY_PARTS} parts");
            Err(Diagnostic::new(message, span).into())
        }
        None => Ok(()),
    }
}

/// Where a key has so many parts that its tables would be nested too deep.
pub(crate) fn depth_problem(document: &str) -> Option<Span> {
    let mut dots = 0_usize;
    for token in toml_parser::Source::new(document).lex() {
        let is_key = matches!(
            token.kind(),
            TokenKind::Atom
                | TokenKind::Whitespace
                | TokenKind::LiteralString
                | TokenKind::BasicString
        );
        match token.kind() == TokenKind::Dot {
            true => dots = dots.saturating_add(1),
            false if is_key => {}
            false => dots = 0,
        }
        if dots >= MAX_KEY_PARTS {
            return Some(Span::from(token.span().start()..token.span().end()));
        }
    }
    None
}

/// What makes the document no TOML. Without that nothing is known of its meaning.
fn syntax_problems(
    document: &str,
    root: &DeTable<'_>,
    errors: &[toml::de::Error],
) -> Option<Diagnostics> {
    if errors.is_empty() {
        return None;
    }
    let mut keys = Vec::new();
    collect_keys(root, &mut keys);
    let problems = errors.iter().take(MAX_SYNTAX).map(|error| {
        let span = Span::from(error.span().unwrap_or_default());
        if error.message() != "duplicate key" {
            return Diagnostic::new(format!("this is not TOML: {}", error.message()), span);
        }
        let key = document.get(span.start..span.end).unwrap_or_default();
        Diagnostic::new(format!("the key `{}` is given twice", quoted(key)), span)
            .with_label("given again here")
            .with_secondary(first_place(&keys, key, span), "given before")
    });
    Diagnostics::new(problems.collect())
}

/// Where a key was given before. The library does not say, so this is known only when no other
/// table has a key of the same name.
fn first_place(keys: &[(&str, Span)], key: &str, again: Span) -> Option<Span> {
    let name = key.trim_matches(['"', '\'']);
    let mut same = keys.iter().filter(|(found, _)| *found == name);
    match (same.next(), same.next()) {
        (Some((_, first)), None) if *first != again => Some(*first),
        _ => None,
    }
}

fn collect_keys<'d>(table: &'d DeTable<'d>, keys: &mut Vec<(&'d str, Span)>) {
    for (key, value) in table {
        keys.push((key.get_ref(), key.span().into()));
        collect_keys_of(value.get_ref(), keys);
    }
}

fn collect_keys_of<'d>(value: &'d DeValue<'d>, keys: &mut Vec<(&'d str, Span)>) {
    if let Some(table) = value.as_table() {
        collect_keys(table, keys);
    }
    for item in value.as_array().into_iter().flat_map(|items| items.iter()) {
        collect_keys_of(item.get_ref(), keys);
    }
}

impl Field<'_> {
    /// Whether the value is a string.
    pub(crate) const fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    /// Whether the value is an array without items.
    pub(crate) fn is_empty_array(&self) -> bool {
        self.value.as_array().is_some_and(|items| items.is_empty())
    }
}

impl<'d> Table<'d> {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<Field<'d>> {
        let (key, value) = self.entries.get_key_value(key)?;
        Some(self.field(key, value))
    }

    /// All keys with their values, in the order of the keys.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'d str, Field<'d>)> {
        let entries = self.entries.iter();
        entries.map(|(key, value)| (key.get_ref().as_ref(), self.field(key, value)))
    }

    fn field(
        &self,
        key: &toml::Spanned<Cow<'d, str>>,
        value: &'d toml::Spanned<DeValue<'d>>,
    ) -> Field<'d> {
        Field {
            path: self.path_of(key.get_ref()),
            key: key.span().into(),
            span: value.span().into(),
            value: value.get_ref(),
        }
    }

    /// What a key of this table is called.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// What the table is called.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl Reader {
    /// Takes a problem.
    pub(crate) fn report(&mut self, problem: Diagnostic) {
        // More are not shown, and a hostile document may have many.
        if self.problems.len() < MAX_KEPT {
            self.problems.push(problem);
        }
    }

    /// Takes a problem of a value.
    pub(crate) fn complain(&mut self, field: &Field<'_>, complaint: Complaint) {
        let Complaint {
            message,
            label,
            hint,
        } = complaint;
        let message = format!("`{}`: {message}", quoted(&field.path));
        let problem = Diagnostic::new(message, field.span).with_hint(hint);
        self.report(Diagnostic { label, ..problem });
    }

    fn wrong_type(&mut self, field: &Field<'_>, expected: &str) {
        let found = match field.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "an array",
            DeValue::Table(_) => "a table",
        };
        let message = format!("expected {expected}, found {found}");
        self.complain(
            field,
            Complaint::new(message).label(format!("not {expected}")),
        );
    }

    /// Reports every key that is not known.
    pub(crate) fn check_keys(&mut self, table: &Table<'_>, known: &[&str]) {
        for (key, field) in table.fields() {
            if !known.contains(&key) {
                let message = format!("unknown key `{}`", quoted(&field.path));
                let problem = Diagnostic::new(message, field.key)
                    .with_label("no such key")
                    .with_hint(keys::suggestion(table.path(), key, known));
                self.report(problem);
            }
        }
    }

    /// The value as a table with known keys.
    pub(crate) fn table<'d>(&mut self, field: &Field<'d>, known: &[&str]) -> Option<Table<'d>> {
        let table = self.any_table(field)?;
        self.check_keys(&table, known);
        Some(table)
    }

    /// The value as a table whose keys are names.
    pub(crate) fn any_table<'d>(&mut self, field: &Field<'d>) -> Option<Table<'d>> {
        let Some(entries) = field.value.as_table() else {
            self.wrong_type(field, "a table");
            return None;
        };
        Some(Table {
            path: field.path.clone(),
            span: field.span,
            entries,
        })
    }

    /// The items of an array.
    pub(crate) fn items<'d>(&mut self, field: &Field<'d>) -> Option<Vec<Field<'d>>> {
        let Some(items) = field.value.as_array() else {
            self.wrong_type(field, "an array");
            return None;
        };
        let items = items.iter().enumerate().map(|(index, item)| Field {
            path: format!("{}[{index}]", field.path),
            key: item.span().into(),
            span: item.span().into(),
            value: item.get_ref(),
        });
        Some(items.collect())
    }

    /// The value as a boolean.
    pub(crate) fn boolean(&mut self, field: &Field<'_>) -> Option<Spanned<bool>> {
        let value = field.value.as_bool();
        if value.is_none() {
            self.wrong_type(field, "`true` or `false`");
        }
        value.map(|value| Spanned::new(value, field.span))
    }

    /// The value as a string that `parse` understands.
    pub(crate) fn parsed<T>(
        &mut self,
        field: &Field<'_>,
        parse: impl FnOnce(&str) -> Checked<T>,
    ) -> Option<Spanned<T>> {
        let Some(text) = field.value.as_str() else {
            self.wrong_type(field, "a string");
            return None;
        };
        self.checked(field, parse(text))
    }

    /// A value that was checked: itself, or nothing and a problem.
    pub(crate) fn checked<T>(
        &mut self,
        field: &Field<'_>,
        checked: Checked<T>,
    ) -> Option<Spanned<T>> {
        match checked {
            Ok(value) => Some(Spanned::new(value, field.span)),
            Err(complaint) => {
                self.complain(field, complaint);
                None
            }
        }
    }

    /// The value as a number, or as a string that `parse` understands. Both are `expected`.
    pub(crate) fn number_or<T>(
        &mut self,
        field: &Field<'_>,
        expected: &str,
        number: impl FnOnce(i128) -> Checked<T>,
        parse: Option<fn(&str) -> Checked<T>>,
    ) -> Option<Spanned<T>> {
        match (field.value, parse) {
            (DeValue::Integer(digits), _) => {
                // A number beyond all limits is as wrong as the greatest.
                let value = i128::from_str_radix(digits.as_str(), digits.radix());
                self.checked(field, number(value.unwrap_or(i128::MAX)))
            }
            (DeValue::String(text), Some(parse)) => self.checked(field, parse(text)),
            _ => {
                self.wrong_type(field, expected);
                None
            }
        }
    }

    /// The value as one of some words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        field: &Field<'_>,
        choices: &[(&str, T)],
    ) -> Option<Spanned<T>> {
        self.parsed(field, |text| {
            let chosen = choices.iter().find(|(word, _)| *word == text);
            chosen.map(|(_, value)| *value).ok_or_else(|| {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                let expected = one_of(&words);
                Complaint::new(format!("expected {expected}, found `{}`", quoted(text)))
                    .label(format!("not {expected}"))
                    .hint(keys::nearest(text, &words).map(|word| format!("did you mean `{word}`?")))
            })
        })
    }

    /// The items of an array, each read by `read`; none of them twice.
    pub(crate) fn list<T: PartialEq>(
        &mut self,
        field: Option<&Field<'_>>,
        mut read: impl FnMut(&mut Self, &Field<'_>) -> Option<Spanned<T>>,
    ) -> Vec<Spanned<T>> {
        let mut values: Vec<Spanned<T>> = Vec::new();
        for item in field
            .and_then(|field| self.items(field))
            .unwrap_or_default()
        {
            let Some(value) = read(self, &item) else {
                continue;
            };
            match values
                .iter()
                .take(MAX_COMPARED)
                .find(|given| **given == value)
            {
                Some(given) => self.twice(&item, given.span()),
                None => values.push(value),
            }
        }
        values
    }

    /// Reports that a value was given before.
    pub(crate) fn twice(&mut self, field: &Field<'_>, before: Option<Span>) {
        let message = format!("`{}`: this is given twice", quoted(&field.path));
        let problem = Diagnostic::new(message, field.span)
            .with_label("given again here")
            .with_secondary(before, "given before");
        self.report(problem);
    }

    /// The one key of `forms` that `table` has, or a problem.
    pub(crate) fn exactly_one<'d>(
        &mut self,
        table: &Table<'d>,
        forms: &[&'static str],
    ) -> Option<(&'static str, Field<'d>)> {
        let given = |form: &&'static str| table.get(form).map(|field| (*form, field));
        let mut given: Vec<_> = forms.iter().filter_map(given).collect();
        given.sort_by_key(|(_, field)| field.key);
        let mut given = given.into_iter();
        let Some((form, first)) = given.next() else {
            let what = one_of(forms);
            let message = format!("`{}`: {what} is missing", quoted(table.path()));
            self.report(Diagnostic::new(message, table.span).with_label("exactly one is needed"));
            return None;
        };
        for (other, field) in given.by_ref() {
            let message = format!("`{form}` and `{other}` exclude each other");
            let problem = Diagnostic::new(message, field.key)
                .with_label("this as well")
                .with_secondary(Some(first.key), "this is given")
                .with_hint(Some(format!(
                    "keep exactly one of {}",
                    list_of(forms, "and")
                )));
            self.report(problem);
        }
        Some((form, first))
    }

    /// The value of a key that must be there.
    pub(crate) fn required<'d>(&mut self, table: &Table<'d>, key: &str) -> Option<Field<'d>> {
        let field = table.get(key);
        if field.is_none() {
            let message = format!("`{}` is missing", quoted(&table.path_of(key)));
            self.report(Diagnostic::new(message, table.span).with_label("here"));
        }
        field
    }

    /// Reports keys that mean nothing beside another one.
    pub(crate) fn refuse(&mut self, table: &Table<'_>, keys: &[&str], beside: &Field<'_>) {
        for field in keys.iter().filter_map(|key| table.get(key)) {
            let message = format!("`{}` has no meaning here", quoted(&field.path));
            let problem = Diagnostic::new(message, field.key)
                .with_label("take this out")
                .with_secondary(Some(beside.key), "because of this");
            self.report(problem);
        }
    }
}

/// `a`, `b` or `c`.
fn one_of(words: &[&str]) -> String {
    list_of(words, "or")
}

fn list_of(words: &[&str], last: &str) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((end, [])) => end.clone(),
        Some((end, rest)) => format!("{} {last} {end}", rest.join(", ")),
        None => String::new(),
    }
}
