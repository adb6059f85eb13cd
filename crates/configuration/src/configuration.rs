//! The configuration itself: its keys, its rules, its one canonical form.
//!
//! Rules are in one place, `check`, and hold for both directions: what would not be read is not
//! written either.

use std::collections::BTreeMap;

use crate::error::{Error, Found};
use crate::fields::{self, Fields};
use crate::json::{self, MAX_INTEGER, Writer, push_string};
use crate::limits::{Bound, Limit, Resource};
use crate::services::Services;

/// The version of the document that this crate knows.
pub const SCHEMA: u64 = 1;
/// Bytes of the longest document. The kernel takes about 2 MiB of arguments and variables.
pub const MAX_BYTES: usize = 1 << 20;
/// The greatest user or group id. The two above it are taken: 4294967295 means "unchanged" in
/// system calls, and 4294967294 is PID 1's own.
pub const MAX_ID: u32 = u32::MAX - 2;
/// The most times that an application is started again.
pub const MAX_RESTARTS: u32 = 1000;
/// The most ramdisks that an image can have: 32 sections less kernel, command line and metadata.
pub const MAX_RAMDISKS: u32 = 29;
/// The host's name when the document has none.
pub const DEFAULT_HOSTNAME: &str = "enclave";
/// The number of ramdisks when the document has none: boot and application.
pub const DEFAULT_RAMDISKS: u32 = 2;

/// Whether the application may reach something that belongs to the enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Access {
    /// It may not. The default; not written.
    #[default]
    Denied,
    /// It may: `true` in a document.
    Allowed,
}

/// What init starts, and with which rights. See the table in `docs/formats/image.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Program and arguments; the first is searched in PATH when it has no `/`.
    pub argv: Vec<String>,
    /// Working directory, absolute.
    pub cwd: String,
    /// `NAME=value`, passed on in this order.
    pub env: Vec<String>,
    /// Primary group id.
    pub gid: u32,
    /// Supplementary group ids, ascending, without `gid`.
    pub groups: Vec<u32>,
    /// The host's name.
    pub hostname: String,
    /// Resource limits that differ from the kernel's own.
    pub limits: BTreeMap<Resource, Limit>,
    /// Whether the application may open `/dev/nsm`.
    pub nsm: Access,
    /// How many ramdisks the image has: the markers that init must find.
    pub ramdisks: u32,
    /// How often an application that fails is started again.
    pub restart: u32,
    /// What the agent does for the application.
    pub services: Services,
    /// User id.
    pub uid: u32,
    /// Whether the application may use vsock.
    pub vsock: Access,
}

impl Configuration {
    /// A configuration with everything that has a default at it: uid, gid and groups of root, no
    /// variables, directory `/`.
    pub fn new(argv: Vec<String>) -> Self {
        Self {
            argv,
            cwd: "/".to_owned(),
            env: Vec::new(),
            gid: 0,
            groups: Vec::new(),
            hostname: DEFAULT_HOSTNAME.to_owned(),
            limits: BTreeMap::new(),
            nsm: Access::Denied,
            ramdisks: DEFAULT_RAMDISKS,
            restart: 0,
            services: Services::default(),
            uid: 0,
            vsock: Access::Denied,
        }
    }

    /// Reads a document.
    ///
    /// # Errors
    ///
    /// Everything that is not a canonical document of schema 1: see [`Error`].
    ///
    /// # Example
    ///
    /// ```
    /// use enclair_configuration::Configuration;
    ///
    /// let document =
    ///     br#"{"argv":["/app"],"cwd":"/","env":[],"gid":0,"groups":[],"schema":1,"uid":0}"#;
    /// let configuration = Configuration::parse(document)?;
    /// assert_eq!(configuration.argv, ["/app"]);
    /// assert_eq!(configuration.to_canonical_json()?, document);
    /// # Ok::<(), enclair_configuration::Error>(())
    /// ```
    pub fn parse(document: &[u8]) -> Result<Self, Error> {
        if document.len() > MAX_BYTES {
            let found = document.len();
            return Err(Error::TooLarge { found });
        }
        let text = str::from_utf8(document).map_err(|error| Error::NotUtf8 {
            offset: error.valid_up_to(),
        })?;
        let fields = Fields::of_document(json::read(text)?)?;
        let configuration = Self::from_fields(fields)?;
        let canonical = configuration.to_canonical_json()?;
        if canonical == document {
            return Ok(configuration);
        }
        let same = canonical.iter().zip(document);
        Err(Error::NotCanonical {
            offset: same.take_while(|(left, right)| left == right).count(),
        })
    }

    fn from_fields(mut fields: Fields) -> Result<Self, Error> {
        // First: another schema may have other keys, and they are not what is wrong then.
        let schema = fields::number("schema", &fields.required("schema")?)?;
        if schema != SCHEMA {
            return Err(Error::Schema { found: schema });
        }
        let mut configuration = Self {
            cwd: fields::text("cwd", fields.required("cwd")?)?,
            env: fields::array("env", fields.required("env")?, fields::text)?,
            gid: fields::small_number("gid", &fields.required("gid")?)?,
            groups: fields::array("groups", fields.required("groups")?, |key, value| {
                fields::small_number(key, &value)
            })?,
            uid: fields::small_number("uid", &fields.required("uid")?)?,
            ..Self::new(fields::array(
                "argv",
                fields.required("argv")?,
                fields::text,
            )?)
        };
        configuration.services = Services::from_fields(&mut fields)?;
        if let Some(value) = fields.optional("hostname") {
            configuration.hostname = fields::text("hostname", value)?;
        }
        if let Some(value) = fields.optional("limits") {
            configuration.limits = fields::limits(value)?;
        }
        if let Some(value) = fields.optional("ramdisks") {
            configuration.ramdisks = fields::small_number("ramdisks", &value)?;
        }
        if let Some(value) = fields.optional("restart") {
            configuration.restart = fields::small_number("restart", &value)?;
        }
        let mut access = |key| {
            let is_allowed = fields.flag(key)?;
            Ok::<_, Error>(if is_allowed {
                Access::Allowed
            } else {
                Access::Denied
            })
        };
        configuration.nsm = access("nsm")?;
        configuration.vsock = access("vsock")?;
        fields.finish()?;
        Ok(configuration)
    }

    /// The bytes that are measured.
    ///
    /// # Errors
    ///
    /// What [`parse`](Self::parse) would refuse is not written.
    pub fn to_canonical_json(&self) -> Result<Vec<u8>, Error> {
        self.check()?;
        let services = &self.services;
        let mut writer = Writer::default();
        writer.strings("argv", &self.argv);
        services.write_attestation(&mut writer);
        writer.flag("clock", services.clock);
        writer.string("cwd", &self.cwd);
        services.write_egress(&mut writer);
        writer.strings("env", &self.env);
        writer.number("gid", self.gid);
        writer.key("groups");
        writer.list(*b"[]", &self.groups, |json, group| {
            json.extend_from_slice(group.to_string().as_bytes());
        });
        if self.hostname != DEFAULT_HOSTNAME {
            writer.string("hostname", &self.hostname);
        }
        services.write_ingress(&mut writer);
        if !self.limits.is_empty() {
            writer.key("limits");
            writer.list(*b"{}", &self.limits, push_limit);
        }
        writer.flag("logs", services.logs);
        writer.flag("nsm", self.nsm == Access::Allowed);
        if self.ramdisks != DEFAULT_RAMDISKS {
            writer.number("ramdisks", self.ramdisks);
        }
        services.write_ready(&mut writer);
        if self.restart != 0 {
            writer.number("restart", self.restart);
        }
        writer.number("schema", SCHEMA);
        writer.number("uid", self.uid);
        writer.flag("vsock", self.vsock == Access::Allowed);
        let json = writer.finish();
        match json.len() {
            found if found > MAX_BYTES => Err(Error::TooLarge { found }),
            _ => Ok(json),
        }
    }

    /// The rules that types do not express.
    fn check(&self) -> Result<(), Error> {
        if self.argv.first().is_none_or(String::is_empty) {
            return Err(Error::NoProgram);
        }
        check_nul("argv", &self.argv)?;
        check_nul("env", &self.env)?;
        for (index, variable) in self.env.iter().enumerate() {
            if variable.find('=').is_none_or(|length| length == 0) {
                return Err(Error::Variable {
                    key: format!("env[{index}]"),
                    found: Found::new(variable),
                });
            }
        }
        if !self.cwd.starts_with('/') {
            return Err(Error::RelativeDirectory {
                found: Found::new(&self.cwd),
            });
        }
        check_text("cwd", &self.cwd)?;
        check_range("uid", self.uid, (0, MAX_ID))?;
        check_range("gid", self.gid, (0, MAX_ID))?;
        self.services.check(self.uid)?;
        self.check_groups()?;
        check_hostname(&self.hostname)?;
        check_range("ramdisks", self.ramdisks, (1, MAX_RAMDISKS))?;
        check_range("restart", self.restart, (0, MAX_RESTARTS))?;
        self.check_limits()
    }

    fn check_groups(&self) -> Result<(), Error> {
        let mut before = None;
        for (index, &found) in self.groups.iter().enumerate() {
            check_range(&format!("groups[{index}]"), found, (0, MAX_ID))?;
            if found == self.gid || before.is_some_and(|before| before >= found) {
                return Err(Error::Groups { index, found });
            }
            before = Some(found);
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), Error> {
        for (resource, limit) in &self.limits {
            if limit.soft > limit.hard {
                return Err(Error::SoftAboveHard {
                    name: resource.name(),
                });
            }
            for (side, bound) in [("hard", limit.hard), ("soft", limit.soft)] {
                let Bound::At(found) = bound else { continue };
                if found > MAX_INTEGER {
                    return Err(Error::OutOfRange {
                        key: format!("limits.{resource}.{side}"),
                        least: 0,
                        most: MAX_INTEGER,
                        found,
                    });
                }
            }
        }
        Ok(())
    }
}

fn check_nul(key: &str, items: &[String]) -> Result<(), Error> {
    let mut items = items.iter().enumerate();
    items.try_for_each(|(index, item)| check_text(&format!("{key}[{index}]"), item))
}

fn check_text(key: &str, text: &str) -> Result<(), Error> {
    if text.contains('\0') {
        return Err(Error::Nul {
            key: key.to_owned(),
            found: Found::new(text),
        });
    }
    Ok(())
}

pub(crate) fn check_range(key: &str, found: u32, (least, most): (u32, u32)) -> Result<(), Error> {
    if (least..=most).contains(&found) {
        return Ok(());
    }
    Err(Error::OutOfRange {
        key: key.to_owned(),
        least: u64::from(least),
        most: u64::from(most),
        found: u64::from(found),
    })
}

/// What the kernel holds (64 bytes) of what RFC 1123 allows.
fn check_hostname(name: &str) -> Result<(), Error> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let good = bytes.len() <= 64
        && bytes.iter().all(|&byte| known(byte))
        && edge(bytes.first())
        && edge(bytes.last());
    if good {
        return Ok(());
    }
    Err(Error::Hostname {
        found: Found::new(name),
    })
}

fn push_limit(json: &mut Vec<u8>, (resource, limit): (&Resource, &Limit)) {
    push_string(json, resource.name());
    json.extend_from_slice(b":{\"hard\":");
    push_bound(json, limit.hard);
    json.extend_from_slice(b",\"soft\":");
    push_bound(json, limit.soft);
    json.push(b'}');
}

fn push_bound(json: &mut Vec<u8>, bound: Bound) {
    match bound {
        Bound::At(number) => json.extend_from_slice(number.to_string().as_bytes()),
        Bound::Unlimited => push_string(json, "unlimited"),
    }
}
