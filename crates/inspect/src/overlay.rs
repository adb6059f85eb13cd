//! What the ramdisks do to one another when the kernel unpacks them into one tree.
//!
//! A later entry of the same name replaces an earlier one, and symlinks of any ramdisk lead the
//! entries behind them elsewhere: with `d -> /`, the entry `d/init` is `/init`. So names are
//! compared after following the symlinks that are there by then.

use std::collections::{BTreeMap, BTreeSet};

/// Symlinks that are followed on the way to one entry, as in the kernel.
const MAX_LINKS: usize = 40;

/// What walking the names of one image may cost, in components. A real image of a million entries
/// takes ten million; a few kilobytes of long names behind long symlinks could take hours.
const MAX_STEPS: u64 = 32 << 20;
/// What a component costs behind a symlink, where real images have next to none.
const LINK_COST: u64 = 16;

/// The names and symlinks of the ramdisks so far.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// Paths of the boot ramdisk.
    boot: BTreeSet<Vec<u8>>,
    /// Symlinks of all ramdisks: path and target.
    links: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What is left of [`MAX_STEPS`].
    steps: u64,
    /// Whether there are later ramdisks, whose names are compared with those of the first.
    keeps_boot: bool,
}

/// What an entry of a later ramdisk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It adds to the tree.
    Adds,
    /// It replaces an entry of the boot ramdisk.
    OverridesBoot,
    /// Its path cannot be followed.
    Unresolved,
}

impl Overlay {
    /// Nothing yet, of an image with `ramdisks` ramdisks.
    pub(crate) const fn new(ramdisks: usize) -> Self {
        Self {
            boot: BTreeSet::new(),
            links: BTreeMap::new(),
            steps: MAX_STEPS,
            keeps_boot: ramdisks > 1,
        }
    }

    /// Whether the names of ramdisk number `ramdisk` are kept.
    pub(crate) const fn keeps(&self, ramdisk: usize) -> bool {
        ramdisk == 0 && self.keeps_boot
    }

    /// Takes an entry of ramdisk number `ramdisk`, with its target where it is a symlink.
    pub(crate) fn add(&mut self, ramdisk: usize, name: &[u8], target: Option<&[u8]>) -> Effect {
        let Some(path) = self.resolve(name) else {
            return Effect::Unresolved;
        };
        match target {
            Some(target) => drop(self.links.insert(path.clone(), target.to_vec())),
            None => drop(self.links.remove(&path)),
        }
        if self.keeps(ramdisk) {
            self.boot.insert(path);
            return Effect::Adds;
        }
        // The root itself has no content to replace.
        if self.boot.contains(&path) && !path.is_empty() {
            Effect::OverridesBoot
        } else {
            Effect::Adds
        }
    }

    /// The path that `name` means, with the symlinks in its parents followed; the last component
    /// is not followed, because an entry replaces a symlink.
    fn resolve(&mut self, name: &[u8]) -> Option<Vec<u8>> {
        let mut pending: Vec<&[u8]> = components(name).rev().collect();
        let mut path: Vec<u8> = Vec::new();
        let mut links_left = MAX_LINKS;
        while let Some(component) = pending.pop() {
            let cost = if links_left == MAX_LINKS {
                1
            } else {
                LINK_COST
            };
            self.steps = self.steps.checked_sub(cost)?;
            match component {
                b".." => truncate_to_parent(&mut path),
                component => push(&mut path, component),
            }
            if pending.is_empty() {
                break;
            }
            if let Some(target) = self.links.get(&path) {
                links_left = links_left.checked_sub(1)?;
                if target.first() == Some(&b'/') {
                    path.clear();
                } else {
                    truncate_to_parent(&mut path);
                }
                pending.extend(components(target).rev());
            }
        }
        Some(path)
    }
}

fn components(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
}

fn push(path: &mut Vec<u8>, component: &[u8]) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(component);
}

fn truncate_to_parent(path: &mut Vec<u8>) {
    let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    path.truncate(end);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn overlay() -> Overlay {
        let mut overlay = Overlay::new(3);
        for name in [&b"."[..], b"dev", b"init", b"agent"] {
            assert_eq!(overlay.add(0, name, None), Effect::Adds);
        }
        overlay
    }

    #[test]
    fn the_same_name_in_any_spelling_overrides() {
        for name in [
            &b"init"[..],
            b"/init",
            b"./init",
            b"rootfs/../init",
            b"//init/",
        ] {
            assert_eq!(
                overlay().add(1, name, None),
                Effect::OverridesBoot,
                "{name:?}"
            );
        }
        assert_eq!(overlay().add(1, b"rootfs/init", None), Effect::Adds);
        assert_eq!(overlay().add(1, b".", None), Effect::Adds);
    }

    #[test]
    fn a_symlink_that_leads_back_to_the_root_overrides() {
        for target in [&b"/"[..], b".", b"./", b"rootfs/.."] {
            let mut overlay = overlay();
            assert_eq!(overlay.add(1, b"d", Some(target)), Effect::Adds);
            assert_eq!(
                overlay.add(2, b"d/init", None),
                Effect::OverridesBoot,
                "{target:?}"
            );
        }
    }

    #[test]
    fn a_symlink_to_a_symlink_is_followed_and_a_replaced_one_is_not() {
        let mut overlay = overlay();
        overlay.add(1, b"a", Some(b"b/c"));
        overlay.add(1, b"b", Some(b"/x"));
        overlay.add(1, b"x/c", Some(b"../../.."));
        assert_eq!(overlay.add(1, b"a/agent", None), Effect::OverridesBoot);
        overlay.add(1, b"a", None);
        assert_eq!(overlay.add(1, b"a/agent", None), Effect::Adds);
    }

    #[test]
    fn a_loop_is_unresolved() {
        let mut overlay = overlay();
        overlay.add(1, b"a", Some(b"b"));
        overlay.add(1, b"b", Some(b"a"));
        assert_eq!(overlay.add(1, b"a/init", None), Effect::Unresolved);
    }
}
