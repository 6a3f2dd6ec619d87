//! What becomes of a field whose entity goes away.

use core::ops::Deref;

use bevy_ecs::entity::Entity;

/// What becomes of a declared field when the entity that it names goes away.
///
/// It is written at the field: `#[references(remove)]`.
#[doc(alias = "OnDeleteTarget")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum OnLoss {
    /// `clear`, the default: the entry is emptied, the others keep their order.
    #[default]
    Clear,
    /// `remove`: the component is removed from its entity.
    Remove,
    /// `qdel`: the entity of the component is deleted as well, in the same deletion.
    Qdel,
    /// `deny`: the deletion is refused, unless the entity of the component goes as well.
    ///
    /// Where nobody can be refused, because the entity was despawned plainly or the field was
    /// written after the deletion began, the entry is emptied as with `clear`; a bare `Entity`
    /// cannot be, so there the component is removed.
    Deny,
}

impl OnLoss {
    /// Returns `true` if a place with this policy lets go of an entity that is lost: with `Clear`,
    /// and with `Deny` when it is too late to refuse.
    ///
    /// That is the question for a hand-written
    /// [`References::release_references`](crate::References::release_references).
    #[must_use]
    pub const fn lets_go(self) -> bool {
        matches!(self, Self::Clear | Self::Deny)
    }
}

/// What a component lost: what its [`on_lost`](crate::References::on_lost) is given.
///
/// It dereferences to the entities, each once, in the order in which the fields named them.
#[derive(Debug, Clone, Copy)]
pub struct Lost<'a> {
    entities: &'a [Entity],
    listener: Entity,
}

impl<'a> Lost<'a> {
    pub(crate) fn new(listener: Entity, entities: &'a [Entity]) -> Self {
        Self { entities, listener }
    }

    /// Returns the entities that the fields named and do not name any more.
    pub fn entities(&self) -> &'a [Entity] {
        self.entities
    }

    /// Returns the entity of the component.
    pub fn listener(&self) -> Entity {
        self.listener
    }
}

impl Deref for Lost<'_> {
    type Target = [Entity];

    fn deref(&self) -> &[Entity] {
        self.entities
    }
}
