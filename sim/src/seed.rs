//! Worlds to begin with.
