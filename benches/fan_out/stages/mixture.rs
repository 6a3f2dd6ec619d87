//! Mobs of eight kinds, in random order, that lose their target.

use std::marker::PhantomData;

use bevy_ecs::{component::Mutable, prelude::*};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

use crate::{
    measure::{Case, Stage},
    workload::Workload,
};

/// How many kinds there are.
const KINDS: usize = 8;

/// A component of one kind of mobs.
#[derive(Component)]
pub(crate) struct Kind<const N: usize> {
    target: Option<Entity>,
    notices: u32,
}

/// What all kinds do.
pub(crate) trait Chaser: Component<Mutability = Mutable> {
    /// Does what a mob does on the loss of its target.
    fn lose_target(&mut self);
}

impl<const N: usize> Chaser for Kind<N> {
    fn lose_target(&mut self) {
        self.target = None;
        self.notices += 1;
    }
}

/// A variant whose listeners may be of any kind.
pub(crate) trait Mixing {
    fn setup(world: &mut World);

    fn spawn_target(world: &mut World) -> Entity;

    /// Lets the `C` of `mob` watch `target`.
    fn watch<C: Chaser>(world: &mut World, mob: Entity, target: Entity);

    /// Tells all that watch `target`, and deletes it.
    fn delete(world: &mut World, target: Entity);
}

/// A world of mobs of several kinds.
pub(crate) struct Mixture<V> {
    world: World,
    mobs: Vec<Entity>,
    targets: Vec<Entity>,
    variant: PhantomData<V>,
}

impl<V: Mixing> Mixture<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let workload = Workload::new(case);
        let mut dice = ChaCha8Rng::seed_from_u64(case.seed);
        let mut world = World::new();
        V::setup(&mut world);
        let targets: Vec<Entity> = (0..workload.targets)
            .map(|_| V::spawn_target(&mut world))
            .collect();
        let mut kinds = Vec::new();
        let mobs: Vec<Entity> = (0..workload.mobs())
            .map(|number| {
                let target = targets[workload.first_choice[number]];
                let kind = kinds_of::<V>()[dice.random_range(0..KINDS)];
                kinds.push(kind);
                (kind.spawn)(&mut world, target)
            })
            .collect();
        for &mob in &workload.registration {
            let target = targets[workload.first_choice[mob]];
            (kinds[mob].watch)(&mut world, mobs[mob], target);
        }
        let deletions = workload.target_deletion.iter();
        Self {
            targets: deletions.map(|&target| targets[target]).collect(),
            world,
            mobs,
            variant: PhantomData,
        }
    }
}

impl<V: Mixing> Stage for Mixture<V> {
    fn act(&mut self) {
        for &target in &self.targets {
            V::delete(&mut self.world, target);
        }
    }

    fn verify(&self) {
        for &mob in &self.mobs {
            let mut left = kinds_of::<V>()
                .into_iter()
                .filter_map(|kind| (kind.left)(&self.world, mob));
            assert_eq!(left.next(), Some((None, 1)), "what {mob} has left");
        }
        for &target in &self.targets {
            let is_spawned = self.world.entities().contains_spawned(target);
            assert!(!is_spawned, "{target} should be gone");
        }
    }
}

/// What differs from kind to kind.
#[derive(Clone, Copy)]
struct Verbs {
    /// Spawns a mob with a target.
    spawn: fn(&mut World, Entity) -> Entity,
    watch: fn(&mut World, Entity, Entity),
    /// What a mob has left, if it is of this kind.
    left: fn(&World, Entity) -> Option<Left>,
}

/// A target, and a number of notices.
type Left = (Option<Entity>, u32);

fn kinds_of<V: Mixing>() -> [Verbs; KINDS] {
    fn verbs<V: Mixing, const N: usize>() -> Verbs {
        Verbs {
            spawn: |world, target| {
                let (target, notices) = (Some(target), 0);
                world.spawn(Kind::<N> { target, notices }).id()
            },
            watch: V::watch::<Kind<N>>,
            left: |world, mob| {
                let kind = world.get::<Kind<N>>(mob)?;
                Some((kind.target, kind.notices))
            },
        }
    }
    [
        verbs::<V, 0>(),
        verbs::<V, 1>(),
        verbs::<V, 2>(),
        verbs::<V, 3>(),
        verbs::<V, 4>(),
        verbs::<V, 5>(),
        verbs::<V, 6>(),
        verbs::<V, 7>(),
    ]
}
