//! Registering and unregistering: who listens to whom, what is refused, and how registrations end.
//!
//! The rules are those of the design: S1 to S6, S10, and S12 to S14.

mod cleaning;
mod commands;
mod deferred;
mod endings;
mod global;
mod handlers;
mod keys;
mod refusals;
mod replacing;

use bevy_ecs::{
    entity::EntityCloner, error::Severity, lifecycle::HookContext, prelude::*,
    resource::IsResource, world::DeferredWorld,
};
use qdel::{
    QdelCause, QdelError, RegisterError, Registered,
    error::UnregisterError,
    prelude::*,
    signal::{Footprint, Registration},
    statistics::QdelCounts,
};
use std::collections::HashSet;

use crate::stage::{Order, complaints, record_complaints};

#[derive(Debug)]
struct Ping;

impl Signal for Ping {
    type Answer = Vec<&'static str>;
}

#[derive(Debug)]
struct Pong;

impl Signal for Pong {
    type Answer = Vec<&'static str>;
}

#[derive(Component, Default, Clone)]
struct Archer {
    causes: Vec<QdelCause>,
}

impl Archer {
    fn note(&mut self, gone: Received<Qdeleting>) {
        self.causes.push(gone.cause);
    }
}

#[derive(Component, Default, Clone)]
struct Guard {
    causes: Vec<QdelCause>,
}

impl Guard {
    fn note(&mut self, gone: Received<Qdeleting>) {
        self.causes.push(gone.cause);
    }
}

/// Cannot be written, so only handlers that take the world can listen for it.
#[derive(Component)]
#[component(immutable)]
struct Statue;

fn archer_says(_: &mut Archer, _: Received<Ping>) -> Vec<&'static str> {
    vec!["archer"]
}

fn archer_shouts(_: &mut Archer, _: Received<Ping>) -> Vec<&'static str> {
    vec!["ARCHER"]
}

fn archer_of_the_world(_: DeferredWorld, _: Received<Ping, Archer>) -> Vec<&'static str> {
    vec!["archer of the world"]
}

fn archer_answers_pong(_: &mut Archer, _: Received<Pong>) -> Vec<&'static str> {
    vec!["archer: pong"]
}

fn guard_says(_: &mut Guard, _: Received<Ping>) -> Vec<&'static str> {
    vec!["guard"]
}

/// Returns all registrations on `entities`, after comparing both sides of the books (S14).
fn registrations(world: &World, entities: &[Entity]) -> Vec<Registration> {
    assert_eq!(world.check_registrations(), Ok(()));
    let on: Vec<_> = entities
        .iter()
        .flat_map(|entity| world.registrations_on(*entity))
        .collect();
    let of: Vec<_> = entities
        .iter()
        .flat_map(|entity| world.registrations_of(*entity))
        .collect();
    assert_eq!(on.len(), of.len(), "on {on:#?}\nof {of:#?}");
    let mirrored: HashSet<_> = of.into_iter().collect();
    assert_eq!(mirrored, on.iter().copied().collect::<HashSet<_>>());
    on
}

fn listeners_on(world: &World, target: Entity) -> Vec<Entity> {
    let on = world.registrations_on(target);
    on.into_iter().map(|on| on.listener).collect()
}

/// How the end of a component is noticed.
#[derive(Clone, Copy, Debug)]
enum Watch {
    /// The component was registered as a listener before anything else.
    Hook,
    /// It was in use before it first listened.
    Observer,
}

/// A world in which each of two listeners listens to each of two targets.
struct Scene {
    world: World,
    target: Entity,
    other: Entity,
    listener: Entity,
    bystander: Entity,
}

impl Scene {
    fn new(watch: Watch) -> Self {
        let mut world = World::new();
        if let Watch::Hook = watch {
            world.register_listener::<Archer>();
            world.register_listener::<Guard>();
        }
        let target = world.spawn_empty().id();
        let other = world.spawn_empty().id();
        let both = (Archer::default(), Guard::default());
        let listener = world.spawn(both.clone()).id();
        let bystander = world.spawn(both).id();
        for target in [target, other] {
            for listener in [listener, bystander] {
                let registered = [
                    world.register_signal(listener, target, archer_says),
                    world.register_signal(listener, target, archer_answers_pong),
                    world.register_signal(listener, target, Archer::note),
                    world.register_signal(listener, target, guard_says),
                ];
                assert_eq!(registered, [Ok(Registered::Now); 4]);
            }
        }
        Self {
            world,
            target,
            other,
            listener,
            bystander,
        }
    }

    fn registrations(&self) -> Vec<Registration> {
        let entities = [self.target, self.other, self.listener, self.bystander];
        registrations(&self.world, &entities)
    }

    /// Does `act` for both kinds of watch, and expects exactly the registrations to end that
    /// `ends`.
    fn ends(act: impl Fn(&mut Scene), ends: impl Fn(&Scene, &Registration) -> bool) {
        for watch in [Watch::Hook, Watch::Observer] {
            let mut scene = Scene::new(watch);
            let mut expected = scene.registrations();
            assert_eq!(expected.len(), 16);

            act(&mut scene);

            expected.retain(|registration| !ends(&scene, registration));
            assert_eq!(scene.registrations(), expected, "{watch:?}");
        }
    }
}

/// Makes a fresh world with a target and an archer.
fn pair() -> (World, Entity, Entity) {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let archer = world.spawn(Archer::default()).id();
    (world, target, archer)
}

/// Registers the handlers of an `Archer` here and there, so that nothing about them is new any
/// more.
fn warm_up(world: &mut World) {
    let targets = [(); 2].map(|()| world.spawn_empty().id());
    let archers = [(); 2].map(|()| world.spawn(Archer::default()).id());
    for target in targets {
        world
            .register_signal(archers[0], target, archer_says)
            .unwrap();
        world
            .register_signal(archers[1], target, archer_of_the_world)
            .unwrap();
        world
            .replace_signal(archers[0], target, archer_says)
            .unwrap();
        world
            .replace_signal(archers[1], target, archer_of_the_world)
            .unwrap();
        for archer in archers {
            world.register_signal(archer, target, Archer::note).unwrap();
        }
    }
    for entity in targets.into_iter().chain(archers) {
        world.despawn(entity);
    }
}
