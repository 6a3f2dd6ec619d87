//! How entities that were marked together are told about and destroyed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::{
    component::ComponentId,
    entity::{Entity, EntityHashMap, EntityHashSet},
    world::{DeferredWorld, World},
};

use super::{
    answer::QdelCounts,
    destroy::AtWork,
    hint::Hint,
    mark,
    queue::{Deletions, Notice},
    settings::{Costs, QdelSettings, WorkClock},
    worklist,
};
use crate::{
    deleting::Deleting,
    reference::{self, Demand, Released, Tracked},
    signal::{self, Cause, Panicked, Qdeleting, Stopwatch},
};

/// Tells of and destroys all that was marked, also what is marked meanwhile.
///
/// Commands are applied when all is told that was marked before, so that all handlers of a deletion see
/// the same entities, and again when all of it is destroyed.
pub(super) fn carry_out(world: &mut World) -> Result<(), Panicked> {
    let mut outcome = Ok(());
    loop {
        let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
            return outcome;
        };
        let notices = core::mem::take(&mut deletions.to_tell);
        if notices.is_empty() {
            return outcome;
        }
        let clock = match QdelSettings::of(world).costs {
            Costs::Ignore => None,
            Costs::Measure => Some(WorkClock::of(world)),
        };
        let mut wave = Wave {
            notices: &notices,
            clock,
            positions: None,
        };
        outcome = outcome.and(wave.tell(world));
        outcome = outcome.and(apply_commands(world));
        outcome = outcome.and(wave.destroy(world));
        outcome = outcome.and(apply_commands(world));
    }
}

fn apply_commands(world: &mut World) -> Result<(), Panicked> {
    catch_unwind(AssertUnwindSafe(|| world.flush()))
}

/// Entities that were marked together.
struct Wave<'a> {
    notices: &'a [Notice],
    /// By what the costs are measured, if they are.
    clock: Option<WorkClock>,
    /// Where each entity stands among the notices, once that is asked.
    positions: Option<EntityHashMap<usize>>,
}

/// What becomes of an entity that was told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is torn down in its turn.
    TearDown,
    /// It is torn down by the next flush.
    Due,
    /// It is torn down before the work ends.
    Urgent,
    /// It lives on.
    Kept,
    /// Somebody else sees to it.
    LeftAlone,
}

impl Wave<'_> {
    /// Tells the handlers and then the observers of each.
    fn tell(&self, world: &mut World) -> Result<(), Panicked> {
        let mut outcome = Ok(());
        for notice in self.notices {
            outcome = outcome.and(self.tell_of(world, *notice));
        }
        outcome
    }

    fn tell_of(&self, world: &mut World, notice: Notice) -> Result<(), Panicked> {
        let entity = notice.entity;
        if !world.entities().contains_spawned(entity) {
            // It was despawned plainly, and its hook has told.
            return Ok(());
        }
        let notice = Qdeleting::new(entity, notice.cause, notice.force);
        let Some(clock) = &self.clock else {
            return tell(world, notice, None);
        };
        let now = || clock.now();
        let mut stopwatch = Stopwatch::new(&now);
        let begun = now();
        let outcome = tell(world, notice, Some(&mut stopwatch));
        let time = now().saturating_sub(begun);
        if let Some(mut deleting) = world.get_mut::<Deleting>(entity) {
            let costs = deleting.costs_mut();
            costs.tell = time;
            costs.slowest = stopwatch.slowest();
        }
        outcome
    }

    /// Destroys the components of each, and queues it for what they say.
    fn destroy(&mut self, world: &mut World) -> Result<(), Panicked> {
        let Some(mut at_work) = AtWork::take(world) else {
            self.queue(world, |_| Fate::TearDown);
            return self.release(world, |_| Fate::TearDown);
        };
        let mut outcome = Ok(());
        let mut overruled = 0;
        let mut fates = Vec::with_capacity(self.notices.len());
        for at in 0..self.notices.len() {
            let decided = self.decide(world, at, &mut at_work, &mut overruled);
            outcome = outcome.and(decided.1);
            fates.push(decided.0);
        }
        self.queue(world, |at| fates[at]);
        let count = |fate: Fate| fates.iter().filter(|at| **at == fate).count() as u64;
        QdelCounts::change(world, |counts| {
            counts.overruled += overruled;
            counts.kept += count(Fate::Kept);
            counts.left_alone += count(Fate::LeftAlone);
        });
        outcome = outcome.and(at_work.give_back(world));
        outcome.and(self.release(world, |at| fates[at]))
    }

    /// Has declared references let go of those that do not live on.
    fn release(&self, world: &mut World, fate: impl Fn(usize) -> Fate) -> Result<(), Panicked> {
        if !world.contains_resource::<Tracked>() {
            return Ok(());
        }
        let entities = || self.notices.iter().map(|notice| notice.entity).enumerate();
        let is_kept = |at: usize| fate(at) == Fate::Kept;
        let lost: Vec<_> = entities()
            .filter(|(at, _)| !is_kept(*at))
            .map(|(_, entity)| entity)
            .collect();
        let kept: EntityHashSet = entities()
            .filter(|(at, _)| is_kept(*at))
            .map(|(_, entity)| entity)
            .collect();
        let mut released = reference::release(&mut DeferredWorld::from(&mut *world), &lost);
        // They were asked to go and live on: they are not asked again.
        released.demands.retain(|demand| match demand {
            Demand::Qdel { holder, .. } => !kept.contains(holder),
            Demand::Remove { .. } => true,
        });
        for (at, entity) in entities() {
            if is_kept(at) {
                released.add(reference::release_survivor(world, entity));
            }
        }
        settle(world, released)
    }

    /// Destroys the components of an entity, and does at once what cannot wait.
    fn decide(
        &mut self,
        world: &mut World,
        at: usize,
        at_work: &mut AtWork,
        overruled: &mut u64,
    ) -> (Fate, Result<(), Panicked>) {
        let notice = self.notices[at];
        let entity = notice.entity;
        if self.lives_with_its_cause(world, at) {
            return (Fate::Kept, mark::restore(world, entity));
        }
        let begun = self.clock.as_ref().map(WorkClock::now);
        let (hint, outcome) = at_work.destroy(world, notice, overruled);
        if let (Some(clock), Some(begun)) = (&self.clock, begun)
            && let Some(mut deleting) = world.get_mut::<Deleting>(entity)
        {
            deleting.costs_mut().destroy = clock.now().saturating_sub(begun);
        }
        match hint {
            Hint::Queue | Hint::FindReferencesOnFail | Hint::FindReferences => {
                (Fate::TearDown, outcome)
            }
            Hint::HardDelete => (Fate::Due, outcome),
            Hint::HardDeleteNow => (Fate::Urgent, outcome),
            Hint::IWillHandleIt => {
                let outcome = outcome.and(self.leave_owners(world, at));
                (Fate::LeftAlone, outcome)
            }
            Hint::LetMeLive => {
                let outcome = outcome.and(self.leave_owners(world, at));
                (Fate::Kept, outcome.and(mark::restore(world, entity)))
            }
        }
    }

    /// Tells whether an entity was only deleted for the sake of another one that lives on.
    fn lives_with_its_cause(&mut self, world: &World, at: usize) -> bool {
        let notice = self.notices[at];
        let (Cause::Owner(cause) | Cause::Reference(cause)) = notice.cause else {
            return false;
        };
        let cause = world.get_entity(cause);
        cause.is_ok_and(|cause| !cause.contains::<Deleting>())
            && self.owners_that_go(world, at).is_empty()
    }

    /// Takes an entity away from those of its owners that are torn down, or it would go with them.
    fn leave_owners(&mut self, world: &mut World, at: usize) -> Result<(), Panicked> {
        let sources = self.owners_that_go(world, at);
        let Ok(mut entity) = world.get_entity_mut(self.notices[at].entity) else {
            return Ok(());
        };
        if sources.is_empty() {
            return Ok(());
        }
        catch_unwind(AssertUnwindSafe(|| {
            entity.remove_by_ids(&sources);
        }))
    }

    /// Returns the components by which an entity names an owner that is torn down.
    fn owners_that_go(&mut self, world: &World, at: usize) -> Vec<ComponentId> {
        let (Ok(entity), Some(deletions)) = (
            world.get_entity(self.notices[at].entity),
            world.get_resource::<Deletions>(),
        ) else {
            return Vec::new();
        };
        let owners = deletions.ownerships.owners_of(world, entity);
        owners
            .filter(|(_, owner)| self.goes(world, *owner, at))
            .map(|(source, _)| source)
            .collect()
    }

    /// Tells whether `owner` is torn down, as far as that is decided when it is `at`'s turn.
    ///
    /// In a ring of owners, an owner may come later: it is decided by what it belongs to.
    fn goes(&mut self, world: &World, owner: Entity, at: usize) -> bool {
        let positions = self.positions.get_or_insert_with(|| {
            let entities = self.notices.iter().map(|notice| notice.entity);
            entities.zip(0..).collect()
        });
        let is_undecided = positions.get(&owner).is_some_and(|owner| *owner > at);
        let owner = world.get_entity(owner);
        !is_undecided && owner.is_ok_and(|owner| owner.contains::<Deleting>())
    }

    /// Queues everybody for its fate: deletion by deletion, owned before owner.
    fn queue(&self, world: &mut World, fate: impl Fn(usize) -> Fate) {
        // Without a worklist, somebody cleared the world.
        let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
            return;
        };
        let mut start = 0;
        let is_root = |notice: &Notice| notice.cause == Cause::Qdel;
        for tree in self.notices.chunk_by(|_, next| !is_root(next)) {
            for (offset, notice) in tree.iter().enumerate().rev() {
                let entity = notice.entity;
                match fate(start + offset) {
                    Fate::TearDown => deletions.to_tear_down.push_back(entity),
                    Fate::Due => deletions.due.push(entity),
                    Fate::Urgent => deletions.urgent.push(entity),
                    Fate::Kept | Fate::LeftAlone => {}
                }
            }
            start += tree.len();
        }
    }
}

/// Has declared references learn what was written, and let go of what is lost, until nothing is.
pub(super) fn sync_references(world: &mut World) -> Result<(), Panicked> {
    let mut outcome = Ok(());
    // What is done then may write others.
    for _ in 0..MOST_SYNCS {
        let (lost, synced) = sync_references_once(world);
        outcome = outcome.and(synced);
        if lost == 0 {
            break;
        }
        outcome = outcome.and(carry_out(world));
    }
    outcome
}

/// Has declared references learn what was written, and let go of what is lost: how many components that were.
pub(super) fn sync_references_once(world: &mut World) -> (usize, Result<(), Panicked>) {
    let released = reference::sync(world);
    (released.components, settle(world, released))
}

/// How often references are read until nothing is lost any more: whoever writes lost ones each time is left.
const MOST_SYNCS: usize = 16;

/// Does what declared references demand, and applies the commands.
fn settle(world: &mut World, released: Released) -> Result<(), Panicked> {
    let (demands, outcome) = released.into_parts();
    let settled = catch_unwind(AssertUnwindSafe(|| worklist::settle(world, demands)));
    outcome.and(settled).and(apply_commands(world))
}

/// Tells the handlers and then the observers of one entity.
fn tell(
    world: &mut World,
    notice: Qdeleting,
    stopwatch: Option<&mut Stopwatch>,
) -> Result<(), Panicked> {
    let mut deferred = DeferredWorld::from(&mut *world);
    let told = signal::tell(&mut deferred, notice.entity, &notice, stopwatch);
    let observed = catch_unwind(AssertUnwindSafe(|| world.trigger(notice)));
    told.and(observed)
}
