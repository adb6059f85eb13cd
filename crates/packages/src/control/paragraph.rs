//! Paragraphs, borrowed from the text they are in.

use super::ControlError;

/// Most fields of one paragraph. Packages have about thirty, and every new name is compared with
/// those before it.
pub const MAX_FIELDS: usize = 256;

/// One field of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    name: &'a str,
    value: &'a str,
    line: u32,
}

impl<'a> Field<'a> {
    /// The name as it is written.
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The value without blanks around it. Lines after the first are as they were written, with
    /// the blank at their beginning.
    pub const fn value(&self) -> &'a str {
        self.value
    }

    /// The line of the name, from 1.
    pub const fn line(&self) -> u32 {
        self.line
    }
}

/// A paragraph: at least one field, and none twice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paragraph<'a> {
    fields: Vec<Field<'a>>,
}

impl<'a> Paragraph<'a> {
    /// The fields in the order of the text.
    pub fn fields(&self) -> &[Field<'a>] {
        &self.fields
    }

    /// The field of that name, in any case.
    pub fn find(&self, name: &str) -> Option<&Field<'a>> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The value of the field of that name, in any case.
    pub fn field(&self, name: &str) -> Option<&'a str> {
        self.find(name).map(Field::value)
    }

    /// The line where it begins, from 1.
    pub fn line(&self) -> u32 {
        self.fields.first().map_or(0, Field::line)
    }

    /// The field of that name.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn require(&self, name: &'static str) -> Result<&Field<'a>, ControlError> {
        self.find(name).ok_or(ControlError::Missing {
            line: self.line(),
            field: name,
        })
    }

    fn add(&mut self, field: Field<'a>) -> Result<(), ControlError> {
        let line = field.line;
        if self.find(field.name).is_some() {
            let field = field.name.into();
            return Err(ControlError::Twice { line, field });
        }
        if self.fields.len() >= MAX_FIELDS {
            return Err(ControlError::Fields { line });
        }
        self.fields.push(field);
        Ok(())
    }
}

/// The paragraphs of a text, one after the other. After an error there are no more.
#[derive(Debug, Clone)]
pub struct Paragraphs<'a> {
    rest: &'a [u8],
    line: u32,
}

impl<'a> Paragraphs<'a> {
    /// Reads `text` from its beginning.
    pub const fn new(text: &'a [u8]) -> Self {
        Self::from_line(text, 1)
    }

    /// Reads `text`, which begins in this line of a larger one.
    pub const fn from_line(text: &'a [u8], line: u32) -> Self {
        Self { rest: text, line }
    }

    fn advance(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn skip_empty(&mut self) {
        while self.rest.first() == Some(&b'\n') {
            self.advance(1);
            self.line = self.line.saturating_add(1);
        }
    }

    /// The paragraph at the beginning of the rest. As text it is checked once as a whole: that is
    /// what most of the time would go into otherwise.
    fn paragraph(&mut self) -> Result<Paragraph<'a>, ControlError> {
        let end = memchr::memmem::find(self.rest, b"\n\n");
        let end = end.map_or(self.rest.len(), |end| end.saturating_add(1));
        let text = self.rest.get(..end).unwrap_or_default();
        let mut lines = Lines {
            rest: check_text(text, self.line)?,
            line: self.line,
        };
        let mut paragraph = Paragraph::default();
        while !lines.rest.is_empty() {
            paragraph.add(lines.field()?)?;
        }
        self.advance(end);
        self.line = lines.line;
        Ok(paragraph)
    }
}

/// The lines of one paragraph that are still to be read.
struct Lines<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Lines<'a> {
    /// The line at `start` without its end, and where the next one begins.
    fn line_at(&self, start: usize) -> Option<(&'a [u8], usize)> {
        let rest = self.rest.as_bytes().get(start..)?;
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..end).filter(|_| !rest.is_empty())?;
        let next = start.saturating_add(end).saturating_add(1);
        Some((line, next.min(self.rest.len())))
    }

    /// The field at the beginning of the rest, with the lines that continue it.
    fn field(&mut self) -> Result<Field<'a>, ControlError> {
        let line = self.line;
        let (first, mut end) = self.line_at(0).unwrap_or_default();
        if let Some(b' ' | b'\t') = first.first() {
            return Err(match first.trim_ascii() {
                [] => ControlError::Blank { line },
                _ => ControlError::Continuation { line },
            });
        }
        let colon = memchr::memchr(b':', first).ok_or(ControlError::NoField { line })?;
        let mut lines = 1_u32;
        while let Some((next, after)) = self.line_at(end) {
            if !matches!(next.first(), Some(b' ' | b'\t')) {
                break;
            }
            if next.trim_ascii().is_empty() {
                let line = line.saturating_add(lines);
                return Err(ControlError::Blank { line });
            }
            (end, lines) = (after, lines.saturating_add(1));
        }
        let (text, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        let (name, value) = text.split_at_checked(colon).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default();
        let field = Field {
            name: check_field_name(name).ok_or(ControlError::NoField { line })?,
            value: value.trim_matches([' ', '\t', '\r', '\n']),
            line,
        };
        self.rest = rest;
        self.line = line.saturating_add(lines);
        Ok(field)
    }
}

/// A name of printable ASCII, as policy 5.1 has it: no comment, and nothing that signed text
/// would escape.
fn check_field_name(name: &str) -> Option<&str> {
    let valid = name.bytes().all(|byte| byte.is_ascii_graphic());
    Some(name).filter(|name| valid && !name.is_empty() && !name.starts_with(['#', '-']))
}

fn check_text(text: &[u8], line: u32) -> Result<&str, ControlError> {
    let line_of = |offset: usize| {
        let before = text.get(..offset).unwrap_or_default();
        let lines = memchr::memchr_iter(b'\n', before).count();
        line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX))
    };
    if let Some(offset) = memchr::memchr(0, text) {
        let line = line_of(offset);
        return Err(ControlError::Nul { line });
    }
    str::from_utf8(text).map_err(|error| ControlError::Encoding {
        line: line_of(error.valid_up_to()),
    })
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Result<Paragraph<'a>, ControlError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_empty();
        if self.rest.is_empty() {
            return None;
        }
        let paragraph = self.paragraph();
        if paragraph.is_err() {
            self.rest = &[];
        }
        Some(paragraph)
    }
}
