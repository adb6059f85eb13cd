//! Content from registries, HTTP servers and other providers into the store.
