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
    Inside, Lock, LockError, LockedBoot, LockedFile, LockedImage, LockedSource, Origin,
    ParseRuleError, RuleVersion,
};
pub use recipe::{
    Artifact, Boot, Content, Distribution, Egress, Enclave, Epoch, FileEntry, Grant, LogTarget,
    Mode, Network, Normalize, NotBuiltYet, Owner, Packages, Principal, RamdiskCompression, Recipe,
    Run, Scripts, Sign, Source,
};
pub use reference::{ImageReference, ParseReferenceError, RegistryReference, Version};
pub use schema::recipe_schema;
pub use settings::{ParseTemplateError, Provider, ProviderKind, Registry, Settings, UrlTemplate};
pub use span::{Span, Spanned};
pub use supply::{Blob, Place, Supply, SupplyError, Wanted};
pub use template::commented_template;
