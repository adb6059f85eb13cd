//! `ucf`: configuration that a package brings outside of its own files.
//!
//! On a system where nothing was, it copies a file of the package to its place, with owner and
//! mode. What it keeps to tell later whether somebody edited the file (`/var/lib/ucf`) is left
//! out: an image is not upgraded.
//!
//! Followed: ucf 3.0043 and 3.0052.

use super::options::{Arguments, flag, value};
use super::problem::Problem;
use super::work::{Answer, Invocation, Site, Work};
use crate::scripts::Certainty;

/// The effect.
pub(crate) struct Ucf;

impl Work for Ucf {
    fn command(&self, site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        match call.program {
            "ucfr" => Ok(Answer::Ignored(
                "which package has a file matters for upgrades",
            )),
            "ucf" => install(site, call),
            _ => Ok(Answer::NotMine),
        }
    }
}

fn install(site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
    let known = &[
        flag(&["--three-way"]),
        flag(&["--debconf-ok"]),
        flag(&["--debconf-template"]),
        flag(&["--verbose", "-v"]),
        flag(&["--sum-ok"]),
        value(&["--sum-file", "-s"]),
        value(&["--src-dir"]),
    ];
    let Some(arguments) = Arguments::parse(call.arguments, known) else {
        return Ok(Answer::NotMine);
    };
    let [from, to] = arguments.rest.as_slice() else {
        return Ok(Answer::NotMine);
    };
    let absolute = from.starts_with('/') && to.starts_with('/');
    if !absolute || call.certainty == Certainty::Perhaps || !site.files.is_file(from) {
        return Ok(Answer::NotMine);
    }
    // What is there already was put there by somebody: it stays, as it does when nobody is asked.
    if site.files.exists(to) {
        return Ok(Answer::Emulated);
    }
    let directory = to.rsplit_once('/').map_or("", |(directory, _)| directory);
    if !site.files.is_directory(directory) {
        return Ok(Answer::NotMine);
    }
    site.files.copy_with_metadata(from, to)?;
    Ok(Answer::Emulated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::testing::World;

    #[test]
    fn a_first_installation() {
        let mut world = World::new(
            "d 0755 0:0 /etc
             f 0640 0:4 /usr/share/one
             |text
             f 0644 0:0 /etc/there
             |mine",
        );
        for (command, answer) in [
            (
                "ucf --three-way --debconf-ok /usr/share/one /etc/one",
                Answer::Emulated,
            ),
            ("ucf /usr/share/one /etc/there", Answer::Emulated),
            ("ucf --purge /etc/one", Answer::NotMine),
            ("ucf /usr/share/none /etc/none", Answer::NotMine),
            ("ucf /usr/share/one /etc/no/parent", Answer::NotMine),
            ("ucf /usr/share/one relative", Answer::NotMine),
            ("ucf /usr/share/one", Answer::NotMine),
        ] {
            assert_eq!(world.run(&Ucf, command), answer, "{command}");
        }
        assert!(matches!(
            world.run(&Ucf, "ucfr one /etc/one"),
            Answer::Ignored(_)
        ));
        let perhaps = world.run_perhaps(&Ucf, "ucf /usr/share/one /etc/other");
        assert_eq!(perhaps, Answer::NotMine);
        // What `ucf` of Debian 12 and 13 leaves behind there.
        let wanted = include_str!("../../tests/fixtures/effects/bookworm.ucf.txt");
        assert_eq!(world.listing("/etc/one"), wanted);
        let wanted = include_str!("../../tests/fixtures/effects/trixie.ucf.txt");
        assert_eq!(world.listing("/etc/one"), wanted);
        let there = "f 0644 0:0 /etc/there\n|mine\n";
        assert_eq!(world.listing("/etc/there"), there);
    }
}
