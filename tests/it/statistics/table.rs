//! What deletions did and cost, kind of entity by kind of entity.
//!
//! Rule H3 of the design. The clock of these tests is turned by hand.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::{AppTypeRegistry, ReflectComponent};
use bevy_ecs::{lifecycle::HookContext, prelude::*, resource::IsResource, world::DeferredWorld};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{Costs, Destroying, KindCounts, QdelCounts, WorkClock, prelude::*};
#[cfg(feature = "bevy_reflect")]
use qdel::{SweepExt, SweepMode};

// H3: kinds.

#[test]
fn kind_that_was_not_registered_has_no_counts() {
    let mut world = stage();

    world.register_component::<Unknown>();

    assert_eq!(world.kind_counts::<Unknown>(), None);
    assert_eq!(World::new().kind_counts::<Goblin>(), None);
}

#[test]
fn kind_begins_with_nothing() {
    let world = stage();

    let counts = world.kind_counts::<Goblin>();

    assert_eq!(counts, Some(KindCounts::default()));
}

#[test]
fn second_registration_changes_nothing() {
    let mut world = stage();
    let both = world.spawn((Goblin, Orc)).id();
    world.qdel(both).unwrap();
    let before = world.qdel_statistics();

    world.register_kind::<Orc>().register_kind::<Goblin>();

    assert_eq!(world.qdel_statistics(), before);
}

#[test]
fn entity_with_two_markers_is_of_the_kind_that_was_registered_first() {
    let mut world = stage();
    let both = world.spawn((Orc, Goblin)).id();

    world.qdel(both).unwrap();

    assert_eq!(goblins(&world).deleted, 1);
    assert_eq!(orcs(&world).deleted, 0);
}

#[test]
fn entity_without_a_marker_is_one_of_the_others() {
    let mut world = stage();
    let rock = world.spawn_empty().id();

    world.qdel(rock).unwrap();
    world.flush_qdel();

    let others = others(&world);
    assert_eq!((others.deleted, others.torn_down), (1, 1));
    assert_eq!(goblins(&world), KindCounts::default());
}

#[test]
fn what_is_owned_counts_for_its_own_kind() {
    let mut world = stage();
    let orc = world.spawn(Orc).id();
    world.spawn((Goblin, ChildOf(orc)));
    world.spawn((Goblin, ChildOf(orc)));
    world.spawn(ChildOf(orc));

    world.qdel(orc).unwrap();
    world.flush_qdel();

    let deleted = [orcs(&world), goblins(&world), others(&world)].map(|counts| counts.deleted);
    let torn_down = [orcs(&world), goblins(&world), others(&world)].map(|counts| counts.torn_down);
    assert_eq!((deleted, torn_down), ([1, 2, 1], [1, 2, 1]));
}

#[test]
fn marker_that_is_removed_during_the_deletion_still_counts() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    let orc = world.spawn(Orc).id();
    world.register_signal(orc, goblin, turn_to_stone).unwrap();

    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(world.resource::<QdelCounts>().torn_down, 1);
    let goblins = goblins(&world);
    assert_eq!(
        (goblins.deleted, goblins.repeated, goblins.torn_down),
        (1, 1, 1)
    );
}

#[test]
fn marker_that_is_inserted_during_the_deletion_does_not_count() {
    let mut world = stage();
    let rock = world.spawn_empty().id();
    world.qdel(rock).unwrap();

    world.entity_mut(rock).insert(Goblin);
    world.qdel(rock).unwrap();
    world.flush_qdel();

    assert_eq!(goblins(&world), KindCounts::default());
    assert_eq!((others(&world).repeated, others(&world).torn_down), (1, 1));
}

#[test]
fn entity_that_lives_on_is_of_the_kind_that_it_has_when_it_is_deleted_again() {
    let mut world = stage();
    let phoenix = world.spawn((Goblin, Says(Hint::LetMeLive))).id();
    world.qdel(phoenix).unwrap();

    world.entity_mut(phoenix).remove::<Goblin>().insert(Orc);
    world.qdel(phoenix).unwrap();

    assert_eq!((goblins(&world).kept, orcs(&world).kept), (1, 1));
}

#[test]
fn deletions_before_the_first_registration_are_of_the_others() {
    let mut world = World::new();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();

    world.register_kind::<Goblin>();
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    let others = others(&world);
    assert_eq!(
        (others.deleted, others.repeated, others.torn_down),
        (1, 1, 1)
    );
    assert_eq!(goblins(&world), KindCounts::default());
}

#[test]
fn deletions_before_a_later_registration_are_of_the_others() {
    let mut world = World::new();
    world.register_kind::<Orc>();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();

    world.register_kind::<Goblin>();
    world.flush_qdel();

    assert_eq!((others(&world).deleted, others(&world).torn_down), (1, 1));
    assert_eq!(goblins(&world), KindCounts::default());
}

#[test]
fn without_kinds_everything_is_of_the_others() {
    let mut world = World::new();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();
    world.flush_qdel();
    world.qdel(goblin).unwrap_err();

    let statistics = world.qdel_statistics();

    assert!(statistics.kinds.is_empty());
    assert_eq!(statistics.total(), statistics.others);
    assert_eq!(calls(&statistics.others), *world.resource::<QdelCounts>());
}

#[test]
fn statistics_of_a_new_world_are_empty() {
    let world = World::new();

    let statistics = world.qdel_statistics();

    assert!(statistics.kinds.is_empty());
    assert_eq!(statistics.total(), KindCounts::default());
    assert_eq!(statistics.waiting, 0);
}

// H3: what is counted.

#[test]
fn plain_despawns_are_not_counted() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();

    world.despawn(goblin);

    assert_eq!(world.qdel_statistics().total(), KindCounts::default());
}

#[test]
fn entity_that_is_despawned_plainly_while_it_waits_is_not_counted_as_torn_down() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();

    world.despawn(goblin);
    world.flush_qdel();

    assert_eq!((goblins(&world).deleted, goblins(&world).torn_down), (1, 0));
}

#[test]
fn veto_counts_for_whom_the_call_was_made() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    let orc = world.spawn((Orc, ChildOf(goblin))).id();
    world.register_signal(orc, orc, Orc::veto).unwrap();

    world.qdel(goblin).unwrap();

    assert_eq!((goblins(&world).vetoed, orcs(&world).vetoed), (1, 0));
    assert_eq!(goblins(&world).deleted, 0);
}

#[test]
fn repeats_count_for_whom_the_call_was_made() {
    let mut world = stage();
    let orc = world.spawn(Orc).id();
    let goblin = world.spawn((Goblin, ChildOf(orc))).id();
    world.qdel(orc).unwrap();

    world.qdel(goblin).unwrap();
    world.qdel(goblin).unwrap();

    assert_eq!((goblins(&world).repeated, orcs(&world).repeated), (2, 0));
}

#[test]
fn refusals_count_for_whom_the_call_was_made() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    world.insert_resource(Weather);
    let mut weather = world.query_filtered::<Entity, (With<IsResource>, With<Weather>)>();
    let weather = weather.single(&world).unwrap();
    world.entity_mut(weather).insert(ChildOf(goblin));

    world.qdel(goblin).unwrap_err();

    assert_eq!(goblins(&world).refused, 1);
}

#[test]
fn calls_for_whoever_is_gone_are_of_the_others() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    world.despawn(goblin);

    world.qdel(goblin).unwrap_err();

    assert_eq!((others(&world).refused, goblins(&world).refused), (1, 0));
}

#[test]
fn whoever_lives_on_and_whoever_is_spared_by_that_are_kept() {
    let mut world = stage();
    let orc = world.spawn((Orc, Says(Hint::LetMeLive))).id();
    world.spawn((Goblin, ChildOf(orc)));

    world.qdel(orc).unwrap();

    let kept = [orcs(&world), goblins(&world)].map(|counts| (counts.deleted, counts.kept));
    assert_eq!(kept, [(1, 1), (1, 1)]);
}

#[test]
fn components_that_want_to_live_in_a_forced_deletion_are_overruled() {
    let mut world = stage();
    let goblin = world
        .spawn((Goblin, Says(Hint::LetMeLive), SaysToo(Hint::LetMeLive)))
        .id();

    world.force_qdel(goblin).unwrap();

    assert_eq!((goblins(&world).overruled, goblins(&world).kept), (2, 0));
}

#[test]
fn whoever_is_handled_by_somebody_else_is_left_alone() {
    let mut world = stage();
    let goblin = world.spawn((Goblin, Says(Hint::IWillHandleIt))).id();

    world.qdel(goblin).unwrap();
    world.flush_qdel();

    assert_eq!(
        (goblins(&world).left_alone, goblins(&world).torn_down),
        (1, 0)
    );
}

#[test]
fn entities_of_a_batch_are_counted_one_by_one() {
    let mut world = stage();
    let [alive, deleting, gone] = [(); 3].map(|()| world.spawn(Goblin).id());
    let orc = world.spawn(Orc).id();
    world.register_signal(orc, orc, Orc::veto).unwrap();
    let rock = world.spawn_empty().id();
    world.qdel(deleting).unwrap();
    world.despawn(gone);
    world.reset_qdel_statistics();

    world.qdel_batch([alive, deleting, alive, orc, rock, gone]);

    let goblins = goblins(&world);
    assert_eq!((goblins.deleted, goblins.repeated), (1, 2));
    assert_eq!((orcs(&world).vetoed, orcs(&world).deleted), (1, 0));
    assert_eq!((others(&world).deleted, others(&world).refused), (1, 1));
}

#[test]
fn every_way_of_tearing_down_is_counted() {
    for way in [
        World::flush_qdel,
        World::drain_qdel,
        World::shutdown_qdel,
        |_: &mut World| 0,
    ] {
        let mut world = stage();
        let goblin = world.spawn(Goblin).id();
        let urgent = world.spawn((Goblin, Says(Hint::HardDeleteNow))).id();
        let due = world.spawn((Goblin, Says(Hint::HardDelete))).id();
        world.qdel_batch([goblin, urgent, due]);
        world.spawn((Orc, ChildOf(goblin)));

        way(&mut world);

        let total = world.resource::<QdelCounts>().torn_down;
        let torn_down = [goblins(&world), orcs(&world)].map(|counts| counts.torn_down);
        assert_eq!(torn_down.iter().sum::<u64>(), total);
        assert!([[3, 1], [1, 0]].contains(&torn_down), "{torn_down:?}");
    }
}

#[test]
fn immediate_tear_down_is_counted() {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let goblin = world.spawn(Goblin).id();

    world.qdel(goblin).unwrap();

    assert_eq!(goblins(&world).torn_down, 1);
}

#[test]
fn whoever_waits_for_the_tear_down_is_counted() {
    let mut world = stage();
    let due = world.spawn(Says(Hint::HardDelete)).id();
    let goblin = world.spawn(Goblin).id();
    world.spawn(ChildOf(goblin));
    world.qdel_batch([due, goblin]);

    let before = world.qdel_statistics().waiting;
    world.flush_qdel();

    assert_eq!((before, world.qdel_statistics().waiting), (3, 0));
}

#[test]
fn nothing_is_lost_when_handlers_and_destroys_panic() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn(Goblin).id();
    let orc = world.spawn((Orc, ChildOf(goblin))).id();
    for (listener, takes) in [(goblin, 3), (orc, 4)] {
        world
            .entity_mut(listener)
            .insert(Watcher(slow(&hand, takes)));
        world
            .register_signal(listener, listener, Watcher::panic)
            .unwrap();
        world.entity_mut(listener).insert(Panics(slow(&hand, 5)));
    }

    let panicked = catch_unwind(AssertUnwindSafe(|| world.qdel(goblin)));
    world.flush_qdel();

    assert!(panicked.is_err());
    let counts = [goblins(&world), orcs(&world)];
    assert_eq!(counts.map(|at| (at.deleted, at.torn_down)), [(1, 1); 2]);
    assert_eq!(counts.map(|at| at.tell), [3, 4].map(Duration::from_micros));
    assert_eq!(
        counts.map(|at| at.destroy),
        [5, 5].map(Duration::from_micros)
    );
}

#[test]
fn hook_that_panics_in_the_tear_down_loses_nothing() {
    let mut world = stage();
    let [first, second, third] = [(); 3].map(|()| world.spawn(Goblin).id());
    world.entity_mut(second).insert(Explosive);
    world.qdel_batch([first, second, third]);

    let panicked = catch_unwind(AssertUnwindSafe(|| world.flush_qdel()));

    assert!(panicked.is_err());
    assert_eq!(goblins(&world).torn_down, 2);
}

#[test]
fn world_that_is_cleared_inside_a_deletion_forgets_its_kinds() {
    for costs in [Costs::Ignore, Costs::Measure] {
        let mut world = stage();
        world.insert_resource(QdelSettings::default().with_costs(costs));
        let goblin = world.spawn((Goblin, Says(Hint::LetMeLive))).id();
        let orc = world.spawn(Orc).id();
        world.register_signal(orc, goblin, clear_the_world).unwrap();

        let cleared = world.qdel_batch([goblin, orc]);

        assert_eq!(cleared.queued, [goblin, orc]);
        assert_eq!(world.kind_counts::<Goblin>(), None);
    }
}

#[test]
fn kind_that_is_forgotten_inside_a_deletion_is_one_of_the_others() {
    let mut world = stage();
    let orc = world.spawn(Orc).id();
    world
        .register_signal(orc, orc, forget_all_but_goblins)
        .unwrap();

    world.qdel(orc).unwrap();
    world.flush_qdel();

    assert_eq!((others(&world).deleted, others(&world).torn_down), (0, 1));
    assert_eq!(goblins(&world), KindCounts::default());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn kinds_and_others_add_up_to_the_counts_of_all(steps in vec(step(), 1..40)) {
        let mut world = World::new();
        world.register_destroy::<Says>();
        let mut entities = Vec::new();

        for step in &steps {
            step.carry_out(&mut world, &mut entities);

            let total = world.qdel_statistics().total();
            let counts = world.get_resource().copied().unwrap_or_default();
            prop_assert_eq!(calls(&total), counts, "after {:?} of {:?}", step, steps);
        }
    }
}

// H3: times.

#[test]
fn times_add_up_kind_by_kind() {
    let (mut world, hand) = measured_stage();
    let watcher = world.spawn(Watcher(slow(&hand, 7))).id();
    for _ in 0..2 {
        let goblin = world.spawn((Goblin, Ballast(slow(&hand, 20)))).id();
        world
            .register_signal(watcher, goblin, Watcher::work)
            .unwrap();
        world.qdel(goblin).unwrap();
    }
    let rock = world.spawn(Ballast(slow(&hand, 30))).id();

    world.qdel(rock).unwrap();

    let times = |counts: KindCounts| [counts.tell, counts.destroy];
    assert_eq!(times(goblins(&world)), [14, 40].map(Duration::from_micros));
    assert_eq!(times(others(&world)), [0, 30].map(Duration::from_micros));
    assert_eq!(times(orcs(&world)), [Duration::ZERO; 2]);
}

#[test]
fn times_are_measured_without_kinds_too() {
    let (_, hand) = measured_stage();
    let mut world = World::new();
    measure(&mut world, &hand);
    let rock = world.spawn(Ballast(slow(&hand, 30))).id();
    let watcher = world.spawn(Watcher(slow(&hand, 7))).id();
    world.register_signal(watcher, rock, Watcher::work).unwrap();
    world.qdel(rock).unwrap();

    world.register_kind::<Goblin>();

    let others = others(&world);
    let times = [others.tell, others.destroy];
    assert_eq!(times, [7, 30].map(Duration::from_micros));
}

#[test]
fn slowest_handler_of_a_kind_is_the_slowest_of_all_its_deletions() {
    let (mut world, hand) = measured_stage();
    let watchers = [5, 9, 8].map(|takes| world.spawn(Watcher(slow(&hand, takes))).id());
    for watcher in watchers {
        let goblin = world.spawn(Goblin).id();
        world
            .register_signal(watcher, goblin, Watcher::work)
            .unwrap();

        world.qdel(goblin).unwrap();
    }

    let slowest = goblins(&world).slowest.unwrap();
    assert_eq!(slowest.listener, watchers[1]);
    assert_eq!(slowest.time, Duration::from_micros(9));
    let total = world.qdel_statistics().total();
    assert_eq!(total.slowest, Some(slowest));
}

#[test]
fn times_of_an_entity_that_is_despawned_by_its_observer_count() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn(Goblin).id();
    let turn = hand.clone();
    world.add_observer(move |told: On<Qdeleting>, mut commands: Commands| {
        turn.fetch_add(6, Ordering::Relaxed);
        commands.entity(told.event_target()).despawn();
    });

    world.qdel(goblin).unwrap();

    assert_eq!(goblins(&world).tell, Duration::from_micros(6));
}

#[test]
fn times_are_not_measured_unless_somebody_asks_for_them() {
    let (mut world, hand) = measured_stage();
    world.insert_resource(QdelSettings::default());
    let goblin = world.spawn((Goblin, Ballast(slow(&hand, 20)))).id();
    let watcher = world.spawn(Watcher(slow(&hand, 7))).id();
    world
        .register_signal(watcher, goblin, Watcher::work)
        .unwrap();

    world.qdel(goblin).unwrap();

    let goblins = goblins(&world);
    assert_eq!([goblins.tell, goblins.destroy], [Duration::ZERO; 2]);
    assert_eq!(goblins.slowest, None);
}

// H3: sweeps.

#[cfg(feature = "bevy_reflect")]
#[test]
fn leftovers_count_for_the_kind_of_who_is_gone() {
    let mut world = haunted_stage();
    let goblin = world.spawn(Goblin).id();
    for _ in 0..3 {
        world.spawn((Orc, Mind(Some(goblin))));
    }
    world.qdel(goblin).unwrap();

    world.flush_qdel();

    let counts = [goblins(&world), orcs(&world), others(&world)];
    let found = counts.map(|counts| (counts.leftovers, counts.hard_deletes));
    assert_eq!(found, [(3, 1), (0, 0), (0, 0)]);
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn leftovers_of_who_was_gone_before_the_sweep_are_of_the_others() {
    let mut world = haunted_stage();
    let goblin = world.spawn(Goblin).id();
    world.spawn(Mind(Some(goblin)));
    world.despawn(goblin);

    world.sweep();

    let counts = [goblins(&world), others(&world)];
    assert_eq!(counts.map(|counts| counts.leftovers), [0, 1]);
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn whoever_asks_for_a_hard_delete_is_counted_without_leftovers() {
    let mut world = haunted_stage();
    let goblin = world.spawn((Goblin, Says(Hint::HardDelete))).id();
    world.qdel(goblin).unwrap();

    world.flush_qdel();

    let goblins = goblins(&world);
    assert_eq!((goblins.leftovers, goblins.hard_deletes), (0, 1));
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn entities_that_are_swept_for_together_share_the_time() {
    let mut world = haunted_stage();
    for (takes, together) in [(10, 1), (24, 3)] {
        set_sweep_time(&mut world, takes);
        for _ in 0..together {
            let goblin = world.spawn(Goblin).id();
            world.spawn(Mind(Some(goblin)));
            world.qdel(goblin).unwrap();
        }

        world.flush_qdel();
    }

    let goblins = goblins(&world);
    assert_eq!(goblins.hard_deletes, 4);
    assert_eq!(goblins.hard_delete_time, Duration::from_micros(34));
    assert_eq!(goblins.hard_delete_max, Duration::from_micros(24));
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn without_kinds_sweeps_count_for_the_others() {
    let mut world = World::new();
    world.insert_resource(QdelSettings::default().with_sweep(SweepMode::EachFlush));
    register_mind(&mut world);
    set_sweep_time(&mut world, 10);
    let goblin = world.spawn(Goblin).id();
    world.spawn(Mind(Some(goblin)));
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.register_kind::<Goblin>();

    let others = others(&world);
    assert_eq!((others.leftovers, others.hard_deletes), (1, 1));
    assert_eq!(others.hard_delete_time, Duration::from_micros(10));
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn kinds_with_leftovers_come_before_those_with_more_deletions() {
    let mut world = haunted_stage();
    set_sweep_time(&mut world, 0);
    let orc = world.spawn(Orc).id();
    world.spawn(Mind(Some(orc)));
    let others = [(); 3].map(|()| world.spawn(Goblin).id());
    world.qdel_batch(others.into_iter().chain([orc]));

    world.flush_qdel();

    assert_eq!(names(&world), ["Orc", "Goblin"]);
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn kinds_whose_hard_deletes_took_longer_come_before_those_with_more_leftovers() {
    let mut world = haunted_stage();
    let goblin = world.spawn(Goblin).id();
    world.spawn(Mind(Some(goblin)));
    let orc = world.spawn((Orc, Says(Hint::HardDelete))).id();
    for (entity, takes) in [(goblin, 10), (orc, 20)] {
        set_sweep_time(&mut world, takes);
        world.qdel(entity).unwrap();

        world.flush_qdel();
    }

    assert_eq!(names(&world), ["Orc", "Goblin"]);
}

// H3: beginning anew.

#[test]
fn reset_counts_everything_from_zero() {
    let (mut world, hand) = measured_stage();
    for marked in [true, false] {
        let entity = world.spawn(Ballast(slow(&hand, 3))).id();
        if marked {
            world.entity_mut(entity).insert(Goblin);
        }
        world.qdel(entity).unwrap();
        world.qdel(entity).unwrap();
    }
    world.flush_qdel();

    world.reset_qdel_statistics();

    assert_eq!(goblins(&world), KindCounts::default());
    assert_eq!(others(&world), KindCounts::default());
    assert_eq!(*world.resource::<QdelCounts>(), QdelCounts::default());
}

#[test]
fn reset_of_a_new_world_does_nothing() {
    let mut world = World::new();

    world.reset_qdel_statistics();

    assert_eq!(world.qdel_statistics().total(), KindCounts::default());
}

#[test]
fn what_was_deleted_before_a_reset_is_torn_down_after_it() {
    let mut world = stage();
    let goblin = world.spawn(Goblin).id();
    world.qdel(goblin).unwrap();

    world.reset_qdel_statistics();
    world.flush_qdel();

    assert_eq!((goblins(&world).deleted, goblins(&world).torn_down), (0, 1));
}

// H3: the report.

#[test]
fn kinds_are_sorted_by_time_and_then_by_deletions_and_then_by_name() {
    let (mut world, hand) = measured_stage();
    world
        .register_kind::<Wolf>()
        .register_kind::<Bear>()
        .register_kind::<Ant>();
    let takes = [9, 5].map(|takes| slow(&hand, takes));
    let [nine, five] = takes;
    let spawned = [
        world.spawn((Orc, Ballast(nine))).id(),
        world.spawn((Bear, Ballast(five))).id(),
        world.spawn(Goblin).id(),
        world.spawn(Goblin).id(),
        world.spawn(Goblin).id(),
    ];
    let watcher = world.spawn(Watcher(slow(&hand, 5))).id();
    world
        .register_signal(watcher, spawned[1], Watcher::work)
        .unwrap();

    world.qdel_batch(spawned);

    let statistics = world.qdel_statistics();
    let names: Vec<_> = statistics
        .kinds
        .iter()
        .map(|kind| &*kind.short_name)
        .collect();
    assert_eq!(names, ["Bear", "Orc", "Goblin", "Ant", "Wolf"]);
}

#[test]
fn kinds_have_their_whole_names_too() {
    let world = stage();

    let statistics = world.qdel_statistics();

    let names: Vec<_> = statistics.kinds.iter().map(|kind| kind.name).collect();
    assert_eq!(
        names,
        [
            concat!(module_path!(), "::Goblin"),
            concat!(module_path!(), "::Orc")
        ]
    );
}

#[test]
fn kinds_that_share_a_short_name_go_by_their_whole_names() {
    let mut world = stage();

    world.register_kind::<cave::Goblin>();

    let statistics = world.qdel_statistics();
    let names: Vec<_> = statistics
        .kinds
        .iter()
        .map(|kind| &*kind.short_name)
        .collect();
    assert_eq!(
        names,
        [
            concat!(module_path!(), "::Goblin"),
            "Orc",
            concat!(module_path!(), "::cave::Goblin")
        ]
    );
}

#[test]
fn table_without_kinds_has_one_row() {
    let world = World::new();

    let said = world.qdel_statistics().to_string();

    expect("statistics_of_a_new_world", &said, &[]);
}

#[test]
fn table_leaves_out_what_never_happened() {
    let mut world = stage();
    let [goblin, other] = [(); 2].map(|()| world.spawn(Goblin).id());
    let orc = world.spawn(Orc).id();
    world.register_signal(orc, orc, Orc::veto).unwrap();

    world.qdel_batch([goblin, other, orc, orc]);

    let said = world.qdel_statistics().to_string();
    expect("short_statistics", &said, &[]);
}

#[test]
fn table_of_all_that_can_happen_reads_well() {
    let (mut world, hand) = measured_stage();
    let watcher = world
        .spawn((Name::new("watcher"), Watcher(slow(&hand, 1_250))))
        .id();
    let sentinel = world.spawn(Watcher(slow(&hand, 2_000_000))).id();
    for (number, listener) in [watcher, sentinel].into_iter().enumerate() {
        let entity = world.spawn(Ballast(slow(&hand, 40))).id();
        if number == 0 {
            world.entity_mut(entity).insert(Goblin);
        }
        world
            .register_signal(listener, entity, Watcher::work)
            .unwrap();
        world.qdel(entity).unwrap();
    }
    let mut statistics = world.qdel_statistics();
    let goblins = &mut statistics.kinds[0].counts;
    goblins.deleted = 123_456;
    goblins.torn_down = 123_400;
    goblins.vetoed = 12;
    goblins.repeated = 3;
    goblins.refused = 4;
    goblins.kept = 5;
    goblins.overruled = 6;
    goblins.left_alone = 7;
    goblins.leftovers = 8;
    goblins.hard_deletes = 2;
    goblins.hard_delete_time = Duration::from_nanos(1_234_567);
    goblins.hard_delete_max = Duration::from_nanos(999);

    let said = statistics.to_string();

    expect(
        "rich_statistics",
        &said,
        &[("watcher", watcher), ("sentinel", sentinel)],
    );
}

#[cfg(feature = "serde")]
#[test]
fn statistics_are_written_for_programs() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn((Goblin, Ballast(slow(&hand, 1_500)))).id();
    world.qdel(goblin).unwrap();

    let written = serde_json::to_value(world.qdel_statistics()).unwrap();

    let first = &written["kinds"][0];
    assert_eq!(first["name"], concat!(module_path!(), "::Goblin"));
    assert_eq!(first["counts"]["deleted"], 1);
    assert_eq!(first["counts"]["destroy"]["nanos"], 1_500_000);
    assert_eq!(written["others"]["deleted"], 0);
    assert_eq!(written["waiting"], 1);
}

// The stage.

#[derive(Component)]
struct Goblin;

#[derive(Component)]
struct Orc;

#[derive(Component)]
struct Wolf;

#[derive(Component)]
struct Bear;

#[derive(Component)]
struct Ant;

#[derive(Component)]
struct Unknown;

#[derive(Resource)]
struct Weather;

mod cave {
    #[derive(bevy_ecs::component::Component)]
    pub(crate) struct Goblin;
}

impl Orc {
    fn veto(&self, _: Received<PreQdel>) -> Verdict {
        Verdict::Veto
    }
}

fn turn_to_stone(mut world: DeferredWorld, told: Received<Qdeleting, Orc>) {
    world.commands().entity(told.target()).remove::<Goblin>();
}

fn clear_the_world(mut world: DeferredWorld, _: Received<Qdeleting, Orc>) {
    world.commands().queue(World::clear_all);
}

fn forget_all_but_goblins(mut world: DeferredWorld, _: Received<Qdeleting, Orc>) {
    world.commands().queue(|world: &mut World| {
        world.clear_resources();
        world.register_kind::<Goblin>();
    });
}

/// Says this when it is destroyed.
#[derive(Component)]
struct Says(Hint);

impl Destroy for Says {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0
    }
}

/// Says this as well.
#[derive(Component)]
struct SaysToo(Hint);

impl Destroy for SaysToo {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0
    }
}

/// Panics when it is despawned.
#[derive(Component)]
#[component(on_despawn = explode)]
struct Explosive;

fn explode(_: DeferredWorld, _: HookContext) {
    panic!("boom");
}

/// A clock that is turned by hand, in microseconds.
type Hand = Arc<AtomicU64>;

/// Takes so many microseconds.
struct Slow(Hand, u64);

fn slow(hand: &Hand, takes: u64) -> Slow {
    Slow(hand.clone(), takes)
}

impl Slow {
    fn work(&self) {
        self.0.fetch_add(self.1, Ordering::Relaxed);
    }
}

/// Takes its time when a target goes away.
#[derive(Component)]
struct Watcher(Slow);

impl Watcher {
    fn work(&mut self, _: Received<Qdeleting>) {
        self.0.work();
    }

    fn panic(&mut self, _: Received<Qdeleting>) {
        self.0.work();
        panic!("boom");
    }
}

/// Takes its time when it is destroyed.
#[derive(Component)]
struct Ballast(Slow);

impl Destroy for Ballast {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0.work();
        Hint::Queue
    }
}

/// Takes its time and panics when it is destroyed.
#[derive(Component)]
struct Panics(Slow);

impl Destroy for Panics {
    type Param = ();

    fn destroy(&mut self, _: Destroying) -> Hint {
        self.0.work();
        panic!("boom");
    }
}

/// Makes a world that knows two kinds.
fn stage() -> World {
    let mut world = World::new();
    world.register_kind::<Goblin>().register_kind::<Orc>();
    world.register_destroy::<Says>();
    world.register_destroy::<SaysToo>();
    world
}

/// Makes a world that knows two kinds, and in which costs are measured by the hand.
fn measured_stage() -> (World, Hand) {
    let hand = Hand::default();
    let mut world = stage();
    measure(&mut world, &hand);
    (world, hand)
}

fn measure(world: &mut World, hand: &Hand) {
    let reads = hand.clone();
    world.insert_resource(WorkClock::new(move || {
        Duration::from_micros(reads.load(Ordering::Relaxed))
    }));
    world.insert_resource(QdelSettings::default().with_costs(Costs::Measure));
    world.register_destroy::<Ballast>();
    world.register_destroy::<Panics>();
}

fn goblins(world: &World) -> KindCounts {
    world.kind_counts::<Goblin>().unwrap()
}

fn orcs(world: &World) -> KindCounts {
    world.kind_counts::<Orc>().unwrap()
}

fn others(world: &World) -> KindCounts {
    world.qdel_statistics().others
}

/// Returns those of the counts that there are for all entities too.
fn calls(counts: &KindCounts) -> QdelCounts {
    let mut calls = QdelCounts::default();
    calls.deleted = counts.deleted;
    calls.vetoed = counts.vetoed;
    calls.repeated = counts.repeated;
    calls.refused = counts.refused;
    calls.torn_down = counts.torn_down;
    calls.kept = counts.kept;
    calls.overruled = counts.overruled;
    calls.left_alone = counts.left_alone;
    calls.leftovers = counts.leftovers;
    calls.hard_deletes = counts.hard_deletes;
    calls
}

/// Returns the short names of the kinds in the order of the report.
#[cfg(feature = "bevy_reflect")]
fn names(world: &World) -> Vec<String> {
    let kinds = world.qdel_statistics().kinds.into_iter();
    kinds.map(|kind| kind.short_name).collect()
}

/// Names somebody without having declared it.
#[cfg(feature = "bevy_reflect")]
#[derive(Component, bevy_reflect::Reflect)]
#[reflect(Component)]
struct Mind(Option<Entity>);

/// Makes a world that knows two kinds, and is swept after each flush.
#[cfg(feature = "bevy_reflect")]
fn haunted_stage() -> World {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_sweep(SweepMode::EachFlush));
    register_mind(&mut world);
    world
}

#[cfg(feature = "bevy_reflect")]
fn register_mind(world: &mut World) {
    world.init_resource::<AppTypeRegistry>();
    let registry = world.resource::<AppTypeRegistry>();
    registry.write().register::<Mind>();
}

/// Has each sweep take so many microseconds: the clock goes on whenever it is looked at.
#[cfg(feature = "bevy_reflect")]
fn set_sweep_time(world: &mut World, takes: u64) {
    let hand = AtomicU64::new(0);
    world.insert_resource(WorkClock::new(move || {
        Duration::from_micros(hand.fetch_add(takes, Ordering::Relaxed))
    }));
}

/// Compares what is said with the snapshot of this name.
fn expect(name: &str, said: &str, roles: &[(&str, Entity)]) {
    let filters: Vec<_> = roles
        .iter()
        .map(|(role, entity)| (format!(r"\b{entity}\b"), format!("[{role}]")))
        .collect();
    let filters = filters.iter().map(|(id, role)| (&**id, &**role));
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}

/// What happens to a world; entities are meant by their number.
#[derive(Debug, Clone)]
enum Step {
    RegisterGoblins,
    RegisterOrcs,
    Spawn {
        kind: u8,
        owner: Option<usize>,
        says: u8,
    },
    Protect(usize),
    Qdel(usize),
    ForceQdel(usize),
    Batch(Vec<usize>),
    Despawn(usize),
    SwitchMarkers(usize),
    Flush,
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    let entity = || 0..12_usize;
    prop_oneof![
        1 => Just(Step::RegisterGoblins),
        1 => Just(Step::RegisterOrcs),
        8 => (0..4_u8, proptest::option::of(entity()), 0..8_u8)
            .prop_map(|(kind, owner, says)| Step::Spawn { kind, owner, says }),
        1 => entity().prop_map(Step::Protect),
        5 => entity().prop_map(Step::Qdel),
        2 => entity().prop_map(Step::ForceQdel),
        3 => vec(entity(), 0..6).prop_map(Step::Batch),
        2 => entity().prop_map(Step::Despawn),
        2 => entity().prop_map(Step::SwitchMarkers),
        3 => Just(Step::Flush),
        1 => Just(Step::Reset),
    ]
}

impl Step {
    fn carry_out(&self, world: &mut World, entities: &mut Vec<Entity>) {
        let entity = |number: &usize| entities.get(*number).copied();
        match self {
            Self::RegisterGoblins => {
                world.register_kind::<Goblin>();
            }
            Self::RegisterOrcs => {
                world.register_kind::<Orc>();
            }
            Self::Spawn { kind, owner, says } => {
                let owner = owner.and_then(|number| entity(&number));
                let mut spawned = world.spawn_empty();
                if kind & 1 != 0 {
                    spawned.insert(Goblin);
                }
                if kind & 2 != 0 {
                    spawned.insert(Orc);
                }
                if let Some(hint) = hint(*says) {
                    spawned.insert(Says(hint));
                }
                let spawned = spawned.id();
                if let Some(owner) = owner
                    && world.entities().contains_spawned(owner)
                {
                    world.entity_mut(spawned).insert(ChildOf(owner));
                }
                entities.push(spawned);
            }
            Self::Protect(number) => {
                if let Some(entity) = entity(number) {
                    // Not everybody can be protected any more.
                    let _ = world.register_signal(entity, entity, Orc::veto);
                }
            }
            Self::Qdel(number) => {
                let _ = entity(number).map(|entity| world.qdel(entity));
            }
            Self::ForceQdel(number) => {
                let _ = entity(number).map(|entity| world.force_qdel(entity));
            }
            Self::Batch(numbers) => {
                let batch: Vec<_> = numbers.iter().filter_map(entity).collect();
                world.qdel_batch(batch);
            }
            Self::Despawn(number) => {
                if let Some(entity) = entity(number) {
                    let _ = world.try_despawn(entity);
                }
            }
            Self::SwitchMarkers(number) => {
                if let Some(entity) = entity(number)
                    && let Ok(mut entity) = world.get_entity_mut(entity)
                {
                    if entity.contains::<Goblin>() {
                        entity.remove::<Goblin>().insert(Orc);
                    } else {
                        entity.insert(Goblin);
                    }
                }
            }
            Self::Flush => {
                world.flush_qdel();
            }
            Self::Reset => world.reset_qdel_statistics(),
        }
    }
}

fn hint(number: u8) -> Option<Hint> {
    match number {
        0 => Some(Hint::LetMeLive),
        1 => Some(Hint::IWillHandleIt),
        2 => Some(Hint::HardDelete),
        3 => Some(Hint::HardDeleteNow),
        _ => None,
    }
}
