//! What one writes by hand where listeners are of many kinds, or hear many things: lists of
//! functions.

use std::any::TypeId;

use bevy_ecs::{entity::EntityHashMap, prelude::*};
use bevy_platform::collections::HashMap;

use crate::{
    scene::{Goblin, Position},
    stages::{Chaser, Ear, Mixing, Topic, Topical},
};

/// A function for each listener of each target.
#[derive(Resource, Default)]
pub(crate) struct Functions {
    by_target: EntityHashMap<Vec<(Entity, Function)>>,
    by_topic: HashMap<(Entity, TypeId), Vec<(Entity, Function)>>,
}

type Function = fn(&mut World, Entity);

impl Mixing for Functions {
    fn setup(world: &mut World) {
        world.init_resource::<Self>();
    }

    fn spawn_target(world: &mut World) -> Entity {
        world.spawn((Goblin::default(), Position::default())).id()
    }

    fn watch<C: Chaser>(world: &mut World, mob: Entity, target: Entity) {
        let lose = |world: &mut World, mob: Entity| {
            if let Some(mut mob) = world.get_mut::<C>(mob) {
                mob.lose_target();
            }
        };
        let mut functions = world.resource_mut::<Self>();
        let listeners = functions.by_target.entry(target).or_default();
        listeners.push((mob, lose));
    }

    fn delete(world: &mut World, target: Entity) {
        let listeners = world.resource_mut::<Self>().by_target.remove(&target);
        for (mob, lose) in listeners.into_iter().flatten() {
            lose(world, mob);
        }
        world.despawn(target);
    }
}

impl Topical for Functions {
    fn setup(world: &mut World) {
        world.init_resource::<Self>();
    }

    fn watch<const N: usize>(world: &mut World, ear: Entity, target: Entity) {
        let hear = |world: &mut World, ear: Entity| {
            if let Some(mut ear) = world.get_mut::<Ear>(ear) {
                ear.hear();
            }
        };
        let topic = (target, TypeId::of::<Topic<N>>());
        let mut functions = world.resource_mut::<Self>();
        let listeners = functions.by_topic.entry(topic).or_default();
        listeners.push((ear, hear));
    }

    fn send<const N: usize>(world: &mut World, target: Entity) {
        let topic = (target, TypeId::of::<Topic<N>>());
        let mut functions = world.resource_mut::<Self>();
        let listeners = functions.by_topic.get_mut(&topic).map(std::mem::take);
        let listeners = listeners.unwrap_or_default();
        for &(ear, hear) in &listeners {
            hear(world, ear);
        }
        let mut functions = world.resource_mut::<Self>();
        if let Some(empty) = functions.by_topic.get_mut(&topic) {
            *empty = listeners;
        }
    }
}
