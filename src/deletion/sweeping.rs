//! How sweeps are done, and what comes of them.

use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bevy_ecs::{
    entity::{Entity, EntityHashMap},
    name::Name,
    world::World,
};

use super::{
    answer::QdelCounts,
    kinds,
    queue::{Deletions, Goal},
    settings::{QdelSettings, SweepMode, SweepPace, Teardown, WorkClock},
    sweep_ext::{ReferencesFound, SweepFinished},
    sweeps::{Corpse, LeftoverField, Sweep},
    tear_down::TearDown,
    wave::apply_commands,
    worklist,
};
use crate::{
    deleting::{Deleting, KindId},
    garbage::{self, FindReferencesExt, Progress, SweepReport, Targets, Treatment},
    hint::Hint,
    signal::Panicked,
    text::ShortType,
};

/// Who is looked for, of those that are torn down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LooksFor {
    Nobody,
    /// Those whose components asked for it.
    Hinted,
    Everybody,
}

impl LooksFor {
    /// Returns who is looked for by the settings of a world.
    pub(super) fn of(world: &World) -> Self {
        let Some(deletions) = world.get_resource::<Deletions>() else {
            return Self::Nobody;
        };
        let is_flush = deletions.work > Some(Goal::Destroy);
        if deletions.sweeps.are_suspended() {
            return Self::Everybody;
        }
        match QdelSettings::of(world).sweep {
            SweepMode::Off => Self::Nobody,
            SweepMode::EachFlush if is_flush => Self::Everybody,
            SweepMode::Sampled(flushes)
                if is_flush && deletions.sweeps.is_last_of(flushes.get()) =>
            {
                Self::Everybody
            }
            SweepMode::OnDemand | SweepMode::Sampled(_) | SweepMode::EachFlush => Self::Hinted,
        }
    }

    /// Returns what is to be remembered of an entity that is about to be torn down.
    pub(super) fn corpse(self, world: &World, entity: Entity) -> Option<Corpse> {
        if self == Self::Nobody {
            return None;
        }
        let at = world.get_entity(entity).ok()?;
        let deleting = at.get::<Deleting>();
        let hint = deleting.map_or(Hint::Queue, Deleting::hint);
        let is_hinted = matches!(
            hint,
            Hint::FindReferencesOnFail | Hint::HardDelete | Hint::HardDeleteNow
        );
        (is_hinted || self == Self::Everybody).then(|| Corpse {
            entity,
            name: at.get::<Name>().map(|name| name.as_str().to_owned()),
            kind: deleting.map_or(KindId::OTHERS, Deleting::kind),
            hint,
        })
    }

    /// Tells of who names an entity that is about to be torn down, if its components asked for that.
    pub(super) fn find_references(self, world: &mut World, entity: Entity) -> Result<(), Panicked> {
        let deleting = world.get::<Deleting>(entity);
        let is_asked = deleting.is_some_and(|at| at.hint() == Hint::FindReferences);
        if self == Self::Nobody || !is_asked {
            return Ok(());
        }
        tell_references(world, entity)
    }
}

/// Whether what a sweep finds is counted, and warned of if it comes again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sweeping {
    Counts,
    Ignored,
}

/// Looks for `targets` in one pass over the world, after declared references have let go of what is lost.
pub(super) fn sweep_for(world: &mut World, targets: &Targets, sweeping: Sweeping) -> SweepReport {
    worklist::sync_references(world);
    worklist::prepare(world);
    let mut report = SweepReport::default();
    worklist::work(world, Goal::Destroy, |world| {
        let (found, outcome) = garbage::sweep(world, targets);
        report = found;
        outcome.and(apply_commands(world))
    });
    if sweeping == Sweeping::Counts {
        note(world, &report, 0);
    }
    report
}

/// Has the next flush begin a sweep for all who are gone.
pub(super) fn request_sweep(world: &mut World) {
    worklist::prepare(world);
    if QdelSettings::of(world).sweep != SweepMode::Off {
        world.resource_mut::<Deletions>().sweeps.request();
    }
}

/// Returns the fields in which sweeps found something.
pub(super) fn leftover_fields(world: &World) -> Vec<LeftoverField> {
    let deletions = world.get_resource::<Deletions>();
    deletions.map_or(Vec::new(), |deletions| deletions.sweeps.fields())
}

/// Does `what` while no sweep begins or goes on, and returns who was torn down by it.
pub(super) fn without_sweeps<R>(
    world: &mut World,
    what: impl FnOnce(&mut World) -> R,
) -> (R, Vec<Corpse>) {
    worklist::prepare(world);
    let mut deletions = world.resource_mut::<Deletions>();
    let outer = deletions.sweeps.remembered.replace(Vec::new());
    let done = catch_unwind(AssertUnwindSafe(|| what(world)));
    // Without a worklist, somebody cleared the world from inside.
    let deletions = world.get_resource_mut::<Deletions>();
    let remembered = deletions
        .and_then(|mut deletions| core::mem::replace(&mut deletions.sweeps.remembered, outer));
    match done {
        Ok(done) => (done, remembered.unwrap_or_default()),
        Err(panicked) => resume_unwind(panicked),
    }
}

/// Looks for whoever names one of `targets` or of `corpses`, and empties nothing.
pub(super) fn find_leftovers(
    world: &mut World,
    corpses: Vec<Corpse>,
    mut targets: Targets,
) -> SweepReport {
    for corpse in corpses {
        targets.insert(corpse.entity, Treatment::Report, corpse.name);
    }
    sweep_for(world, &targets, Sweeping::Ignored)
}

/// Does what is to be swept now, and tells whether there was anything: then more may have to be torn down.
pub(super) fn sweep(world: &mut World, tear_down: &mut TearDown) -> bool {
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return false;
    };
    if deletions.sweeps.are_suspended() {
        return false;
    }
    let corpses = tear_down.take_corpses();
    let is_urgent = |corpse: &Corpse| corpse.hint == Hint::HardDeleteNow;
    let (urgent, others): (Vec<_>, Vec<_>) = corpses.into_iter().partition(is_urgent);
    deletions.sweeps.look_for(others);
    let goal = deletions.work;
    let mut has_swept = false;
    if !urgent.is_empty() {
        has_swept = true;
        tear_down.note(sweep_at_once(world, Sweep::new(urgent, false)));
    }
    let settings = QdelSettings::of(world);
    if goal <= Some(Goal::Destroy) || settings.sweep == SweepMode::Off {
        return has_swept;
    }
    let is_drained = goal == Some(Goal::TearDownAll) && settings.teardown != Teardown::Immediate;
    let budget = match settings.sweep_pace {
        SweepPace::Budget(time) if !is_drained => time,
        SweepPace::Budget(_) | SweepPace::AtOnce => {
            return has_swept | sweep_waiting(world, tear_down);
        }
    };
    if tear_down.has_swept {
        // The time of this flush is spent.
        return has_swept;
    }
    tear_down.has_swept = true;
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return has_swept;
    };
    let Some(next) = deletions.sweeps.take_next() else {
        return has_swept;
    };
    tear_down.note(sweep_slice(world, next, budget));
    true
}

/// Sweeps until no sweep waits, and tells whether there was any.
fn sweep_waiting(world: &mut World, tear_down: &mut TearDown) -> bool {
    let deletions = world.get_resource_mut::<Deletions>();
    let next = deletions.and_then(|mut deletions| deletions.sweeps.take_next());
    let Some(next) = next else {
        return false;
    };
    // One that was begun in slices ends in the same way.
    tear_down.note(if next.is_begun() {
        sweep_slice(world, next, Duration::MAX)
    } else {
        sweep_at_once(world, *next)
    });
    true
}

fn sweep_at_once(world: &mut World, mut sweep: Sweep) -> Result<(), Panicked> {
    let clock = WorkClock::of(world);
    let begun = clock.measured_now();
    let (report, outcome) = garbage::sweep(world, &sweep.targets);
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

/// Counts what a sweep found, and tells of it.
fn conclude(world: &mut World, report: SweepReport, sweep: &Sweep) -> Result<(), Panicked> {
    let mut named: EntityHashMap<u64> = EntityHashMap::default();
    for leftover in &report.leftovers {
        *named.entry(leftover.target.entity).or_default() += 1;
    }
    let mut hard_deleted = 0;
    let mut known = 0;
    let targets = u32::try_from(sweep.corpses.len()).unwrap_or(u32::MAX);
    for corpse in &sweep.corpses {
        let is_hinted = matches!(corpse.hint, Hint::HardDelete | Hint::HardDeleteNow);
        let places = named.get(&corpse.entity).copied();
        if places.is_none() && !is_hinted {
            continue;
        }
        hard_deleted += 1;
        known += places.unwrap_or_default();
        kinds::count_kind(world, corpse.kind, |counts| {
            counts.leftovers += places.unwrap_or_default();
            counts.add_hard_delete(sweep.time, targets);
        });
    }
    QdelCounts::change(world, |counts| counts.hard_deletes += hard_deleted);
    note(world, &report, known);
    let mut outcome = Ok(());
    for corpse in &sweep.corpses {
        let is_asked = corpse.hint == Hint::FindReferencesOnFail;
        if is_asked && named.contains_key(&corpse.entity) {
            outcome = outcome.and(tell_references(world, corpse.entity));
        }
    }
    let told = catch_unwind(AssertUnwindSafe(|| {
        world.trigger(SweepFinished { report });
    }));
    outcome.and(told)
}

/// Counts what was found, of which so much is `known` to its kinds, and warns of those who keep leaving something.
pub(super) fn note(world: &mut World, report: &SweepReport, known: u64) {
    let places = report.leftovers.len() as u64;
    QdelCounts::change(world, |counts| counts.leftovers += places);
    kinds::count_kind(world, KindId::OTHERS, |counts| {
        counts.leftovers += places.saturating_sub(known);
    });
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return;
    };
    for field in deletions.sweeps.note_fields(report) {
        warn(&field);
    }
}

fn warn(field: &LeftoverField) {
    let component = ShortType(&field.component);
    log::warn!(
        "finding entities that are gone in {field}; derive `References` for `{component}` and track it, or clear the field \
         in a handler of `Qdeleting`"
    );
}

/// Looks for who names an entity, and tells of it.
fn tell_references(world: &mut World, entity: Entity) -> Result<(), Panicked> {
    let report = world.find_references(entity);
    log::info!("finding references: {report}");
    catch_unwind(AssertUnwindSafe(|| {
        world.trigger(ReferencesFound { report });
    }))
}
