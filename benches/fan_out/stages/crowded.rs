//! Mobs that watch several targets each.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use super::{Fickle, Rewatching};
use crate::measure::{Case, Stage};

/// How many mobs share a target.
const SHARING: usize = 10;

/// A world in which each mob is about to watch as many targets as the fan-out says.
pub(crate) struct Crowded<V> {
    world: World,
    targets: Vec<Entity>,
    /// Mobs and their targets.
    registrations: Vec<(Entity, Entity)>,
    variant: PhantomData<V>,
}

impl<V: Rewatching> Crowded<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let each = case.setting.fan_out;
        let mut world = World::new();
        V::setup(&mut world);
        let targets: Vec<Entity> = (0..(case.setting.mobs / SHARING).max(each))
            .map(|_| V::spawn_target(&mut world))
            .collect();
        let mobs: Vec<Entity> = (0..case.setting.mobs.div_ceil(each))
            .map(|_| world.spawn(Fickle::default()).id())
            .collect();
        let mut registrations: Vec<_> = (0..case.setting.mobs)
            // The targets of a mob are in a row, and so differ.
            .map(|number| (mobs[number / each], targets[number % targets.len()]))
            .collect();
        registrations.shuffle(&mut ChaCha8Rng::seed_from_u64(case.seed));
        Self {
            world,
            targets,
            registrations,
            variant: PhantomData,
        }
    }
}

impl<V: Rewatching> Stage for Crowded<V> {
    fn act(&mut self) {
        for &(mob, target) in &self.registrations {
            V::watch(&mut self.world, mob, target);
        }
    }

    fn verify(&self) {
        let found = V::watchers(&self.world, &self.targets);
        assert_eq!(found, self.registrations.len(), "registrations of all");
    }
}
