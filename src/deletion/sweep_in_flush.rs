//! When a flush sweeps, and for how long.

use core::time::Duration;

use bevy_ecs::world::World;

use crate::{
    deletion::{
        goal::Goal,
        queue::Deletions,
        settings::{QdelSettings, WorkClock},
        sweep_results::conclude,
        sync_references::sync_references,
    },
    hint::DestroyHint,
    panics::{FirstPanic, Panicked},
    sweep::{
        pass::Progress,
        schedule::{Corpse, Suspension, Sweep},
        settings::{Mode, Pace},
    },
};

/// Whether a flush has swept as long as it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SweepTime {
    Left,
    Spent,
}

/// Whether anything was swept. If so, more may have to be torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HasSwept {
    Yes,
    No,
}

/// Returns `true` if sweeps may begin and go on.
pub(crate) fn may_sweep(world: &World) -> bool {
    let deletions = world.get_resource::<Deletions>();
    deletions.is_some_and(|deletions| matches!(deletions.sweeps.suspension, Suspension::None))
}

/// Sweeps for `corpses`, which were torn down just now, as far as they are not left to a later
/// sweep, and goes on with what waits if there is `time` for that.
pub(crate) fn sweep(
    world: &mut World,
    corpses: Vec<Corpse>,
    time: &mut SweepTime,
) -> (HasSwept, Result<(), Panicked>) {
    let mut first_panic = FirstPanic::default();
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return (HasSwept::No, Ok(()));
    };
    if corpses.is_empty() && !deletions.sweeps.is_waiting() {
        return (HasSwept::No, Ok(()));
    }
    let is_urgent = |corpse: &Corpse| corpse.hint == DestroyHint::HardDeleteNow;
    let (urgent, others): (Vec<_>, Vec<_>) = corpses.into_iter().partition(is_urgent);
    deletions.sweeps.look_for(others);
    let (goal, is_flush) = (deletions.work, deletions.is_flush);
    let mut has_swept = HasSwept::No;
    if !urgent.is_empty() {
        has_swept = HasSwept::Yes;
        first_panic.note(sweep_at_once(world, Sweep::for_corpses(urgent)));
    }
    let settings = QdelSettings::of(world);
    // What is torn down because of a sweep waits for the next flush. Otherwise an observer that
    // deletes an entity whenever a sweep is done would keep the flush going for ever.
    if is_flush && *time == SweepTime::Left && settings.sweep != Mode::Off {
        *time = SweepTime::Spent;
        let budget = match settings.sweep_pace {
            Pace::Budget(time) if goal != Some(Goal::Drain) => Some(time),
            Pace::Budget(_) | Pace::AtOnce => None,
        };
        let first = sweep_next(world, budget, &mut first_panic);
        if first != Swept::Nothing {
            has_swept = HasSwept::Yes;
        }
        // The one that was begun, and then what waits.
        if first == Swept::Rest && budget.is_none() {
            sweep_next(world, None, &mut first_panic);
        }
    }
    (has_swept, first_panic.into_outcome())
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

/// Goes on with the sweep that runs, or else begins the one that waits, until it is done or the
/// `budget` is spent.
fn sweep_next(world: &mut World, budget: Option<Duration>, first_panic: &mut FirstPanic) -> Swept {
    let Some(next) = take_next(world, first_panic) else {
        return Swept::Nothing;
    };
    let is_begun = next.is_begun();
    first_panic.note(match budget {
        Some(time) => sweep_slice(world, next, time),
        // One that was begun in slices ends in the same way.
        None if is_begun => sweep_slice(world, next, Duration::MAX),
        None => sweep_at_once(world, *next),
    });
    if is_begun { Swept::Rest } else { Swept::New }
}

/// Takes the sweep that runs, or else begins the one that waits: after declared references have let
/// go.
fn take_next(world: &mut World, first_panic: &mut FirstPanic) -> Option<Box<Sweep>> {
    let deletions = world.get_resource_mut::<Deletions>()?;
    if !deletions.sweeps.is_waiting() {
        return None;
    }
    if !deletions.sweeps.is_running() {
        first_panic.note(sync_references(world));
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

/// Goes on with a sweep until it is done or the `budget` is spent.
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
