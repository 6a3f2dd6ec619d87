//! How fields release what is lost.

use bevy_ecs::{
    change_detection::DetectChangesMut,
    entity::Entity,
    world::{DeferredWorld, World},
};
use smallvec::SmallVec;

use crate::{
    books::Books,
    deleting::Deleting,
    hash::IndexSet,
    panics::{Panicked, catch},
    reference::{
        losses::{Losses, Verdict, clings},
        policy::OnLoss,
        released::{BATCH, Released, remember},
        simple_release::{TypesInUse, release_simple},
        tracked::{Demand, Tracked},
        tracking::{NotifyOwner, Tracking},
    },
};

/// How deep releases may nest that a component causes when it is told of a loss. A component that
/// always writes back what it lost would go on for ever.
const DEEPEST: u32 = 16;

/// The components whose links were ended, each once.
struct Referrers {
    /// Their holders, and the numbers of their types.
    components: Vec<(Entity, u32)>,
}

impl Referrers {
    /// Returns the holders in order, in runs that share a type.
    fn runs(&self) -> impl Iterator<Item = &[(Entity, u32)]> {
        self.components.chunk_by(|(_, a), (_, b)| a == b)
    }
}

/// Returns `true` if a component is linked to `target`.
pub(crate) fn is_named(world: &World, target: Entity) -> bool {
    let books = world.get_resource::<Books>();
    books.is_some_and(|books| books.is_named(target))
}

/// Returns `true` if a target was despawned plainly since the last sync.
#[cfg(feature = "bevy_app")]
pub(crate) fn has_lost(world: &World) -> bool {
    let books = world.get_resource::<Books>();
    books.is_some_and(|books| books.has_lost)
}

/// Releases all known references to `targets`. None of these is alive any more.
pub(crate) fn release(world: &mut World, targets: &[Entity]) -> Released {
    let mut released = Released::default();
    let Some(referrers) = end_links(
        &mut DeferredWorld::from(&mut *world),
        targets,
        Departure::Orderly,
    ) else {
        return released;
    };
    let mut types = TypesInUse::default();
    for holders in referrers.runs() {
        let mut deferred = DeferredWorld::from(&mut *world);
        let Some(tracking) = types.get(&mut deferred, holders[0].1, 1) else {
            // The world was cleared.
            break;
        };
        if tracking.reach.is_deferred() {
            for &(holder, _) in holders {
                release_now(world, holder, tracking, NotifyOwner::Yes, &mut released);
            }
        } else {
            release_run(&mut deferred, holders, targets, &mut types, &mut released);
        }
    }
    let mut world = DeferredWorld::from(&mut *world);
    types.finish(&mut world);
    give_back(&mut world, referrers.components);
    released
}

/// Makes one component release all that it has lost, also if that takes a command.
pub(crate) fn release_now(
    world: &mut World,
    holder: Entity,
    tracking: Tracking,
    notify: NotifyOwner,
    released: &mut Released,
) {
    let holders = [(holder, tracking.number)];
    let is_deferred = tracking.reach.is_deferred();
    let depth = if is_deferred { descend(world) } else { 0 };
    let notify = if depth < DEEPEST {
        notify
    } else {
        NotifyOwner::No
    };
    let before = released.components;
    let mut deferred = DeferredWorld::from(&mut *world);
    release_each(&mut deferred, &holders, tracking, notify, released);
    if is_deferred {
        if released.components > before {
            // One by one, because a panic drops the commands behind it.
            released.first_panic.run(|| world.flush());
        }
        ascend(world);
    }
}

/// Counts a release, and returns how many releases are under way whose commands led to it.
fn descend(world: &mut World) -> u32 {
    let tracked = world.get_resource_mut::<Tracked>();
    tracked.map_or(0, |mut tracked| {
        tracked.depth += 1;
        tracked.depth - 1
    })
}

/// Ends what [`descend`] began.
fn ascend(world: &mut World) {
    // The world may have been cleared.
    if let Some(mut tracked) = world.get_resource_mut::<Tracked>() {
        tracked.depth = tracked.depth.saturating_sub(1);
    }
}

/// Returns `true` if a component names a lost entity in a place that cannot be cleared.
pub(crate) fn must_go(world: &World, holder: Entity, number: u32) -> bool {
    let Some(tracked) = world.get_resource::<Tracked>() else {
        return false;
    };
    let Tracking { reach, marks, .. } = tracked.get(number);
    let books = world.resource::<Books>();
    let mut must_go = false;
    reach.visit(world, holder, &mut |entity, policy| {
        must_go |= policy != OnLoss::Clear && marks.is_lost(world, books, entity);
    });
    must_go
}

/// What a release came to that is not part of the stages of a deletion.
pub(crate) struct ReleasedPlainly {
    /// What is left to do.
    pub(crate) demands: Vec<Demand>,
    /// The components that were seen to: their holders, and the numbers of their types.
    pub(crate) seen_to: Vec<(Entity, u32)>,
    pub(crate) outcome: Result<(), Panicked>,
}

/// Releases the references to an entity that is despawned by any means, if there are any.
pub(crate) fn release_despawned(
    world: &mut DeferredWorld,
    target: Entity,
) -> Option<ReleasedPlainly> {
    let departure = match world.get_mut::<Deleting>(target) {
        Some(mut deleting) => {
            deleting.decide();
            Departure::Orderly
        }
        None => Departure::Plain,
    };
    let targets = [target];
    let referrers = end_links(world, &targets, departure)?;
    let mut released = Released::default();
    let mut types = TypesInUse::default();
    for holders in referrers.runs() {
        release_run(world, holders, &targets, &mut types, &mut released);
    }
    types.finish(world);
    let unread = core::mem::take(&mut released.unread);
    let mut seen_to = referrers.components;
    seen_to.retain(|component| !unread.contains(component));
    let (demands, outcome) = released.into_parts();
    // A panic of the despawn drops the commands. Then the next sync does it.
    remember(world, demands.iter().map(Demand::component));
    Some(ReleasedPlainly {
        demands,
        seen_to,
        outcome,
    })
}

/// Forgets components that were seen to, when commands are applied: where that is reached, no
/// command was dropped.
pub(crate) fn forget_later(world: &mut DeferredWorld, seen_to: Vec<(Entity, u32)>) {
    let Some(seen_to) = give_back(world, seen_to) else {
        return;
    };
    world.commands().queue(move |world: &mut World| {
        if let Some(mut books) = world.get_resource_mut::<Books>() {
            let books = books.bypass_change_detection();
            for (holder, number) in seen_to {
                books.forget_unsynced(holder, number);
            }
        }
    });
}

/// Returns `components` if any component is marked for the next sync. Otherwise, keeps their memory
/// for the next release.
fn give_back(
    world: &mut DeferredWorld,
    components: Vec<(Entity, u32)>,
) -> Option<Vec<(Entity, u32)>> {
    let Some(mut books) = world.get_resource_mut::<Books>() else {
        return Some(components);
    };
    let books = books.bypass_change_detection();
    if !books.unsynced.is_empty() {
        return Some(components);
    }
    books.keep_room(components);
    None
}

/// Makes components that share a type release all that they have lost, of which `targets` are most
/// likely all. A panic of one does not affect the others.
fn release_run(
    world: &mut DeferredWorld,
    holders: &[(Entity, u32)],
    targets: &[Entity],
    types: &mut TypesInUse,
    released: &mut Released,
) {
    let Some(tracking) = types.get(world, holders[0].1, holders.len()) else {
        return;
    };
    let mut left = holders;
    while !left.is_empty() {
        let batch = &left[..left.len().min(BATCH)];
        let seen_to = if tracking.reach.is_deferred() {
            0
        } else {
            release_simple(world, batch, tracking, targets, types, released)
        };
        let others = match seen_to {
            // Likely, the next ones are no simpler.
            0 => left.len().min(4 * BATCH),
            _ => batch.len(),
        };
        let others = &left[seen_to..others];
        left = &left[seen_to + others.len()..];
        if !others.is_empty() {
            release_each(world, others, tracking, NotifyOwner::Yes, released);
        }
    }
}

/// Makes the components of a type release all that they have lost. A panic of one does not affect
/// the others.
///
/// Nothing that is called here can reach the world. So several components are looked at before the
/// first is changed: one look can begin while another waits for memory.
fn release_each(
    world: &mut DeferredWorld,
    holders: &[(Entity, u32)],
    tracking: Tracking,
    notify: NotifyOwner,
    released: &mut Released,
) {
    let Tracking {
        number,
        reach,
        marks,
        ..
    } = tracking;
    let mut losses = Losses::default();
    let mut unread = Vec::new();
    for batch in holders.chunks(BATCH) {
        if let Some(books) = world.get_resource::<Books>() {
            let verdict = Verdict::new(world, books, marks);
            let is_alive = |(holder, _): &_| marks.is_alive(world, books, *holder);
            let alive: SmallVec<[bool; BATCH]> = batch.iter().map(is_alive).collect();
            for (&(holder, _), is_alive) in batch.iter().zip(alive) {
                let look = || losses.look(&verdict, holder, is_alive, tracking);
                let looked = catch(look);
                if looked.is_err() {
                    unread.push((holder, number));
                }
                released.first_panic.note(looked);
            }
        }
        remember(world, unread.iter().copied());
        released.unread.append(&mut unread);
        released.components += losses.each.len();
        let mut start = 0;
        for loss in losses.each.drain(..) {
            released.demands.extend(loss.demand);
            let cleared = &losses.cleared[start..loss.end];
            start = loss.end;
            if cleared.is_empty() {
                continue;
            }
            if reach.is_deferred() {
                // A panic of other code may drop the command.
                remember(world, [(loss.holder, number)].into_iter());
            }
            let notify = if loss.stays { notify } else { NotifyOwner::No };
            released.first_panic.run(|| {
                reach.release(world, loss.holder, cleared, notify);
            });
            // A component that is changed by a command is looked at again when it has its new
            // value.
            if loss.must_let_go && !reach.is_deferred() {
                match clings(world, loss.holder, tracking, cleared) {
                    Ok(true) => released.demands.push(Demand::Remove {
                        holder: loss.holder,
                        number,
                    }),
                    Ok(false) => {}
                    Err(panicked) => released.first_panic.keep(panicked),
                }
            }
        }
        losses.cleared.clear();
    }
}

/// How an entity goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Departure {
    /// By a deletion. A sync comes before the tear-down.
    Orderly,
    /// By a despawn that was not announced.
    Plain,
}

/// Ends the links to `targets`, and returns their components, if there are any.
fn end_links(
    world: &mut DeferredWorld,
    targets: &[Entity],
    departure: Departure,
) -> Option<Referrers> {
    let mut books = world.get_resource_mut::<Books>()?;
    let books = books.bypass_change_detection();
    books.has_lost |= departure == Departure::Plain;
    let mut components = books.take_room();
    let mut named = 0;
    for &target in targets {
        let before = components.len();
        books.take_referrers(target, &mut components);
        named += usize::from(components.len() > before);
    }
    if named > 1 {
        // One component may name several of them.
        let each: IndexSet<_> = components.drain(..).collect();
        components.extend(each);
    }
    if named == 0 {
        books.keep_room(components);
        return None;
    }
    Some(Referrers { components })
}
