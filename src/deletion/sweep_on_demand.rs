//! Sweeps that are asked for, and work during which no sweep begins.

use bevy_ecs::world::World;

use crate::{
    deletion::{
        goal::Goal,
        prepare,
        queue::Deletions,
        settings::{QdelSettings, WorkClock},
        sweep_results, worklist,
    },
    panics::{FirstPanic, Panicked, apply_commands, catch},
    sweep::{
        report::SweepReport,
        schedule::{self, Corpse, LeftoverField, Suspension},
        settings::Mode,
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

/// Makes the next flush begin a sweep for all that is gone.
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

/// Does `what` while no sweep begins or goes on, and returns what was torn down by it.
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
    // Without a worklist, the world was cleared from inside.
    let deletions = world.get_resource_mut::<Deletions>();
    let suspension = deletions.map_or(Suspension::None, |mut deletions| {
        core::mem::replace(&mut deletions.sweeps.suspension, outer)
    });
    match done {
        Ok(done) => (done, suspension),
        Err(panicked) => panicked.resume(),
    }
}

/// Tears down all that waits for it, and returns what that was. No sweep begins or goes on; what
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

/// Tears down all that waits for it, and returns the first panic.
pub(crate) fn flush_all(world: &mut World) -> Result<(), Panicked> {
    catch(|| {
        worklist::flush(world, Goal::Drain);
    })
}
