//! An index, as it comes together.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::fields::{Fields, check_size};
use super::package::{RELATIONS, Record, split_source};
use super::{
    FieldProblem, Index, IndexError, MAX_PACKAGES, Package, Provided, RelationKind, Span, path,
};
use crate::control::{NameError, check_architecture, check_name};
use crate::relation::Relations;
use crate::version::Parts;

/// Takes packages in any order, and makes an index of them.
#[derive(Debug, Default)]
pub(super) struct Builder {
    index: Index,
    /// Architectures and sections: a few texts, each of them in thousands of packages.
    shared: HashMap<Box<str>, Span>,
}

type Problem = (&'static str, FieldProblem);

impl Builder {
    /// Adds a package once each of its fields has been checked.
    pub(super) fn add(&mut self, fields: &Fields<'_>) -> Result<(), Problem> {
        check_required(fields)?;
        let filename = path::check(fields.filename).map_err(|source| {
            let path = shortened(fields.filename);
            ("Filename", FieldProblem::Path { path, source })
        })?;
        let sha256 = fields.sha256.ok_or(("SHA256", FieldProblem::Missing))?;
        let size = check_size(fields.size).map_err(|problem| ("Size", problem))?;
        let mut relations = [Span::default(); RELATIONS];
        for ((span, text), kind) in relations
            .iter_mut()
            .zip(fields.relations)
            .zip(RelationKind::ALL)
        {
            *span = self.keep(kind.field(), text)?;
        }
        let record = Record {
            name: self.keep("Package", fields.name)?,
            version: self.keep("Version", fields.version)?,
            architecture: self.share("Architecture", fields.architecture)?,
            source: self.keep("Source", fields.source)?,
            section: self.share("Section", fields.section)?,
            filename: self.keep("Filename", filename)?,
            relations,
            size,
            installed: fields.installed,
            sha256,
            priority: fields.priority,
            multi_arch: fields.multi_arch,
            essential: fields.essential,
            important: fields.important,
        };
        self.provide(fields.relations.get(RelationKind::Provides.place()))?;
        self.index.records.push(record);
        Ok(())
    }

    /// Notes the names that the package provides which is added next.
    fn provide(&mut self, text: Option<&&str>) -> Result<(), Problem> {
        let text = text.copied().unwrap_or_default();
        let relations =
            Relations::parse(text).map_err(|error| ("Provides", FieldProblem::Relation(error)))?;
        let record = u32::try_from(self.index.records.len()).unwrap_or(u32::MAX);
        for relation in relations.iter() {
            let name = self.share("Provides", &relation.name)?;
            self.index.provided.push(Provided { name, record });
        }
        Ok(())
    }

    /// Appends a text.
    fn keep(&mut self, field: &'static str, text: &str) -> Result<Span, Problem> {
        if text.is_empty() {
            return Ok(Span::default());
        }
        let end = self.index.text.len().saturating_add(text.len());
        let full = || (field, FieldProblem::Text);
        u32::try_from(end).map_err(|_| full())?;
        let span = Span {
            start: u32::try_from(self.index.text.len()).map_err(|_| full())?,
            length: u32::try_from(text.len()).map_err(|_| full())?,
        };
        self.index.text.push_str(text);
        Ok(span)
    }

    /// Appends a text unless it is there.
    fn share(&mut self, field: &'static str, text: &str) -> Result<Span, Problem> {
        if let Some(span) = self.shared.get(text) {
            return Ok(*span);
        }
        let span = self.keep(field, text)?;
        self.shared.insert(text.into(), span);
        Ok(span)
    }

    /// Sorts what was added, and refuses packages that are there twice with different files.
    pub(super) fn finish(self) -> Result<Index, IndexError> {
        let mut index = self.index;
        if index.records.len() > MAX_PACKAGES {
            return Err(IndexError::Packages);
        }
        let mut order: Vec<u32> = (0..).take(index.records.len()).collect();
        let record = |place: &u32| {
            let place = usize::try_from(*place).ok()?;
            index.records.get(place).map(|record| index.package(record))
        };
        order.sort_by(|left, right| match (record(left), record(right)) {
            (Some(left), Some(right)) => compare(&left, &right),
            _ => Ordering::Equal,
        });
        let kept = without_twins(&order, record)?;
        let mut places = vec![None; index.records.len()];
        for (to, from) in (0_u32..).zip(&kept) {
            if let Some(place) = usize::try_from(*from)
                .ok()
                .and_then(|from| places.get_mut(from))
            {
                *place = Some(to);
            }
        }
        move_provided(&mut index, &places);
        let records = std::mem::take(&mut index.records);
        let take = |from: &u32| records.get(usize::try_from(*from).ok()?).cloned();
        index.records = kept.iter().filter_map(take).collect();
        index.text.shrink_to_fit();
        Ok(index)
    }
}

/// Follows the records to where they have been sorted, and sorts by name.
fn move_provided(index: &mut Index, places: &[Option<u32>]) {
    let mut provided = std::mem::take(&mut index.provided);
    provided.retain_mut(|provided| {
        let place = usize::try_from(provided.record)
            .ok()
            .and_then(|from| places.get(from));
        place.copied().flatten().is_some_and(|to| {
            provided.record = to;
            true
        })
    });
    let key = |provided: &Provided| (index.text_of(provided.name), provided.record);
    provided.sort_by(|left, right| key(left).cmp(&key(right)));
    provided.dedup_by(|next, first| key(next) == key(first));
    index.provided = provided;
}

fn compare(left: &Package<'_>, right: &Package<'_>) -> Ordering {
    same(left, right)
        .then_with(|| left.sha256().cmp(&right.sha256()))
        .then_with(|| left.filename().cmp(right.filename()))
}

/// Equal for packages that a system cannot tell apart.
fn same(left: &Package<'_>, right: &Package<'_>) -> Ordering {
    left.name()
        .cmp(right.name())
        .then_with(|| left.architecture().cmp(right.architecture()))
        .then_with(|| left.version_parts().cmp(&right.version_parts()))
        .then_with(|| left.version().cmp(right.version()))
}

/// One of each. A pool that moved a file can name it twice; different content under one name and
/// version is a mistake or worse.
fn without_twins<'a>(
    order: &[u32],
    package: impl Fn(&u32) -> Option<Package<'a>>,
) -> Result<Vec<u32>, IndexError> {
    let mut kept: Vec<u32> = Vec::with_capacity(order.len());
    for place in order {
        let last = kept.last().and_then(&package);
        match last.zip(package(place)) {
            Some((last, next)) if same(&last, &next).is_eq() => {
                if last.sha256() != next.sha256() {
                    return Err(IndexError::Twice {
                        package: next.name().into(),
                        version: next.version().into(),
                        architecture: next.architecture().into(),
                        first: last.sha256(),
                        second: next.sha256(),
                    });
                }
            }
            _ => kept.push(*place),
        }
    }
    Ok(kept)
}

fn check_required(fields: &Fields<'_>) -> Result<(), Problem> {
    for (field, text) in [
        ("Package", fields.name),
        ("Version", fields.version),
        ("Architecture", fields.architecture),
        ("Filename", fields.filename),
    ] {
        if text.is_empty() {
            return Err((field, FieldProblem::Missing));
        }
    }
    let name = |field, text, check: fn(&str) -> Result<(), NameError>| {
        check(text).map_err(|source| {
            let name = shortened(text);
            (field, FieldProblem::Name { name, source })
        })
    };
    name("Package", fields.name, check_name)?;
    name("Architecture", fields.architecture, check_architecture)?;
    let version = |field, text| {
        let parts = Parts::parse(text).map(|_| ());
        parts.map_err(|error| (field, FieldProblem::Version(error)))
    };
    version("Version", fields.version)?;
    if !fields.source.is_empty() {
        let (source, of_source) = split_source(fields.source);
        name("Source", source, check_name)?;
        of_source.map_or(Ok(()), |text| version("Source", text))?;
    }
    if fields.section.chars().any(char::is_control) {
        let section = shortened(fields.section);
        return Err(("Section", FieldProblem::Section { section }));
    }
    Ok(())
}

/// As much of a text as fits into a message.
fn shortened(text: &str) -> Box<str> {
    text.chars().take(200).collect()
}
