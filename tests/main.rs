//! What is proved about the whole mesh.
mod layers;
