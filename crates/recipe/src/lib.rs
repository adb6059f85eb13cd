#![doc = include_str!("../../../docs/formats/recipe.md")]
#![doc = ""]
#![doc = include_str!("../../../docs/formats/lock.md")]

mod supply;

pub use supply::{Blob, Place, Supply, SupplyError, Wanted};
