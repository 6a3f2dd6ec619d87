//! Deleting entities that own others, which own others.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use crate::{
    measure::{Case, Stage},
    scenario::Scenario,
    variants::Variant,
};

/// Chains in which each entity is owned by the one before, or families in which all are owned by
/// the first.
pub(crate) struct Chains<V> {
    world: World,
    links: Vec<Entity>,
    /// The first link of each chain, in the order in which they are deleted.
    roots: Vec<Entity>,
    variant: PhantomData<V>,
}

impl<V: Variant> Chains<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let mut world = World::new();
        V::setup(&mut world);
        let links: Vec<Entity> = (0..case.setting.mobs)
            .map(|_| V::spawn_target(&mut world))
            .collect();
        let mut roots = Vec::new();
        for chain in links.chunks(case.setting.fan_out) {
            roots.push(chain[0]);
            for pair in chain.windows(2) {
                let owner = match case.setting.scenario {
                    Scenario::WideDelete => chain[0],
                    _ => pair[0],
                };
                world.entity_mut(pair[1]).insert(ChildOf(owner));
            }
        }
        roots.shuffle(&mut ChaCha8Rng::seed_from_u64(case.seed));
        Self {
            world,
            links,
            roots,
            variant: PhantomData,
        }
    }
}

impl<V: Variant> Stage for Chains<V> {
    fn act(&mut self) {
        V::delete_targets(&mut self.world, &self.roots);
    }

    fn verify(&self) {
        for &link in &self.links {
            let is_spawned = self.world.entities().contains_spawned(link);
            assert!(!is_spawned, "{link} should be gone");
        }
    }
}
