//! What comes of what a sweep or a search found.

use core::time::Duration;

use bevy_ecs::{
    entity::{Entity, EntityHashMap, EntityHashSet},
    world::World,
};
use disqualified::ShortName;

use crate::{
    deleting::KindId,
    deletion::{counting, queue::Deletions},
    find::search,
    hint::DestroyHint,
    panics::{FirstPanic, Panicked, catch},
    statistics::counts::QdelCounts,
    sweep::{
        events::{ReferencesFound, SweepFinished},
        report::{LeftoverState, SweepReport},
        schedule::{Corpse, LeftoverField, Sweep},
    },
};

/// How many searches come of one sweep, because each is a pass over the world.
const MOST_SEARCHES: usize = 8;

/// Counts what a sweep found, and tells of it.
pub(crate) fn conclude(
    world: &mut World,
    report: SweepReport,
    sweep: &Sweep,
) -> Result<(), Panicked> {
    if !world.contains_resource::<Deletions>() {
        // The world was cleared from inside: there are no observers any more.
        return Ok(());
    }
    note(world, &report, &sweep.corpses, sweep.time);
    let named: EntityHashSet = report
        .leftovers
        .iter()
        .map(|leftover| leftover.target.entity)
        .collect();
    let mut first_panic = FirstPanic::default();
    let mut searches = 0;
    for corpse in &sweep.corpses {
        let is_asked = corpse.hint == DestroyHint::FindReferencesOnFail;
        if is_asked && named.contains(&corpse.entity) && searches < MOST_SEARCHES {
            searches += 1;
            let name = corpse.name.as_deref();
            first_panic.note(tell_references(world, corpse.entity, name));
        }
    }
    if !world.contains_resource::<Deletions>() {
        return first_panic.into_outcome();
    }
    first_panic.run(|| {
        let time = sweep.time;
        world.trigger(SweepFinished { report, time });
    });
    first_panic.into_outcome()
}

/// Counts what was found by a sweep that took that `time`, for the kinds of the `corpses` or else
/// for the others. Warns of fields that keep naming the gone.
pub(crate) fn note(world: &mut World, report: &SweepReport, corpses: &[Corpse], time: Duration) {
    let mut named: EntityHashMap<u64> = EntityHashMap::default();
    let mut hard_deleted = EntityHashSet::default();
    for leftover in &report.leftovers {
        let target = leftover.target.entity;
        *named.entry(target).or_default() += 1;
        if leftover.state == LeftoverState::Emptied {
            hard_deleted.insert(target);
        }
    }
    let is_hinted = |corpse: &&Corpse| {
        matches!(
            corpse.hint,
            DestroyHint::HardDelete | DestroyHint::HardDeleteNow
        )
    };
    hard_deleted.extend(corpses.iter().filter(is_hinted).map(|corpse| corpse.entity));
    QdelCounts::change(world, |counts| {
        counts.leftovers += report.leftovers.len() as u64;
        counts.hard_deletes += hard_deleted.len() as u64;
    });
    let known: EntityHashSet = corpses.iter().map(|corpse| corpse.entity).collect();
    let others = hard_deleted.difference(&known).count();
    let targets = u32::try_from(known.len() + others).unwrap_or(u32::MAX);
    for corpse in corpses {
        let places = named.remove(&corpse.entity).unwrap_or_default();
        let is_hard_deleted = hard_deleted.contains(&corpse.entity);
        counting::count_kind(world, corpse.kind, |tally| {
            tally.counts.leftovers += places;
            if is_hard_deleted {
                tally.add_hard_deletes(1, time, targets);
            }
        });
    }
    counting::count_kind(world, KindId::OTHERS, |tally| {
        tally.counts.leftovers += named.values().sum::<u64>();
        if others > 0 {
            tally.add_hard_deletes(others as u32, time, targets);
        }
    });
    let Some(mut deletions) = world.get_resource_mut::<Deletions>() else {
        return;
    };
    for field in deletions.sweeps.note_fields(report) {
        warn(&field);
    }
    note_names(world, report);
}

/// Says once how to see the names of types, if a report lacks them.
pub(crate) fn note_names(world: &mut World, report: &SweepReport) {
    let Some(spot) = report.blind_spots.iter().find(|spot| spot.is_nameless()) else {
        return;
    };
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>()
        && !core::mem::replace(&mut deletions.said.no_names, true)
    {
        let component = &spot.component;
        log::warn!(
            "calling a type `{component}`, because Bevy was built without the names of types; turn its feature `debug` on to see \
             them: `bevy_ecs = {{ version = \"0.20\", features = [\"debug\"] }}`"
        );
    }
}

fn warn(field: &LeftoverField) {
    let component = ShortName(&field.component);
    log::warn!(
        "finding the gone in the same fields again and again: {field}; derive `References` for `{component}` and track it, or clear \
         the field in a handler of `Qdeleting`"
    );
}

/// Looks for what names an entity, and tells of it, with the name that it had if it is gone.
pub(crate) fn tell_references(
    world: &mut World,
    entity: Entity,
    name: Option<&str>,
) -> Result<(), Panicked> {
    if !world.contains_resource::<Deletions>() {
        // The world was cleared from inside: there are no observers any more.
        return Ok(());
    }
    let mut report = catch(|| search::find(world, entity))?;
    if report.target.name.is_none() {
        report.target.name = name.map(str::to_owned);
    }
    log::debug!("finding references: {report}");
    catch(|| {
        world.trigger(ReferencesFound { report });
    })
}
