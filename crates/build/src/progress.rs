//! What a long operation tells its caller while it runs.

/// Receives progress. The library calls it, a command draws it; a pipe gets [`Silent`].
pub trait Progress: std::fmt::Debug {
    /// A stage begins, with the number of bytes it will go through where that is known.
    fn stage(&self, name: &'static str, bytes: Option<u64>);

    /// The stage went through another `bytes` bytes.
    fn advance(&self, bytes: u64);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _name: &'static str, _bytes: Option<u64>) {}

    fn advance(&self, _bytes: u64) {}
}

/// A reader that reports what goes through it.
#[derive(Debug)]
pub(crate) struct Reported<'a, R, P: ?Sized> {
    inner: R,
    progress: &'a P,
}

impl<'a, R, P: ?Sized> Reported<'a, R, P> {
    pub(crate) const fn new(inner: R, progress: &'a P) -> Self {
        Self { inner, progress }
    }
}

impl<R: std::io::Read, P: Progress + ?Sized> std::io::Read for Reported<'_, R, P> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.advance(count as u64);
        Ok(count)
    }
}
