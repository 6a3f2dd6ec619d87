//! No operation grows faster than n log n: how often components are looked at, and sizes at which a
//! square would not end.

mod counting {
    //! Components that count how often they are read.

    use std::cell::Cell;

    use bevy_ecs::prelude::*;
    use qdel::{
        References,
        reference::{AfterRelease, OnLoss, ReferenceVisitor},
    };

    thread_local! {
        static READ: Cell<usize> = const { Cell::new(0) };
    }

    /// Returns how many entities were read out of counting components since the last time.
    pub(crate) fn take_read() -> usize {
        READ.replace(0)
    }

    /// Names any number of entities, with one policy for all, and counts the visits.
    #[derive(Component)]
    pub(crate) struct Counting<const POLICY: u8>(Vec<Entity>);

    /// Lets go.
    pub(crate) type Clearing = Counting<0>;
    /// Goes with any of them.
    pub(crate) type Going = Counting<1>;
    /// Refuses to lose any of them.
    pub(crate) type Denying = Counting<2>;

    impl<const POLICY: u8> Counting<POLICY> {
        /// Returns one that names `all`.
        pub(crate) fn of(all: Vec<Entity>) -> Self {
            Self(all)
        }
    }

    impl<const POLICY: u8> References for Counting<POLICY> {
        const CASCADES: bool = POLICY > 0;

        fn visit_references<V: ReferenceVisitor>(&self, policy: OnLoss, visitor: &mut V) {
            let policy = match POLICY {
                0 => policy,
                1 => OnLoss::Qdel,
                _ => OnLoss::Deny,
            };
            READ.set(READ.get() + 1);
            for entity in &self.0 {
                READ.set(READ.get() + 1);
                visitor.reference(*entity, policy);
            }
        }

        fn release_references(
            &mut self,
            policy: OnLoss,
            is_lost: &mut dyn FnMut(Entity) -> bool,
        ) -> AfterRelease {
            if POLICY == 0 && policy == OnLoss::Clear {
                self.0.retain(|entity| !is_lost(*entity));
            }
            AfterRelease::Valid
        }
    }
}

use core::time::Duration;

use bevy_ecs::prelude::*;
use counting::{Clearing, Denying, Going, take_read};
use qdel::{QdelTimer, prelude::*};

/// A number whose square takes too long to work through.
const HUGE: usize = 40_000;

/// A number whose square can be told from a multiple of it.
const MANY: usize = 500;

/// A few looks for each of many.
const FEW_EACH: usize = 10 * MANY;

fn world() -> World {
    let mut world = World::new();
    world
        .track_references::<Clearing>()
        .track_references::<Going>()
        .track_references::<Denying>();
    world
}

fn spawn(world: &mut World, count: usize) -> Vec<Entity> {
    (0..count).map(|_| world.spawn_empty().id()).collect()
}

fn spawn_owned(world: &mut World, count: usize) -> (Entity, Vec<Entity>) {
    let owner = world.spawn_empty().id();
    let owned = (0..count).map(|_| world.spawn(ChildOf(owner)).id());
    (owner, owned.collect())
}

/// Spawns a chain of `count` entities, each of which cannot be without the one before.
fn spawn_bound(world: &mut World, count: usize) -> Vec<Entity> {
    let mut all = vec![world.spawn_empty().id()];
    while all.len() < count {
        let last = all[all.len() - 1];
        all.push(world.spawn(Going::of(vec![last])).id());
    }
    all
}

/// (Q10)
#[test]
fn plan_of_a_huge_chain_of_policies_is_made_and_written() {
    let mut world = world();
    let all = spawn_bound(&mut world, HUGE);

    let plan = world.plan_qdel(all[0]);
    let text = plan.to_string();

    assert_eq!(plan.deletions.len(), HUGE);
    // Whose entity goes as well only lets go.
    assert_eq!(text.matches("\n  clears   ").count(), HUGE - 1);
    assert!(!text.contains("deletes `"));
}

/// (Q10)
#[test]
fn plan_reads_a_list_of_those_who_go_a_few_times() {
    let mut world = world();
    let (owner, owned) = spawn_owned(&mut world, MANY);
    world.spawn(Clearing::of(owned.clone()));
    world.spawn(Going::of(owned));
    take_read();

    let plan = world.plan_qdel(owner);

    let read = take_read();
    assert!(read < FEW_EACH, "{read}");
    assert_eq!(plan.deletions.len(), MANY + 2);
    let released = plan.deletions.iter().map(|at| at.released.len());
    assert_eq!(released.sum::<usize>(), 2 * MANY);
}

/// (Q10)
#[test]
fn plan_names_each_place_of_a_list_once() {
    let mut world = world();
    let (owner, owned) = spawn_owned(&mut world, 3);
    let [first, second, third] = owned[..] else {
        unreachable!("three should be owned")
    };
    world.spawn(Clearing::of(vec![second, owner, first, second]));

    let plan = world.plan_qdel(owner);

    let paths = |entity| {
        let planned = plan.deletions.iter().find(|at| at.entity == entity);
        let released = planned.unwrap().released.iter();
        released.map(|place| place.path.clone()).collect::<Vec<_>>()
    };
    // What is written by hand reports no way to its places.
    assert_eq!(paths(owner).len(), 1);
    assert_eq!(paths(first).len(), 1);
    assert_eq!(paths(second).len(), 2);
    assert_eq!(paths(third).len(), 0);
}

/// (Q10)
#[test]
fn refusals_read_the_list_that_refuses_a_few_times() {
    let mut world = world();
    let (owner, owned) = spawn_owned(&mut world, MANY);
    world.spawn(Denying::of(owned));
    take_read();

    let refusals = world.plan_qdel(owner).refusals;

    let read = take_read();
    assert!(read < FEW_EACH, "{read}");
    assert_eq!(refusals.len(), MANY);
}

/// (R5)
#[test]
fn deletion_reads_a_list_that_refuses_a_few_times() {
    let mut world = world();
    let (owner, owned) = spawn_owned(&mut world, MANY);
    let holder = world.spawn(Denying::of(owned)).id();
    take_read();

    assert!(world.qdel(owner).is_err());
    let refused = take_read();
    world.entity_mut(holder).insert(ChildOf(owner));
    assert_eq!(world.qdel(owner), Ok(QdelOutcome::Queued));
    let deleted = take_read();

    assert!(refused < FEW_EACH, "{refused}");
    assert!(deleted < FEW_EACH, "{deleted}");
}

/// (R5)
#[test]
fn deletion_reads_a_list_that_goes_with_it_a_few_times() {
    let mut world = world();
    let (owner, owned) = spawn_owned(&mut world, MANY);
    let holder = world.spawn(Going::of(owned)).id();
    take_read();

    assert_eq!(world.qdel(owner), Ok(QdelOutcome::Queued));

    let read = take_read();
    assert!(read < FEW_EACH, "{read}");
    assert_eq!(world.liveness(holder), Liveness::Deleting);
}

/// (Q2, R5)
#[test]
fn batch_reads_a_list_that_refuses_a_few_times() {
    let mut world = world();
    let mut all = spawn(&mut world, MANY);
    let holder = world.spawn(Denying::of(all.clone())).id();
    take_read();

    let refused = world.qdel_batch(all.clone()).refused.len();
    let refusing = take_read();
    all.insert(0, holder);
    let queued = world.qdel_batch(all).queued.len();
    let going = take_read();

    assert_eq!((refused, queued), (MANY, MANY + 1));
    assert!(refusing < FEW_EACH, "{refusing}");
    assert!(going < FEW_EACH, "{going}");
}

/// (R5)
#[test]
fn batch_reads_a_list_that_goes_with_it_a_few_times() {
    let mut world = world();
    let all = spawn(&mut world, MANY);
    let holder = world.spawn(Going::of(all.clone())).id();
    take_read();

    let batch = world.qdel_batch(all);

    let read = take_read();
    assert!(read < FEW_EACH, "{read}");
    assert_eq!(batch.queued.len(), MANY);
    assert_eq!(world.liveness(holder), Liveness::Deleting);
}

/// Lives on.
#[derive(Component)]
struct Cat;

impl Destroy for Cat {
    type Param = ();

    fn destroy(&mut self, _: DestroyContext<()>) -> DestroyHint {
        DestroyHint::LetMeLive
    }
}

/// The order in which components were destroyed.
#[derive(Resource, Default)]
struct Order(Vec<usize>);

/// Notes its number when it is destroyed.
#[derive(Component)]
struct Numbered(usize);

impl Destroy for Numbered {
    type Param = ResMut<'static, Order>;

    fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
        going.param.0.push(self.0);
        DestroyHint::Queue
    }
}

#[derive(Component)]
#[relationship(relationship_target = Holds)]
struct HeldBy(Entity);

#[derive(Component)]
#[relationship_target(relationship = HeldBy, linked_spawn)]
struct Holds(Vec<Entity>);

/// A world in which the owners of `count` entities live on. Each is also held by the next, and the
/// last by one that goes.
fn world_of_spared(count: usize) -> (World, Vec<Entity>, Vec<Entity>) {
    let mut world = world();
    world.init_resource::<Order>();
    world
        .register_destroy::<Cat>()
        .register_destroy::<Numbered>();
    let owners: Vec<Entity> = (0..count).map(|_| world.spawn(Cat).id()).collect();
    let mut owned = Vec::new();
    for (number, owner) in owners.iter().enumerate() {
        let owned_by = (ChildOf(*owner), Numbered(number), Going::of(Vec::new()));
        owned.push(world.spawn(owned_by).id());
    }
    let last = world.spawn_empty().id();
    let holders = owned.iter().copied().skip(1).chain([last]);
    for (owned, holder) in owned.iter().zip(holders) {
        world.entity_mut(*owned).insert(HeldBy(holder));
    }
    let mut roots = owners;
    roots.push(last);
    (world, roots, owned)
}

/// (Q6)
#[test]
fn those_who_are_spared_one_by_one_are_looked_at_a_few_times() {
    let (mut world, roots, owned) = world_of_spared(MANY);
    take_read();

    let batch = world.qdel_batch(roots);

    let read = take_read();
    assert!(read < FEW_EACH, "{read}");
    assert_eq!(batch.kept.len(), MANY);
    for entity in owned {
        assert_eq!(world.liveness(entity), Liveness::Deleting);
    }
}

/// (Q6)
#[test]
fn those_who_go_after_all_are_destroyed_once_and_in_rounds() {
    let (mut world, roots, _) = world_of_spared(5);

    world.qdel_batch(roots);

    assert_eq!(world.resource::<Order>().0, [4, 3, 2, 1, 0]);
}

/// (Q6)
#[test]
fn those_who_are_spared_stay_where_nobody_they_hang_on_goes() {
    let (mut world, mut roots, owned) = world_of_spared(5);
    roots.pop();

    let batch = world.qdel_batch(roots);

    assert_eq!(batch.kept.len(), 5);
    assert_eq!(world.resource::<Order>().0, [] as [usize; 0]);
    for entity in owned {
        assert_eq!(world.liveness(entity), Liveness::Alive);
    }
}

/// (Q6)
#[test]
fn who_answers_that_it_lives_ends_the_news() {
    let (mut world, roots, owned) = world_of_spared(5);
    // It would have to go, and does not.
    world.entity_mut(owned[2]).insert(Cat);

    world.qdel_batch(roots);

    assert_eq!(world.resource::<Order>().0, [4, 3, 2]);
    let liveness: Vec<_> = owned.iter().map(|entity| world.liveness(*entity)).collect();
    assert_eq!(liveness[..3], [Liveness::Alive; 3]);
    assert_eq!(liveness[3..], [Liveness::Deleting; 2]);
}

/// (Q9)
#[test]
fn huge_number_of_timers_of_one_entity_falls_due_together() {
    for delay in [|at| at, |at| HUGE - at, |_| 1] {
        let mut world = World::new();
        let corpse = world.spawn_empty().id();
        for at in 0..HUGE {
            let delay = Duration::from_micros(delay(at) as u64);
            world.qdel_in(corpse, delay).unwrap();
        }

        let batch = world.advance_qdel_timers(Duration::from_secs(1));

        assert_eq!(batch.queued, [corpse]);
        assert_eq!(batch.already_deleting.len(), HUGE - 1);
        assert!(world.qdel_timers().is_empty());
    }
}

/// (Q9)
#[test]
fn huge_number_of_timers_of_one_entity_falls_due_one_by_one() {
    let mut world = World::new();
    world.register_destroy::<Cat>();
    let cat = world.spawn(Cat).id();
    for at in (0..HUGE).rev() {
        let delay = Duration::from_micros(at as u64 + 1);
        world.qdel_in(cat, delay).unwrap();
    }

    let kept: usize = (0..HUGE)
        .map(|_| {
            world
                .advance_qdel_timers(Duration::from_micros(1))
                .kept
                .len()
        })
        .sum();

    assert_eq!(kept, HUGE);
}

/// (Q9)
#[test]
fn huge_number_of_timers_of_one_entity_is_cancelled_in_either_order() {
    for is_backwards in [false, true] {
        let mut world = World::new();
        let corpse = world.spawn_empty().id();
        let other = world.spawn_empty().id();
        let start = |_| world.qdel_in(corpse, Duration::from_secs(1)).unwrap();
        let mut timers: Vec<QdelTimer> = (0..HUGE).map(start).collect();
        let kept = world.qdel_in(other, Duration::from_secs(1)).unwrap();
        if is_backwards {
            timers.reverse();
        }

        for timer in timers {
            world.cancel_qdel(timer).unwrap();
        }

        let left: Vec<_> = world.qdel_timers().into_iter().collect();
        assert_eq!(left, [(kept, Duration::from_secs(1))]);
    }
}

/// (Q9)
#[test]
fn entity_of_a_huge_number_of_timers_takes_its_own_with_it() {
    let mut world = World::new();
    let all = spawn(&mut world, 3);
    for _ in 0..HUGE {
        world.qdel_in(all[1], Duration::from_secs(1)).unwrap();
    }
    for entity in [all[0], all[2]] {
        world.qdel_in(entity, Duration::from_secs(1)).unwrap();
    }

    world.despawn(all[1]);

    let left = world.qdel_timers();
    let left: Vec<Entity> = left.iter().map(|(timer, _)| timer.entity()).collect();
    assert_eq!(left, [all[0], all[2]]);
}
