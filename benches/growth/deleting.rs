//! Deletions: many, owned, batched, planned, timed.

use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bevy_ecs::{entity_disabling::Disabled, prelude::*};
use qdel::{Hiding, QdelTimer, prelude::*, testing::WorkClock};

use crate::{Case, time};

pub(crate) const CASES: &[Case] = &[
    Case::new("qdel n one by one, and flush", 20_000, one_by_one),
    Case::new("qdel n one by one, immediate", 20_000, immediate),
    Case::new("batch of n, and flush", 20_000, batch),
    Case::new("batch of one n times", 20_000, batch_of_the_same),
    Case::new("qdel an owner of n", 20_000, wide),
    Case::new("qdel a chain of n owners", 20_000, deep),
    Case::new(
        "batch of a chain of n owners, last first",
        4_000,
        deep_last_first,
    ),
    Case::new(
        "batch of a chain of n owners, each vetoed by the next",
        1_000,
        vetoed_by_next,
    )
    .documented("each looks at all that take either along"),
    Case::new(
        "batch of n guards, each of which vetoes for the next",
        4_000,
        guards,
    ),
    Case::new(
        "qdel n one by one, left visible",
        20_000,
        one_by_one_visible,
    ),
    Case::new(
        "qdel n one by one, each shown again meanwhile",
        4_000,
        shown_again,
    ),
    Case::new(
        "n commands that register on one that goes",
        10_000,
        late_registrations,
    ),
    Case::new(
        "batch of a chain of n owners, the last vetoed",
        1_000,
        vetoed_chain,
    ),
    Case::new("qdel an owner of n that are kept", 4_000, kept_children),
    Case::new(
        "n owners that are spared one by one",
        1_000,
        spared_one_by_one,
    ),
    Case::new("qdel a ring of n owners", 4_000, ring),
    Case::new("plan of an owner of n", 10_000, plan_of_owner),
    Case::new(
        "text of the plan of an owner of n",
        10_000,
        text_of_plan_of_owner,
    ),
    Case::new(
        "tear n down within a budget of a batch a frame",
        10_000,
        budget,
    ),
    Case::new("n timers of one entity, due together", 4_000, timers_of_one),
    Case::new(
        "n timers of one entity, due one by one",
        4_000,
        timers_of_one_in_turn,
    ),
    Case::new(
        "cancel n timers of one entity, in order",
        4_000,
        cancel_in_order,
    ),
    Case::new(
        "cancel n timers of one entity, backwards",
        4_000,
        cancel_backwards,
    ),
    Case::new("despawn an entity of n timers", 4_000, despawn_timed),
    Case::new(
        "a timer for each of n, due together",
        20_000,
        timers_of_many,
    ),
    Case::new(
        "n deletions by a handler, each by the last",
        10_000,
        dominoes,
    ),
    Case::new("qdel n fields to null", 10_000, fields),
];

#[derive(Component)]
struct Cat;

impl Destroy for Cat {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
        DestroyHint::LetMeLive
    }
}

#[derive(Component)]
struct Mob {
    next: Option<Entity>,
}

fn spawn(world: &mut World, count: usize) -> Vec<Entity> {
    (0..count).map(|_| world.spawn_empty().id()).collect()
}

fn one_by_one(size: usize) -> Duration {
    let mut world = World::new();
    let all = spawn(&mut world, size);
    time(|| {
        for entity in all {
            world.qdel(entity).unwrap();
        }
        assert_eq!(world.flush_qdel(), size);
    })
}

fn immediate(size: usize) -> Duration {
    let mut world = World::new();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    let all = spawn(&mut world, size);
    time(|| {
        for entity in all {
            world.qdel(entity).unwrap();
        }
    })
}

fn batch(size: usize) -> Duration {
    let mut world = World::new();
    let all = spawn(&mut world, size);
    time(|| {
        world.qdel_batch(all);
        assert_eq!(world.flush_qdel(), size);
    })
}

fn batch_of_the_same(size: usize) -> Duration {
    let mut world = World::new();
    let entity = world.spawn_empty().id();
    time(|| world.qdel_batch((0..size).map(|_| entity)))
}

/// An owner of `size` entities, which are `T`.
fn family(world: &mut World, size: usize, bundle: fn() -> Option<Cat>) -> Entity {
    let owner = world.spawn_empty().id();
    for _ in 0..size {
        let mut owned = world.spawn(ChildOf(owner));
        if let Some(cat) = bundle() {
            owned.insert(cat);
        }
    }
    owner
}

fn wide(size: usize) -> Duration {
    let mut world = World::new();
    let owner = family(&mut world, size, || None);
    time(|| {
        world.qdel(owner).unwrap();
        assert_eq!(world.flush_qdel(), size + 1);
    })
}

/// `size` entities in a chain, each owned by the one before.
fn chain(world: &mut World, size: usize) -> Vec<Entity> {
    let mut all = vec![world.spawn_empty().id()];
    while all.len() < size {
        let owner = all[all.len() - 1];
        all.push(world.spawn(ChildOf(owner)).id());
    }
    all
}

fn deep(size: usize) -> Duration {
    let mut world = World::new();
    let all = chain(&mut world, size);
    time(|| {
        world.qdel(all[0]).unwrap();
        assert_eq!(world.flush_qdel(), size);
    })
}

fn deep_last_first(size: usize) -> Duration {
    let mut world = World::new();
    let all = chain(&mut world, size);
    time(|| {
        world.qdel_batch(all.into_iter().rev());
        assert_eq!(world.flush_qdel(), size);
    })
}

#[derive(Component)]
struct Guard;

impl Guard {
    fn refuse(&self, _: Received<PreQdel>) -> QdelVerdict {
        QdelVerdict::Veto
    }
}

fn vetoed_chain(size: usize) -> Duration {
    let mut world = World::new();
    let all = chain(&mut world, size);
    let last = all[size - 1];
    world.entity_mut(last).insert(Guard);
    world.register_signal(last, last, Guard::refuse).unwrap();
    time(|| {
        let batch = world.qdel_batch(all);
        assert_eq!(batch.vetoed.len(), size);
    })
}

/// Has each of `all` but the last be vetoed by the next one.
fn guard(world: &mut World, all: &[Entity]) {
    for pair in all.windows(2) {
        world.entity_mut(pair[1]).insert(Guard);
        let registered = world.register_signal(pair[1], pair[0], Guard::refuse);
        registered.unwrap();
    }
}

fn vetoed_by_next(size: usize) -> Duration {
    let mut world = World::new();
    let all = chain(&mut world, size);
    guard(&mut world, &all);
    time(|| world.qdel_batch(all))
}

fn guards(size: usize) -> Duration {
    let mut world = World::new();
    let all = spawn(&mut world, size);
    guard(&mut world, &all);
    time(|| {
        let batch = world.qdel_batch(all);
        assert_eq!(batch.queued.len(), size);
    })
}

fn one_by_one_visible(size: usize) -> Duration {
    let mut world = World::new();
    world.insert_resource(QdelSettings::default().with_hiding(Hiding::LeaveVisible));
    let all = spawn(&mut world, size);
    time(|| {
        for entity in all {
            world.qdel(entity).unwrap();
        }
        assert_eq!(world.flush_qdel(), size);
    })
}

fn shown_again(size: usize) -> Duration {
    let mut world = World::new();
    let all = spawn(&mut world, size);
    time(|| {
        for entity in all {
            world.qdel(entity).unwrap();
            world.entity_mut(entity).remove::<Disabled>();
        }
    })
}

#[derive(Component)]
struct Ear;

impl Ear {
    fn hear(&mut self, _: Received<Qdeleting>) {}
}

fn late_registrations(size: usize) -> Duration {
    let mut world = World::new();
    let target = world.spawn_empty().id();
    let ears: Vec<Entity> = (0..size).map(|_| world.spawn(Ear).id()).collect();
    let mut commands = world.commands();
    commands.entity(target).qdel();
    for ear in ears {
        commands.entity(ear).register_signal(target, Ear::hear);
    }
    time(|| world.flush())
}

fn kept_children(size: usize) -> Duration {
    let mut world = World::new();
    world.register_destroy::<Cat>();
    let owner = family(&mut world, size, || Some(Cat));
    time(|| {
        world.qdel(owner).unwrap();
        assert_eq!(world.flush_qdel(), 1);
    })
}

#[derive(Component)]
#[relationship(relationship_target = Holds)]
struct HeldBy(Entity);

#[derive(Component)]
#[relationship_target(relationship = HeldBy, linked_spawn)]
struct Holds(Vec<Entity>);

/// `size` entities with an owner that lives on, each also held by the next one, and the last by one
/// that goes. In a batch the news goes from the last to the first.
fn spared_one_by_one(size: usize) -> Duration {
    let mut world = World::new();
    world.register_destroy::<Cat>();
    let mut owners = Vec::new();
    let mut owned = Vec::new();
    for _ in 0..size {
        let owner = world.spawn(Cat).id();
        owners.push(owner);
        owned.push(world.spawn(ChildOf(owner)).id());
    }
    let last = world.spawn_empty().id();
    owned.push(last);
    for pair in owned.windows(2) {
        world.entity_mut(pair[0]).insert(HeldBy(pair[1]));
    }
    owners.push(last);
    time(|| {
        world.qdel_batch(owners);
        assert_eq!(world.flush_qdel(), size + 1);
    })
}

fn ring(size: usize) -> Duration {
    let mut world = World::new();
    let all = spawn(&mut world, size);
    for at in 0..size {
        let holder = all[(at + 1) % size];
        world.entity_mut(all[at]).insert(HeldBy(holder));
    }
    time(|| {
        world.qdel(all[0]).unwrap();
        world.flush_qdel()
    })
}

fn plan_of_owner(size: usize) -> Duration {
    let mut world = World::new();
    let owner = family(&mut world, size, || None);
    time(|| world.plan_qdel(owner))
}

fn text_of_plan_of_owner(size: usize) -> Duration {
    let mut world = World::new();
    let owner = family(&mut world, size, || None);
    let plan = world.plan_qdel(owner);
    time(|| plan.to_string())
}

fn budget(size: usize) -> Duration {
    let mut world = World::new();
    let hand = AtomicU64::new(0);
    let clock = move || Duration::from_secs(hand.fetch_add(1, Ordering::Relaxed));
    world.insert_resource(WorkClock::new(clock));
    let budget = Teardown::Budget(Duration::from_millis(1));
    world.insert_resource(QdelSettings::default().with_teardown(budget));
    let all = spawn(&mut world, size);
    world.qdel_batch(all);
    time(|| while world.flush_qdel() > 0 {})
}

fn timed(size: usize, delay: impl Fn(usize) -> u64) -> (World, Vec<QdelTimer>) {
    let mut world = World::new();
    let entity = world.spawn_empty().id();
    let start = |at| {
        let delay = Duration::from_millis(delay(at));
        world.qdel_in(entity, delay).unwrap()
    };
    let timers = (0..size).map(start).collect();
    (world, timers)
}

fn timers_of_one(size: usize) -> Duration {
    let (mut world, _) = timed(size, |_| 1);
    time(|| world.advance_qdel_timers(Duration::from_secs(1)))
}

fn timers_of_one_in_turn(size: usize) -> Duration {
    let mut world = World::new();
    world.register_destroy::<Cat>();
    let entity = world.spawn(Cat).id();
    for at in 0..size {
        let delay = Duration::from_millis(at as u64 + 1);
        world.qdel_in(entity, delay).unwrap();
    }
    time(|| {
        for _ in 0..size {
            world.advance_qdel_timers(Duration::from_millis(1));
        }
    })
}

fn cancel_in_order(size: usize) -> Duration {
    let (mut world, timers) = timed(size, |at| at as u64);
    time(|| {
        for timer in timers {
            world.cancel_qdel(timer).unwrap();
        }
    })
}

fn cancel_backwards(size: usize) -> Duration {
    let (mut world, timers) = timed(size, |at| at as u64);
    time(|| {
        for timer in timers.into_iter().rev() {
            world.cancel_qdel(timer).unwrap();
        }
    })
}

fn despawn_timed(size: usize) -> Duration {
    let (mut world, timers) = timed(size, |at| at as u64);
    let entity = timers[0].entity();
    time(|| world.despawn(entity))
}

fn timers_of_many(size: usize) -> Duration {
    let mut world = World::new();
    for entity in spawn(&mut world, size) {
        world.qdel_in(entity, Duration::from_millis(1)).unwrap();
    }
    time(|| world.advance_qdel_timers(Duration::from_secs(1)))
}

fn topple(mut world: bevy_ecs::world::DeferredWorld, heard: Received<Qdeleting, Mob>) {
    let mob = world.get::<Mob>(heard.listener());
    if let Some(next) = mob.and_then(|mob| mob.next) {
        world.qdel(next);
    }
}

fn dominoes(size: usize) -> Duration {
    let mut world = World::new();
    let all = spawn(&mut world, size);
    for (at, entity) in all.iter().enumerate() {
        let next = all.get(at + 1).copied();
        world.entity_mut(*entity).insert(Mob { next });
        world.register_signal(*entity, *entity, topple).unwrap();
    }
    time(|| {
        world.qdel(all[0]).unwrap();
        assert_eq!(world.flush_qdel(), size);
    })
}

fn fields(size: usize) -> Duration {
    let mut world = World::new();
    let mut list = spawn(&mut world, size);
    time(|| world.qdel_take(&mut list))
}
