//! JSON, as far as a configuration needs it: a reader into a value, and how a string is written.
//!
//! The reader takes white space and every escape, although the canonical form has neither: the
//! comparison of bytes that follows it is the one place that decides what is canonical. It is
//! strict about what would make two readers disagree: duplicate keys, control characters, lone
//! surrogates, numbers that are no integers below 2^53, text behind the document.

use crate::error::{Error, Found};

/// Objects in objects in the document: `limits.nofile`, and one for the values in it.
const MAX_DEPTH: u8 = 4;

/// The greatest integer that every reader of JSON holds exactly (RFC 8785, RFC 7493).
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// A JSON value. Keys of objects ascend, which the reader has checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Number(u64),
    Text(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The type's name for messages.
    pub(crate) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// Reads one document to its end.
pub(crate) fn read(text: &str) -> Result<Value, Error> {
    let mut reader = Reader {
        text,
        offset: 0,
        depth: 0,
    };
    let value = reader.value()?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.unexpected("the end of the document")),
    }
}

struct Reader<'a> {
    text: &'a str,
    /// Always at the border of a character.
    offset: usize,
    depth: u8,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset = self.offset.saturating_add(next.len_utf8());
        Some(next)
    }

    /// Passes over `expected` if it stands here.
    fn take(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.next();
        }
        found
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn unexpected(&self, expected: &'static str) -> Error {
        let found = self.peek().map_or_else(
            || Found::new("the end"),
            |found| Found::new(found.encode_utf8(&mut [0; 4])),
        );
        Error::Syntax {
            offset: self.offset,
            expected,
            found,
        }
    }

    fn value(&mut self) -> Result<Value, Error> {
        self.skip_space();
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some('"') => self.string().map(Value::Text),
            Some('0'..='9') => self.number(),
            Some('t') => self.word("true", Value::Boolean(true)),
            Some('f') => self.word("false", Value::Boolean(false)),
            Some('n') => self.word("null", Value::Null),
            _ => Err(self.unexpected("an object, array, string, integer, `true` or `false`")),
        }
    }

    /// Reads what begins with a bracket, if it is not nested too deeply.
    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Error>) -> Result<Value, Error> {
        if self.depth == MAX_DEPTH {
            return Err(self.unexpected("at most 4 levels"));
        }
        self.depth = self.depth.saturating_add(1);
        self.next();
        let value = read(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(value)
    }

    fn object(&mut self) -> Result<Value, Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        self.skip_space();
        if self.take('}') {
            return Ok(Value::Object(entries));
        }
        loop {
            self.skip_space();
            let offset = self.offset;
            if self.peek() != Some('"') {
                return Err(self.unexpected("a key"));
            }
            let key = self.string()?;
            check_order(&entries, &key, offset)?;
            self.skip_space();
            if !self.take(':') {
                return Err(self.unexpected("`:`"));
            }
            let value = self.value()?;
            entries.push((key, value));
            self.skip_space();
            if self.take('}') {
                return Ok(Value::Object(entries));
            }
            if !self.take(',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self) -> Result<Value, Error> {
        let mut items = Vec::new();
        self.skip_space();
        if self.take(']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(']') {
                return Ok(Value::Array(items));
            }
            if !self.take(',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn word(&mut self, word: &'static str, value: Value) -> Result<Value, Error> {
        for expected in word.chars() {
            if !self.take(expected) {
                return Err(self.unexpected(word));
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Error> {
        const EXPECTED: &str = "an integer from 0 to 9007199254740991";
        let start = self.offset;
        let mut number = 0_u64;
        while let Some(digit) = self.peek().and_then(|next| next.to_digit(10)) {
            let leading_zero = number == 0 && self.offset > start;
            let longer = number
                .checked_mul(10)
                .and_then(|number| number.checked_add(u64::from(digit)))
                .filter(|number| *number <= MAX_INTEGER && !leading_zero);
            number = longer.ok_or_else(|| self.unexpected(EXPECTED))?;
            self.next();
        }
        match self.peek() {
            Some('.' | 'e' | 'E') => Err(self.unexpected(EXPECTED)),
            _ => Ok(Value::Number(number)),
        }
    }

    fn string(&mut self) -> Result<String, Error> {
        self.next();
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('\\') => text.push(self.escape()?),
                Some('\0'..='\x1f') | None => {
                    return Err(self.unexpected("a character of a string"));
                }
                Some(plain) => {
                    text.push(plain);
                    self.next();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Error> {
        self.next();
        let plain = match self.peek() {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\x08',
            Some('f') => '\x0c',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.code_point(),
            _ => return Err(self.unexpected("an escape")),
        };
        self.next();
        Ok(plain)
    }

    /// The rest of `\uXXXX`, or of two of them that are one character.
    fn code_point(&mut self) -> Result<char, Error> {
        const EXPECTED: &str = "a character, not half of a surrogate pair";
        let start = self.offset;
        let first = self.code_unit()?;
        let units = if (0xd800..0xdc00).contains(&first) && self.take('\\') {
            [Some(first), Some(self.code_unit()?)]
        } else {
            [Some(first), None]
        };
        let mut decoded = char::decode_utf16(units.into_iter().flatten());
        if let (Some(Ok(character)), None) = (decoded.next(), decoded.next()) {
            return Ok(character);
        }
        self.offset = start;
        Err(self.unexpected(EXPECTED))
    }

    /// `uXXXX`.
    fn code_unit(&mut self) -> Result<u16, Error> {
        if !self.take('u') {
            return Err(self.unexpected("`u` and four hexadecimal digits"));
        }
        let mut unit = 0_u32;
        for _ in 0..4 {
            let digit = self.peek().and_then(|next| next.to_digit(16));
            let digit = digit.ok_or_else(|| self.unexpected("a hexadecimal digit"))?;
            unit = (unit << 4) | digit;
            self.next();
        }
        u16::try_from(unit).map_err(|_| self.unexpected("a hexadecimal digit"))
    }
}

/// Keys ascend. Entries so far do, so a key that is among them is found by halving.
fn check_order(entries: &[(String, Value)], key: &str, offset: usize) -> Result<(), Error> {
    let Some((before, _)) = entries.last() else {
        return Ok(());
    };
    if before.as_str() < key {
        return Ok(());
    }
    let found = entries.binary_search_by(|(known, _)| known.as_str().cmp(key));
    let key = Found::new(key);
    Err(match found {
        Ok(_) => Error::DuplicateKey { offset, key },
        Err(_) => Error::KeyOrder {
            offset,
            key,
            before: Found::new(before),
        },
    })
}

/// Adds `text` to `json` as a string in the one way that RFC 8785 has for it.
///
/// # Example
///
/// ```
/// let mut json = Vec::new();
/// enclair_configuration::json::push_string(&mut json, "a\"b\n\u{1}/");
/// assert_eq!(json, br#""a\"b\n\u0001/""#);
/// ```
pub fn push_string(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    for byte in text.bytes() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => {
                let digit = |value: u8| b"0123456789abcdef".get(usize::from(value));
                json.extend_from_slice(b"\\u00");
                json.extend(digit(byte >> 4).into_iter().chain(digit(byte & 15)));
                continue;
            }
            _ => {
                json.push(byte);
                continue;
            }
        };
        json.extend_from_slice(&[b'\\', short]);
    }
    json.push(b'"');
}

/// An object that is being written; its keys must be given in order.
#[derive(Default)]
pub(crate) struct Writer {
    json: Vec<u8>,
}

impl Writer {
    pub(crate) fn key(&mut self, key: &str) {
        self.json
            .push(if self.json.is_empty() { b'{' } else { b',' });
        push_string(&mut self.json, key);
        self.json.push(b':');
    }

    /// The object, whose last key has been written.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.json.push(b'}');
        self.json
    }

    /// A value that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.json.extend_from_slice(json.as_bytes());
    }

    pub(crate) fn string(&mut self, key: &str, text: &str) {
        self.key(key);
        push_string(&mut self.json, text);
    }

    pub(crate) fn strings(&mut self, key: &str, items: &[String]) {
        self.key(key);
        self.list(*b"[]", items, |json, text| push_string(json, text));
    }

    pub(crate) fn number(&mut self, key: &str, number: impl Into<u64>) {
        self.key(key);
        let digits = number.into().to_string();
        self.json.extend_from_slice(digits.as_bytes());
    }

    /// What is not so is not written.
    pub(crate) fn flag(&mut self, key: &str, is_so: bool) {
        if is_so {
            self.key(key);
            self.json.extend_from_slice(b"true");
        }
    }

    pub(crate) fn list<T>(
        &mut self,
        [open, close]: [u8; 2],
        items: impl IntoIterator<Item = T>,
        push: impl Fn(&mut Vec<u8>, T),
    ) {
        self.json.push(open);
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.json.push(b',');
            }
            push(&mut self.json, item);
        }
        self.json.push(close);
    }
}
