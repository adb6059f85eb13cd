//! The arguments of `ps`, `stop` and `logs`.

use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair run out/enclave.eif --detach --name shop -p 8080:8080\n  \
    enclair ps\n  enclair ps --json\n\n\
    One that has ended is listed until `enclair stop` forgets it."
)]
pub(crate) struct Ps {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  enclair stop shop\n\n\
    Exit status: 0 when all of them have ended and are forgotten, whatever their own status was.")]
pub(crate) struct Stop {
    /// Their names, as `enclair ps` lists them
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// How long one may take to end by itself before it is killed
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  enclair logs shop\n  enclair logs shop --follow\n\n\
    The newest 4 to 8 MiB are kept. Control characters are escaped."
)]
pub(crate) struct Logs {
    /// Its name, as `enclair ps` lists it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Go on until the enclave ends
    #[arg(short, long)]
    pub(crate) follow: bool,
}
