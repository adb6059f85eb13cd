//! The request of `enclair build --image`: what the arguments say instead of a recipe.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use enclair_build::{
    BuildRequest, Compression, Content, ImageLayout, Process, Provenance, RootSource, Rule,
    Surroundings, Threads,
};
use enclair_configuration::{Access, Attestation, Services};
use enclair_digest::Limits;

use crate::arguments::{
    CompressArgument, Direct, GrantArgument, LayoutArgument, NormalizeArgument,
    SurroundingsArguments,
};
use crate::environment;

/// What to build of `root`.
pub(crate) fn request(
    root: RootSource,
    direct: &Direct,
    threads: Threads,
) -> anyhow::Result<BuildRequest> {
    let file = |path: &Option<PathBuf>| path.clone().map(Content::File);
    let epoch = match direct.epoch {
        Some(epoch) => Some(epoch),
        None => environment::epoch()?,
    };
    Ok(BuildRequest {
        root,
        files: Vec::new(),
        process: Process::default(),
        kernel: file(&direct.kernel),
        init: file(&direct.init),
        agent: file(&direct.agent),
        module: file(&direct.nsm_module),
        ramdisks: direct.ramdisks.clone(),
        compression: match direct.compress {
            CompressArgument::None => Compression::None,
            CompressArgument::Gzip => Compression::Gzip,
            CompressArgument::Zstd => Compression::Zstd,
        },
        surroundings: surroundings(&direct.surroundings)?,
        command_line: direct.cmdline.clone(),
        arch: direct.arch,
        epoch: epoch.unwrap_or_default(),
        name: direct.name.clone(),
        version: direct.image_version.clone(),
        layout: match direct.layout {
            LayoutArgument::Enclair => ImageLayout::Enclair,
            LayoutArgument::Bootstrap => ImageLayout::Bootstrap,
        },
        rules: match direct.normalize {
            NormalizeArgument::Format => Rule::FORMAT.to_vec(),
            NormalizeArgument::None => Vec::new(),
        },
        allow: direct.allow.clone(),
        limits: Limits {
            unpacked_bytes: direct.max_unpacked,
            ..Limits::default()
        },
        threads,
        directory: PathBuf::from("."),
        provenance: Provenance::default(),
    })
}

fn surroundings(arguments: &SurroundingsArguments) -> anyhow::Result<Surroundings> {
    let mut limits = BTreeMap::new();
    for (resource, limit) in &arguments.limits {
        if limits.insert(*resource, *limit).is_some() {
            bail!("`--limit {resource}` is given more than once");
        }
    }
    let access = |grant| {
        if arguments.grant.contains(&grant) {
            Access::Allowed
        } else {
            Access::Denied
        }
    };
    Ok(Surroundings {
        services: Services {
            attestation: arguments.attestation.map(|port| Attestation { port }),
            clock: arguments.clock,
            egress: arguments.egress.clone(),
            ingress: arguments.ingress.clone(),
            logs: arguments.logs,
            ready: arguments.ready.clone(),
        },
        hostname: arguments.hostname.clone(),
        limits,
        nsm: access(GrantArgument::Nsm),
        restart: arguments.restart,
        vsock: access(GrantArgument::Vsock),
    })
}
