//! Declared references beside what Bevy does with components: clones, hooks, change detection,
//! resources, immutability.
//!
//! Rules R1, R3, R4 and R6 of the design.

mod copies;
mod immutable;
mod resources;
mod writes;

use bevy_ecs::{
    change_detection::{DetectChanges, Tick},
    entity::{EntityCloner, EntityHashMap, EntityMapper, MapEntities},
    entity_disabling::{DefaultQueryFilters, Disabled},
    lifecycle::HookContext,
    prelude::*,
    world::DeferredWorld,
};
use qdel::{plan::Release, prelude::*, reference::Lost};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::stage::{Order, spawn_many};

#[derive(Component, Debug, Default, Clone, PartialEq, References)]
#[references(on_lost = Mob::mourn)]
struct Mob {
    #[entities]
    target: Option<Entity>,
    #[entities]
    friends: Vec<Entity>,
    #[references]
    marked_by: Vec<(Entity, u32)>,
    #[references(ignore)]
    heard: Vec<Vec<Entity>>,
}

impl Mob {
    fn at(target: Entity) -> Self {
        Self {
            target: Some(target),
            ..Default::default()
        }
    }

    fn mourn(&mut self, lost: Lost) {
        self.heard.push(lost.to_vec());
    }
}

/// Hides its entity; known before anything is tracked.
#[derive(Component)]
struct Asleep;

fn note_insert(mut world: DeferredWorld, _: HookContext) {
    world.resource_mut::<Order>().0.push("inserted");
}

fn note_discard(mut world: DeferredWorld, _: HookContext) {
    world.resource_mut::<Order>().0.push("discarded");
}

fn stage() -> World {
    let mut world = World::new();
    world.track_references::<Mob>();
    world
}

fn planned(world: &mut World, target: Entity) -> Vec<Release> {
    let plan = world.plan_qdel(target);
    plan.deletions[0].released.clone()
}

/// Returns who is known to name `target`, once for each place.
fn holders(world: &mut World, target: Entity) -> Vec<Entity> {
    let planned = planned(world, target);
    planned.iter().map(|at| at.holder).collect()
}
