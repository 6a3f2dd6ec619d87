//! When sweeps happen, and what comes of them: modes, paces, hints, events, counts, warnings, and
//! the assertion for tests.
//!
//! Rules H2 to H4 of the design, and the hints of Q6 that look for an entity. What a sweep empties,
//! and how, is the subject of `sweep.rs`. Entities go by their names.

mod assertion;
mod events;
mod growth;
mod hints;
mod panics;
mod slices;
mod warnings;
mod when;

use crate::stage::{Says, collect_log};
use bevy_ecs::{name::Name, prelude::*, reflect::AppTypeRegistry};
use bevy_reflect::Reflect;
use core::{num::NonZeroU32, time::Duration};
use insta::{assert_snapshot, with_settings};
use proptest::{collection::vec, prelude::*};
use qdel::{
    WorldReferencesExt,
    find::{EntityLabel, ReferenceReport, ReferencesFound},
    prelude::*,
    reference::{AfterRelease, OnLoss, ReferenceVisitor},
    statistics::QdelCounts,
    sweep::{Leftover, LeftoverField, LeftoverState, Mode, Pace, SweepFinished},
    testing::{WorkClock, assert_no_leftovers},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// How many entities a slice looks at, whatever the time.
const SLICE: usize = 128;

/// Its fields are not declared.
#[derive(Component, Reflect, Default, Debug)]
#[reflect(Component)]
struct Mind {
    target: Option<Entity>,
    friends: Vec<Entity>,
}

/// Another one.
#[derive(Component, Reflect, Default, Debug)]
#[reflect(Component)]
struct Grudge {
    against: Option<Entity>,
    since: Option<Entity>,
    over: Option<Entity>,
}

/// Declared, and as it should be.
#[derive(Component, Default, References)]
#[references(on_lost = Friend::panic_if_wanted)]
struct Friend {
    #[entities]
    of: Option<Entity>,
    panics: bool,
}

impl Friend {
    fn panic_if_wanted(&mut self, _: Lost) {
        assert!(!self.panics, "the friend panics");
    }
}

/// The hints for which the entity is looked for.
const HINTS_THAT_LOOK: [DestroyHint; 4] = [
    DestroyHint::FindReferencesOnFail,
    DestroyHint::FindReferences,
    DestroyHint::HardDelete,
    DestroyHint::HardDeleteNow,
];

/// Names no entity, and counts how often it was asked.
#[derive(Component, Clone)]
struct Probe(Arc<Meter>);

#[derive(Default)]
struct Meter {
    visits: AtomicU64,
    /// What a look at a probe takes, in microseconds.
    cost: AtomicU64,
    /// The hand of the clock, in microseconds.
    hand: AtomicU64,
    panics: AtomicBool,
}

impl References for Probe {
    const CASCADES: bool = false;

    fn visit_references<V: ReferenceVisitor>(&self, _: OnLoss, _: &mut V) {
        let Meter {
            visits,
            cost,
            hand,
            panics,
        } = &*self.0;
        visits.fetch_add(1, Ordering::Relaxed);
        hand.fetch_add(cost.load(Ordering::Relaxed), Ordering::Relaxed);
        assert!(
            !panics.swap(false, Ordering::Relaxed),
            "the probe panics once"
        );
    }

    fn release_references(&mut self, _: OnLoss, _: &mut dyn FnMut(Entity) -> bool) -> AfterRelease {
        AfterRelease::Valid
    }
}

impl Meter {
    /// Returns how often probes were looked at since the last call.
    fn take_visits(&self) -> u64 {
        self.visits.swap(0, Ordering::Relaxed)
    }
}

/// What was told, in order.
#[derive(Resource, Reflect, Default)]
#[reflect(Resource)]
struct Story(Vec<String>);

/// Immutable, so that it is inserted again when it is emptied.
#[derive(Component, Reflect, Debug)]
#[component(immutable)]
#[reflect(Component)]
struct Carved {
    whom: Option<Entity>,
}

/// Makes a world that sweeps in a mode, and writes down what is told of sweeps and searches.
fn stage(mode: Mode) -> World {
    let mut world = World::new();
    let registry = AppTypeRegistry::default();
    {
        let mut registry = registry.write();
        registry.register::<Mind>();
        registry.register::<Grudge>();
        registry.register::<Carved>();
        registry.register::<Story>();
    }
    world.insert_resource(registry);
    world.init_resource::<Story>();
    world.insert_resource(QdelSettings::default().with_sweep(mode));
    world.register_destroy::<Says>();
    world.track_references::<Friend>();
    world.track_references::<Probe>();
    // The story is gone if a test clears the world.
    world.add_observer(
        |finished: On<SweepFinished>, story: Option<ResMut<Story>>| {
            if let Some(mut story) = story {
                story.0.push("swept".to_owned());
                story.0.extend(finished.report.leftovers.iter().map(line));
            }
        },
    );
    world.add_observer(|found: On<ReferencesFound>, story: Option<ResMut<Story>>| {
        if let Some(mut story) = story {
            story.0.push(summary(&found.report));
        }
    });
    world
}

fn line(leftover: &Leftover) -> String {
    let holder = name(&leftover.holder);
    let path = &leftover.place.path;
    let target = name(&leftover.target);
    let state = match leftover.state {
        LeftoverState::Emptied => "emptied",
        LeftoverState::Found => "found",
        _ => "left",
    };
    format!("  {holder}{path} named {target}: {state}")
}

fn summary(report: &ReferenceReport) -> String {
    let holders: Vec<_> = report.holders.iter().map(|at| name(&at.label)).collect();
    format!("found: {} in {}", name(&report.target), holders.join(", "))
}

fn name(label: &EntityLabel) -> &str {
    label.name.as_deref().unwrap_or("?")
}

fn sampled(flushes: u32) -> Mode {
    Mode::Sampled(NonZeroU32::new(flushes).unwrap())
}

fn named(world: &mut World, name: &'static str) -> Entity {
    world.spawn(Name::new(name)).id()
}

/// Spawns an entity that answers `hint` when it is destroyed.
fn spawn(world: &mut World, name: &'static str, hint: DestroyHint) -> Entity {
    world.spawn((Name::new(name), Says(hint))).id()
}

/// Spawns many of no interest.
fn spawn_crowd(world: &mut World, count: usize) {
    world.spawn_batch(vec![(); count]).for_each(drop);
}

fn spawn_mind(
    world: &mut World,
    name: &'static str,
    friends: impl IntoIterator<Item = Entity>,
) -> Entity {
    let mind = Mind {
        target: None,
        friends: friends.into_iter().collect(),
    };
    world.spawn((Name::new(name), mind)).id()
}

/// Adds a probe, and returns its meter.
fn add_probe(world: &mut World) -> Arc<Meter> {
    let meter = Arc::new(Meter::default());
    world.spawn(Probe(Arc::clone(&meter)));
    world.sync_references();
    meter.take_visits();
    meter
}

fn flush_many(world: &mut World, count: usize) {
    for _ in 0..count {
        world.flush_qdel();
    }
}

fn friends(world: &World, holder: Entity) -> Vec<Entity> {
    world.get::<Mind>(holder).unwrap().friends.clone()
}

fn story(world: &World) -> Vec<String> {
    world.resource::<Story>().0.clone()
}

fn take_story(world: &mut World) -> Vec<String> {
    core::mem::take(&mut world.resource_mut::<Story>().0)
}

/// Returns how many leftovers and hard deletes were counted.
fn swept_counts(world: &World) -> (u64, u64) {
    let counts = world.resource::<QdelCounts>();
    (counts.leftovers, counts.hard_deletes)
}

/// Returns with what `what` panics, if it does.
fn panic_of<R>(what: impl FnOnce() -> R) -> Option<String> {
    let panicked = catch_unwind(AssertUnwindSafe(what)).err()?;
    let text = match panicked.downcast::<String>() {
        Ok(text) => *text,
        Err(panicked) => (*panicked.downcast::<&str>().unwrap()).to_owned(),
    };
    Some(text)
}

/// Returns what the assertion says, which must fail.
fn failing_assert(world: &mut World) -> String {
    panic_of(|| assert_no_leftovers(world)).expect("somebody should be left")
}
