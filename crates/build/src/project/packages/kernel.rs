//! Whether the kernel of a package can run an enclave, by the configuration that is packaged with it.

use enclair_inspect::{Feature, Presence, configured_features};

use super::error::ChoiceError;

/// Checks the options that an enclave cannot do without: how its devices are found, and how it talks.
/// The security module's driver may be a module, which the boot environment then has to load.
///
/// # Errors
///
/// [`ChoiceError::Kernel`] with every option that is missing.
pub(in crate::project) fn check_kernel_config(
    package: &str,
    config: &[u8],
) -> Result<(), ChoiceError> {
    let lacks: Vec<_> = configured_features(&String::from_utf8_lossy(config))
        .into_iter()
        .filter_map(|(feature, presence)| {
            let option = feature.option();
            match (presence, feature) {
                (Presence::Module, Feature::Nsm) | (Presence::BuiltIn | Presence::Unknown, _) => {
                    None
                }
                (Presence::Module, _) => Some(format!("{option} (a module)")),
                (Presence::Absent, _) => Some(option.to_owned()),
            }
        })
        .collect();
    if lacks.is_empty() {
        return Ok(());
    }
    Err(ChoiceError::Kernel {
        package: package.to_owned(),
        lacks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_enclave_needs_is_named_when_it_is_missing() {
        let good = "CONFIG_VIRTIO_VSOCKETS=y\nCONFIG_NSM=m\nCONFIG_VIRTIO_MMIO_CMDLINE_DEVICES=y\n";
        check_kernel_config("linux", good.as_bytes()).unwrap();
        let stock = "CONFIG_VIRTIO_VSOCKETS=m\n# CONFIG_NSM is not set\n";
        let error = check_kernel_config("linux", stock.as_bytes()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the kernel of `linux` lacks CONFIG_VIRTIO_VSOCKETS (a module), CONFIG_NSM, \
             CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES"
        );
    }
}
