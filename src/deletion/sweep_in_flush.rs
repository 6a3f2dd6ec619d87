//! When sweeps are done, and for how long.

use core::time::Duration;

use bevy_ecs::world::World;

use crate::{
    deletion::{
        prepare,
        queue::{Deletions, Goal},
        settings::{QdelSettings, WorkClock},
        settle,
        sweep_results::{self, conclude},
        tear_down::TearDown,
        worklist,
    },
    hint::DestroyHint,
    panics::{FirstPanic, Panicked, apply_commands, catch},
    sweep::{
        pass::Progress,
        report::SweepReport,
        schedule::{self, Corpse, LeftoverField, Suspension, Sweep},
        settings::{Mode, Pace},
        targets::Targets,
    },
};

/// Whether what a sweep finds is counted, and warned of if it comes again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sweeping {
    Counts,
    Ignored,
}

/// Looks for `targets` in one pass over the world, after declared references have let go of what is
/// lost.
pub(crate) fn sweep_for(world: &mut World, targets: &Targets, sweeping: Sweeping) -> SweepReport {
    let mut first_panic = FirstPanic::default();
    first_panic.run(|| worklist::sync_references(world));
    prepare::prepare(world);
    let clock = WorkClock::of(world);
    let begun = clock.measured_now();
    let mut report = SweepReport::default();
    first_panic.run(|| {
        worklist::work(world, Some(Goal::Destroy), |world| {
            let (found, outcome) = crate::sweep::pass::sweep(world, targets);
            report = found;
            outcome.and(apply_commands(world))
        });
    });
    if sweeping == Sweeping::Counts {
        let time = clock.measured_now().saturating_sub(begun);
        sweep_results::note(world, &report, &[], time);
    } else {
        sweep_results::note_names(world, &report);
    }
    first_panic.resume();
    report
}

/// Has the next flush begin a sweep for all who are gone.
pub(crate) fn queue_sweep(world: &mut World) {
    prepare::prepare(world);
    if QdelSettings::of(world).sweep != Mode::Off {
        let mut deletions = world.resource_mut::<Deletions>();
        if deletions.work.is_some() {
            deletions.sweeps.request_after_work();
        } else {
            deletions.sweeps.request();
        }
    }
}

/// Returns the fields in which sweeps found something.
pub(crate) fn sweep_statistics(world: &World) -> Vec<LeftoverField> {
    let deletions = world.get_resource::<Deletions>();
    deletions.map_or(Vec::new(), |deletions| deletions.sweeps.fields())
}

/// Does `what` while no sweep begins or goes on, and returns who was torn down by it.
pub(crate) fn remember<R>(
    world: &mut World,
    what: impl FnOnce(&mut World) -> R,
) -> (R, Vec<Corpse>) {
    let (done, suspension) = suspend(world, Suspension::Remembering(Vec::new()), what);
    match suspension {
        Suspension::Remembering(corpses) => (done, corpses),
        Suspension::None | Suspension::ShutDown => (done, Vec::new()),
    }
}

/// Does `what` while no sweep begins or goes on, and returns what the suspension has become.
pub(crate) fn suspend<R>(
    world: &mut World,
    suspension: Suspension,
    what: impl FnOnce(&mut World) -> R,
) -> (R, Suspension) {
    prepare::prepare(world);
    let mut deletions = world.resource_mut::<Deletions>();
    let outer = core::mem::replace(&mut deletions.sweeps.suspension, suspension);
    let done = catch(|| what(world));
    // Without a worklist, somebody cleared the world from inside.
    let deletions = world.get_resource_mut::<Deletions>();
    let suspension = deletions.map_or(Suspension::None, |mut deletions| {
        core::mem::replace(&mut deletions.sweeps.suspension, outer)
    });
    match done {
        Ok(done) => (done, suspension),
        Err(panicked) => panicked.resume(),
    }
}

/// Tears down all that waits for it, and returns who that was. No sweep begins or goes on; what
/// components asked for is left to the next flush.
pub(crate) fn drain(world: &mut World) -> (Result<(), Panicked>, Vec<Corpse>) {
    let (drained, corpses) = remember(world, flush_all);
    if QdelSettings::of(world).sweep != Mode::Off
        && let Some(mut deletions) = world.get_resource_mut::<Deletions>()
    {
        let asked = corpses
            .iter()
            .filter(|corpse| schedule::is_looked_for(corpse.hint));
        deletions.sweeps.look_for(asked.cloned());
    }
    (drained, corpses)
}

/// Tears down all that waits for it, and returns with what somebody panicked.
pub(crate) fn flush_all(world: &mut World) -> Result<(), Panicked> {
    catch(|| {
        worklist::flush(world, Goal::Drain);
    })
}

/// Does what is to be swept now, and tells whether there was anything: then more may have to be
/// torn down.
pub(crate) fn sweep(world: &mut World, tear_down: &mut TearDown) -> bool {
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return false;
    };
    if !matches!(deletions.sweeps.suspension, Suspension::None) {
        return false;
    }
    let corpses = tear_down.take_corpses();
    if corpses.is_empty() && !deletions.sweeps.is_waiting() {
        return false;
    }
    let is_urgent = |corpse: &Corpse| corpse.hint == DestroyHint::HardDeleteNow;
    let (urgent, others): (Vec<_>, Vec<_>) = corpses.into_iter().partition(is_urgent);
    deletions.sweeps.look_for(others);
    let (goal, is_flush) = (deletions.work, deletions.is_flush);
    let mut has_swept = false;
    if !urgent.is_empty() {
        has_swept = true;
        tear_down.note(sweep_at_once(world, Sweep::for_corpses(urgent)));
    }
    let settings = QdelSettings::of(world);
    // What is torn down because of a sweep waits for the next flush: whoever deletes somebody
    // whenever a sweep is done would have it go on for ever.
    if !is_flush || tear_down.has_swept || settings.sweep == Mode::Off {
        return has_swept;
    }
    tear_down.has_swept = true;
    match settings.sweep_pace {
        Pace::Budget(time) if goal != Some(Goal::Drain) => {
            has_swept |= sweep_next(world, tear_down, Some(time)) != Swept::Nothing;
        }
        Pace::Budget(_) | Pace::AtOnce => {
            // The one that was begun, and then what waits.
            let first = sweep_next(world, tear_down, None);
            has_swept |= first != Swept::Nothing;
            if first == Swept::Rest {
                sweep_next(world, tear_down, None);
            }
        }
    }
    has_swept
}

/// What was swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Swept {
    Nothing,
    /// What was left of one that had begun.
    Rest,
    /// A whole one, or its beginning.
    New,
}

/// Goes on with the sweep that runs, or else begins the one that waits, for so long or until it is
/// done.
fn sweep_next(world: &mut World, tear_down: &mut TearDown, budget: Option<Duration>) -> Swept {
    let Some(next) = take_next(world, tear_down) else {
        return Swept::Nothing;
    };
    let is_begun = next.is_begun();
    tear_down.note(match budget {
        Some(time) => sweep_slice(world, next, time),
        // One that was begun in slices ends in the same way.
        None if is_begun => sweep_slice(world, next, Duration::MAX),
        None => sweep_at_once(world, *next),
    });
    if is_begun { Swept::Rest } else { Swept::New }
}

/// Takes the sweep that runs, or else begins the one that waits: after declared references have let
/// go.
fn take_next(world: &mut World, tear_down: &mut TearDown) -> Option<Box<Sweep>> {
    let deletions = world.get_resource_mut::<Deletions>()?;
    if !deletions.sweeps.is_waiting() {
        return None;
    }
    if !deletions.sweeps.is_running() {
        tear_down.note(settle::sync_references(world));
    }
    let mode = QdelSettings::of(world).sweep;
    let mut deletions = world.get_resource_mut::<Deletions>()?;
    deletions.sweeps.take_next(mode)
}

fn sweep_at_once(world: &mut World, mut sweep: Sweep) -> Result<(), Panicked> {
    let clock = WorkClock::of(world);
    let begun = clock.measured_now();
    let (report, outcome) = crate::sweep::pass::sweep(world, &sweep.targets);
    sweep.time += clock.measured_now().saturating_sub(begun);
    outcome.and(conclude(world, report, &sweep))
}

/// Goes on with a sweep for so long.
fn sweep_slice(world: &mut World, mut sweep: Box<Sweep>, budget: Duration) -> Result<(), Panicked> {
    let clock = WorkClock::of(world);
    let begun = clock.measured_now();
    let time = || clock.measured_now().saturating_sub(begun);
    let targets = &sweep.targets;
    let (progress, outcome) = sweep.pass.go_on(world, targets, || time() < budget);
    sweep.time += time();
    match progress {
        Progress::Interrupted => {
            if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
                deletions.sweeps.put_back(sweep);
            }
            outcome
        }
        Progress::Done => {
            let report = core::mem::take(&mut sweep.pass).finish(world);
            outcome.and(conclude(world, report, &sweep))
        }
    }
}
