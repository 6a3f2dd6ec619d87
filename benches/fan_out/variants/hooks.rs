//! Component hooks: each target carries a list of its mobs, and hooks keep it and call them.

use bevy_ecs::{lifecycle::HookContext, prelude::*, world::DeferredWorld};

use super::{Alarming, Variant};
use crate::{
    scene::{Goblin, Mob, Position},
    stages::{Fickle, Rewatching},
};

/// The mobs that chase this target, and are told when it is despawned.
#[derive(Component, Default)]
#[component(on_despawn = tell)]
struct Chasers(Vec<Entity>);

/// The fickle mobs that watch this target, and are told when it is despawned.
#[derive(Component, Default)]
#[component(on_despawn = tell_fickle)]
struct Watchers(Vec<Entity>);

/// Lists on the targets, and hooks on both ends.
pub(crate) struct Hooks;

impl Variant for Hooks {
    fn setup(world: &mut World) {
        world.register_component_hooks::<Mob>().on_despawn(leave);
    }

    fn spawn_target(world: &mut World) -> Entity {
        let target = (Goblin::default(), Position::default(), Chasers::default());
        world.spawn(target).id()
    }

    fn register(world: &mut World, mob: Entity, target: Entity) {
        if let Some(mut mob) = world.get_mut::<Mob>(mob) {
            mob.target = Some(target);
        }
        if let Some(mut chasers) = world.get_mut::<Chasers>(target) {
            chasers.0.push(mob);
        }
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        let old = world
            .get_mut::<Mob>(mob)
            .and_then(|mut mob| mob.target.take());
        if let Some(mut chasers) = old.and_then(|old| world.get_mut::<Chasers>(old)) {
            remove(&mut chasers.0, mob);
        }
        Self::register(world, mob, target);
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        let chasers = targets
            .iter()
            .filter_map(|&target| world.get::<Chasers>(target));
        chasers.map(|chasers| chasers.0.len()).sum()
    }
}

impl Alarming for Hooks {
    fn alarm(world: &mut World, target: Entity) {
        let chasers = world.get_mut::<Chasers>(target);
        let chasers = chasers.map_or(Vec::new(), |mut chasers| std::mem::take(&mut chasers.0));
        for &mob in &chasers {
            if let Some(mut mob) = world.get_mut::<Mob>(mob) {
                mob.hear();
            }
        }
        if let Some(mut empty) = world.get_mut::<Chasers>(target) {
            empty.0 = chasers;
        }
    }
}

impl Rewatching for Hooks {
    fn setup(_world: &mut World) {}

    fn spawn_target(world: &mut World) -> Entity {
        let target = (Goblin::default(), Position::default(), Watchers::default());
        world.spawn(target).id()
    }

    fn watch(world: &mut World, fickle: Entity, target: Entity) {
        if let Some(mut watchers) = world.get_mut::<Watchers>(target) {
            watchers.0.push(fickle);
        }
    }

    fn delete(world: &mut World, target: Entity) {
        world.despawn(target);
    }

    fn watchers(world: &World, targets: &[Entity]) -> usize {
        let watchers = targets
            .iter()
            .filter_map(|&target| world.get::<Watchers>(target));
        watchers.map(|watchers| watchers.0.len()).sum()
    }
}

/// Runs when a target is despawned, which is still whole.
fn tell(mut world: DeferredWorld, context: HookContext) {
    let chasers = world.get_mut::<Chasers>(context.entity);
    let chasers = chasers.map_or(Vec::new(), |mut chasers| std::mem::take(&mut chasers.0));
    for mob in chasers {
        if let Some(mut mob) = world.get_mut::<Mob>(mob) {
            mob.lose_target();
        }
    }
}

/// Runs when a mob is despawned.
fn leave(mut world: DeferredWorld, context: HookContext) {
    let mob = context.entity;
    let target = world.get::<Mob>(mob).and_then(|mob| mob.target);
    if let Some(mut chasers) = target.and_then(|target| world.get_mut::<Chasers>(target)) {
        remove(&mut chasers.0, mob);
    }
}

/// Runs when a target is despawned that fickle mobs watch.
fn tell_fickle(mut world: DeferredWorld, context: HookContext) {
    let lost = context.entity;
    let watchers = world.get_mut::<Watchers>(lost);
    let watchers = watchers.map_or(Vec::new(), |mut watchers| std::mem::take(&mut watchers.0));
    for fickle in watchers {
        let Some(mut mob) = world.get_mut::<Fickle>(fickle) else {
            continue;
        };
        let wishes = mob.lose(lost);
        let other = wishes.unwatch;
        if let Some(mut left) = other.and_then(|other| world.get_mut::<Watchers>(other)) {
            remove(&mut left.0, fickle);
        }
        let next = wishes.watch;
        if let Some(mut joined) = next.and_then(|next| world.get_mut::<Watchers>(next)) {
            joined.0.push(fickle);
        }
    }
}

fn remove(list: &mut Vec<Entity>, mob: Entity) {
    if let Some(place) = list.iter().position(|&listed| listed == mob) {
        list.swap_remove(place);
    }
}
