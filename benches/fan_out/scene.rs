//! A world full of mobs and targets, in the hands of one variant.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;
use qdel::{References, reference::Lost};

use crate::{
    measure::{Case, Stage},
    scenario::Scenario,
    variants::{Alarming, Syncing, Variant},
    workload::Workload,
};

/// How many archetypes the mobs of [`Scenario::SpreadDelete`] have.
const ARCHETYPES: usize = 8;

/// One in this many mobs is written before [`Scenario::Sync`].
const WRITTEN: usize = 100;

/// The target, and how often the mob was told that it is lost.
///
/// The declaration is for the one variant that tracks it. For all others it is a function that is
/// never called.
#[derive(Component, Default, References)]
#[references(on_lost = Mob::note_loss)]
pub(crate) struct Mob {
    #[entities]
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

    /// Does what is left to do for a mob whose field was emptied.
    pub(crate) fn note_loss(&mut self, _: Lost) {
        self.notices += 1;
    }

    /// Does what a mob does when it hears an alarm about its target.
    pub(crate) fn hear(&mut self) {
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

/// What makes an archetype of its own of some mobs.
#[derive(Component)]
struct Flag<const N: usize>;

/// A world, and every step that may be taken in it, with the entities looked up in advance.
pub(crate) struct Scene<V> {
    world: World,
    scenario: Scenario,
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
    /// Prepares a world for `case`: in most scenarios every mob chases its first choice.
    pub(crate) fn new(case: &Case) -> Self {
        let mut scene = Self::without_chase(case);
        if !matches!(scene.scenario, Scenario::Register | Scenario::Memory) {
            scene.register();
        }
        scene
    }

    /// Spawns the targets, then the mobs, which have no target yet.
    fn without_chase(case: &Case) -> Self {
        let workload = Workload::new(case);
        let scenario = case.setting.scenario;
        let mut world = World::new();
        V::setup(&mut world);
        let targets: Vec<Entity> = (0..workload.targets)
            .map(|_| V::spawn_target(&mut world))
            .collect();
        let mobs: Vec<Entity> = (0..workload.mobs())
            .map(|number| {
                let mob = world.spawn((Mob::default(), Position::default())).id();
                if scenario == Scenario::SpreadDelete {
                    raise_flag(&mut world, mob, number % ARCHETYPES);
                }
                mob
            })
            .collect();

        let chosen = |choice: &[usize]| choice.iter().map(|&target| targets[target]).collect();
        let first_choice: Vec<Entity> = chosen(&workload.first_choice);
        let second_choice: Vec<Entity> = chosen(&workload.second_choice);
        let steps = |order: &[usize], choice: &[Entity]| {
            let step = |&mob: &usize| (mobs[mob], choice[mob]);
            order.iter().map(step).collect()
        };
        Self {
            scenario,
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
    fn register(&mut self) {
        V::register_all(&mut self.world, &self.registrations);
        V::settle(&mut self.world);
    }

    /// Lets every mob change to its second choice.
    fn retarget(&mut self) {
        for &(mob, target) in &self.retargets {
            V::retarget(&mut self.world, mob, target);
        }
        V::settle(&mut self.world);
    }

    /// Writes the targets of mobs, as a game does that knows nothing of how they are kept.
    fn write(&mut self, targets: &[(Entity, Entity)]) {
        for &(mob, target) in targets {
            let mob = self.world.get_mut::<Mob>(mob);
            mob.expect("a mob should keep its `Mob`").target = Some(target);
        }
    }

    /// Deletes every mob.
    fn listener_delete(&mut self) {
        for &mob in &self.mob_deletions {
            V::listener_delete(&mut self.world, mob);
        }
    }

    fn verify_chase(&self, choice: &[Entity], notices: u32) {
        for (&mob, &target) in self.mobs.iter().zip(choice) {
            let chased = V::target_of(&self.world, mob);
            assert_eq!(chased, Some(target), "{mob} should chase its choice");
            assert_eq!(self.notices(mob), notices, "notices of {mob}");
        }
        self.verify_registrations(self.mobs.len());
    }

    fn verify_all_told(&self) {
        for &target in &self.targets {
            assert!(!self.is_spawned(target), "{target} should be gone");
        }
        for (&mob, &target) in self.mobs.iter().zip(&self.first_choice) {
            // A mob that is not told keeps what it had.
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

    fn verify_none_left(&self) {
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

impl<V: Variant> Stage for Scene<V> {
    fn act(&mut self) {
        match self.scenario {
            Scenario::Register | Scenario::Memory => self.register(),
            Scenario::Retarget => self.retarget(),
            Scenario::NotifyDelete | Scenario::SpreadDelete => {
                V::delete_targets(&mut self.world, &self.target_deletions);
            }
            Scenario::ListenerDelete => self.listener_delete(),
            other => unreachable!("{other:?} should have a stage of its own"),
        }
    }

    fn verify(&self) {
        match self.scenario {
            Scenario::Register | Scenario::Memory => self.verify_chase(&self.first_choice, 0),
            Scenario::Retarget => self.verify_chase(&self.second_choice, 0),
            Scenario::NotifyDelete | Scenario::SpreadDelete => self.verify_all_told(),
            Scenario::ListenerDelete => self.verify_none_left(),
            other => unreachable!("{other:?} should have a stage of its own"),
        }
    }
}

/// Every target raises an alarm.
pub(crate) struct Alarms<V>(Scene<V>);

impl<V: Alarming> Alarms<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let mut scene = Scene::<V>::without_chase(case);
        for &(mob, target) in &scene.registrations {
            V::watch(&mut scene.world, mob, target);
        }
        Self(scene)
    }
}

impl<V: Alarming> Stage for Alarms<V> {
    fn act(&mut self) {
        for &target in &self.0.target_deletions {
            V::alarm(&mut self.0.world, target);
        }
    }

    fn verify(&self) {
        self.0.verify_chase(&self.0.first_choice, 1);
    }
}

/// Some mobs were written by hand, and a variant has to find out which.
pub(crate) struct Written<V> {
    scene: Scene<V>,
    /// The mobs that were written, and their targets since then.
    written: Vec<(Entity, Entity)>,
}

impl<V: Syncing> Written<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let mut scene = Scene::<V>::new(case);
        let written = match case.setting.scenario {
            Scenario::Touch => {
                // As in each frame before.
                let all = scene.registrations.clone();
                scene.write(&all);
                V::settle(&mut scene.world);
                all
            }
            _ => {
                let written = scene.mobs.len().div_ceil(WRITTEN);
                scene.retargets[..written].to_vec()
            }
        };
        scene.world.clear_trackers();
        scene.write(&written);
        Self { scene, written }
    }
}

impl<V: Syncing> Stage for Written<V> {
    fn act(&mut self) {
        V::settle(&mut self.scene.world);
    }

    fn verify(&self) {
        V::verify_found(&self.scene.world, &self.written);
        self.scene.verify_registrations(self.scene.mobs.len());
    }
}

/// Moves `mob` into the archetype of this `number`.
fn raise_flag(world: &mut World, mob: Entity, number: usize) {
    let mut mob = world.entity_mut(mob);
    match number {
        0 => mob.insert(Flag::<0>),
        1 => mob.insert(Flag::<1>),
        2 => mob.insert(Flag::<2>),
        3 => mob.insert(Flag::<3>),
        4 => mob.insert(Flag::<4>),
        5 => mob.insert(Flag::<5>),
        6 => mob.insert(Flag::<6>),
        _ => mob.insert(Flag::<7>),
    };
}
