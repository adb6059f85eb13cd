//! What a maintainer script would do: read as text, never run.
