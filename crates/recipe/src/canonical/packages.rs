//! The canonical JSON of `[source.packages]`.

use super::{Json, Object, artifact, octal, owner_text};
use crate::packages::{
    Base, PackageArchive, Packages, Repository, Scripts, Supplied, SuppliedDirectory, SuppliedFile,
    SuppliedGroup, SuppliedLink, SuppliedMode, SuppliedUser,
};
use crate::recipe::{Mode, Owner};
use crate::span::Spanned;

/// Where packages are chosen from.
pub(super) fn put_archive(json: &mut Object, archive: &PackageArchive) {
    let PackageArchive {
        distribution,
        suites,
        components,
    } = archive;
    let name = distribution.name().to_owned();
    json.put("distribution", Some(Json::Text(name)));
    json.texts("suites", suites);
    json.texts("components", components);
}

pub(super) fn packages(packages: &Packages) -> Object {
    let Packages {
        archive,
        repositories,
        install,
        exclude,
        recommends,
        base,
        minimal,
        path_exclude,
        path_include,
        scripts,
        effects,
    } = packages;
    let mut json = Object::default();
    put_archive(&mut json, archive);
    json.list("repository", repositories.iter().map(repository).collect());
    json.texts("install", install);
    json.texts("exclude", exclude);
    json.flag("recommends", **recommends);
    json.unless("base", base.name(), Base::default().name());
    json.flag("minimal", **minimal);
    json.texts("path_exclude", path_exclude);
    json.texts("path_include", path_include);
    json.unless("scripts", scripts.name(), Scripts::default().name());
    json.object("effects", supplied(effects));
    json
}

fn repository(repository: &Repository) -> Json {
    let Repository {
        name,
        url,
        suites,
        components,
        key,
    } = repository;
    let mut json = Object::default();
    json.text("name", Some(name));
    json.text("url", url.as_ref());
    json.texts("suites", suites);
    json.texts("components", components);
    json.object("key", artifact(key));
    Json::Object(json)
}

fn supplied(effects: &Supplied) -> Object {
    let Supplied {
        groups,
        users,
        directories,
        files,
        links,
        modes,
    } = effects;
    let mut json = Object::default();
    json.list("groups", groups.iter().map(group).collect());
    json.list("users", users.iter().map(user).collect());
    json.list("directories", directories.iter().map(directory).collect());
    json.list("files", files.iter().map(file).collect());
    json.list("links", links.iter().map(link).collect());
    json.list("modes", modes.iter().map(mode).collect());
    json
}

fn group(SuppliedGroup { name, gid }: &SuppliedGroup) -> Json {
    let mut json = Object::default();
    json.text("name", Some(name));
    json.put("gid", Some(Json::Number(u64::from(**gid))));
    Json::Object(json)
}

fn user(user: &SuppliedUser) -> Json {
    let SuppliedUser {
        name,
        uid,
        gid,
        home,
        shell,
        groups,
    } = user;
    let mut json = Object::default();
    json.text("name", Some(name));
    json.put("uid", Some(Json::Number(u64::from(**uid))));
    let gid = gid.as_ref().map(|gid| Json::Number(u64::from(**gid)));
    json.put("gid", gid);
    json.text("home", home.as_ref());
    json.text("shell", shell.as_ref());
    json.texts("groups", groups);
    Json::Object(json)
}

/// What all of them have: a path, and who may do what with it.
fn entry(
    path: &Spanned<String>,
    mode: Option<&Spanned<Mode>>,
    owner: Option<&Spanned<Owner>>,
) -> Object {
    let mut json = Object::default();
    json.text("path", Some(path));
    json.put("mode", mode.map(|mode| Json::Text(octal(**mode))));
    json.put("owner", owner.map(|owner| Json::Text(owner_text(owner))));
    json
}

fn directory(SuppliedDirectory { path, mode, owner }: &SuppliedDirectory) -> Json {
    Json::Object(entry(path, mode.as_ref(), owner.as_ref()))
}

fn mode(SuppliedMode { path, mode, owner }: &SuppliedMode) -> Json {
    Json::Object(entry(path, mode.as_ref(), owner.as_ref()))
}

fn file(file: &SuppliedFile) -> Json {
    let SuppliedFile {
        path,
        content,
        mode,
        owner,
    } = file;
    let mut json = entry(path, mode.as_ref(), owner.as_ref());
    json.text("content", Some(content));
    Json::Object(json)
}

fn link(SuppliedLink { path, target }: &SuppliedLink) -> Json {
    let mut json = Object::default();
    json.text("path", Some(path));
    json.text("target", Some(target));
    Json::Object(json)
}
