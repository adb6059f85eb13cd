//! Versions of packages and their order.
