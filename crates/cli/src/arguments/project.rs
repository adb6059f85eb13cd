//! Arguments of the commands that work on a project: recipe, lock, store.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use enclair_build::Entry;

const UPDATE_HELP: &str =
    "Resolve these entries anew: source, kernel, init, agent, nsm_module, files, rules";

/// Which recipe.
#[derive(Debug, Args)]
pub(crate) struct ProjectArguments {
    /// Directory of the project
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Recipe, instead of enclair.toml here; not together with DIR
    #[arg(short, long, value_name = "FILE", conflicts_with = "directory")]
    pub(crate) file: Option<PathBuf>,
}

impl ProjectArguments {
    /// The recipe's file.
    pub(crate) fn recipe(&self) -> PathBuf {
        match (&self.file, &self.directory) {
            (Some(file), _) => file.clone(),
            (None, Some(directory)) => directory.join("enclair.toml"),
            (None, None) => PathBuf::from("enclair.toml"),
        }
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair init\n  enclair init --from Dockerfile\n  \
    enclair init --from enclaver.yaml -o enclave/enclair.toml\n\n\
    What a foreign file says and a recipe cannot say is listed by name on stderr."
)]
pub(crate) struct Init {
    /// Take over what this file says: a Dockerfile, enclaver.yaml, enclave.toml or caution.hcl
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// The recipe to write
    #[arg(short, long, default_value = "enclair.toml", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Write it even if it is there already
    #[arg(long)]
    pub(crate) force: bool,
    /// Print what became of each field as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair lock\n  enclair lock --update source\n  \
    enclair lock --check       # status 1 when the lock is stale\n  \
    enclair lock --import SHA256SUMS-amd64\n  \
    enclair lock --export-sha256sums SHA256SUMS-amd64\n\n\
    What is locked stays locked until it is asked for with --update, or the recipe asks for \
    something else."
)]
pub(crate) struct Lock {
    #[command(flatten)]
    pub(crate) project: ProjectArguments,
    #[arg(long, num_args = 1.., value_name = "NAME", help = UPDATE_HELP)]
    pub(crate) update: Vec<Entry>,
    /// Say whether the lock is the recipe's, and change nothing: status 0 when it is, 1 when it is
    /// not, 2 when there is none
    #[arg(long, conflicts_with = "update")]
    pub(crate) check: bool,
    /// Lock exactly the packages that this file has by digest, as repro-get writes it, instead of
    /// choosing some; the recipe has `source.packages`
    #[arg(long, value_name = "SHA256SUMS", conflicts_with = "check")]
    pub(crate) import: Option<PathBuf>,
    /// Write the locked packages as such a file, or to `-`, and change nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "update", "import"])]
    pub(crate) export_sha256sums: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) supply: SupplyArguments,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where content comes from.
#[derive(Debug, Clone, Args)]
pub(crate) struct SupplyArguments {
    /// Open no network socket: take everything from the store
    #[arg(long)]
    pub(crate) offline: bool,
    /// Reach this registry over plain HTTP; may be given more than once
    #[arg(long, value_name = "HOST")]
    pub(crate) insecure_registry: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "The store is $ENCLAIR_STORE, else enclair in $XDG_CACHE_HOME or ~/.cache.")]
pub(crate) struct Store {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Print where the store is
    Path,
    /// Say what is in it
    Size {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Read everything in it and compare it with its digests
    Verify {
        /// Move what is altered out of the way, so that it is fetched again
        #[arg(long)]
        set_aside: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove what no lock needs that was built or locked here, and nothing of the last hour
    Gc {
        /// Remove everything, whatever needs it
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write everything that a lock needs to a directory, from which anybody builds offline
    Export(Export),
    /// Take the content of an exported store, or of a directory of blobs named by their digests
    Import {
        /// The directory
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  enclair store export store-1.4 -f enclair.toml\n  \
    ENCLAIR_STORE=store-1.4 enclair build --locked --offline"
)]
pub(crate) struct Export {
    /// The directory to write, which must not be there yet
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Recipe whose lock says what is needed
    #[arg(short, long, default_value = "enclair.toml", value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) supply: SupplyArguments,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair log\n  enclair log --json | jq '.images[0].pcr0'\n\n\
    Reads every measurements.json that is committed in the repository, at each commit that changed \
    it and at each tag."
)]
pub(crate) struct Log {
    /// Directory in the repository
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Only this file, instead of all that are called measurements.json
    #[arg(long, value_name = "PATH")]
    pub(crate) measurements: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
