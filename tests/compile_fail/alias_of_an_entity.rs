//! A bare `Entity` by another name, and values that are no better, cannot be emptied.

use qdel::{Entity, prelude::*};

type Alias = Entity;

#[derive(References)]
struct Mob {
    #[entities]
    target: Alias,
}

#[derive(References)]
struct Pair(#[references] (Entity, f32));

#[derive(References)]
struct Array(#[entities] [Entity; 2]);

#[derive(References)]
struct Boxed(#[references] Box<Entity>);

fn main() {}
