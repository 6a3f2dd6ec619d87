//! A copy of an entity that is being deleted is alive and seen (Q7).

use bevy_ecs::{entity::EntityCloner, entity_disabling::Disabled, prelude::*};
use qdel::{Deleting, prelude::*};

#[derive(Component, Clone, Debug, PartialEq)]
struct Health(i32);

/// The copies that were made.
#[derive(Resource, Default)]
struct Copies(Vec<Entity>);

#[track_caller]
fn assert_alive_and_seen(world: &mut World, copy: Entity) {
    assert_eq!(world.liveness(copy), Liveness::Alive);
    assert!(world.entity(copy).contains::<Health>());
    assert!(!world.entity(copy).contains::<Disabled>());
    assert!(!world.entity(copy).contains::<Deleting>());
    let mut all = world.query_filtered::<Entity, With<Health>>();
    assert!(all.iter(world).any(|entity| entity == copy));
    world.flush_qdel();
    assert_eq!(world.liveness(copy), Liveness::Alive);
    assert_eq!(world.qdel(copy), Ok(QdelOutcome::Queued));
    world.flush_qdel();
    assert_eq!(world.liveness(copy), Liveness::Gone);
}

#[test]
fn copy_of_who_waits_is_alive_and_seen() {
    let mut world = World::new();
    let mob = world.spawn(Health(1)).id();
    world.qdel(mob).unwrap();

    let copy = world.entity_mut(mob).clone_and_spawn();

    assert_alive_and_seen(&mut world, copy);
}

#[test]
fn copy_by_command_of_a_handler_is_alive_and_seen() {
    let mut world = World::new();
    world.init_resource::<Copies>();
    let mob = world.spawn(Health(1)).id();
    world.add_observer(
        |told: On<Qdeleting>, mut commands: Commands, mut copies: ResMut<Copies>| {
            if copies.0.is_empty() {
                let copy = commands.entity(told.entity).clone_and_spawn().id();
                copies.0.push(copy);
            }
        },
    );

    world.qdel(mob).unwrap();

    let copy = world.resource::<Copies>().0[0];
    assert_alive_and_seen(&mut world, copy);
}

#[test]
fn copy_at_the_tear_down_is_alive_and_seen() {
    let mut world = World::new();
    world.init_resource::<Copies>();
    let mob = world.spawn(Health(1)).id();
    world.add_observer(
        |removed: On<Remove<Health>>, mut commands: Commands, mut copies: ResMut<Copies>| {
            if copies.0.is_empty() {
                let entity = removed.entity;
                let copy = commands.spawn_empty().id();
                copies.0.push(copy);
                commands.queue(move |world: &mut World| {
                    // It is gone by then, so this copies nothing.
                    assert!(!world.entities().contains_spawned(entity));
                    world.entity_mut(copy).insert(Health(1));
                });
            }
        },
    );

    world.qdel(mob).unwrap();
    world.flush_qdel();

    let copy = world.resource::<Copies>().0[0];
    assert_alive_and_seen(&mut world, copy);
}

#[test]
fn copy_of_a_whole_tree_that_waits_is_alive_and_seen() {
    let mut world = World::new();
    let owner = world.spawn(Health(1)).id();
    let owned = world.spawn((Health(2), ChildOf(owner))).id();
    world.spawn((Health(3), ChildOf(owned)));
    world.qdel(owner).unwrap();

    let copy = world.spawn_empty().id();
    let mut cloner = EntityCloner::build_opt_out(&mut world);
    cloner.linked_cloning(true);
    cloner.clone_entity(owner, copy);

    let children = world.get::<Children>(copy).unwrap();
    let child = children[0];
    assert_eq!(world.get::<Health>(child), Some(&Health(2)));
    assert_eq!(world.liveness(child), Liveness::Alive);
    assert!(!world.entity(child).contains::<Disabled>());
    let grandchild = world.get::<Children>(child).unwrap()[0];
    assert!(!world.entity(grandchild).contains::<Disabled>());
    assert_alive_and_seen(&mut world, copy);
    assert_eq!(world.liveness(child), Liveness::Gone);
}

#[test]
fn copy_onto_one_that_lives_leaves_it_alive_and_seen() {
    let mut world = World::new();
    let [mob, other] = [1, 2].map(|health| world.spawn(Health(health)).id());
    world.qdel(mob).unwrap();

    EntityCloner::build_opt_out(&mut world).clone_entity(mob, other);

    assert_eq!(world.get::<Health>(other), Some(&Health(1)));
    assert_alive_and_seen(&mut world, other);
}

#[test]
fn copy_of_one_that_was_disabled_before_its_deletion_is_as_it_was() {
    let mut world = World::new();
    let mob = world.spawn((Health(1), Disabled)).id();
    world.qdel(mob).unwrap();

    let copy = world.entity_mut(mob).clone_and_spawn();

    // Its copy is what the original was: disabled by other code, and alive.
    assert_eq!(world.liveness(copy), Liveness::Alive);
    assert!(!world.entity(copy).contains::<Deleting>());
    assert_eq!(world.qdel(copy), Ok(QdelOutcome::Queued));
}

#[test]
fn copy_of_one_that_is_not_deleted_keeps_what_disabled_it() {
    let mut world = World::new();
    let mob = world.spawn((Health(1), Disabled)).id();

    let copy = world.entity_mut(mob).clone_and_spawn();

    assert!(world.entity(copy).contains::<Disabled>());
}
