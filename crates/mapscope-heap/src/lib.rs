//! The heap graph.
