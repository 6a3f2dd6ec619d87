//! Policies stand at fields.

use qdel::{Entity, prelude::*};

#[derive(References)]
#[references(qdel)]
struct Mob {
    #[entities]
    target: Option<Entity>,
}

fn main() {}
