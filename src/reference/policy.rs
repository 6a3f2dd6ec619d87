//! What happens to a field whose entity goes away.

use core::ops::Deref;

use bevy_ecs::entity::Entity;

/// What happens to a declared field when the entity that it names goes away.
///
/// It is written at the field: `#[references(remove)]`.
#[doc(alias = "OnDeleteTarget")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum OnLoss {
    /// `clear`, the default: the entry is emptied. The others keep their order.
    #[default]
    Clear,
    /// `remove`: the component is removed from its entity.
    Remove,
    /// `qdel`: the entity of the component is deleted as well, in the same deletion.
    Qdel,
    /// `deny`: the deletion is refused, unless the entity of the component is deleted as well.
    ///
    /// It may be too late to refuse: if the entity was despawned plainly, or the field was written
    /// after the deletion began. Then the entry is emptied as with `clear`. A bare `Entity` cannot
    /// be emptied, so its component is removed.
    Deny,
}

impl OnLoss {
    /// Returns `true` if a place with this policy releases an entity that is lost. `Clear` does,
    /// and `Deny` if it is too late to refuse.
    ///
    /// Ask it in a hand-written
    /// [`References::release_references`](crate::References::release_references).
    #[must_use]
    pub const fn lets_go(self) -> bool {
        matches!(self, Self::Clear | Self::Deny)
    }
}

/// The entities that a component lost, for its [`on_lost`](crate::References::on_lost).
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

    /// Returns the entities that the fields named and no longer name.
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
