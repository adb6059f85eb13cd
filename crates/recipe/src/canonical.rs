//! The canonical JSON of a recipe, of which its digest is taken.
//!
//! RFC 8785, of the recipe's meaning: defaults are left out, references are complete, and what does
//! not decide what is built is not there. The surprise: JSON is written from maps of our own and
//! not from `serde_json::Value`, whose order of keys depends on what other crates ask of it. All
//! keys are ASCII, for which the order of bytes is the order that the RFC asks for.

mod packages;

use std::collections::BTreeMap;

use enclair_configuration::{Bound, DEFAULT_HOSTNAME, Ingress, Limit};
use serde::Serialize;

use crate::packages::Packages;
use crate::read::{DEFAULT_ARCH, DEFAULT_EPOCH, DEFAULT_NAME, DEFAULT_VERSION, default_owner};
use crate::recipe::{
    Artifact, Boot, ClockSource, Content, Enclave, Epoch, FileEntry, Grant, LogTarget, Mode,
    Network, Normalize, Owner, Principal, RamdiskCompression, Recipe, Run, Source,
};
use crate::span::Spanned;

use self::packages::{packages, put_archive};

/// A JSON value of the kinds that a recipe has.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum Json {
    Text(String),
    Number(u64),
    Flag(bool),
    Array(Vec<Json>),
    Object(Object),
}

/// An object without what is a default.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
struct Object(BTreeMap<&'static str, Json>);

impl Object {
    /// Adds a value that is there.
    fn put(&mut self, key: &'static str, value: Option<Json>) {
        self.0.extend(value.map(|value| (key, value)));
    }

    fn text(&mut self, key: &'static str, text: Option<&Spanned<String>>) {
        self.put(key, text.map(|text| Json::Text(text.get().clone())));
    }

    /// Adds a value that is not the default.
    fn unless(&mut self, key: &'static str, text: &str, default: &str) {
        self.put(key, (text != default).then(|| Json::Text(text.to_owned())));
    }

    fn list(&mut self, key: &'static str, items: Vec<Json>) {
        self.put(key, (!items.is_empty()).then_some(Json::Array(items)));
    }

    fn texts(&mut self, key: &'static str, texts: &[Spanned<String>]) {
        let items = texts.iter().map(|text| Json::Text(text.get().clone()));
        self.list(key, items.collect());
    }

    fn flag(&mut self, key: &'static str, value: bool) {
        self.put(key, value.then_some(Json::Flag(true)));
    }

    fn object(&mut self, key: &'static str, object: Self) {
        let Self(entries) = &object;
        self.put(key, (!entries.is_empty()).then_some(Json::Object(object)));
    }
}

/// The bytes that say which packages a recipe asks for.
pub(crate) fn canonical_packages(list: &Packages) -> Vec<u8> {
    serde_json::to_vec(&packages(list)).unwrap_or_default()
}

/// The bytes that are digested.
pub(crate) fn canonical_json(recipe: &Recipe) -> Vec<u8> {
    // Writing to memory fails for maps whose keys are no strings, and there are none.
    serde_json::to_vec(&document(recipe)).unwrap_or_default()
}

fn document(recipe: &Recipe) -> Object {
    let Recipe {
        enclave: head,
        source: from,
        overlay,
        run: application,
        network: reach,
        attestation,
        logs,
        clock,
        boot: parts,
        compression,
        normalize: rules,
        allow,
        // Not what is built, but how it is signed, bounded and fetched.
        sign: _,
        unpacked: _,
        settings: _,
    } = recipe;
    let mut json = Object::default();
    json.put("schema", Some(Json::Number(1)));
    json.object("enclave", enclave(head));
    json.object("source", source(from));
    json.list("overlay", overlay.iter().map(file).collect());
    json.object("run", run(application));
    json.object("network", network(reach));
    json.object("attestation", {
        let mut json = Object::default();
        let port = attestation.map(|attestation| Json::Number(attestation.port.into()));
        json.put("port", port);
        json
    });
    json.object("logs", {
        let mut json = Object::default();
        json.unless("to", log_target(**logs), log_target(LogTarget::default()));
        json
    });
    json.object("clock", {
        let mut json = Object::default();
        json.unless(
            "from",
            clock_source(**clock),
            clock_source(ClockSource::default()),
        );
        json
    });
    json.object("boot", boot(parts));
    json.object("ramdisk", {
        let mut json = Object::default();
        let name = compression_name(**compression);
        json.unless("compression", name, "none");
        json
    });
    json.object("normalize", normalize(rules));
    json.texts("allow", allow);
    json
}

fn enclave(enclave: &Enclave) -> Object {
    let Enclave {
        name,
        version,
        arch,
        epoch,
        cmdline,
        cmdline_append,
    } = enclave;
    let mut json = Object::default();
    json.unless("name", name, DEFAULT_NAME);
    json.unless("version", version, DEFAULT_VERSION);
    json.unless("arch", arch.as_str(), DEFAULT_ARCH.as_str());
    let epoch = (**epoch != DEFAULT_EPOCH).then_some(match **epoch {
        Epoch::Seconds(seconds) => Json::Number(u64::from(seconds)),
        Epoch::Commit => Json::Text("commit".to_owned()),
    });
    json.put("epoch", epoch);
    json.text("cmdline", cmdline.as_ref());
    let append = cmdline_append.as_ref().filter(|words| !words.is_empty());
    json.text("cmdline_append", append);
    json
}

fn source(source: &Source) -> Object {
    let mut json = Object::default();
    match source {
        Source::Image(reference) => json.put("image", Some(Json::Text(reference.to_string()))),
        Source::Archive(archive) => json.object("archive", artifact(archive)),
        // An empty array is not the same as none: the root filesystem is then the overlay alone.
        Source::Files(files) => {
            json.put("files", Some(Json::Array(files.iter().map(file).collect())));
        }
        Source::Dockerfile(path) => json.text("dockerfile", Some(path)),
        Source::Packages(list) => json.object("packages", packages(list)),
    }
    json
}

fn artifact(artifact: &Artifact) -> Object {
    let mut json = Object::default();
    match artifact {
        Artifact::File { path } => json.text("file", Some(path)),
        Artifact::Url { url, path, sha256 } => {
            json.text("url", Some(url));
            json.text("path", path.as_ref());
            let sha256 = sha256.map(|digest| digest.to_string());
            json.put("sha256", sha256.map(Json::Text));
        }
        Artifact::Image { reference, path } => {
            json.put("image", Some(Json::Text(reference.to_string())));
            json.text("path", Some(path));
        }
        Artifact::Package {
            name,
            path,
            archive,
        } => {
            json.text("package", Some(name));
            json.text("path", Some(path));
            if let Some(archive) = archive {
                put_archive(&mut json, archive);
            }
        }
    }
    json
}

fn file(entry: &FileEntry) -> Json {
    let FileEntry {
        content,
        to,
        owner,
        mode,
        dir_mode,
        untracked,
    } = entry;
    let mut json = Object::default();
    match content {
        Content::Project(from) => json.text("from", Some(from)),
        Content::Artifact(from) => json.object("from", artifact(from)),
        Content::Link(target) => json.text("link", Some(target)),
    }
    json.text("to", Some(to));
    json.unless("owner", &owner_text(owner), &owner_text(&default_owner()));
    let mode = mode.map(|mode| Json::Text(octal(*mode)));
    json.put("mode", mode);
    json.unless("dir_mode", &octal(**dir_mode), &octal(Mode::DIRECTORY));
    json.flag("untracked", **untracked);
    Json::Object(json)
}

fn octal(mode: Mode) -> String {
    format!("{:04o}", mode.bits())
}

fn owner_text(owner: &Owner) -> String {
    let text = |principal: &Principal| match principal {
        Principal::Id(id) => id.to_string(),
        Principal::Name(name) => name.clone(),
    };
    let Owner { user, group } = owner;
    let group = group.as_ref().map(|group| format!(":{}", text(group)));
    format!("{}{}", text(user), group.unwrap_or_default())
}

fn run(run: &Run) -> Object {
    let Run {
        command,
        env,
        user,
        workdir,
        hostname,
        grant,
        limits,
        restart,
    } = run;
    let mut json = Object::default();
    if let Some(command) = command {
        json.texts("command", command);
    }
    json.texts("env", env);
    json.text("user", user.as_ref());
    json.text("workdir", workdir.as_ref());
    json.unless("hostname", hostname, DEFAULT_HOSTNAME);
    let grant = grant.iter().map(|grant| match **grant {
        Grant::Nsm => "nsm",
        Grant::Vsock => "vsock",
    });
    json.list(
        "grant",
        grant.map(|word| Json::Text(word.to_owned())).collect(),
    );
    let limits = limits
        .iter()
        .map(|(resource, bounds)| (resource.name(), limit(**bounds)));
    json.object("limits", Object(limits.collect()));
    let restarts = Some(**restart).filter(|restarts| *restarts > 0);
    json.put(
        "restart",
        restarts.map(|restarts| Json::Number(restarts.into())),
    );
    json
}

fn limit(limit: Limit) -> Json {
    let bound = |bound| match bound {
        Bound::At(number) => number.to_string(),
        Bound::Unlimited => "unlimited".to_owned(),
    };
    Json::Text(format!("{}:{}", bound(limit.soft), bound(limit.hard)))
}

fn network(network: &Network) -> Object {
    let Network {
        ingress,
        egress,
        ready,
    } = network;
    let mut json = Object::default();
    let pairs = ingress.iter().map(|pair| ingress_pair(**pair));
    json.list("ingress", pairs.collect());
    let rules = egress.iter().map(|rule| Json::Text(rule.to_string()));
    json.list("egress", rules.collect());
    let ready = ready.as_ref().map(|ready| Json::Text(ready.to_string()));
    json.put("ready", ready);
    json
}

fn ingress_pair(pair: Ingress) -> Json {
    if pair.port == pair.to {
        Json::Number(pair.port.into())
    } else {
        Json::Text(pair.to_string())
    }
}

const fn clock_source(source: ClockSource) -> &'static str {
    match source {
        ClockSource::None => "none",
        ClockSource::Host => "host",
    }
}

const fn log_target(target: LogTarget) -> &'static str {
    match target {
        LogTarget::None => "none",
        LogTarget::Host => "host",
    }
}

fn boot(boot: &Boot) -> Object {
    let Boot {
        kernel,
        init,
        agent,
        nsm_module,
    } = boot;
    let mut json = Object::default();
    let parts = [
        ("kernel", kernel),
        ("init", init),
        ("agent", agent),
        ("nsm_module", nsm_module),
    ];
    for (key, part) in parts {
        if let Some(part) = part {
            json.object(key, artifact(part));
        }
    }
    json
}

const fn compression_name(compression: RamdiskCompression) -> &'static str {
    match compression {
        RamdiskCompression::None => "none",
        RamdiskCompression::Gzip => "gzip",
        RamdiskCompression::Zstd => "zstd",
    }
}

fn normalize(normalize: &Normalize) -> Object {
    let Normalize { keep, drop } = normalize;
    let mut json = Object::default();
    json.texts("keep", keep);
    json.texts("drop", drop);
    json
}
