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
    statistics::{KindCounts, QdelCounts},
    testing::WorkClock,
};
#[cfg(feature = "bevy_reflect")]
use qdel::{WorldReferencesExt, sweep::Mode};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

#[derive(Component)]
struct Goblin;

#[derive(Component)]
struct Orc;

impl Orc {
    fn veto(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }
}

/// Says this when it is destroyed.
#[derive(Component)]
struct Says(DestroyHint);

impl Destroy for Says {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0
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

/// A clock that is turned by hand, in microseconds.
type Hand = Arc<AtomicU64>;

/// Takes so many microseconds.
struct Slow(Hand, u64);

fn slow(hand: &Hand, takes: u64) -> Slow {
    Slow(hand.clone(), takes)
}

impl Slow {
    fn work(&self) {
        self.0.fetch_add(self.1, Ordering::Relaxed);
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

/// Takes its time when it is destroyed.
#[derive(Component)]
struct Ballast(Slow);

impl Destroy for Ballast {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext) -> DestroyHint {
        self.0.work();
        DestroyHint::Queue
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
fn measured_stage() -> (World, Hand) {
    let hand = Hand::default();
    let mut world = stage();
    measure(&mut world, &hand);
    (world, hand)
}

fn measure(world: &mut World, hand: &Hand) {
    let reads = hand.clone();
    world.insert_resource(WorkClock::new(move || {
        Duration::from_micros(reads.load(Ordering::Relaxed))
    }));
    world.insert_resource(QdelSettings::default().with_measure_costs(true));
    world.register_destroy::<Ballast>();
    world.register_destroy::<Panics>();
}

fn goblins(world: &World) -> KindCounts {
    world.kind_counts::<Goblin>().unwrap()
}

fn orcs(world: &World) -> KindCounts {
    world.kind_counts::<Orc>().unwrap()
}

fn others(world: &World) -> KindCounts {
    world.qdel_statistics().others
}

/// Returns those of the counts that there are for all entities too.
fn calls(counts: &KindCounts) -> QdelCounts {
    let mut calls = QdelCounts::default();
    calls.deleted = counts.deleted;
    calls.vetoed = counts.vetoed;
    calls.repeated = counts.repeated;
    calls.refused = counts.refused;
    calls.torn_down = counts.torn_down;
    calls.kept = counts.kept;
    calls.overruled = counts.overruled;
    calls.left_alone = counts.left_alone;
    calls.leftovers = counts.leftovers;
    calls.hard_deletes = counts.hard_deletes;
    calls
}

/// Returns the short names of the kinds in the order of the report.
#[cfg(feature = "bevy_reflect")]
fn names(world: &World) -> Vec<String> {
    let kinds = world.qdel_statistics().kinds.into_iter();
    kinds.map(|kind| kind.short_name).collect()
}
