//! What registering needs of a world, looked up once for any number of registrations.

use bevy_ecs::{
    archetype::{ArchetypeId, Archetypes},
    change_detection::Mut,
    component::{Component, Components},
    entity::{Entities, Entity},
    world::DeferredWorld,
};

use crate::books::Books;

/// What registering needs of a world. Nothing structural can change as long as it is borrowed.
pub(crate) struct WorldParts<'w> {
    pub(crate) entities: &'w Entities,
    pub(crate) archetypes: &'w Archetypes,
    pub(crate) components: &'w Components,
    /// `None` before the first registration.
    pub(crate) books: Option<&'w mut Books>,
}

impl<'w> WorldParts<'w> {
    #[expect(
        unsafe_code,
        reason = "to look the books up for each of many registrations costs a fourth of them"
    )]
    #[inline]
    pub(crate) fn of(world: &'w mut DeferredWorld) -> Self {
        let world = world.as_unsafe_world_cell();
        // SAFETY: the world is borrowed exclusively as long as its parts. The books are a component
        // of it. The other parts hold no components.
        let books = unsafe { world.get_resource_mut::<Books>() };
        Self {
            entities: world.entities(),
            archetypes: world.archetypes(),
            components: world.components(),
            books: books.map(Mut::into_inner),
        }
    }

    /// Returns the archetype of an entity, if it is spawned.
    #[inline]
    pub(crate) fn archetype_of(&self, entity: Entity) -> Option<ArchetypeId> {
        let location = self.entities.get_spawned(entity).ok()?;
        Some(location.archetype_id)
    }

    /// Returns `true` if entities of an archetype have a `C`. Components that wait to be registered
    /// are not looked at.
    pub(crate) fn has<C: Component>(&self, archetype: ArchetypeId) -> bool {
        let id = self.components.valid_component_id::<C>();
        id.is_some_and(|id| self.archetypes[archetype].contains(id))
    }
}
