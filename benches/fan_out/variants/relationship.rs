//! Bevy's relationships: the mob's target is a component, which Bevy removes when the target is
//! gone.
//!
//! The mob is told by a hook on that removal. Its `Mob::target` stays empty: the component is the
//! field.

use std::marker::PhantomData;

use bevy_ecs::{
    entity::EntityHashSet,
    lifecycle::HookContext,
    prelude::*,
    relationship::{Relationship, RelationshipTarget},
    world::DeferredWorld,
};

use super::{Alarming, Variant};
use crate::scene::Mob;

/// The target of a mob, in table storage.
#[derive(Component)]
#[relationship(relationship_target = ChasedBy)]
#[component(on_remove = count_notice)]
pub(crate) struct Chases(Entity);

/// The mobs that chase this target.
#[derive(Component)]
#[relationship_target(relationship = Chases)]
pub(crate) struct ChasedBy(Vec<Entity>);

/// The target of a mob, in sparse-set storage.
#[derive(Component)]
#[relationship(relationship_target = SparseChasedBy)]
#[component(storage = "SparseSet", on_remove = count_notice)]
pub(crate) struct SparseChases(Entity);

/// The mobs that chase this target, as a set.
#[derive(Component)]
#[relationship_target(relationship = SparseChases)]
pub(crate) struct SparseChasedBy(EntityHashSet);

/// Runs when Bevy removes the relationship: by a command, after the target's despawn.
fn count_notice(mut world: DeferredWorld, context: HookContext) {
    if let Some(mut mob) = world.get_mut::<Mob>(context.entity) {
        mob.lose_target();
    }
}

/// Mobs whose target is an `R`.
pub(crate) struct Related<R>(PhantomData<R>);

impl<R: Relationship> Variant for Related<R> {
    fn register(world: &mut World, mob: Entity, target: Entity) {
        world.entity_mut(mob).insert(R::from(target));
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        world.entity_mut(mob).insert(R::from(target));
    }

    fn target_of(world: &World, mob: Entity) -> Option<Entity> {
        world.get::<R>(mob).map(R::get)
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        targets
            .iter()
            .filter_map(|&target| world.get::<R::RelationshipTarget>(target))
            .map(R::RelationshipTarget::len)
            .sum()
    }
}

impl<R: Relationship> Alarming for Related<R> {
    fn alarm(world: &mut World, target: Entity) {
        // The list cannot be taken out of its component, and not be read while the mobs are
        // written.
        let chasers = world.get::<R::RelationshipTarget>(target);
        let chasers: Vec<Entity> = chasers.map_or(Vec::new(), |chasers| {
            RelationshipTarget::iter(chasers).collect()
        });
        for mob in chasers {
            if let Some(mut mob) = world.get_mut::<Mob>(mob) {
                mob.hear();
            }
        }
    }
}
