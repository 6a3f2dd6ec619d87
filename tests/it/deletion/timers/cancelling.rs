//! Q9: cancelling.

use super::*;

#[test]
fn cancelled_timer_deletes_nothing() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    let timer = world.qdel_in(goblin, SECOND).unwrap();

    world.cancel_qdel(timer).unwrap();
    world.advance_qdel_timers(10 * SECOND);

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_names_its_entity() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);

    let timer = world.qdel_in(goblin, SECOND).unwrap();

    assert_eq!(timer.entity(), goblin);
}

#[test]
fn timer_cannot_be_cancelled_twice() {
    let mut world = stage();
    let entity = spawn_noted(&mut world);
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.cancel_qdel(timer).unwrap();

    let second = world.cancel_qdel(timer);

    assert_eq!(second, Err(CancelError::NotRunning { entity }));
}

#[test]
fn timer_that_ran_out_cannot_be_cancelled() {
    let mut world = stage();
    let entity = spawn_noted(&mut world);
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.advance_qdel_timers(SECOND);

    let deleting = world.cancel_qdel(timer);
    world.flush_qdel();
    let gone = world.cancel_qdel(timer);

    assert_eq!(
        [deleting, gone],
        [Err(CancelError::NotRunning { entity }); 2]
    );
}

#[test]
fn timer_of_an_entity_that_is_gone_cannot_be_cancelled() {
    let mut world = stage();
    let entity = spawn_noted(&mut world);
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.despawn(entity);

    let cancelled = world.cancel_qdel(timer);

    assert_eq!(cancelled, Err(CancelError::NotRunning { entity }));
}

#[test]
fn timer_of_another_world_cannot_be_cancelled_here() {
    let [mut here, mut there] = [stage(), stage()];
    let entity = spawn_noted(&mut here);
    assert_eq!(spawn_noted(&mut there), entity);
    let own = here.qdel_in(entity, SECOND).unwrap();
    let foreign = there.qdel_in(entity, SECOND).unwrap();

    let cancelled = here.cancel_qdel(foreign);

    assert_eq!(cancelled, Err(CancelError::NotRunning { entity }));
    assert_eq!(here.qdel_timers(), [(own, SECOND)]);
}

#[test]
fn timer_that_was_cleared_with_the_resources_is_not_running() {
    let mut world = World::new();
    let entity = world.spawn_empty().id();
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.clear_resources();

    let cancelled = world.cancel_qdel(timer);
    let next = world.qdel_in(entity, SECOND).unwrap();
    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!(cancelled, Err(CancelError::NotRunning { entity }));
    assert_eq!(next.entity(), entity);
    assert_eq!(batch.queued, [entity]);
}

#[test]
fn refused_cancelling_says_why() {
    let mut world = stage();
    let entity = spawn_noted(&mut world);
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.cancel_qdel(timer).unwrap();

    let error = world.cancel_qdel(timer).unwrap_err();

    expect("cancel_not_running", &error.to_string(), entity);
}
