//! A bare `Entity` cannot be emptied.

use qdel::{Entity, prelude::*};

#[derive(References)]
struct Mob {
    #[entities]
    target: Entity,
    #[references(clear)]
    home: bevy_ecs::entity::Entity,
}

#[derive(References)]
enum Mood {
    Angry(#[references] Entity),
    Calm,
}

fn main() {}
