//! Where an archive goes: a parameter, so that one walk can forecast a size, list, or write.

use std::convert::Infallible;

/// The content of a file, known by its size before it is read.
pub trait Body {
    /// Bytes of the content.
    fn len(&self) -> u64;

    /// Whether there is no content.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Takes the bytes of an archive in order.
///
/// Bodies are passed as values, so that a sink that only counts reads none of them. A sink that
/// writes another number of bytes for a body than [`Body::len`] said makes a broken archive: it is
/// for the sink to compare, and to fail.
pub trait Sink<B: ?Sized> {
    /// What can go wrong.
    type Error;

    /// Takes a header, a name, a symlink target or padding.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Takes the content of a file.
    ///
    /// # Errors
    ///
    /// Those of the sink.
    fn body(&mut self, body: &B) -> Result<(), Self::Error>;
}

impl Body for [u8] {
    fn len(&self) -> u64 {
        u64::try_from(<[u8]>::len(self)).unwrap_or(u64::MAX)
    }
}

/// An archive in memory, of bodies in memory.
impl Sink<[u8]> for Vec<u8> {
    type Error = Infallible;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.extend_from_slice(bytes);
        Ok(())
    }

    fn body(&mut self, body: &[u8]) -> Result<(), Infallible> {
        self.extend_from_slice(body);
        Ok(())
    }
}

impl<B: ?Sized, S: Sink<B>> Sink<B> for &mut S {
    type Error = S::Error;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        (**self).bytes(bytes)
    }

    fn body(&mut self, body: &B) -> Result<(), S::Error> {
        (**self).body(body)
    }
}
