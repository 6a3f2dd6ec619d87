//! S10: churn.

use super::*;
use qdel::SignalTarget;

#[test]
fn million_short_lived_listeners_leave_nothing_on_a_long_lived_target() {
    for prepare in [false, true] {
        let mut world = World::new();
        if prepare {
            world.register_listener::<Archer>();
        }
        let target = world.spawn_empty().id();

        expect_no_growth(&mut world, many() / BATCH, |world| {
            let archers: Vec<_> = (0..BATCH)
                .map(|_| world.spawn(Archer::default()).id())
                .collect();
            for archer in &archers {
                world
                    .register_signal(*archer, target, Archer::note)
                    .unwrap();
            }
            for archer in archers.iter().step_by(2) {
                world
                    .unregister_signal::<Archer, Qdeleting>(*archer, target)
                    .unwrap();
            }
            for archer in archers {
                world.despawn(archer);
            }
        });

        assert_eq!(world.signal_footprint().places, 0);
    }
}

/// The list is never empty, so it is tidied while it is in use.
#[test]
fn million_short_lived_listeners_beside_a_long_lived_one_leave_little() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let veteran = world.spawn(Archer::default()).id();
    world.register_signal(veteran, target, archer_says).unwrap();
    let before = world.signal_footprint();

    let mut alive = VecDeque::new();
    let mut most_places = 0;
    for round in 0..many() {
        let archer = world.spawn(Archer::default()).id();
        world.register_signal(archer, target, archer_says).unwrap();
        alive.push_back(archer);
        if alive.len() > 10 {
            let oldest = alive.pop_front().unwrap();
            if round % 2 == 0 {
                world
                    .unregister_signal::<Archer, Ping>(oldest, target)
                    .unwrap();
            }
            world.despawn(oldest);
        }
        if round % 101 == 0 {
            most_places = most_places.max(world.signal_footprint().places);
        }
    }
    for archer in alive {
        world.despawn(archer);
    }

    let after = world.signal_footprint();
    assert_eq!(after.registrations, before.registrations);
    assert!(most_places < 100, "{most_places} places for 12 listeners");
    assert!(after.places < 32, "{after:?}");
    assert!(after.heap_bytes < before.heap_bytes + 1_000, "{after:?}");
    assert_eq!(world.send_signal(target, Ping), [veteran]);
}

#[test]
fn million_short_lived_targets_leave_nothing_in_the_books_of_a_long_lived_listener() {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();

    expect_no_growth(&mut world, many() / BATCH, |world| {
        for index in 0..BATCH {
            let target = world.spawn_empty().id();
            world.register_signal(archer, target, Archer::note).unwrap();
            match index % 4 {
                0 => world
                    .unregister_signal::<Archer, Qdeleting>(archer, target)
                    .unwrap(),
                1 => {
                    world.qdel(target).unwrap();
                    world.flush_qdel();
                    continue;
                }
                _ => {}
            }
            world.despawn(target);
        }
    });

    assert!(world.get::<Archer>(archer).unwrap().gone as usize >= many() / 2);
    assert_eq!(world.registrations_of(archer), []);
}

/// Several targets at a time, so that the listener has a map of its own.
#[test]
fn listener_of_a_changing_handful_of_targets_does_not_grow() {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();
    let home = world.spawn_empty().id();
    world.register_signal(archer, home, Archer::note).unwrap();

    expect_no_growth(&mut world, many() / 10, |world| {
        let targets = [(); 5].map(|()| world.spawn_empty().id());
        for target in targets {
            world.register_signal(archer, target, Archer::note).unwrap();
        }
        world
            .unregister_signal::<Archer, Qdeleting>(archer, targets[2])
            .unwrap();
        for target in targets {
            world.qdel(target).unwrap();
        }
        world.flush_qdel();
    });

    assert_eq!(world.registrations_of(archer).len(), 1);
}

/// Registers one listener on very many targets, and does `end` with them.
fn one_listener_of_many(end: impl FnOnce(&mut World, Entity, &[Entity])) {
    let mut world = World::new();
    let archer = world.spawn(Archer::default()).id();
    let rally = |world: &mut World, count: usize| -> Vec<Entity> {
        let targets: Vec<_> = (0..count).map(|_| world.spawn_empty().id()).collect();
        for target in &targets {
            world
                .register_signal(archer, *target, Archer::note)
                .unwrap();
        }
        targets
    };
    for target in rally(&mut world, 10) {
        world.despawn(target);
    }
    let before = world.signal_footprint();
    let targets = rally(&mut world, 100_000);
    assert_eq!(world.signal_footprint().registrations, 100_000);

    end(&mut world, archer, &targets);
    let ended = world.signal_footprint();
    // An entity that was listened to may keep a list until it goes.
    world.despawn_all::<With<SignalTarget>>();

    let after = world.signal_footprint();
    assert_eq!((ended.registrations, ended.places), (0, 0));
    assert_eq!(ended.crowded_listeners, 0);
    // Of some ten million bytes little may be left.
    assert!(
        after.heap_bytes < before.heap_bytes + 64 * 1024,
        "{before:?}, {after:?}"
    );
    assert_eq!(world.registrations_of(archer), []);
}

/// S10: as long as it takes to run.
#[test]
fn hundred_thousand_targets_of_one_listener_are_despawned_oldest_first() {
    one_listener_of_many(|world, _, targets| {
        for target in targets {
            world.despawn(*target);
        }
    });
}

/// S10.
#[test]
fn hundred_thousand_targets_of_one_listener_are_despawned_youngest_first() {
    one_listener_of_many(|world, _, targets| {
        for target in targets.iter().rev() {
            world.despawn(*target);
        }
    });
}

/// S10.
#[test]
fn hundred_thousand_targets_of_one_listener_are_deleted() {
    one_listener_of_many(|world, archer, targets| {
        for targets in targets.chunks(500) {
            for target in targets {
                world.qdel(*target).unwrap();
            }
            assert_eq!(world.flush_qdel(), 500);
        }
        assert_eq!(world.get::<Archer>(archer).unwrap().gone, 100_010);
    });
}

/// S10: the documentation says that it takes constant time.
#[test]
fn listener_of_hundred_thousand_targets_unregisters_oldest_first() {
    one_listener_of_many(|world, archer, targets| {
        for target in targets {
            world
                .unregister_signal::<Archer, Qdeleting>(archer, *target)
                .unwrap();
        }
    });
}

/// S10.
#[test]
fn listener_of_hundred_thousand_targets_unregisters_in_no_order() {
    one_listener_of_many(|world, archer, targets| {
        let mut targets = targets.to_vec();
        targets.sort_by_key(|target| target.index_u32().wrapping_mul(0x9E37_79B9));
        for target in targets {
            world
                .unregister_signal::<Archer, Qdeleting>(archer, target)
                .unwrap();
        }
    });
}

/// S10.
#[test]
fn listener_of_hundred_thousand_targets_is_despawned() {
    one_listener_of_many(|world, archer, _| {
        world.despawn(archer);
    });
}

/// S10.
#[test]
fn target_of_hundred_thousand_listeners_is_despawned() {
    let mut world = World::new();
    let archers: Vec<_> = (0..100_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    let target = world.spawn_empty().id();
    for archer in &archers {
        world
            .register_signal(*archer, target, Archer::note)
            .unwrap();
    }

    world.despawn(target);

    let mut all = world.query::<&Archer>();
    assert!(all.iter(&world).all(|archer| archer.gone == 1));
    assert_eq!(world.signal_footprint().places, 0);
}

/// S6 and S10: in constant time each, wherever they stand in the list.
#[test]
fn hundred_thousand_listeners_of_one_target_unregister_in_no_order() {
    let mut world = World::new();
    let mut archers: Vec<_> = (0..100_000)
        .map(|_| world.spawn(Archer::default()).id())
        .collect();
    let target = world.spawn_empty().id();
    for archer in &archers {
        world.register_signal(*archer, target, archer_says).unwrap();
    }
    archers.sort_by_key(|archer| archer.index_u32().wrapping_mul(0x9E37_79B9));

    for archer in archers {
        world
            .unregister_signal::<Archer, Ping>(archer, target)
            .unwrap();
    }

    assert_eq!(world.signal_footprint().places, 0);
    assert_eq!(world.check_registrations(), Ok(()));
}

#[test]
fn replacing_again_and_again_takes_no_more_room() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archers = [(); 5].map(|()| world.spawn(Archer::default()).id());

    expect_no_growth(&mut world, 1_000, |world| {
        for archer in archers {
            world.replace_signal(archer, target, archer_says).unwrap();
            world.replace_signal(archer, target, archer_shouts).unwrap();
        }
    });

    assert_eq!(world.send_signal(target, Ping), archers);
}

#[test]
fn registering_for_one_call_again_and_again_takes_no_more_room() {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archers = [(); 70].map(|()| world.spawn(Archer::default()).id());

    expect_no_growth(&mut world, 1_000, |world| {
        for archer in archers {
            world
                .register_signal_once(archer, target, archer_says)
                .unwrap();
        }
        assert_eq!(world.send_signal(target, Ping), archers);
    });

    assert_eq!(world.signal_footprint().places, 0);
}

/// Each with three registrations, so each with a map.
#[test]
fn busy_listeners_that_come_and_go_leave_nothing() {
    for way in 0..3 {
        let mut world = World::new();
        let targets = [(); 3].map(|()| world.spawn_empty().id());

        expect_no_growth(&mut world, 100, |world| {
            let soldiers: Vec<_> = (0..100)
                .map(|_| world.spawn((Archer::default(), Guard)).id())
                .collect();
            for soldier in &soldiers {
                for target in targets {
                    world
                        .register_signal(*soldier, target, archer_says)
                        .unwrap();
                }
                world
                    .register_signal(*soldier, targets[0], guard_says)
                    .unwrap();
            }
            assert_eq!(world.signal_footprint().crowded_listeners, 100);
            for soldier in soldiers {
                match way {
                    0 => {
                        world.despawn(soldier);
                    }
                    1 => {
                        world.entity_mut(soldier).remove::<Guard>();
                        world.entity_mut(soldier).remove::<Archer>();
                        assert_eq!(world.registrations_of(soldier), []);
                        world.despawn(soldier);
                    }
                    _ => {
                        world.qdel(soldier).unwrap();
                        world.flush_qdel();
                    }
                }
            }
        });

        assert_eq!(world.signal_footprint().crowded_listeners, 0);
        assert_eq!(world.signal_footprint().registrations, 0);
    }
}

#[test]
fn signals_that_come_and_go_on_one_target_leave_nothing() {
    struct Numbered<const N: usize>;
    impl<const N: usize> Signal for Numbered<N> {
        type Answer = ();
    }
    fn hear<const N: usize>(_: &mut Archer, _: Received<Numbered<N>>) {}
    fn register<const N: usize>(world: &mut World, archer: Entity, target: Entity) {
        world.register_signal(archer, target, hear::<N>).unwrap();
    }
    fn unregister<const N: usize>(world: &mut World, archer: Entity, target: Entity) {
        world
            .unregister_signal::<Archer, Numbered<N>>(archer, target)
            .unwrap();
    }
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archer = world.spawn(Archer::default()).id();

    expect_no_growth(&mut world, 1_000, |world| {
        register::<0>(world, archer, target);
        register::<1>(world, archer, target);
        register::<2>(world, archer, target);
        register::<3>(world, archer, target);
        unregister::<1>(world, archer, target);
        unregister::<0>(world, archer, target);
        register::<1>(world, archer, target);
        unregister::<3>(world, archer, target);
        unregister::<2>(world, archer, target);
        unregister::<1>(world, archer, target);
    });

    assert_eq!(world.signal_footprint().places, 0);
}

/// S13.
#[test]
fn global_registrations_that_come_and_go_leave_nothing() {
    let mut world = World::new();

    expect_no_growth(&mut world, 100, |world| {
        let archers: Vec<_> = (0..100)
            .map(|_| world.spawn(Archer::default()).id())
            .collect();
        for archer in &archers {
            world.register_global_signal(*archer, archer_says).unwrap();
        }
        assert_eq!(world.send_global_signal(Ping), archers);
        for (index, archer) in archers.into_iter().enumerate() {
            if index % 2 == 0 {
                world
                    .unregister_global_signal::<Archer, Ping>(archer)
                    .unwrap();
            }
            world.despawn(archer);
        }
    });
}
