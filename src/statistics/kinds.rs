//! What deletions did and cost, kind by kind.
//!
//! Plain data: no function here changes a world.

use core::any::{TypeId, type_name};

use bevy_ecs::{
    component::{Component, ComponentId},
    entity::Entity,
    world::World,
};

use crate::{
    deleting::KindId,
    statistics::counts::{QdelCounts, Tally},
};

/// All kinds, in the order of registration, and the others.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    all: Vec<Kind>,
    /// Without kinds, the counts in it are not kept: the total of the world has them.
    others: Tally,
    /// How often the counts were reset.
    resets: u64,
}

/// Entities with one marker, and what was counted for them.
#[derive(Debug)]
pub(crate) struct Kind {
    marker: ComponentId,
    pub(crate) marker_type: TypeId,
    /// The type name of the marker.
    pub(crate) name: &'static str,
    pub(crate) tally: Tally,
}

impl Kinds {
    /// Returns `true` if there are kinds. Without, every entity is one of the others.
    pub(crate) fn are_told_apart(&self) -> bool {
        !self.all.is_empty()
    }

    /// Returns all kinds, in the order of registration.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Kind> {
        self.all.iter()
    }

    /// Returns what was counted for the others, in a world whose total is `world_total`.
    pub(crate) fn others(&self, world_total: Option<&QdelCounts>) -> Tally {
        match world_total {
            Some(counts) if !self.are_told_apart() => Tally {
                counts: *counts,
                costs: self.others.costs,
            },
            _ => self.others,
        }
    }

    /// Returns what was counted for all kinds and the others together.
    #[cfg(feature = "bevy_diagnostic")]
    pub(crate) fn total(&self, world_total: Option<&QdelCounts>) -> Tally {
        let mut total = self.others(world_total);
        for kind in self.iter() {
            total.add(&kind.tally);
        }
        total
    }

    /// Returns how often the counts were reset.
    #[cfg(feature = "bevy_diagnostic")]
    pub(crate) fn resets(&self) -> u64 {
        self.resets
    }

    /// Adds the kind of entities with an `M`, if it is new. What was counted until then is of the
    /// others.
    pub(crate) fn register<M: Component>(
        &mut self,
        marker: ComponentId,
        world_total: Option<&QdelCounts>,
    ) {
        self.others = self.others(world_total);
        if self.all.iter().all(|kind| kind.marker != marker) {
            self.all.push(Kind {
                marker,
                marker_type: TypeId::of::<M>(),
                name: type_name::<M>(),
                tally: Tally::default(),
            });
        }
    }

    /// Counts what a tear-down got rid of: `all` entities, and of each kind as many as `kinds`
    /// says.
    pub(crate) fn count_torn_down(&mut self, all: u64, kinds: Option<KindsTornDown>) {
        let mut of_others = all;
        let of_kinds = kinds.map(|kinds| kinds.0).unwrap_or_default();
        for (kind, torn_down) in self.all.iter_mut().zip(of_kinds) {
            kind.tally.counts.torn_down += torn_down;
            of_others -= torn_down;
        }
        self.others.counts.torn_down += of_others;
    }

    /// Counts from zero again.
    pub(crate) fn reset(&mut self) {
        self.resets += 1;
        self.others = Tally::default();
        for kind in &mut self.all {
            kind.tally = Tally::default();
        }
    }

    /// Changes what was counted for a kind.
    ///
    /// A kind that is not known any more is one of the others: the world may have been cleared.
    pub(crate) fn change(&mut self, kind: KindId, change: impl FnOnce(&mut Tally)) {
        let kind = kind.place().and_then(|place| self.all.get_mut(place));
        change(kind.map_or(&mut self.others, |kind| &mut kind.tally));
    }

    /// Returns the kind of an entity whose deletion has not begun.
    pub(crate) fn kind_by_marker(&self, world: &World, entity: Entity) -> KindId {
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
