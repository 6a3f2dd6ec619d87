//! What a release would do.

use bevy_ecs::{
    entity::{Entity, EntityHashMap, EntityHashSet},
    world::World,
};

use crate::{
    books::Books,
    hash::HashMap,
    liveness::{Liveness, LivenessExt},
    reference::{cascade::Denial, field_places::FieldPlace, policy::OnLoss, tracked::Tracked},
};

/// A declared reference that a deletion would release.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Release {
    /// The entity of the component that names the entity to be deleted.
    pub holder: Entity,
    /// The type name of the component.
    pub component: &'static str,
    /// The path of the place in the component: `.friends[3]`.
    pub path: String,
    /// What happens to the place.
    pub policy: OnLoss,
}

/// The places that name entities of a set. Each component is read once.
pub(crate) struct Places<'a> {
    world: &'a World,
    meant: EntityHashSet,
    /// By holder and number of the type, and then by the entities that are named.
    read: HashMap<(Entity, u32), EntityHashMap<Vec<FieldPlace>>>,
}

impl<'a> Places<'a> {
    /// Returns the places that name one of `meant`. None is read yet.
    pub(crate) fn of(world: &'a World, meant: EntityHashSet) -> Self {
        Self {
            world,
            meant,
            read: HashMap::default(),
        }
    }

    /// Returns all places that are linked to `target`, without those of entities that are being
    /// deleted.
    pub(crate) fn planned(&mut self, target: Entity) -> Vec<Release> {
        let world = self.world;
        let (Some(tracked), Some(books)) = (
            world.get_resource::<Tracked>(),
            world.get_resource::<Books>(),
        ) else {
            return Vec::new();
        };
        let mut planned = Vec::new();
        for (holder, number) in books.referrers(target) {
            if world.liveness(holder) != Liveness::Alive {
                continue;
            }
            let component = tracked.get(number).reach.name();
            for FieldPlace { path, policy, .. } in self.take(tracked, holder, number, target) {
                planned.push(Release {
                    holder,
                    component,
                    path,
                    policy,
                });
            }
        }
        planned
    }

    /// Returns the paths of all places that refuse: `.crew[1].0`.
    pub(crate) fn refusing(&mut self, denial: Denial) -> Vec<String> {
        let tracked = self.world.resource::<Tracked>();
        let places = self.take(tracked, denial.holder, denial.number, denial.target);
        let refusing = places
            .into_iter()
            .filter(|place| place.policy == OnLoss::Deny);
        refusing.map(|place| place.path).collect()
    }

    /// Removes and returns the places at which a component names `target`.
    fn take(
        &mut self,
        tracked: &Tracked,
        holder: Entity,
        number: u32,
        target: Entity,
    ) -> Vec<FieldPlace> {
        let read = self.read.entry((holder, number)).or_insert_with(|| {
            let reach = tracked.get(number).reach;
            let is_meant = &mut |entity| self.meant.contains(&entity);
            let mut read = EntityHashMap::<Vec<FieldPlace>>::default();
            for place in reach.places(self.world, holder, is_meant) {
                read.entry(place.entity).or_default().push(place);
            }
            read
        });
        read.remove(&target).unwrap_or_default()
    }
}
