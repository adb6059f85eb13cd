//! Why the agent does not start. Nothing of a connection is in here: one that goes wrong ends, and
//! the others go on.

use std::io;

use enclair_configuration::{NAMES_PORT, PROXY_PORT};
use thiserror::Error;

/// Something without which the agent has no work.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// An argument that names no open file.
    #[error("argument `{argument}`: expected the name and number of an open file, as in `nsm=7`")]
    Argument { argument: String },
    /// A file that init did not hand over.
    #[error("init handed over no file called `{name}`")]
    NotInherited { name: &'static str },
    /// The configuration cannot be read.
    #[error("the configuration cannot be read: {source}")]
    ConfigurationNotRead { source: io::Error },
    /// The configuration is none.
    #[error("the configuration: {source}")]
    Configuration {
        source: enclair_configuration::Error,
    },
    /// Nobody could ask for a document.
    #[error("attestation at the vsock port {port}: {source}")]
    Attestation { port: u16, source: io::Error },
    /// No call could be made.
    #[error("the proxy at 127.0.0.1:{PROXY_PORT}: {source}")]
    Proxy { source: io::Error },
    /// No name could be asked for.
    #[error("names at 127.0.0.1:{NAMES_PORT}: {source}")]
    Names { source: io::Error },
    /// The application's output cannot be read.
    #[error("the application's output: {source}")]
    Logs { source: io::Error },
    /// The event loop cannot be made.
    #[error("no event loop: {source}")]
    Runtime { source: io::Error },
}
