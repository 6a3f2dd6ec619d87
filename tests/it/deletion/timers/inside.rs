//! Q9: timers inside of deletions.

use super::*;

#[test]
fn timer_that_a_handler_of_a_due_deletion_starts_waits_for_time_to_pass() {
    let mut world = stage();
    let [goblin, heir] = spawn_many(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    on_death(&mut world, goblin, move |mut world| {
        world.commands().entity(heir).qdel_in(Duration::ZERO);
    });

    let batch = world.advance_qdel_timers(10 * SECOND);
    let state = world.liveness(heir);
    let next = world.advance_qdel_timers(Duration::ZERO);

    assert_eq!((batch.queued, state), (vec![goblin], Liveness::Alive));
    assert_eq!(next.queued, [heir]);
}

#[test]
fn timer_that_a_handler_starts_counts_from_then() {
    let mut world = stage();
    let [goblin, heir] = spawn_many(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    on_death(&mut world, goblin, move |mut world| {
        world.commands().entity(heir).qdel_in(SECOND);
    });

    world.advance_qdel_timers(10 * SECOND);

    let left: Vec<_> = world.qdel_timers().iter().map(|timer| timer.1).collect();
    assert_eq!(left, [SECOND]);
}

#[test]
fn timer_that_a_handler_of_a_due_deletion_cancels_does_not_run() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    let timer = world.qdel_in(orc, 2 * SECOND).unwrap();
    on_death(&mut world, goblin, move |mut world| {
        world.commands().cancel_qdel(timer);
    });

    world.advance_qdel_timers(SECOND);
    world.advance_qdel_timers(10 * SECOND);

    assert_eq!(world.liveness(orc), Liveness::Alive);
}

#[test]
fn cancelling_a_timer_that_is_due_at_the_same_time_comes_too_late() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    let timer = world.qdel_in(orc, SECOND).unwrap();
    on_death(&mut world, goblin, move |mut world| {
        world.commands().cancel_qdel(timer);
    });

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!(batch.queued, [goblin, orc]);
    assert_eq!(told(&world), [goblin, orc]);
}

#[test]
fn time_that_passes_inside_a_due_deletion_deletes_what_is_due_then() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.qdel_in(orc, 2 * SECOND).unwrap();
    on_death(&mut world, goblin, move |mut world| {
        world.commands().queue(|world: &mut World| {
            world.advance_qdel_timers(SECOND);
        });
    });

    world.advance_qdel_timers(SECOND);

    assert_eq!(told(&world), [goblin, orc]);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn hook_of_a_despawn_may_start_a_timer_on_its_own_entity_in_vain() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    on_death(&mut world, goblin, move |mut world| {
        if let Ok(mut goblin) = world.commands().get_entity(goblin) {
            goblin.qdel_in(SECOND);
        }
    });

    world.despawn(goblin);

    assert_eq!(world.qdel_timers(), []);
}
