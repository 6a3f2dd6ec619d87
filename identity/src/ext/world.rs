//! The verbs of a world.

use std::sync::Arc;

use bevy_ecs::{
    bundle::Bundle,
    component::Component,
    entity::Entity,
    relationship::Relationship,
    world::{EntityRef, World},
};

use crate::{
    StableId, StableRef, Stored, attach,
    checkpoint::{self, CheckpointStart},
    delete,
    error::{AttachError, CheckpointError, LoadError, RegisterError, SpawnError, StoreError},
    events::{self, Created},
    life, load,
    map::IdentityMap,
    pins::{self, Pin},
    registry::{Class, register},
    report::{CheckpointReport, LoadReport},
    residents::{self, Resolved},
    store::{Existence, Store},
};

/// Objects of a world that are kept in a store.
pub trait WorldIdentityExt {
    /// Attaches a store. From now on, entities with [`Persistent`](crate::Persistent) are objects
    /// of that store, also those that were spawned before.
    ///
    /// Blocks while the store reserves ids.
    ///
    /// # Errors
    ///
    /// Returns an [`AttachError`] if the world has a store, or if the store does not answer. The
    /// world is as before.
    fn attach_store(&mut self, store: impl Store) -> Result<(), AttachError>;

    /// Stores the components `C`.
    ///
    /// Register all types before the first object is loaded: what is not known then is carried
    /// along, and is not in the world.
    ///
    /// # Errors
    ///
    /// Returns a [`RegisterError`] if `C` has a class, or the name is taken. Nothing is registered
    /// then. That `C` has fields of type `Entity` is found when one is written: see
    /// [`CodecError::NamesEntities`](crate::error::CodecError::NamesEntities).
    fn persist<C: Component>(&mut self, stored: Stored<C>) -> Result<(), RegisterError>;

    /// Stores the relationship `R` under `name`, by the id of its target.
    ///
    /// If its target owns it, as with `linked_spawn`, both come and leave together. Else it is
    /// there whenever both are. `ChildOf` is registered beforehand.
    ///
    /// # Errors
    ///
    /// Returns a [`RegisterError`] if `R` or its target has a class, if `R` has other fields, or if
    /// the name is taken. Nothing is registered then.
    fn persist_relationship<R: Relationship>(
        &mut self,
        name: impl Into<String>,
    ) -> Result<(), RegisterError>;

    /// Says that components `C` are rebuilt by the game, so that they may be dropped.
    ///
    /// # Errors
    ///
    /// Returns a [`RegisterError`] if `C` has a class.
    fn register_derived<C: Component>(&mut self) -> Result<(), RegisterError>;

    /// Says that components `C` are not written, and that objects stay while they have one.
    ///
    /// # Errors
    ///
    /// Returns a [`RegisterError`] if `C` has a class.
    fn register_volatile<C: Component>(&mut self) -> Result<(), RegisterError>;

    /// Says that components `C` are not written, and that objects stay while `pins` is true for
    /// theirs.
    ///
    /// # Errors
    ///
    /// Returns a [`RegisterError`] if `C` has a class.
    fn register_volatile_if<C: Component>(
        &mut self,
        pins: impl Fn(&C) -> bool + Send + Sync + 'static,
    ) -> Result<(), RegisterError>;

    /// Spawns an object under an id of your own choice, below the floor of the store.
    ///
    /// Blocks while the store says whether the id is free.
    ///
    /// # Errors
    ///
    /// Returns a [`SpawnError`] if the id is not below the floor, was ever used, or cannot be
    /// checked. The world is as before.
    fn spawn_object(&mut self, id: StableId, bundle: impl Bundle) -> Result<Entity, SpawnError>;

    /// Returns the entity of an object: the one it has, or a new one, with its whole unit.
    ///
    /// Blocks while the store reads. In a frame, prefer
    /// [`Commands::load`](crate::CommandsIdentityExt::load).
    ///
    /// # Errors
    ///
    /// Returns a [`LoadError`] if there is no such object or its unit cannot be read. The world is
    /// as before, but for what handlers did.
    ///
    /// # Complexity
    ///
    /// Constant if it is resident. Else n log n in the members of its unit.
    fn load(&mut self, id: StableId) -> Result<Entity, LoadError>;

    /// Loads several objects with one read of the store. Those that cannot be loaded are in the
    /// report.
    ///
    /// # Errors
    ///
    /// Returns a [`LoadError`] if nothing could be read.
    fn load_batch(&mut self, ids: &[StableId]) -> Result<LoadReport, LoadError>;

    /// Deletes an object, resident or not, and all that it owns. If it is resident, this is
    /// [`qdel`](qdel::WorldQdelExt::qdel).
    ///
    /// Of an object that is not resident, nothing is spawned and no handler runs. It is gone from
    /// now on, and is deleted in the store by the next checkpoint. Blocks while the store says what
    /// it owns.
    ///
    /// # Errors
    ///
    /// Returns a [`DeleteError`](crate::error::DeleteError) if there is no such object, or if it is
    /// resident and stays.
    fn delete_object(&mut self, id: StableId) -> Result<(), crate::error::DeleteError>;

    /// Writes all that changed since the last checkpoint in one durable commit, and waits for it.
    ///
    /// # Errors
    ///
    /// Returns a [`CheckpointError`] if that is not known to have happened. All that changed stays
    /// dirty, and the next checkpoint tries again.
    fn checkpoint(&mut self) -> Result<CheckpointReport, CheckpointError>;

    /// Encodes all that changed since the last checkpoint, and lets a thread write it. Then
    /// [`Checkpointed`](crate::event::Checkpointed) or
    /// [`CheckpointFailed`](crate::event::CheckpointFailed) is triggered by
    /// [`poll_store`](Self::poll_store).
    ///
    /// # Errors
    ///
    /// Returns a [`CheckpointError`] if it could not begin.
    fn checkpoint_later(&mut self) -> Result<CheckpointStart, CheckpointError>;

    /// Puts into the world what was requested and has come, and tells of the checkpoint that is
    /// done. `IdentityPlugin` calls this each frame.
    fn poll_store(&mut self);

    /// Lets the next checkpoint look at an object, for changes that Bevy does not see: by interior
    /// mutability, or past change detection.
    fn mark_dirty(&mut self, id: StableId);

    /// Returns why an entity must stay in the world, as far as that lies in itself: what of it
    /// would be lost. Empty if nothing would.
    fn pins(&self, entity: Entity) -> Vec<Pin>;

    /// Returns the entity of an object, if it is resident.
    fn find_object(&self, id: StableId) -> Option<Entity>;

    /// Returns a reference to the object that an entity is.
    fn object_ref(&self, entity: Entity) -> Option<StableRef>;

    /// Returns what a reference leads to, and notes where that is. The store is not asked.
    fn resolve(&self, reference: &StableRef) -> Resolved;

    /// Returns whether there is an object of that id, resident or not. Asks the store if that is
    /// not known here, and blocks meanwhile.
    ///
    /// # Errors
    ///
    /// Returns a [`LoadError`] if the store cannot be read.
    fn locate(&self, id: StableId) -> Result<Existence, LoadError>;

    /// Returns the first `limit` objects that are stored under `key` in an index, resident or not.
    /// What changed since the last checkpoint does not count yet.
    ///
    /// Blocks while the store reads.
    ///
    /// # Errors
    ///
    /// Returns a [`LoadError`] if the store cannot be read.
    fn find_stored(
        &self,
        index: &str,
        key: &[u8],
        limit: usize,
    ) -> Result<Vec<StableId>, LoadError>;
}

impl WorldIdentityExt for World {
    fn attach_store(&mut self, store: impl Store) -> Result<(), AttachError> {
        attach::attach(self, Arc::new(store))
    }

    fn persist<C: Component>(&mut self, stored: Stored<C>) -> Result<(), RegisterError> {
        register::ensure(self);
        register::persistent(self, stored)
    }

    fn persist_relationship<R: Relationship>(
        &mut self,
        name: impl Into<String>,
    ) -> Result<(), RegisterError> {
        register::ensure(self);
        register::relationship::<R>(self, name.into().into())
    }

    fn register_derived<C: Component>(&mut self) -> Result<(), RegisterError> {
        register::ensure(self);
        register::add::<C>(self, Class::Derived)
    }

    fn register_volatile<C: Component>(&mut self) -> Result<(), RegisterError> {
        self.register_volatile_if::<C>(|_| true)
    }

    fn register_volatile_if<C: Component>(
        &mut self,
        pins: impl Fn(&C) -> bool + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        register::ensure(self);
        let pins = move |entity: EntityRef<'_>| entity.get::<C>().is_some_and(&pins);
        register::add::<C>(self, Class::Volatile(Arc::new(pins)))
    }

    fn spawn_object(&mut self, id: StableId, bundle: impl Bundle) -> Result<Entity, SpawnError> {
        let entity = life::spawn_with_id(self, id)?;
        if let Ok(mut entity) = self.get_entity_mut(entity) {
            entity.insert(bundle);
        }
        events::tell(self, Created { entity, id });
        Ok(entity)
    }

    fn load(&mut self, id: StableId) -> Result<Entity, LoadError> {
        load::load(self, id)
    }

    fn load_batch(&mut self, ids: &[StableId]) -> Result<LoadReport, LoadError> {
        load::load_batch(self, ids)
    }

    fn delete_object(&mut self, id: StableId) -> Result<(), crate::error::DeleteError> {
        delete::delete(self, id)
    }

    fn checkpoint(&mut self) -> Result<CheckpointReport, CheckpointError> {
        checkpoint::checkpoint(self)
    }

    fn checkpoint_later(&mut self) -> Result<CheckpointStart, CheckpointError> {
        checkpoint::checkpoint_later(self)
    }

    fn poll_store(&mut self) {
        attach::poll(self);
    }

    fn mark_dirty(&mut self, id: StableId) {
        if let Some(mut map) = self.get_resource_mut::<IdentityMap>() {
            map.set_dirty(id);
        }
    }

    fn pins(&self, entity: Entity) -> Vec<Pin> {
        pins::pins(self, entity)
    }

    fn find_object(&self, id: StableId) -> Option<Entity> {
        self.get_resource::<IdentityMap>()?.entity(id)
    }

    fn object_ref(&self, entity: Entity) -> Option<StableRef> {
        let reference = StableRef::new(*self.get::<StableId>(entity)?);
        reference.set_hint(Some(entity));
        Some(reference)
    }

    fn resolve(&self, reference: &StableRef) -> Resolved {
        residents::resolve_in(self, reference)
    }

    fn locate(&self, id: StableId) -> Result<Existence, LoadError> {
        match self.resolve(&StableRef::new(id)) {
            Resolved::Live(_) => Ok(Existence::Stored),
            Resolved::Gone => Ok(Existence::Gone),
            Resolved::Away => {
                let store = attach::store(self).ok_or(LoadError::NoStore)?;
                let answer = store.existence(&[id])?;
                Ok(answer.first().copied().unwrap_or(Existence::Unknown))
            }
        }
    }

    fn find_stored(
        &self,
        index: &str,
        key: &[u8],
        limit: usize,
    ) -> Result<Vec<StableId>, LoadError> {
        let store = attach::store(self).ok_or(LoadError::NoStore)?;
        let found: Result<_, StoreError> = store.find(index, key, limit);
        Ok(found?)
    }
}
