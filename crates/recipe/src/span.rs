//! Where in a document a value stands.
//!
//! Every value that a later stage may want to complain about is a [`Spanned`], so that the message
//! can show the line although the stage knows nothing of TOML. The surprise: two of them are equal
//! when their values are, wherever they stand, because a recipe means the same however it is laid
//! out.

use std::fmt;
use std::ops::{Deref, Range};

/// A range of bytes in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self {
            start: range.start,
            end: range.end,
        }
    }
}

/// A value, and where it stands. A default stands nowhere.
#[derive(Debug, Clone, Copy)]
pub struct Spanned<T> {
    value: T,
    span: Option<Span>,
}

impl<T> Spanned<T> {
    /// A value that stands at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self {
            value,
            span: Some(span),
        }
    }

    /// A value that nobody wrote: a default, or one that comes from elsewhere.
    pub const fn unwritten(value: T) -> Self {
        Self { value, span: None }
    }

    /// Where it stands; `None` when nobody wrote it.
    pub const fn span(&self) -> Option<Span> {
        self.span
    }

    /// The value.
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// The value alone.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Another value at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned {
            value: change(self.value),
            span: self.span,
        }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: Default> Default for Spanned<T> {
    fn default() -> Self {
        Self::unwritten(T::default())
    }
}
