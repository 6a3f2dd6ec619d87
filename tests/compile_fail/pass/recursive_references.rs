//! A value may hold values of its own kind.

use bevy_ecs::prelude::*;
use qdel::prelude::*;

#[derive(Component, References)]
struct Tree {
    #[entities]
    owner: Option<Entity>,
    #[references]
    branches: Vec<Tree>,
}

#[derive(References)]
struct Chain<T> {
    #[references]
    link: Option<T>,
    #[references]
    next: Option<Box<Chain<T>>>,
}

#[derive(Component, References)]
struct Chained(#[references] Chain<Entity>);

fn main() {
    let mut world = World::new();
    world
        .track_references::<Tree>()
        .track_references::<Chained>();
    let goblin = world.spawn_empty().id();
    let leaf = Tree {
        owner: Some(goblin),
        branches: vec![],
    };
    let root = Tree {
        owner: None,
        branches: vec![leaf],
    };
    let last = Chain {
        link: Some(goblin),
        next: None,
    };
    let first = Chain {
        link: None,
        next: Some(Box::new(last)),
    };
    let holder = world.spawn((root, Chained(first))).id();

    world.qdel(goblin).unwrap();

    let root = world.get::<Tree>(holder).unwrap();
    assert_eq!(root.branches[0].owner, None);
    let first = world.get::<Chained>(holder).unwrap();
    assert_eq!(first.0.next.as_ref().unwrap().link, None);
}
