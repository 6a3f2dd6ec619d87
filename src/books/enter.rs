//! How registrations begin.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::entity::Entity;

use crate::books::{
    Books,
    ids::{Entry, HandlerId, KeyId, Link, ListId},
    links::Held,
};

/// What to do if there is such a registration already, and whether it ends before its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(unnameable_types, reason = "part of a sealed trait")]
pub enum OnDuplicate {
    /// Refuse the second one.
    Add,
    /// Refuse the second one. The registration ends before its call.
    AddOnce,
    /// Keep the earlier one.
    Ensure,
    /// Replace the earlier one.
    Replace,
}

impl OnDuplicate {
    /// Returns the handler as it is entered.
    pub(crate) fn apply(self, handler: HandlerId) -> HandlerId {
        match self {
            Self::AddOnce => handler.once(),
            Self::Add | Self::Ensure | Self::Replace => handler,
        }
    }
}

/// The result of entering a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entered {
    New,
    /// There was one already, which has another handler now.
    Replaced,
    /// There was one already, and that is no error. Nothing has changed.
    Kept,
    /// There was one already. Nothing has changed.
    Refused,
}

/// The links of a listener besides the one that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    /// In force or not.
    One,
    Many,
}

impl Books {
    /// Enters a registration at the end of a list, with a handler of that `key`.
    pub(crate) fn enter(
        &mut self,
        listener: Entity,
        id: ListId,
        key: KeyId,
        handler: HandlerId,
        on_duplicate: OnDuplicate,
    ) -> Entered {
        let handler = on_duplicate.apply(handler);
        let mut list = &mut self.lists[id.index()];
        let links = self.links.with_mut(key);
        let (known, others) = match links.of(listener) {
            Held::Nothing => (None, Others::None),
            Held::One(link) if link.list == id && link.key == key => {
                (Some(link.place), Others::None)
            }
            Held::One(_) => (None, Others::One),
            Held::Many(map) => {
                let known = map.get(list.target, key);
                (known.map(|known| known.place), Others::Many)
            }
        };
        if let Some(place) = known
            && let Some((at, earlier)) = list.get(place)
            && at == listener
        {
            match on_duplicate {
                OnDuplicate::Add | OnDuplicate::AddOnce => return Entered::Refused,
                OnDuplicate::Ensure => return Entered::Kept,
                OnDuplicate::Replace => {}
            }
            // A registration that ends before its call stays one.
            let handler = if earlier.is_once() {
                handler.once()
            } else {
                handler
            };
            list.replace(place, handler);
            if !self.pending.is_empty() {
                let entry = Entry {
                    listener,
                    target: list.target,
                    key,
                };
                self.wait_with(entry, handler);
            }
            return Entered::Replaced;
        }

        if list.wants_compaction_to_grow() {
            self.compact(id);
            list = &mut self.lists[id.index()];
        }
        let link = Link {
            key,
            list: id,
            place: list.push(listener, handler),
        };
        match others {
            Others::None => self.links.with_mut(key).set(listener, link),
            Others::One | Others::Many => self.add_link(listener, link),
        }
        Entered::New
    }

    /// Adds a link to a listener that has others.
    pub(crate) fn add_link(&mut self, listener: Entity, link: Link) {
        match self.links.with(link.key).of(listener) {
            Held::One(first) if self.is_in_force(listener, first) => {
                let first_list = self.list_mut(first.list);
                first_list.crowded = true;
                let first_target = first_list.target;
                let list = self.list_mut(link.list);
                list.crowded = true;
                let second = (list.target, link);
                let links = self.links.with_mut(link.key);
                links.add_second(listener, (first_target, first), second);
            }
            Held::Nothing | Held::One(_) => self.links.with_mut(link.key).set(listener, link),
            Held::Many(_) => {
                let list = self.list_mut(link.list);
                list.crowded = true;
                let target = list.target;
                self.links.with_mut(link.key).add(listener, target, link);
            }
        }
    }
}
