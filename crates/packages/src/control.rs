//! Control files (Debian policy, chapter 5): paragraphs of fields.
