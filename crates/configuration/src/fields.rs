//! Values as the types that keys have: each reader says the key, what was expected and what is
//! there.

use std::collections::BTreeMap;

use crate::error::{Error, Found};
use crate::json::Value;
use crate::limits::{Bound, Limit, Resource};
use crate::network::EgressRule;
use crate::services::{Attestation, Ingress, Ready};

fn wrong(key: &str, expected: &'static str, value: &Value) -> Error {
    Error::WrongType {
        key: key.to_owned(),
        expected,
        found: value.type_name(),
    }
}

/// The keys of an object that nobody has asked for yet.
#[derive(Debug)]
pub(crate) struct Fields {
    /// What stands before a key in messages, as in `limits.nofile.`.
    prefix: String,
    entries: Vec<(String, Value)>,
}

impl Fields {
    /// The keys of the whole document.
    pub(crate) fn of_document(value: Value) -> Result<Self, Error> {
        Self::read("the document", String::new(), value)
    }

    /// The keys of the object that `key` has.
    fn of(key: &str, value: Value) -> Result<Self, Error> {
        Self::read(key, format!("{key}."), value)
    }

    fn read(key: &str, prefix: String, value: Value) -> Result<Self, Error> {
        let Value::Object(entries) = value else {
            return Err(wrong(key, "an object", &value));
        };
        Ok(Self { prefix, entries })
    }

    /// Takes the value of a key that may be missing.
    pub(crate) fn optional(&mut self, key: &str) -> Option<Value> {
        let index = self.entries.iter().position(|(name, _)| name == key)?;
        Some(self.entries.remove(index).1)
    }

    /// Takes the value of a key that must be there.
    pub(crate) fn required(&mut self, key: &'static str) -> Result<Value, Error> {
        self.optional(key).ok_or_else(|| Error::MissingKey {
            key: format!("{}{key}", self.prefix),
        })
    }

    /// Takes the value of a key that is true or missing.
    pub(crate) fn flag(&mut self, key: &'static str) -> Result<bool, Error> {
        match self.optional(key) {
            Some(value) => boolean(key, &value),
            None => Ok(false),
        }
    }

    /// The first key that nobody asked for is an error.
    pub(crate) fn finish(self) -> Result<(), Error> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => Err(Error::UnknownKey {
                key: Found::new(&format!("{}{key}", self.prefix)),
            }),
        }
    }
}

pub(crate) fn text(key: &str, value: Value) -> Result<String, Error> {
    let Value::Text(text) = value else {
        return Err(wrong(key, "a string", &value));
    };
    Ok(text)
}

fn boolean(key: &str, value: &Value) -> Result<bool, Error> {
    let Value::Boolean(boolean) = value else {
        return Err(wrong(key, "a boolean", value));
    };
    Ok(*boolean)
}

pub(crate) fn number(key: &str, value: &Value) -> Result<u64, Error> {
    let Value::Number(number) = value else {
        return Err(wrong(key, "a number", value));
    };
    Ok(*number)
}

/// A number of 32 bits. Which of them are allowed is for the configuration to say.
pub(crate) fn small_number(key: &str, value: &Value) -> Result<u32, Error> {
    let found = number(key, value)?;
    u32::try_from(found).map_err(|_| Error::OutOfRange {
        key: key.to_owned(),
        least: 0,
        most: u64::from(u32::MAX),
        found,
    })
}

/// A number of 16 bits.
fn port(key: &str, value: &Value) -> Result<u16, Error> {
    let found = number(key, value)?;
    u16::try_from(found).map_err(|_| Error::OutOfRange {
        key: key.to_owned(),
        least: 1,
        most: u64::from(u16::MAX),
        found,
    })
}

pub(crate) fn attestation(value: Value) -> Result<Attestation, Error> {
    let mut fields = Fields::of("attestation", value)?;
    let port = port("attestation.port", &fields.required("port")?)?;
    fields.finish()?;
    Ok(Attestation { port })
}

pub(crate) fn egress_rule(key: &str, value: Value) -> Result<EgressRule, Error> {
    let text = text(key, value)?;
    text.parse().map_err(|source| Error::Rule {
        key: key.to_owned(),
        source,
    })
}

pub(crate) fn ingress(key: &str, value: Value) -> Result<Ingress, Error> {
    let mut fields = Fields::of(key, value)?;
    let ingress = Ingress {
        port: port(&format!("{key}.port"), &fields.required("port")?)?,
        to: port(&format!("{key}.to"), &fields.required("to")?)?,
    };
    fields.finish()?;
    Ok(ingress)
}

pub(crate) fn ready(value: Value) -> Result<Ready, Error> {
    let mut fields = Fields::of("ready", value)?;
    let ready = Ready {
        path: text("ready.path", fields.required("path")?)?,
        port: port("ready.port", &fields.required("port")?)?,
    };
    fields.finish()?;
    Ok(ready)
}

/// An array whose items `read` reads, with the item's own key.
pub(crate) fn array<T>(
    key: &str,
    value: Value,
    read: impl Fn(&str, Value) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let Value::Array(items) = value else {
        return Err(wrong(key, "an array", &value));
    };
    let item = |(index, item)| read(&format!("{key}[{index}]"), item);
    items.into_iter().enumerate().map(item).collect()
}

pub(crate) fn limits(value: Value) -> Result<BTreeMap<Resource, Limit>, Error> {
    let mut limits = BTreeMap::new();
    for (name, value) in Fields::of("limits", value)?.entries {
        let resource = Resource::from_name(&name).ok_or_else(|| Error::UnknownLimit {
            name: Found::new(&name),
        })?;
        let key = format!("limits.{name}");
        let mut fields = Fields::of(&key, value)?;
        let mut side = |side: &'static str| {
            let value = fields.required(side)?;
            bound(&format!("{key}.{side}"), &value)
        };
        let limit = Limit {
            hard: side("hard")?,
            soft: side("soft")?,
        };
        fields.finish()?;
        limits.insert(resource, limit);
    }
    Ok(limits)
}

fn bound(key: &str, value: &Value) -> Result<Bound, Error> {
    if let Value::Text(text) = value
        && text == "unlimited"
    {
        return Ok(Bound::Unlimited);
    }
    number(key, value)
        .map(Bound::At)
        .map_err(|_| wrong(key, "a number or `unlimited`", value))
}
