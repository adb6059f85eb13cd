//! The time zone of an image: UTC.
//!
//! The package `tzdata` asks debconf for a zone, whose default is `Etc/UTC`; a machine that is
//! installed without asking has that. A recipe that wants another zone supplies the link.

use enclair_tree::Metadata;

use crate::deb::Script;

use super::problem::Problem;
use super::work::{Replaced, Site, Work};

/// What debconf answers when nobody was asked.
const ZONE: &str = "Etc/UTC";

/// The effect.
pub(crate) struct Tzdata;

impl Work for Tzdata {
    fn replaces(&self) -> &'static [Replaced] {
        &[Replaced {
            package: "tzdata",
            reviewed: &[
                "bbd3106c50b9e2df9b4efa248dbcc6b1264bdd3355c6e42430d5bec43d543616",
                "5dfd8c69d08b05a66cb5e9872a8e945d9f771cdae05bd356f79ea784d6412dc6",
            ],
        }]
    }

    fn configure(&self, site: &mut Site<'_>, package: &str) -> Result<(), Problem> {
        site.files.make_directories("/etc", Metadata::new(0o755))?;
        site.files
            .symlink("/etc/localtime", format!("/usr/share/zoneinfo/{ZONE}"))?;
        if makes_name(site.script(package, Script::Postinst).unwrap_or_default()) {
            site.files.write("/etc/timezone", format!("{ZONE}\n"))?;
        }
        Ok(())
    }
}

/// Whether the script writes `/etc/timezone` on a new system: from Debian 13 on it only keeps one
/// that is there.
fn makes_name(script: &str) -> bool {
    script.contains("/etc/timezone") && !script.contains("test -f \"$DPKG_ROOT/etc/timezone\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::testing::World;

    fn after(script: &str) -> String {
        let mut world = World::new("");
        world.install("tzdata", script);
        Tzdata.configure(&mut world.site(), "tzdata").unwrap();
        world.listing("/etc")
    }

    #[test]
    fn the_link_and_the_name() {
        let link = "d 0755 0:0 /etc\nl /etc/localtime -> /usr/share/zoneinfo/Etc/UTC\n";
        let named = after("echo \"$TIMEZONE\" > \"$DPKG_ROOT/etc/timezone\"\n");
        assert_eq!(named, format!("{link}f 0644 0:0 /etc/timezone\n|Etc/UTC\n"));
        let kept = "if test -f \"$DPKG_ROOT/etc/timezone\"; then\n\
                    echo \"$TIMEZONE\" > \"$DPKG_ROOT/etc/timezone\"\nfi\n";
        assert_eq!(after(kept), link);
    }
}
