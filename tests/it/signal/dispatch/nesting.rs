//! S7: nesting.
//! S7: several signals on one target.

use super::*;

// S7: nesting.

/// S7: the same signal on the same target.
#[test]
fn dispatch_nests_in_itself() {
    for size in SIZES {
        for mix in Mix::ALL {
            for actor in [0, size / 2, size - 1] {
                let mut crowd = Crowd::new(size, mix, Call::Ping);
                let target = crowd.target;
                crowd.script(actor, [Act::Send(target)]);

                let called = crowd.call();

                let all = crowd.listeners.clone();
                let expected = [&all[..=actor], &all, &all[actor + 1..]].concat();
                assert_eq!(called, expected);
                crowd.expect_next(&all);
            }
        }
    }
}

/// S7: each of several actors sends once more, inside of each other.
#[test]
fn dispatch_nests_several_levels_deep() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(70, mix, Call::Ping);
        let target = crowd.target;
        for actor in [10, 20, 30] {
            crowd.script(actor, [Act::Send(target)]);
        }

        let called = crowd.call();

        // The inmost runs first to its end; each level goes on where it was.
        let all = crowd.listeners.clone();
        let expected = [
            &all[..=10],
            &all[..=20],
            &all[..=30],
            &all,
            &all[31..],
            &all[21..],
            &all[11..],
        ]
        .concat();
        assert_eq!(called, expected);
    }
}

/// S7: another signal on the same target, and the same signal on another.
#[test]
fn dispatches_of_other_signals_and_on_other_targets_nest() {
    each_place(|mut crowd, actor| {
        let (target, second_target) = (crowd.target, crowd.world.spawn_empty().id());
        let friends = [(); 5].map(|()| crowd.spawn());
        for (index, friend) in friends.into_iter().enumerate() {
            let shape = Mix::Runs.shape(index);
            let world = &mut crowd.world;
            register::<Pong>(world, friend, target, shape).unwrap();
            register::<Pong>(world, friend, second_target, shape).unwrap();
        }
        crowd.script(actor, [Act::SendPong(target), Act::SendPong(second_target)]);

        let called = crowd.call();

        let (before, after) = crowd.listeners.split_at(actor + 1);
        let expected = [before, &friends, &friends, after].concat();
        assert_eq!(called, expected);
    });
}

/// S7.
#[test]
fn same_signal_nests_on_another_target() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(66, mix, Call::Ping);
        let other = crowd.world.spawn_empty().id();
        for listener in crowd.listeners.clone() {
            register::<Ping>(&mut crowd.world, listener, other, Shape::Fields).unwrap();
        }
        crowd.script(33, [Act::Send(other)]);

        let called = crowd.call();

        let all = crowd.listeners.clone();
        let expected = [&all[..=33], &all, &all[34..]].concat();
        assert_eq!(called, expected);
    }
}

/// S7: what an inner dispatch unregisters is not called by the outer one either.
#[test]
fn unregistering_in_a_nested_dispatch_holds_for_the_outer_one() {
    for size in [4, 10, 66, 130] {
        for mix in Mix::ALL {
            let mut crowd = Crowd::new(size, mix, Call::Ping);
            let (target, last) = (crowd.target, crowd.listeners[size - 1]);
            crowd.script(0, [Act::Send(target)]);
            crowd.script(1, [Act::Unregister(last)]);

            let called = crowd.call();

            let left = without(&crowd.listeners, &[size - 1]);
            let expected = [&left[..1], &left, &left[1..]].concat();
            assert_eq!(called, expected);
            crowd.expect_next(&left);
        }
    }
}

/// S7: a nested dispatch is a next one for what was registered before it, and the outer one is not.
#[test]
fn newly_registered_listener_hears_a_nested_dispatch() {
    for size in [1, 2, 3, 128, 129] {
        for mix in Mix::ALL {
            let mut crowd = Crowd::new(size, mix, Call::Ping);
            let (target, newcomer) = (crowd.target, crowd.spawn());
            let acts = [Act::Register(newcomer, Shape::World), Act::Send(target)];
            crowd.script(0, acts);

            let called = crowd.call();

            let all = crowd.listeners.clone();
            let expected = [&all[..1], &all, &[newcomer], &all[1..]].concat();
            assert_eq!(called, expected);
            let next = [all, vec![newcomer]].concat();
            crowd.expect_next(&next);
        }
    }
}

/// S7: an inner dispatch that empties the list ends the outer one.
#[test]
fn nested_dispatch_that_empties_the_list_ends_the_outer_one() {
    for size in [2, 40, 70] {
        let mut crowd = Crowd::new(size, Mix::Runs, Call::Ping);
        let target = crowd.target;
        let all: Vec<_> = crowd
            .listeners
            .iter()
            .map(|listener| Act::Unregister(*listener))
            .collect();
        crowd.script(0, [Act::Send(target)]);
        crowd.script(1, all);

        let called = crowd.call();

        let expected = [&crowd.listeners[..1], &crowd.listeners[..2]].concat();
        assert_eq!(called, expected);
        crowd.expect_next(&[]);
        let newcomer = crowd.spawn();
        crowd.register(newcomer, Shape::Fields);
        crowd.expect_next(&[newcomer]);
    }
}

/// S7 and S3: a registration for one call is over for inner dispatches, too.
#[test]
fn registration_for_one_call_is_not_called_by_a_nested_dispatch() {
    fn echo(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        let listener = world.get::<Listener>(ping.listener()).unwrap();
        listener.ledger.note(ping.listener());
        world.send_signal(ping.target(), Ping);
    }
    let mut crowd = Crowd::new(5, Mix::Fields, Call::Ping);
    let once = crowd.spawn();
    crowd
        .world
        .register_signal_once(once, crowd.target, echo)
        .unwrap();
    let target = crowd.target;
    let last = crowd.spawn();
    crowd.register(last, Shape::World);

    crowd.world.send_signal(target, Ping);

    let all = crowd.listeners.clone();
    let expected = [&all[..], &[once], &all, &[last], &[last]].concat();
    assert_eq!(crowd.ledger.take(), expected);
}

/// S7: the notice of one target begins inside the dispatch of another only by command, and is
/// whole.
#[test]
fn deletion_in_a_deletion_is_told_after_it() {
    let mut crowd = Crowd::new(10, Mix::Runs, Call::Qdel);
    let chain: Vec<_> = (0..5).map(|_| crowd.spawn()).collect();
    let first = crowd.target;
    for (index, link) in chain.iter().enumerate() {
        // Each deletes itself when the one before it is deleted.
        let before = if index == 0 { first } else { chain[index - 1] };
        register::<Qdeleting>(&mut crowd.world, *link, before, Shape::Actor).unwrap();
        let mut listener = crowd.world.get_mut::<Listener>(*link).unwrap();
        listener.script.push(Act::Qdel(*link));
    }

    let called = crowd.call();

    let expected = [crowd.listeners.clone(), chain.clone()].concat();
    assert_eq!(called, expected);
    assert_eq!(crowd.world.flush_qdel(), 6);
}

// S7: several signals on one target.

/// S7.
#[test]
fn signals_on_one_target_are_apart() {
    let mut crowd = Crowd::new(70, Mix::Runs, Call::Ping);
    let listeners = crowd.listeners.clone();
    for listener in listeners.iter().rev() {
        let world = &mut crowd.world;
        register::<Pong>(world, *listener, crowd.target, Shape::Fields).unwrap();
    }
    for listener in &listeners[..35] {
        let world = &mut crowd.world;
        register::<Qdeleting>(world, *listener, crowd.target, Shape::World).unwrap();
    }
    crowd
        .world
        .unregister_signal::<Listener, Pong>(listeners[69], crowd.target)
        .unwrap();

    let pinged = crowd.call();
    crowd.world.send_signal(crowd.target, Pong);
    let ponged = crowd.ledger.take();
    crowd.world.despawn(crowd.target);
    let told = crowd.ledger.take();

    let mut backwards = listeners[..69].to_vec();
    backwards.reverse();
    assert_eq!(pinged, listeners);
    assert_eq!(ponged, backwards);
    assert_eq!(told, listeners[..35]);
}

/// S7: lists of other signals come and go while one is dispatched.
#[test]
fn handler_empties_the_lists_of_other_signals() {
    fn clear_pong(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        let listener = world.get::<Listener>(ping.listener()).unwrap();
        listener.ledger.note(ping.listener());
        for registration in world.registrations_on(ping.target()) {
            let listener = registration.listener;
            let _ = world.unregister_signal::<Listener, Pong>(listener, ping.target());
        }
    }
    for size in [1, 2, 3, 70] {
        let mut crowd = Crowd::new(size, Mix::Runs, Call::Ping);
        let first = crowd.spawn();
        // The list of pongs stands before or behind that of pings.
        for listener in crowd.listeners.clone() {
            register::<Pong>(&mut crowd.world, listener, crowd.target, Shape::Fields).unwrap();
            register::<Qdeleting>(&mut crowd.world, listener, crowd.target, Shape::Fields).unwrap();
        }
        crowd
            .world
            .register_signal(first, crowd.target, clear_pong)
            .unwrap();
        let last = crowd.spawn();
        crowd.register(last, Shape::Fields);

        let called = crowd.call();

        let expected = [crowd.listeners.clone(), vec![first, last]].concat();
        assert_eq!(called, expected);
        assert!(!crowd.world.has_listeners::<Pong>(crowd.target));
        assert!(crowd.world.has_listeners::<Qdeleting>(crowd.target));
    }
}

/// S7 and Q4: other signals can be sent about a target while its end is told.
#[test]
fn other_signals_reach_a_deleting_target() {
    for call in [Call::Qdel, Call::Despawn] {
        let mut crowd = Crowd::new(3, Mix::Worlds, call);
        let target = crowd.target;
        let friend = crowd.spawn();
        register::<Pong>(&mut crowd.world, friend, target, Shape::Fields).unwrap();
        crowd.script(1, [Act::SendPong(target)]);

        let called = crowd.call();

        let all = crowd.listeners.clone();
        assert_eq!(called, [&all[..2], &[friend], &all[2..]].concat());
    }
}
