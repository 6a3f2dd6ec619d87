//! How components are destroyed: when `Destroy` is called, in which order and with what, what
//! survives it, and what a deletion costs.
//!
//! Rules Q3, Q5 and Q6 of the design. What the hints lead to is the subject of `hints.rs`.

mod calls;
mod costs;
mod once;
mod panics;
mod reach;

use bevy_ecs::{
    entity_disabling::Disabled,
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    world::DeferredWorld,
};
use core::{cell::RefCell, time::Duration};
use insta::{assert_snapshot, with_settings};
use qdel::{
    Deleting,
    error::DestroyError,
    prelude::*,
    statistics::{EntityCosts, QdelCounts},
    testing::WorkClock,
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// What happened, in order.
#[derive(Resource, Default)]
struct Order(Vec<String>);

#[derive(Component)]
struct Named(&'static str);

/// Writes down that it is destroyed.
#[derive(Component)]
struct Part<const N: usize>;

impl<const N: usize> Destroy for Part<N> {
    type Param = (Names, ResMut<'static, Order>);

    fn destroy(&mut self, going: DestroyContext<Self::Param>) -> DestroyHint {
        let (names, mut order) = going.param;
        let Named(name) = names.get(going.entity).unwrap();
        order.0.push(match N {
            0 => format!("destroyed {name}"),
            _ => format!("destroyed {name} {N}"),
        });
        DestroyHint::Queue
    }
}

type Names = Query<'static, 'static, &'static Named, Allow<Disabled>>;

/// Does what a test wants when it is destroyed.
#[derive(Component)]
struct Meddler {
    hint: DestroyHint,
    meddle: Box<Meddle>,
}

type Meddle = dyn Fn(&mut Commands) + Send + Sync;

impl Destroy for Meddler {
    type Param = (Names, ResMut<'static, Order>, Commands<'static, 'static>);

    fn destroy(&mut self, going: DestroyContext<Self::Param>) -> DestroyHint {
        let (names, mut order, mut commands) = going.param;
        let Named(name) = names.get(going.entity).unwrap();
        order.0.push(format!("destroyed {name}"));
        (self.meddle)(&mut commands);
        self.hint
    }
}

#[derive(Resource)]
struct Ports(Vec<u16>);

#[derive(Component)]
struct Socket {
    port: u16,
}

impl Destroy for Socket {
    type Param = ResMut<'static, Ports>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.retain(|port| *port != self.port);
        self.port = 0;
        DestroyHint::Queue
    }
}

#[derive(Component)]
struct Bomb;

impl Destroy for Bomb {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        panic!("boom");
    }
}

/// One of a long chain.
#[derive(Component, Default)]
struct Link {
    next: Option<Entity>,
    calls: u32,
}

impl Destroy for Link {
    type Param = Commands<'static, 'static>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        self.calls += 1;
        if let Some(next) = self.next {
            going.param.entity(next).qdel();
        }
        DestroyHint::Queue
    }
}

/// Does what a test wants when a target goes away.
#[derive(Component, Clone)]
struct Reaction(Arc<React>);

type React = dyn Fn(&mut DeferredWorld) + Send + Sync;

impl Reaction {
    fn react(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let reaction = world.get::<Self>(told.listener()).unwrap().clone();
        (reaction.0)(&mut world);
    }
}

/// Makes a world that writes down who goes.
fn bare_stage() -> World {
    let mut world = World::new();
    world.init_resource::<Order>();
    world.add_observer(
        |gone: On<Despawn<Named>>,
         names: Query<&Named, Allow<Disabled>>,
         mut order: ResMut<Order>| {
            let Named(name) = names.get(gone.entity).unwrap();
            order.0.push(format!("gone {name}"));
        },
    );
    world
}

/// Makes a world that writes down what happens to whoever is [`Named`].
fn stage() -> World {
    let mut world = bare_stage();
    world.register_destroy::<Meddler>();
    world.register_destroy::<Part<0>>();
    world.register_destroy::<Part<1>>();
    world
}

/// Spawns somebody whose end is written down.
fn spawn(world: &mut World, name: &'static str) -> Entity {
    let entity = world.spawn((Named(name), Part::<0>)).id();
    write_down(world, entity, name);
    entity
}

fn spawn_owned(world: &mut World, name: &'static str, owner: Entity) -> Entity {
    let entity = spawn(world, name);
    world.entity_mut(entity).insert(ChildOf(owner));
    entity
}

/// Spawns somebody who does something when it is destroyed.
fn spawn_meddler(
    world: &mut World,
    name: &'static str,
    hint: DestroyHint,
    meddle: impl Fn(&mut Commands) + Send + Sync + 'static,
) -> Entity {
    let meddle = Box::new(meddle);
    let entity = world.spawn((Named(name), Meddler { hint, meddle })).id();
    write_down(world, entity, name);
    entity
}

fn write_down(world: &mut World, target: Entity, name: &'static str) {
    on_death(world, target, move |world| {
        let mut order = world.resource_mut::<Order>();
        order.0.push(format!("told {name}"));
    });
}

/// Has `reaction` called when `target` goes away.
fn on_death(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(&mut DeferredWorld) + Send + Sync + 'static,
) {
    let listener = world.spawn(Reaction(Arc::new(reaction))).id();
    world
        .register_signal(listener, target, Reaction::react)
        .unwrap();
}

fn note(world: &mut World, line: &str) {
    world.resource_mut::<Order>().0.push(line.to_owned());
}

fn order(world: &World) -> Vec<String> {
    world.resource::<Order>().0.clone()
}

/// Asserts that the books are whole after a panic, and that those `deleted` are torn down by the
/// next flush.
fn assert_whole_after(world: &mut World, deleted: &[&str]) {
    world.check_registrations().unwrap();
    world.resource_mut::<Order>().0.clear();
    assert_eq!(world.flush_qdel(), deleted.len());
    let mut expected: Vec<_> = deleted.iter().map(|name| format!("gone {name}")).collect();
    expected.sort_unstable();
    let mut gone = order(world);
    gone.sort_unstable();
    assert_eq!(gone, expected);
    world.check_registrations().unwrap();
}

/// Runs `work` and returns what it panicked with.
fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(work)) else {
        panic!("it should have panicked");
    };
    match payload.downcast::<&str>() {
        Ok(message) => (*message).to_owned(),
        Err(payload) => *payload
            .downcast::<String>()
            .expect("a panic should have a message"),
    }
}
