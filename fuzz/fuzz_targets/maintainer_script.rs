//! Maintainer scripts: whatever the text and whatever the files of the system, the reading ends,
//! twice in the same way, and every command can be shown and looked up in the reviewed list.

#![no_main]

use std::collections::BTreeMap;

use enclair_packages::scripts::ignored::ignored;
use enclair_packages::scripts::{Call, Facts, Script, answers, commands};
use libfuzzer_sys::fuzz_target;

/// A system whose files depend on nothing but their paths and a seed.
struct Seeded(u8);

impl Seeded {
    fn bit(&self, path: &str, which: u32) -> bool {
        let sum = path.bytes().fold(u32::from(self.0), |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        (sum >> (which % 32)) & 1 == 1
    }
}

impl Facts for Seeded {
    fn exists(&self, path: &str) -> bool {
        self.bit(path, 0)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.exists(path) && self.bit(path, 1)
    }

    fn is_executable(&self, path: &str) -> bool {
        self.exists(path) && self.bit(path, 2)
    }

    fn is_file(&self, path: &str) -> bool {
        self.exists(path) && !self.bit(path, 1)
    }

    fn is_symlink(&self, path: &str) -> bool {
        self.bit(path, 3)
    }

    fn names(&self, directory: &str) -> Vec<String> {
        let names = ["a", "b.conf", ".hidden", "c d"];
        let there = names.iter().filter(|name| self.bit(directory, name.len() as u32));
        there.map(|name| (*name).to_owned()).collect()
    }

    fn content(&self, path: &str) -> Option<Vec<u8>> {
        // Files that source themselves, and each other.
        self.bit(path, 4).then(|| format!(". {path}\nx=1\nf() {{ tool; }}\n").into_bytes())
    }

    fn link(&self, path: &str) -> Option<String> {
        self.bit(path, 5).then(|| "target".to_owned())
    }

    fn has_user(&self, name: &str) -> Option<bool> {
        self.bit(name, 6).then(|| self.bit(name, 7))
    }

    fn has_group(&self, name: &str) -> Option<bool> {
        self.has_user(name)
    }
}

fuzz_target!(|text: &[u8]| {
    // Another length is another system.
    let facts = Seeded((text.len() % 256) as u8);
    let mut call = Call {
        script: Script::Postinst,
        package: "example".to_owned(),
        package_architecture: "all".to_owned(),
        architecture: "amd64".to_owned(),
        answers: BTreeMap::new(),
    };
    call.answers = answers(text, Some(text), &call, &facts);
    for script in [Script::Preinst, Script::Postinst] {
        call.script = script;
        let first = commands(text, &call, &facts);
        assert_eq!(first, commands(text, &call, &facts));
        for command in first.unwrap_or_default() {
            assert!(!command.words.is_empty() || !command.redirections.is_empty());
            assert!(command.line >= 1);
            let _ = command.to_string();
            let _ = ignored("example", &command);
        }
    }
});
