//! From ids to entities, and back.

use bevy_ecs::{
    change_detection::Res,
    entity::Entity,
    entity_disabling::Disabled,
    query::Allow,
    system::{Query, SystemParam},
    world::World,
};
use qdel::{EntityLiveness, Liveness, LivenessExt};

use crate::{StableId, StableRef, map::IdentityMap};

/// What a [`StableRef`] leads to. The store is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolved {
    /// The object is in the world.
    Live(Entity),
    /// It is not here. The store may have it.
    Away,
    /// It was deleted, or its deletion has begun.
    Gone,
}

impl Resolved {
    /// Returns the entity, if the object is in the world.
    pub fn entity(self) -> Option<Entity> {
        match self {
            Self::Live(entity) => Some(entity),
            Self::Away | Self::Gone => None,
        }
    }
}

/// Finds resident objects from systems.
///
/// In a world without a store, nothing is resident.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel_identity::{Persistent, Residents, StableRef, WorldIdentityExt, store::MemoryStore};
///
/// #[derive(Component)]
/// struct Exit { leads_to: StableRef }
///
/// fn open_doors(exits: Query<&Exit>, residents: Residents) -> usize {
///     let open = |exit: &&Exit| residents.resolve(&exit.leads_to).entity().is_some();
///     exits.iter().filter(open).count()
/// }
///
/// let mut world = World::new();
/// world.attach_store(MemoryStore::new())?;
/// let room = world.spawn(Persistent).id();
/// let leads_to = world.object_ref(room).unwrap();
/// world.spawn((Persistent, Exit { leads_to }));
///
/// assert_eq!(world.run_system_cached(open_doors)?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(SystemParam)]
pub struct Residents<'w, 's> {
    map: Option<Res<'w, IdentityMap>>,
    ids: Query<'w, 's, &'static StableId, Allow<Disabled>>,
    liveness: EntityLiveness<'w, 's>,
}

impl Residents<'_, '_> {
    /// Returns the entity of an object, if it is resident and its deletion has not begun.
    pub fn entity(&self, id: StableId) -> Option<Entity> {
        let entity = self.map.as_ref()?.entity(id)?;
        (self.liveness.liveness(entity) == Liveness::Alive).then_some(entity)
    }

    /// Returns the object that an entity is.
    pub fn id(&self, entity: Entity) -> Option<StableId> {
        self.ids.get(entity).ok().copied()
    }

    /// Returns what a reference leads to, and notes where that is.
    pub fn resolve(&self, reference: &StableRef) -> Resolved {
        let id = |entity| self.id(entity);
        let liveness = |entity| self.liveness.liveness(entity);
        resolve(self.map.as_deref(), reference, id, liveness)
    }

    /// Returns `true` while an entity is coming in from the store: in hooks and in observers of
    /// components, which also run for new objects.
    pub fn is_loading(&self, entity: Entity) -> bool {
        let map = self.map.as_ref();
        map.is_some_and(|map| map.loading().contains(&entity))
    }

    /// Returns the number of resident objects.
    pub fn len(&self) -> usize {
        self.map.as_ref().map_or(0, |map| map.len())
    }

    /// Returns `true` if no object is resident.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Returns what a reference leads to, in exclusive code.
pub(crate) fn resolve_in(world: &World, reference: &StableRef) -> Resolved {
    let id = |entity| world.get::<StableId>(entity).copied();
    let liveness = |entity| world.liveness(entity);
    resolve(world.get_resource(), reference, id, liveness)
}

fn resolve(
    map: Option<&IdentityMap>,
    reference: &StableRef,
    id: impl Fn(Entity) -> Option<StableId>,
    liveness: impl Fn(Entity) -> Liveness,
) -> Resolved {
    let named = reference.id();
    // A hint is believed only if its entity carries the id, and an entity loses its id when it is
    // despawned.
    let hint = reference.hint().filter(|hint| id(*hint) == Some(named));
    let entity = hint.or_else(|| {
        let entity = map?.entity(named);
        reference.set_hint(entity);
        entity
    });
    match entity {
        Some(entity) if liveness(entity) == Liveness::Alive => Resolved::Live(entity),
        Some(_) => Resolved::Gone,
        None if map.is_some_and(|map| map.is_deleted(named)) => Resolved::Gone,
        None => Resolved::Away,
    }
}
