//! `/etc/nsswitch.conf`: where names of users and hosts are looked for.
//!
//! The package `libc-bin` brings the file when there is none, and packages with a further source
//! of names add it in their own `postinst`. The scripts of those edit the file with `sed` and
//! `perl`; which source they add, and where, is a table here.
//!
//! Followed: the scripts of libc-bin 2.36 and 2.41, libnss-systemd and libnss-myhostname 252 and
//! 257, libnss-mdns 0.15.1, on a file that nobody has edited.

use enclair_tree::Metadata;

use super::problem::Problem;
use super::work::{Replaced, Site, Work};

const PATH: &str = "/etc/nsswitch.conf";

/// The effect.
pub(crate) struct Nsswitch;

impl Work for Nsswitch {
    fn replaces(&self) -> &'static [Replaced] {
        &[Replaced {
            package: "libc-bin",
            reviewed: &[],
        }]
    }

    fn configure(&self, site: &mut Site<'_>, _package: &str) -> Result<(), Problem> {
        let default = "/usr/share/libc-bin/nsswitch.conf";
        if site.files.exists(PATH) || !site.files.is_file(default) {
            return Ok(());
        }
        site.files.make_directories("/etc", Metadata::new(0o755))?;
        site.files.copy_with_metadata(default, PATH)
    }
}
