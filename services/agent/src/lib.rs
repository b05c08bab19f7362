//! AI: asks models of several providers, and counts what it costs.

pub mod provider;
