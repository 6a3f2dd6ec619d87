//! What a `DeferredWorld` registers where a command must do the rest: it is in the books at once.
//!
//! The rules are those of the design: S4, S6, S10, S12 and S14.

mod books;
mod ends;
mod model;

use bevy_ecs::{
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    lifecycle::{HookContext, Remove},
    prelude::*,
    world::DeferredWorld,
};
use proptest::prelude::*;
use qdel::{
    QdelCause, RegisterError, Registered,
    error::{RetargetError, UnregisterError},
    prelude::*,
};
use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::stage::listeners_on;

struct Ping;

impl Signal for Ping {
    type Answer = Vec<u32>;
}

#[derive(Component, Default, Clone)]
struct Mob {
    lost: Vec<(Entity, QdelCause)>,
}

/// A handler that was not used yet: one for each `N`.
fn says<const N: u32>(_: &mut Mob, _: Received<Ping>) -> Vec<u32> {
    vec![N]
}

/// The same, of the world.
fn shouts<const N: u32>(_: DeferredWorld, _: Received<Ping, Mob>) -> Vec<u32> {
    vec![N]
}

fn note<const N: u32>(mob: &mut Mob, lost: Received<Qdeleting>) {
    mob.lost.push((lost.target(), lost.cause));
}

fn note_by_the_world<const N: u32>(mut world: DeferredWorld, lost: Received<Qdeleting, Mob>) {
    let mut mob = world.get_mut::<Mob>(lost.listener()).unwrap();
    mob.lost.push((lost.target(), lost.cause));
}

/// Makes a world with a registration, a target without listeners and some
/// mobs.
fn world_with_books<const N: usize>() -> (World, Entity, [Entity; N]) {
    let mut world = World::new();
    let pupil = world.spawn(Mob::default()).id();
    world.register_signal(pupil, pupil, says::<0>).unwrap();
    world.despawn(pupil);
    let target = world.spawn_empty().id();
    let mobs = [(); N].map(|()| world.spawn(Mob::default()).id());
    (world, target, mobs)
}

fn deferred(world: &mut World) -> DeferredWorld<'_> {
    DeferredWorld::from(world)
}

fn lost(world: &World, mob: Entity) -> Vec<(Entity, QdelCause)> {
    world.get::<Mob>(mob).unwrap().lost.clone()
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    /// Whether it went well.
    Done(bool),
    /// Whether it went well for `Ping`, and for `Qdeleting`.
    Both(bool, bool),
    Ended(usize),
    Said(Vec<u32>),
    /// Who listens, by their places, once it was done.
    Listeners(Vec<(usize, Vec<usize>)>),
}
