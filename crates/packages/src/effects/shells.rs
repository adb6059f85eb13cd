//! `/etc/shells`: the shells with which a user may log in.
//!
//! `update-shells` collects them from files of packages and keeps a list of what it added in
//! `/var/lib/shells.state`; `add-shell` appends one. Both write a shell a second time under its
//! real directory when that is another one (`/bin/sh`, `/usr/bin/sh`).
//!
//! Followed: debianutils 5.7 and 5.22, on a system where every package is unpacked already. A
//! machine that gets a shell later has it at the end of the file instead of in order of names.

use enclair_tree::Metadata;

use super::problem::Problem;
use super::work::{Answer, Invocation, Site, Work};

const SHELLS: &str = "/etc/shells";
const STATE: &str = "/var/lib/shells.state";
/// What the file starts as.
const TEMPLATE: &str = "/usr/share/debianutils/shells";
/// Where packages bring shells.
const DIRECTORY: &str = "/usr/share/debianutils/shells.d";

/// The effect.
pub(crate) struct Shells;

impl Work for Shells {
    fn command(&self, site: &mut Site<'_>, call: &Invocation<'_>) -> Result<Answer, Problem> {
        match (call.program, call.arguments) {
            ("update-shells", []) => update(site)?,
            ("add-shell", [_, ..]) => add(site, call.arguments)?,
            _ => return Ok(Answer::NotMine),
        }
        Ok(Answer::Emulated)
    }

    /// The trigger on the directory of shells.
    fn finish(&self, site: &mut Site<'_>) -> Result<(), Problem> {
        if site.files.exists(STATE) {
            update(site)?;
        }
        Ok(())
    }
}

/// Every shell that packages bring, under all its names, in the order in which they are met.
fn packaged(site: &Site<'_>) -> Result<Vec<String>, Problem> {
    let names = site.files.text_names(DIRECTORY);
    let files = names.iter().map(|name| format!("{DIRECTORY}/{name}"));
    let mut shells: Vec<String> = Vec::new();
    for file in std::iter::once(TEMPLATE.to_owned()).chain(files) {
        let text = site.files.read_text(&file)?.unwrap_or_default();
        for shell in text
            .lines()
            .map(without_comment)
            .filter(|line| !line.is_empty())
        {
            shells.push(shell.to_owned());
            shells.extend(under_its_real_name(site, shell));
        }
    }
    Ok(shells)
}

/// `shell` in the directory that its own leads to, if that is another one.
fn under_its_real_name(site: &Site<'_>, shell: &str) -> Option<String> {
    let (directory, name) = shell.rsplit_once('/')?;
    let real = site.files.real(directory)?;
    let real = format!("/{}/{name}", std::str::from_utf8(real.as_bytes()).ok()?);
    (real != shell).then_some(real)
}

fn without_comment(line: &str) -> &str {
    line.split_once('#').map_or(line, |(shell, _)| shell)
}

fn update(site: &mut Site<'_>) -> Result<(), Problem> {
    let packaged = packaged(site)?;
    let state = site.files.read_text(STATE)?.unwrap_or_default();
    let state: Vec<&str> = state.lines().map(without_comment).collect();
    let source = if site.files.exists(SHELLS) {
        SHELLS
    } else {
        TEMPLATE
    };
    let source = site.files.read_text(source)?.unwrap_or_default();
    let mut listed: Vec<&str> = Vec::new();
    let mut text = String::new();
    for line in source.lines() {
        let shell = without_comment(line);
        let known = packaged.iter().any(|one| one == shell) || !state.contains(&shell);
        if shell.is_empty() || (known && !listed.contains(&shell)) {
            push_line(&mut text, line);
            listed.push(shell);
        }
    }
    for shell in &packaged {
        // Listed before and not any more: somebody took it out.
        if !listed.contains(&shell.as_str()) && !state.contains(&shell.as_str()) {
            push_line(&mut text, shell);
        }
    }
    let mut new_state = String::new();
    for shell in &packaged {
        push_line(&mut new_state, shell);
    }
    site.files.write(SHELLS, text)?;
    site.files
        .make_directories("/var/lib", Metadata::new(0o755))?;
    site.files.write(STATE, new_state)
}

fn add(site: &mut Site<'_>, shells: &[&str]) -> Result<(), Problem> {
    let mut text = site.files.read_text(SHELLS)?.unwrap_or_default();
    for &shell in shells {
        let real = under_its_real_name(site, shell);
        for name in std::iter::once(shell.to_owned()).chain(real) {
            if !text.lines().any(|line| line == name) {
                push_line(&mut text, &name);
            }
        }
    }
    site.files.write(SHELLS, text)
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effects::testing::World;

    #[test]
    fn as_the_real_tools_do_it() {
        let bookworm = include_str!("../../tests/fixtures/effects/bookworm.shells.txt");
        let trixie = include_str!("../../tests/fixtures/effects/trixie.shells.txt");
        let mut world = World::new(
            "d 0755 0:0 /etc
             d 0755 0:0 /usr/bin
             l /bin -> usr/bin
             d 0755 0:0 /var/lib
             f 0644 0:0 /usr/share/debianutils/shells
             |# shells
             |/bin/sh
             f 0644 0:0 /usr/share/debianutils/shells.d/bash
             |/bin/bash
             |/bin/rbash",
        );
        let directory = "/usr/share/debianutils/shells.d";
        world.put_file(
            &format!("{directory}/dash"),
            "/bin/dash # the usual one\n\n/usr/bin/dash\n",
        );
        let run = |world: &mut World, command| {
            assert_eq!(world.run(&Shells, command), Answer::Emulated);
        };
        run(&mut world, "update-shells");
        run(&mut world, "add-shell /bin/zsh /usr/bin/zsh /bin/dash");
        let text = world.site().files.read_text(SHELLS).unwrap().unwrap();
        let without: Vec<&str> = text
            .lines()
            .filter(|line| !line.contains("rbash"))
            .collect();
        world.put_file(SHELLS, &(without.join("\n") + "\n"));
        run(&mut world, "update-shells");
        world
            .site()
            .files
            .remove(&format!("{directory}/dash"))
            .unwrap();
        world.put_file(&format!("{directory}/fish"), "/usr/local/bin/fish\n");
        Shells.finish(&mut world.site()).unwrap();
        let found = world.listing(SHELLS) + &world.listing(STATE);
        assert_eq!(found, bookworm);
        assert_eq!(found, trixie);
    }

    #[test]
    fn what_is_not_taken() {
        let mut world = World::new("");
        for command in [
            "update-shells --root /srv",
            "add-shell",
            "remove-shell /bin/sh",
            "ls",
        ] {
            assert_eq!(world.run(&Shells, command), Answer::NotMine, "{command}");
        }
        Shells.finish(&mut world.site()).unwrap();
        assert!(world.tree.is_empty());
    }
}
