//! The links of declared references, in the books of registrations.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;
use smallvec::SmallVec;

use super::{
    books::Books,
    handler::Call,
    links::Held,
    list::List,
    register::Manner,
    table::{HandlerId, SignalId},
};

/// The signal of the links between a declared reference and what it names. It is never sent: what
/// happens when the target goes is the business of the layer above.
pub(crate) struct Referenced;

/// Lists of so many targets are short.
const LONG: usize = 16;

impl Books {
    /// Links a component of `holder` to a target that it names, if it is not linked yet.
    ///
    /// The target must carry [`Signals`](super::Signals).
    pub(crate) fn add_reference(&mut self, holder: Entity, target: Entity, handler: HandlerId) {
        let list = self.find_or_add(target, self.first(target), SignalId::REFERENCED);
        self.enter(holder, list, handler, Manner::Add);
    }

    /// Ends the link of a component of `holder` to a target.
    pub(crate) fn end_reference(&mut self, holder: Entity, target: Entity, handler: HandlerId) {
        let key = self.table.key_of(handler);
        self.leave(holder, target, key);
    }

    /// Returns who names a target, in the order in which that became known: holders, and the numbers of
    /// their tracked types.
    pub(crate) fn referrers(&self, target: Entity) -> impl Iterator<Item = (Entity, u32)> {
        let list = self.find(target, SignalId::REFERENCED);
        let links = list.into_iter().flat_map(|list| self.list(list).iter());
        links.filter_map(|(_, holder, handler)| match self.table.call(handler) {
            Call::Reference(number) => Some((holder, number)),
            Call::Fields(_) | Call::World(_) | Call::Look(_) => None,
        })
    }

    /// Keeps in mind whose links go away with `list`, for the next sync.
    pub(super) fn remember_unlinked(&mut self, list: &List) {
        for (_, holder, handler) in list.iter() {
            if let Call::Reference(number) = self.table.call(handler) {
                self.unsynced.insert((holder, number));
            }
        }
    }

    /// Keeps a component in mind for the next sync.
    pub(crate) fn remember_unsynced(&mut self, holder: Entity, number: u32) {
        self.unsynced.insert((holder, number));
    }

    /// Returns the components that were kept in mind since the last time.
    pub(crate) fn take_unsynced(&mut self) -> impl Iterator<Item = (Entity, u32)> + use<> {
        core::mem::take(&mut self.unsynced).into_iter()
    }

    /// Need not keep a component in mind any more.
    pub(crate) fn forget_unsynced(&mut self, holder: Entity, number: u32) {
        self.unsynced.swap_remove(&(holder, number));
    }

    /// Tells whether anybody names a target.
    pub(crate) fn is_named(&self, target: Entity) -> bool {
        self.referrers(target).next().is_some()
    }

    /// Tells whether a component of `holder` is linked to the targets `named` and to nobody else, and all of them are alive.
    ///
    /// A target with a link in force is there, and is not going as long as it is open.
    pub(crate) fn names_exactly(
        &self,
        holder: Entity,
        handler: HandlerId,
        named: &[Entity],
    ) -> bool {
        // To compare long lists costs as much as to link them anew.
        if named.len() > LONG {
            return false;
        }
        let known = self.references_of(holder, handler);
        known.len() == named.len()
            && known
                .iter()
                .all(|target| named.contains(target) && !self.is_closed(*target))
    }

    /// Returns the targets that a component of `holder` is linked to.
    pub(crate) fn references_of(
        &self,
        holder: Entity,
        handler: HandlerId,
    ) -> SmallVec<[Entity; 4]> {
        let key = self.table.key_of(handler);
        match self.links.of(holder) {
            Held::One(link) if link.key == key && self.is_in_force(holder, link) => {
                SmallVec::from_iter([self.list(link.list).target])
            }
            Held::Nothing | Held::One(_) => SmallVec::new(),
            Held::Many(map) => map
                .iter()
                .filter(|((_, at), _)| *at == key)
                .filter(|((target, _), placed)| {
                    // A list that was dropped may be another target's by now.
                    self.first(*target).is_some() && self.is_in_force(holder, placed.link(key))
                })
                .map(|((target, _), _)| *target)
                .collect(),
        }
    }
}
