//! Which packages a request comes to, and why.
//!
//! Not here: fetching, trust, unpacking. What comes in are indexes that are believed already, and
//! what comes out is a set of packages with a reason for each, in the order in which they are
//! installed.
//!
//! ```text
//! Universe: indexes with suite, component, pin     --+
//! Request: architecture, names, base, excluded       |-- solve --> Solution | SolveError
//!                                                  --+
//! ```
//!
//! The choice follows what `apt-get install` does on a system without packages:
//!
//! - Of each name and architecture only the *candidate* can be installed: that of the highest
//!   priority, and of those the highest version. `name=version` and `name/suite` make another
//!   version the candidate.
//! - What is asked for and the base come first. Then their dependencies are walked depth first,
//!   `Pre-Depends` before `Depends` before `Recommends`, each in the order of the field.
//! - Alternatives of which one is there already need nothing. Otherwise the first one is taken that
//!   can be: for each name, the package of that name before those that provide it, and of those
//!   essential ones, ones of the own architecture and of higher priority first.
//!
//! Where apt lets the order of files decide between equal providers, names decide here; and where
//! a choice turns out to be impossible, this searches on where apt gives up. So a solution does not
//! depend on the order of anything. `docs/formats/packages.md` has the rules in full.

mod error;
mod explain;
mod given;
mod order;
mod pool;
mod request;
mod search;
mod solution;
#[cfg(test)]
mod tests;
mod universe;

pub use error::{Failure, Found, Obstacle, SolveError, Wanted};
pub use given::{Given, Together, Unmet, examine};
pub use request::{Asked, AskedError, Base, Choice, Recommends, Request};
pub use solution::{Chain, Chosen, Link, Reason, Solution};
pub use universe::{Pin, Source, Universe};

/// How many relations are looked at before a request is given up. Large ones need some ten
/// thousand; only indexes that were made for it need more.
pub const MAX_STEPS: u32 = 200_000;

/// How often a relation is compared with a package or with what one provides, likewise.
pub const MAX_COMPARISONS: u32 = 20_000_000;

/// Finds the packages that `request` comes to.
///
/// # Errors
///
/// When something that is asked for is not there or excluded, when dependencies cannot be
/// satisfied, when a relation that is looked at cannot be read, or when the search is given up
/// after [`MAX_STEPS`] or [`MAX_COMPARISONS`].
pub fn solve<'a>(
    universe: &'a Universe<'a>,
    request: &Request,
) -> Result<Solution<'a>, SolveError> {
    let mut pool = pool::Pool::new(universe, request);
    let roots = pool.roots(request)?;
    let found = search::search(&mut pool, request, &roots)?;
    solution::Solution::new(&mut pool, &roots, found)
}
