//! Deleting what a field names.

use bevy_ecs::{
    entity::Entity,
    system::Commands,
    world::{DeferredWorld, World},
};

use crate::{
    deletion::{looked::Look, mark::Force, worklist},
    ext::commands,
};

/// Deletes what a plain field names, and empties the field.
///
/// On a [`World`] the entities are deleted at once. On [`Commands`] and [`DeferredWorld`] they are
/// deleted when commands are applied, but the field is empty at once.
///
/// Entities that are gone before are skipped. Use a relationship with `linked_spawn`, such as
/// `ChildOf`, where an entity should just go with its owner.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// #[derive(Component)]
/// struct Belt { knife: Option<Entity>, pouches: Vec<Entity> }
///
/// impl Destroy for Belt {
///     type Param = Commands<'static, 'static>;
///
///     fn destroy(&mut self, mut going: DestroyContext<Self::Param>) -> DestroyHint {
///         going.param.qdel_take(&mut self.knife);
///         going.param.qdel_take(&mut self.pouches);
///         DestroyHint::Queue
///     }
/// }
///
/// let mut world = World::new();
/// world.register_destroy::<Belt>();
/// let [knife, pouch] = [(), ()].map(|()| world.spawn_empty().id());
/// let belt = world.spawn(Belt { knife: Some(knife), pouches: vec![pouch] }).id();
///
/// world.qdel(belt)?;
/// assert_eq!(world.liveness(knife), Liveness::Deleting);
/// assert_eq!(world.liveness(pouch), Liveness::Deleting);
/// # Ok::<(), qdel::QdelError>(())
/// ```
pub trait QdelTakeExt {
    /// Deletes all entities that `field` names: an `Option<Entity>`, a list or a set. It is empty
    /// then.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let knife = world.spawn_empty().id();
    /// let mut held = Some(knife);
    ///
    /// world.qdel_take(&mut held);
    ///
    /// assert_eq!(held, None);
    /// assert_eq!(world.liveness(knife), Liveness::Deleting);
    /// ```
    #[doc(alias = "QDEL_LIST")]
    fn qdel_take<F>(&mut self, field: &mut F)
    where
        F: Default + IntoIterator<Item = Entity>,
    {
        self.qdel_all(core::mem::take(field));
    }

    /// Deletes all keys of the map `field`, which is empty then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let guest = world.spawn_empty().id();
    /// let mut rooms = BTreeMap::from([(guest, 12)]);
    ///
    /// world.qdel_take_keys(&mut rooms);
    ///
    /// assert!(rooms.is_empty());
    /// assert_eq!(world.liveness(guest), Liveness::Deleting);
    /// ```
    fn qdel_take_keys<F, V>(&mut self, field: &mut F)
    where
        F: Default + IntoIterator<Item = (Entity, V)>,
    {
        let entries = core::mem::take(field).into_iter();
        self.qdel_all(entries.map(|(key, _)| key));
    }

    /// Deletes all values of the map `field`, which is empty then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let knife = world.spawn_empty().id();
    /// let mut slots = BTreeMap::from([("belt", knife)]);
    ///
    /// world.qdel_take_values(&mut slots);
    ///
    /// assert!(slots.is_empty());
    /// assert_eq!(world.liveness(knife), Liveness::Deleting);
    /// ```
    #[doc(alias = "QDEL_LIST_ASSOC_VAL")]
    fn qdel_take_values<F, K>(&mut self, field: &mut F)
    where
        F: Default + IntoIterator<Item = (K, Entity)>,
    {
        let entries = core::mem::take(field).into_iter();
        self.qdel_all(entries.map(|(_, value)| value));
    }

    /// Deletes all keys and all values of the map `field`, which is empty then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let [lock, key] = [(), ()].map(|()| world.spawn_empty().id());
    /// let mut keys = BTreeMap::from([(lock, key)]);
    ///
    /// world.qdel_take_entries(&mut keys);
    ///
    /// assert!(keys.is_empty());
    /// assert_eq!(world.liveness(lock), Liveness::Deleting);
    /// assert_eq!(world.liveness(key), Liveness::Deleting);
    /// ```
    #[doc(alias = "QDEL_LIST_ASSOC")]
    fn qdel_take_entries<F>(&mut self, field: &mut F)
    where
        F: Default + IntoIterator<Item = (Entity, Entity)>,
    {
        let entries = core::mem::take(field).into_iter();
        self.qdel_all(entries.flat_map(|(key, value)| [key, value]));
    }

    /// Deletes `entities`, without those that are gone.
    #[doc(hidden)]
    fn qdel_all(&mut self, entities: impl IntoIterator<Item = Entity>);
}

impl QdelTakeExt for World {
    fn qdel_all(&mut self, entities: impl IntoIterator<Item = Entity>) {
        let mut entities: Vec<_> = entities.into_iter().collect();
        entities.retain(|entity| self.entities().contains_spawned(*entity));
        if !entities.is_empty() {
            worklist::qdel_batch(self, entities, Force::No, Look::Afresh);
        }
    }
}

impl QdelTakeExt for Commands<'_, '_> {
    fn qdel_all(&mut self, entities: impl IntoIterator<Item = Entity>) {
        let mut entities: Vec<_> = entities.into_iter().collect();
        if entities.is_empty() {
            return;
        }
        self.queue(move |world: &mut World| {
            entities.retain(|entity| world.entities().contains_spawned(*entity));
            commands::batch(world, entities, Force::No)
        });
    }
}

impl QdelTakeExt for DeferredWorld<'_> {
    fn qdel_all(&mut self, entities: impl IntoIterator<Item = Entity>) {
        self.commands().qdel_all(entities);
    }
}
