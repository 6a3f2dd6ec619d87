//! Deletions that come later: when they are due, how they are cancelled, and who forgets them.
//!
//! Rule Q9 of the design, the part on time.

use core::{cell::RefCell, time::Duration};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler, Severity},
    prelude::*,
    world::DeferredWorld,
};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{CancelError, QdelCounts, QdelError, prelude::*};

const SECOND: Duration = Duration::from_secs(1);
const INSTANT: Duration = Duration::from_nanos(1);

// Q9: when a timer is due.

#[test]
fn timer_is_due_exactly_when_its_delay_is_over() {
    let mut world = stage();
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);

    world.qdel_in(goblin, Duration::ZERO).unwrap();
    let before = world.liveness(goblin);
    let batch = world.advance_qdel_timers(Duration::ZERO);

    assert_eq!(before, Liveness::Alive);
    assert_eq!(batch.queued, [goblin]);
}

#[test]
fn no_time_brings_nothing_forward() {
    let mut world = stage();
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);
    let [first, second] = [(); 2].map(|()| world.qdel_in(goblin, SECOND).unwrap());

    world.cancel_qdel(first).unwrap();

    assert_ne!(first, second);
    assert_eq!(world.qdel_timers(), [(second, SECOND)]);
}

// Q9: cancelling.

#[test]
fn cancelled_timer_deletes_nothing() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let timer = world.qdel_in(goblin, SECOND).unwrap();

    world.cancel_qdel(timer).unwrap();
    world.advance_qdel_timers(10 * SECOND);

    assert_eq!(world.liveness(goblin), Liveness::Alive);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_names_its_entity() {
    let mut world = stage();
    let goblin = spawn(&mut world);

    let timer = world.qdel_in(goblin, SECOND).unwrap();

    assert_eq!(timer.entity(), goblin);
}

#[test]
fn timer_cannot_be_cancelled_twice() {
    let mut world = stage();
    let entity = spawn(&mut world);
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.cancel_qdel(timer).unwrap();

    let second = world.cancel_qdel(timer);

    assert_eq!(second, Err(CancelError::NotRunning { entity }));
}

#[test]
fn timer_that_ran_out_cannot_be_cancelled() {
    let mut world = stage();
    let entity = spawn(&mut world);
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
    let entity = spawn(&mut world);
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.despawn(entity);

    let cancelled = world.cancel_qdel(timer);

    assert_eq!(cancelled, Err(CancelError::NotRunning { entity }));
}

#[test]
fn timer_of_another_world_cannot_be_cancelled_here() {
    let [mut here, mut there] = [stage(), stage()];
    let entity = spawn(&mut here);
    assert_eq!(spawn(&mut there), entity);
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
    let entity = spawn(&mut world);
    let timer = world.qdel_in(entity, SECOND).unwrap();
    world.cancel_qdel(timer).unwrap();

    let error = world.cancel_qdel(timer).unwrap_err();

    expect("cancel_not_running", &error.to_string(), entity);
}

// Q9: the entity is held weakly.

#[test]
fn despawned_entity_takes_its_timers_with_it() {
    let mut world = stage();
    let [goblin, orc] = spawn_many(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.qdel_in(goblin, 2 * SECOND).unwrap();
    let kept = world.qdel_in(orc, SECOND).unwrap();

    world.despawn(goblin);

    assert_eq!(world.qdel_timers(), [(kept, SECOND)]);
}

#[test]
fn torn_down_entity_takes_its_timers_with_it() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_of_an_entity_that_was_deleted_before_does_nothing() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.qdel(goblin).unwrap();

    let batch = world.advance_qdel_timers(SECOND);

    assert_eq!((batch.queued, batch.already_deleting), (vec![], vec![]));
    assert_eq!(world.resource::<QdelCounts>().repeated, 0);
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn cleared_entity_takes_its_timers_with_it() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();

    world.entity_mut(goblin).clear();
    world.advance_qdel_timers(SECOND);

    assert_eq!(world.qdel_timers(), []);
    assert_eq!(world.liveness(goblin), Liveness::Alive);
}

#[test]
fn owned_entity_that_goes_with_its_owner_takes_its_timers_with_it() {
    let mut world = stage();
    let [goblin, purse] = spawn_many(&mut world);
    world.entity_mut(purse).insert(ChildOf(goblin));
    world.qdel_in(purse, SECOND).unwrap();

    world.despawn(goblin);

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_does_not_hit_the_entity_that_reuses_the_index() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    world.qdel_in(goblin, SECOND).unwrap();
    world.despawn(goblin);
    let crowd: Vec<_> = (0..300).map(|_| world.spawn_empty().id()).collect();
    for extra in crowd {
        world.despawn(extra);
    }
    let heir = (0..600)
        .map(|_| world.spawn_empty().id())
        .find(|entity| entity.index() == goblin.index())
        .expect("an index should be used again after so many despawns");

    world.advance_qdel_timers(SECOND);

    assert_eq!(world.liveness(heir), Liveness::Alive);
}

#[test]
fn short_lives_with_long_delays_leave_nothing_behind() {
    let mut world = stage();

    for number in 0..10_000 {
        let goblin = world.spawn_empty().id();
        world.qdel_in(goblin, Duration::MAX).unwrap();
        if number % 2 == 0 {
            world.despawn(goblin);
        } else {
            world.qdel(goblin).unwrap();
            world.flush_qdel();
        }
    }

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timers_that_come_and_go_on_one_entity_leave_nothing_behind() {
    let mut world = stage();
    let goblin = spawn(&mut world);

    for _ in 0..10_000 {
        let timer = world.qdel_in(goblin, Duration::MAX).unwrap();
        world.cancel_qdel(timer).unwrap();
    }

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn clone_of_an_entity_has_no_timer() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let timer = world.qdel_in(goblin, SECOND).unwrap();

    let clone = world.entity_mut(goblin).clone_and_spawn();

    assert_eq!(world.qdel_timers(), [(timer, SECOND)]);
    world.advance_qdel_timers(SECOND);
    assert_eq!(world.liveness(clone), Liveness::Alive);
}

#[test]
fn components_may_come_and_go_on_a_timed_entity() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let timer = world.qdel_in(goblin, SECOND).unwrap();

    world.entity_mut(goblin).insert(Name::new("goblin"));
    world.entity_mut(goblin).remove::<(Name, Listener)>();

    assert_eq!(world.qdel_timers(), [(timer, SECOND)]);
}

// Q9: refusals on the way.

#[test]
fn veto_spends_the_timer() {
    let mut world = stage();
    let king = spawn(&mut world);
    world.entity_mut(king).insert(Guard(Verdict::Veto));
    world.register_signal(king, king, Guard::judge).unwrap();
    world.qdel_in(king, SECOND).unwrap();

    let first = world.advance_qdel_timers(SECOND);
    world.get_mut::<Guard>(king).unwrap().0 = Verdict::Allow;
    let second = world.advance_qdel_timers(SECOND);

    assert_eq!(first.vetoed, [king]);
    assert_eq!(second.queued, []);
    assert_eq!(world.liveness(king), Liveness::Alive);
}

#[test]
fn veto_of_one_saves_none_of_the_others() {
    let mut world = stage();
    let [goblin, king, orc] = spawn_many(&mut world);
    world.entity_mut(king).insert(Guard(Verdict::Veto));
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
    let king = spawn(&mut world);
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
    let king = spawn(&mut world);
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
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);
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
    let dead = spawn(&mut world);
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

/// Whoever was due with it must not live for ever: it is deleted, or its timer is still there.
#[test]
fn panic_in_a_veto_of_a_due_deletion_does_not_save_the_others() {
    let mut world = stage();
    let [first, king, last] = spawn_many(&mut world);
    world.entity_mut(king).insert(Guard(Verdict::Allow));
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

// Q9: timers inside of deletions.

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
    let goblin = spawn(&mut world);
    on_death(&mut world, goblin, move |mut world| {
        if let Ok(mut goblin) = world.commands().get_entity(goblin) {
            goblin.qdel_in(SECOND);
        }
    });

    world.despawn(goblin);

    assert_eq!(world.qdel_timers(), []);
}

// Q9: by commands.

#[test]
fn command_starts_a_timer_when_it_is_applied() {
    let mut world = stage();
    let goblin = spawn(&mut world);
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
    let goblin = spawn(&mut world);

    let mut commands = world.commands();
    let timer = commands.entity(goblin).qdel_in(SECOND);
    commands.cancel_qdel(timer);
    world.flush();

    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn world_cancels_a_timer_that_a_command_started() {
    let mut world = stage();
    let goblin = spawn(&mut world);
    let timer = world.commands().entity(goblin).qdel_in(SECOND);
    world.flush();

    let cancelled = world.cancel_qdel(timer);

    assert_eq!(cancelled, Ok(()));
    assert_eq!(world.qdel_timers(), []);
}

#[test]
fn timer_whose_command_was_not_applied_is_not_running() {
    let mut world = stage();
    let entity = spawn(&mut world);
    let timer = world.commands().entity(entity).qdel_in(SECOND);

    // Nothing is applied on the way.
    let listed = world.qdel_timers();
    let cancelled = QdelTimerExt::cancel_qdel(&mut world, timer);

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
    let entity = spawn(&mut world);

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

// Against a model.

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn timers_are_those_of_a_naive_list(deeds in vec(deed(), 1..60)) {
        let mut world = stage();
        let crowd: [Entity; CROWD] = spawn_many(&mut world);
        let mut model = Model::default();

        for deed in deeds {
            match deed {
                Deed::Start(who, delay) => {
                    let started = world.qdel_in(crowd[who], delay);
                    let is_there = world.liveness(crowd[who]) != Liveness::Gone;
                    prop_assert_eq!(started.is_ok(), is_there);
                    if let Ok(timer) = started {
                        model.timers.push((timer, model.now + delay));
                        model.ever.push(timer);
                    }
                }
                Deed::Cancel(number) => {
                    let Some(&timer) = model.ever.get(number) else {
                        continue;
                    };
                    let is_running = model.timers.iter().any(|(at, _)| *at == timer);
                    model.timers.retain(|(at, _)| *at != timer);
                    prop_assert_eq!(world.cancel_qdel(timer).is_ok(), is_running);
                }
                Deed::Advance(time) => {
                    model.now += time;
                    let (mut due, running): (Vec<_>, Vec<_>) =
                        model.timers.iter().partition(|(_, due)| *due <= model.now);
                    model.timers = running;
                    due.sort_by_key(|(_, due)| *due);
                    let mut expected = Vec::new();
                    for (timer, _) in due {
                        let entity = timer.entity();
                        let is_alive = world.liveness(entity) == Liveness::Alive;
                        if is_alive && !expected.contains(&entity) {
                            expected.push(entity);
                        }
                    }
                    prop_assert_eq!(world.advance_qdel_timers(time).queued, expected);
                }
                Deed::Qdel(who) => {
                    world.qdel(crowd[who]).ok();
                }
                Deed::Despawn(who) => {
                    world.try_despawn(crowd[who]).ok();
                }
                Deed::Flush => {
                    world.flush_qdel();
                }
            }
            model.timers.retain(|(timer, _)| world.liveness(timer.entity()) != Liveness::Gone);

            let mut expected = model.timers.clone();
            expected.sort_by_key(|(_, due)| *due);
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(timer, due)| (timer, due - model.now))
                .collect();
            prop_assert_eq!(world.qdel_timers(), expected, "after {:?}", deed);
        }
    }
}

const CROWD: usize = 6;

#[derive(Debug, Clone, Copy)]
enum Deed {
    Start(usize, Duration),
    Cancel(usize),
    Advance(Duration),
    Qdel(usize),
    Despawn(usize),
    Flush,
}

fn deed() -> impl Strategy<Value = Deed> {
    let time = (0..10_u64).prop_map(Duration::from_secs);
    prop_oneof![
        6 => (0..CROWD, time.clone()).prop_map(|(who, delay)| Deed::Start(who, delay)),
        3 => (0..20_usize).prop_map(Deed::Cancel),
        3 => time.prop_map(Deed::Advance),
        1 => (0..CROWD).prop_map(Deed::Qdel),
        1 => (0..CROWD).prop_map(Deed::Despawn),
        1 => Just(Deed::Flush),
    ]
}

/// All timers that should be running, in order of age, each with its time.
#[derive(Default)]
struct Model {
    now: Duration,
    timers: Vec<(QdelTimer, Duration)>,
    ever: Vec<QdelTimer>,
}

// Q9: in an app.

#[cfg(feature = "bevy_time")]
mod in_an_app {
    use bevy_app::prelude::*;
    use bevy_ecs::entity_disabling::Disabled;
    use bevy_time::{Time, TimePlugin, TimeUpdateStrategy, Virtual};
    use qdel::{Deleting, QdelSystems};

    use super::*;

    const FRAME: Duration = Duration::from_millis(100);

    #[test]
    fn timer_follows_the_time_of_the_app() {
        let mut app = app();
        let goblin = app.world_mut().spawn(Mortal).id();
        app.world_mut().qdel_in(goblin, 3 * FRAME).unwrap();

        let states = [(); 4].map(|()| {
            update(&mut app, FRAME);
            app.world().liveness(goblin)
        });

        let expected = [
            Liveness::Alive,
            Liveness::Alive,
            Liveness::Gone,
            Liveness::Gone,
        ];
        assert_eq!(states, expected);
    }

    #[test]
    fn timer_stands_still_while_time_does() {
        let mut app = app();
        let goblin = app.world_mut().spawn(Mortal).id();
        app.world_mut().qdel_in(goblin, FRAME).unwrap();

        for _ in 0..10 {
            update(&mut app, Duration::ZERO);
        }

        assert_eq!(app.world().liveness(goblin), Liveness::Alive);
    }

    #[test]
    fn timed_deletion_is_hidden_from_the_update_of_its_frame_and_gone_at_its_end() {
        let mut app = app();
        let goblin = app.world_mut().spawn(Mortal).id();
        app.world_mut().qdel_in(goblin, FRAME).unwrap();
        let look = |mortals: Query<&Mortal>,
                    all: Query<&Deleting, Allow<Disabled>>,
                    mut saw: ResMut<Saw>| {
            saw.0.push((mortals.iter().count(), all.iter().count()));
        };
        app.init_resource::<Saw>()
            .add_systems(Last, look.before(QdelSystems::TearDown));
        app.add_systems(First, look)
            .add_systems(Update, look)
            .add_systems(Last, look.after(QdelSystems::TearDown));

        update(&mut app, FRAME);

        let expected = [(1, 0), (0, 1), (0, 1), (0, 0)];
        assert_eq!(app.world().resource::<Saw>().0, expected);
    }

    #[test]
    fn without_time_nothing_happens() {
        let mut app = App::new();
        app.add_plugins(QdelPlugin::default());
        let goblin = app.world_mut().spawn(Mortal).id();
        let timer = app.world_mut().qdel_in(goblin, Duration::ZERO).unwrap();

        for _ in 0..3 {
            app.update();
        }

        assert_eq!(app.world().liveness(goblin), Liveness::Alive);
        assert_eq!(app.world().qdel_timers(), [(timer, Duration::ZERO)]);
    }

    #[test]
    fn time_may_come_later() {
        let mut app = App::new();
        app.add_plugins(QdelPlugin::default());
        let goblin = app.world_mut().spawn(Mortal).id();
        app.world_mut().qdel_in(goblin, FRAME).unwrap();
        app.update();
        app.init_resource::<Time>();

        update(&mut app, FRAME);

        assert_eq!(app.world().liveness(goblin), Liveness::Gone);
    }

    #[test]
    fn system_starts_a_timer_that_counts_from_its_frame() {
        let mut app = app();
        update(&mut app, 10 * FRAME);
        let goblin = app.world_mut().spawn(Mortal).id();
        app.add_systems(Update, start_once(goblin, 2 * FRAME));

        let states = [(); 4].map(|()| {
            update(&mut app, FRAME);
            app.world().liveness(goblin)
        });

        let expected = [
            Liveness::Alive,
            Liveness::Alive,
            Liveness::Gone,
            Liveness::Gone,
        ];
        assert_eq!(states, expected);
    }

    /// The time of this frame has passed before the timer was started.
    #[test]
    fn timer_that_is_started_early_in_a_frame_is_not_due_before_its_delay() {
        let mut app = app();
        let goblin = app.world_mut().spawn(Mortal).id();
        let start = start_once(goblin, 2 * FRAME).before(QdelSystems::Timers);
        app.add_systems(PreUpdate, start);

        let states = [(); 3].map(|()| {
            update(&mut app, FRAME);
            app.world().liveness(goblin)
        });

        let expected = [Liveness::Alive, Liveness::Alive, Liveness::Gone];
        assert_eq!(states, expected);
    }

    #[test]
    fn timer_that_startup_starts_is_due_after_its_delay() {
        let mut app = app();
        let goblin = app.world_mut().spawn(Mortal).id();
        app.add_systems(Startup, start_once(goblin, FRAME));

        let states = [Duration::ZERO, FRAME - INSTANT, INSTANT].map(|time| {
            update(&mut app, time);
            app.world().liveness(goblin)
        });

        let expected = [Liveness::Alive, Liveness::Alive, Liveness::Gone];
        assert_eq!(states, expected);
    }

    #[test]
    fn idle_time_does_not_count_for_later_timers() {
        let mut app = app();
        for _ in 0..10 {
            update(&mut app, FRAME);
        }
        let goblin = app.world_mut().spawn(Mortal).id();
        app.world_mut().qdel_in(goblin, 2 * FRAME).unwrap();

        let states = [(); 2].map(|()| {
            update(&mut app, FRAME);
            app.world().liveness(goblin)
        });

        assert_eq!(states, [Liveness::Alive, Liveness::Gone]);
    }

    #[test]
    fn timers_stand_still_while_the_virtual_time_of_bevy_is_paused() {
        let mut app = app_of_bevy();
        let goblin = app.world_mut().spawn(Mortal).id();
        app.world_mut().qdel_in(goblin, FRAME).unwrap();
        app.world_mut().resource_mut::<Time<Virtual>>().pause();
        for _ in 0..10 {
            app.update();
        }
        let paused = app.world().liveness(goblin);

        app.world_mut().resource_mut::<Time<Virtual>>().unpause();
        app.update();

        assert_eq!(paused, Liveness::Alive);
        assert_eq!(app.world().liveness(goblin), Liveness::Gone);
    }

    #[test]
    fn timers_slow_down_with_the_virtual_time_of_bevy() {
        let mut app = app_of_bevy();
        let goblin = app.world_mut().spawn(Mortal).id();
        app.world_mut().qdel_in(goblin, FRAME).unwrap();
        let mut time = app.world_mut().resource_mut::<Time<Virtual>>();
        time.set_relative_speed(0.25);

        let states = [(); 4].map(|()| {
            app.update();
            app.world().liveness(goblin)
        });

        let alive = Liveness::Alive;
        assert_eq!(states, [alive, alive, alive, Liveness::Gone]);
    }

    /// What systems saw, in order: how many were seen, and how many were deleting.
    #[derive(Resource, Default)]
    struct Saw(Vec<(usize, usize)>);

    #[derive(Component)]
    struct Mortal;

    /// Makes an app whose time is turned by hand.
    fn app() -> App {
        let mut app = App::new();
        app.add_plugins(QdelPlugin::default())
            .init_resource::<Time>();
        app
    }

    /// Makes an app with Bevy's own time, and leaves the first frame behind, in which none passes.
    fn app_of_bevy() -> App {
        let mut app = App::new();
        app.add_plugins((TimePlugin, QdelPlugin::default()))
            .insert_resource(TimeUpdateStrategy::ManualDuration(FRAME));
        app.update();
        app
    }

    fn update(app: &mut App, time: Duration) {
        if let Some(mut clock) = app.world_mut().get_resource_mut::<Time>() {
            clock.advance_by(time);
        }
        app.update();
    }

    /// Returns a system that starts a timer the first time that it runs.
    fn start_once(entity: Entity, delay: Duration) -> impl FnMut(Commands, Local<bool>) + Clone {
        move |mut commands: Commands, mut is_started: Local<bool>| {
            if !*is_started {
                commands.entity(entity).qdel_in(delay);
                *is_started = true;
            }
        }
    }
}

// The stage.

/// Who was told about, in order.
#[derive(Resource, Default)]
struct Told(Vec<Entity>);

/// What reactions saw, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Liveness>);

#[derive(Component, Clone)]
struct Listener;

impl Listener {
    fn write_down(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let entity = told.entity;
        world.resource_mut::<Told>().0.push(entity);
    }
}

#[derive(Component)]
struct Guard(Verdict);

impl Guard {
    fn judge(&self, _: Received<PreQdel>) -> Verdict {
        self.0
    }

    fn panic(&self, _: Received<PreQdel>) -> Verdict {
        panic!("boom");
    }
}

#[derive(Component)]
struct Immortal;

impl Destroy for Immortal {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        Hint::LetMeLive
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Told>();
    world.init_resource::<Seen>();
    world.init_resource::<QdelCounts>();
    world.register_destroy::<Immortal>();
    world
}

/// Spawns somebody whose end is written down.
fn spawn(world: &mut World) -> Entity {
    let entity = world.spawn(Listener).id();
    world
        .register_signal(entity, entity, Listener::write_down)
        .unwrap();
    entity
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn(world))
}

/// Has `reaction` called when the deletion of `target` is observed.
fn on_death(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(DeferredWorld) + Send + Sync + 'static,
) {
    world.add_observer(move |told: On<Qdeleting>, world: DeferredWorld| {
        if told.entity == target {
            reaction(world);
        }
    });
}

fn told(world: &World) -> Vec<Entity> {
    world.resource::<Told>().0.clone()
}

fn panics<T>(work: impl FnOnce() -> T) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

thread_local! {
    /// What Bevy's error handler was given on this thread.
    static COMPLAINTS: RefCell<Vec<(Severity, String)>> = const { RefCell::new(Vec::new()) };
}

fn record_complaints(world: &mut World) {
    #[expect(
        clippy::needless_pass_by_value,
        reason = "error handlers take errors by value"
    )]
    fn record(error: BevyError, _: ErrorContext) {
        let said = error
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        COMPLAINTS.with_borrow_mut(|complaints| complaints.push((error.severity(), said)));
    }
    world.insert_resource(FallbackErrorHandler(record));
}

fn complaints() -> Vec<(Severity, String)> {
    COMPLAINTS.with_borrow_mut(core::mem::take)
}

/// Compares what is said about `entity` with the snapshot of this name.
fn expect(name: &str, said: &str, entity: Entity) {
    let id = format!(r"\b{entity}\b");
    let filters = [(id.as_str(), "[entity]")];
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}
