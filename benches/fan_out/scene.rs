//! A world full of mobs and targets, in the hands of one variant.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;

use crate::{scenario::Scenario, variants::Variant, workload::Workload};

/// Who is chased, and how often the mob was told that its target is lost.
#[derive(Component, Default)]
pub(crate) struct Mob {
    pub(crate) target: Option<Entity>,
    pub(crate) notices: u32,
    #[expect(dead_code, reason = "makes the component as large as a real one")]
    payload: u32,
}

impl Mob {
    /// Does what a mob does on the loss of its target.
    pub(crate) fn lose_target(&mut self) {
        self.target = None;
        self.notices += 1;
    }
}

/// What a target is made of, besides its [`Position`].
#[derive(Component, Default)]
pub(crate) struct Goblin {
    #[expect(dead_code, reason = "makes the component as large as a real one")]
    payload: [u32; 4],
}

/// Another component that mobs and targets carry.
#[derive(Component, Default)]
pub(crate) struct Position {
    #[expect(dead_code, reason = "makes the component as large as a real one")]
    coordinates: [f32; 4],
}

/// A world, and every step that may be taken in it, with the entities looked up in advance.
pub(crate) struct Scene<V> {
    world: World,
    mobs: Vec<Entity>,
    targets: Vec<Entity>,
    /// By index of mob.
    first_choice: Vec<Entity>,
    /// By index of mob.
    second_choice: Vec<Entity>,
    registrations: Vec<(Entity, Entity)>,
    retargets: Vec<(Entity, Entity)>,
    target_deletions: Vec<Entity>,
    mob_deletions: Vec<Entity>,
    variant: PhantomData<V>,
}

impl<V: Variant> Scene<V> {
    /// Spawns the targets, then the mobs, which have no target yet.
    pub(crate) fn new(workload: &Workload) -> Self {
        let mut world = World::new();
        V::setup(&mut world);
        let targets: Vec<Entity> = (0..workload.targets)
            .map(|_| V::spawn_target(&mut world))
            .collect();
        let mobs: Vec<Entity> = (0..workload.mobs())
            .map(|_| world.spawn((Mob::default(), Position::default())).id())
            .collect();

        let chosen = |choice: &[usize]| choice.iter().map(|&target| targets[target]).collect();
        let first_choice: Vec<Entity> = chosen(&workload.first_choice);
        let second_choice: Vec<Entity> = chosen(&workload.second_choice);
        let steps = |order: &[usize], choice: &[Entity]| {
            let step = |&mob: &usize| (mobs[mob], choice[mob]);
            order.iter().map(step).collect()
        };
        Self {
            registrations: steps(&workload.registration, &first_choice),
            retargets: steps(&workload.retarget, &second_choice),
            target_deletions: chosen(&workload.target_deletion),
            mob_deletions: workload.mob_deletion.iter().map(|&mob| mobs[mob]).collect(),
            world,
            mobs,
            targets,
            first_choice,
            second_choice,
            variant: PhantomData,
        }
    }

    /// Lets every mob acquire its first choice.
    pub(crate) fn register(&mut self) {
        for &(mob, target) in &self.registrations {
            V::register(&mut self.world, mob, target);
        }
    }

    /// Lets every mob change to its second choice.
    pub(crate) fn retarget(&mut self) {
        for &(mob, target) in &self.retargets {
            V::retarget(&mut self.world, mob, target);
        }
    }

    /// Deletes every target.
    pub(crate) fn notify_delete(&mut self) {
        for &target in &self.target_deletions {
            V::notify_delete(&mut self.world, target);
        }
        V::end_frame(&mut self.world);
    }

    /// Deletes every mob.
    pub(crate) fn listener_delete(&mut self) {
        for &mob in &self.mob_deletions {
            V::listener_delete(&mut self.world, mob);
        }
    }

    /// Checks that the world is what `scenario` should have made of it.
    ///
    /// # Panics
    ///
    /// Panics if it is not.
    pub(crate) fn verify(&self, scenario: Scenario) {
        match scenario {
            Scenario::Register | Scenario::Memory => self.verify_chase(&self.first_choice),
            Scenario::Retarget => self.verify_chase(&self.second_choice),
            Scenario::NotifyDelete => self.verify_all_told(),
            Scenario::ListenerDelete => self.verify_nobody_left(),
        }
    }

    fn verify_chase(&self, choice: &[Entity]) {
        for (&mob, &target) in self.mobs.iter().zip(choice) {
            let chased = V::target_of(&self.world, mob);
            assert_eq!(chased, Some(target), "{mob} should chase its choice");
            assert_eq!(self.notices(mob), 0, "{mob} should not have been told");
        }
        self.verify_registrations(self.mobs.len());
    }

    fn verify_all_told(&self) {
        for &target in &self.targets {
            assert!(!self.is_spawned(target), "{target} should be gone");
        }
        for (&mob, &target) in self.mobs.iter().zip(&self.first_choice) {
            // Whoever is not told keeps what it had.
            let (left, notices) = if V::TELLS {
                (None, 1)
            } else {
                (Some(target), 0)
            };
            assert_eq!(V::target_of(&self.world, mob), left, "target of {mob}");
            assert_eq!(self.notices(mob), notices, "notices of {mob}");
        }
        self.verify_registrations(0);
    }

    fn verify_nobody_left(&self) {
        for &mob in &self.mobs {
            assert!(!self.is_spawned(mob), "{mob} should be gone");
        }
        for &target in &self.targets {
            assert!(self.is_spawned(target), "{target} should have stayed");
        }
        self.verify_registrations(0);
    }

    fn verify_registrations(&self, expected: usize) {
        if V::TELLS {
            let found = V::registrations(&self.world, &self.targets);
            assert_eq!(found, expected, "registrations on all targets");
        }
    }

    fn is_spawned(&self, entity: Entity) -> bool {
        self.world.entities().contains_spawned(entity)
    }

    fn notices(&self, mob: Entity) -> u32 {
        self.world
            .get::<Mob>(mob)
            .expect("a mob should keep its `Mob`")
            .notices
    }
}
