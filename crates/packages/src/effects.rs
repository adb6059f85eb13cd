//! What is done to a tree instead of running maintainer scripts; each effect has a version.
