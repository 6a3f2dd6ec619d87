//! Targets that send many signals, each to one listener.

use std::marker::PhantomData;

use bevy_ecs::prelude::*;
use rand::{SeedableRng, rngs::ChaCha8Rng, seq::SliceRandom};

use crate::measure::{Case, Stage};

/// How many signals there are.
pub(crate) const TOPICS: usize = 64;

/// A type of signal.
pub(crate) struct Topic<const N: usize>;

/// What hears the signals.
#[derive(Component, Default)]
pub(crate) struct Ear {
    heard: u32,
}

impl Ear {
    /// Does what a mob does when it hears a signal.
    pub(crate) fn hear(&mut self) {
        self.heard += 1;
    }
}

/// A variant that can tell signals apart.
pub(crate) trait Topical {
    fn setup(world: &mut World);

    /// Lets `ear` hear one signal of `target`.
    fn watch<const N: usize>(world: &mut World, ear: Entity, target: Entity);

    /// Has those that watch `target` for one signal hear it.
    fn send<const N: usize>(world: &mut World, target: Entity);
}

/// A world of targets with as many signals as the fan-out says, and one listener for each.
pub(crate) struct Topics<V> {
    world: World,
    ears: Vec<Entity>,
    /// Targets, and what sends a signal to them.
    sends: Vec<(Entity, Send)>,
    variant: PhantomData<V>,
}

type Watch = fn(&mut World, Entity, Entity);
type Send = fn(&mut World, Entity);

impl<V: Topical> Topics<V> {
    pub(crate) fn new(case: &Case) -> Self {
        let topics = topics::<V>();
        let topics = &topics[..case.setting.fan_out.min(TOPICS)];
        let mut world = World::new();
        V::setup(&mut world);
        let (mut ears, mut sends) = (Vec::new(), Vec::new());
        while ears.len() < case.setting.mobs {
            let target = world.spawn_empty().id();
            for &(watch, send) in topics {
                let ear = world.spawn(Ear::default()).id();
                watch(&mut world, ear, target);
                ears.push(ear);
                sends.push((target, send));
            }
        }
        sends.shuffle(&mut ChaCha8Rng::seed_from_u64(case.seed));
        Self {
            world,
            ears,
            sends,
            variant: PhantomData,
        }
    }
}

impl<V: Topical> Stage for Topics<V> {
    fn act(&mut self) {
        for &(target, send) in &self.sends {
            send(&mut self.world, target);
        }
    }

    fn verify(&self) {
        for &ear in &self.ears {
            let heard = self.world.get::<Ear>(ear).map(|ear| ear.heard);
            assert_eq!(heard, Some(1), "signals of {ear}");
        }
    }
}

/// Returns what registers for each signal, and what sends it.
fn topics<V: Topical>() -> [(Watch, Send); TOPICS] {
    macro_rules! rows {
        ($($row:literal)*) => {
            [$(
                (V::watch::<{ $row * 8 }>, V::send::<{ $row * 8 }>),
                (V::watch::<{ $row * 8 + 1 }>, V::send::<{ $row * 8 + 1 }>),
                (V::watch::<{ $row * 8 + 2 }>, V::send::<{ $row * 8 + 2 }>),
                (V::watch::<{ $row * 8 + 3 }>, V::send::<{ $row * 8 + 3 }>),
                (V::watch::<{ $row * 8 + 4 }>, V::send::<{ $row * 8 + 4 }>),
                (V::watch::<{ $row * 8 + 5 }>, V::send::<{ $row * 8 + 5 }>),
                (V::watch::<{ $row * 8 + 6 }>, V::send::<{ $row * 8 + 6 }>),
                (V::watch::<{ $row * 8 + 7 }>, V::send::<{ $row * 8 + 7 }>),
            )*]
        };
    }
    rows!(0 1 2 3 4 5 6 7)
}
