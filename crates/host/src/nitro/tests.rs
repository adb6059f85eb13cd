//! Whole runs: a stub in the vendor's program's place, Unix sockets in that of vsock, and a thread
//! that plays the enclave.

use std::fs;
use std::io::{Read as _, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use enclair_eif::Pcr;
use tempfile::TempDir;

use super::*;
use crate::egress::Denied;
use crate::ingress::Publish;
use crate::status::{Event, Last};
use crate::vsock::{EGRESS_PORT, READY_PORT, STATUS_PORT};

mod bench;
mod flow;
mod streams;

use bench::{CID, Heard, Played, UnixWire, request};
