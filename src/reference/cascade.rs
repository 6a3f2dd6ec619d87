//! What losing an entity takes along, and what forbids it.

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
    pub(crate) number: u32,
}

impl Denial {
    /// Returns the type name of the component that refuses.
    pub(crate) fn component(self, world: &World) -> &'static str {
        world.resource::<Tracked>().get(self.number).reach.name()
    }
}

/// The fields that refuse a loss, each component read once.
#[derive(Debug, Default)]
pub(crate) struct DenyingFields {
    /// By holder and number, and then by whom they name.
    read: HashMap<(Entity, u32), EntityHashMap<&'static str>>,
}

impl DenyingFields {
    /// Returns the first field that refuses what `denial` is about.
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

/// Returns `true` if losing any entity may delete more or be refused.
pub(crate) fn may_cascade(world: &World) -> bool {
    let tracked = world.get_resource::<Tracked>();
    tracked.is_some_and(|tracked| tracked.cascades)
}

/// What components that do not just let go make of their losses: it is read at most twice for each
/// component, however many of those that it names go.
#[derive(Debug, Default)]
pub(crate) struct Dependents {
    /// By holder and number; none where a component was read for one loss only.
    read: HashMap<(Entity, u32), Option<EntityHashMap<Reaction>>>,
}

impl Dependents {
    /// Calls `visit` for each living component that would not just let go of `target`, as far as is
    /// known.
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
            // A resource cannot go; its component does.
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

/// What a component makes of one loss.
#[derive(Debug, Clone, Copy, Default)]
struct Reaction {
    goes: bool,
    refuses: bool,
}

impl Reaction {
    /// Reads what the component of `holder` would make of the loss of `target`.
    fn of_one(world: &World, reach: &dyn Reach, holder: Entity, target: Entity) -> Self {
        let mut loss = Self::default();
        reach.visit(world, holder, &mut |entity, policy| {
            if entity == target {
                loss.add(policy);
            }
        });
        loss
    }

    /// Reads what the component of `holder` would make of any loss.
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
                if policy == OnLoss::Qdel {
                    visit(entity);
                }
            });
        }
    }
}
