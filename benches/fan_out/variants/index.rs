//! What one writes by hand: a resource with the chasers of each target, and delete calls that look
//! into it.

use bevy_ecs::{
    entity::{EntityHashMap, EntityIndexSet},
    prelude::*,
};

use super::{Alarming, Variant};
use crate::{
    scene::{Goblin, Mob, Position},
    stages::{Fickle, Rewatching},
};

/// The chasers of each target.
#[derive(Resource, Default)]
pub(crate) struct Index<L: Listeners> {
    by_target: EntityHashMap<L>,
}

/// The mobs that chase one target.
pub(crate) trait Listeners:
    Default + Send + Sync + 'static + IntoIterator<Item = Entity>
{
    fn add(&mut self, mob: Entity);
    fn remove(&mut self, mob: Entity);
    fn entities(&self) -> impl Iterator<Item = Entity>;
    fn count(&self) -> usize;
}

impl Listeners for Vec<Entity> {
    fn add(&mut self, mob: Entity) {
        self.push(mob);
    }

    fn remove(&mut self, mob: Entity) {
        if let Some(place) = self.iter().position(|&listener| listener == mob) {
            self.swap_remove(place);
        }
    }

    fn entities(&self) -> impl Iterator<Item = Entity> {
        self.as_slice().iter().copied()
    }

    fn count(&self) -> usize {
        self.len()
    }
}

impl Listeners for EntityIndexSet {
    fn add(&mut self, mob: Entity) {
        self.insert(mob);
    }

    fn remove(&mut self, mob: Entity) {
        self.swap_remove(&mob);
    }

    fn entities(&self) -> impl Iterator<Item = Entity> {
        self.as_slice().iter().copied()
    }

    fn count(&self) -> usize {
        self.len()
    }
}

impl<L: Listeners> Index<L> {
    fn add(&mut self, mob: Entity, target: Entity) {
        self.by_target.entry(target).or_default().add(mob);
    }

    fn remove(&mut self, mob: Entity, target: Entity) {
        if let Some(listeners) = self.by_target.get_mut(&target) {
            listeners.remove(mob);
        }
    }
}

impl<L: Listeners> Variant for Index<L> {
    fn setup(world: &mut World) {
        world.insert_resource(Self {
            by_target: EntityHashMap::default(),
        });
    }

    fn register(world: &mut World, mob: Entity, target: Entity) {
        if let Some(mut mob) = world.get_mut::<Mob>(mob) {
            mob.target = Some(target);
        }
        world.resource_mut::<Self>().add(mob, target);
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        let old = world
            .get_mut::<Mob>(mob)
            .and_then(|mut mob| mob.target.take());
        if let Some(old) = old {
            world.resource_mut::<Self>().remove(mob, old);
        }
        Self::register(world, mob, target);
    }

    fn delete_targets(world: &mut World, targets: &[Entity]) {
        for &target in targets {
            let listeners = world.resource_mut::<Self>().by_target.remove(&target);
            for mob in listeners.into_iter().flatten() {
                if let Some(mut mob) = world.get_mut::<Mob>(mob) {
                    mob.lose_target();
                }
            }
            world.despawn(target);
        }
    }

    fn listener_delete(world: &mut World, mob: Entity) {
        if let Some(target) = world.get::<Mob>(mob).and_then(|mob| mob.target) {
            world.resource_mut::<Self>().remove(mob, target);
        }
        world.despawn(mob);
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        let index = world.resource::<Self>();
        targets
            .iter()
            .filter_map(|target| index.by_target.get(target))
            .map(L::count)
            .sum()
    }
}

impl<L: Listeners> Alarming for Index<L> {
    fn alarm(world: &mut World, target: Entity) {
        let mut index = world.resource_mut::<Self>();
        let listeners = index.by_target.get_mut(&target).map(std::mem::take);
        let listeners = listeners.unwrap_or_default();
        for mob in listeners.entities() {
            if let Some(mut mob) = world.get_mut::<Mob>(mob) {
                mob.hear();
            }
        }
        let mut index = world.resource_mut::<Self>();
        if let Some(empty) = index.by_target.get_mut(&target) {
            *empty = listeners;
        }
    }
}

impl<L: Listeners> Rewatching for Index<L> {
    fn setup(world: &mut World) {
        <Self as Variant>::setup(world);
    }

    fn spawn_target(world: &mut World) -> Entity {
        world.spawn((Goblin::default(), Position::default())).id()
    }

    fn watch(world: &mut World, fickle: Entity, target: Entity) {
        world.resource_mut::<Self>().add(fickle, target);
    }

    fn delete(world: &mut World, target: Entity) {
        let listeners = world.resource_mut::<Self>().by_target.remove(&target);
        for fickle in listeners.into_iter().flatten() {
            let Some(mut mob) = world.get_mut::<Fickle>(fickle) else {
                continue;
            };
            let wishes = mob.lose(target);
            let is_spawned = |entity: &Entity| world.entities().contains_spawned(*entity);
            let next = wishes.watch.filter(is_spawned);
            let mut index = world.resource_mut::<Self>();
            if let Some(other) = wishes.unwatch {
                index.remove(fickle, other);
            }
            if let Some(next) = next {
                index.add(fickle, next);
            }
        }
        world.despawn(target);
    }

    fn watchers(world: &World, targets: &[Entity]) -> usize {
        Self::registrations(world, targets)
    }
}
