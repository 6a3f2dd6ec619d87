//! S7: no changes.
//! S7: unregistering.
//! S7: registering.
//! S7: replacing.
//! S7: deleting.

use super::*;

// S7: no changes.

/// S7, and S6.
#[test]
fn all_are_called_in_order() {
    each_place(|mut crowd, _| {
        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let listeners = crowd.listeners.clone();
        crowd.expect_next(&listeners);
    });
}

/// S7: places that became free are passed over.
#[test]
fn gaps_in_a_list_are_passed_over() {
    for call in Call::ALL {
        for mix in Mix::ALL {
            let mut crowd = Crowd::new(300, mix, call);
            let is_gone = |index: usize| index % 3 == 1 || (70..150).contains(&index);
            let gone: Vec<_> = (0..300).filter(|index| is_gone(*index)).collect();
            for index in &gone {
                crowd.world.despawn(crowd.listeners[*index]);
            }

            let called = crowd.call();

            assert_eq!(called, without(&crowd.listeners, &gone));
        }
    }
}

/// S7.
#[test]
fn nobody_is_called_twice_for_one_deletion() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(70, mix, Call::Qdel);

        let by_qdel = crowd.call();
        crowd.world.flush_qdel();
        let by_flush = crowd.ledger.take();

        assert_eq!((by_qdel.len(), by_flush.len()), (70, 0));
    }
}

// S7: unregistering.

/// S7: what is unregistered is not called any more.
#[test]
fn unregistered_later_listener_is_not_called() {
    each_place(|mut crowd, actor| {
        let last = crowd.listeners.len() - 1;
        if actor == last {
            return;
        }
        let victims = [actor + 1, last];
        let acts = victims.map(|victim| Act::Unregister(crowd.listeners[victim]));
        crowd.script(actor, acts);

        let called = crowd.call();

        let left = without(&crowd.listeners, &victims);
        assert_eq!(called, left);
        crowd.expect_next(&left);
    });
}

/// S7.
#[test]
fn unregistered_earlier_listener_is_not_called_again() {
    each_place(|mut crowd, actor| {
        let victims: Vec<_> = (0..actor).step_by(2).collect();
        let acts: Vec<_> = victims
            .iter()
            .map(|victim| Act::Unregister(crowd.listeners[*victim]))
            .collect();
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let left = without(&crowd.listeners, &victims);
        crowd.expect_next(&left);
    });
}

/// S7.
#[test]
fn handler_unregisters_itself() {
    each_place(|mut crowd, actor| {
        let itself = Act::Unregister(crowd.listeners[actor]);
        crowd.script(actor, [itself]);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let left = without(&crowd.listeners, &[actor]);
        crowd.expect_next(&left);
    });
}

/// S7.
#[test]
fn handler_unregisters_all() {
    each_place(|mut crowd, actor| {
        let all: Vec<_> = crowd
            .listeners
            .iter()
            .map(|listener| Act::Unregister(*listener))
            .collect();
        crowd.script(actor, all);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners[..=actor]);
        crowd.expect_next(&[]);
    });
}

/// S7: each of the first half unregisters one of the second.
#[test]
fn many_handlers_unregister_later_ones() {
    for size in [2, 64, 128, 200] {
        for call in Call::ALL {
            let mut crowd = Crowd::new(size, Mix::Runs, call);
            for index in 0..size / 2 {
                let act = Act::Unregister(crowd.listeners[size - 1 - index]);
                crowd.script(index, [act]);
            }

            let called = crowd.call();

            assert_eq!(called, crowd.listeners[..size / 2]);
        }
    }
}

// S7: registering.

/// S7: what is registered waits for the next dispatch.
#[test]
fn newly_registered_listener_waits_for_the_next_dispatch() {
    each_place(|mut crowd, actor| {
        let shapes = [Shape::Fields, Shape::World, Shape::OtherFields];
        let newcomers = shapes.map(|shape| (crowd.spawn(), shape));
        let acts = newcomers.map(|(newcomer, shape)| Act::Register(newcomer, shape));
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let mut all = crowd.listeners.clone();
        all.extend(newcomers.map(|(newcomer, _)| newcomer));
        crowd.expect_next(&all);
    });
}

/// S7: enough that the list has to grow several times.
#[test]
fn hundreds_of_newly_registered_listeners_wait_for_the_next_dispatch() {
    for mix in Mix::ALL {
        let mut crowd = Crowd::new(3, mix, Call::Ping);
        let newcomers: Vec<_> = (0..300).map(|_| crowd.spawn()).collect();
        let acts: Vec<_> = newcomers
            .iter()
            .enumerate()
            .map(|(index, newcomer)| Act::Register(*newcomer, mix.shape(index)))
            .collect();
        crowd.script(0, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let all = [crowd.listeners.clone(), newcomers].concat();
        crowd.expect_next(&all);
    }
}

/// S7 and S6.
#[test]
fn handler_that_registers_itself_anew_goes_to_the_end() {
    each_place(|mut crowd, actor| {
        let itself = crowd.listeners[actor];
        let acts = [
            Act::Unregister(itself),
            Act::Register(itself, Shape::Fields),
        ];
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let mut next = without(&crowd.listeners, &[actor]);
        next.push(itself);
        crowd.expect_next(&next);
    });
}

/// S7: who was unregistered and registered is a newcomer.
#[test]
fn later_listener_registered_anew_waits_for_the_next_dispatch() {
    each_place(|mut crowd, actor| {
        let last = crowd.listeners.len() - 1;
        if actor == last {
            return;
        }
        let victim = crowd.listeners[actor + 1];
        let acts = [Act::Unregister(victim), Act::Register(victim, Shape::World)];
        crowd.script(actor, acts);

        let called = crowd.call();

        let left = without(&crowd.listeners, &[actor + 1]);
        assert_eq!(called, left);
        let next = [left, vec![victim]].concat();
        crowd.expect_next(&next);
    });
}

/// S7 and S10: a handler that registers itself anew at each call makes no list grow.
#[test]
fn registering_anew_at_each_call_takes_no_more_room() {
    let mut crowd = Crowd::new(2, Mix::Fields, Call::Ping);
    let actor = crowd.listeners[0];
    crowd.script(0, []);
    let mut places = Vec::new();
    for _ in 0..1_000 {
        let mut listener = crowd.world.get_mut::<Listener>(actor).unwrap();
        listener.script = vec![Act::Unregister(actor), Act::Register(actor, Shape::Actor)];
        assert_eq!(crowd.call().len(), 2);
        places.push(crowd.world.signal_footprint().places);
    }

    let in_the_first_hundred = places[..100].iter().max();
    assert_eq!(places.iter().max(), in_the_first_hundred);
}

// S7: replacing.

/// S7 and S3.
#[test]
fn replaced_handler_of_a_later_listener_is_called_in_its_place() {
    for shape in [Shape::OtherFields, Shape::OtherWorld, Shape::Actor] {
        for size in [2, 5, 66, 130] {
            for mix in Mix::ALL {
                let mut crowd = Crowd::new(size, mix, Call::Ping);
                let last = crowd.listeners[size - 1];
                crowd.script(0, [Act::Replace(last, shape)]);
                let witness = crowd.spawn();
                let speak = Act::Register(witness, Shape::Fields);
                crowd.world.get_mut::<Listener>(last).unwrap().script = vec![speak];

                let called = crowd.call();

                assert_eq!(called, crowd.listeners);
                let mut next = crowd.listeners.clone();
                if shape == Shape::Actor {
                    next.push(witness);
                }
                crowd.expect_next(&next);
            }
        }
    }
}

/// S7 and S3.
#[test]
fn replaced_handler_of_an_earlier_listener_waits_for_the_next_dispatch() {
    each_place(|mut crowd, actor| {
        let acts: Vec<_> = crowd.listeners[..=actor]
            .iter()
            .map(|earlier| Act::Replace(*earlier, Shape::OtherFields))
            .collect();
        crowd.script(actor, acts);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        let listeners = crowd.listeners.clone();
        crowd.expect_next(&listeners);
    });
}

// S7: deleting.

/// S7: a target that is qdel'ed by a handler does not stop the dispatch.
#[test]
fn target_that_a_handler_deletes_does_not_stop_the_dispatch() {
    each_place(|mut crowd, actor| {
        let target = crowd.target;
        crowd.script(actor, [Act::Qdel(target), Act::Qdel(target)]);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        assert_ne!(crowd.world.liveness(target), Liveness::Alive);
        crowd.world.flush_qdel();
        assert_eq!(crowd.world.liveness(target), Liveness::Gone);
        assert_eq!(crowd.ledger.take(), []);
    });
}

/// S7.
#[test]
fn target_that_a_handler_despawns_does_not_stop_the_dispatch() {
    each_place(|mut crowd, actor| {
        let target = crowd.target;
        crowd.script(actor, [Act::Despawn(target)]);

        let called = crowd.call();

        assert_eq!(called, crowd.listeners);
        assert_eq!(crowd.world.liveness(target), Liveness::Gone);
        crowd.world.flush_qdel();
        assert_eq!(crowd.ledger.take(), []);
    });
}

/// S7: commands come after the dispatch, so all entities are still there.
#[test]
fn listener_that_a_handler_deletes_is_called_this_time() {
    for end in [
        Act::Qdel,
        Act::Despawn,
        Act::Remove,
        Act::Overwrite as fn(Entity) -> Act,
    ] {
        each_place(|mut crowd, actor| {
            let mut victims = vec![0, actor, crowd.listeners.len() - 1];
            victims.dedup();
            let acts: Vec<_> = victims
                .iter()
                .map(|victim| end(crowd.listeners[*victim]))
                .collect();
            crowd.script(actor, acts);

            let called = crowd.call();
            crowd.world.flush_qdel();

            assert_eq!(called, crowd.listeners);
            let left = match end(crowd.target) {
                // Another value is no other component.
                Act::Overwrite(_) => crowd.listeners.clone(),
                _ => without(&crowd.listeners, &victims),
            };
            crowd.expect_next(&left);
        });
    }
}

/// S7: a third entity, whose own listeners are told after the dispatch.
#[test]
fn entity_that_a_handler_deletes_is_told_after_the_dispatch() {
    for end in [Act::Qdel, Act::Despawn as fn(Entity) -> Act] {
        each_place(|mut crowd, actor| {
            let third = crowd.world.spawn_empty().id();
            let friend = crowd.spawn();
            register::<Qdeleting>(&mut crowd.world, friend, third, Shape::Fields).unwrap();
            crowd.script(actor, [end(third)]);

            let called = crowd.call();

            let expected = [crowd.listeners.clone(), vec![friend]].concat();
            assert_eq!(called, expected);
        });
    }
}

/// S7: also where the third entity belongs to the crowd.
#[test]
fn listener_that_is_listened_to_is_told_of_after_the_dispatch() {
    for call in Call::ALL {
        let mut crowd = Crowd::new(10, Mix::Runs, call);
        let victim = crowd.listeners[7];
        let friend = crowd.listeners[9];
        register::<Qdeleting>(&mut crowd.world, friend, victim, Shape::World).unwrap();
        crowd.script(2, [Act::Qdel(victim)]);

        let called = crowd.call();
        crowd.world.flush_qdel();

        let expected = [crowd.listeners.clone(), vec![friend]].concat();
        assert_eq!(called, expected);
        let left = without(&crowd.listeners, &[7]);
        crowd.expect_next(&left);
    }
}

/// S7 and S12.
#[test]
fn commands_of_handlers_are_applied_before_sending_returns() {
    let mut crowd = Crowd::new(3, Mix::Worlds, Call::Ping);
    let victim = crowd.spawn();
    crowd.script(0, [Act::Despawn(victim)]);

    crowd.call();

    assert_eq!(crowd.world.liveness(victim), Liveness::Gone);
}

/// S7: on a deferred world they wait, as all commands there.
#[test]
fn commands_of_handlers_wait_where_the_sender_is_deferred() {
    let mut crowd = Crowd::new(3, Mix::Worlds, Call::Ping);
    let victim = crowd.spawn();
    crowd.script(0, [Act::Despawn(victim)]);
    let target = crowd.target;

    DeferredWorld::from(&mut crowd.world).send_signal(target, Ping);

    assert_eq!(crowd.world.liveness(victim), Liveness::Alive);
    crowd.world.flush();
    assert_eq!(crowd.world.liveness(victim), Liveness::Gone);
}
