//! Registrations that were told of the end of a target that is still there.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

use crate::books::{
    Books,
    ids::{Entry, ListId, SignalId},
    links::Held,
};

impl Books {
    /// Returns `true` if nothing is left to be told of the end of a target.
    pub(crate) fn is_finished(&self, target: Entity) -> bool {
        let Some(first) = self.first(target) else {
            return true;
        };
        let told = self.find_from(first, SignalId::QDELETING);
        self.list(first).closed && told.is_none_or(|list| self.list(list).untold().is_empty())
    }

    /// Returns `true` if a registration was told of the end of its target, which is still there.
    pub(crate) fn was_told(&mut self, entry: Entry) -> bool {
        self.told_place(entry).is_some()
    }

    /// Prevents a registration that was told from coming back if its target survives. Returns
    /// `true` if it would have come back.
    pub(crate) fn withdraw(&mut self, entry: Entry) -> bool {
        let Some((id, place)) = self.told_place(entry) else {
            return false;
        };
        self.withdraw_at(id, place)
    }

    /// Prevents the registration at a place that was told from coming back. Returns `true` if it
    /// would have come back.
    pub(crate) fn withdraw_at(&mut self, id: ListId, place: u32) -> bool {
        let list = &mut self.lists[id.index()];
        let Some((listener, handler)) = list.told_at(place) else {
            return false;
        };
        if handler.is_once() {
            return false;
        }
        list.withdraw(place);
        let (target, key) = (list.target, self.table.key_of(handler));
        let links = self.links.with_mut(key);
        links.take(listener, target, id, key);
        true
    }

    /// Returns the list and place of a registration that was told of the end of its target.
    fn told_place(&mut self, entry: Entry) -> Option<(ListId, u32)> {
        let Entry {
            listener,
            target,
            key,
        } = entry;
        if self.table.signal_of(key) != SignalId::QDELETING {
            return None;
        }
        let id = self.find(target, SignalId::QDELETING)?;
        let linked = match self.links.with(key).of(listener) {
            Held::One(link) if link.list == id && link.key == key => Some(link.place),
            Held::Nothing | Held::One(_) => None,
            Held::Many(map) => map
                .get(target, key)
                .filter(|known| known.list == id)
                .map(|known| known.place),
        };
        let list = self.list(id);
        if list.untold().start == 0 {
            return None;
        }
        let is_it = |place: u32| {
            let told = list.told_at(place);
            told.is_some_and(|(at, handler)| at == listener && self.table.key_of(handler) == key)
        };
        if let Some(place) = linked
            && is_it(place)
        {
            return Some((id, place));
        }
        // The listener may have registered on another target since, and have no link to this list.
        let Self {
            table,
            lists,
            told_places,
            ..
        } = self;
        let place = told_places.find(table, id, &lists[id.index()], entry)?;
        let told = lists[id.index()].told_at(place);
        let is_it =
            told.is_some_and(|(at, handler)| at == listener && table.key_of(handler) == key);
        is_it.then_some((id, place))
    }
}
