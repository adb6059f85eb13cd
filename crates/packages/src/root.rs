//! Packages unpacked over each other into a tree.
