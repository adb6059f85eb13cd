//! The content store: blobs by SHA-256.
