//! The recipe of a Dockerfile: one that says the same, or one that names it.

use super::Foundation;
use super::image::Image;
use super::ledger::{Ledger, Verdict};
use crate::draft::{Draft, FilesAre, Key, Origin};
use crate::error::{Error, Shown};
use crate::kind::ForeignKind;
use crate::note::NoteKind;
use crate::outside::explain_dockerfile;

/// Lines that a recipe names one by one.
const NAMED: usize = 16;

/// What can only be said when all instructions are known. `top` is the FROM of the last stage.
pub(super) fn check(image: &Image, top: usize, ledger: &mut Ledger) {
    if image.is_empty && image.files.is_empty() && image.archive.is_none() {
        let why = "there is nothing in the image".to_owned();
        ledger.set(top, Verdict::Blocks(why));
    }
    let has_entrypoint = image.entrypoint.as_ref();
    let has_entrypoint = has_entrypoint.is_some_and(|given| !given.value.is_empty());
    let words = command(image).len();
    if image.is_empty && words == 0 {
        let why = "nothing says what is started: neither ENTRYPOINT nor CMD".to_owned();
        ledger.set(top, Verdict::Blocks(why));
    }
    if let Some(cmd) = &image.cmd
        && image.entrypoint.is_none()
        && !image.is_empty
    {
        ledger.set(cmd.at, bare_cmd(cmd.value.is_empty()));
    }
    if let Some(entrypoint) = &image.entrypoint
        && !has_entrypoint
        && words == 0
        && !image.is_empty
    {
        let why = "it takes the program away and names no other".to_owned();
        ledger.set(entrypoint.at, Verdict::Blocks(why));
    }
    if let Some(workdir) = &image.workdir
        && !is_made(image, &workdir.value)
    {
        let how = "`run.workdir`; Docker makes the directory where it is missing, and here it has \
             to be in the image";
        ledger.set(workdir.at, Verdict::Noted(NoteKind::changed(how)));
    }
}

/// A CMD without an ENTRYPOINT in the file: the base image may have one.
fn bare_cmd(is_empty: bool) -> Verdict {
    if is_empty {
        return Verdict::Blocks("only the base image knows its ENTRYPOINT".to_owned());
    }
    Verdict::Noted(NoteKind::changed(
        "`run.command`, which takes the place of ENTRYPOINT, too; if the base image has one, put \
         its words in front",
    ))
}

/// Whether a file that is copied makes the directory.
fn is_made(image: &Image, directory: &str) -> bool {
    let inside = format!("{}/", directory.trim_end_matches('/'));
    let mut files = image.files.iter();
    directory == "/" || files.any(|file| file.to == directory || file.to.starts_with(&inside))
}

/// ENTRYPOINT and CMD as a container runs them: one behind the other.
fn command(image: &Image) -> Vec<(&String, usize)> {
    let parts = [image.entrypoint.as_ref(), image.cmd.as_ref()];
    let parts = parts.into_iter().flatten();
    parts
        .flat_map(|given| given.value.iter().map(|word| (word, given.line)))
        .collect()
}

/// A recipe that says the same as the Dockerfile.
pub(super) fn expressed(
    file_name: &str,
    foundation: &Foundation,
    image: &Image,
) -> Result<String, Error> {
    let mut draft = Draft::new(ForeignKind::Dockerfile, file_name);
    if !image.files.is_empty() {
        draft.remark(
            "Files are those that git tracks, whatever `.dockerignore` says, and paths are relative \
             to this file. Where there is no `mode`, programs get 0755 and everything else 0644.",
        );
    }
    let from = Origin {
        field: "FROM",
        line: foundation.line,
    };
    if let Some(arch) = foundation.arch {
        draft.set(Key::Arch, arch, from)?;
    }
    if let Some(reference) = &foundation.image {
        draft.set(Key::Image, reference, from)?;
    }
    if let Some(archive) = &image.archive {
        let line = archive.line;
        draft.set(Key::Archive, &archive.value, Origin { field: "ADD", line })?;
    }
    let is_source = foundation.image.is_none() && image.archive.is_none();
    let files_are = if is_source {
        FilesAre::TheSource
    } else {
        FilesAre::TheOverlay
    };
    draft.files(image.files.clone(), files_are);
    start(&mut draft, image)?;
    ports(&mut draft, image);
    Ok(draft.finish())
}

fn start(draft: &mut Draft, image: &Image) -> Result<(), Error> {
    for (word, line) in command(image) {
        draft.push(Key::Command, word, line);
    }
    for given in &image.env {
        let (name, value) = &given.value;
        draft.push(Key::Env, &format!("{name}={value}"), given.line);
    }
    if let Some(user) = &image.user {
        let line = user.line;
        draft.set(
            Key::User,
            &user.value,
            Origin {
                field: "USER",
                line,
            },
        )?;
    }
    if let Some(workdir) = &image.workdir {
        let (field, line) = ("WORKDIR", workdir.line);
        draft.set(Key::Workdir, &workdir.value, Origin { field, line })?;
    }
    Ok(())
}

fn ports(draft: &mut Draft, image: &Image) {
    for (port, line) in &image.ports {
        draft.push_port(*port, *line);
    }
}

/// A recipe that names the Dockerfile, and says why.
pub(super) fn waiting(file_name: &str, image: &Image, blocking: &[(usize, String)]) -> String {
    let mut draft = Draft::new(ForeignKind::Dockerfile, file_name);
    draft.remark("A recipe cannot say the same, because of");
    for (line, why) in blocking.iter().take(NAMED) {
        draft.remark(format!("  line {line}, {}", Shown::new(why)));
    }
    if let Some(further) = blocking.len().checked_sub(NAMED).filter(|more| *more > 0) {
        draft.remark(format!("  and {further} more"));
    }
    let path = relative(file_name);
    draft.assume(Key::Dockerfile, &path, "The whole file.");
    explain_dockerfile(&mut draft, &path);
    ports(&mut draft, image);
    draft.finish()
}

/// A path that a recipe can have: the file's own name when the path leads elsewhere.
fn relative(file_name: &str) -> String {
    let leads_away = file_name.starts_with('/') || file_name.split('/').any(|part| part == "..");
    let path = if leads_away {
        file_name.rsplit('/').next().unwrap_or(file_name)
    } else {
        file_name
    };
    let path = crate::outside::project_path(path);
    if path == "." {
        "Dockerfile".to_owned()
    } else {
        path
    }
}
