#![doc = include_str!("../../../docs/formats/recipe.md")]
#![doc = ""]
#![doc = include_str!("../../../docs/formats/lock.md")]
#![deny(
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::unreachable
)]

mod canonical;
mod diagnostic;
mod lock;
mod packages;
mod path;
mod read;
mod recipe;
mod reference;
mod schema;
mod settings;
mod span;
mod supply;
mod template;

pub use diagnostic::{Colour, Diagnostic, Diagnostics};
pub use lock::{
    FILES, Inside, Lock, LockError, LockedBoot, LockedFile, LockedImage, LockedPackage,
    LockedPackages, LockedSource, LockedSuite, Origin, ParseRuleError, RuleVersion, Sha1Hint,
};
pub use packages::{
    Base, Distribution, PackageArchive, Packages, Repository, Scripts, Supplied, SuppliedDirectory,
    SuppliedFile, SuppliedGroup, SuppliedLink, SuppliedMode, SuppliedUser,
};
pub use recipe::{
    Artifact, Boot, ClockSource, Content, Enclave, Epoch, FileEntry, Grant, LogTarget, Mode,
    Network, Normalize, NotBuiltYet, Owner, Principal, RamdiskCompression, Recipe, Run, Sign,
    Source,
};
pub use reference::{ImageReference, ParseReferenceError, RegistryReference, Version};
pub use schema::recipe_schema;
pub use settings::{
    Archive, ParseTemplateError, Provider, ProviderKind, Registry, Settings, UrlTemplate,
};
pub use span::{Span, Spanned};
pub use supply::{Blob, NoSupply, Place, Supply, SupplyError, Wanted};
pub use template::commented_template;
