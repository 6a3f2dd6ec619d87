//! The links of declared references.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::{component::ComponentId, entity::Entity};
use smallvec::SmallVec;

use crate::books::{
    Books,
    call::Call,
    enter::OnDuplicate,
    ids::{HandlerId, Link, SignalId},
    links::Held,
};

/// Up to this length, lists of targets are searched from the start.
const LONG: usize = 16;

/// How many components have room that is kept.
const MOST_ROOM: usize = 1024;

impl Books {
    /// Sets the links of a component of `holder` to the targets that it names.
    ///
    /// The targets must carry [`SignalTarget`](crate::SignalTarget).
    pub(crate) fn set_references(
        &mut self,
        holder: Entity,
        handler: HandlerId,
        named: impl ExactSizeIterator<Item = Entity> + Clone,
    ) {
        // Searching a long list once for each link would be quadratic.
        let mut sorted = Vec::new();
        if named.len() > LONG {
            sorted.extend(named.clone());
            sorted.sort_unstable();
        }
        let is_named = |target: Entity| {
            if sorted.is_empty() {
                named.clone().any(|at| at == target)
            } else {
                sorted.binary_search(&target).is_ok()
            }
        };
        let mut ended = SmallVec::<[(Entity, Link); 2]>::new();
        self.for_each_reference(holder, handler, |target, link| {
            if !is_named(target) {
                ended.push((target, link));
            }
        });
        for &(target, link) in &ended {
            // It is known to be in force, so it need not be looked up.
            let links = self.links.with_mut(link.key);
            links.take(holder, target, link.list, link.key);
            let list = self.list_mut(link.list);
            list.remove(link.place);
            if list.wants_compaction_to_shrink() {
                self.compact(link.list);
            }
        }
        self.renew_synced(holder, handler, named.clone());
        let key = self.table.key_of(handler);
        for target in named {
            let list = self.find_or_add(target, self.first(target), SignalId::REFERENCED);
            // There is one link, even if several fields name the target.
            self.enter(holder, list, key, handler, OnDuplicate::Add);
        }
    }

    /// Ends the links to a target that takes no more of them. Adds the components that named it to
    /// `components`, in the order in which they were linked: holders, and the numbers of their
    /// tracked types.
    ///
    /// From now on the links are skipped, also in the map of a holder. They are removed with the
    /// list when the target goes, or by [`reopen`](Self::reopen) if it survives.
    pub(crate) fn take_referrers(&mut self, target: Entity, components: &mut Vec<(Entity, u32)>) {
        let Some(id) = self.find(target, SignalId::REFERENCED) else {
            return;
        };
        let list = &mut self.lists[id.index()];
        let (before, mut last) = (components.len(), None);
        components.reserve(list.untold().len());
        for (_, holder, handler) in list.iter() {
            // Most of them share a handler.
            let number = match last {
                Some((known, number)) if known == handler => number,
                _ => match self.table.call(handler) {
                    Call::Reference(number) => number,
                    Call::Fields(_) | Call::World(_) | Call::Look(_) => continue,
                },
            };
            last = Some((handler, number));
            components.push((holder, number));
        }
        if components.len() > before {
            list.mark_told(list.places());
        }
    }

    /// Returns an empty list for components, with the memory that was kept for it.
    pub(crate) fn take_room(&mut self) -> Vec<(Entity, u32)> {
        core::mem::take(&mut self.room)
    }

    /// Keeps the memory of a list of components for the next.
    pub(crate) fn keep_room(&mut self, mut components: Vec<(Entity, u32)>) {
        components.clear();
        // Not that of a mass death.
        if components.capacity() <= MOST_ROOM {
            self.room = components;
        }
    }

    /// Returns the components that name a target, in the order in which they were linked: holders,
    /// and the numbers of their tracked types.
    pub(crate) fn referrers(&self, target: Entity) -> impl Iterator<Item = (Entity, u32)> {
        let list = self.find(target, SignalId::REFERENCED);
        let links = list.into_iter().flat_map(|list| self.list(list).iter());
        links.filter_map(|(_, holder, handler)| match self.table.call(handler) {
            Call::Reference(number) => Some((holder, number)),
            Call::Fields(_) | Call::World(_) | Call::Look(_) => None,
        })
    }

    /// Marks a component for the next sync.
    pub(crate) fn remember_unsynced(&mut self, holder: Entity, number: u32) {
        self.unsynced.insert((holder, number));
    }

    /// Removes and returns the components that are marked for the next sync.
    pub(crate) fn take_unsynced(&mut self) -> impl Iterator<Item = (Entity, u32)> + use<> {
        core::mem::take(&mut self.unsynced).into_iter()
    }

    /// Removes the mark of a component for the next sync.
    pub(crate) fn forget_unsynced(&mut self, holder: Entity, number: u32) {
        self.unsynced.swap_remove(&(holder, number));
    }

    /// Returns `true` if any component names `target`.
    pub(crate) fn is_named(&self, target: Entity) -> bool {
        self.referrers(target).next().is_some()
    }

    /// Returns `true` if a component of `holder` is linked to exactly the targets `named`, and all
    /// of them are alive.
    ///
    /// A target with a link in force is spawned. As long as it is open, it is not being deleted.
    pub(crate) fn names_exactly(
        &self,
        holder: Entity,
        handler: HandlerId,
        named: &[Entity],
    ) -> bool {
        // Comparing long lists costs as much as linking them again.
        if named.len() > LONG {
            return false;
        }
        let (mut known, mut is_exact) = (0, true);
        self.for_each_reference(holder, handler, |target, _| {
            known += 1;
            is_exact = is_exact && named.contains(&target) && !self.is_closed(target);
        });
        is_exact && known == named.len()
    }

    /// Corrects the entry of a component that is linked to `named` from now on, if it has one.
    #[inline]
    pub(crate) fn renew_synced(
        &mut self,
        holder: Entity,
        handler: HandlerId,
        named: impl ExactSizeIterator<Item = Entity>,
    ) {
        if !self.last_synced.is_unused() {
            let count = named.len();
            self.renew_known(holder, handler, named.last(), count);
        }
    }

    #[inline(never)]
    fn renew_known(
        &mut self,
        holder: Entity,
        handler: HandlerId,
        named: Option<Entity>,
        count: usize,
    ) {
        let Call::Reference(number) = self.table.call(handler) else {
            return;
        };
        if count > 1 {
            self.last_synced.end(number, holder);
        } else if self.last_synced.contains(number, holder) {
            self.last_synced.begin(number, holder, named);
        }
    }

    /// Drops the entries of the components that are linked to a target, which is about to close.
    #[inline]
    pub(crate) fn forget_synced_with(&mut self, target: Entity) {
        if !self.last_synced.is_unused() {
            self.forget_known_with(target);
        }
    }

    #[inline(never)]
    fn forget_known_with(&mut self, target: Entity) {
        let Some(list) = self.find(target, SignalId::REFERENCED) else {
            return;
        };
        for (_, holder, handler) in self.lists[list.index()].iter() {
            if let Call::Reference(number) = self.table.call(handler) {
                self.last_synced.end(number, holder);
            }
        }
    }

    /// Drops the entry of a component that goes away, if it is tracked and has one.
    #[inline]
    pub(crate) fn forget_synced(&mut self, holder: Entity, component: ComponentId) {
        if !self.last_synced.is_unused() {
            self.forget_known(holder, component);
        }
    }

    #[inline(never)]
    fn forget_known(&mut self, holder: Entity, component: ComponentId) {
        for (_, number) in self.tracked.iter().filter(|(at, _)| *at == component) {
            self.last_synced.end(*number, holder);
        }
    }

    /// Calls `visit` for each target that a component of `holder` is linked to.
    fn for_each_reference(
        &self,
        holder: Entity,
        handler: HandlerId,
        mut visit: impl FnMut(Entity, Link),
    ) {
        let key = self.table.key_of(handler);
        match self.links.with(key).of(holder) {
            Held::One(link) if link.key == key && self.is_in_force(holder, link) => {
                visit(self.list(link.list).target, link);
            }
            Held::Nothing | Held::One(_) => {}
            Held::Many(map) => {
                for (target, placed) in map.with(key) {
                    let link = placed.link(key);
                    // A list that was dropped may belong to another target by now.
                    if self.first(target).is_some() && self.is_in_force(holder, link) {
                        visit(target, link);
                    }
                }
            }
        }
    }
}
