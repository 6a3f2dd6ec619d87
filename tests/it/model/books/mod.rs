//! The books in the long run: churn, order, generations, and a comparison with a naive model.
//!
//! The rules are those of the design: S2, S3, S6, S7, S10, S12 and S14, all of them at once.

mod churn;
mod model;
mod tidying;

use bevy_ecs::{
    component::Mutable,
    error::{BevyError, ErrorContext, FallbackErrorHandler},
    prelude::*,
    system::SystemState,
    world::DeferredWorld,
};
use proptest::prelude::*;
use qdel::{
    Registered,
    prelude::*,
    signal::{Footprint, Registration},
};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet, VecDeque},
};

struct Ping;

impl Signal for Ping {
    type Answer = Vec<Entity>;
}

#[derive(Component, Default, Clone)]
struct Archer {
    gone: u32,
}

#[derive(Component, Default, Clone)]
struct Guard;

fn archer_says(_: &mut Archer, ping: Received<Ping>) -> Vec<Entity> {
    vec![ping.listener()]
}

fn archer_shouts(archer: &mut Archer, ping: Received<Ping>) -> Vec<Entity> {
    archer_says(archer, ping)
}

fn guard_says(_: DeferredWorld, ping: Received<Ping, Guard>) -> Vec<Entity> {
    vec![ping.listener()]
}

impl Archer {
    fn note(&mut self, _: Received<Qdeleting>) {
        self.gone += 1;
    }
}

/// Returns how many entities come and go.
///
/// A million in a release build, and wherever `QDEL_LONG_TESTS` is set; a tenth in other debug
/// builds.
fn many() -> usize {
    let is_short = cfg!(debug_assertions) && std::env::var_os("QDEL_LONG_TESTS").is_none();
    if is_short { 100_000 } else { 1_000_000 }
}

const BATCH: usize = 1_000;

/// Does `round` again and again, and expects the books to be as small as after the first time.
fn expect_no_growth(world: &mut World, rounds: usize, mut round: impl FnMut(&mut World)) {
    // The first round warms up: the books keep a spare page.
    round(world);
    let before = world.signal_footprint();

    for _ in 1..rounds {
        round(world);
    }

    assert_eq!(world.signal_footprint(), before);
    assert_eq!(world.check_registrations(), Ok(()));
}
