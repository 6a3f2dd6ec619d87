//! How deletions are counted in a world, and where the statistics of a world come from.

use bevy_ecs::{component::Component, entity::Entity, world::World};
use smallvec::SmallVec;

use crate::{
    deleting::{Deleting, KindId},
    deletion::{
        batch_outcome::QdelBatchOutcome,
        outcome::{NotDeleted, QdelOutcome},
        queue::Deletions,
    },
    error::QdelError,
    statistics::{
        counts::{QdelCounts, Tally},
        kinds::Kinds,
        report::Statistics,
    },
};

/// Counts what deletions of entities with an `M` do and cost, apart from the others.
pub(crate) fn register_kind<M: Component>(world: &mut World) {
    let marker = world.register_component::<M>();
    let total = world.get_resource::<QdelCounts>().copied();
    let mut deletions = Deletions::get_or_init(world);
    deletions.kinds.register::<M>(marker, total.as_ref());
}

/// Returns what deletions did and cost in a world.
pub(crate) fn statistics(world: &World) -> Statistics {
    let total = world.get_resource::<QdelCounts>();
    match world.get_resource::<Deletions>() {
        Some(deletions) => {
            let fields = deletions.sweeps.fields();
            let waiting = deletions.count_waiting();
            Statistics::new(&deletions.kinds, total, fields, waiting)
        }
        None => Statistics::new(&Kinds::default(), total, Vec::new(), 0),
    }
}

/// Counts from zero again: all kinds, the others, the fields with leftovers, and the total.
pub(crate) fn reset(world: &mut World) {
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.kinds.reset();
        deletions.sweeps.reset_fields();
    }
    QdelCounts::change(world, |counts| *counts = QdelCounts::default());
}

/// Returns the kinds of a world; none if nothing was ever deleted or registered in it.
pub(crate) fn kinds(world: &World) -> Option<&Kinds> {
    let deletions = world.get_resource::<Deletions>()?;
    Some(&deletions.kinds)
}

/// Returns how many entities wait for their tear-down.
#[cfg(feature = "bevy_diagnostic")]
pub(crate) fn count_waiting(world: &World) -> usize {
    let deletions = world.get_resource::<Deletions>();
    deletions.map_or(0, Deletions::count_waiting)
}

/// Returns the kind of an entity: the one that it had when its deletion began, or else has now.
pub(crate) fn kind_of(world: &World, entity: Entity) -> KindId {
    if let Some(deleting) = world.get::<Deleting>(entity) {
        return deleting.kind();
    }
    let kinds = kinds(world);
    kinds.map_or(KindId::OTHERS, |kinds| kinds.kind_by_marker(world, entity))
}

/// Changes what was counted for a kind. Without kinds, what is in [`QdelCounts`] need not be
/// counted here.
pub(crate) fn count_kind(world: &mut World, kind: KindId, change: impl FnOnce(&mut Tally)) {
    // It is gone if the world was cleared.
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.kinds.change(kind, change);
    }
}

/// Changes the counts of the kind of an entity, if kinds are told apart.
pub(crate) fn count(world: &mut World, entity: Entity, change: impl FnOnce(&mut QdelCounts)) {
    if kinds(world).is_some_and(Kinds::are_told_apart) {
        let kind = kind_of(world, entity);
        count_kind(world, kind, |tally| change(&mut tally.counts));
    }
}

/// Counts entities that are about to be marked for their kinds, and returns these.
pub(crate) fn count_deleted(
    world: &mut World,
    entities: impl Iterator<Item = Entity>,
) -> SmallVec<[KindId; 4]> {
    let Some(kinds) = kinds(world) else {
        return SmallVec::new();
    };
    let of_all: SmallVec<_> = entities
        .map(|entity| kinds.kind_by_marker(world, entity))
        .collect();
    let mut deletions = world.resource_mut::<Deletions>();
    for kind in &of_all {
        let count = |tally: &mut Tally| tally.counts.deleted += 1;
        deletions.kinds.change(*kind, count);
    }
    of_all
}

/// Counts a call that deleted nothing.
pub(crate) fn count_refusal(world: &mut World, entity: Entity, refusal: &NotDeleted) {
    let count_in = |counts: &mut QdelCounts| {
        let counter = match refusal {
            Ok(QdelOutcome::AlreadyDeleting | QdelOutcome::Kept) => &mut counts.repeated,
            Ok(_) => &mut counts.vetoed,
            Err(_) => &mut counts.refused,
        };
        *counter += 1;
    };
    QdelCounts::change(world, count_in);
    count(world, entity, count_in);
}

/// Counts those in a batch that were refused.
///
/// It is called before the others are told apart into those that live on and those that do not.
pub(crate) fn count_refused(world: &mut World, batch: &QdelBatchOutcome) {
    QdelCounts::change(world, |counts| batch.count(counts));
    if !kinds(world).is_some_and(Kinds::are_told_apart) {
        return;
    }
    for entity in batch.already_deleting.iter().chain(&batch.kept) {
        count(world, *entity, |counts| counts.repeated += 1);
    }
    for entity in &batch.vetoed {
        count(world, *entity, |counts| counts.vetoed += 1);
    }
    for error in &batch.refused {
        let (QdelError::NotSpawned { entity }
        | QdelError::Resource { entity, .. }
        | QdelError::Denied { entity, .. }) = error;
        count(world, *entity, |counts| counts.refused += 1);
    }
}
