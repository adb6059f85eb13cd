//! A system of a few files, and scripts called on it.

use std::collections::BTreeMap;

use enclair_packages::scripts::{Call, Certainty, Command, Facts, Script, ScriptError, commands};

/// Files by path: a name that ends in `/` is a directory, a content that begins with `#!` makes
/// an executable, `-> TARGET` a symlink.
#[derive(Debug, Default)]
pub(crate) struct System {
    files: BTreeMap<String, String>,
}

impl System {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut system = Self::default();
        for (path, content) in files {
            let path = path.trim_end_matches('/');
            for (position, _) in path.match_indices('/').skip(1) {
                let parent = path[..position].to_owned();
                system.files.entry(parent).or_insert("/".to_owned());
            }
            system.files.insert(path.to_owned(), (*content).to_owned());
        }
        system
    }

    fn file(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }
}

impl Facts for System {
    fn exists(&self, path: &str) -> bool {
        self.file(path).is_some()
    }

    fn is_directory(&self, path: &str) -> bool {
        self.file(path) == Some("/")
    }

    fn is_executable(&self, path: &str) -> bool {
        self.file(path)
            .is_some_and(|text| text == "/" || text.starts_with("#!"))
    }

    fn is_file(&self, path: &str) -> bool {
        self.exists(path) && !self.is_directory(path)
    }

    fn is_symlink(&self, path: &str) -> bool {
        self.file(path).is_some_and(|text| text.starts_with("-> "))
    }

    fn names(&self, directory: &str) -> Vec<String> {
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        let below = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix));
        below
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect()
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        self.file(path)
            .filter(|text| *text != "/")
            .map(|text| text.as_bytes().to_vec())
    }

    fn link(&self, path: &str) -> Option<String> {
        self.file(path)?.strip_prefix("-> ").map(str::to_owned)
    }

    fn has_user(&self, name: &str) -> Option<bool> {
        Some(name == "root")
    }

    fn has_group(&self, name: &str) -> Option<bool> {
        Some(name == "root")
    }
}

pub(crate) fn call(script: Script) -> Call {
    Call {
        script,
        package: "example".to_owned(),
        package_architecture: "amd64".to_owned(),
        architecture: "amd64".to_owned(),
        answers: BTreeMap::new(),
    }
}

/// The commands of a `postinst` whose first lines are `#!/bin/sh` and `set -e`.
pub(crate) fn read(body: &str, system: &System) -> Result<Vec<Command>, ScriptError> {
    let script = format!("#!/bin/sh\nset -e\n{body}");
    commands(script.as_bytes(), &call(Script::Postinst), system)
}

/// One line for each command: `?` before those that are perhaps run.
pub(crate) fn lines(commands: &[Command]) -> Vec<String> {
    let line = |command: &Command| match command.certainty {
        Certainty::Always => command.to_string(),
        Certainty::Perhaps => format!("? {command}"),
    };
    commands.iter().map(line).collect()
}

/// [`lines`] of [`read`] on an empty system.
pub(crate) fn run(body: &str) -> Vec<String> {
    lines(&read(body, &System::default()).expect(body))
}

/// [`lines`] of [`read`] on a system of `files`.
pub(crate) fn run_on(files: &[(&str, &str)], body: &str) -> Vec<String> {
    lines(&read(body, &System::new(files)).expect(body))
}
