//! The text of a foreign file, checked before any reader sees it: its size, no NUL, no byte order
//! mark, and LF at line ends.

use std::borrow::Cow;

use crate::error::Error;
use crate::kind::ForeignKind;

/// Text that a reader may see.
#[derive(Debug)]
pub(crate) struct Text<'a> {
    text: Cow<'a, str>,
    /// Where each line begins.
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    pub(crate) fn new(kind: ForeignKind, text: &'a str) -> Result<Self, Error> {
        let most = kind.most_bytes();
        if text.len() > most {
            return Err(Error::TooLarge {
                kind,
                found: text.len(),
                most,
            });
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let text = if text.contains('\r') {
            Cow::Owned(text.replace("\r\n", "\n"))
        } else {
            Cow::Borrowed(text)
        };
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = breaks.map(|(at, _)| at.saturating_add(1));
        let starts = std::iter::once(0).chain(starts).collect();
        let text = Self { text, starts };
        match text.as_str().find('\0') {
            Some(at) => Err(Error::Nul {
                line: text.line_of(at),
            }),
            None => Ok(text),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// The line, from 1, that a byte is in.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// The bytes of a range, or nothing where it is none.
    pub(crate) fn slice(&self, range: std::ops::Range<usize>) -> &str {
        self.text.get(range).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::error::Error;
    use crate::kind::ForeignKind;

    #[test]
    fn lines_are_counted_from_one() {
        let text = Text::new(ForeignKind::Caution, "\u{feff}a\r\nb\r\n\r\nc").expect("text");
        assert_eq!(text.as_str(), "a\nb\n\nc");
        assert_eq!(text.line_of(0), 1);
        assert_eq!(text.line_of(1), 1);
        assert_eq!(text.line_of(2), 2);
        assert_eq!(text.line_of(5), 4);
        assert_eq!(text.line_of(500), 4);
    }

    #[test]
    fn what_is_no_text_is_refused() {
        assert_eq!(
            Text::new(ForeignKind::Enclaver, "a\nb\0").expect_err("NUL"),
            Error::Nul { line: 2 }
        );
        let most = ForeignKind::Enclaver.most_bytes();
        let long = "a".repeat(most) + "a";
        assert!(matches!(
            Text::new(ForeignKind::Enclaver, &long),
            Err(Error::TooLarge { .. })
        ));
        assert!(Text::new(ForeignKind::Enclaver, &"a".repeat(most)).is_ok());
    }
}
