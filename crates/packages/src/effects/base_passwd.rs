//! `/etc/passwd` and `/etc/group` from the masters of `base-passwd`, and their shadows.
//!
//! On an empty system `update-passwd` would find nothing to do after the masters were copied, so
//! the copies are the result. The shadow files are made when `passwd` is installed, as its script
//! does with `shadowconfig on`; images without that package keep `*` in passwd itself. Every line
//! of shadow has the same day ([`super::accounts`]). The backups that the tools leave behind
//! (`/etc/passwd-`, `/etc/.pwd.lock`) are not made.
//!
//! Followed: base-passwd 3.6.1 and 3.6.7, shadow 4.13 and 4.17.

use enclair_tree::{Metadata, TreePath};

use crate::deb::Script;

use super::accounts::Accounts;
use super::problem::Problem;
use super::work::{Replaced, Site, Work};

/// The effect.
pub(crate) struct BasePasswd;

impl Work for BasePasswd {
    /// Before any script: the others name users and groups.
    fn start(&self, site: &mut Site<'_>) -> Result<(), Problem> {
        if site.package("base-passwd").is_none() {
            return Ok(());
        }
        for name in ["passwd", "group"] {
            let path = format!("/etc/{name}");
            let master = format!("/usr/share/base-passwd/{name}.master");
            if site.files.exists(&path) {
                continue;
            }
            let Some(text) = site.files.read(&master)? else {
                let path = TreePath::from_archive(master.as_bytes())?;
                return Err(Problem::Missing { path });
            };
            site.files.make_directories("/etc", Metadata::new(0o755))?;
            site.files.put(&path, text, Metadata::new(0o644))?;
        }
        // At once, so that the lines have the order of passwd: a machine where another tool adds
        // an account first has that one first.
        if site.package("passwd").is_some() {
            let mut accounts = Accounts::read(&site.files)?;
            accounts.make_shadows();
            accounts.write(&mut site.files)?;
        }
        Ok(())
    }

    fn replaces(&self) -> &'static [Replaced] {
        &[
            Replaced {
                package: "base-passwd",
                reviewed: &[
                    "07ac7174338f860a8e3d409ba195b6ed94cb44f6aa63492a6f44d3831ed94942",
                    "e13696842c4e251cdf08ca30fd01ba194028f0bd9f698695035874d973e9db4f",
                ],
            },
            Replaced {
                package: "passwd",
                reviewed: &[
                    "0b75943d3006b12d1fb5f8c7b0e5c26eea28322a5fddd8deb38103c61f0f3c27",
                    "0b89a5757c04a5f566c6e3cd00dd414ffa67073462046856e16ed9005e2252b7",
                ],
            },
            Replaced {
                package: "login",
                reviewed: &[
                    "53e058372f8cc50dcc6b47a74b0fc6088d6ec09eb7865a0f9b5fbe239cd5a09a",
                    "b9e29b11ed170e377c54a9f2efc19eafad28f70435dc0f975d9bcba7423f0aea",
                ],
            },
        ]
    }

    fn configure(&self, site: &mut Site<'_>, package: &str) -> Result<(), Problem> {
        let script = site.script(package, Script::Postinst).unwrap_or_default();
        let named: Vec<&str> = EMPTY
            .into_iter()
            .filter(|path| script.contains(path))
            .collect();
        named
            .into_iter()
            .try_for_each(|path| empty_file(site, path))
    }
}

/// Files that the script makes, empty, where they are missing: which package does it moved from
/// `login` to `base-passwd` with Debian 13, so each is made by the one that names it.
const EMPTY: [&str; 3] = ["/var/log/faillog", "/etc/subuid", "/etc/subgid"];

fn empty_file(site: &mut Site<'_>, path: &str) -> Result<(), Problem> {
    if site.files.exists(path) {
        return Ok(());
    }
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    site.files
        .make_directories(directory, Metadata::new(0o755))?;
    site.files.put(path, "", Metadata::new(0o644))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::testing::World;

    fn machine() -> World {
        let mut world = World::new(
            "f 0644 0:0 /usr/share/base-passwd/passwd.master
             |root:*:0:0:root:/root:/bin/bash
             |_apt:*:42:65534::/nonexistent:/usr/sbin/nologin
             f 0644 0:0 /usr/share/base-passwd/group.master
             |root:*:0:
             |sudo:*:27:
             |nogroup:*:65534:",
        );
        world.install("base-passwd", "touch \"$DPKG_ROOT/etc/subuid\"\n");
        world
    }

    #[test]
    fn masters_and_shadows() {
        let mut world = machine();
        world.install("passwd", "shadowconfig on\n");
        BasePasswd.start(&mut world.site()).unwrap();
        BasePasswd
            .configure(&mut world.site(), "base-passwd")
            .unwrap();
        // What `shadowconfig on` of Debian 12 makes of the same masters on day 1.
        let wanted = "d 0755 0:0 /etc
            f 0644 0:0 /etc/group
            |root:x:0:
            |sudo:x:27:
            |nogroup:x:65534:
            f 0640 0:42 /etc/gshadow
            |root:*::
            |sudo:*::
            |nogroup:*::
            f 0644 0:0 /etc/passwd
            |root:x:0:0:root:/root:/bin/bash
            |_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
            f 0640 0:42 /etc/shadow
            |root:*:1:0:99999:7:::
            |_apt:*:1:0:99999:7:::
            f 0644 0:0 /etc/subuid
";
        assert_eq!(world.listing("/etc"), wanted.replace("            ", ""));
    }

    #[test]
    fn what_is_there_stays() {
        let mut world = machine();
        world.put_file("/etc/passwd", "mine:x:0:0:::\n");
        BasePasswd.start(&mut world.site()).unwrap();
        let found = world.listing("/etc/passwd");
        assert_eq!(found, "f 0644 0:0 /etc/passwd\n|mine:x:0:0:::\n");
    }

    #[test]
    fn a_package_without_its_masters() {
        let mut world = World::new("");
        world.install("base-passwd", "");
        let problem = BasePasswd.start(&mut world.site()).unwrap_err();
        let path = "usr/share/base-passwd/passwd.master";
        let text = format!("`{path}`: does not exist, or is not a regular file");
        assert_eq!(problem.to_string(), text);
    }
}
