//! `cargo xtask kernel`: from a locked source package to the committed kernel.
//!
//! The kit of an architecture is the directory `boot/kernel/ARCH`:
//!
//! | file | what | written by |
//! |---|---|---|
//! | `fragment` | what the kernel is to have and not to have | people |
//! | `source.lock` | the source package and the tools, by version and digest | people |
//! | `config` | the full configuration that comes of both | `cargo xtask kernel` |
//! | `bzImage`, `bzImage.sha256` | the kernel and its digest | `cargo xtask kernel` |
//! | `inputs.sha256` | the record of all of it ([`crate::inputs`]) | `cargo xtask kernel` |
//!
//! The aarch64 kernel, `Image`, is not committed, since nobody has booted it: its digest is.
//!
//! The configuration is compared before anything is compiled: it takes seconds, and most
//! differences show there.

mod fragment;
mod lock;
mod package;
mod recipe;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use enclair_digest::Sha256;

use self::fragment::Fragment;
use self::lock::SourceLock;
use crate::error::Error;
use crate::inputs::Record;
use crate::verdict::{Mode, Verdict};
use crate::{files, say};

/// What a kernel is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    /// A bzImage, which boots in the tests
    #[value(name = "x86_64")]
    X86_64,
    /// An Image with the text offset that the hypervisor needs: built, never booted
    #[value(name = "aarch64")]
    Aarch64,
}

impl Architecture {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// The kit, from the top of the workspace.
    pub(crate) const fn directory(self) -> &'static str {
        match self {
            Self::X86_64 => "boot/kernel/x86_64",
            Self::Aarch64 => "boot/kernel/aarch64",
        }
    }

    /// The file name of the kernel in the kit.
    const fn image(self) -> &'static str {
        match self {
            Self::X86_64 => "bzImage",
            Self::Aarch64 => "Image",
        }
    }

    /// Whether the kernel itself is in the kit, and not only its digest.
    const fn is_committed(self) -> bool {
        match self {
            Self::X86_64 => true,
            Self::Aarch64 => false,
        }
    }
}

/// What was asked for, apart from the architecture.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) mode: Mode,
    /// The source package; without one, apt-get is asked.
    pub(crate) package: Option<&'a Path>,
    /// Compilers at the same time.
    pub(crate) jobs: Option<u16>,
    /// Where a temporary directory is made.
    pub(crate) work: &'a Path,
}

/// Paths of one kit.
#[derive(Debug)]
struct Kit<'a> {
    top: &'a Path,
    architecture: Architecture,
}

impl Kit<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.top.join(self.architecture.directory()).join(name)
    }

    fn image(&self) -> PathBuf {
        self.path(self.architecture.image())
    }

    /// The path of the digest's file; the digest names the kernel without a directory.
    fn digest(&self) -> PathBuf {
        self.path(&format!("{}.sha256", self.architecture.image()))
    }

    /// The record, from the top of the workspace.
    fn record(&self) -> String {
        format!("{}/inputs.sha256", self.architecture.directory())
    }

    /// Everything that decides the kernel, and the kernel: the recipe itself is among it.
    fn inputs(&self) -> Vec<String> {
        let digest = format!("{}.sha256", self.architecture.image());
        let kernel = if self.architecture.is_committed() {
            self.architecture.image()
        } else {
            &digest
        };
        let own = ["fragment", "source.lock", "config", kernel]
            .map(|name| format!("{}/{name}", self.architecture.directory()));
        let recipe = "crates/xtask/src/kernel/recipe.rs".to_owned();
        own.into_iter().chain([recipe]).collect()
    }

    fn changes(&self) -> Result<Vec<String>, Error> {
        let inputs = self.inputs();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Record::changes_since(self.top, &self.record(), &inputs)
    }

    fn write(&self, config: &str, image: &[u8]) -> Result<Verdict, Error> {
        let digest = files::digest_of(image);
        let sum = files::sum_line(digest, self.architecture.image());
        files::write(&self.path("config"), config.as_bytes(), 0o644)?;
        files::write(&self.image(), image, 0o644)?;
        files::write(&self.digest(), sum.as_bytes(), 0o644)?;
        let inputs = self.inputs();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        Record::of(self.top, &inputs)?.write(&self.top.join(self.record()))?;
        Ok(Verdict::Written {
            path: self.image(),
            digest,
        })
    }

    /// Compares a new kernel with the committed digest, and that with the committed kernel.
    fn compare(&self, built: Sha256) -> Result<Verdict, Error> {
        let path = self.digest();
        let recorded = files::read_text(&path)?;
        let committed: Sha256 = recorded
            .split(' ')
            .next()
            .unwrap_or_default()
            .parse()
            .map_err(|source| Error::Digest {
                path: path.clone(),
                source,
            })?;
        if self.architecture.is_committed() {
            let (found, _) = files::digest(&self.image())?;
            let sum = files::sum_line(found, self.architecture.image());
            if let Some(differs) = Verdict::compare_text(&path, &recorded, &sum) {
                return Ok(differs);
            }
        }
        let verdict = Verdict::compare(&self.image(), committed, built);
        Ok(verdict.with_changes(self.changes()?))
    }
}

/// Builds a kernel and writes or compares it.
pub(crate) fn run(
    top: &Path,
    architecture: Architecture,
    request: &Request<'_>,
) -> Result<Verdict, Error> {
    let kit = Kit { top, architecture };
    if request.mode == Mode::CheckIfChanged {
        let changed = kit.changes()?;
        if changed.is_empty() {
            return Ok(Verdict::Unchanged { path: kit.image() });
        }
        say(&format!("not as recorded: `{}`", changed.join("`, `")));
    }
    let path = kit.path("source.lock");
    let lock = SourceLock::parse(&path, &files::read_text(&path)?)?;
    recipe::check_tools(architecture, &lock)?;
    let work = package::work_directory(request.work)?;
    let package = match request.package {
        Some(package) => package.to_owned(),
        None => package::download(&lock, work.path())?,
    };
    package::check(&lock, &package)?;
    let source = package::unpack(&package, work.path())?;
    build(&kit, &lock, &source, request)
}

fn build(
    kit: &Kit<'_>,
    lock: &SourceLock,
    source: &Path,
    request: &Request<'_>,
) -> Result<Verdict, Error> {
    let recipe = recipe::Recipe::new(kit.architecture, source);
    recipe.check_version(&lock.linux)?;
    let path = kit.path("fragment");
    let fragment = Fragment::parse(&path, &files::read_text(&path)?)?;
    let config = recipe.configure(&path)?;
    let unmet = fragment.unmet(&config);
    if !unmet.is_empty() {
        return Err(Error::Unmet { path, unmet });
    }
    if request.mode != Mode::Write {
        let committed = files::read_text(&kit.path("config"))?;
        let compared = Verdict::compare_text(&kit.path("config"), &committed, &config);
        if let Some(differs) = compared {
            return Ok(differs);
        }
    }
    say("compiling: some 10 minutes of two CPUs");
    let image = recipe.compile(request.jobs)?;
    match request.mode {
        Mode::Write => kit.write(&config, &image),
        Mode::Check | Mode::CheckIfChanged => kit.compare(files::digest_of(&image)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A kit with a kernel of a few bytes, written as a build would.
    fn kit() -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        let kit = Kit {
            top: top.path(),
            architecture: Architecture::X86_64,
        };
        let recipe = top.path().join("crates/xtask/src/kernel/recipe.rs");
        files::write(&recipe, b"recipe", 0o644).unwrap();
        for name in ["fragment", "source.lock"] {
            files::write(&kit.path(name), b"as it was\n", 0o644).unwrap();
        }
        kit.write("CONFIG_A=y\n", b"kernel").unwrap();
        top
    }

    fn of(top: &tempfile::TempDir) -> Kit<'_> {
        Kit {
            top: top.path(),
            architecture: Architecture::X86_64,
        }
    }

    #[test]
    fn what_is_written_is_unchanged_and_identical() {
        let top = kit();
        let kit = of(&top);
        assert_eq!(kit.changes().unwrap(), [""; 0]);
        let verdict = kit.compare(files::digest_of(b"kernel")).unwrap();
        assert!(matches!(verdict, Verdict::Identical { .. }), "{verdict}");
    }

    #[test]
    fn a_changed_input_or_kernel_is_not_the_recorded_one() {
        let inputs = ["fragment", "source.lock", "config", "bzImage"]
            .map(|name| format!("boot/kernel/x86_64/{name}"));
        let recipe = "crates/xtask/src/kernel/recipe.rs".to_owned();
        for path in inputs.into_iter().chain([recipe]) {
            let top = kit();
            fs::write(top.path().join(&path), b"changed").unwrap();
            assert_eq!(of(&top).changes().unwrap(), [path]);
        }
    }

    #[test]
    fn unchanged_kits_are_not_built_when_that_is_asked_for() {
        let top = kit();
        let request = Request {
            mode: Mode::CheckIfChanged,
            package: Some(Path::new("no such file")),
            jobs: None,
            work: top.path(),
        };
        let verdict = run(top.path(), Architecture::X86_64, &request).unwrap();
        assert!(matches!(verdict, Verdict::Unchanged { .. }), "{verdict}");
        // The lock of this kit is none, so a run that goes on ends in an error.
        fs::write(of(&top).image(), b"changed").unwrap();
        assert!(run(top.path(), Architecture::X86_64, &request).is_err());
    }

    #[test]
    fn another_kernel_differs_and_a_wrong_digest_file_too() {
        let top = kit();
        let kit = of(&top);
        let verdict = kit.compare(files::digest_of(b"other")).unwrap();
        assert!(matches!(verdict, Verdict::Differs { .. }), "{verdict}");
        let sum = files::sum_line(files::digest_of(b"other"), "bzImage");
        fs::write(kit.digest(), sum).unwrap();
        for built in [b"kernel".as_slice(), b"other"] {
            let verdict = kit.compare(files::digest_of(built)).unwrap();
            assert!(matches!(verdict, Verdict::Text { .. }), "{verdict}");
        }
        fs::write(kit.digest(), "bzImage\n").unwrap();
        let error = kit.compare(files::digest_of(b"kernel")).unwrap_err();
        assert!(matches!(error, Error::Digest { .. }), "{error}");
    }

    #[test]
    fn a_kernel_that_is_not_committed_is_compared_by_its_digest() {
        let top = kit();
        let kit = Kit {
            architecture: Architecture::Aarch64,
            ..of(&top)
        };
        for name in ["fragment", "source.lock"] {
            files::write(&kit.path(name), b"as it was\n", 0o644).unwrap();
        }
        kit.write("CONFIG_A=y\n", b"kernel").unwrap();
        fs::remove_file(kit.image()).unwrap();
        assert_eq!(kit.changes().unwrap(), [""; 0]);
        let same = kit.compare(files::digest_of(b"kernel")).unwrap();
        assert!(matches!(same, Verdict::Identical { .. }), "{same}");
        let other = kit.compare(files::digest_of(b"other")).unwrap();
        assert!(matches!(other, Verdict::Differs { .. }), "{other}");
    }

    #[test]
    fn the_same_kernel_from_other_inputs_says_so() {
        let top = kit();
        let kit = of(&top);
        fs::write(kit.path("fragment"), b"# reworded\n").unwrap();
        let verdict = kit.compare(files::digest_of(b"kernel")).unwrap();
        let Verdict::Unrecorded { changed, .. } = &verdict else {
            panic!("{verdict}");
        };
        assert_eq!(changed, &["boot/kernel/x86_64/fragment"]);
    }

    #[test]
    fn the_committed_kernel_has_its_digest_beside_it() {
        let top = files::workspace();
        let kit = Kit {
            top: &top,
            architecture: Architecture::X86_64,
        };
        let (digest, _) = files::digest(&kit.image()).unwrap();
        let recorded = files::read_text(&kit.digest()).unwrap();
        assert_eq!(recorded, files::sum_line(digest, "bzImage"));
    }
}
