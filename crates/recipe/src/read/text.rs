//! Values that are written as strings: each has its grammar here.

use enclair_configuration::{Bound, Configuration, Limit, MAX_ID, Resource};

use crate::diagnostic::quoted;
use crate::path::leaves_project;
use crate::recipe::{Epoch, Mode, Owner, Principal};
use crate::reference::{ImageReference, is_host};

/// A value, or what is wrong with it.
pub(crate) type Checked<T> = Result<T, Complaint>;

/// What is wrong with a value, without its place.
#[derive(Debug)]
pub(crate) struct Complaint {
    pub(crate) message: String,
    pub(crate) label: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Complaint {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            label: None,
            hint: None,
        }
    }

    /// `expected`, and what was found instead.
    fn expected(expected: &str, found: &str) -> Self {
        Self::new(format!("expected {expected}, found `{}`", quoted(found)))
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(crate) fn hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into);
        self
    }
}

/// Any text but an empty one or one with a NUL.
pub(crate) fn text(text: &str) -> Checked<String> {
    if text.is_empty() {
        return Err(Complaint::new("this is empty"));
    }
    without_nul(text)
}

/// Any text without a NUL, which no argument, variable or path can have.
pub(crate) fn without_nul(text: &str) -> Checked<String> {
    if text.contains('\0') {
        Err(Complaint::new("this has a NUL character"))
    } else {
        Ok(text.to_owned())
    }
}

/// A name of one line.
pub(crate) fn name(value: &str) -> Checked<String> {
    if value.contains(char::is_control) {
        return Err(Complaint::new("this has a control character"));
    }
    text(value)
}

/// A part of the kernel's command line.
pub(crate) fn command_line(text: &str) -> Checked<String> {
    if text.contains(['\0', '\n']) {
        Err(Complaint::new("a command line has no NUL and no newline"))
    } else {
        Ok(text.to_owned())
    }
}

/// `NAME=value`.
pub(crate) fn variable(text: &str) -> Checked<String> {
    let text = without_nul(text)?;
    match text.split_once('=') {
        Some((name, _)) if !name.is_empty() => Ok(text),
        _ => Err(Complaint::expected("`NAME=value`", &text).hint(Some(
            "a variable of the machine that builds is not passed on; write its value",
        ))),
    }
}

/// An absolute path without `..`.
pub(crate) fn absolute(value: &str) -> Checked<String> {
    let path = text(value)?;
    if !path.starts_with('/') {
        return Err(Complaint::expected("an absolute path", &path)
            .hint(Some("paths in the image begin with `/`")));
    }
    if path.split('/').any(|part| part == "..") {
        Err(Complaint::new("a path in the image has no `..`"))
    } else {
        Ok(path)
    }
}

/// A path of the project.
pub(crate) fn project_path(value: &str) -> Checked<String> {
    let path = text(value)?;
    if leaves_project(&path) {
        let message = format!("`{}` leads out of the project", quoted(&path));
        return Err(Complaint::new(message)
            .label("not below the directory of the recipe")
            .hint(Some(
                "copy it into the project, so that everybody who builds has it",
            )));
    }
    Ok(path)
}

/// The id of a rule, a finding or an effect. Whether there is one is a later stage's business.
pub(crate) fn id(text: &str) -> Checked<String> {
    if is_id(text) {
        return Ok(text.to_owned());
    }
    let bare = text.split_once('@').map(|(id, _)| id);
    Err(Complaint::expected("an id in lower case with `-`", text)
        .hint(bare.map(|id| format!("leave the version out: `{}`", quoted(id)))))
}

/// Whether `text` is words of `a-z` and `0-9` with `-` between them.
pub(crate) fn is_id(text: &str) -> bool {
    text.split('-').all(|word| {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        !word.is_empty() && word.bytes().all(known)
    })
}

/// Octal permission bits.
pub(crate) fn mode(text: &str) -> Checked<Mode> {
    let digits = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let bits = u16::from_str_radix(text, 8).ok().filter(|_| digits);
    bits.and_then(Mode::from_bits)
        .ok_or_else(|| Complaint::expected("an octal mode of at most `7777`", text))
}

/// `UID:GID` or `USER[:GROUP]`.
pub(crate) fn owner(text: &str) -> Checked<Owner> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let wrong = || Complaint::expected("`UID:GID` or `USER[:GROUP]`", text);
    let user = principal(user).ok_or_else(wrong)?;
    let group = match group {
        Some(group) => Some(principal(group).ok_or_else(wrong)?),
        None if matches!(user, Principal::Id(_)) => {
            return Err(wrong().hint(Some(format!("a number needs a group: `{text}:{text}`"))));
        }
        None => None,
    };
    Ok(Owner { user, group })
}

fn principal(text: &str) -> Option<Principal> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let id = text.parse().ok().filter(|id| *id <= MAX_ID);
        return id.map(Principal::Id);
    }
    let known =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let is_name = text.bytes().all(known) && !text.starts_with(['-', '.']);
    is_name.then(|| Principal::Name(text.to_owned()))
}

/// As USER of a Dockerfile: `USER[:GROUP]`, each a name or a number.
pub(crate) fn user(text: &str) -> Checked<String> {
    let (user, group) = text.split_once(':').unwrap_or((text, "0"));
    if principal(user).is_some() && principal(group).is_some() {
        Ok(text.to_owned())
    } else {
        Err(Complaint::expected("`USER[:GROUP]`", text))
    }
}

/// The host's name: the rule is that of the measured configuration.
pub(crate) fn hostname(text: &str) -> Checked<String> {
    let mut configuration = Configuration::new(vec!["/".to_owned()]);
    text.clone_into(&mut configuration.hostname);
    match configuration.to_canonical_json() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Complaint::expected("a host name", text).hint(Some(
            "1 to 64 of `a-z`, `A-Z`, `0-9`, `-` and `.`, the first and last neither `-` nor `.`",
        ))),
    }
}

/// A resource limit, with the rules of the measured configuration.
pub(crate) fn limit(resource: Resource, limit: Limit) -> Checked<Limit> {
    let mut configuration = Configuration::new(vec!["/".to_owned()]);
    configuration.limits.insert(resource, limit);
    match configuration.to_canonical_json() {
        Ok(_) => Ok(limit),
        Err(error) => {
            // The place in the configuration is not the one in the recipe.
            let text = error.to_string();
            let problem = text.split_once(": ").map_or(&*text, |(_, problem)| problem);
            Err(Complaint::new(problem))
        }
    }
}

/// `unlimited` or `SOFT:HARD`.
pub(crate) fn bounds(text: &str) -> Checked<Limit> {
    let (soft, hard) = text.split_once(':').unwrap_or((text, text));
    let bound = |text: &str| match text {
        "unlimited" => Some(Bound::Unlimited),
        _ if text.starts_with('+') => None,
        _ => text.parse().ok().map(Bound::At),
    };
    match (bound(soft), bound(hard)) {
        (Some(soft), Some(hard)) => Ok(Limit { soft, hard }),
        _ => Err(Complaint::expected(
            "a number, `unlimited` or `SOFT:HARD`",
            text,
        )),
    }
}

/// A number of bytes: `4096`, `64K`, `16G`.
pub(crate) fn size(text: &str) -> Checked<u64> {
    let units = [('K', 10), ('M', 20), ('G', 30), ('T', 40)];
    let unit = units.into_iter().find_map(|(unit, shift)| {
        let digits = text.strip_suffix([unit, unit.to_ascii_lowercase()])?;
        Some((digits, shift))
    });
    let (digits, shift) = unit.unwrap_or((text, 0));
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| is_number);
    number
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|size| *size > 0)
        .ok_or_else(|| {
            Complaint::expected("a number of bytes, or one with K, M, G or T", text)
                .hint(Some("as in `\"512M\"` or `\"16G\"`"))
        })
}

/// A number of seconds since 1970.
pub(crate) fn epoch_seconds(number: i128) -> Checked<Epoch> {
    u32::try_from(number).map(Epoch::Seconds).map_err(|_| {
        let message = format!("expected seconds from 0 to {}, found {number}", u32::MAX);
        let milliseconds = number > i128::from(u32::MAX) && number / 1000 <= i128::from(u32::MAX);
        Complaint::new(message).hint(milliseconds.then(|| {
            let seconds = number / 1000;
            format!("are these milliseconds? in seconds it is {seconds}")
        }))
    })
}

/// `commit`.
pub(crate) fn epoch_word(text: &str) -> Checked<Epoch> {
    if text == "commit" {
        return Ok(Epoch::Commit);
    }
    let number = text.parse::<u32>().is_ok();
    Err(
        Complaint::expected("seconds since 1970 or `\"commit\"`", text)
            .hint(number.then_some("write the number without quotes")),
    )
}

/// A port.
pub(crate) fn port(number: i128) -> Checked<u16> {
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    port.ok_or_else(|| Complaint::new(format!("expected a port from 1 to 65535, found {number}")))
}

/// A container image.
pub(crate) fn reference(text: &str) -> Checked<ImageReference> {
    text.parse::<ImageReference>().map_err(|error| {
        let hint = error.hint();
        Complaint::new(quoted_error(&error.to_string())).hint(hint)
    })
}

fn quoted_error(message: &str) -> String {
    if message.contains(char::is_control) {
        "this is no reference of an image".to_owned()
    } else {
        message.to_owned()
    }
}

/// A URL of `http` or `https`.
pub(crate) fn url(text: &str) -> Checked<String> {
    let rest = ["https://", "http://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or_else(|| Complaint::expected("a URL with `https://` or `http://`", text))?;
    check_url_rest(text, rest)?;
    Ok(text.to_owned())
}

/// What is behind the scheme of a URL: a host without credentials, and no odd characters.
pub(crate) fn check_url_rest(url: &str, rest: &str) -> Checked<()> {
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "a URL has no spaces and no other characters than those of ASCII";
        return Err(Complaint::new(message).hint(Some("write `%` and two hexadecimal digits")));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end).unwrap_or(rest);
    if authority.contains('@') {
        return Err(Complaint::new("a URL here has no user and no password")
            .hint(Some("whoever reads the recipe or the lock would have them")));
    }
    if is_host(authority) {
        Ok(())
    } else {
        Err(Complaint::expected("a URL with a host", url))
    }
}
