//! How entities that were marked together are told about and destroyed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bevy_ecs::world::{DeferredWorld, World};

use super::{
    answer::QdelCounts,
    destroy::{AtWork, Destroyers},
    fate::{Decisions, Fate},
    kinds,
    queue::{Deletions, Notice},
    release,
    settings::{Costs, QdelSettings, WorkClock},
};
use crate::{
    deleting::Deleting,
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
        let wave = Wave {
            notices: &notices,
            clock,
        };
        let may_live = world.contains_resource::<Destroyers>();
        if may_live {
            signal::begin_remembering(world);
        }
        outcome = outcome.and(wave.tell(world));
        outcome = outcome.and(apply_commands(world));
        outcome = outcome.and(wave.destroy(world));
        if may_live {
            signal::end_remembering(world);
        }
        outcome = outcome.and(apply_commands(world));
    }
}

pub(super) fn apply_commands(world: &mut World) -> Result<(), Panicked> {
    catch_unwind(AssertUnwindSafe(|| world.flush()))
}

/// Entities that were marked together.
pub(super) struct Wave<'a> {
    pub(super) notices: &'a [Notice],
    /// By what the costs are measured, if they are.
    pub(super) clock: Option<WorkClock>,
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
        let kind = kinds::kind_of(world, entity);
        let now = || clock.measured_now();
        let mut stopwatch = Stopwatch::new(&now);
        let begun = now();
        let outcome = tell(world, notice, Some(&mut stopwatch));
        let time = now().saturating_sub(begun);
        let slowest = stopwatch.slowest();
        if let Some(mut deleting) = world.get_mut::<Deleting>(entity) {
            let costs = deleting.costs_mut();
            costs.tell = time;
            costs.slowest = slowest;
        }
        kinds::count_kind(world, kind, |counts| counts.add_tell(time, slowest));
        outcome
    }

    /// Destroys the components of each, and queues it for what they say.
    fn destroy(&self, world: &mut World) -> Result<(), Panicked> {
        let Some(at_work) = AtWork::take(world) else {
            self.queue(world, |_| Fate::TearDown);
            return release::release_lost(world, self.notices, |_| Fate::TearDown);
        };
        let mut decisions = Decisions {
            wave: self,
            at_work,
            fates: vec![None; self.notices.len()],
            positions: None,
            any_lives: false,
            overruled: 0,
            outcome: Ok(()),
        };
        // What is read by hand-written code may panic anywhere, and the destroyers must be given back.
        let decided = catch_unwind(AssertUnwindSafe(|| {
            decisions.decide_all(world);
            decisions.carry_through(world);
        }));
        decisions.note(decided);
        let Decisions {
            at_work,
            fates,
            overruled,
            outcome,
            ..
        } = decisions;
        let fate = |at: usize| fates[at].unwrap_or(Fate::TearDown);
        self.queue(world, fate);
        let count = |fate: Fate| fates.iter().filter(|at| **at == Some(fate)).count() as u64;
        QdelCounts::change(world, |counts| {
            counts.overruled += overruled;
            counts.kept += count(Fate::Kept) + count(Fate::Spared);
            counts.left_alone += count(Fate::LeftAlone);
        });
        let outcome = outcome.and(at_work.give_back(world));
        outcome.and(release::release_lost(world, self.notices, fate))
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
                    Fate::Kept | Fate::Spared | Fate::LeftAlone => {}
                }
            }
            start += tree.len();
        }
    }
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
