//! Q9: by commands.

use super::*;

use crate::stage::{complaints, record_complaints};

#[test]
fn command_starts_a_timer_when_it_is_applied() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.advance_qdel_timers(SECOND);

    let timer = world.commands().entity(goblin).qdel_in(SECOND);
    let before = world.qdel_timers();
    world.flush();

    assert_eq!((before, timer.entity()), (vec![], goblin));
    assert_eq!(world.qdel_timers(), [(timer, SECOND)]);
}

#[test]
fn command_starts_a_timer_on_what_another_command_spawns() {
    let mut world = stage();

    let goblin = {
        let mut commands = world.commands();
        let mut goblin = commands.spawn_empty();
        goblin.qdel_in(SECOND);
        goblin.id()
    };
    world.flush();
    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!(batch.queued, [goblin]);
}

#[test]
fn command_cancels_a_timer_of_the_same_queue() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);

    let mut commands = world.commands();
    let timer = commands.entity(goblin).qdel_in(SECOND);
    commands.cancel_qdel(timer);
    world.flush();

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn world_cancels_a_timer_that_a_command_started() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    let timer = world.commands().entity(goblin).qdel_in(SECOND);
    world.flush();

    let cancelled = world.cancel_qdel(timer);

    assert_eq!(cancelled, Ok(()));
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_whose_command_was_not_applied_is_not_running() {
    let mut world = stage();
    let entity = spawn_noted(&mut world);
    let timer = world.commands().entity(entity).qdel_in(SECOND);

    // Nothing is applied on the way.
    let listed = world.qdel_timers();
    let cancelled = WorldQdelExt::cancel_qdel(&mut world, timer);

    assert_eq!(listed, []);
    assert_eq!(cancelled, Err(CancelError::NotRunning { entity }));
}

#[test]
fn command_that_cancels_what_is_not_running_is_no_error() {
    let mut world = stage();
    record_complaints(&mut world);
    let [cancelled, over, gone] = spawn_many(&mut world);
    let timers = [cancelled, over, gone].map(|entity| world.qdel_in(entity, SECOND).unwrap());
    world.cancel_qdel(timers[0]).unwrap();
    world.despawn(gone);
    world.advance_qdel_timers(SECOND);

    for timer in timers {
        world.commands().cancel_qdel(timer);
    }
    world.flush();

    assert_eq!(complaints(), []);
}

#[test]
fn command_that_starts_a_timer_on_who_is_gone_is_a_warning() {
    let mut world = stage();
    record_complaints(&mut world);
    let entity = spawn_noted(&mut world);

    let mut commands = world.commands();
    commands.entity(entity).despawn();
    commands.entity(entity).qdel_in(SECOND);
    world.flush();

    let said = QdelError::NotSpawned { entity }.to_string();
    assert_eq!(complaints(), [(Severity::Warning, said)]);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn command_that_starts_a_timer_on_a_resource_is_a_warning() {
    let mut world = stage();
    record_complaints(&mut world);
    let entity = world.resource_entity::<Told>().unwrap();

    world.commands().entity(entity).qdel_in(SECOND);
    world.flush();

    let resource = entity;
    let said = QdelError::Resource { entity, resource }.to_string();
    assert_eq!(complaints(), [(Severity::Warning, said)]);
}

// The stage.
