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

use bevy_ecs::{error::Severity, prelude::*, world::DeferredWorld};
use core::time::Duration;
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{QdelError, error::CancelError, prelude::*, statistics::QdelCounts};

use crate::stage::{Immortal, Listener, Told, spawn_noted, told};

const SECOND: Duration = Duration::from_secs(1);

const INSTANT: Duration = Duration::from_nanos(1);

/// What reactions saw, in order.
#[derive(Resource, Default)]
struct Seen(Vec<Liveness>);

fn stage() -> World {
    let mut world = World::new();
    world.init_resource::<Told>();
    world.init_resource::<Seen>();
    world.init_resource::<QdelCounts>();
    world.register_destroy::<Immortal>();
    world
}

fn spawn_many<const N: usize>(world: &mut World) -> [Entity; N] {
    [(); N].map(|()| spawn_noted(world))
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

/// Compares what is said about `entity` with the snapshot of this name.
fn expect(name: &str, said: &str, entity: Entity) {
    let id = format!(r"\b{entity}\b");
    let filters = [(id.as_str(), "[entity]")];
    with_settings!({ filters => filters, omit_expression => true }, {
        assert_snapshot!(name, said);
    });
}
