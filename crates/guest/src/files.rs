//! Files that a container runtime would bring: `/etc/hostname`, `/etc/hosts`, and where the agent
//! answers for names, `/etc/resolv.conf`.
//!
//! Written only where the image has nothing of that name, not even a symlink. The builder removes
//! the empty ones that other runtimes leave (`runtime-files@1`).

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;

use enclair_configuration::Configuration;

use crate::failure::Failure;
use crate::sys::Errno;

const HOSTNAME: &str = "/etc/hostname";
const HOSTS: &str = "/etc/hosts";
const RESOLVER: &str = "/etc/resolv.conf";

/// Writes those that are missing.
pub(crate) fn write(configuration: &Configuration) -> Result<(), Failure> {
    let hostname = &configuration.hostname;
    match fs::create_dir("/etc") {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        result => result.map_err(|error| failed("/etc", error.into()))?,
    }
    write_missing(HOSTNAME, &format!("{hostname}\n")).map_err(|errno| failed(HOSTNAME, errno))?;
    write_missing(HOSTS, &hosts(hostname)).map_err(|errno| failed(HOSTS, errno))?;
    if configuration.services.egress.is_empty() {
        return Ok(());
    }
    write_missing(RESOLVER, "nameserver 127.0.0.1\n").map_err(|errno| failed(RESOLVER, errno))
}

fn failed(path: &'static str, errno: Errno) -> Failure {
    Failure::FileNotWritten { path, errno }
}

fn hosts(hostname: &str) -> String {
    format!("127.0.0.1 localhost\n::1 localhost\n127.0.0.1 {hostname}\n")
}

fn write_missing(path: &str, content: &str) -> Result<(), Errno> {
    // create_new follows no symlink at the end of the path.
    match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.into()),
        Ok(mut file) => {
            file.write_all(content.as_bytes())?;
            Ok(file.set_permissions(Permissions::from_mode(0o644))?)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_of_the_image_stays_as_it_is() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name).to_str().unwrap().to_owned();
        write_missing(&at("new"), "content").unwrap();
        assert_eq!(fs::read_to_string(at("new")).unwrap(), "content");
        write_missing(&at("new"), "other").unwrap();
        assert_eq!(fs::read_to_string(at("new")).unwrap(), "content");
        symlink(at("elsewhere"), at("link")).unwrap();
        write_missing(&at("link"), "content").unwrap();
        assert!(!fs::exists(at("elsewhere")).unwrap());
    }
}
