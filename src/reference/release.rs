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
    lost_set::LostSet,
    sync::sync_component,
    tracked::{Demand, Hears, Tracked, Tracking},
};
use crate::{
    deleting::Deleting,
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
        self.note(other.panicked.map_or(Ok(()), Err));
    }

    /// Keeps the first panic.
    fn note(&mut self, outcome: Result<(), Panicked>) {
        if self.panicked.is_none() {
            self.panicked = outcome.err();
        }
    }

    /// Returns the panic as an outcome, and what is left to do.
    pub(crate) fn into_parts(self) -> (Vec<Demand>, Result<(), Panicked>) {
        (self.demands, self.panicked.map_or(Ok(()), Err))
    }
}

/// The components whose links were ended, each once.
struct Referrers {
    /// Their holders, and the numbers of their types.
    components: Vec<(Entity, u32)>,
    /// All types, by number.
    types: SmallVec<[Tracking; 4]>,
}

impl Referrers {
    fn iter(&self) -> impl Iterator<Item = (Entity, Tracking)> {
        let components = self.components.iter();
        components.map(|&(holder, number)| (holder, self.types[number as usize]))
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
    let referrers = end_links(&mut DeferredWorld::from(&mut *world), targets);
    for (holder, tracking) in referrers.iter().flat_map(Referrers::iter) {
        release_now(world, holder, tracking, Hears::Yes, &mut released);
    }
    released
}

/// Has one component let go of all that it names and has lost, also where that takes a command.
pub(super) fn release_now(
    world: &mut World,
    holder: Entity,
    tracking: Tracking,
    hears: Hears,
    released: &mut Released,
) {
    let before = released.components;
    let mut deferred = DeferredWorld::from(&mut *world);
    release_component(&mut deferred, holder, tracking, hears, released);
    if tracking.reach.is_deferred() && released.components > before {
        // One by one, because a panic drops the commands that wait behind.
        released.note(catch_unwind(AssertUnwindSafe(|| world.flush())));
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
    let Tracking { reach, marks, .. } = tracked.get(number);
    let books = world.resource::<Books>();
    let mut must_go = false;
    reach.visit(world, holder, &mut |entity, policy| {
        must_go |= policy != Policy::Clear && marks.is_lost(world, books, entity);
    });
    must_go
}

/// Releases the references to an entity that is despawned by whatever means.
pub(super) fn release_despawned(world: &mut DeferredWorld, target: Entity) -> Result<(), Panicked> {
    if let Some(mut deleting) = world.get_mut::<Deleting>(target) {
        deleting.decide();
    }
    let Some(referrers) = end_links(world, &[target]) else {
        return Ok(());
    };
    let mut released = Released::default();
    for (holder, tracking) in referrers.iter() {
        release_component(world, holder, tracking, Hears::Yes, &mut released);
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
            for (holder, number) in referrers.components {
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

/// Has one component let go of all that it names and has lost. One that panics costs nobody else anything.
fn release_component(
    world: &mut DeferredWorld,
    holder: Entity,
    tracking: Tracking,
    hears: Hears,
    released: &mut Released,
) {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let Some(loss) = look(world, holder, tracking) else {
            return;
        };
        let hears = if loss.stays { hears } else { Hears::No };
        released.components += 1;
        released.demands.extend(loss.demand);
        if loss.cleared.is_empty() {
            return;
        }
        if tracking.reach.is_deferred()
            && let Some(mut books) = world.get_resource_mut::<Books>()
        {
            // A panic elsewhere may drop the command.
            books
                .bypass_change_detection()
                .remember_unsynced(holder, tracking.number);
        }
        tracking.reach.release(world, holder, loss.cleared, hears);
    }));
    released.note(outcome);
}

/// What a component has lost, and what follows from that.
struct Loss {
    /// What it can let go of.
    cleared: LostSet,
    demand: Option<Demand>,
    /// Whether the component is there afterwards, as far as is known.
    stays: bool,
}

/// Returns what a component has lost, if it has lost anything.
fn look(world: &World, holder: Entity, tracking: Tracking) -> Option<Loss> {
    let Tracking {
        number,
        reach,
        marks,
        ..
    } = tracking;
    let books = world.get_resource::<Books>()?;
    let mut cleared = LostSet::default();
    let (mut is_void, mut needed) = (false, None);
    reach.visit(world, holder, &mut |entity, policy| {
        if marks.is_lost(world, books, entity) {
            match policy {
                Policy::Clear => cleared.insert(entity),
                Policy::Remove | Policy::Deny => is_void = true,
                Policy::Qdel => needed = needed.or(Some(entity)),
            }
        }
    });
    is_void |= needed.is_some();
    if cleared.is_empty() && !is_void {
        return None;
    }
    let is_alive = marks.is_alive(world, books, holder);
    // Who goes as well has nothing left to decide.
    let demand = (is_void && is_alive).then_some(match needed {
        Some(target) => Demand::Qdel {
            holder,
            number,
            target,
        },
        None => Demand::Remove { holder, number },
    });
    // Who may still live on hears as well.
    let stays = demand.is_none() && (is_alive || !marks.is_lost(world, books, holder));
    Some(Loss {
        cleared,
        demand,
        stays,
    })
}

/// Ends the links to `targets`, and returns whose they were, if there were any.
fn end_links(world: &mut DeferredWorld, targets: &[Entity]) -> Option<Referrers> {
    let types = world.get_resource::<Tracked>()?.all().collect();
    let mut books = world.get_resource_mut::<Books>()?;
    let books = books.bypass_change_detection();
    let mut components = Vec::new();
    let mut named = 0;
    for &target in targets {
        let before = components.len();
        components.extend(books.referrers(target));
        if components.len() > before {
            books.end_references(target);
            named += 1;
        }
    }
    if named > 1 {
        // One component may name several of them.
        let each: IndexSet<_, FixedHasher> = components.into_iter().collect();
        components = each.into_iter().collect();
    }
    (named > 0).then_some(Referrers { components, types })
}
