#![doc = include_str!("../../../docs/formats/recipe.md")]
#![doc = ""]
#![doc = include_str!("../../../docs/formats/lock.md")]

mod canonical;
mod diagnostic;
mod lock;
mod path;
mod read;
mod recipe;
mod reference;
mod settings;
mod span;
mod supply;

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
pub use settings::{
    ParseTemplateError, Provider, ProviderKind, Registry, Settings, UrlTemplate, Variable,
};
pub use span::{Span, Spanned};
pub use supply::{Blob, Place, Supply, SupplyError, Wanted};
