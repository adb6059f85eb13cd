//! Relations between packages, as in `Depends`.
