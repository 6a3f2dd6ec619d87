//! A field that names entities is marked, one way or another.

use bevy_ecs::entity::{EntityHashMap, EntityHashSet};
use qdel::{Entity, prelude::*};

#[derive(References)]
struct Mob {
    bare: Entity,
    target: Option<Entity>,
    friends: Vec<Entity>,
    rage: EntityHashMap<f32>,
    seen: EntityHashSet,
    nearest: (Entity, f32),
    pair: [Option<Entity>; 2],
    name: String,
    #[references(ignore)]
    parent: Entity,
}

#[derive(References)]
enum Mood {
    Angry(Option<bevy_ecs::entity::Entity>),
    Fond { of: Vec<Option<Entity>> },
}

fn main() {}
