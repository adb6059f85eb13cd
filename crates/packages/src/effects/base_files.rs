//! The directories and files that `base-files` makes when it is configured.
//!
//! The script is a list of calls of six functions of its own (`install_directory mnt 755 root`),
//! and which directories there are differs between releases. So the calls are taken from the
//! script of the package at hand, and what the functions do is written here. A release that calls
//! something else has another digest, and is reported.
//!
//! Followed: the `postinst` of base-files 12.4 (Debian 12) and 13.8 (Debian 13).

use enclair_tree::Metadata;

use crate::deb::Script;

use super::accounts::Accounts;
use super::problem::Problem;
use super::work::{Replaced, Site, Work};

/// Where the package keeps what is installed only once.
const DEFAULTS: &str = "/usr/share/base-files";

/// The effect.
pub(crate) struct BaseFiles;

impl Work for BaseFiles {
    fn replaces(&self) -> &'static [Replaced] {
        &[Replaced {
            package: "base-files",
            reviewed: &[
                "df9bc3133214a88ab5888d88494ca0c8459de65a8c890d2f916f43924fae1608",
                "3399e9e2bcdc1a1195984f19bc5db8f2d5c1f208fa5faf2784b95a4a3476db9e",
            ],
        }]
    }

    fn configure(&self, site: &mut Site<'_>, package: &str) -> Result<(), Problem> {
        let script = site.script(package, Script::Postinst).unwrap_or_default();
        let calls: Vec<Vec<String>> = first_installation(script);
        let accounts = Accounts::read(&site.files)?;
        origin(site)?;
        for call in &calls {
            let words: Vec<&str> = call.iter().map(String::as_str).collect();
            apply(site, &accounts, &words)?;
        }
        info_directory(site)?;
        libraries_of_other_kinds(site)
    }
}

/// The calls of a first installation: the lines between the test for it and the end of that test.
fn first_installation(script: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    let mut inside = false;
    for line in script.lines() {
        let words: Vec<String> = line.split_whitespace().map(unquoted).collect();
        if line.starts_with("if [ \"$1\" = \"configure\" ] && [ \"$2\" = \"\" ]") {
            inside = true;
        } else if line == "fi" {
            inside = false;
        } else if inside {
            calls.push(words);
        }
    }
    calls
}

fn unquoted(word: &str) -> String {
    word.replace('"', "").replace("$DPKG_ROOT", "")
}

fn apply(site: &mut Site<'_>, accounts: &Accounts, call: &[&str]) -> Result<(), Problem> {
    match *call {
        ["install_from_default", name, path] => from_default(site, name, path),
        ["install_directory", path, mode, group] => {
            let gid = group_of(accounts, group)?;
            directory(site, path, mode, gid)
        }
        ["migrate_directory", path, target] => migrate(site, path, target),
        ["install_local_dir", path] => local_directory(site, accounts, path),
        ["ensure_file_owner_mode", path, owner, mode] => {
            log_file(site, accounts, [path, owner, mode])
        }
        ["ln", "-s" | "-sf", target, path] => link(site, target, path),
        _ => Ok(()),
    }
}

fn group_of(accounts: &Accounts, name: &str) -> Result<u32, Problem> {
    accounts.gid_of(name).ok_or_else(|| Problem::Unknown {
        what: "group",
        name: name.to_owned(),
    })
}

fn mode_of(text: &str) -> Result<u16, Problem> {
    u16::from_str_radix(text, 8).map_err(|_| Problem::Value {
        value: text.to_owned(),
        what: "a mode",
    })
}

fn from_default(site: &mut Site<'_>, name: &str, path: &str) -> Result<(), Problem> {
    let default = format!("{DEFAULTS}/{name}");
    // A preset that leaves out documentation may leave out the default too.
    if site.files.is_file(path) || !site.files.is_file(&default) {
        return Ok(());
    }
    site.files.copy_with_metadata(&default, path)
}

fn directory(site: &mut Site<'_>, path: &str, mode: &str, gid: u32) -> Result<(), Problem> {
    let metadata = Metadata {
        gid,
        ..Metadata::new(mode_of(mode)?)
    };
    site.files.make_directory(path, metadata)
}

/// A directory that a symlink takes the place of: it must be empty, as for `rmdir`.
fn migrate(site: &mut Site<'_>, path: &str, target: &str) -> Result<(), Problem> {
    if site.files.is_symlink(path) {
        return Ok(());
    }
    if !site.files.names(path).is_empty() {
        return Err(Problem::Value {
            value: path.to_owned(),
            what: "replaced: it is not empty",
        });
    }
    site.files.remove(path)?;
    site.files.symlink(path, target)
}

fn local_directory(site: &mut Site<'_>, accounts: &Accounts, path: &str) -> Result<(), Problem> {
    if !site.files.is_directory(path) {
        site.files.make_directories(path, Metadata::new(0o755))?;
    }
    if site.files.is_file("/etc/staff-group-for-usr-local")
        && let Some(gid) = accounts.group("staff")
        && let Some(place) = site.files.real(path)
    {
        site.files.change(&place, |metadata| {
            (metadata.gid, metadata.permissions) = (gid, 0o2775);
        });
    }
    Ok(())
}

fn log_file(site: &mut Site<'_>, accounts: &Accounts, call: [&str; 3]) -> Result<(), Problem> {
    let [path, owner, mode] = call;
    let (_, group) = owner.split_once(':').unwrap_or_default();
    let (gid, permissions) = (group_of(accounts, group)?, mode_of(mode)?);
    if !site.files.is_file(path) {
        site.files.write(path, "")?;
    }
    if let Some(place) = site.files.real(path) {
        site.files.change(&place, |metadata| {
            (metadata.gid, metadata.permissions) = (gid, permissions);
        });
    }
    Ok(())
}

/// `ln -sf`, which the script uses only where nothing or a symlink is.
fn link(site: &mut Site<'_>, target: &str, path: &str) -> Result<(), Problem> {
    if site
        .files
        .own_node(path)
        .is_some_and(enclair_tree::Node::is_directory)
    {
        return Ok(());
    }
    site.files.symlink(path, target)
}

fn origin(site: &mut Site<'_>) -> Result<(), Problem> {
    let path = "/etc/dpkg/origins/default";
    for vendor in ["ubuntu", "debian"] {
        let there = site.files.exists(&format!("/etc/dpkg/origins/{vendor}"));
        if there && !site.files.exists(path) {
            site.files.symlink(path, vendor)?;
        }
    }
    Ok(())
}

fn info_directory(site: &mut Site<'_>) -> Result<(), Problem> {
    let path = "/usr/share/info/dir";
    if !site.files.is_directory("/usr/share/info") || site.files.is_file("/usr/info/dir") {
        return Ok(());
    }
    if site.files.is_file(path) {
        return Ok(());
    }
    from_default(site, "info.dir", path)
}

/// Merged `/usr` for the libraries of another kind of the same processor, from Debian 13 on.
fn libraries_of_other_kinds(site: &mut Site<'_>) -> Result<(), Problem> {
    for name in ["lib32", "libo32", "libx32"] {
        let (path, target) = (format!("/{name}"), format!("usr/{name}"));
        if site.files.is_directory(&target) && site.files.own_node(&path).is_none() {
            site.files.symlink(&path, target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::testing::World;

    /// The shape of the real script, with one call of each function.
    const SCRIPT: &str = r#"#!/bin/sh
install_directory() {
  mkdir "$DPKG_ROOT/$1"
}
if [ "$1" = "configure" ] && [ "$2" = "" ]; then
  install_from_default dot.profile   /root/.profile
  install_from_default motd          /etc/motd
  install_directory mnt       755 root
  install_directory var/mail 2775 mail
  if [ ! -L "$DPKG_ROOT/var/spool/mail" ]; then
    ln -s ../mail "$DPKG_ROOT/var/spool/mail"
  fi
  install_directory run/lock 1777 root
  migrate_directory /var/lock /run/lock
  install_local_dir /usr/local/share/man
  ln -sf share/man "$DPKG_ROOT/usr/local/man"
  ensure_file_owner_mode /var/log/btmp root:utmp 660
fi
if [ "$1" = "configure" ] && [ "$2" != "" ]; then
  install_directory never 755 root
fi
"#;

    fn machine(more: &str) -> World {
        let mut world = World::new(&format!(
            "d 0755 0:0 /etc
             d 0700 0:0 /root
             d 0755 0:0 /run
             d 1777 0:0 /var/lock
             d 0755 0:0 /var/log
             d 0755 0:0 /var/spool
             f 0644 0:0 /usr/share/base-files/dot.profile
             |# profile
             f 0644 0:0 /etc/dpkg/origins/debian
             f 0644 0:0 /etc/group
             |root:x:0:
             |mail:x:8:
             |utmp:x:43:
             |staff:x:50:
             {more}"
        ));
        world.install("base-files", SCRIPT);
        world
    }

    #[test]
    fn one_call_of_each_function() {
        let mut world = machine("");
        BaseFiles
            .configure(&mut world.site(), "base-files")
            .unwrap();
        let listings = [
            "/mnt",
            "/root",
            "/run",
            "/var",
            "/usr/local",
            "/etc/dpkg",
            "/never",
        ];
        let found: String = listings.map(|path| world.listing(path)).concat();
        let wanted = "d 0755 0:0 /mnt
            d 0700 0:0 /root
            f 0644 0:0 /root/.profile
            |# profile
            d 0755 0:0 /run
            d 1777 0:0 /run/lock
            d 0755 0:0 /var
            l /var/lock -> /run/lock
            d 0755 0:0 /var/log
            f 0660 0:43 /var/log/btmp
            d 2775 0:8 /var/mail
            d 0755 0:0 /var/spool
            l /var/spool/mail -> ../mail
            d 0755 0:0 /usr/local
            l /usr/local/man -> share/man
            d 0755 0:0 /usr/local/share
            d 0755 0:0 /usr/local/share/man
            d 0755 0:0 /etc/dpkg
            d 0755 0:0 /etc/dpkg/origins
            f 0644 0:0 /etc/dpkg/origins/debian
            l /etc/dpkg/origins/default -> debian
";
        assert_eq!(found, wanted.replace("            ", ""));
    }

    #[test]
    fn staff_may_write_below_usr_local() {
        let mut world = machine("f 0644 0:0 /etc/staff-group-for-usr-local");
        BaseFiles
            .configure(&mut world.site(), "base-files")
            .unwrap();
        let found = world.listing("/usr/local/share/man");
        assert_eq!(found, "d 2775 0:50 /usr/local/share/man\n");
    }

    #[test]
    fn a_directory_that_is_not_empty_is_not_replaced() {
        let mut world = machine("f 0644 0:0 /var/lock/held");
        let problem = BaseFiles
            .configure(&mut world.site(), "base-files")
            .unwrap_err();
        let text = "`/var/lock` cannot be replaced: it is not empty";
        assert_eq!(problem.to_string(), text);
    }
}
