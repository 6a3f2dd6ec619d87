//! H3: times.
//! H3: sweeps.
//! H3: beginning anew.

#[cfg(feature = "bevy_reflect")]
use core::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "bevy_reflect")]
use qdel::testing::WorkClock;

use super::*;

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

    let times = |row: KindRow| [row.costs.tell, row.costs.destroy];
    assert_eq!(
        times(row::<Goblin>(&world)),
        [14, 40].map(Duration::from_micros)
    );
    assert_eq!(
        times(world.qdel_statistics().others),
        [0, 30].map(Duration::from_micros)
    );
    assert_eq!(times(row::<Orc>(&world)), [Duration::ZERO; 2]);
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

    world.register_qdel_kind::<Goblin>();

    let others = world.qdel_statistics().others;
    let times = [others.costs.tell, others.costs.destroy];
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

    let slowest = row::<Goblin>(&world).costs.slowest.unwrap();
    assert_eq!(slowest.listener, watchers[1]);
    assert_eq!(slowest.time, Duration::from_micros(9));
    let total = world.qdel_statistics().total();
    assert_eq!(total.costs.slowest, Some(slowest));
}

#[test]
fn times_of_an_entity_that_is_despawned_by_its_observer_count() {
    let (mut world, hand) = measured_stage();
    let goblin = world.spawn(Goblin).id();
    let turn = hand.clone();
    world.add_observer(move |told: On<Qdeleting>, mut commands: Commands| {
        turn.put_forward(6);
        commands.entity(told.event_target()).despawn();
    });

    world.qdel(goblin).unwrap();

    assert_eq!(row::<Goblin>(&world).costs.tell, Duration::from_micros(6));
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

    let goblins = row::<Goblin>(&world);
    assert_eq!(
        [goblins.costs.tell, goblins.costs.destroy],
        [Duration::ZERO; 2]
    );
    assert_eq!(goblins.costs.slowest, None);
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
    let goblin = world.spawn((Goblin, Says(DestroyHint::HardDelete))).id();
    world.qdel(goblin).unwrap();

    world.flush_qdel();

    let goblins = row::<Goblin>(&world);
    assert_eq!(
        (goblins.counts.leftovers, goblins.counts.hard_deletes),
        (0, 1)
    );
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

    let goblins = row::<Goblin>(&world);
    assert_eq!(goblins.counts.hard_deletes, 4);
    assert_eq!(goblins.costs.hard_delete_time, Duration::from_micros(34));
    assert_eq!(goblins.costs.hard_delete_max, Duration::from_micros(24));
}

#[cfg(feature = "bevy_reflect")]
#[test]
fn without_kinds_sweeps_count_for_the_others() {
    let mut world = World::new();
    world.insert_resource(QdelSettings::default().with_sweep(Mode::EachFlush));
    register_mind(&mut world);
    set_sweep_time(&mut world, 10);
    let goblin = world.spawn(Goblin).id();
    world.spawn(Mind(Some(goblin)));
    world.qdel(goblin).unwrap();
    world.flush_qdel();

    world.register_qdel_kind::<Goblin>();

    let others = world.qdel_statistics().others;
    assert_eq!(
        (others.counts.leftovers, others.counts.hard_deletes),
        (1, 1)
    );
    assert_eq!(others.costs.hard_delete_time, Duration::from_micros(10));
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
    let orc = world.spawn((Orc, Says(DestroyHint::HardDelete))).id();
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

    assert_eq!(figures(&row::<Goblin>(&world)), nothing());
    assert_eq!(figures(&world.qdel_statistics().others), nothing());
    assert_eq!(*world.resource::<QdelCounts>(), QdelCounts::default());
}

#[test]
fn reset_of_a_new_world_does_nothing() {
    let mut world = World::new();

    world.reset_qdel_statistics();

    assert_eq!(figures(&world.qdel_statistics().total()), nothing());
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

// The stage.

/// Names an entity without having declared it.
#[cfg(feature = "bevy_reflect")]
#[derive(Component, bevy_reflect::Reflect)]
#[reflect(Component)]
struct Mind(Option<Entity>);

/// Makes a world that knows two kinds, and is swept after each flush.
#[cfg(feature = "bevy_reflect")]
fn haunted_stage() -> World {
    let mut world = stage();
    world.insert_resource(QdelSettings::default().with_sweep(Mode::EachFlush));
    register_mind(&mut world);
    world
}

#[cfg(feature = "bevy_reflect")]
fn register_mind(world: &mut World) {
    world.init_resource::<AppTypeRegistry>();
    let registry = world.resource::<AppTypeRegistry>();
    registry.write().register::<Mind>();
}

/// Makes each sweep take this many microseconds: the clock goes on whenever it is looked at.
#[cfg(feature = "bevy_reflect")]
fn set_sweep_time(world: &mut World, takes: u64) {
    let hand = AtomicU64::new(0);
    world.insert_resource(WorkClock::new(move || {
        Duration::from_micros(hand.fetch_add(takes, Ordering::Relaxed))
    }));
}
