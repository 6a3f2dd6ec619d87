//! A field that names an object, resident or not.

use core::{
    fmt,
    hash::{Hash, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

use bevy_ecs::entity::Entity;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{StableId, names};

/// Names an object by its [`StableId`], resident or not: the field type of persistent components.
///
/// It remembers at which entity the object was seen last. That is a hint, which is believed only
/// while the entity carries the id. It is no part of the value: it is not compared, hashed or
/// serialized, and to correct it marks nothing as changed.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel_identity::{StableId, StableRef};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Component, Serialize, Deserialize)]
/// struct Exit {
///     leads_to: Option<StableRef>,
/// }
///
/// let exit = Exit { leads_to: Some(StableRef::new(StableId::new(2)?)) };
/// assert_eq!(exit.leads_to.unwrap().id().to_string(), "#2");
/// # Ok::<(), qdel_identity::error::StableIdError>(())
/// ```
pub struct StableRef {
    id: StableId,
    /// The bits of an entity; those of the placeholder if none is known.
    hint: AtomicU64,
}

impl StableRef {
    /// Returns a reference to an object. It need not be loaded, nor exist.
    pub fn new(id: StableId) -> Self {
        Self::with_hint(id, Entity::PLACEHOLDER)
    }

    /// Returns the object that it names.
    pub fn id(&self) -> StableId {
        self.id
    }

    /// Returns the entity at which the object was seen last, which may be another one's by now.
    pub(crate) fn hint(&self) -> Option<Entity> {
        let hint = Entity::from_bits(self.hint.load(Ordering::Relaxed));
        (hint != Entity::PLACEHOLDER).then_some(hint)
    }

    /// Notes where the object is.
    pub(crate) fn set_hint(&self, entity: Option<Entity>) {
        let entity = entity.unwrap_or(Entity::PLACEHOLDER);
        self.hint.store(entity.to_bits(), Ordering::Relaxed);
    }

    fn with_hint(id: StableId, entity: Entity) -> Self {
        Self {
            id,
            hint: AtomicU64::new(entity.to_bits()),
        }
    }
}

impl From<StableId> for StableRef {
    fn from(id: StableId) -> Self {
        Self::new(id)
    }
}

impl Clone for StableRef {
    fn clone(&self) -> Self {
        Self::with_hint(self.id, self.hint().unwrap_or(Entity::PLACEHOLDER))
    }
}

impl PartialEq for StableRef {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for StableRef {}

impl PartialOrd for StableRef {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for StableRef {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

impl Hash for StableRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl fmt::Debug for StableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StableRef").field(&self.id).finish()
    }
}

impl fmt::Display for StableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.id, f)
    }
}

impl Serialize for StableRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        names::note(self.id);
        self.id.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for StableRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StableId::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use bevy_ecs::world::World;

    use super::*;

    /// I4: the hint is no part of the value.
    #[test]
    fn references_are_equal_whatever_they_remember() {
        let entity = World::new().spawn_empty().id();
        let plain = StableRef::new(StableId::MIN);
        let seen = StableRef::new(StableId::MIN);
        seen.set_hint(Some(entity));

        assert_eq!(plain, seen);
        assert_eq!(seen.clone().hint(), Some(entity));
        let bytes = [&plain, &seen].map(|it| postcard::to_stdvec(it).unwrap());
        assert_eq!(bytes[0], bytes[1]);
        let read: StableRef = postcard::from_bytes(&bytes[1]).unwrap();
        assert_eq!((read.id(), read.hint()), (StableId::MIN, None));
        seen.set_hint(None);
        assert_eq!(seen.hint(), None);
    }

    /// I4: 8 bytes and a hint.
    #[test]
    fn reference_takes_sixteen_bytes_also_where_it_is_optional() {
        assert_eq!(size_of::<StableRef>(), 16);
        assert_eq!(size_of::<Option<StableRef>>(), 16);
    }
}
