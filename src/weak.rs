//! Handles that know an entity without owning it.

use core::fmt;

use bevy_ecs::entity::{Entity, EntityMapper, MapEntities};

use crate::liveness::{Liveness, LivenessExt};

/// A handle that resolves to its entity only while that is alive.
///
/// Use it for what you look up anyway: the target of a missile, the last attacker, the key of a
/// cache. Where a component must react to the end of the entity, register for
/// [`Qdeleting`](crate::Qdeleting) instead.
///
/// It is as small as an [`Entity`], `Option<WeakEntity>` too. Equal ids make equal handles. A
/// handle stays dead for ever once its entity is gone, because ids carry a generation.
///
/// # Examples
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// let mut world = World::new();
/// let goblin = world.spawn_empty().id();
/// let seen = WeakEntity::new(goblin);
/// assert_eq!(seen.resolve(&world), Some(goblin));
///
/// world.qdel(goblin)?;
/// assert_eq!(seen.resolve(&world), None); // from the mark on
/// assert_eq!(seen.hard_resolve(&world), Some(goblin)); // until it is torn down
///
/// world.flush_qdel();
/// assert_eq!(seen.hard_resolve(&world), None);
/// # Ok::<(), qdel::QdelError>(())
/// ```
#[doc(alias("QPointer", "instance_from_id", "weakref"))]
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(
    feature = "bevy_reflect",
    derive(bevy_reflect::Reflect),
    reflect(opaque),
    reflect(Hash, PartialEq, Debug, Clone)
)]
#[cfg_attr(
    all(feature = "bevy_reflect", feature = "serde"),
    reflect(Serialize, Deserialize)
)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(transparent)
)]
#[repr(transparent)]
pub struct WeakEntity(Entity);

#[cfg(all(feature = "bevy_reflect", feature = "serde"))]
use bevy_reflect::{ReflectDeserialize, ReflectSerialize};

impl WeakEntity {
    /// Returns a handle of `entity`, alive or not.
    pub const fn new(entity: Entity) -> Self {
        Self(entity)
    }

    /// Returns the entity while it is alive.
    ///
    /// It is `None` from the beginning of its deletion on, so also inside the handlers that are
    /// told of it.
    #[doc(alias = "get_ref")]
    pub fn resolve(self, world: &impl LivenessExt) -> Option<Entity> {
        (world.liveness(self.0) == Liveness::Alive).then_some(self.0)
    }

    /// Returns the entity until it is torn down, also while it is being deleted.
    ///
    /// It is for handlers that look at what is about to go. Do not keep the answer.
    pub fn hard_resolve(self, world: &impl LivenessExt) -> Option<Entity> {
        (world.liveness(self.0) != Liveness::Gone).then_some(self.0)
    }

    /// Returns the id, dead or alive: for messages and maps, not for access.
    pub const fn id(self) -> Entity {
        self.0
    }
}

impl From<Entity> for WeakEntity {
    fn from(entity: Entity) -> Self {
        Self(entity)
    }
}

impl MapEntities for WeakEntity {
    fn map_entities<M: EntityMapper>(&mut self, mapper: &mut M) {
        self.0.map_entities(mapper);
    }
}

impl fmt::Debug for WeakEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakEntity({})", self.0)
    }
}
