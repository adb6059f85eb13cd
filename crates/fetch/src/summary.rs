//! Who gave what, and why others did not.

use std::fmt;
use std::sync::Arc;

use enclair_digest::Sha256;

use crate::reason::{Chain, Reason};

/// A provider that did not give what it was asked for.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Who: a URL without credentials, or a registry's repository.
    pub provider: String,
    /// Why not.
    pub reason: Arc<Reason>,
    /// How often it was asked; 0 when it was passed over.
    pub tries: u32,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, Chain(&*self.reason))?;
        if self.tries > 1 {
            write!(f, " (tried {} times)", self.tries)?;
        }
        Ok(())
    }
}

/// How the search for one piece of content ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A provider gave it.
    Provided {
        /// Who.
        provider: String,
        /// Bytes that were transferred by it.
        bytes: u64,
    },
    /// Another process brought it while this one waited for its turn.
    Appeared,
    /// Nobody gave it.
    Missing,
}

/// One piece of content that was looked for.
#[derive(Debug, Clone)]
pub struct Looked {
    /// What it is called in messages.
    pub name: String,
    /// What it is, where that is known.
    pub sha256: Option<Sha256>,
    /// How the search ended.
    pub outcome: Outcome,
    /// Who was asked before, in order.
    pub failures: Vec<Failure>,
}

/// Everything that a fetcher looked for elsewhere than in the store, in the order in which the
/// searches ended.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// One for each search.
    pub looked: Vec<Looked>,
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        match &self.outcome {
            Outcome::Provided { provider, bytes } => write!(f, "{bytes} bytes from {provider}")?,
            Outcome::Appeared => f.write_str("brought by another process")?,
            Outcome::Missing => f.write_str("from nobody")?,
        }
        self.failures
            .iter()
            .try_for_each(|failure| write!(f, "\n  not from {failure}"))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.looked
            .iter()
            .try_for_each(|looked| writeln!(f, "{looked}"))
    }
}
