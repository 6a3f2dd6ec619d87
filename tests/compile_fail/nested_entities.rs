//! What Bevy cannot map is marked with `#[references]`.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

struct Nothing {
    by: Option<Entity>,
}

#[derive(References)]
struct Slot {
    #[entities]
    by: Option<Entity>,
}

#[derive(Component, References)]
struct Mob {
    #[entities]
    slots: Vec<Slot>,
    #[entities]
    nothings: Vec<Nothing>,
}

fn main() {}
