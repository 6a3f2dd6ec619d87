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
};
use std::{
    sync::{Arc, Mutex},
    thread,
};

use crate::stage::{Named, Order, noting_world, on_death, order, panic_of};

/// Writes down that it is destroyed.
#[derive(Component)]
struct Part<const N: usize>;

impl<const N: usize> Destroy for Part<N> {
    type Param = (Names, ResMut<'static, Order<String>>);

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
    type Param = (
        Names,
        ResMut<'static, Order<String>>,
        Commands<'static, 'static>,
    );

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

/// Makes a world that notes what happens to each [`Named`] entity.
fn stage() -> World {
    let mut world = noting_world();
    world.register_destroy::<Meddler>();
    world.register_destroy::<Part<0>>();
    world.register_destroy::<Part<1>>();
    world
}

/// Spawns an entity whose end is noted.
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

/// Spawns an entity that does something when it is destroyed.
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
    on_death(world, target, move |world, _| {
        let mut order = world.resource_mut::<Order<String>>();
        order.0.push(format!("told {name}"));
    });
}

fn note(world: &mut World, line: &str) {
    world.resource_mut::<Order<String>>().note(line);
}

/// Asserts that the books are whole after a panic, and that those `deleted` are torn down by the
/// next flush.
fn assert_whole_after(world: &mut World, deleted: &[&str]) {
    world.check_registrations().unwrap();
    world.resource_mut::<Order<String>>().0.clear();
    assert_eq!(world.flush_qdel(), deleted.len());
    let mut expected: Vec<_> = deleted.iter().map(|name| format!("gone {name}")).collect();
    expected.sort_unstable();
    let mut gone = order(world);
    gone.sort_unstable();
    assert_eq!(gone, expected);
    world.check_registrations().unwrap();
}
