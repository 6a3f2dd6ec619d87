//! What losing an entity takes along, and what forbids it.

use bevy_ecs::{entity::Entity, resource::IsResource, world::World};

use super::{Policy, tracked::Tracked};
use crate::{
    liveness::{Liveness, LivenessExt},
    signal::Books,
};

/// A component that names an entity and does not just let go of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dependent {
    /// Its entity is deleted as well.
    Goes(Entity),
    /// It refuses the deletion.
    Refuses(Denial),
}

/// Who refuses to lose whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) target: Entity,
    pub(crate) holder: Entity,
    number: u32,
}

impl Denial {
    /// Returns the type name of the component that refuses.
    pub(crate) fn component(self, world: &World) -> &'static str {
        world.resource::<Tracked>().get(self.number).reach.name()
    }

    /// Returns the paths to all places that refuse: `.crew[1].0`.
    pub(crate) fn paths(self, world: &World) -> Vec<String> {
        let reach = world.resource::<Tracked>().get(self.number).reach;
        let places = reach.places(world, self.holder, &mut |at| at == self.target);
        let refusing = places
            .into_iter()
            .filter(|place| place.policy == Policy::Deny);
        refusing.map(|place| place.path).collect()
    }

    /// Returns the first field of the component that refuses.
    pub(crate) fn field(self, world: &World) -> &'static str {
        let reach = world.resource::<Tracked>().get(self.number).reach;
        reach.denying_field(world, self.holder, self.target)
    }
}

/// Tells whether losing any entity may delete more or be refused.
pub(crate) fn may_cascade(world: &World) -> bool {
    let tracked = world.get_resource::<Tracked>();
    tracked.is_some_and(|tracked| tracked.cascades)
}

/// Calls `visit` for each living component that would not just let go of `target`, as far as is known.
pub(crate) fn for_each_dependent(world: &World, target: Entity, mut visit: impl FnMut(Dependent)) {
    let (Some(tracked), Some(books)) = (
        world
            .get_resource::<Tracked>()
            .filter(|tracked| tracked.cascades),
        world.get_resource::<Books>(),
    ) else {
        return;
    };
    for (holder, number) in books.referrers(target) {
        let reach = tracked.get(number).reach;
        if !reach.cascades() || world.liveness(holder) != Liveness::Alive {
            continue;
        }
        let (mut goes, mut refuses) = (false, false);
        reach.visit(world, holder, &mut |entity, policy| {
            goes |= entity == target && policy == Policy::Qdel;
            refuses |= entity == target && policy == Policy::Deny;
        });
        let is_resource = world.entity(holder).contains::<IsResource>();
        // A resource cannot go; its component does.
        if goes && !is_resource {
            visit(Dependent::Goes(holder));
        }
        if refuses {
            visit(Dependent::Refuses(Denial {
                target,
                holder,
                number,
            }));
        }
    }
}

/// Calls `visit` for each entity that `holder` cannot be without.
pub(crate) fn for_each_needed(world: &World, holder: Entity, mut visit: impl FnMut(Entity)) {
    let tracked = world.get_resource::<Tracked>();
    let (Some(tracked), Ok(entity)) = (
        tracked.filter(|tracked| tracked.cascades),
        world.get_entity(holder),
    ) else {
        return;
    };
    for number in tracked.numbers_in(entity) {
        let reach = tracked.get(number).reach;
        if reach.cascades() {
            reach.visit(world, holder, &mut |entity, policy| {
                if policy == Policy::Qdel {
                    visit(entity);
                }
            });
        }
    }
}
