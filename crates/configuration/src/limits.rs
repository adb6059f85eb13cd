//! Resource limits: the names that a document may use, and the two bounds of each.
//!
//! Names are those of `getrlimit(2)` in lower case without `RLIMIT_`. The number of each resource
//! differs between architectures and is the business of whoever sets the limit.

use std::fmt;

/// A resource of `setrlimit(2)`, in the order of the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Bytes of address space.
    As,
    /// Bytes of a core file.
    Core,
    /// Seconds of CPU time.
    Cpu,
    /// Bytes of data segment.
    Data,
    /// Bytes of a file.
    Fsize,
    /// Number of file locks.
    Locks,
    /// Bytes locked in memory.
    Memlock,
    /// Bytes in POSIX message queues.
    Msgqueue,
    /// How far the nice value may go down.
    Nice,
    /// One more than the greatest file descriptor.
    Nofile,
    /// Number of processes of the user.
    Nproc,
    /// Bytes of resident memory; the kernel does not enforce it.
    Rss,
    /// The greatest real-time priority.
    Rtprio,
    /// Microseconds of real-time scheduling without a blocking call.
    Rttime,
    /// Number of queued signals.
    Sigpending,
    /// Bytes of the main thread's stack.
    Stack,
}

impl Resource {
    /// Every resource, in the order of the names.
    pub const ALL: [Self; 16] = [
        Self::As,
        Self::Core,
        Self::Cpu,
        Self::Data,
        Self::Fsize,
        Self::Locks,
        Self::Memlock,
        Self::Msgqueue,
        Self::Nice,
        Self::Nofile,
        Self::Nproc,
        Self::Rss,
        Self::Rtprio,
        Self::Rttime,
        Self::Sigpending,
        Self::Stack,
    ];

    /// The name in a document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::As => "as",
            Self::Core => "core",
            Self::Cpu => "cpu",
            Self::Data => "data",
            Self::Fsize => "fsize",
            Self::Locks => "locks",
            Self::Memlock => "memlock",
            Self::Msgqueue => "msgqueue",
            Self::Nice => "nice",
            Self::Nofile => "nofile",
            Self::Nproc => "nproc",
            Self::Rss => "rss",
            Self::Rtprio => "rtprio",
            Self::Rttime => "rttime",
            Self::Sigpending => "sigpending",
            Self::Stack => "stack",
        }
    }

    /// The resource of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|resource| resource.name() == name)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How much of a resource. Ordered: everything is below [`Bound::Unlimited`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// This much, at most 2^53 - 1: a greater number is not the same in every reader of JSON.
    At(u64),
    /// Without a limit: the string `unlimited` in a document.
    Unlimited,
}

/// The two bounds of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// What is enforced.
    pub soft: Bound,
    /// How far the process may raise the soft one.
    pub hard: Bound,
}
