//! Registrations and signals.

use core::time::Duration;

use bevy_ecs::prelude::*;
use qdel::prelude::*;

use crate::{Case, time};

pub(crate) const CASES: &[Case] = &[
    Case::new("register n on one target", 20_000, register_on_one),
    Case::new("register one on n targets", 20_000, register_on_many),
    Case::new("unregister n from one target, in order", 20_000, unregister),
    Case::new(
        "unregister n from one target, backwards",
        20_000,
        unregister_backwards,
    ),
    Case::new("replace n on one target", 20_000, replace),
    Case::new("send to n", 20_000, send),
    Case::new("despawn a target of n", 20_000, despawn_target),
    Case::new(
        "despawn n listeners of one target",
        20_000,
        despawn_listeners,
    ),
    Case::new("despawn a listener of n targets", 20_000, despawn_listener),
    Case::new(
        "overwrite a component n times beside n registrations",
        4_000,
        overwrite_beside,
    ),
    Case::new(
        "remove a component n times beside n registrations",
        4_000,
        remove_beside,
    ),
    Case::new("register again in n last notices", 4_000, register_again),
];

#[derive(Component, Default)]
struct Mob {
    hits: u32,
}

impl Mob {
    fn hear(&mut self, _: Received<Qdeleting>) {
        self.hits += 1;
    }

    fn hear_ping(&mut self, _: Received<Ping>) {
        self.hits += 1;
    }

    fn hear_ping_too(&mut self, _: Received<Ping>) {
        self.hits += 2;
    }
}

struct Ping;

impl Signal for Ping {
    type Answer = ();
}

/// Another component of the same entity, which listens as well.
#[derive(Component, Default)]
struct Ears {
    hits: u32,
}

impl Ears {
    fn hear(&mut self, _: Received<Qdeleting>) {
        self.hits += 1;
    }
}

fn mobs(world: &mut World, count: usize) -> Vec<Entity> {
    (0..count)
        .map(|_| world.spawn(Mob::default()).id())
        .collect()
}

/// A target, and `size` mobs that listen for its end.
fn crowd(size: usize) -> (World, Entity, Vec<Entity>) {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mobs = mobs(&mut world, size);
    for mob in &mobs {
        world.register_signal(*mob, target, Mob::hear).unwrap();
    }
    (world, target, mobs)
}

/// A mob that listens for the end of `size` targets, and with its ears for that of one.
fn eager_mob(size: usize) -> (World, Entity, Entity) {
    let mut world = World::new();
    let mob = world.spawn((Mob::default(), Ears::default())).id();
    let target = world.spawn_empty().id();
    for _ in 0..size {
        let target = world.spawn_empty().id();
        world.register_signal(mob, target, Mob::hear).unwrap();
    }
    world.register_signal(mob, target, Ears::hear).unwrap();
    (world, mob, target)
}

fn register_on_one(size: usize) -> Duration {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mobs = mobs(&mut world, size);
    time(|| {
        for mob in &mobs {
            world.register_signal(*mob, target, Mob::hear).unwrap();
        }
    })
}

fn register_on_many(size: usize) -> Duration {
    let mut world = World::new();
    let mob = world.spawn(Mob::default()).id();
    let targets = mobs(&mut world, size);
    time(|| {
        for target in &targets {
            world.register_signal(mob, *target, Mob::hear).unwrap();
        }
    })
}

fn unregister(size: usize) -> Duration {
    let (mut world, target, mobs) = crowd(size);
    time(|| {
        for mob in mobs {
            world
                .unregister_signal::<Mob, Qdeleting>(mob, target)
                .unwrap();
        }
    })
}

fn unregister_backwards(size: usize) -> Duration {
    let (mut world, target, mobs) = crowd(size);
    time(|| {
        for mob in mobs.into_iter().rev() {
            world
                .unregister_signal::<Mob, Qdeleting>(mob, target)
                .unwrap();
        }
    })
}

fn replace(size: usize) -> Duration {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let mobs = mobs(&mut world, size);
    for mob in &mobs {
        world.register_signal(*mob, target, Mob::hear_ping).unwrap();
    }
    time(|| {
        for mob in mobs {
            world
                .replace_signal(mob, target, Mob::hear_ping_too)
                .unwrap();
        }
    })
}

fn send(size: usize) -> Duration {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    for mob in mobs(&mut world, size) {
        world.register_signal(mob, target, Mob::hear_ping).unwrap();
    }
    time(|| world.send_signal(target, Ping))
}

fn despawn_target(size: usize) -> Duration {
    let (mut world, target, _) = crowd(size);
    time(|| world.despawn(target))
}

fn despawn_listeners(size: usize) -> Duration {
    let (mut world, _, mobs) = crowd(size);
    time(|| {
        for mob in mobs {
            world.despawn(mob);
        }
    })
}

fn despawn_listener(size: usize) -> Duration {
    let (mut world, mob, _) = eager_mob(size);
    time(|| world.despawn(mob))
}

fn overwrite_beside(size: usize) -> Duration {
    let (mut world, mob, _) = eager_mob(size);
    time(|| {
        for _ in 0..size {
            world.entity_mut(mob).insert(Ears::default());
        }
    })
}

fn remove_beside(size: usize) -> Duration {
    let (mut world, mob, target) = eager_mob(size);
    time(|| {
        for _ in 0..size {
            world
                .entity_mut(mob)
                .remove::<Ears>()
                .insert(Ears::default());
            world.register_signal(mob, target, Ears::hear).unwrap();
        }
    })
}

fn register_again(size: usize) -> Duration {
    let (mut world, target, _) = crowd(size);
    let next = world.spawn_empty().id();
    world.insert_resource(Next(next));
    let others: Vec<Entity> = (0..size)
        .map(|_| {
            let mob = world.spawn(Follower).id();
            world.register_signal(mob, target, follow).unwrap();
            mob
        })
        .collect();
    let time = time(|| world.qdel(target));
    for mob in others {
        assert_eq!(world.registrations_of(mob).len(), 1);
    }
    time
}

#[derive(Resource)]
struct Next(Entity);

/// Listens for the end of the next one when one ends.
#[derive(Component)]
struct Follower;

fn follow(mut world: bevy_ecs::world::DeferredWorld, heard: Received<Qdeleting, Follower>) {
    let next = world.resource::<Next>().0;
    world
        .register_signal(heard.listener(), next, follow)
        .unwrap();
}
