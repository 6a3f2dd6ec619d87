//! Whether an entity that is named, or names others, is alive.

use bevy_ecs::{archetype::ArchetypeId, component::ComponentId, entity::Entity, world::World};

use crate::{
    books::{Books, Reserved},
    deleting::Deleting,
};

/// The components that tell whether an entity is alive, looked up once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LivenessMarks {
    deleting: ComponentId,
    reserved: ComponentId,
}

/// Whether components can be linked to an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Links,
    /// It is not marked as a target yet.
    LinksOnceMarked,
    /// It is reserved, or not alive.
    None,
}

/// The state of an entity by its components. Besides, the books know whether it is being despawned
/// right now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    /// Its deletion has begun.
    pub(crate) is_deleting: bool,
    /// It is a resource of this crate, which is never linked to.
    pub(crate) is_reserved: bool,
    /// The books know by this whether it is marked as a target.
    pub(crate) archetype: ArchetypeId,
}

impl Standing {
    /// Returns `true` if it is alive, unless it `is_ending`: it is being despawned right now.
    pub(crate) fn is_alive(self, is_ending: impl FnOnce() -> bool) -> bool {
        !(self.is_deleting || is_ending())
    }

    /// Returns `true` if this entity is lost: it is decided that it goes.
    pub(crate) fn is_lost(self, world: &World, books: &Books, entity: Entity) -> bool {
        if self.is_deleting {
            !is_undecided(world, entity)
        } else {
            !self.is_alive(|| books.is_ending(entity))
        }
    }
}

impl LivenessMarks {
    pub(crate) fn new(world: &mut World) -> Self {
        Self {
            deleting: world.register_component::<Deleting>(),
            reserved: world.register_component::<Reserved>(),
        }
    }

    /// Returns the state of an entity, if it is spawned.
    pub(crate) fn standing(self, world: &World, entity: Entity) -> Option<Standing> {
        let location = world.entities().get_spawned(entity).ok()?;
        Some(self.standing_in(world, location.archetype_id))
    }

    /// Returns the state of the entities of an archetype.
    pub(crate) fn standing_in(self, world: &World, archetype: ArchetypeId) -> Standing {
        let at = &world.archetypes()[archetype];
        Standing {
            is_deleting: at.contains(self.deleting),
            is_reserved: at.contains(self.reserved),
            archetype,
        }
    }

    /// Returns `true` if an entity is alive.
    pub(crate) fn is_alive(self, world: &World, books: &Books, entity: Entity) -> bool {
        let standing = self.standing(world, entity);
        standing.is_some_and(|standing| standing.is_alive(|| books.is_ending(entity)))
    }

    /// Returns `true` if an entity is lost: it is gone, or it is decided that it goes.
    pub(crate) fn is_lost(self, world: &World, books: &Books, entity: Entity) -> bool {
        let standing = self.standing(world, entity);
        standing.is_none_or(|standing| standing.is_lost(world, books, entity))
    }

    /// Returns whether components can be linked to an entity.
    pub(crate) fn takes_links(self, world: &World, books: &Books, entity: Entity) -> Takes {
        match self.standing(world, entity) {
            Some(standing)
                if !standing.is_reserved && standing.is_alive(|| books.is_ending(entity)) =>
            {
                if books.marks.are_in(&world.archetypes()[standing.archetype]) {
                    Takes::Links
                } else {
                    Takes::LinksOnceMarked
                }
            }
            _ => Takes::None,
        }
    }
}

/// Returns `true` if an entity whose deletion has begun may still survive.
pub(crate) fn is_undecided(world: &World, entity: Entity) -> bool {
    let deleting = world.get::<Deleting>(entity);
    deleting.is_some_and(Deleting::is_undecided)
}
