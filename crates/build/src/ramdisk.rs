//! What goes into each ramdisk, in which order: the layouts of format 1 and of the vendor's init.
//!
//! A ramdisk here is a value that can be written any number of times. It is written twice: into a
//! [`Forecast`], which learns size and CRC without reading a file, and into the image. One walk
//! serves both, so what was forecast is what is written.
//!
//! | layout | ramdisk 0 | ramdisk 1 | further ones |
//! |---|---|---|---|
//! | `enclair` | `agent dev/ init nsm.ko ~end0` | `etc/ etc/enclair/ etc/enclair/enclave.json rootfs/** ~end1` | `rootfs/** ~end`*n* |
//! | `bootstrap` | `dev/ init nsm.ko` | `cmd env rootfs/**` | `rootfs/**` |

use std::convert::Infallible;

use enclair_cpio::{Kind, Marker, Metadata, Sink, Writer};
use enclair_finding::Findings;
use enclair_tree::{
    Body, CpioError, Forecast, MtimePolicy, Node, NodeKind, Tree, TreePath, to_cpio,
};

use crate::error::Error;

/// Directory of the root filesystem in the application's ramdisk.
pub(crate) const ROOT: &[u8] = b"rootfs";

/// One ramdisk, ready to be written.
#[derive(Debug)]
pub(crate) struct Ramdisk<'a> {
    /// Entries before the root filesystem, in order.
    fixed: Vec<Fixed>,
    /// Files of the application, where this ramdisk has any.
    root: Option<Files<'a>>,
    /// The completeness marker; `None` for layouts without one.
    marker: Option<Marker>,
}

/// A tree in a ramdisk.
#[derive(Debug)]
struct Files<'a> {
    tree: &'a Tree,
    times: MtimePolicy,
    /// Where the tree's root is in the ramdisk.
    prefix: &'static [u8],
}

impl<'a> Files<'a> {
    /// A root filesystem.
    const fn root(tree: &'a Tree, times: MtimePolicy) -> Self {
        Self {
            tree,
            times,
            prefix: ROOT,
        }
    }
}

/// An entry that every image of a layout has.
#[derive(Debug)]
struct Fixed {
    path: &'static str,
    metadata: Metadata,
    /// `None` for a directory.
    body: Option<Body>,
}

impl Fixed {
    const fn directory(path: &'static str, mtime: u32) -> Self {
        let metadata = Metadata {
            permissions: 0o755,
            uid: 0,
            gid: 0,
            mtime,
        };
        Self {
            path,
            metadata,
            body: None,
        }
    }

    fn file(path: &'static str, permissions: u16, mtime: u32, content: &[u8]) -> Self {
        let metadata = Metadata {
            permissions,
            uid: 0,
            gid: 0,
            mtime,
        };
        Self {
            path,
            metadata,
            body: Some(Body::Inline(content.into())),
        }
    }
}

/// The boot environment, in the order of the archive.
fn boot_files(init: &[u8], agent: Option<&[u8]>, module: Option<&[u8]>) -> Vec<Fixed> {
    let agent = agent.map(|agent| Fixed::file("agent", 0o755, 0, agent));
    let mut fixed: Vec<_> = agent.into_iter().collect();
    fixed.push(Fixed::directory("dev", 0));
    fixed.push(Fixed::file("init", 0o755, 0, init));
    fixed.extend(module.map(|module| Fixed::file("nsm.ko", 0o644, 0, module)));
    fixed
}

impl<'a> Ramdisk<'a> {
    /// Format 1's boot ramdisk. Its times are always 0, so that PCR1 stays the same across
    /// releases of an application.
    pub(crate) fn boot(init: &[u8], agent: Option<&[u8]>, module: Option<&[u8]>) -> Self {
        Self {
            fixed: boot_files(init, agent, module),
            root: None,
            marker: Some(Marker {
                ramdisk: 0,
                mtime: 0,
            }),
        }
    }

    /// Format 1's application ramdisk.
    pub(crate) fn application(
        configuration: &[u8],
        tree: &'a Tree,
        epoch: u32,
        times: MtimePolicy,
    ) -> Self {
        let fixed = vec![
            Fixed::directory("etc", epoch),
            Fixed::directory("etc/enclair", epoch),
            Fixed::file("etc/enclair/enclave.json", 0o444, epoch, configuration),
        ];
        Self {
            fixed,
            root: Some(Files::root(tree, times)),
            marker: Some(Marker {
                ramdisk: 1,
                mtime: epoch,
            }),
        }
    }

    /// The boot ramdisk that the vendor's init expects, with its driver module where one is given.
    pub(crate) fn bootstrap_boot(init: &[u8], module: Option<&[u8]>) -> Self {
        Self {
            fixed: boot_files(init, None, module),
            root: None,
            marker: None,
        }
    }

    /// The application ramdisk that the vendor's init expects: one argument and one variable a
    /// line.
    pub(crate) fn bootstrap_application(
        command: &[u8],
        environment: &[u8],
        tree: &'a Tree,
        (epoch, times): (u32, MtimePolicy),
    ) -> Self {
        let fixed = vec![
            Fixed::file("cmd", 0o644, epoch, command),
            Fixed::file("env", 0o644, epoch, environment),
        ];
        Self {
            fixed,
            root: Some(Files::root(tree, times)),
            marker: None,
        }
    }

    /// Ramdisk number `ramdisk` behind the application's: `tree` has nothing but `rootfs`, as
    /// [`read_further`](crate::further::read_further) has checked.
    pub(crate) fn further(
        tree: &'a Tree,
        (epoch, times): (u32, MtimePolicy),
        marker: Option<u32>,
    ) -> Self {
        Self {
            fixed: Vec::new(),
            root: Some(Files {
                tree,
                times,
                prefix: b"",
            }),
            marker: marker.map(|ramdisk| Marker {
                ramdisk,
                mtime: epoch,
            }),
        }
    }

    /// Size and CRC of the archive, and what it cannot carry of the tree.
    pub(crate) fn forecast(&self, findings: &mut Findings) -> Result<Forecast, Error> {
        Ok(self.write(Counting(Forecast::new()), findings)?.0)
    }

    /// Writes the archive.
    pub(crate) fn write<S>(&self, sink: S, findings: &mut Findings) -> Result<S, Error>
    where
        S: Sink<Body, Error = Error>,
    {
        let mut writer = Writer::new(sink);
        for Fixed {
            path,
            metadata,
            body,
        } in &self.fixed
        {
            let kind = body
                .as_ref()
                .map_or(Kind::Directory, |body| Kind::File { body });
            writer
                .entry(path.as_bytes(), *metadata, kind)
                .map_err(CpioError::from)?;
        }
        if let Some(files) = &self.root {
            let prefix = TreePath::parse(files.prefix)?;
            to_cpio(files.tree, &prefix, &mut writer, files.times, findings)?;
        }
        Ok(writer.finish(self.marker).map_err(CpioError::from)?)
    }
}

/// A forecast as a sink with this crate's error, though it cannot fail.
#[derive(Debug)]
struct Counting(Forecast);

impl Sink<Body> for Counting {
    type Error = Error;

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0
            .bytes(bytes)
            .map_err(|never: Infallible| match never {})
    }

    fn body(&mut self, body: &Body) -> Result<(), Error> {
        self.0
            .body(body)
            .map_err(|never: Infallible| match never {})
    }
}

/// The vendor's init mounts file systems on these directories and expects to find them.
const MOUNT_POINTS: [(&[u8], u16); 6] = [
    (b"dev", 0o755),
    (b"proc", 0o755),
    (b"run", 0o755),
    (b"sys", 0o755),
    (b"tmp", 0o1777),
    (b"var", 0o755),
];

/// Adds the vendor's mount points where the image has none. Those it has keep their modes.
pub(crate) fn add_mount_points(tree: &mut Tree, mtime: u32) -> Result<(), Error> {
    for (name, permissions) in MOUNT_POINTS {
        let path = TreePath::parse(name)?;
        if tree.get(&path).is_none() {
            let metadata = enclair_tree::Metadata {
                permissions,
                uid: 0,
                gid: 0,
                mtime: i64::from(mtime),
            };
            tree.insert(path, Node::new(metadata, NodeKind::Directory))?;
        }
    }
    Ok(())
}

/// A list as the vendor's init reads it: one item a line. An item with a newline would become two.
pub(crate) fn lines(what: &'static str, items: &[String]) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    for item in items {
        if item.contains('\n') {
            return Err(Error::NewlineInBootstrap {
                what,
                text: item.clone(),
            });
        }
        text.extend_from_slice(item.as_bytes());
        text.push(b'\n');
    }
    Ok(text)
}
