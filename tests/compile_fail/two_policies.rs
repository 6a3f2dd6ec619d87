//! A field has one policy.

use qdel::{Entity, prelude::*};

#[derive(References)]
struct Mob {
    #[references(remove, qdel)]
    target: Option<Entity>,
    #[references(deny)]
    #[references(clear)]
    king: Option<Entity>,
    #[references(ignore, clear)]
    home: Option<Entity>,
}

fn main() {}
