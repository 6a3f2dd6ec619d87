//! What becomes of declared references where an observer takes each mark of a target off.
//!
//! Rules R3 and S12 of the design: nothing goes on for ever, and one warning says what is wrong.

use bevy_ecs::prelude::*;
use qdel::{References, SignalTarget, prelude::*};

use crate::stage::collect_log;

#[derive(Component, Default, References)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friend: Option<Entity>,
}

#[derive(Component, Default, References)]
struct Ship {
    #[references(deny)]
    captain: Option<Entity>,
}

#[test]
fn mark_that_is_taken_off_as_it_comes_is_tried_once_and_warned_of_once() {
    type Deed = fn(&mut World, Entity, Entity);
    let deeds: [(&str, Deed); 5] = [
        ("sync", |world, mob, goblin| {
            world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
            world.sync_references();
            world.sync_references();
        }),
        ("insert", |world, mob, goblin| {
            world.entity_mut(mob).insert(Mob {
                target: Some(goblin),
                friend: None,
            });
            world.sync_references();
        }),
        ("flush", |world, mob, goblin| {
            world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
            let other = world.spawn_empty().id();
            world.qdel(other).unwrap();
            world.flush_qdel();
        }),
        ("plan", |world, mob, goblin| {
            world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
            world.plan_qdel(goblin);
            world.sync_references();
        }),
        ("question", |world, mob, goblin| {
            world.entity_mut(mob).insert(Ship::default());
            world.get_mut::<Ship>(mob).unwrap().captain = Some(goblin);
            let other = world.spawn_empty().id();
            world.qdel(other).unwrap();
            world.sync_references();
        }),
    ];
    for (deed, act) in deeds {
        let warnings = collect_log();
        let mut world = stage();
        let goblin = world.spawn(Shy).id();
        let mob = world.spawn(Mob::default()).id();

        act(&mut world, mob, goblin);

        // What was linked before the mark went has a warning of its own.
        let mut warnings = warnings();
        let expected = format!("passing over {goblin}, which `");
        warnings.retain(|warning| warning.starts_with(&expected));
        assert_eq!(warnings.len(), 1, "{deed}");
        assert!(!world.entity(goblin).contains::<SignalTarget>(), "{deed}");
        world.check_registrations().unwrap();
    }
}

#[test]
fn others_that_a_component_names_beside_are_let_go_of() {
    let mut world = stage();
    let goblin = world.spawn(Shy).id();
    let orc = world.spawn_empty().id();
    let mob = world.spawn(Mob::default()).id();
    let mut at = world.get_mut::<Mob>(mob).unwrap();
    (at.target, at.friend) = (Some(goblin), Some(orc));
    world.sync_references();

    world.qdel(orc).unwrap();

    assert_eq!(world.get::<Mob>(mob).unwrap().friend, None);
    assert_eq!(world.get::<Mob>(mob).unwrap().target, Some(goblin));
}

#[test]
fn one_who_is_deleted_and_was_never_marked_is_let_go_of_by_the_sync() {
    let mut world = stage();
    let goblin = world.spawn(Shy).id();
    let mob = world.spawn(Mob::default()).id();
    world.get_mut::<Mob>(mob).unwrap().target = Some(goblin);
    world.sync_references();

    world.despawn(goblin);
    world.get_mut::<Mob>(mob).unwrap().set_changed();
    world.sync_references();

    assert_eq!(world.get::<Mob>(mob).unwrap().target, None);
}

/// An entity that has it cannot be marked.
#[derive(Component)]
struct Shy;

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Mob>().track_references::<Ship>();
    world.add_observer(
        |marked: On<Insert<SignalTarget>>, shy: Query<(), With<Shy>>, mut commands: Commands| {
            if shy.contains(marked.entity) {
                commands.entity(marked.entity).remove::<SignalTarget>();
            }
        },
    );
    world
}
