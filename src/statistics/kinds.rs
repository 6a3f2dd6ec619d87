//! What deletions did and cost, kind by kind.

use core::any::type_name;

use bevy_ecs::{
    component::{Component, ComponentId},
    entity::Entity,
    world::World,
};
use smallvec::SmallVec;

use crate::{
    deleting::{Deleting, KindId},
    deletion::{batch_outcome::QdelBatchOutcome, outcome::QdelCounts, queue::Deletions},
    error::QdelError,
    statistics::counts::KindCounts,
};

/// Counts what deletions of entities with an `M` do and cost, apart from the others.
pub(crate) fn register<M: Component>(world: &mut World) {
    let marker = world.register_component::<M>();
    let kinds = Kinds::of(world);
    let others = kinds.unwrap_or(&Kinds::default()).others(world);
    let mut deletions = Deletions::get_or_init(world);
    deletions.kinds.others = others;
    deletions.kinds.register(marker, type_name::<M>());
}

/// Returns what was counted for a kind, if that is registered.
pub(crate) fn counts_of<M: Component>(world: &World) -> Option<KindCounts> {
    let marker = world.component_id::<M>()?;
    let deletions = world.get_resource::<Deletions>()?;
    let mut all = deletions.kinds.all.iter();
    let kind = all.find(|kind| kind.marker == marker)?;
    Some(kind.counts)
}

/// Counts from zero again: all kinds, the others, the fields with leftovers, and the total.
pub(crate) fn reset(world: &mut World) {
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.kinds.reset();
        deletions.sweeps.reset_fields();
    }
    QdelCounts::change(world, |counts| *counts = QdelCounts::default());
}

/// All kinds, in the order of registration, and the others.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    all: Vec<Kind>,
    /// Without kinds, [`QdelCounts`] knows better what it counts too.
    others: KindCounts,
    /// How often was begun from zero.
    resets: u64,
}

#[derive(Debug)]
struct Kind {
    marker: ComponentId,
    name: &'static str,
    counts: KindCounts,
}

impl Kinds {
    /// Returns the kinds of a world, if anything was ever deleted or registered in it.
    pub(crate) fn of(world: &World) -> Option<&Self> {
        let deletions = world.get_resource::<Deletions>()?;
        Some(&deletions.kinds)
    }

    /// Returns `true` if there are kinds. Without, everybody is one of the others.
    pub(crate) fn are_told_apart(&self) -> bool {
        !self.all.is_empty()
    }

    /// Returns all kinds by their names, in the order of registration.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &KindCounts)> {
        self.all.iter().map(|kind| (kind.name, &kind.counts))
    }

    /// Returns what was counted for the others.
    pub(crate) fn others(&self, world: &World) -> KindCounts {
        match world.get_resource::<QdelCounts>() {
            Some(all) if !self.are_told_apart() => self.others.with_calls(*all),
            _ => self.others,
        }
    }

    /// Returns what was counted for all kinds and the others together.
    #[cfg(feature = "bevy_diagnostic")]
    pub(crate) fn total(&self, world: &World) -> KindCounts {
        let mut total = self.others(world);
        for (_, counts) in self.iter() {
            total.add(counts);
        }
        total
    }

    /// Returns how often was begun from zero.
    #[cfg(feature = "bevy_diagnostic")]
    pub(crate) fn resets(&self) -> u64 {
        self.resets
    }

    /// Adds a kind, if it is new.
    fn register(&mut self, marker: ComponentId, name: &'static str) {
        if self.all.iter().all(|kind| kind.marker != marker) {
            self.all.push(Kind {
                marker,
                name,
                counts: KindCounts::default(),
            });
        }
    }

    /// Counts what a tear-down got rid of: so many of all kinds, and of each as many as `kinds`
    /// says.
    pub(crate) fn count_torn_down(&mut self, all: u64, kinds: Option<KindsTornDown>) {
        let mut of_others = all;
        let of_kinds = kinds.map(|kinds| kinds.0).unwrap_or_default();
        for (kind, torn_down) in self.all.iter_mut().zip(of_kinds) {
            kind.counts.torn_down += torn_down;
            of_others -= torn_down;
        }
        self.others.torn_down += of_others;
    }

    fn reset(&mut self) {
        self.resets += 1;
        self.others = KindCounts::default();
        for kind in &mut self.all {
            kind.counts = KindCounts::default();
        }
    }

    /// Changes the counts of a kind.
    ///
    /// Whoever cleared the world has no kinds any more that were known before.
    fn change(&mut self, kind: KindId, change: impl FnOnce(&mut KindCounts)) {
        let kind = kind.place().and_then(|place| self.all.get_mut(place));
        change(kind.map_or(&mut self.others, |kind| &mut kind.counts));
    }

    /// Returns the kind of an entity whose deletion has not begun.
    fn kind_by_marker(&self, world: &World, entity: Entity) -> KindId {
        if self.all.is_empty() {
            return KindId::OTHERS;
        }
        let Ok(entity) = world.get_entity(entity) else {
            return KindId::OTHERS;
        };
        let mut all = self.all.iter();
        let place = all.position(|kind| entity.contains_id(kind.marker));
        place.map_or(KindId::OTHERS, KindId::at)
    }
}

/// How many entities of each kind a tear-down got rid of.
#[derive(Default)]
pub(crate) struct KindsTornDown(Vec<u64>);

impl KindsTornDown {
    pub(crate) fn count(&mut self, kind: KindId) {
        let Some(place) = kind.place() else {
            return;
        };
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] += 1;
    }
}

/// Returns the kind of an entity: the one that it had when its deletion began, or else has now.
pub(crate) fn kind_of(world: &World, entity: Entity) -> KindId {
    if let Some(deleting) = world.get::<Deleting>(entity) {
        return deleting.kind();
    }
    let kinds = Kinds::of(world);
    kinds.map_or(KindId::OTHERS, |kinds| kinds.kind_by_marker(world, entity))
}

/// Changes the counts of a kind. Without kinds, what [`QdelCounts`] counts as well need not be
/// counted.
pub(crate) fn count_kind(world: &mut World, kind: KindId, change: impl FnOnce(&mut KindCounts)) {
    // Without, somebody cleared the world.
    if let Some(mut deletions) = world.get_resource_mut::<Deletions>() {
        deletions.kinds.change(kind, change);
    }
}

/// Changes the counts of the kind of an entity, if kinds are told apart.
pub(crate) fn count(world: &mut World, entity: Entity, change: impl FnOnce(&mut KindCounts)) {
    if Kinds::of(world).is_some_and(Kinds::are_told_apart) {
        let kind = kind_of(world, entity);
        count_kind(world, kind, change);
    }
}

/// Counts entities that are about to be marked, and returns their kinds.
pub(crate) fn count_deleted(
    world: &mut World,
    entities: impl Iterator<Item = Entity>,
) -> SmallVec<[KindId; 4]> {
    let Some(kinds) = Kinds::of(world) else {
        return SmallVec::new();
    };
    let of_all: SmallVec<_> = entities
        .map(|entity| kinds.kind_by_marker(world, entity))
        .collect();
    let mut deletions = world.resource_mut::<Deletions>();
    for kind in &of_all {
        deletions.kinds.change(*kind, |counts| counts.deleted += 1);
    }
    of_all
}

/// Counts those in a batch that were refused, before the others are told apart into those that live
/// on and those that do not.
pub(crate) fn count_refused(world: &mut World, batch: &QdelBatchOutcome) {
    if !Kinds::of(world).is_some_and(Kinds::are_told_apart) {
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
