//! How a target that was told of its end and survives gets its registrations back.
//!
//! Plain data: no function here takes a world.

use bevy_ecs::{component::ComponentId, entity::Entity};

use crate::books::{
    Books,
    ids::{Ended, HandlerId, Link, ListId, SignalId},
    links::Held,
};

impl Books {
    /// Returns the listeners that were told about a closed target, with their places and
    /// components.
    pub(crate) fn told(&self, target: Entity) -> impl Iterator<Item = (u32, Entity, ComponentId)> {
        let list = self.find(target, SignalId::QDELETING);
        let told = list.into_iter().flat_map(|list| self.list(list).told());
        told.map(|(place, listener, handler)| {
            let component = self.table.component_of(self.table.key_of(handler));
            (place, listener, component)
        })
    }

    /// Opens a target for registrations again. Those that were told come back if their places are
    /// among `valid`, which ascend.
    pub(crate) fn reopen(&mut self, target: Entity, valid: &[u32]) {
        self.marks.forget(target);
        let Some(first) = self.first(target) else {
            return;
        };
        self.list_mut(first).closed = false;
        if let Some(id) = self.find(target, SignalId::QDELETING) {
            self.take_back(id, |place, handler| {
                valid.binary_search(&place).is_ok() && !handler.is_once()
            });
        }
        // A despawn that began and panicked has released all references to it.
        if let Some(id) = self.find(target, SignalId::REFERENCED) {
            self.take_back(id, |_, _| false);
        }
    }

    /// Brings the registrations of a list that were told back into force if `stays` says so. Ends
    /// the others.
    fn take_back(&mut self, id: ListId, stays: impl Fn(u32, HandlerId) -> bool) {
        let target = self.list(id).target;
        let told: Vec<_> = self.list(id).told().collect();
        self.list_mut(id).reopen();
        self.told_places.forget(id);
        for (place, listener, handler) in told {
            let link = Link {
                key: self.table.key_of(handler),
                list: id,
                place,
            };
            if stays(place, handler) {
                self.relink(listener, target, link);
            } else {
                let links = self.links.with_mut(link.key);
                links.take(listener, target, id, link.key);
                self.list_mut(id).remove(place);
            }
        }
        if self.list(id).wants_compaction_to_shrink() {
            self.compact(id);
        }
    }

    /// Returns `true` if the registrations of a component ended after they were told.
    pub(crate) fn has_ended(&self, listener: Entity, component: ComponentId) -> bool {
        let ended = Ended {
            listener,
            component,
        };
        self.ended.as_ref().is_some_and(|all| all.contains(&ended))
    }

    /// Links a listener to a registration of it that was told.
    fn relink(&mut self, listener: Entity, target: Entity, link: Link) {
        match self.links.with(link.key).of(listener) {
            Held::One(known) if known == link => {}
            Held::Many(map) if map.get(target, link.key).is_some() => {}
            // The listener has no link, or a link to another target since.
            Held::Nothing | Held::One(_) | Held::Many(_) => self.add_link(listener, link),
        }
    }
}
