//! `caution.hcl`: a Containerfile, the one command that is run, and what Caution's hosting does.
//!
//! The Containerfile is built by Caution. As with Evervault, `source.dockerfile` is the one key that
//! is written although it waits.

use crate::Import;
use crate::document::{self, Field, Leaf, nothing, place};
use crate::draft::{Draft, Key, Origin};
use crate::error::Error;
use crate::kind::ForeignKind;
use crate::network::{self, LeftOut};
use crate::note::NoteKind;
use crate::outside::{DEBUG, FIREWALL, MACHINE, dockerfile_path, explain_dockerfile, name};
use crate::text::Text;

/// Where a field goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    EnclaveLabel,
    Containerfile,
    IngressPort,
    IngressStart,
    IngressEnd,
    Protocol,
    EgressRange,
    EgressPort,
    UnitLabel,
    Command,
    Args,
    Env,
}

const HOSTING: &str = "where and by whom the enclave is run is no matter of the image";
const FRONT: &str = "a setting of the server that Caution puts in front of the application; \
     Enclair puts nothing there";
const SOURCES: &str = "addresses for the manifest of Caution's own attestation; the commit of the \
     project is in `measurements.json`";
const CACHE: &str = "`enclair build` has no cache that could change the image";
const BINARY: &str = "Enclair takes the whole file system of the image; to have this file alone, \
     copy it out of the image and name it in `source.files`";
const UNKNOWN: &str = "this release knows no such field of Caution";

/// Every field that is known, and what becomes of it. `docs/import.md` lists the same.
pub(crate) const FIELDS: &[Field<Place>] = &[
    nothing("caution.managed_credentials", HOSTING),
    nothing("caution.machine_type", HOSTING),
    nothing("caution.build_machine_type", HOSTING),
    nothing("caution.provider.*", HOSTING),
    place("enclave.(label)", Place::EnclaveLabel),
    place("enclave.build.containerfile", Place::Containerfile),
    nothing("enclave.build.binary", BINARY),
    nothing("enclave.build.app_sources", SOURCES),
    nothing("enclave.build.cache", CACHE),
    nothing("enclave.debug.enabled", DEBUG),
    nothing("enclave.debug.ssh_keys", HOSTING),
    place("enclave.network.ingress.port", Place::IngressPort),
    place("enclave.network.ingress.start_port", Place::IngressStart),
    place("enclave.network.ingress.end_port", Place::IngressEnd),
    nothing("enclave.network.ingress.cidr_ipv4", FIREWALL),
    place("enclave.network.ingress.ip_protocol", Place::Protocol),
    place("enclave.network.egress.cidr_ipv4", Place::EgressRange),
    place("enclave.network.egress.port", Place::EgressPort),
    nothing("enclave.network.egress.start_port", FIREWALL),
    nothing("enclave.network.egress.end_port", FIREWALL),
    place("enclave.network.egress.ip_protocol", Place::Protocol),
    nothing("enclave.network.http.domain", FRONT),
    nothing("enclave.network.http.port", FRONT),
    nothing("enclave.network.http.upstream_protocol", FRONT),
    nothing("enclave.network.http.e2e_encryption.*", FRONT),
    nothing("enclave.resources.cpu", MACHINE),
    nothing("enclave.resources.memory_mb", MACHINE),
    place("enclave.unit.(label)", Place::UnitLabel),
    place("enclave.unit.command", Place::Command),
    place("enclave.unit.args", Place::Args),
    place("enclave.unit.env.*", Place::Env),
];

/// Ports of a range that are written one by one.
const MOST_PORTS: u16 = 64;

pub(crate) fn import(file_name: &str, text: &Text<'_>) -> Result<Import, Error> {
    let leaves = document::leaves(&document::read_hcl(text)?)?;
    let mut importer = Importer {
        draft: Draft::new(ForeignKind::Caution, file_name),
        unit: started_unit(&leaves)?,
        leaves: &leaves,
    };
    let notes = document::place_fields(&leaves, FIELDS, UNKNOWN, |place, leaf| {
        importer.put(place, leaf)
    })?;
    if !leaves.iter().any(|leaf| is_of(leaf, "enclave")) {
        return Err(Error::Missing {
            kind: ForeignKind::Caution,
            field: "enclave",
        });
    }
    importer.command()?;
    let path = importer.containerfile();
    let mut draft = importer.draft;
    explain_dockerfile(&mut draft, &path);
    Ok(Import {
        recipe: draft.finish(),
        notes,
    })
}

/// Where the fields of the unit that is started begin: `enclave.unit[1]`.
///
/// It is the only one, or the one with the label `default`.
fn started_unit(leaves: &[Leaf]) -> Result<String, Error> {
    let labels: Vec<&Leaf> = leaves
        .iter()
        .filter(|leaf| leaf.is("enclave.unit.(label)"))
        .collect();
    let started = match labels.as_slice() {
        [] => return Ok("enclave.unit".to_owned()),
        [only] => only,
        [_, second, ..] => labels
            .iter()
            .find(|leaf| leaf.shown() == "default")
            .ok_or_else(|| Error::Second {
                line: second.line,
                field: second.field.clone(),
            })?,
    };
    let block = started.field.split(' ').next();
    Ok(block.unwrap_or_default().to_owned())
}

/// Whether a field is in a block, or is its label.
fn is_of(leaf: &Leaf, block: &str) -> bool {
    let rest = leaf.field.strip_prefix(block);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ' ', '[']))
}

struct Importer<'a> {
    draft: Draft,
    unit: String,
    leaves: &'a [Leaf],
}

impl Importer<'_> {
    fn put(&mut self, place: Place, leaf: &Leaf) -> Result<NoteKind, Error> {
        let of_unit = matches!(
            place,
            Place::UnitLabel | Place::Command | Place::Args | Place::Env
        );
        if of_unit && !self.is_started(leaf) {
            return Ok(NoteKind::nothing(
                "Caution starts the unit `default` and no other",
            ));
        }
        if leaf.is_expression() {
            return Ok(expression(place));
        }
        match place {
            Place::EnclaveLabel => {
                self.set(Key::Name, name(leaf)?, leaf)?;
                Ok(NoteKind::taken("`enclave.name`"))
            }
            Place::Containerfile => {
                self.set(Key::Dockerfile, &dockerfile_path(leaf)?, leaf)?;
                Ok(NoteKind::waits(
                    "`source.dockerfile`; `enclair init --from` reads the Containerfile itself, too",
                ))
            }
            Place::IngressPort => {
                self.draft.push_port(leaf.port()?, leaf.line);
                Ok(NoteKind::waits("`network.ingress`"))
            }
            Place::IngressStart | Place::IngressEnd => self.range(place, leaf),
            Place::Protocol => Ok(protocol(leaf.text()?)),
            Place::EgressRange => self.egress(leaf),
            Place::EgressPort => leaf
                .port()
                .map(|_| NoteKind::waits("`network.egress`, with its host")),
            Place::UnitLabel => Ok(NoteKind::nothing(
                "an enclave runs one command, which needs no name",
            )),
            Place::Command => leaf.text().map(|_| NoteKind::taken("`run.command`")),
            Place::Args => leaf.texts().map(|_| NoteKind::taken("`run.command`")),
            Place::Env => self.variable(leaf),
        }
    }

    fn set(&mut self, key: Key, value: &str, leaf: &Leaf) -> Result<(), Error> {
        let origin = Origin {
            field: &leaf.field,
            line: leaf.line,
        };
        self.draft.set(key, value, origin)
    }

    fn is_started(&self, leaf: &Leaf) -> bool {
        is_of(leaf, &self.unit)
    }

    /// The other end of a range: the field of the same block that is called `name`.
    fn beside(&self, leaf: &Leaf, name: &str) -> Option<&Leaf> {
        let (block, _) = leaf.field.rsplit_once('.')?;
        let wanted = format!("{block}.{name}");
        self.leaves.iter().find(|other| other.field == wanted)
    }

    fn range(&mut self, place: Place, leaf: &Leaf) -> Result<NoteKind, Error> {
        let (first, last) = if matches!(place, Place::IngressEnd) {
            (self.beside(leaf, "start_port"), Some(leaf))
        } else {
            (Some(leaf), self.beside(leaf, "end_port"))
        };
        let first = first.map_or_else(|| leaf.port(), Leaf::port)?;
        let last = last.map_or_else(|| leaf.port(), Leaf::port)?;
        if last < first || last.abs_diff(first) >= MOST_PORTS {
            return Ok(NoteKind::waits(format!(
                "`network.ingress`, which names ports one by one; a range of 1 to {MOST_PORTS} \
                 would be written out, `{first}` to `{last}` is not"
            )));
        }
        for port in first..=last {
            self.draft.push_port(port, leaf.line);
        }
        Ok(NoteKind::waits(
            "`network.ingress`, with each port of the range",
        ))
    }

    fn egress(&mut self, leaf: &Leaf) -> Result<NoteKind, Error> {
        let text = leaf.text()?;
        let mut left_out = LeftOut::default();
        let port = self.beside(leaf, "port").and_then(|port| port.port().ok());
        match network::host(text.strip_suffix("/32").unwrap_or(text)) {
            Ok(host) => {
                let host = port.map_or(host.clone(), |port| format!("{host}:{port}"));
                self.draft.push(Key::Egress, &host, leaf.line);
            }
            Err(why) => left_out.add(text, why),
        }
        Ok(left_out.note())
    }

    fn variable(&mut self, leaf: &Leaf) -> Result<NoteKind, Error> {
        let variable = leaf.key.as_str();
        if variable.is_empty() || variable.contains(['=', '\n']) {
            return Err(leaf.wrong("a variable with a name"));
        }
        let variable = format!("{variable}={}", leaf.scalar()?);
        self.draft.push(Key::Env, &variable, leaf.line);
        Ok(NoteKind::taken("`run.env`"))
    }

    /// The program and its arguments, whichever stands first in the file.
    fn command(&mut self) -> Result<(), Error> {
        let started = |name: &str| {
            let mut leaves = self.leaves.iter();
            leaves.find(|leaf| leaf.is(name) && self.is_started(leaf) && !leaf.is_expression())
        };
        let program = started("enclave.unit.command");
        let arguments = started("enclave.unit.args");
        let Some(program) = program else {
            return Ok(());
        };
        self.draft.push(Key::Command, program.text()?, program.line);
        if let Some(arguments) = arguments {
            for argument in arguments.texts().unwrap_or_default() {
                self.draft.push(Key::Command, argument, arguments.line);
            }
        }
        Ok(())
    }

    /// The path that `source.dockerfile` has, which is set where the file does not say it.
    fn containerfile(&mut self) -> String {
        let written = self
            .leaves
            .iter()
            .find(|leaf| leaf.is("enclave.build.containerfile") && !leaf.is_expression());
        let written = written.and_then(|leaf| dockerfile_path(leaf).ok());
        self.draft.assume(
            Key::Dockerfile,
            "Containerfile",
            "The file does not name it; this is what it is then, or `Dockerfile`.",
        );
        written.unwrap_or_else(|| "Containerfile".to_owned())
    }
}

/// What becomes of an expression that only Caution can compute.
fn expression(place: Place) -> NoteKind {
    NoteKind::nothing(if matches!(place, Place::Env) {
        "a secret or another value that Caution computes when the enclave runs; an image is public \
         and holds no secret"
    } else {
        "a value that only Caution can compute"
    })
}

fn protocol(text: &str) -> NoteKind {
    if text.eq_ignore_ascii_case("tcp") {
        NoteKind::nothing("`network` carries TCP, and nothing else")
    } else {
        NoteKind::changed("`network` carries TCP only; the port is written all the same")
    }
}
