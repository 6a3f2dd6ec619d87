//! Other code of the user.

use super::*;
use qdel::{Answer, Question};

#[test]
fn panic_of_a_question_lets_the_others_answer_and_goes_on() {
    struct WhoIsThere;
    impl Question for WhoIsThere {
        type Answer = Vec<Entity>;
    }
    let answer = |listener: &Listener, who: Received<WhoIsThere>| {
        listener.ledger.note(who.listener());
        if let Some(bomb) = listener.bomb {
            panic_any(bomb);
        }
        vec![who.listener()]
    };
    let mut crowd = Crowd::new(5, Mix::Fields, Call::Ping);
    for listener in &crowd.listeners {
        crowd
            .world
            .register_signal(*listener, crowd.target, answer)
            .unwrap();
    }
    crowd.arm(3);
    crowd.arm(1);

    let panicked = bomb_of(|| {
        crowd.world.ask_signal(crowd.target, &WhoIsThere);
    });

    assert_eq!(panicked, Some(Bomb(1)));
    assert_eq!(crowd.ledger.take(), crowd.listeners);
}

#[test]
fn panic_of_a_veto_deletes_nothing() {
    let mut crowd = Crowd::new(3, Mix::Fields, Call::Qdel);
    let object = |_: &Listener, _: Received<PreQdel>| -> QdelVerdict { panic!("no idea") };
    crowd
        .world
        .register_signal(crowd.listeners[0], crowd.target, object)
        .unwrap();

    let panicked = text_of(|| crowd.call());

    assert_eq!(panicked.as_deref(), Some("no idea"));
    assert_eq!(crowd.ledger.take(), []);
    assert_eq!(crowd.world.liveness(crowd.target), Liveness::Alive);
    assert_eq!(crowd.world.registrations_on(crowd.target).len(), 4);
}

/// The deletion can be tried again, with nothing left over from the first.
#[test]
fn deletion_works_after_a_veto_that_panicked() {
    let mut crowd = Crowd::new(3, Mix::Fields, Call::Qdel);
    let object = |_: &Listener, _: Received<PreQdel>| -> QdelVerdict { panic!("no idea") };
    crowd
        .world
        .register_signal(crowd.listeners[0], crowd.target, object)
        .unwrap();
    let owned = crowd.world.spawn(ChildOf(crowd.target)).id();
    text_of(|| crowd.call()).unwrap();
    crowd
        .world
        .unregister_signal::<Listener, PreQdel>(crowd.listeners[0], crowd.target)
        .unwrap();

    crowd.call();

    assert_eq!(crowd.ledger.take(), crowd.listeners);
    assert_eq!(crowd.world.flush_qdel(), 2);
    assert_eq!(crowd.world.liveness(owned), Liveness::Gone);
}

#[test]
fn panic_of_a_merge_is_as_one_of_its_handler() {
    #[derive(Default)]
    struct Touchy;
    impl Answer for Touchy {
        fn merge(&mut self, _: Self) {
            panic!("do not touch");
        }
    }
    struct Touch;
    impl Signal for Touch {
        type Answer = Touchy;
    }
    let fields = |listener: &mut Listener, touch: Received<Touch>| {
        listener.ledger.note(touch.listener());
        Touchy
    };
    let mut crowd = Crowd::new(5, Mix::Fields, Call::Ping);
    for listener in &crowd.listeners {
        crowd
            .world
            .register_signal(*listener, crowd.target, fields)
            .unwrap();
    }

    let panicked = text_of(|| {
        crowd.world.send_signal(crowd.target, Touch);
    });

    assert_eq!(panicked.as_deref(), Some("do not touch"));
    assert_eq!(crowd.ledger.take(), crowd.listeners);
}

#[test]
fn panic_of_a_handler_that_is_told_late_goes_to_the_error_handler() {
    thread_local! {
        static COMPLAINTS: Cell<usize> = const { Cell::new(0) };
    }
    fn count(_: BevyError, _: ErrorContext) {
        COMPLAINTS.set(COMPLAINTS.get() + 1);
    }
    let mut crowd = Crowd::new(1, Mix::Fields, Call::Ping);
    crowd.world.insert_resource(FallbackErrorHandler(count));
    crowd.arm(0);
    let (target, listener) = (crowd.target, crowd.listeners[0]);
    crowd.world.despawn(target);

    let mut commands = crowd.world.commands();
    commands
        .entity(listener)
        .register_signal(target, hear::<Qdeleting>);
    crowd.world.flush();

    assert_eq!(COMPLAINTS.get(), 1);
    assert_eq!(crowd.ledger.take(), [listener]);
}

/// Handlers behind the panic see what those before it wrote.
#[test]
fn what_handlers_wrote_before_a_panic_stays() {
    #[derive(Component, Default)]
    struct Tally {
        calls: u32,
    }
    let count = |tally: &mut Tally, _: Received<Ping>| {
        tally.calls += 1;
        assert!(tally.calls != 1, "the first call panics");
    };
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let tallies: Vec<_> = (0..70)
        .map(|_| world.spawn(Tally::default()).id())
        .collect();
    for tally in &tallies {
        world.register_signal(*tally, target, count).unwrap();
    }

    let panicked = text_of(|| world.send_signal(target, Ping));
    world.send_signal(target, Ping);

    assert_eq!(panicked.as_deref(), Some("the first call panics"));
    for tally in tallies {
        assert_eq!(world.get::<Tally>(tally).unwrap().calls, 2);
    }
}

/// A payload that panics when it is dropped, and whose panic does so again.
struct Evil;

impl Drop for Evil {
    fn drop(&mut self) {
        panic_any(Evil);
    }
}

/// A payload that cannot be dropped costs no other listener a notice (S11).
#[test]
fn payloads_that_panic_when_dropped_cost_nobody_a_notice_regression() {
    fn evil<S: Signal<Answer = ()>>(listener: &mut Listener, it: Received<S>) {
        listener.ledger.note(it.listener());
        panic_any(Evil);
    }
    for call in [Call::Ping, Call::Qdel, Call::Despawn] {
        let mut world = World::new();
        let ledger = Ledger::default();
        let target = world.spawn_empty().id();
        let listeners = [(); 3].map(|()| {
            let ledger = ledger.clone();
            world.spawn(Listener { ledger, bomb: None }).id()
        });
        for (at, listener) in listeners.into_iter().enumerate() {
            let registered = match (call, at) {
                (Call::Ping, 2) => world.register_signal(listener, target, hear::<Ping>),
                (Call::Ping, _) => world.register_signal(listener, target, evil::<Ping>),
                (_, 2) => world.register_signal(listener, target, hear::<Qdeleting>),
                _ => world.register_signal(listener, target, evil::<Qdeleting>),
            };
            registered.unwrap();
        }

        let payload = caught(|| match call {
            Call::Ping => world.send_signal(target, Ping),
            Call::Qdel => drop(world.qdel(target)),
            Call::Despawn => drop(world.despawn(target)),
        });

        assert_eq!(ledger.take(), listeners, "{call:?}");
        assert!(payload.as_ref().is_some_and(|payload| payload.is::<Evil>()));
        core::mem::forget(payload);
        assert_eq!(world.check_registrations(), Ok(()), "{call:?}");
    }
}

// The stage.

/// Does `act`, and returns the text that it panicked with.
fn text_of(act: impl FnOnce()) -> Option<String> {
    let payload = caught(act)?;
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}
