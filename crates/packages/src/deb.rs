//! A package file: an ar archive with a control archive and a data archive.
