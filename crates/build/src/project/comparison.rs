//! Two locks side by side: which packages became others, what else did, and which registers of an
//! image that moves.
//!
//! Only what the locks say is compared. Nothing is built or fetched, so a register that cannot have
//! moved by the locks can still differ between two builds: files of the project and much of what a
//! recipe says are in no lock. Where the recipe is another, that is said.

mod entries;
mod named;
mod packages;
#[cfg(test)]
mod tests;

use enclair_recipe::Lock;

pub use packages::{Direction, PackageChange};

/// What tells two locks apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockComparison {
    /// Packages of the source, by name and architecture.
    pub packages: Vec<PackageChange>,
    /// Everything else, in the order of a lock.
    pub others: Vec<Change>,
    /// Which registers it moves.
    pub registers: Movements,
}

/// Another value of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is called in a lock: `cmdline`, `boot.kernel`, `suites debian:bookworm`.
    pub what: String,
    /// What it was, in a few words; `None` where there was nothing.
    pub old: Option<String>,
    /// What it is now.
    pub new: Option<String>,
    /// Which registers it moves.
    pub registers: Movements,
}

/// Whether a register is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Movement {
    /// Nothing that the locks say moves it.
    #[default]
    Stays,
    /// It depends on what a lock does not say.
    Perhaps,
    /// What it measures is another.
    Moves,
}

impl Movement {
    /// In a word or two.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Stays => "stays",
            Self::Perhaps => "may move",
            Self::Moves => "moves",
        }
    }
}

/// The registers that a build decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Movements {
    /// The whole image.
    pub pcr0: Movement,
    /// The boot environment: kernel, command line, ramdisk 0.
    pub pcr1: Movement,
    /// The application: ramdisk 1.
    pub pcr2: Movement,
}

impl Movements {
    /// Nothing is measured of it: where something was found, and when.
    const NONE: Self = Self::of(Movement::Stays, Movement::Stays);
    /// It is in the boot environment.
    const BOOT: Self = Self::of(Movement::Moves, Movement::Stays);
    /// It is in the application.
    const APPLICATION: Self = Self::of(Movement::Stays, Movement::Moves);
    /// It is in both.
    const BOTH: Self = Self::of(Movement::Moves, Movement::Moves);
    /// It may be in the application.
    const PERHAPS_APPLICATION: Self = Self::of(Movement::Stays, Movement::Perhaps);
    /// It may be anywhere.
    const PERHAPS: Self = Self::of(Movement::Perhaps, Movement::Perhaps);

    /// The image as a whole has both.
    const fn of(pcr1: Movement, pcr2: Movement) -> Self {
        let pcr0 = match (pcr1, pcr2) {
            (Movement::Moves, _) | (_, Movement::Moves) => Movement::Moves,
            (Movement::Perhaps, _) | (_, Movement::Perhaps) => Movement::Perhaps,
            (Movement::Stays, Movement::Stays) => Movement::Stays,
        };
        Self { pcr0, pcr1, pcr2 }
    }

    fn and(self, other: Self) -> Self {
        Self::of(self.pcr1.max(other.pcr1), self.pcr2.max(other.pcr2))
    }

    /// The registers by name.
    pub const fn named(self) -> [(&'static str, Movement); 3] {
        [
            ("PCR0", self.pcr0),
            ("PCR1", self.pcr1),
            ("PCR2", self.pcr2),
        ]
    }
}

impl LockComparison {
    /// Compares two locks.
    pub fn of(old: &Lock, new: &Lock) -> Self {
        let packages = packages::changes(old, new);
        let mut others = entries::changes(old, new);
        if packages.is_empty() && others.is_empty() && old != new {
            // A size beside the same digest, and whatever nobody thought of.
            others.push(Change {
                what: "lock".to_owned(),
                old: None,
                new: None,
                registers: Movements::PERHAPS,
            });
        }
        let of_packages = packages.iter().map(PackageChange::registers);
        let of_others = others.iter().map(|change| change.registers);
        let registers = of_packages
            .chain(of_others)
            .fold(Movements::NONE, Movements::and);
        Self {
            packages,
            others,
            registers,
        }
    }

    /// Whether the locks say the same.
    pub const fn is_equal(&self) -> bool {
        self.packages.is_empty() && self.others.is_empty()
    }
}
