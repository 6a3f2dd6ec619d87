//! Which object is which entity, and what is not written yet.
//!
//! Plain data: no function here takes a world.
//!
//! # Invariants
//!
//! 1. An id is in `by_id` from before its entity carries it until the entity loses it. So no id has
//!    two entities, and no entity two ids.
//! 2. An id in `deletes` is not in `by_id`.
//! 3. What is in `dirty` or `moved` is in `by_id`.
//! 4. `waiting[t]` has `s` exactly when the `ColdLinks` of `s` name `t`.

use core::ops::Range;
use std::collections::BTreeSet;

use bevy_ecs::{
    entity::{Entity, EntityHashSet},
    resource::Resource,
};

use crate::{
    StableId,
    hash::{HashMap, HashSet},
};

/// How many ids are reserved at a time.
pub(crate) const BLOCK: u32 = 4096;

/// The identity map of a world.
#[derive(Resource, Debug, Default)]
pub(crate) struct IdentityMap {
    by_id: HashMap<StableId, Resident>,
    /// What was deleted, and may still be in the store.
    deletes: BTreeSet<StableId>,
    /// What is to be looked at by the next checkpoint, whatever its change ticks say.
    dirty: HashSet<StableId>,
    /// What has another owner than before, so that all it owns is to be looked at as well.
    moved: HashSet<StableId>,
    /// The ids that were reserved and not given yet: those of the block in use, and the next one.
    reserved: [Range<u64>; 2],
    /// What leaves the world at the moment, and stays in the store.
    unloading: HashSet<StableId>,
    /// What was resident a moment ago: an insertion that replaces a `StableId` is undone by it.
    last_left: Option<(Entity, StableId, Resident)>,
    /// By a target that is not here: the objects that relate to it.
    waiting: HashMap<StableId, Vec<StableId>>,
    /// What is coming in, while handlers may see it half filled.
    loading: EntityHashSet,
    /// While reads are under way: when objects left last.
    left: HashMap<StableId, Moment>,
    /// How many reads are under way.
    watchers: usize,
    now: Moment,
}

/// A number that is higher after each object that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(u64);

/// An object in the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Resident {
    entity: Entity,
    saved: Saved,
}

/// What the store has of an object, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Saved(u64);

impl Saved {
    /// Nothing: the object is new.
    pub(crate) const NEVER: Self = Self(0);

    /// What was written may be there or not.
    pub(crate) const UNSURE: Self = Self(1);

    /// A record of that hash.
    pub(crate) fn hash(hash: u64) -> Self {
        Self(hash.max(2))
    }
}

impl IdentityMap {
    /// Returns the entity of an object, if it is resident.
    pub(crate) fn entity(&self, id: StableId) -> Option<Entity> {
        self.by_id.get(&id).map(|resident| resident.entity)
    }

    /// Returns what the store has of an object that is resident.
    pub(crate) fn saved(&self, id: StableId) -> Option<Saved> {
        self.by_id.get(&id).map(|resident| resident.saved)
    }

    /// Notes what the store has of an object, if it is still resident.
    pub(crate) fn set_saved(&mut self, id: StableId, saved: Saved) {
        if let Some(resident) = self.by_id.get_mut(&id) {
            resident.saved = saved;
        }
    }

    /// Returns the number of resident objects.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns all resident objects, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StableId, Entity)> {
        self.by_id
            .iter()
            .map(|(id, resident)| (*id, resident.entity))
    }

    /// Returns `true` if an object was deleted, and may still be in the store.
    pub(crate) fn is_deleted(&self, id: StableId) -> bool {
        self.deletes.contains(&id)
    }

    /// Returns what was deleted and is not deleted in the store yet, in order.
    pub(crate) fn deletes(&self) -> impl Iterator<Item = StableId> {
        self.deletes.iter().copied()
    }

    /// Notes that an object is `entity`, which is about to carry its id.
    pub(crate) fn enter(&mut self, id: StableId, entity: Entity, saved: Saved) {
        let before = self.by_id.insert(id, Resident { entity, saved });
        debug_assert!(before.is_none(), "{id} should enter once");
        if saved == Saved::NEVER {
            self.dirty.insert(id);
        }
    }

    /// Notes that an entity has lost its id. Returns `true` if it was its own.
    pub(crate) fn leave(&mut self, id: StableId, entity: Entity) -> bool {
        if self.entity(id) != Some(entity) {
            return false;
        }
        self.last_left = self.forget(id).map(|resident| (entity, id, resident));
        if !self.unloading.contains(&id) {
            self.deletes.insert(id);
        }
        true
    }

    /// Notes that the deletion of a resident object has begun, so that it is gone from now on.
    pub(crate) fn delete_early(&mut self, id: StableId) {
        if self.forget(id).is_some() {
            self.deletes.insert(id);
        }
    }

    /// Notes that an object is deleted that is not resident.
    pub(crate) fn delete_cold(&mut self, id: StableId) {
        self.deletes.insert(id);
        self.note_left(id);
    }

    /// Takes the id of an object that never carried it.
    pub(crate) fn release(&mut self, id: StableId, entity: Entity) {
        if self.entity(id) == Some(entity) {
            self.forget(id);
        }
    }

    /// Undoes that an entity has lost its id, if that was just now: another one was put in its
    /// place. Returns the id.
    pub(crate) fn restore(&mut self, entity: Entity) -> Option<StableId> {
        let (_, id, resident) = self.last_left.take_if(|(left, ..)| *left == entity)?;
        if !self.deletes.remove(&id) {
            return None;
        }
        // It may be deleted in the store at this moment.
        let saved = match resident.saved {
            Saved::NEVER => Saved::NEVER,
            _ => Saved::UNSURE,
        };
        self.by_id.insert(id, Resident { entity, saved });
        self.dirty.insert(id);
        Some(id)
    }

    fn forget(&mut self, id: StableId) -> Option<Resident> {
        self.dirty.remove(&id);
        self.moved.remove(&id);
        self.note_left(id);
        self.by_id.remove(&id)
    }

    fn note_left(&mut self, id: StableId) {
        if self.watchers > 0 {
            self.now.0 += 1;
            self.left.insert(id, self.now);
        }
    }

    /// Notes that an object is to be written.
    pub(crate) fn set_dirty(&mut self, id: StableId) {
        if self.by_id.contains_key(&id) {
            self.dirty.insert(id);
        }
    }

    /// Notes that an object is to be written, with all that it owns.
    pub(crate) fn set_moved(&mut self, id: StableId) {
        if self.by_id.contains_key(&id) {
            self.moved.insert(id);
        }
    }

    /// Takes what is to be written: first the objects, then those that are so with what they own.
    pub(crate) fn take_dirty(&mut self) -> [HashSet<StableId>; 2] {
        [
            core::mem::take(&mut self.dirty),
            core::mem::take(&mut self.moved),
        ]
    }

    /// Forgets that objects were deleted: they are not in the store any more.
    pub(crate) fn deletes_done(&mut self, ids: &[StableId]) {
        for id in ids {
            self.deletes.remove(id);
        }
    }

    /// Returns an id that was never given, if one is left.
    pub(crate) fn take_id(&mut self) -> Option<StableId> {
        if self.reserved[0].is_empty() {
            self.reserved.swap(0, 1);
        }
        let number = self.reserved[0].next()?;
        Some(StableId::new(number).expect("a reserved number should be an id"))
    }

    /// Returns `true` if another block of ids should be reserved.
    pub(crate) fn wants_ids(&self) -> bool {
        self.reserved.iter().any(Range::is_empty)
    }

    /// Adds a block of ids that was reserved.
    pub(crate) fn add_ids(&mut self, block: Range<u64>) {
        let place = usize::from(!self.reserved[0].is_empty());
        self.reserved[place] = block;
    }

    /// Notes that `source` relates to `target`, which is not here.
    pub(crate) fn wait(&mut self, target: StableId, source: StableId) {
        self.waiting.entry(target).or_default().push(source);
    }

    /// Notes that `source` does no longer.
    pub(crate) fn stop_waiting(&mut self, target: StableId, source: StableId) {
        if let Some(sources) = self.waiting.get_mut(&target) {
            if let Some(at) = sources.iter().position(|waiting| *waiting == source) {
                sources.remove(at);
            }
            if sources.is_empty() {
                self.waiting.remove(&target);
            }
        }
    }

    /// Returns the objects that relate to `target`, which was not here, in the order in which they
    /// began to.
    pub(crate) fn waiting_for(&self, target: StableId) -> Vec<StableId> {
        self.waiting.get(&target).cloned().unwrap_or_default()
    }

    /// Notes which objects leave the world and stay in the store, if they leave now.
    pub(crate) fn set_unloading(&mut self, ids: HashSet<StableId>) {
        self.unloading = ids;
    }

    /// Notes which entities are coming in.
    pub(crate) fn set_loading(&mut self, entities: EntityHashSet) {
        self.loading = entities;
    }

    /// Returns the entities that are coming in.
    pub(crate) fn loading(&self) -> &EntityHashSet {
        &self.loading
    }

    /// From now on, notes what leaves, until [`stop_watching`](Self::stop_watching) was called as
    /// often as this.
    pub(crate) fn watch_leaving(&mut self) -> Moment {
        self.watchers += 1;
        self.now
    }

    /// Stops noting what leaves, if this was the last who asked for it.
    pub(crate) fn stop_watching(&mut self) {
        self.watchers = self.watchers.saturating_sub(1);
        if self.watchers == 0 {
            self.left = HashMap::default();
        }
    }

    /// Returns `true` if an object left after `moment`.
    pub(crate) fn has_left_since(&self, id: StableId, moment: Moment) -> bool {
        self.left.get(&id).is_some_and(|left| *left > moment)
    }

    /// Checks what must hold between calls.
    pub(crate) fn validate(&self) -> Result<(), String> {
        let resident = |id: &StableId| self.by_id.contains_key(id);
        if let Some(id) = self.deletes.iter().find(|id| resident(id)) {
            return Err(format!("{id} is deleted and resident"));
        }
        if let Some(id) = self
            .dirty
            .iter()
            .chain(&self.moved)
            .find(|id| !resident(id))
        {
            return Err(format!("{id} is dirty and not resident"));
        }
        if let Some((target, _)) = self.waiting.iter().find(|(_, sources)| sources.is_empty()) {
            return Err(format!("an empty list waits for {target}"));
        }
        let mut entities = EntityHashSet::default();
        match self.iter().find(|(_, entity)| !entities.insert(*entity)) {
            Some((id, entity)) => Err(format!("{entity} is {id} and another object")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I17: a resident takes at most 64 bytes in the map, also just after it has grown to twice
    /// its size.
    #[test]
    fn residents_are_small() {
        // At its emptiest, a map that has grown is filled to 7/16; each place has a byte more.
        let place = size_of::<(StableId, Resident)>() + 1;
        assert!(place * 16 / 7 <= 64, "{place} bytes a place");
    }

    #[test]
    fn ids_are_given_once_through_both_blocks() {
        let mut map = IdentityMap::default();
        assert!(map.wants_ids());
        map.add_ids(1..3);
        map.add_ids(7..9);
        assert!(!map.wants_ids());

        let given: Vec<_> = core::iter::from_fn(|| map.take_id())
            .map(StableId::get)
            .collect();

        assert_eq!(given, [1, 2, 7, 8]);
        assert!(map.wants_ids());
        map.add_ids(20..21);
        assert_eq!(map.take_id().map(StableId::get), Some(20));
    }
}
