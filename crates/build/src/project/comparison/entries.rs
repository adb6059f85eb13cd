//! What of two locks is no package of the source.

use std::collections::BTreeSet;

use enclair_recipe::{
    Blob, Epoch, FILES, Lock, LockedFile, LockedImage, LockedPackage, LockedPackages, LockedSource,
    LockedSuite, Origin, RuleVersion,
};

use super::{Change, Movements};
use crate::project::packages::source_packages;

/// Everything that is another, in the order of a lock.
pub(super) fn changes(old: &Lock, new: &Lock) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    for ((what, was, registers), (_, is, _)) in head(old).into_iter().zip(head(new)) {
        changes.add(what, Some(was), Some(is), registers);
    }
    changes.suites(&old.suites, &new.suites);
    let (was, is) = (&old.boot, &new.boot);
    changes.file(
        "boot.kernel",
        Some(&was.kernel),
        Some(&is.kernel),
        Movements::BOOT,
    );
    changes.file(
        "boot.init",
        Some(&was.init),
        Some(&is.init),
        Movements::BOOT,
    );
    let agents = (was.agent.as_ref(), is.agent.as_ref());
    changes.file("boot.agent", agents.0, agents.1, Movements::BOOT);
    let modules = (was.nsm_module.as_ref(), is.nsm_module.as_ref());
    changes.file("boot.nsm_module", modules.0, modules.1, Movements::BOOT);
    changes.source(old, new);
    for place in 0..old.files.len().max(new.files.len()) {
        let (was, is) = (old.files.get(place), new.files.get(place));
        changes.file(
            &format!("{FILES}[{place}]"),
            was,
            is,
            Movements::APPLICATION,
        );
    }
    changes.0
}

/// What stands before the tables, and what each moves.
fn head(lock: &Lock) -> [(&'static str, String, Movements); 7] {
    let recipe = format!("sha256:{}", lock.recipe);
    let epoch = match lock.epoch {
        Epoch::Seconds(seconds) => seconds.to_string(),
        Epoch::Commit => "commit".to_owned(),
    };
    let application = Movements::APPLICATION;
    [
        ("format", lock.format.to_string(), Movements::BOTH),
        ("recipe", recipe, Movements::PERHAPS),
        ("arch", lock.arch.to_string(), Movements::BOTH),
        ("epoch", epoch, application),
        ("cmdline", lock.cmdline.clone(), Movements::BOOT),
        ("rules", decisions(&lock.rules), application),
        ("effects", decisions(&lock.effects), application),
    ]
}

struct Changes(Vec<Change>);

impl Changes {
    /// Notes another value.
    fn add(&mut self, what: &str, old: Option<String>, new: Option<String>, registers: Movements) {
        if old != new {
            self.0.push(Change {
                what: what.to_owned(),
                old,
                new,
                registers,
            });
        }
    }

    fn suites(&mut self, old: &[LockedSuite], new: &[LockedSuite]) {
        let names: BTreeSet<&str> = old.iter().chain(new).map(|suite| &*suite.name).collect();
        for name in names {
            let find = |suites: &[LockedSuite]| {
                suites
                    .iter()
                    .find(|suite| suite.name == name)
                    .map(suite_words)
            };
            self.add(
                &format!("suites {name}"),
                find(old),
                find(new),
                Movements::NONE,
            );
        }
    }

    /// Notes another file; one that is the same and was found elsewhere moves nothing.
    fn file(
        &mut self,
        what: &str,
        old: Option<&LockedFile>,
        new: Option<&LockedFile>,
        registers: Movements,
    ) {
        let content = |file: Option<&LockedFile>| file.map(|file| file.blob);
        let registers = if content(old) == content(new) {
            Movements::NONE
        } else {
            registers
        };
        let (was, is) = (old.map(file_words), new.map(file_words));
        self.add(what, was, is, registers);
    }

    fn source(&mut self, old: &Lock, new: &Lock) {
        match (&old.source, &new.source) {
            (Some(LockedSource::Packages(was)), Some(LockedSource::Packages(is))) => {
                let request = |of: &LockedPackages| Some(format!("sha256:{}", of.request));
                let registers = Movements::PERHAPS_APPLICATION;
                self.add(
                    "source.packages request",
                    request(was),
                    request(is),
                    registers,
                );
                self.order(old, new);
            }
            (Some(LockedSource::Image(was)), Some(LockedSource::Image(is))) => self.image(was, is),
            (Some(LockedSource::Archive(was)), Some(LockedSource::Archive(is))) => {
                self.file(
                    "source.archive",
                    Some(was),
                    Some(is),
                    Movements::APPLICATION,
                );
            }
            (was, is) => {
                let (was, is) = (source_words(was.as_ref()), source_words(is.as_ref()));
                self.add("source", was, is, Movements::APPLICATION);
            }
        }
    }

    /// Notes that packages which both locks have are installed in another order.
    fn order(&mut self, old: &Lock, new: &Lock) {
        let (was, is) = (source_packages(old), source_packages(new));
        let key =
            |package: &enclair_recipe::LockedPackage| (package.name.clone(), package.arch.clone());
        let both: BTreeSet<_> = was.iter().map(key).collect();
        let new_keys: BTreeSet<_> = is.iter().map(key).collect();
        let both: BTreeSet<_> = both.intersection(&new_keys).cloned().collect();
        let order = |packages: &[LockedPackage]| {
            let keys = packages.iter().map(key).filter(|key| both.contains(key));
            keys.collect::<Vec<_>>()
        };
        let (was, is) = (order(was), order(is));
        let first = was.iter().zip(&is).find(|(was, is)| was != is);
        if let Some(((was, _), (is, _))) = first {
            let words = |name: &str| Some(format!("{name} first"));
            let registers = Movements::PERHAPS_APPLICATION;
            self.add("source.packages order", words(was), words(is), registers);
        }
    }

    fn image(&mut self, old: &LockedImage, new: &LockedImage) {
        let blobs = |image: &LockedImage| (image.config, image.layers.clone());
        // The manifest is not measured; what it names is.
        let registers = if blobs(old) == blobs(new) {
            Movements::NONE
        } else {
            Movements::APPLICATION
        };
        let from = |image: &LockedImage| Some(image.from.to_string());
        self.add("source.image from", from(old), from(new), Movements::NONE);
        let digest = |blob: Option<Blob>| blob.map(|blob| format!("sha256:{}", blob.sha256));
        let (was, is) = (digest(old.manifest), digest(new.manifest));
        self.add("source.image manifest", was, is, registers);
        let config = |image: &LockedImage| digest(Some(image.config));
        self.add("source.image config", config(old), config(new), registers);
        let layers = |image: &LockedImage| {
            let layers = image.layers.iter();
            let layers = layers.map(|blob| format!("sha256:{}", blob.sha256));
            Some(layers.collect::<Vec<_>>().join(" "))
        };
        self.add("source.image layers", layers(old), layers(new), registers);
    }
}

fn decisions(decisions: &[RuleVersion]) -> String {
    let words: Vec<_> = decisions.iter().map(ToString::to_string).collect();
    words.join(" ")
}

fn suite_words(suite: &LockedSuite) -> String {
    let LockedSuite {
        name: _,
        archive,
        components,
        date,
        release,
        key,
    } = suite;
    let date = u32::try_from(*date).map_or_else(
        |_| date.to_string(),
        |date| crate::epoch::Epoch(date).to_string(),
    );
    format!(
        "{date}, {} of {archive}, key {key}, sha256:{}",
        components.join(" "),
        release.sha256
    )
}

fn file_words(file: &LockedFile) -> String {
    let mut words = format!("{} sha256:{}", file.from, file.blob.sha256);
    let inside = match &file.from {
        Origin::Carried | Origin::File(_) | Origin::Url { inside: None, .. } => None,
        Origin::Url {
            inside: Some(inside),
            url: _,
        } => Some((&inside.path, format!("sha256:{}", inside.container.sha256))),
        Origin::Image { image, path } => {
            let blob = image.manifest.unwrap_or(image.config);
            Some((path, format!("sha256:{}", blob.sha256)))
        }
        Origin::Package { package, path, .. } => {
            let LockedPackage { from, blob, .. } = &**package;
            Some((path, format!("{package} of {from}, sha256:{}", blob.sha256)))
        }
    };
    if let Some((path, of)) = inside {
        words = format!("{words}, `{path}` of {of}");
    }
    if file.private {
        words.push_str(", private");
    }
    words
}

fn source_words(source: Option<&LockedSource>) -> Option<String> {
    Some(match source? {
        LockedSource::Image(image) => image.from.to_string(),
        LockedSource::Archive(file) => file_words(file),
        LockedSource::Packages(packages) => format!("{} packages", packages.packages.len()),
    })
}
