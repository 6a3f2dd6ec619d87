//! How entities that were marked together are told about and destroyed.

use bevy_ecs::world::{DeferredWorld, World};
use smallvec::SmallVec;

use crate::{
    deleting::{Deleting, Epoch},
    deletion::{
        archetype_flags::Profile, counting, decide::Decisions, destroy, destroy_late,
        late_components::Returns, notice::Notice, prepare, queue::Deletions, settings::WorkClock,
        settle, tear_down_queue::Fate,
    },
    panics::{FirstPanic, Panicked, apply_commands, catch},
    signal::{
        self,
        qdeleting::{QdelCause, Qdeleting},
        stopwatch::Stopwatch,
    },
    statistics::counts::QdelCounts,
};

/// Tells of and destroys all that was marked, also what is marked meanwhile.
///
/// Commands are applied when all is told that was marked before, so that all handlers of a deletion
/// see the same entities, and again when all of it is destroyed. When nothing is left to tell, what
/// came late is destroyed.
pub(crate) fn carry_out(world: &mut World) -> Result<(), Panicked> {
    carry_out_of(world, None).1
}

/// Does as [`carry_out`] for the worklist of an `epoch`, or whichever there is.
///
/// Returns the epoch while the worklist is still that one, or `None` if the world was cleared.
pub(crate) fn carry_out_of(
    world: &mut World,
    mut epoch: Option<Epoch>,
) -> (Option<Epoch>, Result<(), Panicked>) {
    let mut first_panic = FirstPanic::default();
    let mut returns = Returns::default();
    loop {
        let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
            return (None, first_panic.into_outcome());
        };
        let current = deletions.epoch;
        if *epoch.get_or_insert(current) != current {
            return (None, first_panic.into_outcome());
        }
        let notices = core::mem::take(&mut deletions.to_tell);
        if notices.is_empty() {
            if deletions.late.is_empty() {
                return (epoch, first_panic.into_outcome());
            }
            first_panic.note(destroy_late::destroy_noted(world, &mut returns));
            first_panic.note(apply_commands(world));
            continue;
        }
        let may_live = !deletions.destroyers.is_empty();
        let is_awaited = deletions.is_awaited();
        let clock = deletions
            .settings
            .measure_costs
            .then(|| WorkClock::of(world));
        let wave = Wave {
            notices: &notices,
            epoch: current,
            clock,
        };
        if may_live {
            signal::revival::begin_remembering(world);
        }
        first_panic.note(wave.tell(world));
        first_panic.note(apply_commands(world));
        first_panic.note(wave.destroy(world));
        if may_live {
            signal::revival::end_remembering(world);
        }
        first_panic.note(apply_commands(world));
        if is_awaited {
            first_panic.note(signal::late_registrations::complete_all(world));
        }
    }
}

/// Entities that were marked together.
pub(crate) struct Wave<'a> {
    pub(crate) notices: &'a [Notice],
    pub(crate) epoch: Epoch,
    /// By what the costs are measured, if they are.
    pub(crate) clock: Option<WorkClock>,
}

impl Wave<'_> {
    /// Tells the handlers and then the observers of each.
    fn tell(&self, world: &mut World) -> Result<(), Panicked> {
        // The mark may have made archetypes.
        let mut deletions = world.get_resource::<Deletions>();
        if !deletions.is_some_and(|deletions| deletions.is_prepared(world)) {
            prepare::learn(world);
            deletions = world.get_resource();
        }
        let Some(deletions) = deletions else {
            return Ok(());
        };
        // Nothing that is called here can add an observer, or a listener to an entity that has
        // none.
        let is_observed = deletions.is_observed(world);
        let hear_all = is_observed || self.clock.is_some();
        let is_heard = |notice: &&Notice| {
            let profile = deletions.profiles.of(world, notice.entity);
            hear_all || profile.is_some_and(Profile::is_heard)
        };
        let told: SmallVec<[_; 2]> = self.notices.iter().filter(is_heard).copied().collect();
        let mut first_panic = FirstPanic::default();
        for notice in told {
            first_panic.note(self.tell_of(world, notice, is_observed));
            // What an observer queues is applied when it has run.
            if is_observed && !Deletions::is_of(world, self.epoch) {
                break;
            }
        }
        first_panic.into_outcome()
    }

    /// Tells of one entity, and measures what that costs if costs are measured.
    fn tell_of(
        &self,
        world: &mut World,
        notice: Notice,
        is_observed: bool,
    ) -> Result<(), Panicked> {
        let entity = notice.entity;
        if !world.entities().contains_spawned(entity) {
            // It was despawned plainly, and its hook has told.
            return Ok(());
        }
        let notice = Qdeleting::new(entity, notice.cause, notice.force);
        let Some(clock) = &self.clock else {
            return tell(world, notice, is_observed, None);
        };
        let kind = counting::kind_of(world, entity);
        let now = || clock.measured_now();
        let mut stopwatch = Stopwatch::new(&now);
        let begun = now();
        let outcome = tell(world, notice, is_observed, Some(&mut stopwatch));
        let time = now().saturating_sub(begun);
        let slowest = stopwatch.slowest();
        if let Some(mut deleting) = world.get_mut::<Deleting>(entity) {
            let costs = deleting.costs_mut();
            costs.tell = time;
            costs.slowest = slowest;
        }
        counting::count_kind(world, kind, |tally| tally.costs.add_tell(time, slowest));
        outcome
    }

    /// Destroys what has to be destroyed, and queues all entities for their fates.
    pub(crate) fn destroy(&self, world: &mut World) -> Result<(), Panicked> {
        let Some(mut deletions) = Deletions::of(world, self.epoch) else {
            return Ok(());
        };
        if !deletions.destroyers.is_empty() {
            if self.any_is_destroyed(world) {
                return self.destroy_each(world);
            }
            deletions = world.resource_mut();
        }
        self.queue(&mut deletions, |_| Fate::TearDown);
        let (tracks, is_awaited) = (deletions.tracks, deletions.is_awaited());
        self.conclude(world, is_awaited, |_| Fate::TearDown);
        if !tracks {
            return Ok(());
        }
        settle::release_lost(world, self.notices, |_| Fate::TearDown)
    }

    /// Returns `true` if any of them has components that are destroyed.
    fn any_is_destroyed(&self, world: &World) -> bool {
        let deletions = world.resource::<Deletions>();
        let profile = |notice: &Notice| deletions.profiles.of(world, notice.entity);
        let mut profiles = self.notices.iter().filter_map(profile);
        profiles.any(Profile::is_destroyed)
    }

    /// Destroys the components of each, and queues it for what they say.
    fn destroy_each(&self, world: &mut World) -> Result<(), Panicked> {
        let mut deletions = world.resource_mut::<Deletions>();
        let at_work = deletions.destroyers.take();
        let mut decisions = Decisions {
            notices: self.notices,
            epoch: self.epoch,
            clock: self.clock.as_ref(),
            at_work,
            fates: vec![None; self.notices.len()],
            positions: None,
            any_lives: false,
            overruled: 0,
            first_panic: FirstPanic::default(),
        };
        // What is read by hand-written code may panic anywhere, and the destroyers must be given
        // back.
        let decided = catch(|| {
            decisions.decide_all(world);
            decisions.carry_through(world);
        });
        decisions.first_panic.note(decided);
        let Decisions {
            at_work,
            fates,
            overruled,
            mut first_panic,
            ..
        } = decisions;
        let fate = |at: usize| fates[at].unwrap_or(Fate::TearDown);
        let deletions = Deletions::of(world, self.epoch);
        let is_cleared = deletions.is_none();
        if let Some(mut deletions) = deletions {
            self.queue(&mut deletions, fate);
            let is_awaited = deletions.is_awaited();
            self.conclude(world, is_awaited, fate);
        }
        let count = |fate: Fate| fates.iter().filter(|at| **at == Some(fate)).count() as u64;
        QdelCounts::change(world, |counts| {
            counts.overruled += overruled;
            counts.kept += count(Fate::Kept) + count(Fate::Spared);
            counts.left_alone += count(Fate::LeftAlone);
        });
        first_panic.note(destroy::give_back(world, at_work));
        if !is_cleared {
            first_panic.note(settle::release_lost(world, self.notices, fate));
        }
        first_panic.into_outcome()
    }

    /// Says what was decided: entities that do not live on hear nothing from now on, and what
    /// waited for that waits no more.
    fn conclude(&self, world: &mut World, is_awaited: bool, fate: impl Fn(usize) -> Fate) {
        let decided = self.notices.iter().enumerate();
        let decided = decided.map(|(at, notice)| (notice.entity, fate(at).lives()));
        if is_awaited {
            for (entity, _) in decided.clone().filter(|(_, lives)| !lives) {
                if let Some(mut deleting) = world.get_mut::<Deleting>(entity) {
                    deleting.decide();
                }
            }
        }
        signal::late_registrations::conclude(world, decided);
    }

    /// Queues all entities for their fates: deletion by deletion, owned before owner.
    fn queue(&self, deletions: &mut Deletions, fate: impl Fn(usize) -> Fate) {
        let mut start = 0;
        let is_root = |notice: &Notice| notice.cause == QdelCause::Qdel;
        for tree in self.notices.chunk_by(|_, next| !is_root(next)) {
            for (offset, notice) in tree.iter().enumerate().rev() {
                let fate = fate(start + offset);
                deletions.to_tear_down.push(notice.entity, fate);
            }
            start += tree.len();
        }
    }
}

/// Tells the handlers and then the observers of one entity.
pub(crate) fn tell(
    world: &mut World,
    notice: Qdeleting,
    is_observed: bool,
    stopwatch: Option<&mut Stopwatch>,
) -> Result<(), Panicked> {
    let mut deferred = DeferredWorld::from(&mut *world);
    let told = signal::dispatch::tell(&mut deferred, notice.entity, &notice, stopwatch);
    if !is_observed {
        return told;
    }
    let observed = catch(|| world.trigger(notice));
    told.and(observed)
}
