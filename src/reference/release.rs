//! How fields let go of what is lost.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    change_detection::DetectChangesMut,
    entity::Entity,
    world::{DeferredWorld, World},
};
use bevy_platform::hash::FixedHasher;
use indexmap::IndexSet;
use smallvec::SmallVec;

use super::{
    Policy,
    sync::sync_component,
    tracked::{Demand, Hears, LostSet, Tracked},
};
use crate::{
    deleting::Deleting,
    liveness::{Liveness, LivenessExt},
    signal::{Books, Panicked},
};

/// What a release came to.
#[derive(Default)]
pub(crate) struct Released {
    /// What is left to do.
    pub(crate) demands: Vec<Demand>,
    /// The first panic.
    pub(crate) panicked: Option<Panicked>,
    /// How many components had to let go of something.
    pub(crate) components: usize,
}

impl Released {
    /// Returns what a release came to that panicked.
    pub(super) fn panicked(panicked: Panicked) -> Self {
        Self {
            panicked: Some(panicked),
            ..Self::default()
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.demands.extend(other.demands);
        self.components += other.components;
        if self.panicked.is_none() {
            self.panicked = other.panicked;
        }
    }

    /// Returns the panic as an outcome, and what is left to do.
    pub(crate) fn into_parts(self) -> (Vec<Demand>, Result<(), Panicked>) {
        (self.demands, self.panicked.map_or(Ok(()), Err))
    }
}

/// Tells whether anybody is known to name `target`.
pub(crate) fn is_named(world: &World, target: Entity) -> bool {
    let books = world.get_resource::<Books>();
    books.is_some_and(|books| books.is_named(target))
}

/// Releases all references to `targets` that are known. None of them is alive any more.
pub(crate) fn release(world: &mut World, targets: &[Entity]) -> Released {
    let mut released = Released::default();
    let referrers = take_referrers(&mut DeferredWorld::from(&mut *world), targets);
    for (holder, number) in referrers {
        // A component that panics when it is read costs nobody else anything.
        let component = catch_unwind(AssertUnwindSafe(|| {
            release_now(world, holder, number, Hears::Yes)
        }));
        released.add(component.unwrap_or_else(Released::panicked));
    }
    released
}

/// Has one component let go of all that it names and has lost, also where that takes a command.
pub(super) fn release_now(
    world: &mut World,
    holder: Entity,
    number: u32,
    hears: Hears,
) -> Released {
    let mut deferred = DeferredWorld::from(&mut *world);
    let mut released = release_component(&mut deferred, holder, number, hears);
    if released.components > 0 && world.resource::<Tracked>().get(number).reach.is_deferred() {
        // One by one, because a panic drops the commands that wait behind.
        let applied = catch_unwind(AssertUnwindSafe(|| world.flush()));
        released.panicked = released.panicked.or(applied.err());
    }
    released
}

/// Tells whether an entity is lost: it is gone, or it is decided that it goes.
pub(super) fn is_lost(world: &World, entity: Entity) -> bool {
    let Ok(at) = world.get_entity(entity) else {
        return true;
    };
    match at.get::<Deleting>() {
        Some(deleting) => !deleting.is_undecided(),
        None => world.liveness(entity) != Liveness::Alive,
    }
}

/// Links a living entity to what it names, and releases what it has lost.
///
/// It was to go as well and does not: what it wrote meanwhile may have been passed over, and what a policy demands of its entity is not done, but its
/// component is removed.
pub(crate) fn release_survivor(world: &mut World, holder: Entity) -> Released {
    let mut released = Released::default();
    let Some(tracked) = world.get_resource::<Tracked>() else {
        return released;
    };
    let Ok(entity) = world.get_entity(holder) else {
        return released;
    };
    let numbers = tracked.numbers_in(entity);
    let types: Vec<_> = numbers.map(|number| tracked.get(number)).collect();
    for tracking in types {
        released.add(sync_component(world, holder, tracking, Hears::Yes));
    }
    for demand in &mut released.demands {
        if let Demand::Qdel { holder, number, .. } = *demand {
            *demand = Demand::Remove { holder, number };
        }
    }
    released
}

/// Tells whether a component names somebody who is lost, in a place that cannot be cleared.
pub(crate) fn must_go(world: &World, holder: Entity, number: u32) -> bool {
    let Some(tracked) = world.get_resource::<Tracked>() else {
        return false;
    };
    let mut must_go = false;
    let reach = tracked.get(number).reach;
    reach.visit(world, holder, &mut |entity, policy| {
        must_go |= policy != Policy::Clear && is_lost(world, entity);
    });
    must_go
}

/// Releases the references to an entity that is despawned by whatever means.
pub(super) fn release_despawned(world: &mut DeferredWorld, target: Entity) -> Result<(), Panicked> {
    if let Some(mut deleting) = world.get_mut::<Deleting>(target) {
        deleting.decide();
    }
    let mut released = Released::default();
    if !world.contains_resource::<Tracked>() {
        return Ok(());
    }
    let referrers = take_referrers(world, &[target]);
    if referrers.is_empty() {
        return Ok(());
    }
    for &(holder, number) in &referrers {
        released.add(release_component(world, holder, number, Hears::Yes));
    }
    let (demands, outcome) = released.into_parts();
    // A panic of the despawn drops the commands: then the next sync sees to it.
    if let Some(mut books) = world.get_resource_mut::<Books>() {
        let books = books.bypass_change_detection();
        for demand in &demands {
            let (Demand::Remove { holder, number } | Demand::Qdel { holder, number, .. }) = *demand;
            books.remember_unsynced(holder, number);
        }
    }
    settle_later(world, demands);
    world.commands().queue(move |world: &mut World| {
        // Where this is reached, nothing was dropped.
        if let Some(mut books) = world.get_resource_mut::<Books>() {
            let books = books.bypass_change_detection();
            for (holder, number) in referrers {
                books.forget_unsynced(holder, number);
            }
        }
    });
    outcome
}

/// Has the demands seen to when commands are applied.
pub(super) fn settle_later(world: &mut DeferredWorld, demands: Vec<Demand>) {
    if demands.is_empty() {
        return;
    }
    world.commands().queue(move |world: &mut World| {
        let settle = world
            .get_resource::<Tracked>()
            .map(|tracked| tracked.settle);
        if let Some(Err(panicked)) = settle.map(|settle| settle(world, demands)) {
            resume_unwind(panicked);
        }
    });
}

/// Has one component let go of all that it names and that is not alive any more.
pub(super) fn release_component(
    world: &mut DeferredWorld,
    holder: Entity,
    number: u32,
    hears: Hears,
) -> Released {
    let mut released = Released::default();
    let tracking = world.resource::<Tracked>().get(number);
    let mut named = SmallVec::<[(Entity, Policy); 8]>::new();
    tracking.reach.visit(world, holder, &mut |entity, policy| {
        named.push((entity, policy));
    });
    named.retain(|(entity, _)| is_lost(world, *entity));
    let is_alive = world.liveness(holder) == Liveness::Alive;
    let strongest = named.iter().map(|(_, policy)| *policy);
    let demand = match strongest.max() {
        None => return released,
        Some(Policy::Clear) => None,
        // Who goes as well has nothing left to decide.
        Some(_) if !is_alive => None,
        Some(_) => {
            let cascade = named.iter().find(|(_, policy)| *policy == Policy::Qdel);
            Some(match cascade {
                Some(&(target, _)) => Demand::Qdel {
                    holder,
                    number,
                    target,
                },
                None => Demand::Remove { holder, number },
            })
        }
    };
    released.components = 1;
    released.demands.extend(demand);

    let cleared = named.iter().filter(|(_, policy)| *policy == Policy::Clear);
    let lost: LostSet = cleared.map(|(entity, _)| *entity).collect();
    if !lost.is_empty() {
        // Who may still live on hears as well.
        let hears = if !is_lost(world, holder) && demand.is_none() {
            hears
        } else {
            Hears::No
        };
        if tracking.reach.is_deferred()
            && let Some(mut books) = world.get_resource_mut::<Books>()
        {
            // A panic elsewhere may drop the command.
            books
                .bypass_change_detection()
                .remember_unsynced(holder, number);
        }
        let called = catch_unwind(AssertUnwindSafe(|| {
            tracking.reach.release(world, holder, lost, hears);
        }));
        released.panicked = called.err();
    }
    released
}

/// Takes the links to `targets` out of the books, and returns whose they are, each component once.
fn take_referrers(
    world: &mut DeferredWorld,
    targets: &[Entity],
) -> IndexSet<(Entity, u32), FixedHasher> {
    let mut referrers = IndexSet::default();
    let Some(books) = world.get_resource::<Books>() else {
        return referrers;
    };
    let tracked = world.resource::<Tracked>();
    let mut links = Vec::new();
    for &target in targets {
        for (holder, number) in books.referrers(target) {
            referrers.insert((holder, number));
            links.push((holder, target, tracked.get(number).handler));
        }
    }
    let mut books = world.resource_mut::<Books>();
    let books = books.bypass_change_detection();
    for (holder, target, handler) in links {
        books.end_reference(holder, target, handler);
    }
    referrers
}
