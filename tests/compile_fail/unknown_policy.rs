//! There are four policies.

use qdel::{Entity, prelude::*};

#[derive(References)]
struct Mob {
    #[references(destroy)]
    target: Option<Entity>,
    #[references(clear = true)]
    friend: Option<Entity>,
    #[references = "qdel"]
    owner: Option<Entity>,
    #[references("deny")]
    king: Option<Entity>,
}

fn main() {}
