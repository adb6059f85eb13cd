//! One of the four account files: lines of fields between colons (passwd(5), group(5), shadow(5),
//! gshadow(5)).
//!
//! A line is kept as it is unless it is changed, whatever it means: `+` lines of NIS have fewer
//! fields, belong to nobody and stay where they are.

use enclair_tree::TreePath;

use crate::effects::filesystem::Filesystem;
use crate::effects::problem::Problem;

/// A file of lines whose fields stand between colons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    path: &'static str,
    rows: Vec<Row>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(Vec<String>);

impl Row {
    /// A line of `fields`.
    pub(crate) fn new(fields: &[&str]) -> Self {
        Self(fields.iter().map(|&field| field.to_owned()).collect())
    }

    /// The first field, which names whom the line is about.
    pub(crate) fn name(&self) -> &str {
        self.field(0)
    }

    /// A field; empty when the line has fewer.
    pub(crate) fn field(&self, at: usize) -> &str {
        self.0.get(at).map_or("", String::as_str)
    }

    /// A field that is an id.
    pub(crate) fn id(&self, at: usize) -> Option<u32> {
        self.field(at).parse().ok()
    }

    /// Changes a field of a line that has it.
    pub(crate) fn set(&mut self, at: usize, value: &str) {
        if let Some(field) = self.0.get_mut(at) {
            value.clone_into(field);
        }
    }

    /// The names in a field that lists them between commas.
    pub(crate) fn list(&self, at: usize) -> impl Iterator<Item = &str> {
        self.field(at).split(',').filter(|name| !name.is_empty())
    }

    /// Adds `name` at the end of a list, unless it is there.
    pub(crate) fn add_to_list(&mut self, at: usize, name: &str) {
        if self.list(at).any(|member| member == name) {
            return;
        }
        let list = match self.field(at) {
            "" => name.to_owned(),
            list => format!("{list},{name}"),
        };
        self.set(at, &list);
    }
}

impl Table {
    /// No lines yet.
    pub(crate) fn new(path: &'static str) -> Self {
        let rows = Vec::new();
        Self { path, rows }
    }

    /// The table at `path`, whose lines have `fields` fields; `None` when there is no such file.
    pub(crate) fn read(
        files: &Filesystem<'_>,
        path: &'static str,
        fields: usize,
    ) -> Result<Option<Self>, Problem> {
        let text = files.read_text(path)?;
        text.map(|text| Self::parse(path, &text, fields))
            .transpose()
    }

    fn parse(path: &'static str, text: &str, fields: usize) -> Result<Self, Problem> {
        let mut table = Self::new(path);
        for (index, line) in text.lines().enumerate() {
            let row: Vec<String> = line.split(':').map(str::to_owned).collect();
            if row.len() != fields && !line.is_empty() && !line.starts_with(['+', '-', '#']) {
                return Err(Problem::Line {
                    path: TreePath::from_archive(path.as_bytes())?,
                    line: index.saturating_add(1),
                    expected: "another number of fields between colons",
                });
            }
            table.rows.push(Row(row));
        }
        Ok(table)
    }

    /// The file's text.
    pub(crate) fn to_text(&self) -> String {
        let lines = self.rows.iter().map(|row| row.0.join(":"));
        lines.map(|line| line + "\n").collect()
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    /// The lines that are about somebody.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(|row| !row.name().is_empty() && !row.name().starts_with(['+', '-', '#']))
    }

    /// The line about `name`.
    pub(crate) fn row(&self, name: &str) -> Option<&Row> {
        self.rows().find(|row| row.name() == name)
    }

    /// The line about `name`, to be changed.
    pub(crate) fn row_mut(&mut self, name: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.name() == name)
    }

    /// Adds a line at the end.
    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Removes the line about `name`.
    pub(crate) fn remove(&mut self, name: &str) {
        self.rows.retain(|row| row.name() != name);
    }
}
