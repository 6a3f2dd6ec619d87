//! Sending: who is called, in which order, and what happens when handlers change the world
//! meanwhile.
//!
//! The rules are those of the design: S7 to S9, S15, and the roads by which a target can go.

mod answers;
mod changes;
mod despawns;
mod kinds;
mod nesting;
mod observers;
mod skipped;

use bevy_ecs::{
    entity_disabling::{DefaultQueryFilters, Disabled},
    prelude::*,
    world::DeferredWorld,
};
use qdel::{RegisterError, Registered, prelude::*, statistics::QdelCounts};

use crate::stage::{Ledger, Ping};

#[derive(Clone)]
struct Pong;

impl Signal for Pong {
    type Answer = ();
}

#[derive(Component, Clone)]
struct Listener {
    ledger: Ledger,
    /// What it does when it is called the next time, if its handler is that of an actor.
    script: Vec<Act>,
}

/// What a handler does with the signal and the target that it is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Register(Entity, Shape),
    Unregister(Entity),
    Replace(Entity, Shape),
    /// Sends the same signal.
    Send(Entity),
    SendPong(Entity),
    Qdel(Entity),
    /// Despawns by command.
    Despawn(Entity),
    /// Removes the listening component by command.
    Remove(Entity),
    /// Overwrites the listening component by command.
    Overwrite(Entity),
}

/// Which handler a listener has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Fields,
    OtherFields,
    World,
    OtherWorld,
    Actor,
}

fn hear<S: Signal>(listener: &mut Listener, it: Received<S>) -> S::Answer {
    listener.ledger.note(it.listener());
    S::Answer::default()
}

fn hear_too<S: Signal>(listener: &mut Listener, it: Received<S>) -> S::Answer {
    hear(listener, it)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "handlers of this shape take the world by value"
)]
fn overhear<S: Signal>(world: DeferredWorld, it: Received<S, Listener>) -> S::Answer {
    let listener = world.get::<Listener>(it.listener()).unwrap();
    listener.ledger.note(it.listener());
    S::Answer::default()
}

fn overhear_too<S: Signal>(world: DeferredWorld, it: Received<S, Listener>) -> S::Answer {
    overhear(world, it)
}

fn act<S: Signal<Answer = ()> + Clone>(mut world: DeferredWorld, it: Received<S, Listener>) {
    let target = it.target();
    let mut listener = world.get_mut::<Listener>(it.listener()).unwrap();
    listener.ledger.note(it.listener());
    let script = core::mem::take(&mut listener.script);
    for act in script {
        match act {
            Act::Register(entity, shape) => {
                let registered = register::<S>(&mut world, entity, target, shape);
                let is_closed = matches!(registered, Err(RegisterError::TargetDeleting(_)));
                assert!(
                    registered == Ok(Registered::Now) || is_closed,
                    "{registered:?}"
                );
            }
            Act::Unregister(entity) => {
                // Who was told for the last time is not registered any more.
                let _ = world.unregister_signal::<Listener, S>(entity, target);
            }
            Act::Replace(entity, shape) => {
                let replaced = replace::<S>(&mut world, entity, target, shape);
                let is_closed = matches!(replaced, Err(RegisterError::TargetDeleting(_)));
                assert!(
                    replaced == Ok(Registered::Replaced) || is_closed,
                    "{replaced:?}"
                );
            }
            Act::Send(target) => world.send_signal(target, it.signal().clone()),
            Act::SendPong(target) => world.send_signal(target, Pong),
            Act::Qdel(entity) => world.qdel(entity),
            Act::Despawn(entity) => world.commands().entity(entity).despawn(),
            Act::Remove(entity) => {
                world.commands().entity(entity).remove::<Listener>();
            }
            Act::Overwrite(entity) => {
                let listener = world.get::<Listener>(entity).unwrap().clone();
                world.commands().entity(entity).insert(listener);
            }
        }
    }
    assert_eq!(world.check_registrations(), Ok(()));
}

fn register<S: Signal<Answer = ()> + Clone>(
    world: &mut impl WorldSignalExt,
    listener: Entity,
    target: Entity,
    shape: Shape,
) -> Result<Registered, RegisterError> {
    match shape {
        Shape::Fields => world.register_signal(listener, target, hear::<S>),
        Shape::OtherFields => world.register_signal(listener, target, hear_too::<S>),
        Shape::World => world.register_signal(listener, target, overhear::<S>),
        Shape::OtherWorld => world.register_signal(listener, target, overhear_too::<S>),
        Shape::Actor => world.register_signal(listener, target, act::<S>),
    }
}

fn replace<S: Signal<Answer = ()> + Clone>(
    world: &mut impl WorldSignalExt,
    listener: Entity,
    target: Entity,
    shape: Shape,
) -> Result<Registered, RegisterError> {
    match shape {
        Shape::Fields => world.replace_signal(listener, target, hear::<S>),
        Shape::OtherFields => world.replace_signal(listener, target, hear_too::<S>),
        Shape::World => world.replace_signal(listener, target, overhear::<S>),
        Shape::OtherWorld => world.replace_signal(listener, target, overhear_too::<S>),
        Shape::Actor => world.replace_signal(listener, target, act::<S>),
    }
}

/// How the handlers of a crowd are mixed.
#[derive(Clone, Copy, Debug)]
enum Mix {
    Fields,
    Worlds,
    /// Two handlers of fields in turns.
    Turns,
    Runs,
}

impl Mix {
    const ALL: [Self; 4] = [Self::Fields, Self::Worlds, Self::Turns, Self::Runs];

    fn shape(self, index: usize) -> Shape {
        match self {
            Self::Fields => Shape::Fields,
            Self::Worlds => Shape::World,
            Self::Turns => [Shape::Fields, Shape::OtherFields][index % 2],
            // Runs of one to five with the same handler.
            Self::Runs => match b"FWFFGWWHFFFFFGGGW"[index % 17] {
                b'F' => Shape::Fields,
                b'G' => Shape::OtherFields,
                b'W' => Shape::World,
                _ => Shape::OtherWorld,
            },
        }
    }
}

/// How a crowd is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Ping,
    Qdel,
    Despawn,
}

impl Call {
    const ALL: [Self; 3] = [Self::Ping, Self::Qdel, Self::Despawn];
}

/// Around the length of a batch, around the inline room of a list, and around the longest list that
/// needs no dispatch.
const SIZES: [usize; 8] = [1, 2, 3, 4, 5, 128, 129, 256];

struct Crowd {
    world: World,
    call: Call,
    target: Entity,
    /// In order of registration.
    listeners: Vec<Entity>,
    ledger: Ledger,
}

impl Crowd {
    fn new(size: usize, mix: Mix, call: Call) -> Self {
        let mut world = World::new();
        let ledger = Ledger::default();
        let target = world.spawn_empty().id();
        let mut crowd = Self {
            world,
            call,
            target,
            listeners: Vec::new(),
            ledger,
        };
        // All handlers are known to the world, so that nothing has to wait for a command.
        let school = crowd.world.spawn_empty().id();
        for shape in [
            Shape::Fields,
            Shape::OtherFields,
            Shape::World,
            Shape::OtherWorld,
            Shape::Actor,
        ] {
            let pupil = crowd.spawn();
            register::<Ping>(&mut crowd.world, pupil, school, shape).unwrap();
            register::<Pong>(&mut crowd.world, pupil, school, shape).unwrap();
            register::<Qdeleting>(&mut crowd.world, pupil, school, shape).unwrap();
        }
        for index in 0..size {
            let listener = crowd.spawn();
            crowd.register(listener, mix.shape(index));
            crowd.listeners.push(listener);
        }
        crowd
    }

    /// Spawns a listener that has not registered.
    fn spawn(&mut self) -> Entity {
        let listener = Listener {
            ledger: self.ledger.clone(),
            script: Vec::new(),
        };
        self.world.spawn(listener).id()
    }

    fn register(&mut self, listener: Entity, shape: Shape) {
        let registered = match self.call {
            Call::Ping => register::<Ping>(&mut self.world, listener, self.target, shape),
            Call::Qdel | Call::Despawn => {
                register::<Qdeleting>(&mut self.world, listener, self.target, shape)
            }
        };
        assert_eq!(registered, Ok(Registered::Now));
    }

    /// Makes the listener at `index` an actor, in its place.
    fn script(&mut self, index: usize, script: impl IntoIterator<Item = Act>) {
        let listener = self.listeners[index];
        let replaced = match self.call {
            Call::Ping => replace::<Ping>(&mut self.world, listener, self.target, Shape::Actor),
            Call::Qdel | Call::Despawn => {
                replace::<Qdeleting>(&mut self.world, listener, self.target, Shape::Actor)
            }
        };
        assert_eq!(replaced, Ok(Registered::Replaced));
        let mut listener = self.world.get_mut::<Listener>(listener).unwrap();
        listener.script.extend(script);
    }

    /// Calls all, and returns who was called.
    fn call(&mut self) -> Vec<Entity> {
        match self.call {
            Call::Ping => self.world.send_signal(self.target, Ping),
            Call::Qdel => {
                assert_eq!(self.world.qdel(self.target), Ok(QdelOutcome::Queued));
            }
            Call::Despawn => assert!(self.world.despawn(self.target)),
        }
        assert_eq!(self.world.check_registrations(), Ok(()));
        self.ledger.take()
    }

    /// Returns who listens, after comparing both sides of the books.
    fn registered(&self) -> Vec<Entity> {
        let on = self.world.registrations_on(self.target);
        for registration in &on {
            let of = self.world.registrations_of(registration.listener);
            assert_eq!(of.iter().filter(|it| it.target == self.target).count(), 1);
        }
        on.into_iter().map(|on| on.listener).collect()
    }

    /// Expects that a further call reaches `listeners`, if there can be one.
    fn expect_next(&mut self, listeners: &[Entity]) {
        if self.call == Call::Ping {
            assert_eq!(self.registered(), listeners);
            assert_eq!(self.call(), listeners);
        } else {
            assert_eq!(self.registered(), []);
        }
    }
}

/// Runs `test` for each size, mix of handlers, kind of call, and place of an actor.
fn each_place(test: impl Fn(Crowd, usize)) {
    for size in SIZES {
        let mut places = vec![0, size / 2, size - 1];
        places.dedup();
        for mix in Mix::ALL {
            for call in Call::ALL {
                for place in &places {
                    test(Crowd::new(size, mix, call), *place);
                }
            }
        }
    }
}

/// Leaves out the entities at `places`.
fn without(entities: &[Entity], places: &[usize]) -> Vec<Entity> {
    let kept = |(place, _): &(usize, &Entity)| !places.contains(place);
    let kept = entities.iter().enumerate().filter(kept);
    kept.map(|(_, entity)| *entity).collect()
}

/// A signal of the user that is a Bevy event as well.
#[derive(EntityEvent, Clone)]
struct Hit {
    entity: Entity,
    damage: u32,
}

impl Signal for Hit {
    type Answer = u64;

    const OBSERVERS: Option<fn(Self, &mut World)> = Some(|hit, world| world.trigger(hit));
}
