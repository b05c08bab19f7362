//! Agents that anybody may try to turn: what a model says is never more than a draft.

mod corpus;
mod hostile;
mod stage;
