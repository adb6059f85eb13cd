//! What stands at a path: what is in the tree, and what the script itself has done since.

use super::super::error::ScriptError;
use super::Evaluator;
use super::expand::Field;
use super::pattern::{Glyph, Pattern};
use super::programs::Answer;
use super::state::{Change, State, Status, Value};

/// Directories whose contents the machine decides that runs a script, not the packages.
const OF_THE_MACHINE: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Paths that a pattern may stand for; more cannot be known.
const EXPANDED: usize = 1000;

/// An absolute path without `.`, `..` and doubled `/`; `None` where the directory that a relative
/// one starts from is not known.
pub(super) fn normal(path: &str, state: &State) -> Option<String> {
    let start = if path.starts_with('/') {
        String::new()
    } else {
        match state.variables.get("PWD")? {
            Value::Known(directory) => directory.to_string(),
            Value::Unknown(_) => return None,
        }
    };
    let mut names: Vec<&str> = Vec::new();
    for name in start.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    Some(format!("/{}", names.join("/")))
}

/// Whether `path` is `directory` or below it.
fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || directory == "/")
}

/// What the script did to `path`, itself or to what is above or below it; `None` where it did
/// nothing.
fn changed(path: &str, state: &State) -> Option<Change> {
    if let Some(change) = state.changes.get(path) {
        return Some(*change);
    }
    let above = state
        .changes
        .iter()
        .filter(|(changed, _)| changed.len() < path.len() && is_below(path, changed))
        .max_by_key(|(changed, _)| changed.len());
    match above {
        Some((_, change @ (Change::Absent | Change::Unknown))) => return Some(*change),
        Some((_, Change::Directory | Change::File | Change::Permissions)) | None => {}
    }
    let below = state
        .changes
        .iter()
        .any(|(changed, change)| *change == Change::Directory && is_below(changed, path));
    below.then_some(Change::Directory)
}

impl Evaluator<'_> {
    /// The outcome of a test of a path, as `-e` or `-d`; `None` where it cannot be known.
    pub(super) fn test_path(&mut self, test: char, path: &Value, state: &State) -> Option<bool> {
        let Value::Known(path) = path else {
            return None;
        };
        if path.is_empty() {
            return Some(false);
        }
        let path = normal(path, state)?;
        // Every change is looked at.
        self.step(state.changes.len().saturating_mul(4)).ok()?;
        match changed(&path, state) {
            Some(Change::Permissions) if test != 'x' => {}
            Some(change) => return after_change(test, change),
            None if OF_THE_MACHINE.iter().any(|root| is_below(&path, root)) => return None,
            None => {}
        }
        let facts = self.facts;
        match test {
            'd' => Some(facts.is_directory(&path)),
            'f' => Some(facts.is_file(&path)),
            'h' | 'L' => Some(facts.is_symlink(&path)),
            'x' => Some(facts.is_executable(&path)),
            's' if facts.is_file(&path) => facts.content(&path).map(|content| !content.is_empty()),
            'e' | 'r' | 'w' | 's' => Some(facts.exists(&path)),
            _ if !facts.exists(&path) => Some(false),
            _ => None,
        }
    }

    /// Whether nothing stands at `path`, not even a symlink that leads nowhere; `None` where this
    /// cannot be known.
    pub(super) fn is_absent(&mut self, path: &str, state: &State) -> Option<bool> {
        let path = Value::known(path);
        let exists = self.test_path('e', &path, state)?;
        let is_link = self.test_path('L', &path, state)?;
        Some(!exists && !is_link)
    }

    /// Whether `path` can be executed, unless the script has changed it.
    pub(super) fn can_execute(&mut self, path: &str, state: &State) -> Option<bool> {
        self.test_path('x', &Value::known(path), state)
            .map(|executable| executable && !self.facts.is_directory(path))
    }

    /// The content of a file, if it can be known.
    pub(super) fn content(&mut self, path: &str, state: &State) -> Option<String> {
        let path = normal(path, state)?;
        if !matches!(changed(&path, state), None | Some(Change::Permissions)) {
            return None;
        }
        let content = self.facts.content(&path)?;
        String::from_utf8(content).ok()
    }

    /// What `readlink` prints for a path.
    pub(super) fn link(&mut self, path: &str, state: &State) -> Option<Answer> {
        let path = normal(path, state)?;
        if self.test_path('L', &Value::known(&path), state)? {
            Some(Answer::line(&self.facts.link(&path)?))
        } else {
            Some(Answer::status(Status::FAILURE))
        }
    }

    /// Adds the paths that a pattern stands for; the pattern itself if there are none.
    pub(super) fn expand_path(
        &mut self,
        field: &Field,
        state: &State,
        values: &mut Vec<Value>,
    ) -> Result<(), ScriptError> {
        let text: String = field.glyphs.iter().map(|glyph| glyph.letter).collect();
        let Some(mut paths) = self.paths(field, state)? else {
            values.push(Value::unknown(&text));
            return Ok(());
        };
        if paths.is_empty() {
            paths.push(text);
        }
        values.extend(paths.iter().map(|path| Value::known(path)));
        Ok(())
    }

    /// The paths that a pattern stands for, sorted; `None` where they cannot be known.
    fn paths(&mut self, field: &Field, state: &State) -> Result<Option<Vec<String>>, ScriptError> {
        let mut found = vec![String::new()];
        let components = field.glyphs.split(|glyph| glyph.letter == '/');
        for (position, component) in components.enumerate() {
            let literal: String = component.iter().map(|glyph| glyph.letter).collect();
            let mut next = Vec::new();
            for prefix in found {
                let start = if position == 0 { "" } else { "/" };
                if !is_special(component) {
                    next.push(format!("{prefix}{start}{literal}"));
                    continue;
                }
                let directory = if position == 0 {
                    "."
                } else {
                    &*format!("{prefix}/")
                };
                let Some(names) = self.matching(directory, component, state)? else {
                    return Ok(None);
                };
                next.extend(names.iter().map(|name| format!("{prefix}{start}{name}")));
            }
            if next.len() > EXPANDED {
                return Ok(None);
            }
            found = next;
        }
        let mut existing = Vec::new();
        for path in found {
            self.step(path.len())?;
            match self.test_path('e', &Value::known(&path), state) {
                Some(true) => existing.push(path),
                Some(false) => {}
                None => return Ok(None),
            }
        }
        Ok(Some(existing))
    }

    /// The names in a directory that match; `None` where they cannot be known.
    fn matching(
        &mut self,
        directory: &str,
        component: &[Glyph],
        state: &State,
    ) -> Result<Option<Vec<String>>, ScriptError> {
        let Some(directory) = normal(directory, state) else {
            return Ok(None);
        };
        let inside = |path: &str| path != &*directory && is_below(path, &directory);
        let touched = state.changes.keys().any(|path| inside(path));
        let unknown = OF_THE_MACHINE.iter().any(|root| is_below(&directory, root));
        match changed(&directory, state) {
            _ if touched || unknown => return Ok(None),
            // A directory that is made where there is one keeps what is in it.
            None | Some(Change::Directory | Change::Permissions) => {}
            Some(Change::Absent | Change::File) => return Ok(Some(Vec::new())),
            Some(Change::Unknown) => return Ok(None),
        }
        let pattern = Pattern::new(component);
        let hidden = component.first().is_some_and(|glyph| glyph.letter == '.');
        let mut names = self.facts.names(&directory);
        self.step(names.iter().map(String::len).sum())?;
        names.retain(|name| hidden || !name.starts_with('.'));
        let mut matching = Vec::new();
        for name in names {
            match pattern.matches(&name) {
                Some(true) => matching.push(name),
                Some(false) => {}
                None => return Ok(None),
            }
        }
        Ok(Some(matching))
    }
}

fn is_special(component: &[Glyph]) -> bool {
    component
        .iter()
        .any(|glyph| !glyph.quoted && "*?[".contains(glyph.letter))
}

/// The outcome of a test of a path that the script changed.
fn after_change(test: char, change: Change) -> Option<bool> {
    match (change, test) {
        (Change::Unknown | Change::Permissions, _)
        | (Change::File, 'x' | 's')
        | (Change::Directory, 's') => None,
        (Change::File | Change::Directory, 'e' | 'r' | 'w')
        | (Change::Directory, 'd' | 'x')
        | (Change::File, 'f') => Some(true),
        (Change::Absent | Change::File | Change::Directory, _) => Some(false),
    }
}
