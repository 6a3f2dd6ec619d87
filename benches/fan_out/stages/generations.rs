//! Targets that come and go on the same few entity indices.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;

use crate::{
    measure::{Case, Stage},
    scene::{Mob, Position},
    variants::Variant,
};

/// How many targets live at a time, and how many mobs chase them.
const HERD: usize = 64;

/// A few mobs that chase one short-lived target after the other.
pub(crate) struct Generations<V> {
    world: World,
    mobs: Vec<Entity>,
    /// How often all targets are replaced.
    frames: usize,
    targets: Vec<Entity>,
    variant: PhantomData<V>,
}

impl<V: Variant> Generations<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let mut world = World::new();
        V::setup(&mut world);
        let mobs = (0..HERD)
            .map(|_| world.spawn((Mob::default(), Position::default())).id())
            .collect();
        Self {
            world,
            mobs,
            frames: case.setting.mobs.div_ceil(HERD),
            targets: Vec::new(),
            variant: PhantomData,
        }
    }
}

impl<V: Variant> Stage for Generations<V> {
    fn act(&mut self) {
        for _ in 0..self.frames {
            self.targets.clear();
            for &mob in &self.mobs {
                let target = V::spawn_target(&mut self.world);
                V::register(&mut self.world, mob, target);
                self.targets.push(target);
            }
            V::settle(&mut self.world);
            V::delete_targets(&mut self.world, &self.targets);
            // At the end of a frame Bevy forgets which components were removed.
            self.world.clear_trackers();
        }
    }

    fn verify(&self) {
        let notices = if V::TELLS { self.frames } else { 0 };
        for &mob in &self.mobs {
            let mob = self.world.get::<Mob>(mob);
            let told = mob.expect("a mob should keep its `Mob`").notices;
            assert_eq!(told as usize, notices, "a mob should be told each time");
        }
        for &target in &self.targets {
            let is_spawned = self.world.entities().contains_spawned(target);
            assert!(!is_spawned, "{target} should be gone");
            let index = target.index_u32() as usize;
            assert!(index < HERD * HERD, "{target} should reuse an index");
        }
        if V::TELLS {
            let found = V::registrations(&self.world, &self.targets);
            assert_eq!(found, 0, "registrations on the dead");
        }
    }
}
