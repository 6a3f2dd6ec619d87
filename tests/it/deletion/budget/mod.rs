//! The budget of a tear-down: how long a flush takes, where the next one goes on, and what holds at
//! every pause.
//!
//! Rule Q8 of the design. The clock of these tests is turned by what is torn down, and by nothing
//! else.

mod fairness;
mod flush_length;
mod model;
mod panics;
mod pauses;

use bevy_ecs::{
    entity::{EntityHashMap, EntityHashSet},
    entity_disabling::Disabled,
    lifecycle::HookContext,
    prelude::*,
    world::DeferredWorld,
};
use proptest::{collection::vec, prelude::*};
use qdel::{prelude::*, statistics::QdelCounts, testing::WorkClock};

use crate::stage::{HandClock, Says, TEARDOWN_BATCH, panics};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

fn hint() -> impl Strategy<Value = DestroyHint> {
    prop_oneof![
        Just(DestroyHint::HardDelete),
        Just(DestroyHint::HardDeleteNow),
        Just(DestroyHint::LetMeLive),
        Just(DestroyHint::IWillHandleIt),
    ]
}

/// Registering where it does not matter why it is refused.
trait TryRegister {
    fn register_once_or_not(&mut self, mob: Entity, target: Entity) -> bool;
}

impl TryRegister for World {
    fn register_once_or_not(&mut self, mob: Entity, target: Entity) -> bool {
        self.register_signal(mob, target, Mob::clear_target).is_ok()
    }
}

/// Who was torn down, in order.
#[derive(Resource, Default)]
struct Gone(Vec<Entity>);

/// Takes this many microseconds to tear down.
#[derive(Component, Clone, Copy)]
#[component(on_despawn = Heavy::take_time)]
struct Heavy(u64);

impl Heavy {
    fn take_time(mut world: DeferredWorld, context: HookContext) {
        let Self(microseconds) = *world.get(context.entity).unwrap();
        let Some(hand) = world.get_resource::<HandClock>() else {
            return;
        };
        hand.put_forward(microseconds);
        if world.get::<Bomb>(context.entity).is_none() {
            world.resource_mut::<Gone>().0.push(context.entity);
        }
    }
}

/// Panics when it is torn down, `charges` times.
#[derive(Component)]
#[component(on_despawn = Bomb::explode)]
struct Bomb {
    charges: u32,
}

impl Bomb {
    fn explode(mut world: DeferredWorld, context: HookContext) {
        let mut bomb = world.get_mut::<Self>(context.entity).unwrap();
        if bomb.charges > 0 {
            bomb.charges -= 1;
            panic!("boom");
        }
        world.resource_mut::<Gone>().0.push(context.entity);
    }
}

#[derive(Component, Default)]
struct Mob {
    target: Option<Entity>,
}

impl Mob {
    fn clear_target(&mut self, _: Received<Qdeleting>) {
        self.target = None;
    }
}

#[derive(Component)]
#[relationship(relationship_target = Crew)]
struct SailsOn(Entity);

#[derive(Component)]
#[relationship_target(relationship = SailsOn, linked_spawn)]
struct Crew(Vec<Entity>);

/// What a flush did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Flush {
    count: usize,
    time: Duration,
}

fn flush(count: usize, microseconds: u64) -> Flush {
    let time = Duration::from_micros(microseconds);
    Flush { count, time }
}

fn stage() -> World {
    let mut world = World::new();
    let hand = HandClock::default();
    world.insert_resource(hand.work_clock());
    world.insert_resource(hand);
    world.init_resource::<Gone>();
    world.register_destroy::<Says>();
    world
}

fn set_budget(world: &mut World, microseconds: u64) {
    let budget = Teardown::Budget(Duration::from_micros(microseconds));
    world.insert_resource(QdelSettings::default().with_teardown(budget));
}

fn spawn(world: &mut World, microseconds: u64) -> Entity {
    world.spawn(Heavy(microseconds)).id()
}

fn spawn_with_hint(world: &mut World, hint: DestroyHint) -> Entity {
    world.spawn((Heavy(10), Says(hint))).id()
}

fn spawn_many(world: &mut World, count: usize, microseconds: u64) -> Vec<Entity> {
    let bundles = vec![Heavy(microseconds); count];
    world.spawn_batch(bundles).collect()
}

/// Spawns entities each of which owns the next.
fn spawn_chain(world: &mut World, count: usize, microseconds: u64) -> Vec<Entity> {
    let chain = spawn_many(world, count, microseconds);
    for pair in chain.windows(2) {
        world.entity_mut(pair[1]).insert(ChildOf(pair[0]));
    }
    chain
}

/// Spawns entities each of which owns the next, and the last the first.
fn spawn_ring(world: &mut World, count: usize) -> Vec<Entity> {
    let ring = spawn_chain(world, count, 10);
    world.entity_mut(ring[0]).insert(SailsOn(ring[count - 1]));
    ring
}

/// Spawns a mob that aims at `target` until that is deleted.
fn aim(world: &mut World, target: Entity) -> Entity {
    let mob = world
        .spawn(Mob {
            target: Some(target),
        })
        .id();
    world
        .register_signal(mob, target, Mob::clear_target)
        .unwrap();
    mob
}

/// Flushes until `count` are gone, and returns what each flush did.
fn flush_until_gone(world: &mut World, count: usize) -> Vec<Flush> {
    let mut flushes = Vec::new();
    while world.resource::<Gone>().0.len() < count {
        assert!(flushes.len() < 2_000, "it should be over by now");
        let begun = world.resource::<HandClock>().time();
        let count = world.flush_qdel();
        let time = world.resource::<HandClock>().time() - begun;
        flushes.push(Flush { count, time });
    }
    flushes
}

fn gone(world: &World) -> Vec<Entity> {
    world.resource::<Gone>().0.clone()
}

fn assert_gone_once(world: &World, entities: &[Entity]) {
    let mut gone = gone(world);
    gone.sort_unstable_by_key(|entity| entity.index());
    let mut expected = entities.to_vec();
    expected.sort_unstable_by_key(|entity| entity.index());
    assert_eq!(gone, expected);
}
