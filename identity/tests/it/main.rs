//! What the crate promises, rule by rule.

mod objects;
mod store;
