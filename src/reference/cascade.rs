//! What is deleted with an entity, and what refuses its deletion.

use bevy_ecs::{
    entity::{Entity, EntityHashMap},
    resource::IsResource,
    world::World,
};
use bevy_platform::collections::hash_map::Entry;

use crate::{
    books::Books,
    hash::HashMap,
    liveness::{Liveness, LivenessExt},
    reference::{policy::OnLoss, tracked::Tracked, tracking::Reach},
};

/// A component that names an entity, with a policy other than to clear the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dependent {
    /// The entity of the component is deleted as well.
    Goes(Entity),
    /// The component refuses the deletion.
    Refuses(Denial),
}

/// A component that refuses to lose an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) target: Entity,
    pub(crate) holder: Entity,
    pub(crate) number: u32,
}

impl Denial {
    /// Returns the type name of the component that refuses.
    pub(crate) fn component(self, world: &World) -> &'static str {
        world.resource::<Tracked>().get(self.number).reach.name()
    }
}

/// The fields that refuse a loss. Each component is read once.
#[derive(Debug, Default)]
pub(crate) struct DenyingFields {
    /// By holder and number, and then by the entities that are named.
    read: HashMap<(Entity, u32), EntityHashMap<&'static str>>,
}

impl DenyingFields {
    /// Returns the first field that refuses, for `denial`.
    pub(crate) fn of(&mut self, world: &World, denial: Denial) -> &'static str {
        let Denial {
            target,
            holder,
            number,
        } = denial;
        let read = self.read.entry((holder, number)).or_insert_with(|| {
            let mut read = EntityHashMap::default();
            let reach = world.resource::<Tracked>().get(number).reach;
            reach.denying_fields(world, holder, &mut |entity, field| {
                read.entry(entity).or_insert(field);
            });
            read
        });
        read.get(&target).copied().unwrap_or_default()
    }
}

/// Returns `true` if losing an entity may delete more or be refused.
pub(crate) fn may_cascade(world: &World) -> bool {
    let tracked = world.get_resource::<Tracked>();
    tracked.is_some_and(|tracked| tracked.cascades)
}

/// The reactions of components whose policies go beyond clearing a field.
///
/// Each component is read at most twice, even if many of its targets are deleted.
#[derive(Debug, Default)]
pub(crate) struct Dependents {
    /// By holder and number. `None` if the component was read for one loss only.
    read: HashMap<(Entity, u32), Option<EntityHashMap<Reaction>>>,
}

impl Dependents {
    /// Calls `visit` for each living component that is linked to `target` and would delete more or
    /// refuse.
    pub(crate) fn for_each(
        &mut self,
        world: &World,
        target: Entity,
        mut visit: impl FnMut(Dependent),
    ) {
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
            let loss = match self.read.entry((holder, number)) {
                Entry::Vacant(unread) => {
                    unread.insert(None);
                    Reaction::of_one(world, reach, holder, target)
                }
                Entry::Occupied(read) => {
                    let read = read.into_mut();
                    let losses = read.get_or_insert_with(|| Reaction::of_all(world, reach, holder));
                    losses.get(&target).copied().unwrap_or_default()
                }
            };
            let is_resource = world.entity(holder).contains::<IsResource>();
            // A resource is not deleted. Its component is removed.
            if loss.goes && !is_resource {
                visit(Dependent::Goes(holder));
            }
            if loss.refuses {
                visit(Dependent::Refuses(Denial {
                    target,
                    holder,
                    number,
                }));
            }
        }
    }
}

/// The reaction of a component to the loss of an entity.
#[derive(Debug, Clone, Copy, Default)]
struct Reaction {
    goes: bool,
    refuses: bool,
}

impl Reaction {
    /// Reads the reaction of the component of `holder` to the loss of `target`.
    fn of_one(world: &World, reach: &dyn Reach, holder: Entity, target: Entity) -> Self {
        let mut loss = Self::default();
        reach.visit(world, holder, &mut |entity, policy| {
            if entity == target {
                loss.add(policy);
            }
        });
        loss
    }

    /// Reads the reactions of the component of `holder` to all losses.
    fn of_all(world: &World, reach: &dyn Reach, holder: Entity) -> EntityHashMap<Self> {
        let mut losses = EntityHashMap::<Self>::default();
        reach.visit(world, holder, &mut |entity, policy| {
            losses.entry(entity).or_default().add(policy);
        });
        losses
    }

    fn add(&mut self, policy: OnLoss) {
        self.goes |= policy == OnLoss::Qdel;
        self.refuses |= policy == OnLoss::Deny;
    }
}

/// Calls `visit` for each entity whose deletion deletes `holder` as well.
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
                if policy == OnLoss::Qdel {
                    visit(entity);
                }
            });
        }
    }
}
