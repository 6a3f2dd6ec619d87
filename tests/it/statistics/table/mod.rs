//! What deletions did and cost, kind of entity by kind of entity.
//!
//! Rule H3 of the design. The clock of these tests is turned by hand.

mod counts;
mod kinds;
mod report;
mod times;

#[cfg(feature = "bevy_reflect")]
use bevy_ecs::reflect::{AppTypeRegistry, ReflectComponent};
use bevy_ecs::{lifecycle::HookContext, prelude::*, resource::IsResource, world::DeferredWorld};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{
    DestroyContext,
    prelude::*,
    statistics::{KindCosts, KindRow, QdelCounts},
};
#[cfg(feature = "bevy_reflect")]
use qdel::{WorldReferencesExt, sweep::Mode};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use crate::stage::{Ballast, HandClock, Says, Slow, slow};

#[derive(Component)]
struct Goblin;

#[derive(Component)]
struct Orc;

/// Its kind has the short name of another one.
mod cave {
    #[derive(bevy_ecs::component::Component)]
    pub(crate) struct Goblin;
}

impl Orc {
    fn veto(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }
}

/// Says this as well.
#[derive(Component)]
struct SaysToo(DestroyHint);

impl Destroy for SaysToo {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0
    }
}

/// Takes its time when a target goes away.
#[derive(Component)]
struct Watcher(Slow);

impl Watcher {
    fn work(&mut self, _: Received<Qdeleting>) {
        self.0.work();
    }

    fn panic(&mut self, _: Received<Qdeleting>) {
        self.0.work();
        panic!("boom");
    }
}

/// Takes its time and panics when it is destroyed.
#[derive(Component)]
struct Panics(Slow);

impl Destroy for Panics {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0.work();
        panic!("boom");
    }
}

/// Makes a world that knows two kinds.
fn stage() -> World {
    let mut world = World::new();
    world
        .register_qdel_kind::<Goblin>()
        .register_qdel_kind::<Orc>();
    world.register_destroy::<Says>();
    world.register_destroy::<SaysToo>();
    world
}

/// Makes a world that knows two kinds, and in which costs are measured by the hand.
fn measured_stage() -> (World, HandClock) {
    let hand = HandClock::default();
    let mut world = stage();
    measure(&mut world, &hand);
    (world, hand)
}

fn measure(world: &mut World, hand: &HandClock) {
    world.insert_resource(hand.work_clock());
    world.insert_resource(QdelSettings::default().with_measure_costs(true));
    world.register_destroy::<Ballast>();
    world.register_destroy::<Panics>();
}

fn row<M: Component>(world: &World) -> KindRow {
    let statistics = world.qdel_statistics();
    statistics.kind::<M>().unwrap().clone()
}

fn goblins(world: &World) -> QdelCounts {
    row::<Goblin>(world).counts
}

fn orcs(world: &World) -> QdelCounts {
    row::<Orc>(world).counts
}

fn others(world: &World) -> QdelCounts {
    world.qdel_statistics().others.counts
}

/// Returns all that is counted in a row.
fn figures(row: &KindRow) -> (QdelCounts, KindCosts) {
    (row.counts, row.costs)
}

/// Returns the figures of a kind for which nothing was counted.
fn nothing() -> (QdelCounts, KindCosts) {
    Default::default()
}

/// Returns the short names of the kinds in the order of the report.
#[cfg(feature = "bevy_reflect")]
fn names(world: &World) -> Vec<String> {
    let kinds = world.qdel_statistics().kinds.into_iter();
    kinds.map(|kind| kind.short_name).collect()
}
