//! Q9: refusals on the way.
//! Q9: bad input.
//! Q9: panics.

use super::*;

use crate::stage::{Guard, panics};

// Q9: refusals on the way.

#[test]
fn veto_spends_the_timer() {
    let mut world = stage();
    let king = spawn_noted(&mut world);
    world.entity_mut(king).insert(Guard(QdelVerdict::Veto));
    world.register_signal(king, king, Guard::judge).unwrap();
    world.qdel_in(king, SECOND).unwrap();

    let first = world.advance_qdel_timers(SECOND);
    world.get_mut::<Guard>(king).unwrap().0 = QdelVerdict::Allow;
    let second = world.advance_qdel_timers(SECOND);

    assert_eq!(first.vetoed, [king]);
    assert_eq!(second.queued, []);
    assert_eq!(world.liveness(king), Liveness::Alive);
}

#[test]
fn veto_of_one_saves_none_of_the_others() {
    let mut world = stage();
    let [goblin, king, orc] = spawn_many(&mut world);
    world.entity_mut(king).insert(Guard(QdelVerdict::Veto));
    world.register_signal(king, king, Guard::judge).unwrap();
    for entity in [goblin, king, orc] {
        world.qdel_in(entity, SECOND).unwrap();
    }

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!(
        (batch.queued, batch.vetoed),
        (vec![goblin, orc], vec![king])
    );
}

#[test]
fn who_is_let_live_keeps_the_other_timers() {
    let mut world = stage();
    let king = spawn_noted(&mut world);
    world.entity_mut(king).insert(Immortal);
    world.qdel_in(king, SECOND).unwrap();
    let other = world.qdel_in(king, 3 * SECOND).unwrap();

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!((batch.queued, batch.kept), (vec![], vec![king]));
    assert_eq!(world.qdel_timers(), [(other, 2 * SECOND)]);
}

#[test]
fn who_is_let_live_is_asked_again_by_the_other_timer() {
    let mut world = stage();
    let king = spawn_noted(&mut world);
    world.entity_mut(king).insert(Immortal);
    world.qdel_in(king, SECOND).unwrap();
    world.qdel_in(king, 3 * SECOND).unwrap();
    world.advance_qdel_timers(SECOND);
    world.entity_mut(king).remove::<Immortal>();

    let batch = world.advance_qdel_timers(2 * SECOND);

    assert_eq!(batch.queued, [king]);
}

#[test]
fn timer_on_a_deleting_entity_goes_with_it() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel(goblin).unwrap();

    let timer = world.qdel_in(goblin, SECOND);
    let batch = world.advance_qdel_timers(SECOND);
    world.qdel_in(goblin, SECOND).unwrap();
    world.flush_qdel();

    assert!(timer.is_ok());
    assert_eq!((batch.queued, batch.already_deleting), (vec![], vec![]));
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn entity_that_became_the_owner_of_a_resource_is_refused_when_it_is_due() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    let resource = world.resource_entity::<Told>().unwrap();
    world.entity_mut(resource).insert(ChildOf(goblin));

    let batch = world.advance_qdel_timers(SECOND);

    let entity = goblin;
    assert_eq!(batch.refused, [QdelError::Resource { entity, resource }]);
    assert_eq!(world.qdel_timers(), []);
}

// Q9: bad input.

#[test]
fn timer_on_who_is_not_spawned_is_an_error() {
    let mut world = stage();
    let dead = spawn_noted(&mut world);
    world.despawn(dead);
    let reserved = world.entity_allocator().alloc();
    let mut elsewhere = World::new();
    let foreign = (0..1_000).map(|_| elsewhere.spawn_empty().id()).last();
    let bad = [dead, reserved, foreign.unwrap(), Entity::PLACEHOLDER];

    let answers = bad.map(|entity| world.qdel_in(entity, SECOND));

    let expected = bad.map(|entity| Err(QdelError::NotSpawned { entity }));
    assert_eq!(answers, expected);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_on_a_resource_is_an_error() {
    let mut world = stage();
    let entity = world.resource_entity::<Told>().unwrap();

    let error = world.qdel_in(entity, SECOND).unwrap_err();

    let resource = entity;
    assert_eq!(error, QdelError::Resource { entity, resource });
    assert_eq!(world.qdel_timers(), []);
    expect("timer_on_a_resource", &error.to_string(), entity);
}

#[test]
fn refused_timer_leaves_no_trace_in_a_fresh_world() {
    let mut world = World::new();
    let entities = world.entities().count_spawned();

    world.qdel_in(Entity::PLACEHOLDER, SECOND).unwrap_err();

    assert_eq!(world.entities().count_spawned(), entities);
}

// Q9: panics.

#[test]
fn panic_in_a_handler_of_a_due_deletion_does_not_stop_the_others() {
    let mut world = stage();
    let [first, second] = spawn_many(&mut world);
    for entity in [first, second] {
        world.qdel_in(entity, SECOND).unwrap();
    }
    on_death(&mut world, first, |_| panic!("boom"));

    let panicked = panics(|| world.advance_qdel_timers(SECOND));

    assert!(panicked);
    let states = [first, second].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Deleting; 2]);
    assert_eq!(world.qdel_timers(), []);
    assert_eq!(world.flush_qdel(), 2);
}

/// What was due with it must not live for ever: it is deleted, or its timer is still there.
#[test]
fn panic_in_a_veto_of_a_due_deletion_does_not_save_the_others() {
    let mut world = stage();
    let [first, king, last] = spawn_many(&mut world);
    world.entity_mut(king).insert(Guard(QdelVerdict::Allow));
    world.register_signal(king, king, Guard::panic).unwrap();
    for entity in [first, king, last] {
        world.qdel_in(entity, SECOND).unwrap();
    }

    let panicked = panics(|| world.advance_qdel_timers(SECOND));
    world
        .unregister_signal::<Guard, PreQdel>(king, king)
        .unwrap();
    world.advance_qdel_timers(Duration::ZERO);

    assert!(panicked);
    let states = [first, last].map(|entity| world.liveness(entity));
    assert_eq!(states, [Liveness::Deleting; 2]);
}

#[test]
fn time_goes_on_after_a_panic() {
    let mut world = stage();
    let [first, second] = spawn_many(&mut world);
    world.qdel_in(first, SECOND).unwrap();
    world.qdel_in(second, 2 * SECOND).unwrap();
    on_death(&mut world, first, |_| panic!("boom"));
    panics(|| world.advance_qdel_timers(SECOND));

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!(batch.queued, [second]);
}

// The stage.
