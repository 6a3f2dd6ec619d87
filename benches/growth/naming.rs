//! Declared references: lists, chains, policies, plans.

use core::time::Duration;

use bevy_ecs::prelude::*;
use qdel::prelude::*;

use crate::{Case, time};

pub(crate) const CASES: &[Case] = &[
    Case::new("n fields name one that goes", 20_000, fields),
    Case::new(
        "n fields name one each, all go in a batch",
        20_000,
        field_each,
    ),
    Case::new("n entries of one list go in a batch", 2_000, list_in_a_wave),
    Case::new(
        "n entries of one list are despawned at once",
        2_000,
        list_in_a_despawn,
    ),
    Case::new(
        "n entries of one list go with their owner",
        2_000,
        list_of_owned,
    ),
    Case::new(
        "n entries of one list go one by one",
        1_000,
        list_one_by_one,
    )
    .documented("each reads the list"),
    Case::new(
        "n entries of one list are torn down in one flush",
        2_000,
        list_in_a_flush,
    ),
    Case::new(
        "n entries of one immutable list go in a batch",
        2_000,
        immutable_list,
    ),
    Case::new("sync n written fields", 20_000, sync),
    Case::new("sync a list of n written anew", 40_000, sync_list),
    Case::new(
        "sync n times beside n that were not written",
        2_000,
        sync_idle,
    )
    .documented("each looks at each once"),
    Case::new(
        "qdel n one by one, immediate, beside n fields",
        2_000,
        immediate_beside_fields,
    )
    .documented("each looks at each once"),
    Case::new(
        "batch of a chain of deny holders, head first",
        250,
        denied_head_first,
    ),
    Case::new(
        "batch of a chain of deny holders, tail first",
        1_000,
        denied_tail_first,
    ),
    Case::new(
        "batch of n in one list that refuses, with it",
        1_000,
        denied_by_a_list,
    ),
    Case::new(
        "batch of n in one list that goes with them",
        1_000,
        list_goes_with_them,
    ),
    Case::new("qdel a chain of n by policy", 4_000, policy_chain),
    Case::new(
        "despawn the first of a chain of n by policy",
        2_000,
        policy_chain_despawned,
    ),
    Case::new(
        "plan of a chain of n by policy",
        4_000,
        plan_of_policy_chain,
    ),
    Case::new(
        "text of the plan of a chain of n by policy",
        4_000,
        text_of_plan_of_policy_chain,
    ),
    Case::new(
        "plan of an owner of n that one list names",
        2_000,
        plan_of_list,
    ),
    Case::new(
        "text of the plan of an owner of n that one list names",
        2_000,
        text_of_plan_of_list,
    ),
    Case::new(
        "refusals to lose an owner of n, in one list",
        1_000,
        refusals,
    ),
];

#[derive(Component, References)]
struct Aim {
    #[entities]
    at: Option<Entity>,
}

#[derive(Component, References)]
struct List {
    #[entities]
    all: Vec<Entity>,
}

#[derive(Component, References)]
#[component(immutable)]
struct Carved {
    #[entities]
    all: Vec<Entity>,
}

#[derive(Component, References)]
struct Bound {
    #[entities]
    #[references(qdel)]
    to: Option<Entity>,
}

#[derive(Component, References)]
struct BoundToAll {
    #[entities]
    #[references(qdel)]
    to: Vec<Entity>,
}

#[derive(Component, References)]
struct Needs {
    #[entities]
    #[references(deny)]
    it: Option<Entity>,
}

#[derive(Component, References)]
struct NeedsAll {
    #[entities]
    #[references(deny)]
    all: Vec<Entity>,
}

fn world() -> World {
    let mut world = World::new();
    world
        .track_references::<Aim>()
        .track_references::<List>()
        .track_references::<Carved>();
    world
}

/// A world with policies that refuse, or take more along.
fn world_of_policies() -> World {
    let mut world = world();
    world
        .track_references::<Bound>()
        .track_references::<BoundToAll>()
        .track_references::<Needs>()
        .track_references::<NeedsAll>();
    world
}

fn spawn(world: &mut World, count: usize) -> Vec<Entity> {
    (0..count).map(|_| world.spawn_empty().id()).collect()
}

fn fields(size: usize) -> Duration {
    let mut world = world();
    let target = world.spawn_empty().id();
    for _ in 0..size {
        let at = Some(target);
        world.spawn(Aim { at });
    }
    time(|| world.qdel(target))
}

fn field_each(size: usize) -> Duration {
    let mut world = world();
    let targets = spawn(&mut world, size);
    for target in &targets {
        let at = Some(*target);
        world.spawn(Aim { at });
    }
    time(|| world.qdel_batch(targets))
}

fn list(size: usize) -> (World, Vec<Entity>) {
    let mut world = world();
    let targets = spawn(&mut world, size);
    let all = targets.clone();
    world.spawn(List { all });
    (world, targets)
}

fn list_in_a_wave(size: usize) -> Duration {
    let (mut world, targets) = list(size);
    time(|| world.qdel_batch(targets))
}

fn list_in_a_flush(size: usize) -> Duration {
    // They are linked when they wait already.
    let mut world = world();
    let targets = spawn(&mut world, size);
    world.qdel_batch(targets.clone());
    world.spawn(List { all: targets });
    time(|| world.flush_qdel())
}

fn list_in_a_despawn(size: usize) -> Duration {
    let (mut world, targets) = list(size);
    for target in &targets {
        world.entity_mut(*target).insert(Going);
    }
    time(|| world.commands().despawn_all::<With<Going>>()) + time(|| world.flush())
}

#[derive(Component)]
struct Going;

fn list_of_owned(size: usize) -> Duration {
    let (mut world, targets) = list(size);
    let owner = world.spawn_empty().id();
    for target in targets {
        world.entity_mut(target).insert(ChildOf(owner));
    }
    time(|| world.qdel(owner))
}

fn list_one_by_one(size: usize) -> Duration {
    let (mut world, targets) = list(size);
    time(|| {
        for target in targets {
            world.qdel(target).unwrap();
        }
    })
}

fn immutable_list(size: usize) -> Duration {
    let mut world = world();
    let targets = spawn(&mut world, size);
    let all = targets.clone();
    world.spawn(Carved { all });
    time(|| world.qdel_batch(targets))
}

fn sync(size: usize) -> Duration {
    let mut world = world();
    let targets = spawn(&mut world, size);
    let holders: Vec<Entity> = (0..size)
        .map(|_| world.spawn(Aim { at: None }).id())
        .collect();
    for (holder, target) in holders.into_iter().zip(targets) {
        world.get_mut::<Aim>(holder).unwrap().at = Some(target);
    }
    time(|| world.sync_references())
}

fn sync_list(size: usize) -> Duration {
    let mut world = world();
    let all = spawn(&mut world, size);
    let holder = world.spawn(List { all: Vec::new() }).id();
    world.get_mut::<List>(holder).unwrap().all = all;
    time(|| world.sync_references())
}

fn sync_idle(size: usize) -> Duration {
    let mut world = world();
    for target in spawn(&mut world, size) {
        let at = Some(target);
        world.spawn(Aim { at });
    }
    time(|| {
        for _ in 0..size {
            world.sync_references();
        }
    })
}

fn immediate_beside_fields(size: usize) -> Duration {
    let mut world = world();
    world.insert_resource(QdelSettings::default().with_teardown(Teardown::Immediate));
    for target in spawn(&mut world, size) {
        let at = Some(target);
        world.spawn(Aim { at });
    }
    let all = spawn(&mut world, size);
    time(|| {
        for entity in all {
            world.qdel(entity).unwrap();
        }
    })
}

/// `size` entities in a chain, each of which refuses to lose the one before.
fn denying_chain(size: usize) -> (World, Vec<Entity>) {
    let mut world = world_of_policies();
    let mut all = vec![world.spawn_empty().id()];
    while all.len() < size {
        let it = Some(all[all.len() - 1]);
        all.push(world.spawn(Needs { it }).id());
    }
    (world, all)
}

fn denied_head_first(size: usize) -> Duration {
    let (mut world, all) = denying_chain(size);
    time(|| {
        let batch = world.qdel_batch(all);
        assert_eq!(batch.queued.len(), size);
    })
}

fn denied_tail_first(size: usize) -> Duration {
    let (mut world, all) = denying_chain(size);
    time(|| {
        let batch = world.qdel_batch(all.into_iter().rev());
        assert_eq!(batch.queued.len(), size);
    })
}

fn denied_by_a_list(size: usize) -> Duration {
    let mut world = world_of_policies();
    let mut all = spawn(&mut world, size);
    let holder = world.spawn(NeedsAll { all: all.clone() }).id();
    all.insert(0, holder);
    time(|| {
        let batch = world.qdel_batch(all);
        assert_eq!(batch.queued.len(), size + 1);
    })
}

fn list_goes_with_them(size: usize) -> Duration {
    let mut world = world_of_policies();
    let all = spawn(&mut world, size);
    world.spawn(BoundToAll { to: all.clone() });
    time(|| {
        let batch = world.qdel_batch(all);
        assert_eq!(batch.queued.len(), size);
    })
}

/// `size` entities in a chain, each of which cannot be without the one before.
fn bound_chain(size: usize) -> (World, Entity) {
    let mut world = world_of_policies();
    let first = world.spawn_empty().id();
    let mut last = first;
    for _ in 1..size {
        let to = Some(last);
        last = world.spawn(Bound { to }).id();
    }
    (world, first)
}

fn policy_chain(size: usize) -> Duration {
    let (mut world, first) = bound_chain(size);
    time(|| {
        world.qdel(first).unwrap();
        assert_eq!(world.flush_qdel(), size);
    })
}

fn policy_chain_despawned(size: usize) -> Duration {
    let (mut world, first) = bound_chain(size);
    time(|| {
        world.despawn(first);
        world.flush_qdel();
        assert_eq!(world.query::<&Bound>().iter(&world).count(), 0);
    })
}

fn plan_of_policy_chain(size: usize) -> Duration {
    let (mut world, first) = bound_chain(size);
    time(|| world.plan_qdel(first))
}

fn text_of_plan_of_policy_chain(size: usize) -> Duration {
    let (mut world, first) = bound_chain(size);
    let plan = world.plan_qdel(first);
    time(|| plan.to_string())
}

fn owner_of_listed(size: usize) -> (World, Entity) {
    let (mut world, targets) = list(size);
    let owner = world.spawn_empty().id();
    for target in targets {
        world.entity_mut(target).insert(ChildOf(owner));
    }
    (world, owner)
}

fn plan_of_list(size: usize) -> Duration {
    let (mut world, owner) = owner_of_listed(size);
    time(|| world.plan_qdel(owner))
}

fn text_of_plan_of_list(size: usize) -> Duration {
    let (mut world, owner) = owner_of_listed(size);
    let plan = world.plan_qdel(owner);
    time(|| plan.to_string())
}

fn refusals(size: usize) -> Duration {
    let mut world = world_of_policies();
    let all = spawn(&mut world, size);
    let owner = world.spawn_empty().id();
    for owned in &all {
        world.entity_mut(*owned).insert(ChildOf(owner));
    }
    world.spawn(NeedsAll { all });
    time(|| {
        assert_eq!(world.plan_qdel(owner).refusals.len(), size);
    })
}
