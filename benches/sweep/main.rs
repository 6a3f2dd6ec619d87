//! What a sweep costs, next to a loop over the same columns that is written by hand.
//!
//! A million entities, each with ten numbers; half of them also name one entity, and a quarter a
//! list of four. That is 1.5 million references, and a hundred more to entities that are to be
//! swept out. All variants empty the same places, in turns; what is printed are medians over the
//! turns, and of the ratios within one.
//!
//! ```text
//! cargo bench --bench sweep                        a million entities
//! cargo bench --bench sweep -- 100000              this number of them
//! cargo test --bench sweep                         small and once, to see that it still works
//! ```
#![expect(clippy::print_stdout, reason = "a benchmark reports to the terminal")]

use core::time::Duration;
use std::time::Instant;

use bevy_ecs::{component::Mutable, entity::EntityHashSet, prelude::*, reflect::AppTypeRegistry};
use bevy_reflect::Reflect;
use qdel::{
    WorldReferencesExt,
    prelude::*,
    sweep::{Pace, SweepFinished},
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};

/// How many entities are to be swept out.
const LOST: usize = 100;

#[derive(Component, Reflect)]
#[reflect(Component)]
struct Numbers([f32; 10]);

/// Declared, and unknown to reflection.
#[derive(Component, References)]
struct Target {
    #[entities]
    target: Option<Entity>,
    _since: f32,
}

/// Declared, and unknown to reflection.
#[derive(Component, References)]
struct Friends {
    #[entities]
    friends: Vec<Entity>,
}

/// Known to reflection only.
#[derive(Component, Reflect)]
#[reflect(Component)]
struct ReflectedTarget {
    target: Option<Entity>,
    since: f32,
}

/// Known to reflection only.
#[derive(Component, Reflect)]
#[reflect(Component)]
struct ReflectedFriends {
    friends: Vec<Entity>,
}

trait OneName: Component<Mutability = Mutable> {
    fn new(target: Entity) -> Self;
    fn target(&mut self) -> &mut Option<Entity>;
}

trait ManyNames: Component<Mutability = Mutable> {
    fn new(friends: Vec<Entity>) -> Self;
    fn friends(&mut self) -> &mut Vec<Entity>;
}

impl OneName for Target {
    fn new(target: Entity) -> Self {
        let target = Some(target);
        Self { target, _since: 0. }
    }

    fn target(&mut self) -> &mut Option<Entity> {
        &mut self.target
    }
}

impl OneName for ReflectedTarget {
    fn new(target: Entity) -> Self {
        let target = Some(target);
        Self { target, since: 0. }
    }

    fn target(&mut self) -> &mut Option<Entity> {
        &mut self.target
    }
}

impl ManyNames for Friends {
    fn new(friends: Vec<Entity>) -> Self {
        Self { friends }
    }

    fn friends(&mut self) -> &mut Vec<Entity> {
        &mut self.friends
    }
}

impl ManyNames for ReflectedFriends {
    fn new(friends: Vec<Entity>) -> Self {
        Self { friends }
    }

    fn friends(&mut self) -> &mut Vec<Entity> {
        &mut self.friends
    }
}

fn main() {
    let is_bench = std::env::args().any(|arg| arg == "--bench");
    let (size, turns) = if is_bench { (1_000_000, 9) } else { (2_000, 1) };
    let asked = std::env::args().find_map(|arg| arg.parse().ok());
    let size = asked.unwrap_or(size);
    println!(
        "{size} entities, {} references, {LOST} of them lost; medians of {turns} turns\n",
        size / 2 * 3 + LOST
    );
    println!("| types | by hand | swept at once | ratio | mark | swept in slices | ratio |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    Scene::<Target, Friends>::new(size, |world| {
        world
            .track_references::<Target>()
            .track_references::<Friends>();
    })
    .report("declared", 2.5, turns);
    Scene::<ReflectedTarget, ReflectedFriends>::new(size, |world| {
        let registry = AppTypeRegistry::default();
        {
            let mut registry = registry.write();
            registry.register::<Numbers>();
            registry.register::<ReflectedTarget>();
            registry.register::<ReflectedFriends>();
        }
        world.insert_resource(registry);
    })
    .report("reflected", 15.0, turns);
}

struct Scene<T, F> {
    world: World,
    /// Alive.
    lost: Vec<Entity>,
    gone: Vec<Entity>,
    types: core::marker::PhantomData<(T, F)>,
}

impl<T: OneName, F: ManyNames> Scene<T, F> {
    fn new(size: usize, prepare: fn(&mut World)) -> Self {
        let mut world = World::new();
        prepare(&mut world);
        world.insert_resource(
            QdelSettings::default().with_sweep_pace(Pace::Budget(Duration::from_millis(1))),
        );
        let mut dice = ChaCha8Rng::seed_from_u64(20);
        let spawn = |_| world.spawn(Numbers([0.; 10])).id();
        let all: Vec<_> = (0..size).map(spawn).collect();
        for (number, &entity) in all.iter().enumerate() {
            let mut any = || all[dice.random_range(0..size)];
            if number % 2 == 0 {
                let target = T::new(any());
                world.entity_mut(entity).insert(target);
            }
            if number % 4 == 0 {
                let friends = F::new(vec![any(), any(), any(), any()]);
                world.entity_mut(entity).insert(friends);
            }
        }
        let [lost, gone] = [(), ()].map(|()| {
            let spawn = |_| world.spawn_empty().id();
            (0..LOST).map(spawn).collect::<Vec<_>>()
        });
        for gone in &gone {
            world.despawn(*gone);
        }
        world.insert_resource(Finished(None));
        world.add_observer(|swept: On<SweepFinished>, mut finished: ResMut<Finished>| {
            finished.0 = Some(swept.report.emptied());
        });
        let types = core::marker::PhantomData;
        Self {
            world,
            lost,
            gone,
            types,
        }
    }

    /// Measures everything in turns, and prints it as a row of the table.
    fn report(mut self, name: &str, mark: f64, turns: usize) {
        let mut times: [Vec<f64>; 3] = Default::default();
        for _ in 0..turns {
            let variants = [Self::by_hand, Self::at_once, Self::in_slices];
            for (number, variant) in variants.into_iter().enumerate() {
                let lost = if number == 2 { &self.gone } else { &self.lost };
                let expected = self.name_all(&lost.clone());
                let begun = Instant::now();
                let emptied = variant(&mut self);
                times[number].push(begun.elapsed().as_secs_f64());
                assert_eq!(emptied, expected, "{name}");
            }
        }
        let ratios = |variant: usize| {
            let pairs = times[variant].iter().zip(&times[0]);
            median(pairs.map(|(time, by_hand)| time / by_hand))
        };
        let milliseconds = |variant: usize| median(times[variant].iter().map(|time| time * 1e3));
        println!(
            "| {name} | {:.1} ms | {:.1} ms | {:.2} | {mark} | {:.1} ms | {:.2} |",
            milliseconds(0),
            milliseconds(1),
            ratios(1),
            milliseconds(2),
            ratios(2),
        );
    }

    /// Has a list name each of `lost`, and returns how many of them are named after declared
    /// references have let go.
    fn name_all(&mut self, lost: &[Entity]) -> usize {
        let mut lists = self.world.query::<&mut F>();
        for (mut list, lost) in lists.iter_mut(&mut self.world).zip(lost) {
            list.friends().push(*lost);
        }
        self.world.sync_references();
        let mut named = 0;
        for mut list in lists.iter_mut(&mut self.world) {
            let list = list.bypass_change_detection().friends();
            named += list.iter().filter(|friend| lost.contains(friend)).count();
        }
        named
    }

    fn by_hand(&mut self) -> usize {
        let lost: EntityHashSet = self.lost.iter().copied().collect();
        let mut emptied = 0;
        let mut targets = self.world.query::<&mut T>();
        for mut at in targets.iter_mut(&mut self.world) {
            let target = at.bypass_change_detection().target();
            if target.is_some_and(|target| lost.contains(&target)) {
                *at.target() = None;
                emptied += 1;
            }
        }
        let mut lists = self.world.query::<&mut F>();
        for mut at in lists.iter_mut(&mut self.world) {
            let friends = at.bypass_change_detection().friends();
            if friends.iter().any(|friend| lost.contains(friend)) {
                let before = friends.len();
                at.friends().retain(|friend| !lost.contains(friend));
                emptied += before - at.bypass_change_detection().friends().len();
            }
        }
        emptied
    }

    fn at_once(&mut self) -> usize {
        self.world.sweep_for(self.lost.clone()).emptied()
    }

    /// Those that are lost are gone here, as what a sweep in slices looks for.
    fn in_slices(&mut self) -> usize {
        self.world.resource_mut::<Finished>().0 = None;
        self.world.queue_sweep();
        loop {
            self.world.flush_qdel();
            if let Some(emptied) = self.world.resource::<Finished>().0 {
                return emptied;
            }
        }
    }
}

/// What the last sweep in slices emptied.
#[derive(Resource)]
struct Finished(Option<usize>);

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
