//! `[run]`, `[logs]` and `[clock]`: the application and its surroundings.

use std::collections::BTreeMap;

use enclair_configuration::{Bound, DEFAULT_HOSTNAME, Limit, MAX_RESTARTS, Resource};

use crate::diagnostic::{Diagnostic, quoted};
use crate::read::document::{Field, Reader, Table};
use crate::read::keys::{self, CLOCK, LOGS, RUN};
use crate::read::text::{self, Checked, Complaint};
use crate::recipe::{ClockSource, Grant, LogTarget, Run};
use crate::span::Spanned;

pub(crate) fn run(reader: &mut Reader, document: &Table<'_>) -> Run {
    let table = document
        .get("run")
        .and_then(|field| reader.table(&field, RUN));
    let Some(table) = table else {
        return unwritten();
    };
    let mut parsed = |key, parse: fn(&str) -> Checked<String>| {
        let field = table.get(key)?;
        reader.parsed(&field, parse)
    };
    let user = parsed("user", text::user);
    let workdir = parsed("workdir", text::absolute);
    let hostname = parsed("hostname", text::hostname);
    let grants = [("nsm", Grant::Nsm), ("vsock", Grant::Vsock)];
    let command = table.get("command");
    Run {
        command: command.and_then(|field| command_words(reader, &field)),
        env: variables(reader, table.get("env").as_ref()),
        user,
        workdir,
        hostname: hostname.unwrap_or_else(|| unwritten().hostname),
        grant: reader.list(table.get("grant").as_ref(), |reader, item| {
            reader.choice(item, &grants)
        }),
        limits: limits(reader, table.get("limits").as_ref()),
        restart: table
            .get("restart")
            .and_then(|field| reader.number_or(&field, "a number", restarts, None))
            .unwrap_or(Spanned::unwritten(0)),
    }
}

fn unwritten() -> Run {
    Run {
        command: None,
        env: Vec::new(),
        user: None,
        workdir: None,
        hostname: Spanned::unwritten(DEFAULT_HOSTNAME.to_owned()),
        grant: Vec::new(),
        limits: BTreeMap::new(),
        restart: Spanned::unwritten(0),
    }
}

fn restarts(number: i128) -> Checked<u32> {
    let restarts = u32::try_from(number).ok();
    restarts
        .filter(|restarts| *restarts <= MAX_RESTARTS)
        .ok_or_else(|| Complaint::new(format!("expected 0 to {MAX_RESTARTS}, found {number}")))
}

fn command_words(reader: &mut Reader, field: &Field<'_>) -> Option<Spanned<Vec<Spanned<String>>>> {
    if field.is_text() {
        let message = "expected an array of strings, found a string";
        let hint = "write each argument by itself, as in `[\"/app\", \"--port\", \"80\"]`; there is no shell";
        reader.complain(field, Complaint::new(message).hint(Some(hint)));
        return None;
    }
    let items = reader.items(field)?;
    let mut words = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let parse = match index {
            0 => text::text,
            _ => text::without_nul,
        };
        words.extend(reader.parsed(item, parse));
    }
    if items.is_empty() {
        reader.complain(field, Complaint::new("a command has at least a program"));
        return None;
    }
    Some(Spanned::new(words, field.span))
}

/// Variables, no name twice.
fn variables(reader: &mut Reader, field: Option<&Field<'_>>) -> Vec<Spanned<String>> {
    let mut variables: Vec<Spanned<String>> = Vec::new();
    let mut names = BTreeMap::new();
    for item in field
        .and_then(|field| reader.items(field))
        .unwrap_or_default()
    {
        let Some(variable) = reader.parsed(&item, text::variable) else {
            continue;
        };
        let name = variable.split('=').next().unwrap_or_default().to_owned();
        match names.insert(name, item.span) {
            Some(before) => reader.twice(&item, Some(before)),
            None => variables.push(variable),
        }
    }
    variables
}

fn limits(reader: &mut Reader, field: Option<&Field<'_>>) -> BTreeMap<Resource, Spanned<Limit>> {
    let table = field.and_then(|field| reader.any_table(field));
    let mut limits = BTreeMap::new();
    for (name, field) in table.iter().flat_map(Table::fields) {
        let Some(resource) = Resource::from_name(name) else {
            unknown_resource(reader, name, &field);
            continue;
        };
        let expected = "a number, `\"unlimited\"` or `\"SOFT:HARD\"`";
        let limit = reader.number_or(&field, expected, number_limit, Some(text::bounds));
        let limit = limit.and_then(|limit| {
            let checked = text::limit(resource, limit.into_inner());
            reader.checked(&field, checked)
        });
        limits.extend(limit.map(|limit| (resource, limit)));
    }
    limits
}

fn unknown_resource(reader: &mut Reader, name: &str, field: &Field<'_>) {
    let names = Resource::ALL.map(Resource::name);
    let hint = match keys::nearest(name, &names) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    let message = format!("unknown resource `{}`", quoted(name));
    let problem = Diagnostic::new(message, field.key).with_label("no such limit");
    reader.report(problem.with_hint(Some(hint)));
}

fn number_limit(number: i128) -> Checked<Limit> {
    let bound = u64::try_from(number).map(Bound::At).map_err(|_| {
        Complaint::new(format!(
            "expected a number of at most 2^53 - 1, found {number}"
        ))
    })?;
    Ok(Limit {
        soft: bound,
        hard: bound,
    })
}

pub(crate) fn logs(reader: &mut Reader, document: &Table<'_>) -> Spanned<LogTarget> {
    let targets = [("none", LogTarget::None), ("host", LogTarget::Host)];
    document
        .get("logs")
        .and_then(|field| reader.table(&field, LOGS))
        .and_then(|table| table.get("to"))
        .and_then(|field| reader.choice(&field, &targets))
        .unwrap_or_default()
}

pub(crate) fn clock(reader: &mut Reader, document: &Table<'_>) -> Spanned<ClockSource> {
    let sources = [("none", ClockSource::None), ("host", ClockSource::Host)];
    document
        .get("clock")
        .and_then(|field| reader.table(&field, CLOCK))
        .and_then(|table| table.get("from"))
        .and_then(|field| reader.choice(&field, &sources))
        .unwrap_or_default()
}
