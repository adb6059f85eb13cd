//! How much a script may ask for.
//!
//! The largest script of Debian's main archive has some 60 000 bytes; none of those that were
//! looked at comes near the other limits.

/// Bytes of a script, and of what it sources.
pub(super) const SIZE: usize = 1 << 20;

/// Levels of nesting of a script's text.
pub(super) const NESTING: u32 = 48;

/// Levels of nesting while it is evaluated, where functions call functions.
pub(super) const DEPTH: u32 = 160;

/// Steps of one evaluation. A command is one, and so are [`STEP_BYTES`] of text.
pub(super) const STEPS: u32 = 400_000;

/// Bytes of text that are handled in a step.
pub(super) const STEP_BYTES: usize = 32;

/// Letters of one value; a longer one becomes unknown.
pub(super) const VALUE: usize = 1 << 16;

/// Letters of source text that an unknown word shows.
pub(super) const SHOWN: usize = 200;

/// Rounds of a loop whose end is known; a longer one is taken as one of any number of rounds.
pub(super) const ROUNDS: usize = 200;
