//! Deleting entities without listeners.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use crate::{
    measure::{Case, Stage},
    scene::{Mob, Position},
    variants::Variant,
};

/// How many mobs listen to the one entity that stays.
const CROWD: usize = 100;

/// Many entities that are not chased, and one that is, so that each needs a look.
pub(crate) struct Bystanders<V> {
    world: World,
    mobs: Vec<Entity>,
    chased: Entity,
    doomed: Vec<Entity>,
    variant: PhantomData<V>,
}

impl<V: Variant> Bystanders<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let mut world = World::new();
        V::setup(&mut world);
        let chased = V::spawn_target(&mut world);
        let mobs: Vec<Entity> = (0..CROWD)
            .map(|_| world.spawn((Mob::default(), Position::default())).id())
            .collect();
        for &mob in &mobs {
            V::register(&mut world, mob, chased);
        }
        V::settle(&mut world);

        let mut doomed: Vec<Entity> = (0..case.setting.mobs)
            .map(|_| V::spawn_target(&mut world))
            .collect();
        doomed.shuffle(&mut ChaCha8Rng::seed_from_u64(case.seed));
        Self {
            world,
            mobs,
            chased,
            doomed,
            variant: PhantomData,
        }
    }
}

impl<V: Variant> Stage for Bystanders<V> {
    fn act(&mut self) {
        V::delete_targets(&mut self.world, &self.doomed);
    }

    fn verify(&self) {
        for &entity in &self.doomed {
            let is_spawned = self.world.entities().contains_spawned(entity);
            assert!(!is_spawned, "{entity} should be gone");
        }
        for &mob in &self.mobs {
            let target = V::target_of(&self.world, mob);
            assert_eq!(target, Some(self.chased), "{mob} should have lost nothing");
        }
        if V::TELLS {
            let found = V::registrations(&self.world, &[self.chased]);
            assert_eq!(found, CROWD, "registrations on what stayed");
        }
    }
}
