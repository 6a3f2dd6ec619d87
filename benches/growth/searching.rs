//! Searches, sweeps and figures.

use core::time::Duration;

use bevy_ecs::prelude::*;
use qdel::{prelude::*, sweep::Mode, sweep::Pace};

use crate::{Case, time};

pub(crate) const CASES: &[Case] = &[
    Case::new("find the n that name one", 10_000, find),
    Case::new(
        "find what names the end of a chain of n",
        10_000,
        find_chain,
    ),
    Case::new("text of what names one, n holders", 10_000, find_text),
    Case::new("sweep for n that n fields name", 10_000, sweep),
    Case::new("sweep for n that one list names", 10_000, sweep_list),
    Case::new("text of a sweep for n", 10_000, sweep_text),
    Case::new("sweep n fields in slices", 10_000, sweep_in_slices),
    Case::new("statistics of n deletions of one kind", 10_000, statistics),
];

#[derive(Component, References)]
struct Aim {
    #[entities]
    at: Option<Entity>,
}

#[derive(Component, References)]
struct List {
    #[entities]
    all: Vec<Entity>,
}

#[derive(Component)]
struct Kind;

fn world() -> World {
    let mut world = World::new();
    world.track_references::<Aim>().track_references::<List>();
    world
}

/// One entity that `size` others name.
fn named(size: usize) -> (World, Entity) {
    let mut world = world();
    let target = world.spawn_empty().id();
    for _ in 0..size {
        let at = Some(target);
        world.spawn(Aim { at });
    }
    (world, target)
}

fn find(size: usize) -> Duration {
    let (world, target) = named(size);
    time(|| world.find_references(target))
}

fn find_chain(size: usize) -> Duration {
    let mut world = world();
    let mut last = world.spawn_empty().id();
    let target = last;
    for _ in 0..size {
        let at = Some(last);
        last = world.spawn(Aim { at }).id();
    }
    time(|| world.find_references(target))
}

fn find_text(size: usize) -> Duration {
    let (world, target) = named(size);
    let report = world.find_references(target);
    time(|| report.to_string())
}

/// `size` fields that name one entity each.
fn named_each(size: usize) -> (World, Vec<Entity>) {
    let mut world = world();
    let all: Vec<Entity> = (0..size).map(|_| world.spawn_empty().id()).collect();
    for target in &all {
        let at = Some(*target);
        world.spawn(Aim { at });
    }
    (world, all)
}

fn sweep(size: usize) -> Duration {
    let (mut world, all) = named_each(size);
    time(|| world.sweep_for(all))
}

fn sweep_list(size: usize) -> Duration {
    let (mut world, all) = listed(size);
    time(|| world.sweep_for(all))
}

fn sweep_text(size: usize) -> Duration {
    let (mut world, all) = listed(size);
    let report = world.sweep_for(all);
    time(|| report.to_string())
}

fn listed(size: usize) -> (World, Vec<Entity>) {
    let mut world = world();
    let all: Vec<Entity> = (0..size).map(|_| world.spawn_empty().id()).collect();
    world.spawn(List { all: all.clone() });
    (world, all)
}

fn sweep_in_slices(size: usize) -> Duration {
    let (mut world, _) = named(size);
    let settings = QdelSettings::default()
        .with_sweep(Mode::EachFlush)
        .with_sweep_pace(Pace::Budget(Duration::ZERO));
    world.insert_resource(settings);
    let other = world.spawn_empty().id();
    world.qdel(other).unwrap();
    time(|| {
        for _ in 0..size / 128 + 2 {
            world.flush_qdel();
        }
    })
}

fn statistics(size: usize) -> Duration {
    let mut world = World::new();
    world.register_qdel_kind::<Kind>();
    let all: Vec<Entity> = (0..size).map(|_| world.spawn(Kind).id()).collect();
    time(|| {
        for entity in all {
            world.qdel(entity).unwrap();
        }
        world.flush_qdel();
        world.qdel_statistics()
    })
}
