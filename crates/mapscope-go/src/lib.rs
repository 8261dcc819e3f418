//! Go read from outside.
