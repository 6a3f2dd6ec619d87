//! What holds when a handler panics.
//!
//! The rule is S11 of the design: the others are still called, the books are whole, and then the
//! first panic goes on.

mod deletions;
mod nesting;
mod others;
mod places;

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{RegisterError, Registered, prelude::*, statistics::QdelCounts};
use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
};

use crate::stage::{Ledger, Ping};

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
            Call::Qdel => assert_eq!(self.world.qdel(self.target), Ok(QdelOutcome::Queued)),
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
