//! Plain despawns.
//! Deletions.

use super::*;

// Plain despawns.

/// Bevy leaves an entity alive whose hook panics.
#[test]
fn entity_stays_when_a_handler_panics_in_its_despawn() {
    #[derive(Component, Debug, PartialEq)]
    struct Purse(u32);
    each_crowd(|mut crowd| {
        if crowd.call != Call::Despawn {
            return;
        }
        crowd.world.entity_mut(crowd.target).insert(Purse(7));
        crowd.arm(0);

        bomb_of(|| crowd.call()).unwrap();

        assert_eq!(crowd.world.get::<Purse>(crowd.target), Some(&Purse(7)));
        assert_ne!(crowd.world.liveness(crowd.target), Liveness::Gone);
    });
}

#[test]
fn second_despawn_after_a_panic_tells_nobody_twice_and_works() {
    each_crowd(|mut crowd| {
        if crowd.call != Call::Despawn {
            return;
        }
        crowd.arm(0);
        bomb_of(|| crowd.call()).unwrap();
        crowd.ledger.take();

        let second = bomb_of(|| crowd.call());

        assert_eq!(second, None);
        assert_eq!(crowd.ledger.take(), []);
        assert_eq!(crowd.world.liveness(crowd.target), Liveness::Gone);
        assert_eq!(crowd.world.check_registrations(), Ok(()));
        assert_eq!(crowd.world.signal_footprint().places, 0);
    });
}

/// It said that it goes, so it takes no new listener.
#[test]
fn entity_whose_despawn_panicked_takes_no_registrations() {
    let mut crowd = Crowd::new(3, Mix::Mixed, Call::Despawn);
    crowd.arm(0);
    bomb_of(|| crowd.call()).unwrap();

    let refused = crowd
        .world
        .register_signal(crowd.listeners[1], crowd.target, hear::<Ping>);

    assert!(matches!(refused, Err(RegisterError::TargetDeleting(_))));
}

/// An orderly deletion finishes what a despawn did not.
#[test]
fn qdel_after_a_despawn_that_panicked_tells_nobody_twice_and_works() {
    let mut crowd = Crowd::new(70, Mix::Mixed, Call::Despawn);
    crowd.arm(0);
    bomb_of(|| crowd.call()).unwrap();
    crowd.ledger.take();

    crowd.world.qdel(crowd.target).unwrap();
    crowd.world.flush_qdel();

    assert_eq!(crowd.ledger.take(), []);
    assert_eq!(crowd.world.liveness(crowd.target), Liveness::Gone);
    assert_eq!(crowd.world.signal_footprint().places, 0);
}

/// A listener with more than one registration has books that must be told when a list ends.
#[test]
fn books_of_a_busy_listener_are_whole_after_a_despawn_that_panicked() {
    for finish_by_qdel in [false, true] {
        let mut crowd = Crowd::new(3, Mix::Mixed, Call::Despawn);
        let others = [(); 3].map(|()| crowd.world.spawn_empty().id());
        for listener in &crowd.listeners {
            for other in others {
                crowd
                    .world
                    .register_signal(*listener, other, hear::<Qdeleting>)
                    .unwrap();
            }
        }
        crowd.arm(1);
        bomb_of(|| crowd.call()).unwrap();
        assert_eq!(crowd.world.registrations_of(crowd.listeners[0]).len(), 3);

        if finish_by_qdel {
            crowd.world.qdel(crowd.target).unwrap();
            crowd.world.flush_qdel();
        } else {
            crowd.call();
        }
        crowd.disarm_all();
        for other in others {
            crowd.world.despawn(other);
        }

        let footprint = crowd.world.signal_footprint();
        assert_eq!(footprint.registrations, 0);
        assert_eq!(footprint.crowded_listeners, 0);
        assert_eq!(crowd.ledger.take().len(), 12);
    }
}

#[test]
fn panic_in_a_despawn_by_command_goes_on() {
    let mut crowd = Crowd::new(5, Mix::Mixed, Call::Despawn);
    crowd.arm(2);

    crowd.world.commands().entity(crowd.target).despawn();
    let panicked = bomb_of(|| crowd.world.flush());

    assert_eq!(panicked, Some(Bomb(2)));
    assert_eq!(crowd.ledger.take(), crowd.listeners);
    crowd.call();
    assert_eq!(crowd.ledger.take(), []);
}

/// With an error handler that does not panic, the commands behind it are applied.
#[test]
fn panic_in_a_despawn_by_command_can_be_handled() {
    fn forgive(_: BevyError, _: ErrorContext) {}
    let mut crowd = Crowd::new(5, Mix::Mixed, Call::Despawn);
    crowd.world.insert_resource(FallbackErrorHandler(forgive));
    crowd.arm(2);
    let target = crowd.target;

    let mut commands = crowd.world.commands();
    commands.entity(target).despawn();
    commands.entity(target).despawn();
    crowd.world.flush();

    assert_eq!(crowd.ledger.take(), crowd.listeners);
    assert_eq!(crowd.world.liveness(target), Liveness::Gone);
}

#[test]
fn panic_in_a_despawn_of_all_leaves_the_books_whole() {
    #[derive(Component)]
    struct Doomed;
    let mut crowd = Crowd::new(1, Mix::Fields, Call::Despawn);
    let listener = crowd.listeners[0];
    crowd.world.entity_mut(crowd.target).insert(Doomed);
    for _ in 0..10 {
        let target = crowd.world.spawn(Doomed).id();
        crowd
            .world
            .register_signal(listener, target, hear::<Qdeleting>)
            .unwrap();
    }
    crowd.arm(0);

    let panicked = bomb_of(|| crowd.world.despawn_all::<With<Doomed>>());
    assert_eq!(panicked, Some(Bomb(0)));
    assert_eq!(crowd.world.check_registrations(), Ok(()));
    crowd.disarm_all();
    // Bevy stops at the first panic; what it left is told of the next time.
    crowd.world.despawn_all::<With<Doomed>>();

    assert_eq!(crowd.ledger.take(), [listener; 11]);
    assert_eq!(crowd.world.signal_footprint().registrations, 0);
    assert_eq!(crowd.world.signal_footprint().crowded_listeners, 0);
}

// Deletions.

#[test]
fn entity_is_torn_down_though_a_handler_panicked_in_its_qdel() {
    each_crowd(|mut crowd| {
        if crowd.call != Call::Qdel {
            return;
        }
        crowd.arm(0);
        bomb_of(|| crowd.call()).unwrap();
        crowd.ledger.take();

        assert_eq!(crowd.world.liveness(crowd.target), Liveness::Deleting);
        assert_eq!(crowd.world.flush_qdel(), 1);
        assert_eq!(crowd.world.liveness(crowd.target), Liveness::Gone);
        assert_eq!(crowd.ledger.take(), []);
        assert_eq!(crowd.world.signal_footprint().places, 0);
    });
}

#[test]
fn owned_entities_are_told_of_though_a_handler_of_their_owner_panics() {
    let mut crowd = Crowd::new(5, Mix::Mixed, Call::Qdel);
    let owned: Vec<_> = (0..3)
        .map(|_| crowd.world.spawn(ChildOf(crowd.target)).id())
        .collect();
    for owned in &owned {
        for listener in &crowd.listeners {
            crowd
                .world
                .register_signal(*listener, *owned, hear::<Qdeleting>)
                .unwrap();
        }
    }
    crowd.arm(3);
    crowd.arm(2);

    let panicked = bomb_of(|| crowd.call());

    assert_eq!(panicked, Some(Bomb(2)));
    assert_eq!(crowd.ledger.take(), crowd.listeners.repeat(4));
    assert_eq!(crowd.world.flush_qdel(), 4);
    assert_eq!(crowd.world.resource::<QdelCounts>().deleted, 4);
}

#[test]
fn observers_run_though_a_handler_panics() {
    #[derive(Resource, Default)]
    struct Observed(Vec<Entity>);
    let mut crowd = Crowd::new(2, Mix::Fields, Call::Qdel);
    crowd.world.init_resource::<Observed>();
    crowd
        .world
        .add_observer(|gone: On<Qdeleting>, mut observed: ResMut<Observed>| {
            observed.0.push(gone.entity);
        });
    crowd.arm(0);

    bomb_of(|| crowd.call()).unwrap();

    assert_eq!(crowd.world.resource::<Observed>().0, [crowd.target]);
}

#[test]
fn next_deletion_works_after_one_that_panicked() {
    let mut crowd = Crowd::new(3, Mix::Mixed, Call::Qdel);
    crowd.arm(0);
    let second = crowd.world.spawn_empty().id();
    bomb_of(|| crowd.call()).unwrap();
    crowd.disarm_all();
    crowd.ledger.take();

    crowd
        .world
        .register_signal(crowd.listeners[1], second, hear::<Qdeleting>)
        .unwrap();
    crowd.world.qdel(second).unwrap();

    assert_eq!(crowd.ledger.take(), [crowd.listeners[1]]);
    assert_eq!(crowd.world.flush_qdel(), 2);
}

#[test]
fn panic_in_an_immediate_deletion_goes_on_after_the_tear_down() {
    let mut crowd = Crowd::new(3, Mix::Mixed, Call::Qdel);
    crowd
        .world
        .insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    crowd.arm(1);

    let panicked = bomb_of(|| crowd.call());

    assert_eq!(panicked, Some(Bomb(1)));
    assert_eq!(crowd.ledger.take(), crowd.listeners);
    assert_eq!(crowd.world.liveness(crowd.target), Liveness::Gone);
}
