//! Whether an entity is alive, being deleted, or gone.

use bevy_ecs::{
    archetype::Archetypes,
    change_detection::Res,
    component::ComponentId,
    entity::{Entities, Entity},
    system::{Local, SystemParam},
    world::{DeferredWorld, FromWorld, World},
};

use crate::{books::Books, deleting::Deleting};

/// The three states of an entity id.
#[doc(alias = "gc_destroyed")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Liveness {
    /// It is in the world, and its deletion has not begun.
    Alive,
    /// Its deletion has begun, and it is still in the world: its listeners are told or were told.
    Deleting,
    /// It is not in the world.
    Gone,
}

/// Asking about liveness: on a [`World`], a [`DeferredWorld`], and the system parameter
/// [`EntityLiveness`].
pub trait LivenessExt {
    /// Returns whether `entity` is alive, being deleted, or gone.
    ///
    /// While its listeners are told of its end, an entity is [`Liveness::Deleting`], also in a
    /// plain despawn.
    ///
    /// # Complexity
    ///
    /// Constant.
    ///
    /// # Examples
    ///
    /// ```
    /// use bevy_ecs::prelude::*;
    /// use qdel::prelude::*;
    ///
    /// let mut world = World::new();
    /// let goblin = world.spawn_empty().id();
    /// assert_eq!(world.liveness(goblin), Liveness::Alive);
    ///
    /// world.qdel(goblin)?;
    /// assert_eq!(world.liveness(goblin), Liveness::Deleting);
    ///
    /// world.flush_qdel();
    /// assert_eq!(world.liveness(goblin), Liveness::Gone);
    /// # Ok::<(), qdel::QdelError>(())
    /// ```
    #[doc(alias(
        "QDELETED",
        "QDELING",
        "is_alive",
        "is_instance_valid",
        "is_queued_for_deletion",
        "valid",
    ))]
    fn liveness(&self, entity: Entity) -> Liveness;
}

impl LivenessExt for World {
    fn liveness(&self, entity: Entity) -> Liveness {
        let is_ending = |entity| is_ending(self.get_resource::<Books>(), entity);
        let mark = DeletingMark(self.components().valid_component_id::<Deleting>());
        mark.liveness(self.entities(), self.archetypes(), entity, is_ending)
    }
}

impl LivenessExt for DeferredWorld<'_> {
    fn liveness(&self, entity: Entity) -> Liveness {
        World::liveness(self, entity)
    }
}

/// A system parameter that answers [`LivenessExt::liveness`].
///
/// It reads nothing that systems write, so it keeps no other system from running.
///
/// ```
/// use bevy_ecs::prelude::*;
/// use qdel::prelude::*;
///
/// #[derive(Component)]
/// struct Missile { homes_in_on: WeakEntity }
///
/// fn steer(missiles: Query<&Missile>, liveness: EntityLiveness) {
///     for missile in &missiles {
///         if let Some(target) = missile.homes_in_on.resolve(&liveness) {
///             // turn towards it
///             # let _ = target;
///         }
///     }
/// }
/// # World::new().register_system(steer);
/// ```
#[derive(SystemParam)]
pub struct EntityLiveness<'w, 's> {
    entities: &'w Entities,
    archetypes: &'w Archetypes,
    mark: Local<'s, DeletingMark>,
    books: Option<Res<'w, Books>>,
}

impl LivenessExt for EntityLiveness<'_, '_> {
    fn liveness(&self, entity: Entity) -> Liveness {
        let is_ending = |entity| is_ending(self.books.as_deref(), entity);
        self.mark
            .liveness(self.entities, self.archetypes, entity, is_ending)
    }
}

/// Returns `true` if an entity is in the world and its deletion has not begun.
///
/// A plain despawn that is under way does not count.
pub(crate) fn is_alive(world: &World, entity: Entity) -> bool {
    let entity = world.get_entity(entity);
    entity.is_ok_and(|entity| !entity.contains::<Deleting>())
}

fn is_ending(books: Option<&Books>, entity: Entity) -> bool {
    books.is_some_and(|books| books.is_ending(entity))
}

/// The component that shows a deletion, if any entity ever had it.
struct DeletingMark(Option<ComponentId>);

impl FromWorld for DeletingMark {
    fn from_world(world: &mut World) -> Self {
        Self(Some(world.register_component::<Deleting>()))
    }
}

impl DeletingMark {
    /// Judges by the archetype, and by `is_ending` if the entity may be a target: all marks of
    /// targets have hooks.
    fn liveness(
        &self,
        entities: &Entities,
        archetypes: &Archetypes,
        entity: Entity,
        is_ending: impl FnOnce(Entity) -> bool,
    ) -> Liveness {
        let Ok(location) = entities.get_spawned(entity) else {
            return Liveness::Gone;
        };
        let archetype = &archetypes[location.archetype_id];
        if self.0.is_some_and(|mark| archetype.contains(mark))
            || archetype.has_despawn_hook() && is_ending(entity)
        {
            Liveness::Deleting
        } else {
            Liveness::Alive
        }
    }
}
