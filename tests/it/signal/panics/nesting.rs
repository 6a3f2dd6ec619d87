//! Nesting.

use super::*;

#[test]
fn panic_in_a_nested_dispatch_stops_neither() {
    fn echo(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        let listener = world.get::<Listener>(ping.listener()).unwrap();
        listener.ledger.note(ping.listener());
        let other = world.resource::<Other>().0;
        world.send_signal(other, Ping);
        unreachable!("the panic should have gone on");
    }
    #[derive(Resource)]
    struct Other(Entity);
    let mut crowd = Crowd::new(6, Mix::Mixed, Call::Ping);
    let other = crowd.world.spawn_empty().id();
    crowd.world.insert_resource(Other(other));
    for listener in &crowd.listeners {
        crowd
            .world
            .register_signal(*listener, other, hear::<Ping>)
            .unwrap();
    }
    crowd
        .world
        .replace_signal(crowd.listeners[1], crowd.target, echo)
        .unwrap();
    crowd.arm(4);

    let panicked = bomb_of(|| crowd.call());

    let all = &crowd.listeners;
    assert_eq!(panicked, Some(Bomb(4)));
    assert_eq!(crowd.ledger.take(), [&all[..2], all, &all[2..]].concat());
    assert_eq!(crowd.world.check_registrations(), Ok(()));
}

/// On the same list, which must not be stuck in its dispatch afterwards.
#[test]
fn panic_in_a_nested_dispatch_of_the_same_list_leaves_it_whole() {
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }
    fn echo(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        if DEPTH.replace(DEPTH.get() + 1) < 3 {
            world.send_signal(ping.target(), Ping);
        }
        panic_any(Bomb(DEPTH.get()));
    }
    let mut crowd = Crowd::new(4, Mix::Mixed, Call::Ping);
    crowd
        .world
        .replace_signal(crowd.listeners[0], crowd.target, echo)
        .unwrap();

    let panicked = bomb_of(|| crowd.call());

    // Four times the list was sent to, and the inmost panicked first.
    assert_eq!(panicked, Some(Bomb(4)));
    assert_eq!(crowd.ledger.take().len(), 12);
    for listener in &crowd.listeners {
        crowd.world.despawn(*listener);
    }
    assert_eq!(crowd.world.signal_footprint().places, 0);
}

/// A handler may catch what it calls.
#[test]
fn panic_that_a_handler_catches_goes_no_further() {
    fn forgive(mut world: DeferredWorld, ping: Received<Ping, Listener>) {
        let other = world.resource::<Other>().0;
        let panicked = bomb_of(|| world.send_signal(other, Ping));
        assert_eq!(panicked, Some(Bomb(1)));
        overhear(world, ping);
    }
    #[derive(Resource)]
    struct Other(Entity);
    let mut crowd = Crowd::new(3, Mix::Fields, Call::Ping);
    let other = crowd.world.spawn_empty().id();
    crowd.world.insert_resource(Other(other));
    crowd
        .world
        .register_signal(crowd.listeners[1], other, hear::<Ping>)
        .unwrap();
    crowd
        .world
        .replace_signal(crowd.listeners[0], crowd.target, forgive)
        .unwrap();
    crowd.arm(1);
    crowd
        .world
        .unregister_signal::<Listener, Ping>(crowd.listeners[1], crowd.target)
        .unwrap();

    let panicked = bomb_of(|| crowd.call());

    let all = &crowd.listeners;
    assert_eq!(panicked, None);
    assert_eq!(crowd.ledger.take(), [all[1], all[0], all[2]]);
}
