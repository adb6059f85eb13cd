//! A signed Release file, and whom it is believed from.
