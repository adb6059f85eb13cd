//! `/etc/nsswitch.conf`: where names of users and hosts are looked for.
//!
//! The package `libc-bin` brings the file when there is none. Packages with a further source of
//! names edit it with `sed`, in a piece of script that a tool of Debian (`dh_installnss`) writes
//! for them, with a comment that says what it does:
//!
//! ```text
//! # Installing hosts/mdns4_minimal[NOTFOUND=return] from libnss-mdns in position before=dns,resolve
//! ```
//!
//! The comment is what is followed here; the `sed` commands and the file by which `preinst` tells
//! `postinst` that this is a first installation are taken as done.
//!
//! Followed: libc-bin 2.36 and 2.41, `dh_installnss` 1.7.

use enclair_tree::Metadata;

use crate::deb::Script;

use super::problem::Problem;
use super::work::{Answer, Invocation, Replaced, Site, Work};

const PATH: &str = "/etc/nsswitch.conf";

/// The effect.
pub(crate) struct Nsswitch;

impl Work for Nsswitch {
    /// Before any script, since `preinst` scripts look for the file.
    fn start(&self, site: &mut Site<'_>) -> Result<(), Problem> {
        let default = "/usr/share/libc-bin/nsswitch.conf";
        if site.files.exists(PATH) || !site.files.is_file(default) {
            return Ok(());
        }
        site.files.make_directories("/etc", Metadata::new(0o755))?;
        site.files.copy_with_metadata(default, PATH)
    }

    fn replaces(&self) -> &'static [Replaced] {
        &[Replaced {
            package: "libc-bin",
            reviewed: &["4321593bd35f076cb85eb89dd075ae11d226b2f59a9eec2545eb195f69266cdb"],
        }]
    }

    fn command(&self, _site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        let Some(last) = call.arguments.last() else {
            return Ok(Answer::NotMine);
        };
        let mark = last.starts_with("/etc/nsswitch.conf.nss.") && last.ends_with("-will-install");
        let edits = call.arguments.contains(&"-i") && call.arguments.contains(&PATH);
        match call.program {
            "touch" | "rm" if mark => Ok(Answer::Emulated),
            // Only what the comments say: other commands are somebody's own.
            "sed" if edits && call.arguments.contains(&"-E") => Ok(Answer::Emulated),
            _ => Ok(Answer::NotMine),
        }
    }

    fn finish(&self, site: &mut Site<'_>) -> Result<(), Problem> {
        let Some(before) = site.files.read_text(PATH)? else {
            return Ok(());
        };
        let mut text = before.clone();
        for package in site.packages {
            let script = package.scripts.get(&Script::Postinst);
            let script = script.and_then(|script| std::str::from_utf8(script).ok());
            let installations = script.map(installations).unwrap_or_default();
            // One source that is there already means that somebody chose: nothing is added.
            if !installations.iter().any(|one| one.is_in(&text)) {
                text = installations
                    .iter()
                    .fold(text, |text, one| one.add_to(&text));
            }
        }
        if text == before {
            return Ok(());
        }
        site.files.write(PATH, text)
    }
}

/// A source of names that a package adds.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Installation {
    /// The line it belongs to, as in `hosts`.
    database: String,
    /// The source.
    service: String,
    /// What is done with its answers, as in `[NOTFOUND=return]`.
    action: String,
    position: Position,
}

/// Where a source is added.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    First,
    Last,
    /// Before the first of these that is there; nowhere when none is.
    Before(Vec<String>),
    /// Behind the first of these that is there.
    After(Vec<String>),
}

/// What the comments of a script say.
fn installations(script: &str) -> Vec<Installation> {
    let lines = script.lines().map(str::trim);
    let comments = lines.filter_map(|line| line.strip_prefix("# Installing "));
    comments.filter_map(installation).collect()
}

fn installation(comment: &str) -> Option<Installation> {
    let (what, rest) = comment.split_once(" from ")?;
    let (_, position) = rest.split_once(" in position ")?;
    let (database, service) = what.split_once('/')?;
    let (service, action) = match service.split_once('[') {
        Some((service, action)) => (service, format!("[{action}")),
        None => (service, String::new()),
    };
    let names = |list: &str| list.split(',').map(str::to_owned).collect();
    let position = match position.split_once('=') {
        Some(("before", list)) => Position::Before(names(list)),
        Some(("after", list)) => Position::After(names(list)),
        None if position == "first" => Position::First,
        None if position == "last" => Position::Last,
        _ => return None,
    };
    Some(Installation {
        database: database.to_owned(),
        service: service.to_owned(),
        action,
        position,
    })
}

impl Installation {
    fn owns(&self, line: &str) -> bool {
        let after = line.strip_prefix(&self.database);
        after.is_some_and(|after| after.starts_with(':'))
    }

    fn is_in(&self, text: &str) -> bool {
        let mut own = text.lines().filter(|line| self.owns(line));
        own.any(|line| sources(line).any(|source| source == self.service))
    }

    fn add_to(&self, text: &str) -> String {
        let lines = text.lines().map(|line| {
            let added = if self.owns(line) {
                self.add_to_line(line)
            } else {
                None
            };
            added.unwrap_or_else(|| line.to_owned())
        });
        lines.map(|line| line + "\n").collect()
    }

    fn add_to_line(&self, line: &str) -> Option<String> {
        let (line, comment) = match line.split_once('#') {
            Some((line, comment)) => (line, format!(" #{comment}")),
            None => (line, String::new()),
        };
        let start = line.find(':')?.checked_add(1)?;
        let (name, list) = line.split_at_checked(start)?;
        let space = list.len().checked_sub(list.trim_start().len())?;
        let (space, list) = list.split_at_checked(space)?;
        // A source with the actions behind it is one thing.
        let mut entries: Vec<String> = Vec::new();
        for word in list.split_whitespace() {
            match entries.last_mut() {
                Some(source) if word.starts_with('[') => *source = format!("{source} {word}"),
                _ => entries.push(word.to_owned()),
            }
        }
        let found = |names: &Vec<String>| {
            let is_named = |entry: &String| {
                let name = entry.split(' ').next().unwrap_or_default();
                names.iter().any(|one| one == name)
            };
            entries.iter().position(is_named)
        };
        let place = match &self.position {
            Position::First => 0,
            Position::Last => entries.len(),
            Position::Before(names) => found(names)?,
            Position::After(names) => found(names)?.checked_add(1)?,
        };
        let new = format!("{} {}", self.service, self.action);
        entries.insert(place, new.trim_end().to_owned());
        Some(format!("{name}{space}{}{comment}", entries.join(" ")))
    }
}

/// The sources of a line, without what is done with their answers.
fn sources(line: &str) -> impl Iterator<Item = &str> {
    let line = line.split_once('#').map_or(line, |(line, _)| line);
    let list = line.split_once(':').map_or("", |(_, list)| list);
    list.split_whitespace()
        .filter(|word| !word.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::testing::{World, assert_same};

    const BEFORE: &str = "passwd:         files\ngroup:          files\nshadow:         files\n\
                          gshadow:        files\n\nhosts:          files dns\nnetworks:       files\n";

    fn comment(what: &str, position: &str) -> String {
        format!("\t\t# Installing {what} from the-package in position {position}\n")
    }

    /// The packages of Debian 12 and 13 that add a source, in an order that matters.
    fn machine() -> World {
        let mut world = World::new("");
        world.put_file("/usr/share/libc-bin/nsswitch.conf", BEFORE);
        let mdns = comment("hosts/mdns4_minimal[NOTFOUND=return]", "before=dns,resolve");
        world.install("libnss-mdns", &mdns);
        world.install(
            "libnss-myhostname",
            &comment("hosts/myhostname", "after=files"),
        );
        let resolve = comment("hosts/resolve[!UNAVAIL=return]", "before=dns");
        world.install("libnss-resolve", &resolve);
        let systemd = ["passwd", "group", "shadow", "gshadow"];
        let systemd = systemd
            .map(|one| comment(&format!("{one}/systemd"), "last"))
            .concat();
        world.install("libnss-systemd", &systemd);
        world
    }

    #[test]
    fn as_the_scripts_do_it() {
        let mut world = machine();
        Nsswitch.start(&mut world.site()).unwrap();
        Nsswitch.finish(&mut world.site()).unwrap();
        let bookworm = include_str!("../../tests/fixtures/effects/bookworm.nsswitch.txt");
        let trixie = include_str!("../../tests/fixtures/effects/trixie.nsswitch.txt");
        assert_same(&world.listing(PATH), bookworm);
        assert_same(&world.listing(PATH), trixie);
        // What is there is not added again.
        Nsswitch.finish(&mut world.site()).unwrap();
        assert_same(&world.listing(PATH), bookworm);
    }

    #[test]
    fn lines_of_other_shapes() {
        let one = |position| Installation {
            database: "hosts".to_owned(),
            service: "x".to_owned(),
            action: String::new(),
            position,
        };
        let dns = || vec!["dns".to_owned()];
        let first = one(Position::First).add_to("hosts: dns [A=b] # why\n");
        assert_eq!(first, "hosts: x dns [A=b] # why\n");
        let after = one(Position::After(dns())).add_to("hosts:\tdns [A=b] files\nhostsx: dns\n");
        assert_eq!(after, "hosts:\tdns [A=b] x files\nhostsx: dns\n");
        let nowhere = one(Position::Before(dns())).add_to("hosts: files\n");
        assert_eq!(nowhere, "hosts: files\n");
    }

    #[test]
    fn commands_that_are_done_by_comments() {
        let mut world = World::new("");
        for (command, answer) in [
            (
                "touch /etc/nsswitch.conf.nss.libnss-mdns-will-install",
                Answer::Emulated,
            ),
            (
                "rm /etc/nsswitch.conf.nss.libnss-mdns-will-install",
                Answer::Emulated,
            ),
            ("sed -E -i /etc/nsswitch.conf -e s/a/b/", Answer::Emulated),
            ("sed -i s/a/b/ /etc/nsswitch.conf", Answer::NotMine),
            ("sed -E -i /etc/other -e s/a/b/", Answer::NotMine),
            ("rm /etc/nsswitch.conf", Answer::NotMine),
            ("touch", Answer::NotMine),
        ] {
            assert_eq!(world.run(&Nsswitch, command), answer, "{command}");
        }
    }
}
