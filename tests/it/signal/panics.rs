//! What holds when a handler panics.
//!
//! The rule is S11 of the design: the others are still called, the books are whole, and then the first
//! panic goes on.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    sync::{Arc, Mutex},
};

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{QdelCounts, RegisterError, Registered, prelude::*};

#[derive(Clone)]
struct Ping;

impl Signal for Ping {
    type Answer = ();
}

/// Who was called, in order.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Vec<Entity>>>);

impl Ledger {
    fn note(&self, entity: Entity) {
        self.0.lock().unwrap().push(entity);
    }

    fn take(&self) -> Vec<Entity> {
        core::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// What a handler panics with: the place of its listener in the crowd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bomb(usize);

#[derive(Component, Clone, Default)]
struct Listener {
    ledger: Ledger,
    bomb: Option<Bomb>,
}

fn hear<S: Signal<Answer = ()>>(listener: &mut Listener, it: Received<S>) {
    listener.ledger.note(it.listener());
    if let Some(bomb) = listener.bomb {
        panic_any(bomb);
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers of this shape take the world by value"
)]
fn overhear<S: Signal<Answer = ()>>(world: DeferredWorld, it: Received<S, Listener>) {
    assert_eq!(world.check_registrations(), Ok(()));
    let listener = world.get::<Listener>(it.listener()).unwrap();
    listener.ledger.note(it.listener());
    if let Some(bomb) = listener.bomb {
        panic_any(bomb);
    }
}

/// Does `act`, and returns what it panicked with.
fn caught(act: impl FnOnce()) -> Option<Box<dyn Any + Send>> {
    catch_unwind(AssertUnwindSafe(act)).err()
}

/// Does `act`, and returns the bomb that went off.
fn bomb_of(act: impl FnOnce()) -> Option<Bomb> {
    caught(act).map(|payload| *payload.downcast::<Bomb>().expect("a bomb"))
}

/// Does `act`, and returns the text that it panicked with.
fn text_of(act: impl FnOnce()) -> Option<String> {
    let payload = caught(act)?;
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned())
}

#[derive(Clone, Copy, Debug)]
enum Mix {
    Fields,
    Worlds,
    Mixed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Ping,
    Qdel,
    Despawn,
}

struct Crowd {
    world: World,
    call: Call,
    target: Entity,
    listeners: Vec<Entity>,
    ledger: Ledger,
}

impl Crowd {
    fn new(size: usize, mix: Mix, call: Call) -> Self {
        let mut world = World::new();
        let ledger = Ledger::default();
        let target = world.spawn_empty().id();
        let listeners = (0..size).map(|index| {
            let listener = Listener {
                ledger: ledger.clone(),
                bomb: None,
            };
            let listener = world.spawn(listener).id();
            let has_fields = match mix {
                Mix::Fields => true,
                Mix::Worlds => false,
                Mix::Mixed => index % 5 < 3,
            };
            let registered = match (call, has_fields) {
                (Call::Ping, true) => world.register_signal(listener, target, hear::<Ping>),
                (Call::Ping, false) => world.register_signal(listener, target, overhear::<Ping>),
                (_, true) => world.register_signal(listener, target, hear::<Qdeleting>),
                (_, false) => world.register_signal(listener, target, overhear::<Qdeleting>),
            };
            assert_eq!(registered, Ok(Registered::Now));
            listener
        });
        let listeners = listeners.collect();
        Self {
            world,
            call,
            target,
            listeners,
            ledger,
        }
    }

    fn arm(&mut self, place: usize) {
        let mut listener = self
            .world
            .get_mut::<Listener>(self.listeners[place])
            .unwrap();
        listener.bomb = Some(Bomb(place));
    }

    fn disarm_all(&mut self) {
        for mut listener in self
            .world
            .query::<&mut Listener>()
            .iter_mut(&mut self.world)
        {
            listener.bomb = None;
        }
    }

    fn call(&mut self) {
        match self.call {
            Call::Ping => self.world.send_signal(self.target, Ping),
            Call::Qdel => assert_eq!(self.world.qdel(self.target), Ok(Qdel::Queued)),
            Call::Despawn => assert!(self.world.despawn(self.target)),
        }
    }
}

/// Runs `test` for each size of a crowd, mix of handlers, and call.
fn each_crowd(test: impl Fn(Crowd)) {
    for size in [1, 2, 3, 5, 128, 129, 260] {
        for mix in [Mix::Fields, Mix::Worlds, Mix::Mixed] {
            for call in [Call::Ping, Call::Qdel, Call::Despawn] {
                test(Crowd::new(size, mix, call));
            }
        }
    }
}

/// Arms `places`, calls, and expects that everybody is called and the first panic goes on.
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

// Nesting.

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

/// It said that it goes, so it takes nobody new.
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

// Other code of the user.

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
    let object = |_: &Listener, _: Received<PreQdel>| -> Verdict { panic!("no idea") };
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
    let object = |_: &Listener, _: Received<PreQdel>| -> Verdict { panic!("no idea") };
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

/// A payload that cannot be dropped costs nobody else a notice (S11).
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
