//! What the crate promises, rule by rule.

mod store;
