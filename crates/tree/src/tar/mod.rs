//! Tar archives, read and written.

mod header;
mod number;
mod pax;
mod problem;
mod reader;
mod source;
mod sparse;
mod writer;

pub use problem::{Part, SparseProblem, TarProblem};
pub use reader::{Entry, EntryKind, Names, OwnerNames, Reader};
pub use writer::write_tar;
