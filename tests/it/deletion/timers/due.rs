//! Q9: when a timer is due.
//! Q9: several timers on one entity.

use super::*;

// Q9: when a timer is due.

#[test]
fn timer_is_due_exactly_when_its_delay_is_over() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();

    let before = world.advance_qdel_timers(SECOND - INSTANT);
    let state_before = world.liveness(goblin);
    let after = world.advance_qdel_timers(INSTANT);

    assert_eq!((before.queued, state_before), (vec![], Liveness::Alive));
    assert_eq!(after.queued, [goblin]);
    assert_eq!(world.liveness(goblin), Liveness::Deleting);
}

#[test]
fn delay_counts_from_its_own_start() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel_in(goblin, 10 * SECOND).unwrap();
    world.advance_qdel_timers(4 * SECOND);
    world.qdel_in(orc, 5 * SECOND).unwrap();

    let fourth = world.advance_qdel_timers(5 * SECOND - INSTANT);
    let fifth = world.advance_qdel_timers(INSTANT);
    let sixth = world.advance_qdel_timers(SECOND);

    let queued = [fourth, fifth, sixth].map(|batch| batch.queued);
    assert_eq!(queued, [vec![], vec![orc], vec![goblin]]);
}

#[test]
fn delay_of_zero_is_over_the_next_time_that_time_passes() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);

    world.qdel_in(goblin, Duration::ZERO).unwrap();
    let before = world.liveness(goblin);
    let batch = world.advance_qdel_timers(Duration::ZERO);

    assert_eq!(before, Liveness::Alive);
    assert_eq!(batch.queued, [goblin]);
}

#[test]
fn no_time_brings_nothing_forward() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, INSTANT).unwrap();

    for _ in 0..1_000 {
        world.advance_qdel_timers(Duration::ZERO);
    }

    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

#[test]
fn timers_that_are_due_together_go_in_order_of_time_and_then_of_age() {
    let mut world = stage();
    let [late, early, twin, elder] = spawn_many(&mut world);
    world.qdel_in(elder, 2 * SECOND).unwrap();
    world.qdel_in(late, 3 * SECOND).unwrap();
    world.qdel_in(early, SECOND).unwrap();
    world.qdel_in(twin, 2 * SECOND).unwrap();

    let batch = world.advance_qdel_timers(10 * SECOND);

    assert_eq!(batch.queued, [early, elder, twin, late]);
    assert_eq!(told(&world), [early, elder, twin, late]);
}

#[test]
fn due_deletions_are_marked_before_the_first_is_told() {
    let mut world = stage();
    let [first, second] = spawn_many(&mut world);
    world.qdel_in(first, SECOND).unwrap();
    world.qdel_in(second, 2 * SECOND).unwrap();
    on_death(&mut world, first, move |mut world| {
        let state = world.liveness(second);
        world.resource_mut::<Seen>().0.push(state);
    });

    world.advance_qdel_timers(2 * SECOND);

    assert_eq!(world.resource::<Seen>().0, [Liveness::Deleting]);
}

#[test]
fn longest_delays_are_never_over_in_a_life() {
    let mut world = stage();
    let [one, other] = spawn_many(&mut world);
    world.qdel_in(one, Duration::MAX).unwrap();
    world.advance_qdel_timers(SECOND);
    world.qdel_in(other, Duration::MAX).unwrap();

    let batch = world.advance_qdel_timers(Duration::from_secs(u64::MAX / 2));

    assert_eq!(batch.queued, []);
    assert_eq!(world.qdel_timers().len(), 2);
}

#[test]
fn longest_delays_are_over_when_all_time_has_passed() {
    let mut world = stage();
    let [one, other] = spawn_many(&mut world);
    world.qdel_in(one, Duration::MAX).unwrap();
    world.advance_qdel_timers(SECOND);
    world.qdel_in(other, Duration::MAX).unwrap();

    let batch = world.advance_qdel_timers(Duration::MAX);

    assert_eq!(batch.queued, [one, other]);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_that_is_started_when_all_time_has_passed_is_not_due_before_its_delay() {
    let mut world = stage();
    let [one, other] = spawn_many(&mut world);
    world.qdel_in(one, Duration::MAX).unwrap();
    world.advance_qdel_timers(Duration::MAX);
    world.qdel_in(other, SECOND).unwrap();

    let before = world.advance_qdel_timers(SECOND - INSTANT);
    let after = world.advance_qdel_timers(INSTANT);

    assert_eq!(before.queued, []);
    assert_eq!(after.queued, [other]);
}

#[test]
fn time_that_passes_without_timers_does_no_harm() {
    let mut world = World::new();

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!(batch.queued, []);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn running_timers_are_listed_in_order_with_the_time_that_is_left() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    let long = world.qdel_in(goblin, 5 * SECOND).unwrap();
    let short = world.qdel_in(orc, 3 * SECOND).unwrap();
    let second = world.qdel_in(goblin, 3 * SECOND).unwrap();

    world.advance_qdel_timers(2 * SECOND);

    let expected = [(short, SECOND), (second, SECOND), (long, 3 * SECOND)];
    assert_eq!(world.qdel_timers(), expected);
}

#[test]
fn due_deletion_is_torn_down_by_the_flush() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.advance_qdel_timers(SECOND);

    let torn_down = world.flush_qdel();

    assert_eq!(torn_down, 1);
    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn due_deletion_is_gone_at_once_under_immediate() {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!(batch.queued, [goblin]);
    assert_eq!(world.liveness(goblin), Liveness::Gone);
}

#[test]
fn due_deletion_takes_what_it_owns_with_it() {
    let mut world = stage();
    let [goblin, purse] = spawn_many(&mut world);
    world.entity_mut(purse).insert(ChildOf(goblin));
    world.qdel_in(goblin, SECOND).unwrap();

    world.advance_qdel_timers(SECOND);

    assert_eq!(world.liveness(purse), Liveness::Deleting);
}

// Q9: several timers on one entity.

#[test]
fn first_of_several_timers_deletes_and_the_rest_does_nothing() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    for seconds in [3, 1, 2] {
        world.qdel_in(goblin, seconds * SECOND).unwrap();
    }

    let batches = [(); 3].map(|()| world.advance_qdel_timers(SECOND));

    let queued = batches.map(|batch| batch.queued);
    assert_eq!(queued, [vec![goblin], vec![], vec![]]);
    assert_eq!(told(&world), [goblin]);
    assert_eq!(world.resource::<QdelCounts>().repeated, 0);
}

#[test]
fn two_timers_of_one_entity_that_are_due_together_delete_it_once() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.qdel_in(goblin, 2 * SECOND).unwrap();

    let batch = world.advance_qdel_timers(2 * SECOND);

    assert_eq!(batch.queued, [goblin]);
    assert_eq!(told(&world), [goblin]);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn cancelling_one_timer_leaves_the_other_of_the_same_entity() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    let first = world.qdel_in(goblin, SECOND).unwrap();
    let second = world.qdel_in(goblin, 2 * SECOND).unwrap();
    let third = world.qdel_in(goblin, 3 * SECOND).unwrap();

    let cancelled = world.cancel_qdel(first);

    assert_eq!(cancelled, Ok(()));
    let expected = [(second, 2 * SECOND), (third, 3 * SECOND)];
    assert_eq!(world.qdel_timers(), expected);
}

#[test]
fn equal_delays_of_one_entity_are_two_timers() {
    let mut world = stage();
    let goblin = spawn_noted(&mut world);
    let [first, second] = [(); 2].map(|()| world.qdel_in(goblin, SECOND).unwrap());

    world.cancel_qdel(first).unwrap();

    assert_ne!(first, second);
    assert_eq!(world.qdel_timers(), [(second, SECOND)]);
}
