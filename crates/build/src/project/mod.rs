//! A project: a recipe, its lock, and what both lead to.
//!
//! ```text
//! enclair.toml -> Recipe ---------------------------\
//!                   | resolve: what is outside now   +-> BuildRequest -> build
//!                   v                               /
//! enclair.lock <-> Lock -> inputs: all in the store
//! ```
//!
//! Only [`resolve`] finds anything out about the outside; everything behind the lock goes by
//! digest. How content is fetched is not known here: it comes through
//! [`Supply`](enclair_recipe::Supply).

mod agreement;
mod archives;
mod comparison;
mod document;
mod error;
mod image;
mod inputs;
mod inside;
mod locked;
mod packages;
mod request;
mod resolve;
mod stamp;

pub use comparison::{Change, Direction, LockComparison, Movement, Movements, PackageChange};
pub use document::{LockFile, Project};
pub use error::ProjectError;
pub use image::obtain_image;
pub use locked::{BuildOptions, Built, Freshness, LockChange, Locking, Outcome};
pub use packages::{
    ChoiceError, Contained, ContainedRequest, Downloaded, Hints, ListingError, MissingPackage,
    MissingReason, Rootfs, Why, WhyChain, WhyNeed, WhyReason, contained_packages,
};
pub use resolve::{Entry, UnknownEntry};
