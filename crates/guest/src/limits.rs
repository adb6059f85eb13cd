//! Resource limits: what the configuration names, in the kernel's numbers.

use enclair_configuration::{Bound, Configuration, Resource};

use crate::sys::{Errno, process};

/// The kernel's number of a resource, on x86_64 and aarch64.
const fn number(resource: Resource) -> u32 {
    match resource {
        Resource::Cpu => 0,
        Resource::Fsize => 1,
        Resource::Data => 2,
        Resource::Stack => 3,
        Resource::Core => 4,
        Resource::Rss => 5,
        Resource::Nproc => 6,
        Resource::Nofile => 7,
        Resource::Memlock => 8,
        Resource::As => 9,
        Resource::Locks => 10,
        Resource::Sigpending => 11,
        Resource::Msgqueue => 12,
        Resource::Nice => 13,
        Resource::Rtprio => 14,
        Resource::Rttime => 15,
    }
}

const fn value(bound: Bound) -> u64 {
    match bound {
        Bound::At(value) => value,
        Bound::Unlimited => process::UNLIMITED,
    }
}

/// Sets the limits of this process. The error has the resource that the kernel refused.
pub(crate) fn set(configuration: &Configuration) -> Result<(), (Resource, Errno)> {
    for (&resource, limit) in &configuration.limits {
        process::set_limit(number(resource), value(limit.soft), value(limit.hard))
            .map_err(|errno| (resource, errno))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_resource_has_the_number_of_the_c_library() {
        let numbers: BTreeSet<_> = Resource::ALL.into_iter().map(number).collect();
        assert_eq!(numbers, (0..16).collect());
        assert_eq!(number(Resource::Nofile), libc::RLIMIT_NOFILE);
        assert_eq!(number(Resource::As), libc::RLIMIT_AS);
        assert_eq!(number(Resource::Memlock), libc::RLIMIT_MEMLOCK);
        assert_eq!(number(Resource::Rttime), libc::RLIMIT_RTTIME);
    }
}
