//! Where the panic is.
//! What is left afterwards.

use super::*;

// Where the panic is.

#[test]
fn panic_of_the_first_handler_keeps_nobody_from_being_called() {
    each_crowd(|crowd| expect_that_all_are_called(crowd, &[0]));
}

#[test]
fn panic_of_a_handler_in_the_middle_keeps_nobody_from_being_called() {
    each_crowd(|crowd| {
        let middle = crowd.listeners.len() / 2;
        expect_that_all_are_called(crowd, &[middle]);
    });
}

#[test]
fn panic_of_the_last_handler_keeps_nobody_from_being_called() {
    each_crowd(|crowd| {
        let last = crowd.listeners.len() - 1;
        expect_that_all_are_called(crowd, &[last]);
    });
}

#[test]
fn panics_of_all_handlers_keep_nobody_from_being_called() {
    each_crowd(|crowd| {
        let all: Vec<_> = (0..crowd.listeners.len()).collect();
        expect_that_all_are_called(crowd, &all);
    });
}

#[test]
fn panics_of_some_handlers_keep_nobody_from_being_called() {
    each_crowd(|crowd| {
        let some: Vec<_> = (0..crowd.listeners.len()).skip(1).step_by(3).collect();
        expect_that_all_are_called(crowd, &some);
    });
}

/// Gaps in the list, and a component that a query does not find, are passed over as ever.
/// A batch is called in the table of its first listener, as far as that goes.
#[test]
fn panics_around_a_listener_of_another_table_keep_nobody_from_being_called() {
    #[derive(Component)]
    struct Hat;

    for call in [Call::Ping, Call::Qdel, Call::Despawn] {
        let mut crowd = Crowd::new(10, Mix::Fields, call);
        let stranger = crowd.listeners[5];
        crowd.world.entity_mut(stranger).insert(Hat);

        expect_that_all_are_called(crowd, &[4, 5, 6, 9]);
    }
}

#[test]
fn panic_between_gaps_keeps_nobody_from_being_called() {
    each_crowd(|mut crowd| {
        if crowd.listeners.len() < 5 {
            return;
        }
        for gap in [1, 3] {
            crowd.world.despawn(crowd.listeners[gap]);
        }
        crowd.arm(0);
        crowd.arm(2);

        let panicked = bomb_of(|| crowd.call());

        let mut left = crowd.listeners.clone();
        left.remove(3);
        left.remove(1);
        assert_eq!(panicked, Some(Bomb(0)));
        assert_eq!(crowd.ledger.take(), left);
    });
}

// What is left afterwards.

#[test]
fn signal_is_sent_as_ever_after_a_panic() {
    each_crowd(|mut crowd| {
        if crowd.call != Call::Ping {
            return;
        }
        for round in 0..3 {
            let place = round % crowd.listeners.len();
            crowd.arm(place);
            assert_eq!(bomb_of(|| crowd.call()), Some(Bomb(place)));
            crowd.ledger.take();
            crowd.disarm_all();

            crowd.call();

            assert_eq!(crowd.ledger.take(), crowd.listeners);
        }
    });
}

/// A list in which a handler panicked is tidied as any other.
#[test]
fn books_shrink_as_ever_after_a_panic() {
    each_crowd(|mut crowd| {
        crowd.arm(0);
        bomb_of(|| crowd.call()).unwrap();

        for listener in &crowd.listeners {
            crowd.world.despawn(*listener);
        }
        crowd.world.flush_qdel();
        if crowd.call == Call::Despawn {
            crowd.world.despawn(crowd.target);
        }

        let footprint = crowd.world.signal_footprint();
        assert_eq!(footprint.registrations, 0);
        assert_eq!(footprint.places, 0);
        assert_eq!(footprint.crowded_listeners, 0);
    });
}

/// Registering works as ever, too: the list is not stuck in its dispatch.
#[test]
fn registrations_come_and_go_after_a_panic() {
    let mut crowd = Crowd::new(3, Mix::Mixed, Call::Ping);
    crowd.arm(1);
    bomb_of(|| crowd.call()).unwrap();
    crowd.disarm_all();
    crowd.ledger.take();
    let target = crowd.target;

    for _ in 0..1_000 {
        let listener = Listener::default();
        let listener = crowd.world.spawn(listener).id();
        crowd
            .world
            .register_signal(listener, target, hear::<Ping>)
            .unwrap();
        crowd
            .world
            .unregister_signal::<Listener, Ping>(listener, target)
            .unwrap();
    }

    let places = crowd.world.signal_footprint().places;
    assert!(places < 40, "{places} places");
    crowd.call();
    assert_eq!(crowd.ledger.take(), crowd.listeners);
}

#[test]
fn registration_for_one_call_is_over_though_its_handler_panics() {
    for handler_of_world in [false, true] {
        let mut crowd = Crowd::new(0, Mix::Fields, Call::Ping);
        let listener = Listener {
            ledger: crowd.ledger.clone(),
            bomb: Some(Bomb(7)),
        };
        let listener = crowd.world.spawn(listener).id();
        let registered = if handler_of_world {
            crowd
                .world
                .register_signal_once(listener, crowd.target, overhear::<Ping>)
        } else {
            crowd
                .world
                .register_signal_once(listener, crowd.target, hear::<Ping>)
        };
        registered.unwrap();

        let first = bomb_of(|| crowd.call());
        let second = bomb_of(|| crowd.call());

        assert_eq!((first, second), (Some(Bomb(7)), None));
        assert_eq!(crowd.world.registrations_of(listener), []);
        assert_eq!(crowd.world.check_registrations(), Ok(()));
    }
}

/// What handlers wanted done is done, also that of the one that panicked.
#[test]
fn commands_of_handlers_are_applied_though_one_panics() {
    fn spawn_and_panic(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        world.commands().spawn(Mark);
        overhear(world, ping);
    }
    #[derive(Component)]
    struct Mark;
    let mut crowd = Crowd::new(3, Mix::Worlds, Call::Ping);
    for listener in crowd.listeners.clone() {
        crowd
            .world
            .replace_signal(listener, crowd.target, spawn_and_panic)
            .unwrap();
    }
    crowd.arm(1);

    let panicked = bomb_of(|| crowd.call());

    assert_eq!(panicked, Some(Bomb(1)));
    assert_eq!(crowd.world.query::<&Mark>().iter(&crowd.world).count(), 3);
}

/// The first panic goes on, also if a command that a handler queued panics after it.
#[test]
fn panic_of_a_handler_comes_before_that_of_a_command() {
    fn queue_bad_command(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        world
            .commands()
            .queue(|_: &mut World| panic_any(Bomb(usize::MAX)));
        overhear(world, ping);
    }
    let mut crowd = Crowd::new(3, Mix::Worlds, Call::Ping);
    crowd
        .world
        .replace_signal(crowd.listeners[0], crowd.target, queue_bad_command)
        .unwrap();
    crowd.arm(1);

    let panicked = bomb_of(|| crowd.call());

    assert_eq!(panicked, Some(Bomb(1)));
    assert_eq!(crowd.ledger.take(), crowd.listeners);
}

/// The same by a deletion.
#[test]
fn panic_of_a_handler_comes_before_that_of_a_command_in_a_deletion() {
    fn queue_bad_command(mut world: DeferredWorld, gone: Received<Qdeleting, Listener>) {
        world
            .commands()
            .queue(|_: &mut World| panic_any(Bomb(usize::MAX)));
        overhear(world, gone);
    }
    let mut crowd = Crowd::new(3, Mix::Worlds, Call::Qdel);
    crowd
        .world
        .replace_signal(crowd.listeners[0], crowd.target, queue_bad_command)
        .unwrap();
    crowd.arm(1);

    let panicked = bomb_of(|| crowd.call());

    assert_eq!(panicked, Some(Bomb(1)));
    assert_eq!(crowd.ledger.take(), crowd.listeners);
    assert_eq!(crowd.world.flush_qdel(), 1);
}

// The stage.

/// Arms `places`, calls, and expects that all handlers are called and the first panic goes on.
fn expect_that_all_are_called(mut crowd: Crowd, places: &[usize]) {
    let first = places.iter().min().map(|place| Bomb(*place));
    for place in places {
        crowd.arm(*place);
    }

    let panicked = bomb_of(|| crowd.call());

    assert_eq!(panicked, first);
    assert_eq!(crowd.ledger.take(), crowd.listeners);
    assert_eq!(crowd.world.check_registrations(), Ok(()));
    let on = crowd.world.registrations_on(crowd.target);
    let expected = match crowd.call {
        Call::Ping => crowd.listeners.len(),
        Call::Qdel | Call::Despawn => 0,
    };
    assert_eq!(on.len(), expected);
    for listener in &crowd.listeners {
        let of = crowd.world.registrations_of(*listener);
        assert_eq!(of.len(), usize::from(expected > 0));
    }
}
