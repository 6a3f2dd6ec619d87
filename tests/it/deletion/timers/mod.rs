//! Deletions that come later: when they are due, how they are cancelled, and who forgets them.
//!
//! Rule Q9 of the design, the part on time.

#[cfg(feature = "bevy_time")]
mod app;
mod cancelling;
mod commands;
mod due;
mod inside;
mod model;
mod refusals;
mod weakly_held;

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler, Severity},
    prelude::*,
    world::DeferredWorld,
};
use core::{cell::RefCell, time::Duration};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelError, error::CancelError, prelude::*, statistics::QdelCounts};
use std::panic::{AssertUnwindSafe, catch_unwind};

const SECOND: Duration = Duration::from_secs(1);

const INSTANT: Duration = Duration::from_nanos(1);

/// Who was told about, in order.
#[derive(Resource, Default)]
struct Told(Vec<Entity>);

/// What reactions saw, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Liveness>);

#[derive(Component, Clone)]
struct Listener;

impl Listener {
    fn write_down(mut world: DeferredWorld, told: Received<Qdeleting, Self>) {
        let entity = told.entity;
        world.resource_mut::<Told>().0.push(entity);
    }
}

#[derive(Component)]
struct Immortal;

impl Destroy for Immortal {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        DestroyHint::LetMeLive
    }
}

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Told>();
    world.init_resource::<Seen>();
    world.init_resource::<QdelCounts>();
    world.register_destroy::<Immortal>();
    world
}

/// Spawns somebody whose end is written down.
fn spawn(world: &mut World) -> Entity {
    let entity = world.spawn(Listener).id();
    world
        .register_signal(entity, entity, Listener::write_down)
        .unwrap();
    entity
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn(world))
}

/// Has `reaction` called when the deletion of `target` is observed.
fn on_death(
    world: &mut World,
    target: Entity,
    reaction: impl Fn(DeferredWorld) + Send + Sync + 'static,
) {
    world.add_observer(move |told: On<Qdeleting>, world: DeferredWorld| {
        if told.entity == target {
            reaction(world);
        }
    });
}

fn told(world: &World) -> Vec<Entity> {
    world.resource::<Told>().0.clone()
}

/// Compares what is said about `entity` with the snapshot of this name.
fn expect(name: &str, said: &str, entity: Entity) {
    let id = format!(r"\b{entity}\b");
    let filters = [(id.as_str(), "[entity]")];
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}
