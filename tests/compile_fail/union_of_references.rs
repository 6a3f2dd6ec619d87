//! A union does not say which of its fields holds.

use qdel::{Entity, prelude::*};

#[derive(References)]
union Either {
    #[entities]
    target: Option<Entity>,
    number: u64,
}

fn main() {}
