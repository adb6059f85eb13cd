//! `enclair-agent`: the second program of the boot ramdisk. Everything is in the library; this is
//! the entry point.

use std::process::ExitCode;

fn main() -> ExitCode {
    enclair_agent::run(std::env::args().skip(1))
}
