//! One observer for each pair of mob and target.

use bevy_ecs::{
    entity::EntityHashMap,
    lifecycle::Despawn,
    observer::{ObservedBy, Observer},
    prelude::*,
};

use super::{Alarming, Variant};
use crate::scene::{Goblin, Mob};

/// The mob's observer watches its target.
pub(crate) struct Observers;

/// The observer of each mob.
#[derive(Resource, Default)]
struct Ears(EntityHashMap<Entity>);

/// Something that happens to a target that lives on.
#[derive(EntityEvent)]
struct Alarm {
    entity: Entity,
}

impl Variant for Observers {
    fn setup(world: &mut World) {
        world.init_resource::<Ears>();
    }

    fn register(world: &mut World, mob: Entity, target: Entity) {
        let lose = move |_: On<Despawn<Goblin>>, mut mobs: Query<&mut Mob>| {
            if let Ok(mut mob) = mobs.get_mut(mob) {
                mob.lose_target();
            }
        };
        chase(world, mob, target, Observer::new(lose));
    }

    fn retarget(world: &mut World, mob: Entity, target: Entity) {
        stop_listening(world, mob);
        Self::register(world, mob, target);
    }

    fn listener_delete(world: &mut World, mob: Entity) {
        stop_listening(world, mob);
        world.despawn(mob);
    }

    fn registrations(world: &World, targets: &[Entity]) -> usize {
        let observed = targets
            .iter()
            .filter_map(|&target| world.get::<ObservedBy>(target));
        observed.map(|observed| observed.get().len()).sum()
    }
}

impl Alarming for Observers {
    fn watch(world: &mut World, mob: Entity, target: Entity) {
        let hear = move |_: On<Alarm>, mut mobs: Query<&mut Mob>| {
            if let Ok(mut mob) = mobs.get_mut(mob) {
                mob.hear();
            }
        };
        chase(world, mob, target, Observer::new(hear));
    }

    fn alarm(world: &mut World, target: Entity) {
        world.trigger(Alarm { entity: target });
    }
}

fn chase(world: &mut World, mob: Entity, target: Entity, observer: Observer) {
    let ear = world.spawn(observer.with_entity(target)).id();
    world.resource_mut::<Ears>().0.insert(mob, ear);
    if let Some(mut mob) = world.get_mut::<Mob>(mob) {
        mob.target = Some(target);
    }
}

fn stop_listening(world: &mut World, mob: Entity) {
    if let Some(ear) = world.resource_mut::<Ears>().0.remove(&mob) {
        world.despawn(ear);
    }
}
