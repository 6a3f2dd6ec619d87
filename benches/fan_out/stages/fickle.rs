//! Listeners that change what they listen to while they are told.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;

use crate::{
    measure::{Case, Stage},
    workload::Workload,
};

/// A mob that watches two targets, and turns to a third when one of them dies.
#[derive(Component, Default)]
pub(crate) struct Fickle {
    watched: [Option<Entity>; 2],
    next: Option<Entity>,
    notices: u32,
}

/// What a [`Fickle`] wants when it has heard that a target is lost.
pub(crate) struct Wishes {
    /// The target to let go of.
    pub(crate) unwatch: Option<Entity>,
    /// The target to watch, if it is spawned.
    pub(crate) watch: Option<Entity>,
}

impl Fickle {
    /// Hears that `lost` is deleted.
    pub(crate) fn lose(&mut self, lost: Entity) -> Wishes {
        self.notices += 1;
        let watched = std::mem::take(&mut self.watched);
        let unwatch = watched.into_iter().flatten().find(|&other| other != lost);
        let watch = self.next.take();
        self.watched[0] = watch;
        Wishes { unwatch, watch }
    }
}

/// A variant whose mobs can change what they listen to while they are told.
pub(crate) trait Rewatching {
    /// Prepares a world without entities.
    fn setup(world: &mut World);

    /// Spawns an entity that can be watched.
    fn spawn_target(world: &mut World) -> Entity;

    /// Lets `fickle` watch `target` as well.
    fn watch(world: &mut World, fickle: Entity, target: Entity);

    /// Tells all that watch `target`, fulfils the [`Wishes`] of each at once, and deletes it.
    fn delete(world: &mut World, target: Entity);

    /// Counts what watches one of `targets`, for verification.
    fn watchers(world: &World, targets: &[Entity]) -> usize;
}

/// A world of fickle mobs.
pub(crate) struct Fickles<V> {
    world: World,
    fickles: Vec<Entity>,
    /// By index of mob: how often it should be told.
    expected: Vec<u32>,
    deletions: Vec<Entity>,
    variant: PhantomData<V>,
}

impl<V: Rewatching> Fickles<V> {
    /// Lets every mob watch its two choices.
    pub(crate) fn new(case: &Case) -> Self {
        let workload = Workload::new(case);
        let mut world = World::new();
        V::setup(&mut world);
        let targets: Vec<Entity> = (0..workload.targets)
            .map(|_| V::spawn_target(&mut world))
            .collect();
        let mut time_of_death = vec![0; targets.len()];
        for (time, &target) in workload.target_deletion.iter().enumerate() {
            time_of_death[target] = time;
        }

        let mut expected = Vec::new();
        let mut fickles = Vec::new();
        for mob in 0..workload.mobs() {
            let [one, two] = [workload.first_choice[mob], workload.second_choice[mob]];
            let neighbours = [(two + 1) % targets.len(), (two + 2) % targets.len()];
            let three = neighbours[usize::from(neighbours[0] == one)];
            let first_death = time_of_death[one].min(time_of_death[two]);
            expected.push(1 + u32::from(time_of_death[three] > first_death));
            let fickle = Fickle {
                watched: [one, two].map(|target| Some(targets[target])),
                next: Some(targets[three]),
                notices: 0,
            };
            fickles.push(world.spawn(fickle).id());
        }
        for choice in [&workload.first_choice, &workload.second_choice] {
            for &mob in &workload.registration {
                V::watch(&mut world, fickles[mob], targets[choice[mob]]);
            }
        }
        let deletions = workload.target_deletion.iter();
        Self {
            deletions: deletions.map(|&target| targets[target]).collect(),
            world,
            fickles,
            expected,
            variant: PhantomData,
        }
    }
}

impl<V: Rewatching> Stage for Fickles<V> {
    fn act(&mut self) {
        for &target in &self.deletions {
            V::delete(&mut self.world, target);
        }
    }

    fn verify(&self) {
        for (&fickle, &expected) in self.fickles.iter().zip(&self.expected) {
            let notices = self.world.get::<Fickle>(fickle).map(|it| it.notices);
            assert_eq!(notices, Some(expected), "notices of {fickle}");
        }
        for &target in &self.deletions {
            let is_spawned = self.world.entities().contains_spawned(target);
            assert!(!is_spawned, "{target} should be gone");
        }
        let found = V::watchers(&self.world, &self.deletions);
        assert_eq!(found, 0, "watchers of the dead");
    }
}
