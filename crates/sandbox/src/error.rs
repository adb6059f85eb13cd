//! Why scripts cannot be run, and what a user can do about it.

use std::io;

use thiserror::Error;

/// Scripts that were not run, or not to their end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The program is built for a machine on which nothing is traced yet.
    #[error("scripts are run on x86_64 only, this is {machine}")]
    Machine {
        /// The machine.
        machine: &'static str,
    },
    /// Scripts of another kind of machine than this.
    #[error("scripts of an image for {image} cannot be run on {machine}")]
    Foreign {
        /// The image's.
        image: String,
        /// This one.
        machine: &'static str,
    },
    /// The program cannot be started again.
    #[error("the sandbox cannot be started")]
    Start(#[source] io::Error),
    /// No ids for the users of the image.
    #[error("user and group ids cannot be given to the sandbox: {problem}")]
    Ids {
        /// What is missing.
        problem: String,
    },
    /// A file of somebody who cannot be inside.
    #[error("`/{path}` belongs to {id}; where scripts are run, ids end at 65535")]
    Owner {
        /// Which.
        path: String,
        /// Its user or group.
        id: u32,
    },
    /// The tree did not get in or out.
    #[error("files cannot be passed to or from the sandbox")]
    Files(#[source] io::Error),
    /// The kernel does not give what the sandbox is made of.
    #[error("the sandbox cannot be made: {problem}")]
    SetUp {
        /// What.
        problem: String,
    },
    /// A script failed.
    #[error("a script failed: {problem}{}", tail(output))]
    Failed {
        /// Which, and how it ended.
        problem: String,
        /// The last that the scripts printed.
        output: String,
    },
    /// What came back is not taken.
    #[error("what the scripts left is not taken: {0}")]
    Refused(&'static str),
    /// There is no room for what came back.
    #[error("what the scripts left cannot be kept")]
    Spool(#[source] io::Error),
    /// What came back is no tree.
    #[error("what the scripts left is no root filesystem")]
    Tree(#[source] enclair_tree::Error),
}

fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(8)..)
        .unwrap_or_default();
    last.iter().flat_map(|line| ["\n    ", line]).collect()
}

impl SandboxError {
    /// What the user can do about it.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Machine { .. } | Self::Foreign { .. } => {
                Some("use `scripts = \"effects\"`, which needs no machine of the image's kind")
            }
            Self::Ids { .. } => Some(
                "run as root, or install newuidmap (Debian: uidmap) and give your user 65536 ids in \
                 /etc/subuid and /etc/subgid",
            ),
            Self::SetUp { .. } => Some(
                "user namespaces may be switched off here (user.max_user_namespaces, \
                 kernel.unprivileged_userns_clone, AppArmor), or be of no use inside of a container",
            ),
            Self::Failed { .. } => Some(
                "scripts have no network, no devices and no services; supply what this one makes in \
                 `[source.packages.effects]` and use `scripts = \"effects\"`",
            ),
            Self::Owner { .. } => Some(
                "give it another owner in the recipe or the package, or use `scripts = \"effects\"`",
            ),
            Self::Start(_) | Self::Files(_) | Self::Refused(_) | Self::Spool(_) | Self::Tree(_) => {
                None
            }
        }
    }
}
